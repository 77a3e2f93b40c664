"""What checks see of a workspace on the command line, and the gaps of the file that a run is asked on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


class DiskView:
    """The files of a workspace as they lie on disk."""

    def __init__(self, root: Path) -> None:
        self._snapshot = Snapshot(root)

    def read(self, path: str) -> str | None:
        """Return the text of a file; None where there is none or it is no text."""
        try:
            return self._snapshot.peek(path).text
        except PathError:
            return None

    def paths(self, under: str) -> Iterable[str]:
        """Return the files below a folder (empty: all), ignored ones left out."""
        return self._snapshot.paths(under)


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
    for finding in check_file(path, text, checks, ProjectFacts(view)):
        yield index.line_of(finding.start) + 1, finding
