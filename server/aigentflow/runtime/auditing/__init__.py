"""What the agent says of its work, held against the record of the work; and what a proposal does to the project's own checks.

record        what a run's claims are compared with
evidence      the record as questions ask for it: added lines, commands of a kind
wording       words people use: passed, created, type check
phrases       paths, package names and numbers in what an agent writes
claims        each claim of a report beside its verdict
verifying     claims that something passed or ran
sentences     such claims in running text
filing        claims about files and lines
testing       claims about tests, their number and coverage
manifests     claims about dependencies
schema        claims about tables and migrations
symbols       claims about endpoints and exported names
programs      which check a command line runs
counting      tests and assertions of a file
weakening     places of a proposal that make tests or checks weaker
"""
