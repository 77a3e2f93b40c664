"""Agent files: parsed into typed definitions with the source range of every field. This layer knows text only.

values        what the parsers return: definitions, spans, problems
nodes         YAML as nodes that know where they stand
frontmatter   YAML front matter, strict first, then line by line
reading       typed values out of nodes, with problems at their places
markdown      headings, fences, list items, code spans and comments, with offsets
scanner       the one pass over the lines that finds them
policy        tools, boundary and read-only state; fails closed
body          variables, references, checklist, rules, "do NOT modify"
commands      what an agent offers to do at a place
shape         JSON-like text as people and models write it
contract      the output example read as a shape, to JSON Schema, and its validation
dialects      names the dialects that are listed but not run yet
agentfile     the Aigentflow dialect, put together from the above
project       `.aigentflow/project.yaml`
project_file  the same as pydantic sees it
folders       agent files on disk
library       where agent files are found, which one shadows which, reload
lessons       a team's lessons ranked against a task
context       variables and references resolved under a size budget
wording       what every run is told in our own words
prompt        system prompt and first user message of a run
"""
