"""Names the other kinds of agent files. They are listed with their dialect and not run yet."""

from __future__ import annotations

import re
from pathlib import Path

from aigentflow.definitions.frontmatter import FrontMatter, read_front_matter
from aigentflow.definitions.nodes import Fields, Scalar
from aigentflow.definitions.policy import tool_names
from aigentflow.definitions.reading import place_of
from aigentflow.definitions.values import AgentDefinition, Problem, Source, Span

FOREIGN_FIELDS = frozenset(
    (
        *("name", "color", "mode", "temperature", "top_p", "prompt", "permission", "maxSteps", "steps", "disable", "hidden", "kind"),
        *("maxTurns", "max_turns", "skills", "mcpServers", "mcp-servers", "hooks", "memory", "background", "effort", "isolation"),
        *("initialPrompt", "argument-hint", "allowed-tools", "when_to_use", "user-invocable", "user-invokable", "context", "paths"),
        *("disable-model-invocation", "handoffs", "agents", "target", "metadata", "infer", "timeout_mins", "globs", "alwaysApply"),
        *("applyTo", "version", "title", "author", "tags", "category", "license", "date", "type"),
    )
)
"""Fields of other dialects: no misspellings of ours, and never executed."""

_FOLDERS = (
    (re.compile(r"/\.claude/agents/"), "claude-code"),
    (re.compile(r"/\.github/(?:agents|chatmodes)/"), "copilot"),
    (re.compile(r"/\.opencode/agents?/"), "opencode"),
    (re.compile(r"/\.gemini/agents/"), "gemini"),
)
_EVERYTHING_BY_DEFAULT = frozenset({"claude-code", "copilot"})
"""Dialects in which an agent that lists no tools has all of them."""
_DOCUMENTS = frozenset({"readme", "index", "changelog", "license", "contributing", "agents", "claude", "template"})


def is_native(front: FrontMatter) -> bool:
    """Whether the front matter belongs to the Aigentflow dialect."""
    return front.fields.get("agent") is not None


def is_document(path: Path, text: str) -> bool:
    """Whether the file only explains the folder it lies in."""
    return path.stem.lower() in _DOCUMENTS and not read_front_matter(text, ()).present


def dialect_of(path: Path, fields: Fields) -> str:
    """Return the dialect that the file's fields or its place speak for; `plain` where neither does."""
    names = {entry.key.text for entry in fields.entries}
    tools = fields.get("tools")
    if path.name.endswith((".agent.md", ".chatmode.md")) or names & {"handoffs", "target", "user-invocable", "mcp-servers"}:
        return "copilot"
    mode = fields.get("mode")
    if (mode and isinstance(mode.value, Scalar) and mode.value.text in ("primary", "subagent", "all")) or names & {
        "permission",
        "maxSteps",
    }:
        return "opencode"
    if tools is not None and isinstance(tools.value, Fields):
        return "opencode"
    if names & {"max_turns", "timeout_mins"} or (names >= {"kind", "name"}):
        return "gemini"
    place = path.as_posix()
    for pattern, dialect in _FOLDERS:
        if pattern.search(place):
            return dialect
    return "claude-code" if names >= {"name", "description"} else "plain"


def foreign_agent(text: str, path: Path, source: Source, front: FrontMatter, sha256: str) -> AgentDefinition:
    """Return the definition of a file without `agent:`: listed with its dialect, not runnable."""
    dialect = dialect_of(path, front.fields)
    name = _text(front.fields, "name") or re.sub(r"\.(?:agent|chatmode)\Z", "", path.stem) or "agent"
    head = front.fields.entries[0].key.span if front.fields.entries else Span(0, min(1, len(text)))
    message = f"An agent file of the dialect {dialect!r} (no `agent:`): read in a later version"
    return AgentDefinition(
        id=" ".join(name.split())[:100],
        description=_text(front.fields, "description") or "",
        path=path,
        source=source,
        dialect=dialect,
        text=text,
        sha256=sha256,
        body=front.body,
        model=_text(front.fields, "model"),
        tools=_tools(front.fields, dialect),
        read_only=True,
        spans={entry.key.text: place_of(entry) for entry in front.fields.entries if entry.key.text},
        problems=(*front.problems, Problem(message, head, "info", "dialect.later")),
        runnable=False,
    )


def _tools(fields: Fields, dialect: str) -> tuple[str, ...]:
    entry = fields.get("tools")
    if entry is None:
        return ("*",) if dialect in _EVERYTHING_BY_DEFAULT else ()
    return tool_names(entry.value) or ()


def _text(fields: Fields, name: str) -> str | None:
    entry = fields.get(name)
    return entry.value.text if entry and isinstance(entry.value, Scalar) and not entry.value.is_empty else None
