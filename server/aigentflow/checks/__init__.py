"""Checklists judged against real code; knows text and agent definitions, no protocol.

findings      what a check found, as values
checklist     the built-in checks as data, and which item of a checklist means which check
source        one file as checks see it: imports, classes, calls, throws
units         a file taken apart into what is judged on its own
remembering   what came of those units, kept while somebody types
declarations  classes, methods, parameters and decorators of a tree
packages      package manifests, and what a path says about a file
services      which classes are services
events        what emits and what writes
routing       endpoints
records       what one file contributes to the project, as plain values
testreading   what a test file does with the product
reading       reads those records from a file
matching      which endpoint answers a request
project       what follows from the records of all files
facts         keeps the records, file by file
workers       reads the records of a whole tree in a process of its own
detectors/    one file per check
engine        runs the detectors over one file
wording       codes and summaries for repairs
imports       adds names to imports
fixes         the repairs that need no model
territory     where an agent's checklist applies
judging       a whole workspace against its checklists
report        what came of it, as JSON, text, SARIF and GitHub annotations
"""
