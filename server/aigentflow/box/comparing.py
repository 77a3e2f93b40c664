"""What differs in a copy of the workspace when a command has ended.

Only handles of folders, `lstat` and regular files are used: nothing that a command left behind is followed or waited for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aigentflow.box.copied import MOST_ENTRIES as MOST_COPIED
from aigentflow.box.copied import Before, Copied, Stamp, opened_folder, stamp
from aigentflow.box.values import Changed

MOST_CHANGES = 5_000
LARGEST = 10_000_000
"""Bytes of one file whose content is taken."""
LARGEST_SUM = 50_000_000
MOST_ENTRIES = 2 * MOST_COPIED
"""How many entries are looked at; a command can make more than can be looked at in bearable time."""
_DEEPEST = 120
_CHUNK = 1 << 20
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SAVED = "saved on disk while the command ran; run the command again"


@dataclass(frozen=True)
class Difference:
    """What a command changed."""

    changes: tuple[Changed, ...]
    """Ordered by path, at most 5,000."""
    count: int
    """How many there are, those beyond the bound included."""


def collect_copy(copied: Copied, *, contents: bool) -> Difference:
    """Return what differs now from what lay in the copy before. Raises OSError where the copy itself cannot be opened."""
    comparison = _Comparison(copied, contents=contents)
    root = os.open(copied.target, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        comparison.folder(root, "", 0)
    finally:
        os.close(root)
    comparison.find_deleted()
    return Difference(tuple(sorted(comparison.changes, key=lambda change: change.path)), comparison.count)


class _Comparison:
    def __init__(self, copied: Copied, *, contents: bool) -> None:
        self._copied = copied
        self._contents = contents
        self._taken = 0
        self._looked = 0
        self._seen: set[str] = set()
        self._closed: list[str] = []
        """Folders that cannot be looked into, each with a slash behind it."""
        self.changes: list[Changed] = []
        self.count = 0

    def _add(self, change: Changed) -> None:
        self.count += 1
        if len(self.changes) < MOST_CHANGES:
            self.changes.append(change)

    def folder(self, folder: int, path: str, depth: int) -> None:
        """Compare what lies in the open folder."""
        for name in sorted(os.listdir(folder)):
            full = f"{path}/{name}" if path else name
            self._looked += 1
            if self._looked > MOST_ENTRIES:
                self._closed_off(path or ".", f"more than {MOST_ENTRIES:,} entries; the rest was not looked at")
                return
            try:
                self._entry(folder, name, full, os.stat(name, dir_fd=folder, follow_symlinks=False), depth)
            except FileNotFoundError:
                # A process that outlived the command may still be at work.
                continue
            except OSError as error:
                self._closed_off(full, f"it cannot be looked at ({error.strerror})")

    def _entry(self, folder: int, name: str, path: str, status: os.stat_result, depth: int) -> None:
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFDIR:
            self._subfolder(folder, name, path, depth + 1)
        elif kind == stat.S_IFLNK:
            leads_to = os.readlink(name, dir_fd=folder)
            if self._copied.links.get(path) == leads_to:
                self._seen.add(path)
            else:
                self._other(path, f"a link to {leads_to!r:.200}")
        elif not _is_text(path):
            before = self._copied.files.get(path)
            if before is None or kind != stat.S_IFREG or before.copy != stamp(status):
                self._other(path, "its name is not UTF-8")
            self._seen.add(path)
        elif kind == stat.S_IFREG:
            self._file(folder, name, path, status)
        else:
            self._other(path, _KINDS.get(kind, "no regular file"))

    def _other(self, path: str, note: str) -> None:
        self._seen.add(path)
        self._add(Changed(path, "other", note=note))

    def _closed_off(self, path: str, note: str) -> None:
        """Say of the path, and of all that lay beneath it, that nothing is known: it is not to be told as deleted."""
        self._closed.append(path + "/")
        self._other(path, note)

    def _subfolder(self, folder: int, name: str, path: str, depth: int) -> None:
        if depth > _DEEPEST:
            self._closed_off(path, "folders that lie deeper are not looked at")
            return
        try:
            with opened_folder(name, folder) as inner:
                self.folder(inner, path, depth)
        except PermissionError:
            self._closed_off(path, "a folder that cannot be looked into")

    def _file(self, folder: int, name: str, path: str, status: os.stat_result) -> None:
        self._seen.add(path)
        before = self._copied.files.get(path)
        now = stamp(status)
        if before is not None and before.copy == now and now.ctime_ns < self._copied.ended_ns:
            return
        if status.st_mode & 0o6000:
            self._other(path, "a file that runs with the rights of its owner")
            return
        if before is not None and bool(before.copy.mode & 0o111) == bool(now.mode & 0o111) and self._same(folder, name, path, now, before):
            return
        if before is not None and self._was_saved(path, before):
            self._other(path, f"the file was {_SAVED}")
        elif before is None and _beneath(path, self._copied.left_out):
            self._other(path, "written in a place that the box shows empty")
        elif self._contents and (now.size > LARGEST or self._taken + now.size > LARGEST_SUM):
            self._other(path, f"too large to be taken ({now.size:,} bytes)")
        else:
            data = _read(folder, name) if self._contents else None
            self._taken += len(data or b"")
            self._add(Changed(path, "create" if before is None else "modify", data, executable=bool(now.mode & 0o111)))

    def _same(self, folder: int, name: str, path: str, now: Stamp, before: Before) -> bool:
        """Whether the file still holds what lay there, as after a mere touch."""
        if before.data is not None:
            return now.size == len(before.data) and _read(folder, name) == before.data
        if now.size != before.copy.size or self._was_saved(path, before):
            return False
        try:
            with _opened(name, folder) as new, _opened(os.path.join(self._copied.root, path), None) as old:
                while (chunk := os.read(new, _CHUNK)) == os.read(old, _CHUNK):
                    if not chunk:
                        return True
        except OSError:
            return False
        return False

    def _was_saved(self, path: str, before: Before) -> bool:
        """Whether the file in the workspace is another one than the one that was copied."""
        if before.original is None:
            return False
        try:
            return stamp(os.lstat(os.path.join(self._copied.root, path))) != before.original
        except OSError:
            return True

    def find_deleted(self) -> None:
        """Add what lay there before and was not met again; of installed packages in one line."""
        mirrored = dict.fromkeys(self._copied.mirrored, 0)
        if self._looked > MOST_ENTRIES:
            return
        for path in [*self._copied.files, *self._copied.links]:
            if path in self._seen or path.startswith(tuple(self._closed)):
                continue
            if folder := _beneath(path, mirrored):
                mirrored[folder] += 1
            else:
                self._deleted(path)
        for folder, count in mirrored.items():
            if count:
                self._add(Changed(folder, "other", note=f"{count} of its entries deleted"))

    def _deleted(self, path: str) -> None:
        before = self._copied.files.get(path)
        if before is None:
            self._add(Changed(path, "other", note="deleted; it was no regular file"))
        elif not _is_text(path):
            self._add(Changed(path, "other", note="deleted; its name is not UTF-8"))
        elif self._was_saved(path, before):
            self._add(Changed(path, "other", note=f"deleted, but {_SAVED}"))
        else:
            self._add(Changed(path, "delete"))


def _beneath(path: str, folders: Collection[str]) -> str:
    """Return the one of the folders in which the path lies, or the path where it is one of them; else nothing."""
    if path in folders:
        return path
    return next((path[:at] for at, letter in enumerate(path) if letter == "/" and path[:at] in folders), "")


_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextmanager
def _opened(name: str, folder: int | None) -> Iterator[int]:
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no regular file any more")
        yield descriptor
    finally:
        os.close(descriptor)


def _read(folder: int, name: str) -> bytes:
    with _opened(name, folder) as descriptor:
        chunks, room = [], LARGEST + 1
        while room > 0 and (chunk := os.read(descriptor, min(room, _CHUNK))):
            chunks.append(chunk)
            room -= len(chunk)
        return b"".join(chunks)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
