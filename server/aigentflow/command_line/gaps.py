"""Checklist gaps as the command line needs them: of one file before a run, and of the touched files before and after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from aigentflow.checks.checklist import bind, built_in_catalogue
from aigentflow.checks.engine import Finding, check_file, is_checked
from aigentflow.checks.facts import ProjectFacts
from aigentflow.errors import PathError
from aigentflow.workspace.lines import LineIndex
from aigentflow.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from aigentflow.command_line.opening import Workspace
    from aigentflow.definitions.values import AgentDefinition
    from aigentflow.workspace.proposal import FileChange


class DiskView:
    """What the checks see: the files of a workspace, some of them replaced or (None) taken away."""

    def __init__(self, root: Path, instead: Mapping[str, str | None] | None = None) -> None:
        self._snapshot = Snapshot(root)
        self._instead = dict(instead or {})

    def read(self, path: str) -> str | None:
        """Return the text of a file; None where there is none or it is no text."""
        if path in self._instead:
            return self._instead[path]
        try:
            return self._snapshot.peek(path).text
        except PathError:
            return None

    def paths(self, under: str) -> Iterable[str]:
        """Yield the files below a folder (empty: all), ignored ones left out."""
        prefix = f"{under}/" if under else ""
        for path in self._snapshot.paths(under):
            if path not in self._instead:
                yield path
        for path, text in sorted(self._instead.items()):
            if text is not None and path.startswith(prefix):
                yield path


def checks_of(agent: AgentDefinition) -> frozenset[str]:
    """Return the checks that the agent's checklist is bound to."""
    return frozenset(bound.check for bound in bind(agent, built_in_catalogue()) if bound.check is not None)


def file_gaps(workspace: Workspace, agent: AgentDefinition, path: str) -> Iterator[tuple[int, Finding]]:
    """Yield the gaps of one file with their 1-based lines."""
    checks = checks_of(agent)
    view = DiskView(workspace.root)
    text = view.read(path)
    if text is None or not checks or not is_checked(path):
        return
    index = LineIndex(text)
    for finding in check_file(path, text, checks, ProjectFacts(view, workspace.project.tenant_helpers)):
        yield index.line_of(finding.start) + 1, finding


def counted(workspace: Workspace, agent: AgentDefinition, changes: Iterable[FileChange]) -> tuple[int, int] | None:
    """Return the number of gaps of the changed files before and after; None where no check decides any item."""
    checks = checks_of(agent)
    before: dict[str, str | None] = {}
    after: dict[str, str | None] = {}
    for change in changes:
        if change.base is not None:
            before[change.from_path or change.path] = change.base.text
        after[change.path] = change.after
        if change.from_path is not None:
            after[change.from_path] = None
    if not checks or not after:
        return None
    return _count(workspace, checks, {path: before.get(path) for path in {*before, *after}}), _count(workspace, checks, after)


def _count(workspace: Workspace, checks: frozenset[str], texts: Mapping[str, str | None]) -> int:
    facts = ProjectFacts(DiskView(workspace.root, texts), workspace.project.tenant_helpers)
    return sum(len(check_file(path, text, checks, facts)) for path, text in texts.items() if text is not None)
