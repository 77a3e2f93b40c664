"""Sends pieces, listens for their echo, repairs what landed at a wrong place and sends again what was refused as stale.

Nothing is sent twice unless the client compares versions or has said that it did not apply the first one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types as t

from aigentflow.lsp.client import Applied
from aigentflow.lsp.delivery.batches import Entry, annotation_for, groups, text_entry, workspace_edit
from aigentflow.lsp.delivery.clock import Clock
from aigentflow.lsp.delivery.echo import Sent, has_traces
from aigentflow.lsp.delivery.pieces import Operation, Outcome, Piece
from aigentflow.lsp.delivery.watch import Watch
from aigentflow.workspace.proposal import TextEdit

if TYPE_CHECKING:
    from aigentflow.lsp.client import EditorClient
    from aigentflow.lsp.documents import Document, Documents

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Patience:
    """How long is waited for what, in seconds, and how often something is tried."""

    answer: float = 15.0
    """For the answer to an edit that the person need not confirm."""
    echo: float = 2.0
    """For the next text after an edit was called applied; editors send changes late by up to a second."""
    refusal: float = 0.6
    """For the newer text that made the client refuse an edit."""
    quiet: float = 0.25
    """Without a keystroke before something is sent once more, at most `echo` long."""
    tries: int = 5


class Sender:
    """Brings pieces into the editor's buffers."""

    def __init__(self, documents: Documents, client: EditorClient, clock: Clock, patience: Patience) -> None:
        self._documents = documents
        self._client = client
        self._clock = clock
        self._patience = patience
        self._unanswered: set[asyncio.Task[Any]] = set()

    async def send(self, pieces: Sequence[Piece], label: str, *, confirm: bool = False) -> None:
        """Send all pieces and set the outcome of each."""
        for group in groups(pieces, self._client.capabilities):
            await self._bring(group, label, confirm=confirm)

    async def _bring(self, group: Sequence[Piece], label: str, *, confirm: bool) -> None:
        while waiting := [piece for piece in group if piece.outcome is None]:
            explained = await self._round(waiting, label, confirm=confirm)
            if explained:
                continue
            for piece in waiting:
                await self._bring([piece], label, confirm=False)

    async def show(self, path: str, uri: str) -> None:
        """Open a document in front of the person and wait until the client tells of it."""
        with Watch(self._documents, path) as watch:
            shown = await self._within(self._client.show_document(uri), self._patience.answer)
            if shown and not watch.heard:
                await self._clock.wait(watch.event, self._patience.echo)

    def close(self) -> None:
        """Stop waiting for answers."""
        for task in tuple(self._unanswered):
            task.cancel()

    async def _round(self, pieces: Sequence[Piece], label: str, *, confirm: bool) -> bool:
        """Send once; False where the client refused several pieces together and no newer text says why."""
        for piece in pieces:
            await self._settle_down(piece)
            if not await self._prime(piece):
                piece.outcome = Outcome("refused", "the editor does not tell which version of the text it has")
        entries: list[Entry] = []
        sent: list[Piece] = []
        for piece in pieces:
            written = piece.write(self._documents.encoding, annotation_for(self._client.capabilities)) if piece.outcome is None else []
            if written:
                entries += written
                sent.append(piece)
        if not entries:
            return True
        with ExitStack() as stack:
            watches = [(piece, stack.enter_context(Watch(self._documents, piece.path, piece.hear))) for piece in sent]
            edit = workspace_edit(entries, self._client.capabilities, label, confirm=confirm)
            answer = await self._ask(edit, label, None if confirm else self._patience.answer)
            counts = [watch.heard for _, watch in watches]
            deadline = self._clock.now() + (self._patience.refusal if answer.applied is False else self._patience.echo)
            for (piece, watch), heard in zip(watches, counts, strict=True):
                await self._listen(piece, watch, answer, heard, deadline)
                if piece.outcome is None and not piece.repairing:
                    self._not_seen(piece, answer, confirm=confirm)
        return confirm or answer.applied is not False or len(sent) == 1 or self._explained(sent)

    def _explained(self, sent: Sequence[Piece]) -> bool:
        """Reopen the pieces that may have been refused only because of another; return whether a stale text was the cause."""
        stale = [piece for piece in sent if piece.outcome is None]
        along = [piece for piece in sent if piece.outcome is not None and piece.outcome.kind == "refused"]
        along = [piece for piece in along if isinstance(piece, Operation) or piece.latest is None]
        for piece in along:
            piece.outcome = None
        return bool(stale) or not along

    async def _ask(self, edit: t.WorkspaceEdit, label: str, seconds: float | None) -> Applied:
        answer = await self._within(self._client.apply_edit(edit, label), seconds)
        return answer or Applied(None, "the editor did not answer")

    async def _within(self, question: Coroutine[Any, Any, Answer], seconds: float | None) -> Answer | None:
        """Return the client's answer, None where it does not come in time; without a bound wait for it as long as it takes."""
        answered = asyncio.Event()
        task = asyncio.get_running_loop().create_task(question)
        self._unanswered.add(task)
        task.add_done_callback(self._unanswered.discard)
        task.add_done_callback(lambda done: answered.set())
        if seconds is None:
            await answered.wait()
        elif not await self._clock.wait(answered, seconds):
            return None
        return task.result()

    async def _listen(self, piece: Piece, watch: Watch, answer: Applied, heard: int, deadline: float) -> None:
        """Wait until the piece's fate is known, or for as long as it may take."""
        while True:
            if piece.take(piece.judge(refused=answer.applied is False)):
                return
            newer = piece.latest is not None and not isinstance(piece, Operation)
            if newer and (answer.applied is False or (answer.applied and watch.heard > heard)):
                break
            watch.event.clear()
            left = deadline - self._clock.now()
            if left <= 0 or not await self._clock.wait(watch.event, left):
                break
        if piece.landed_on_disk():
            piece.outcome = Outcome("landed")

    def _not_seen(self, piece: Piece, answer: Applied, *, confirm: bool) -> None:
        checked = piece.sent is not None and piece.sent.version is not None and self._client.capabilities.document_changes
        if isinstance(piece, Operation):
            said = answer.reason or ("the editor said it did it, but did not" if answer.applied else "the editor did not do it")
            piece.outcome = Outcome("refused" if answer.applied is not None else "unknown", said)
        elif answer.applied is None:
            piece.outcome = Outcome("unknown", answer.reason)
        elif confirm:
            # The person was asked once; a second preview would only be in the way.
            piece.outcome = Outcome("refused", answer.reason or "it was not applied in the editor's preview")
        elif piece.latest is None and answer.applied is False:
            piece.outcome = Outcome("refused", answer.reason or "the editor did not apply it")
        elif piece.latest is None and not checked:
            piece.outcome = Outcome("unknown", "the editor says it applied it, but shows no text that has it")
        elif piece.latest is None:
            piece.outcome = Outcome("refused", "the editor says it applied it, but the text is unchanged")
        elif answer.applied and not checked:
            piece.outcome = Outcome("unknown", "the editor says it applied it, but the text that followed does not have it")
        elif answer.applied and (piece.unclear or has_traces(piece.expect, piece.latest)):
            piece.outcome = Outcome("unknown", "the text does not tell whether all of it is there: look at this file")
        else:
            self._again(piece)

    def _again(self, piece: Piece) -> None:
        """The text moved on and the client refused the edit: leave the outcome open, unless it was tried often enough."""
        piece.tries += 1
        if piece.tries >= self._patience.tries:
            piece.outcome = Outcome("refused", "the text changed faster than the edit could be brought in")

    async def _settle_down(self, piece: Piece) -> None:
        """Before another try wait for a pause in the typing."""
        if piece.tries < 2:
            return
        deadline = self._clock.now() + self._patience.echo
        with Watch(self._documents, piece.path) as watch:
            while self._clock.now() < deadline and await self._clock.wait(watch.event, self._patience.quiet):
                watch.event.clear()

    async def _prime(self, piece: Piece) -> bool:
        """Make Neovim say a version above 0, which is the only kind it compares; False where it does not.

        An edit that replaces nothing by nothing cannot harm a text that moved on unseen, and yet counts as a change.
        """
        document = piece.document()
        if not self._client.capabilities.first_version_only or document is None or document.version > 0:
            return True
        with Watch(self._documents, piece.path) as watch:
            answer = await self._ask(self._nothing(document), "", self._patience.answer)
            deadline = self._clock.now() + self._patience.echo
            while document.version <= 0 and answer.applied and (left := deadline - self._clock.now()) > 0:
                if not await self._clock.wait(watch.event, left):
                    break
                watch.event.clear()
        return document.version > 0

    def _nothing(self, document: Document) -> t.WorkspaceEdit:
        sent = Sent(document.text, (TextEdit(0, 0, ""),), document.version, self._documents.encoding)
        return workspace_edit([text_entry(document.uri, sent, None)], self._client.capabilities, "", confirm=False)
