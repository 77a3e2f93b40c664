"""The project file `.aigentflow/project.yaml`. A bad value costs that value only; a boundary that is not understood fails closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from aigentflow.definitions.frontmatter import LARGEST, read_fields
from aigentflow.definitions.nodes import Fields, Items, Node, Scalar
from aigentflow.definitions.reading import Reader
from aigentflow.definitions.values import Problem, Span

PROJECT_FILE = ".aigentflow/project.yaml"
"""Workspace-relative."""

Verification = Literal["typecheck", "tests", "lint"]
_FIELDS = ("phase", "plan", "lessons", "boundaries", "verification", "tenant_helpers")


@dataclass(frozen=True)
class ProjectBoundary:
    """What the project says one agent may change; `allow` is None where it says nothing."""

    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()


@dataclass(frozen=True)
class Project:
    """What the project file says; paths are workspace-relative."""

    phase: str | None = None
    plan: str | None = None
    """Path of the plan file."""
    lessons: str | None = None
    """Path of the lessons file."""
    boundaries: Mapping[str, ProjectBoundary] = field(default_factory=dict)
    """By agent id."""
    verification: Mapping[Verification, str] = field(default_factory=dict)
    """Commands by what they verify."""
    tenant_helpers: tuple[str, ...] = ()
    """Names of functions whose callback runs inside one tenant."""


class NothingAllowed(Mapping[str, ProjectBoundary]):
    """Boundaries of a file whose `boundaries` cannot be understood: every agent may change nothing."""

    def __getitem__(self, agent_id: str) -> ProjectBoundary:
        return ProjectBoundary(allow=())

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, agent_id: object) -> bool:
        return True


def parse_project(text: str) -> tuple[Project, tuple[Problem, ...]]:
    """Return what the text says, and what is wrong with it at the places where it stands."""
    reader = Reader()
    if len(text) > LARGEST:
        reader.problem("The project file is too large and was not read", Span(0, 1), "error", "project.size")
        return Project(boundaries=NothingAllowed()), tuple(reader.problems)
    start = 1 if text.startswith("\ufeff") else 0
    fields, problems = read_fields(text, Span(start, len(text)), _FIELDS)
    for entry, _meant in reader.unknown_keys(fields, _FIELDS):
        if _meant == "boundaries" and fields.get("boundaries") is None:
            problem = Problem("No agent may change anything until this is mended", entry.key.span, "error", "restriction.unclear")
            return Project(boundaries=NothingAllowed()), (*problems, *reader.problems, problem)
    reader.repeated_keys(fields)
    values = {entry.key.text: _plain(entry.value) for entry in fields.entries if entry.key.text in _FIELDS}
    values = {name: value for name, value in values.items() if value is not None or name == "boundaries"}
    project = _project(values, fields, reader)
    return project, (*problems, *reader.problems)


def _project(values: dict[str, Any], fields: Fields, reader: Reader) -> Project:
    from aigentflow.definitions.project_file import ProjectFile, faults

    closed: dict[str, ProjectBoundary] = {}
    all_closed = False
    for path, message in faults(values):
        span = _span_at(fields, path)
        if path[0] == "boundaries":
            # What an agent may change is not guessed from the half that was understood.
            reader.problem(f"{_dotted(path)}: {message}; nothing may be changed until this is mended", span, "error", "restriction.unclear")
            if len(path) == 1:
                all_closed = True
            else:
                closed[str(path[1])] = ProjectBoundary(allow=())
                values["boundaries"].pop(path[1], None)
                continue
        else:
            reader.problem(f"{_dotted(path)}: {message}; it is left out", span, code="project.type")
        _drop(values, path)
    file = ProjectFile.model_validate(values)
    stated = {agent: ProjectBoundary(entry.allow, entry.deny) for agent, entry in file.boundaries.items()}
    return Project(
        phase=file.phase,
        plan=file.plan,
        lessons=file.lessons,
        boundaries=NothingAllowed() if all_closed else MappingProxyType(stated | closed),
        verification=MappingProxyType(dict(file.verification)),
        tenant_helpers=file.tenant_helpers,
    )


def _plain(node: Node) -> Any:
    """Return the node as plain values; every scalar stays a text, so that no date or flag slips in."""
    match node:
        case Fields():
            return {entry.key.text: _plain(entry.value) for entry in node.entries}
        case Items():
            return [_plain(item) for item in node.items]
        case Scalar():
            return None if node.is_empty else node.text


def _drop(values: dict[str, Any], path: tuple[str | int, ...]) -> None:
    """Take out the innermost mapping entry on the path; a list with a bad item goes as a whole."""
    inner: Any = values
    for step, following in zip(path, (*path[1:], None), strict=True):
        if not isinstance(inner, dict) or step not in inner:
            return
        if following is None or not isinstance(inner[step], dict) or following not in inner[step]:
            del inner[step]
            return
        inner = inner[step]


def _span_at(fields: Fields, path: tuple[str | int, ...]) -> Span:
    node: Node = fields
    span = fields.span
    for step in path:
        if isinstance(node, Fields) and (entry := node.get(str(step))) is not None:
            span = entry.value.span if entry.value.span.end > entry.value.span.start else entry.key.span
            node = entry.value
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            span = node.span
    return span


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(str(step) for step in path if not isinstance(step, int))[:120]
