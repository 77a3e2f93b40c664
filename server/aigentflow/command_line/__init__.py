"""One module per subcommand; each has `main(options) -> exit code`.

opening   the workspace as every subcommand sees it: agents, project, trust, the person's configuration
output    JSON and lines on standard output
serve     the language server
run       one run, its request and how it is shown (run_request, run_output)
check     checklist gaps, and `fixing` that writes repairs
gaps      what runs need to know of them
agents    the agents and who may change a path
trust     what is trusted
journal   past runs
doctor    what works here
demo      the main job on the bundled sample workspace
"""
