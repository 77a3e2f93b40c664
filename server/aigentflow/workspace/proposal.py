"""What a run wants to change, as values: files, and in each file hunks that can be taken or left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ChangeKind = Literal["modify", "create", "delete", "rename"]


@dataclass(frozen=True)
class Base:
    """The text an edit was computed from; without it no edit can be built."""

    text: str
    sha256: str
    """Of the bytes on disk for a closed file, of the text in UTF-8 for an open buffer."""
    version: int | None
    """LSP version of an open buffer; None for a closed file."""


@dataclass(frozen=True)
class TextEdit:
    """Replace `[start, end)` (code points into the base text) by `new`."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Hunk:
    """One place of a file's change; `id` is unique and stable within the proposal (`path#n` counts from 1)."""

    id: str
    edit: TextEdit
    old: str
    """What stood there."""


@dataclass(frozen=True)
class FileChange:
    """The change of one file; paths are workspace-relative with `/`."""

    path: str
    kind: ChangeKind
    base: Base | None
    """None for a created file."""
    after: str | None
    """None for a deleted file."""
    hunks: tuple[Hunk, ...] = ()
    """Against `base.text`; for a created file one hunk that holds the whole text."""
    from_path: str | None = None
    """Where a renamed file came from; `base` is that file's."""
    line_end: str = "\n"
    bom: bool = False
    encoding: str = "utf-8"
    executable: bool = False


@dataclass(frozen=True)
class Proposal:
    """The overlay's difference to the snapshot, ordered by path."""

    changes: tuple[FileChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)
