"""Code actions for the parts of a proposal that wait for the person: accept, reject, all or one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lsprotocol import types as t

from aigentflow.lsp.delivery.state import UNDECIDED, HunkView

if TYPE_CHECKING:
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.features.review import Review

_WORDS = {"hunk": "this change", "create": "the new file", "delete": "the deletion", "rename": "the rename"}


def pending_actions(review: Review, title: str, document: Document, start: int, end: int, *, can_apply: bool) -> Iterator[t.CodeAction]:
    """Yield what can be decided at `[start, end]` (code points) of a document, then what can be decided for the whole proposal."""
    view = review.state()
    undecided = view.undecided
    if not undecided:
        return
    first, last = document.index.line_of(start), document.index.line_of(end)
    here = [hunk for hunk in undecided if hunk.uri == document.uri and _stands_on(document, hunk, first, last)]
    for hunk in (*here, *(hunk for hunk in undecided if hunk.uri is None)):
        yield from _one(review, view.run, hunk, can_apply=can_apply)
    count = sum(hunk.status in UNDECIDED for hunk in view.hunks)
    if can_apply and count > 1:
        yield _command(f"Accept all {count} pending changes: {title}", "aigentflow.accept", {"run": view.run})
    yield _command(f"Reject all {count} pending changes: {title}", "aigentflow.reject", {"run": view.run})


def _stands_on(document: Document, hunk: HunkView, first: int, last: int) -> bool:
    if hunk.start is None or hunk.end is None:
        return False
    return document.index.line_of(hunk.start) <= last and document.index.line_of(hunk.end) >= first


def _one(review: Review, run: str, hunk: HunkView, *, can_apply: bool) -> Iterator[t.CodeAction]:
    what = f"{_WORDS[hunk.kind]} in {hunk.path}" if hunk.kind == "hunk" else f"{_WORDS[hunk.kind]} of {hunk.path}"
    if hunk.kind == "create":
        what = f"the new file {hunk.path}"
    reason = f" ({hunk.reason})" if hunk.reason else ""
    argument = {"run": run, "path": hunk.path, "hunk": hunk.id}
    if can_apply:
        yield _command(f"Accept {what}{reason}", "aigentflow.accept", argument)
    elif (edit := review.literal_edit(hunk.id)) is not None:
        yield t.CodeAction(title=f"Accept {what}", kind="source.aigentflow", edit=edit)
    yield _command(f"Reject {what}", "aigentflow.reject", argument)


def _command(title: str, command: str, argument: dict[str, Any]) -> t.CodeAction:
    return t.CodeAction(title=title, kind="source.aigentflow", command=t.Command(title=title, command=command, arguments=[argument]))
