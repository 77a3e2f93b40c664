"""Checklists judged against real code; knows text and agent definitions, no protocol.

findings      what a check found, as values
checklist     the built-in checks as data, and which item of a checklist means which check
source        one file as detectors see it: imports, classes, calls, throws, by top-level declaration
declarations  classes, methods, parameters and decorators of a tree
packages      package manifests, and what a path says about a file
records       what one file contributes to the project, as plain values
reading       reads those records from a file
facts         the project's facts, kept by file
engine        runs the detectors over one file
detectors/    one file per check
fixes         the repairs that need no model
report        a whole workspace against its checklists
forms         that report as JSON, text, SARIF and GitHub annotations
"""
