"""What the agent says of its work, held against the record of the work; and what a proposal does to the project's own checks.

record              what a run's claims are compared with
evidence            the record as questions ask for it: added lines, commands of a kind
wording             words people use: passed, failed, type check
phrases             paths, actions and numbers in what an agent writes
claims              each claim of a report beside its verdict
verifying           what the record says of a check that is said to have passed or run
outcomes            fields of a report that say how a check ended
sentences           running text that says so
filing              claims about files and lines
testing             claims about tests and their number
manifests           claims about dependencies
schema              claims about tables and migrations
symbols             claims about endpoints and exported names
programs            which checks a command line runs
counting            the tests of a file
masking             a text without its comments and strings

weakening           places of a proposal that make tests or checks weaker
shifts              one file's change for that guard, and what moved between files
tests_weakened      tests gone, skipped or emptied
assertions          the assertions of a test file and how strict they are
assertions_weakened assertions gone or looser
snapshots           stored snapshots rewritten
suppressed          remarks that switch a checker off
settings_files      reading settings in any notation
types_loosened      compiler settings
lint_loosened       linter settings
runs_loosened       test runner, coverage and Python checker settings
scripts_weakened    scripts, CI steps, make targets
"""
