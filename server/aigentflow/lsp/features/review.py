"""A run's proposal under review: delivered by the rules of the client, accepted, rejected, undone.

A proposal is kept until everything of it is taken or dropped; nothing of it disappears without a status and a reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lsprotocol import types as t

from aigentflow.lsp.delivery.batches import annotation_for, workspace_edit
from aigentflow.lsp.delivery.clock import Clock, RealClock
from aigentflow.lsp.delivery.echo import Landed, Sent, judge
from aigentflow.lsp.delivery.gate import Gate, Mode
from aigentflow.lsp.delivery.pieces import Outcome
from aigentflow.lsp.delivery.plan import Planner, Step, settle
from aigentflow.lsp.delivery.send import Patience, Sender
from aigentflow.lsp.delivery.state import IN_PLACE, UNDECIDED, FileState, Item, ReviewView, file_state
from aigentflow.lsp.delivery.tree import Tree
from aigentflow.lsp.delivery.views import Viewer, summary
from aigentflow.workspace.boundary import Boundary
from aigentflow.workspace.proposal import FileChange, Proposal, TextEdit

if TYPE_CHECKING:
    from aigentflow.lsp.client import EditorClient
    from aigentflow.lsp.documents import Document, Documents

_PREVIEW = "tick it in the editor's preview"


class Review:
    """One run's proposal and how much of it is in the editor."""

    def __init__(  # noqa: PLR0913  Keyword-only, and each of them is needed.
        self,
        *,
        documents: Documents,
        client: EditorClient,
        encoding: str,
        mode: Mode,
        root: Path,
        boundary: Boundary,
        run_id: str,
        agent_id: str,
        proposal: Proposal,
        bases: Mapping[str, tuple[str, int | None]],
        clock: Clock | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.run = run_id
        self.agent = agent_id
        self.on_change: list[Callable[[], None]] = []
        """Called whenever a status changes."""
        self._client = client
        self._encoding = encoding
        self._gate = Gate(boundary, client.capabilities, mode, run_id)
        self._documents = documents
        self._tree = Tree(documents, root)
        self._planner = Planner(self._tree, client.capabilities, encoding)
        self._sender = Sender(documents, client, clock or RealClock(), patience or Patience())
        self._files = [file_state(change, _base_of(change, bases)) for change in proposal.changes]
        self._viewer = Viewer(self._tree)
        self._watched: dict[str, Sent] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # One edit of this proposal after the other: each is computed on the text that the one before left.
        self._turn = asyncio.Lock()
        documents.on_change.append(self._observe)

    @property
    def has_pending(self) -> bool:
        """Whether something still waits for somebody."""
        return any(item.status in UNDECIDED for file in self._files for item in file.items.values())

    @property
    def can_undo(self) -> bool:
        """Whether something of the proposal is in the editor."""
        return any(item.status in IN_PLACE for file in self._files for item in file.items.values())

    def state(self) -> ReviewView:
        """Return how everything stands now, with places in the live texts."""
        return self._viewer.view(self.run, self.agent, self._files)

    def message(self) -> str:
        """Return what changed and is not saved, and what waits and why, in a few sentences."""
        return summary(self.run, self._files, self._tree)

    async def deliver(self) -> None:
        """Bring in at once what may be, and leave the rest waiting with its reason."""
        now: list[Item] = []
        ticked: list[Item] = []
        for file in self._files:
            for item in file.items.values():
                item.mark("waiting", self._gate.why_waits(file, item))
                if not item.reason:
                    now.append(item)
                elif self._gate.may_be_ticked(file, item):
                    ticked.append(item)
        await self._take(now, "delivered")
        if ticked:
            self._spawn(self._confirm(ticked))

    async def accept(self, path: str | None = None, hunk: str | None = None) -> None:
        """Take what waits; a conflict is decided for the agent's side only where that hunk is named."""
        chosen = list(self._chosen(path, hunk))
        for item in chosen:
            if item.status == "delivered":
                item.mark("accepted")
        await self._take([item for item in chosen if item.status in ("pending", "waiting")], "accepted")
        if hunk is not None:
            await self._force([item for item in chosen if item.status == "conflict"])
        self._changed()

    def reject(self, path: str | None = None, hunk: str | None = None) -> Awaitable[None]:
        """Drop what waits, at once; what is in the editor already is taken out by the returned task, awaited or not."""
        chosen = list(self._chosen(path, hunk))
        for item in chosen:
            if item.status in UNDECIDED:
                self._watched.pop(item.id, None)
                item.mark("rejected")
        self._changed()
        return self._spawn(self._take_out([item for item in chosen if item.status in IN_PLACE]))

    async def undo(self) -> None:
        """Take out everything of the run that is in the editor; what the person typed since stays."""
        await self._take_out([item for file in self._files for item in file.items.values() if item.status in IN_PLACE])

    def literal_edit(self, hunk: str) -> t.WorkspaceEdit | None:
        """Return a waiting hunk as an edit for a code action, for clients that apply none on request; None in a conflict."""
        file, item = self._find(hunk)
        if file is None or item is None or item.status not in UNDECIDED or item.kind not in ("hunk", "create"):
            return None
        if self._gate.refusal(file, item) or (item.kind == "create" and not self._client.capabilities.create):
            return None
        step = self._step(file, [item], "accepted")[0]
        entries = step.piece.write(self._encoding, annotation_for(self._client.capabilities))
        if not entries or step.piece.sent is None:
            return None
        self._watched[item.id] = step.piece.sent
        return workspace_edit(entries, self._client.capabilities, self._label, confirm=False)

    async def settled(self) -> None:
        """Return when no edit of this proposal is on its way, questions to the person included."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def close(self) -> None:
        """Stop listening and waiting."""
        if self._observe in self._documents.on_change:
            self._documents.on_change.remove(self._observe)
        self._sender.close()
        for task in tuple(self._tasks):
            task.cancel()

    @property
    def _label(self) -> str:
        return f"Aigentflow: {self.agent}"

    async def _take(self, items: Sequence[Item], status: Literal["delivered", "accepted"]) -> None:
        """Bring items in, edits of texts before operations on files."""
        async with self._turn:
            steps = [step for file in self._files for step in self._steps_of(file, items, status)]
            await self._open_new_files(steps)
            await self._run(steps)

    def _steps_of(self, file: FileState, items: Sequence[Item], status: Literal["delivered", "accepted"]) -> list[Step]:
        mine = []
        for item in file.items.values():
            if not any(item is wanted for wanted in items):
                continue
            if why := self._gate.why_not(file, item):
                item.mark("waiting", why)
            else:
                mine.append(item)
        return self._step(file, mine, status)

    def _step(self, file: FileState, items: Sequence[Item], status: Literal["delivered", "accepted"]) -> list[Step]:
        steps = []
        if hunks := {item.id for item in items if item.kind == "hunk"}:
            steps.append(self._planner.text(file, hunks, status=status))
        for item in items:
            if item.kind != "hunk":
                step = self._planner.operation(file, item, status)
                if isinstance(step, str):
                    item.mark("conflict", step)
                else:
                    steps.append(step)
        return steps

    async def _open_new_files(self, steps: Sequence[Step]) -> None:
        for step in list(steps):
            item = step.file.operation
            if item is None or item.id not in step.add or not self._gate.opens(item):
                continue
            if self._tree.document(step.file.place) is None:
                await self._sender.show(step.piece.path, self._tree.uri(step.file.place))
            if self._tree.document(step.file.place) is None:
                step.piece.outcome = Outcome("refused", self._gate.missing(item))

    async def _run(self, steps: Sequence[Step], *, confirm: bool = False) -> None:
        await self._sender.send([step.piece for step in steps], self._label, confirm=confirm)
        for step in steps:
            self._finish(step, partly=confirm)
        self._changed()

    def _finish(self, step: Step, *, partly: bool) -> None:
        outcome = step.piece.outcome or Outcome("refused", "it was not sent")
        if partly and outcome.kind != "landed" and (found := self._planner.partly_landed(step)):
            settle(Step(step.file, step.piece, found, status=step.status, rebased=step.rebased), Outcome("landed"))
            step.add -= found
        settle(step, outcome)
        if outcome.kind == "unknown" and step.piece.sent is not None:
            self._watched.update(dict.fromkeys(step.add, step.piece.sent))

    async def _confirm(self, items: Sequence[Item]) -> None:
        steps = [step for file in self._files for step in self._steps_of(file, items, "delivered")]
        for step in steps:
            for item in step.items:
                item.mark("waiting", _PREVIEW if not item.reason else f"{item.reason}; {_PREVIEW}")
        self._changed()
        await self._run(steps, confirm=True)

    async def _force(self, items: Sequence[Item]) -> None:
        async with self._turn:
            for item in items:
                file, _ = self._find(item.id)
                if file is not None and item.hunk is not None and item.kind == "hunk" and not self._gate.refusal(file, item):
                    await self._run([self._planner.force(file, item)])

    async def _take_out(self, items: Sequence[Item]) -> None:
        async with self._turn:
            steps: list[Step] = []
            for file in self._files:
                mine = [item for item in file.items.values() if any(item is wanted for wanted in items)]
                if hunks := {item.id for item in mine if item.kind == "hunk"}:
                    steps.append(self._planner.text(file, (), hunks))
                for item in mine:
                    if item.kind != "hunk":
                        step = self._planner.reverse(file, item)
                        if isinstance(step, str):
                            item.reason = step
                        else:
                            steps.append(step)
            await self._run(steps)

    def _chosen(self, path: str | None, hunk: str | None) -> Iterator[Item]:
        for file in self._files:
            if path in (None, file.change.path, file.change.from_path):
                yield from (item for item in file.items.values() if hunk in (None, item.id))

    def _find(self, hunk: str) -> tuple[FileState | None, Item | None]:
        for file in self._files:
            if hunk in file.items:
                return file, file.items[hunk]
        return None, None

    def _observe(self, document: Document, before: str, edits: Collection[TextEdit]) -> None:
        """A hunk taken from a code action, or one whose edit nobody could tell about, may show up at any time."""
        for name, sent in list(self._watched.items()):
            file, item = self._find(name)
            if file is None or item is None or self._tree.document(file.place) is not document:
                continue
            if item.status in UNDECIDED and isinstance(judge(sent, [before, document.text]), Landed):
                del self._watched[name]
                file.taken |= {name}
                file.touched = True
                item.mark("accepted")
                self._changed()

    def _changed(self) -> None:
        for listener in tuple(self.on_change):
            listener()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _base_of(change: FileChange, bases: Mapping[str, tuple[str, int | None]]) -> str:
    """The base comes with the change; the server's own copy is for a host that left it out."""
    if change.base is not None:
        return change.base.text
    return bases.get(change.from_path or change.path, ("", None))[0]
