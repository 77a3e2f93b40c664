"""What reading an agent file yields. Spans are code-point offsets into the file's text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Severity = Literal["error", "warning", "info", "hint"]
Source = Literal["workspace", "user", "built-in"]
Place = Literal["file", "selection", "function", "method", "class", "todo", "gap", "workspace"]
PLACES: tuple[Place, ...] = ("file", "selection", "function", "method", "class", "todo", "gap", "workspace")


@dataclass(frozen=True)
class Span:
    """`[start, end)` in code points of the text."""

    start: int
    end: int


@dataclass(frozen=True)
class Problem:
    """Something wrong in a file that was read, at the place where it can be mended."""

    message: str
    span: Span
    severity: Severity = "warning"
    code: str = ""
    """Stable id such as `front-matter.type` or `reference.missing`."""


@dataclass(frozen=True)
class Section:
    """A heading with everything up to the next heading of the same or a higher level."""

    title: str
    level: int
    heading: Span
    body: Span


@dataclass(frozen=True)
class Variable:
    """A `$NAME` outside fences and inline code."""

    name: str
    span: Span


@dataclass(frozen=True)
class Reference:
    """An `@path` outside fences and inline code."""

    path: str
    kind: Literal["file", "directory", "glob"]
    span: Span


@dataclass(frozen=True)
class ChecklistItem:
    """One task-list item; `group` is the chain of headings above it."""

    text: str
    group: tuple[str, ...]
    span: Span
    check: str | None = None
    """Bound explicitly by `<!-- check: id -->` or `checks:`; alias matching is the checks layer's work."""


@dataclass(frozen=True)
class DenyEntry:
    """A glob that nobody but its owner changes."""

    pattern: str
    owner: str | None = None
    span: Span | None = None


@dataclass(frozen=True)
class AgentCommand:
    """Something an agent offers to do at a place (design page, section 5)."""

    id: str
    title: str
    task: str
    on: tuple[Place, ...]
    languages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """Empty: the boundary's allow list."""
    kind: str = "refactor.rewrite.aigentflow"
    result: Literal["edit", "report"] = "edit"
    ask: str | None = None


@dataclass(frozen=True)
class AgentDefinition:
    """A role defined by one agent file."""

    id: str
    description: str
    path: Path
    """Of the agent file, absolute."""
    source: Source
    dialect: str
    text: str
    """The whole file; spans point into it."""
    sha256: str
    """Of the file's bytes; trust is bound to it."""
    body: Span
    model: str | None = None
    """An alias or an id, as written."""
    tools: tuple[str, ...] = ()
    read_only: bool = False
    output_format: Literal["json", "text"] = "text"
    allow: tuple[str, ...] | None = None
    """`boundaries.allow` of the front matter; None where it says nothing."""
    deny: tuple[DenyEntry, ...] = ()
    """Front matter and the "do NOT modify" list of the body together."""
    sections: tuple[Section, ...] = ()
    variables: tuple[Variable, ...] = ()
    references: tuple[Reference, ...] = ()
    checklist: tuple[ChecklistItem, ...] = ()
    rules: tuple[str, ...] = ()
    contract: Mapping[str, Any] | None = None
    """JSON Schema of the final answer, the fields that the server fills left out; None: free text."""
    commands: tuple[AgentCommand, ...] = ()
    """As declared, or the two that an agent without `commands` gets."""
    spans: Mapping[str, Span] = field(default_factory=dict)
    """Front-matter fields by dotted name, such as `model`, `boundaries.allow`."""
    problems: tuple[Problem, ...] = ()
    runnable: bool = True
    shadowed_by: Path | None = None
