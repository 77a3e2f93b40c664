"""From files and hunks to pieces, and from the pieces' outcomes back to their status."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aigentflow.errors import PathError
from aigentflow.lsp.delivery.echo import Landed, Sent, judge
from aigentflow.lsp.delivery.fileops import creation, deletion, renaming
from aigentflow.lsp.delivery.pieces import Outcome, Piece
from aigentflow.lsp.delivery.rebase import Rebased, forced, rebase
from aigentflow.lsp.delivery.state import FileState, Item, Status
from aigentflow.lsp.delivery.tree import Tree
from aigentflow.workspace.diff import edits

if TYPE_CHECKING:
    from aigentflow.lsp.capabilities import Capabilities


@dataclass
class Step:
    """One piece of one file, and what it means for the file's items when it lands."""

    file: FileState
    piece: Piece
    add: frozenset[str]
    drop: frozenset[str] = frozenset()
    status: Status = "delivered"
    rebased: Rebased | None = None

    @property
    def items(self) -> list[Item]:
        """Items that the step brings in or takes out."""
        return [self.file.items[name] for name in self.file.items if name in self.add or name in self.drop]


class Planner:
    """Makes steps for the files of one proposal."""

    def __init__(self, tree: Tree, capabilities: Capabilities, encoding: str) -> None:
        self._tree = tree
        self._capabilities = capabilities
        self._encoding = encoding

    def text(self, file: FileState, add: Collection[str], drop: Collection[str] = (), status: Status = "delivered") -> Step:
        """Return the step that brings hunks into a file's text, or takes them out."""
        piece = Piece(self._tree.absolute(file.place), lambda: self._tree.live(file.place), str)
        step = Step(file, piece, frozenset(add), frozenset(drop), status)

        def aim(live: str) -> str:
            step.rebased = rebase(file.base, file.hunks, file.taken, (file.taken | step.add) - step.drop, live)
            return step.rebased.target

        piece.aim = aim
        return step

    def force(self, file: FileState, item: Item) -> Step:
        """Return the step that puts the agent's side of a conflict in the place of the person's."""
        hunk = item.hunk
        assert hunk is not None
        step = self.text(file, {item.id}, status="accepted")

        def aim(live: str) -> str:
            step.rebased = Rebased(forced(file.base, file.hunks, file.taken, hunk, live), file.taken | {item.id})
            return step.rebased.target

        step.piece.aim = aim
        return step

    def operation(self, file: FileState, item: Item, status: Status) -> Step | str:
        """Return the step that creates, deletes or renames the file, or why it cannot be done."""
        change = file.change
        if item.kind == "create":
            return Step(
                file, creation(self._tree, change.path, change.after or "", self._capabilities), frozenset({item.id}), status=status
            )
        if item.kind == "delete":
            if not self._is_at(file, file.base):
                return "it changed since the agent read it, so it is not deleted"
            return Step(file, deletion(self._tree, change.path), frozenset({item.id}), status=status)
        if self._tree.on_disk(change.path):
            return f"{change.path} is there already"
        return Step(file, renaming(self._tree, file.place, change.path), frozenset({item.id}), status=status)

    def reverse(self, file: FileState, item: Item) -> Step | str:
        """Return the step that undoes a creation, deletion or rename, or why it cannot be done."""
        change, drop = file.change, frozenset({item.id})
        if item.kind == "create":
            if not self._unchanged_creation(file):
                return "you changed the new file since: delete it yourself if you do not want it"
            return Step(file, deletion(self._tree, change.path), frozenset(), drop)
        if item.kind == "delete":
            return Step(file, creation(self._tree, change.path, file.base, self._capabilities), frozenset(), drop)
        return Step(file, renaming(self._tree, file.place, change.from_path or change.path), frozenset(), drop)

    def _is_at(self, file: FileState, text: str) -> bool:
        try:
            return self._tree.is_at(file.place, file.change.base, text)
        except PathError:
            return False

    def _unchanged_creation(self, file: FileState) -> bool:
        """The file may still be empty on disk while its text waits unsaved in the buffer."""
        try:
            live = self._tree.live(file.place)
        except PathError:
            return False
        return live is not None and live.text.rstrip("\r\n") in ("", (file.change.after or "").rstrip("\r\n"))

    def partly_landed(self, step: Step) -> frozenset[str]:
        """Return those hunks of a step that the text shows although the step as a whole did not land: the person ticked some."""
        sent, file = step.piece.sent, step.file
        if sent is None or step.piece.latest is None:
            return frozenset()
        found = set()
        for name in step.add:
            alone = rebase(file.base, file.hunks, file.taken, file.taken | {name}, sent.base).target
            part = Sent(sent.base, edits(sent.base, alone), sent.version, self._encoding)
            if isinstance(judge(part, [step.piece.latest]), Landed):
                found.add(name)
        return frozenset(found)


def settle(step: Step, outcome: Outcome) -> None:
    """Write a step's outcome into the items of its file."""
    conflicts = step.rebased.conflicts if step.rebased is not None else {}
    for item in step.items:
        conflict = conflicts.get(item.id)
        if item.id in step.drop:
            _settle_dropped(item, outcome, stays=conflict is not None)
        elif conflict is not None:
            item.mark("conflict", "you changed the same place; your text stands", conflict)
        elif outcome.kind == "landed":
            item.mark(step.status)
        else:
            item.mark("pending" if outcome.kind == "refused" else "waiting", outcome.reason)
    if outcome.kind == "landed":
        step.file.touched = True
        _follow_rename(step)
        moved = (step.add | step.drop) - conflicts.keys()
        step.file.taken = (step.file.taken | (step.add & moved)) - (step.drop & moved)


def _follow_rename(step: Step) -> None:
    operation, change = step.file.operation, step.file.change
    if operation is not None and operation.kind == "rename" and operation.id in step.add | step.drop:
        step.file.place = change.path if operation.id in step.add else (change.from_path or change.path)


def _settle_dropped(item: Item, outcome: Outcome, *, stays: bool) -> None:
    if stays:
        item.reason = "you changed this place since; undo it by hand"
    elif outcome.kind == "landed":
        item.mark("rejected", "undone")
    else:
        item.reason = f"not undone: {outcome.reason}"
