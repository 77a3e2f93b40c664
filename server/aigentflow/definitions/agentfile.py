"""The Aigentflow dialect: front matter with `agent:` over a Markdown body. Reading never fails; what is wrong becomes a problem."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from aigentflow.definitions import body as bodies
from aigentflow.definitions.commands import read_commands
from aigentflow.definitions.contract import schema_from_example
from aigentflow.definitions.dialects import FOREIGN_FIELDS, foreign_agent, is_native
from aigentflow.definitions.frontmatter import FrontMatter, read_front_matter
from aigentflow.definitions.markdown import Markdown
from aigentflow.definitions.nodes import Entry, Fields, Scalar
from aigentflow.definitions.policy import FOREIGN_RESTRICTIONS, read_policy
from aigentflow.definitions.reading import Reader, place_of
from aigentflow.definitions.scanner import scan
from aigentflow.definitions.values import AgentDefinition, ChecklistItem, DenyEntry, Problem, Source, Span

LARGEST = 256 * 1024
"""Code points of an agent file that is still read."""

FIELDS = (
    *("agent", "description", "model", "tools", "output_format", "read_only", "boundaries", "commands", "checks"),
    *("disallowedTools", "permissionMode"),
)
_KEYS = (
    *FIELDS,
    *FOREIGN_RESTRICTIONS,
    *("name", "color", "mode", "skills", "memory", "hooks", "maxTurns", "handoffs", "target", "argument-hint"),
    *("globs", "alwaysApply", "applyTo", "temperature", "mcpServers", "mcp-servers", "isolation", "effort", "user-invocable"),
)
"""What the line-by-line reading of a broken front matter believes in."""
_ID = re.compile(r"[A-Za-z_][\w.-]{0,63}\Z")


def parse_agent(text: str, path: Path, source: Source) -> AgentDefinition:
    """Return the definition that the text holds; everything that is wrong with it is in `problems`."""
    if len(text) > LARGEST:
        problem = Problem("The file is too large for an agent file and was not read", Span(0, 1), "error", "file.size")
        return unreadable(path, source, problem, text[:1])
    front = read_front_matter(text, _KEYS)
    if not is_native(front):
        return foreign_agent(text, path, source, front, _sha256(text))
    return _Reading(text, path, source, front).definition()


def unreadable(path: Path, source: Source, problem: Problem, text: str = "", sha256: str = "") -> AgentDefinition:
    """Return the definition of a file that cannot be read: listed, not runnable, read-only."""
    span = Span(0, len(text))
    return AgentDefinition(
        id=path.stem or "agent",
        description="",
        path=path,
        source=source,
        dialect="aigentflow",
        text=text,
        sha256=sha256 or _sha256(text),
        body=span,
        read_only=True,
        allow=(),
        problems=(problem,),
        runnable=False,
    )


class _Reading:
    """Reads one file; the parts share the reader that collects the problems."""

    def __init__(self, text: str, path: Path, source: Source, front: FrontMatter) -> None:
        self._text = text
        self._path = path
        self._source: Source = source
        self._front = front
        self._fields = front.fields
        self._reader = Reader()
        self._markdown: Markdown = scan(text, front.body)

    def definition(self) -> AgentDefinition:
        reader, fields, markdown = self._reader, self._fields, self._markdown
        misspelt = reader.unknown_keys(fields, FIELDS, FOREIGN_FIELDS | FOREIGN_RESTRICTIONS)
        policy = read_policy(fields, reader, misspelt, reader.repeated_keys(fields))
        identity, runnable = self._identity()
        forbidden, unclear = bodies.forbidden_of(markdown)
        checklist = self._bound(bodies.checklist_of(markdown))
        output_format, contract = self._output()
        return AgentDefinition(
            id=identity,
            description=reader.string(fields.get("description")) or "",
            path=self._path,
            source=self._source,
            dialect="aigentflow",
            text=self._text,
            sha256=_sha256(self._text),
            body=self._front.body,
            model=reader.string(fields.get("model")),
            tools=policy.tools,
            read_only=policy.read_only,
            output_format=output_format,
            allow=policy.allow,
            deny=_joined(policy.deny, forbidden),
            sections=markdown.sections,
            variables=bodies.variables_of(markdown),
            references=bodies.references_of(markdown),
            checklist=checklist,
            rules=bodies.rules_of(markdown),
            contract=contract,
            commands=read_commands(fields.get("commands"), identity, reader, has_checklist=bool(checklist)),
            spans=MappingProxyType(_spans(fields) | policy.spans),
            problems=(*self._front.problems, *reader.problems, *unclear),
            runnable=runnable,
        )

    def _identity(self) -> tuple[str, bool]:
        name = self._reader.string(self._fields.get("agent"), severity="error")
        if name is not None and _ID.match(name):
            return name, True
        if name is not None:
            entry = self._fields.get("agent")
            assert entry is not None
            message = f"{name[:80]!r} cannot name an agent: letters, digits, `_`, `-` and `.`, a letter first"
            self._reader.problem(message, place_of(entry), "error", "agent.name")
        return self._path.stem or "agent", False

    def _output(self) -> tuple[Literal["json", "text"], Mapping[str, Any] | None]:
        entry = self._fields.get("output_format")
        word = self._reader.string(entry)
        if entry is None or word is None or word.lower() == "text":
            return "text", None
        if word.lower() != "json":
            self._reader.problem(f"'output_format' is 'json' or 'text', not {word[:40]!r}", place_of(entry))
            return "text", None
        fence = bodies.contract_fence(self._markdown)
        if fence is None:
            self._reader.problem("No JSON example in the body shows the shape of the answer", place_of(entry), "info", "contract.missing")
            return "json", None
        schema, problems = schema_from_example(self._text[fence.content.start : fence.content.end])
        for problem in problems:
            span = Span(problem.span.start + fence.content.start, problem.span.end + fence.content.start)
            self._reader.problem(problem.message, span, problem.severity, problem.code)
        return "json", schema

    def _bound(self, items: tuple[ChecklistItem, ...]) -> tuple[ChecklistItem, ...]:
        """Return the items with the checks that `checks:` of the front matter binds to them."""
        entry = self._fields.get("checks")
        if entry is None:
            return items
        if not isinstance(entry.value, Fields):
            self._reader.problem("'checks' has to map item texts to check ids", place_of(entry))
            return items
        checks: dict[str, str] = {}
        known = {_normal(item.text) for item in items}
        for inner in entry.value.entries:
            self._bind(inner, known, checks)
        return tuple(item if item.check else replace(item, check=checks.get(_normal(item.text))) for item in items)

    def _bind(self, entry: Entry, known: set[str], checks: dict[str, str]) -> None:
        words = _normal(entry.key.text)
        if words not in known:
            self._reader.problem(f"No checklist item reads {entry.key.text[:80]!r}", entry.key.span, code="checks.unknown")
        elif isinstance(entry.value, Scalar) and re.fullmatch(r"[A-Za-z][\w-]{0,63}", entry.value.text):
            checks[words] = entry.value.text
        else:
            self._reader.problem("A check is named by its id, such as `unit-tests`", place_of(entry))


def _spans(fields: Fields) -> dict[str, Span]:
    return {entry.key.text: place_of(entry) for entry in fields.entries if entry.key.text}


def _joined(*lists: tuple[DenyEntry, ...]) -> tuple[DenyEntry, ...]:
    """Return the entries of all lists; for one pattern that stands there twice, the one that names its owner."""
    found: dict[str, DenyEntry] = {}
    for entry in (entry for entries in lists for entry in entries):
        if entry.pattern not in found or found[entry.pattern].owner is None:
            found[entry.pattern] = entry
    return tuple(found.values())


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
