"""What is known of each file and hunk of a proposal, and the frozen views that features show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aigentflow.workspace.diff import hunks as hunks_of
from aigentflow.workspace.merge import Conflict
from aigentflow.workspace.proposal import FileChange, Hunk, TextEdit

Status = Literal["pending", "delivered", "accepted", "rejected", "conflict", "waiting"]
"""`waiting` is pending with something to wait for, which the reason names; `conflict` waits for the person's choice of a side."""
Kind = Literal["hunk", "create", "delete", "rename"]

UNDECIDED: tuple[Status, ...] = ("pending", "conflict", "waiting")
IN_PLACE: tuple[Status, ...] = ("delivered", "accepted")


@dataclass
class Item:
    """One thing of a proposal that can be taken or left."""

    id: str
    kind: Kind
    hunk: Hunk | None
    status: Status = "pending"
    reason: str = ""
    conflict: Conflict | None = None

    def mark(self, status: Status, reason: str = "", conflict: Conflict | None = None) -> None:
        """Set the status with its reason."""
        self.status, self.reason, self.conflict = status, reason, conflict


@dataclass
class FileState:
    """One file of a proposal and how much of it is in the editor."""

    change: FileChange
    base: str
    hunks: tuple[Hunk, ...]
    """Changes of text, against `base`; for a created file one hunk with the whole text."""
    items: dict[str, Item]
    place: str
    """Workspace-relative path under which the file is now."""
    taken: frozenset[str] = frozenset()
    """Ids of the hunks whose text is in the editor."""
    touched: bool = field(default=False)
    """Whether something of the proposal was put into this file, so that it is to be saved."""

    @property
    def operation(self) -> Item | None:
        """The creation, deletion or rename of this file."""
        return next((item for item in self.items.values() if item.kind != "hunk"), None)


def file_state(change: FileChange, base: str) -> FileState:
    """Return the state of a file of which nothing is delivered yet."""
    if change.kind == "create":
        whole = change.hunks[0] if change.hunks else Hunk(f"{change.path}#1", TextEdit(0, 0, change.after or ""), "")
        return FileState(change, "", (whole,), {whole.id: Item(whole.id, "create", whole)}, change.path)
    if change.kind == "delete":
        name = f"{change.path}#delete"
        return FileState(change, base, (), {name: Item(name, "delete", None)}, change.path)
    hunks = change.hunks or hunks_of(change.path, base, change.after if change.after is not None else base)
    items = {hunk.id: Item(hunk.id, "hunk", hunk) for hunk in hunks}
    if change.kind == "rename":
        name = f"{change.path}#rename"
        items[name] = Item(name, "rename", None)
    return FileState(change, base, hunks, items, change.from_path or change.path)


@dataclass(frozen=True)
class HunkView:
    """One hunk, creation, deletion or rename as it stands now."""

    id: str
    path: str
    kind: Kind
    status: Status
    reason: str
    uri: str | None
    """Of the open document the hunk stands in; None while the file is closed."""
    start: int | None
    """Offsets into the live text of that document."""
    end: int | None
    old: str
    new: str
    ours: str | None = None
    """In a conflict the person's lines there, else None."""
    theirs: str | None = None
    """In a conflict what the agent would make of them."""


@dataclass(frozen=True)
class FileView:
    """One file of the proposal as it stands now."""

    path: str
    kind: str
    from_path: str | None
    hunks: tuple[HunkView, ...]


@dataclass(frozen=True)
class ReviewView:
    """A whole proposal as it stands now."""

    run: str
    agent: str
    files: tuple[FileView, ...]

    @property
    def hunks(self) -> tuple[HunkView, ...]:
        """All hunks of all files, in order."""
        return tuple(hunk for file in self.files for hunk in file.hunks)

    @property
    def undecided(self) -> tuple[HunkView, ...]:
        """Hunks that still wait for somebody."""
        return tuple(hunk for hunk in self.hunks if hunk.status in UNDECIDED)
