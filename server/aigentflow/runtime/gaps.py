"""Gaps before and after a run, in the files that it touched or was asked about."""

from __future__ import annotations

from collections.abc import Iterable

from aigentflow.errors import PathError
from aigentflow.runtime.context import Context
from aigentflow.runtime.result import GapCountPart
from aigentflow.workspace.overlay import Overlay


class _Before:
    """The workspace as the run found it."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay

    def read(self, path: str) -> str | None:
        """Return the text of the snapshot, None where there is none that may be read."""
        if not self._overlay.boundary.may_read(path).allowed:
            return None
        try:
            return self._overlay.snapshot.peek(path).text
        except PathError:
            return None

    def paths(self, under: str) -> Iterable[str]:
        """Return the files below a folder."""
        return self._overlay.snapshot.paths(under)


class _After:
    """The workspace as the run proposes it."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay

    def read(self, path: str) -> str | None:
        """Return the proposed text, None where there is none that may be read."""
        try:
            return self._overlay.peek(path)
        except PathError:
            return None

    def paths(self, under: str) -> Iterable[str]:
        """Return the files below a folder."""
        return self._overlay.paths(under)


def count_gaps(context: Context) -> GapCountPart:
    """Return how many gaps of the agent's checklist there were and are; empty counts where it has no check."""
    from aigentflow.checks.checklist import bind, built_in_catalogue
    from aigentflow.checks.engine import check_file

    checks = {bound.check for bound in bind(context.definition, built_in_catalogue()) if bound.check is not None}
    paths = {*context.overlay.changed, *(gap.path for gap in context.request.gaps)}
    if context.request.file is not None:
        paths.add(context.request.file)
    if not checks or not paths:
        return GapCountPart()
    counts = []
    for view in (_Before(context.overlay), _After(context.overlay)):
        texts = {path: view.read(path) for path in sorted(paths)}
        counts.append(sum(len(check_file(path, text, checks, view)) for path, text in texts.items() if text is not None))
    return GapCountPart(before=counts[0], after=counts[1])
