"""How a proposal stands now, in frozen values and in words."""

from __future__ import annotations

from collections.abc import Sequence

from aigentflow.errors import PathError
from aigentflow.lsp.delivery.rebase import live_spans
from aigentflow.lsp.delivery.state import UNDECIDED, FileState, FileView, HunkView, Item, ReviewView
from aigentflow.lsp.delivery.tree import Tree

_NAMED = 5
"""How many names a message lists before it only counts."""

Spans = dict[str, tuple[int, int]]


class Viewer:
    """Makes views; where hunks stand is computed once for each text."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._spans: dict[str, tuple[str, frozenset[str], Spans]] = {}

    def view(self, run: str, agent: str, files: Sequence[FileState]) -> ReviewView:
        """Return the whole proposal as it stands now."""
        return ReviewView(run, agent, tuple(self._file(file) for file in files))

    def _file(self, file: FileState) -> FileView:
        change = file.change
        return FileView(change.path, change.kind, change.from_path, tuple(self._hunk(file, item) for item in file.items.values()))

    def _hunk(self, file: FileState, item: Item) -> HunkView:
        document = self._tree.document(file.place)
        start, end = self._span(file, item) if document is not None else (None, None)
        return HunkView(
            id=item.id,
            path=file.change.path,
            kind=item.kind,
            status=item.status,
            reason=item.reason,
            uri=None if document is None else document.uri,
            start=start,
            end=end,
            old=item.hunk.old if item.hunk is not None else file.base if item.kind == "delete" else "",
            new=item.hunk.edit.new if item.hunk is not None else "",
            ours=item.conflict.ours if item.conflict is not None else None,
            theirs=item.conflict.theirs if item.conflict is not None else None,
        )

    def _span(self, file: FileState, item: Item) -> tuple[int | None, int | None]:
        document = self._tree.document(file.place)
        if document is None:
            return None, None
        if item.kind != "hunk":
            return 0, 0
        cached = self._spans.get(file.change.path)
        if cached is None or cached[0] is not document.text or cached[1] != file.taken:
            spans = live_spans(file.base, file.hunks, file.taken, document.text)
            cached = self._spans[file.change.path] = (document.text, file.taken, spans)
        return cached[2][item.id]


def summary(run: str, files: Sequence[FileState], tree: Tree) -> str:
    """Return what is changed and not saved, and what waits and why."""
    unsaved = [file.place for file in files if file.touched and _unsaved(file, tree)]
    waiting: dict[str, list[str]] = {}
    for file in files:
        for item in file.items.values():
            if item.status in UNDECIDED:
                names = waiting.setdefault(item.reason or "waits for you", [])
                if file.change.path not in names:
                    names.append(file.change.path)
    parts = [f"Changed and not saved: {_listed(unsaved)}."] if unsaved else []
    parts += [f"Waiting: {_listed(names)} ({reason})." for reason, names in waiting.items()]
    return " ".join(parts)


def _unsaved(file: FileState, tree: Tree) -> bool:
    document = tree.document(file.place)
    if document is None:
        return False
    try:
        return document.text != tree.saved(file.place)
    except PathError:
        return True


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
