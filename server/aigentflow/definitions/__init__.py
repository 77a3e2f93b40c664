"""Agent files: parsed into typed definitions with the source range of every field. This layer knows text only.

values       what the parsers return: definitions, spans, problems
frontmatter  YAML front matter, strict first, then line by line
agentfile    the Aigentflow dialect
dialects     names the dialects that are listed but not run yet
contract     the output example read as a shape, to JSON Schema, and its validation
project      `.aigentflow/project.yaml`
library      where agent files are found, which one shadows which, reload
context      variables and references resolved under a size budget
prompt       system prompt and first user message of a run
"""
