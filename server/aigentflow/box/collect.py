"""What differs in the view of a workspace when a command has ended.

Only descriptors, `lstat` and regular files are used: nothing that a command left behind is followed or waited for.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress

from .namespace import View
from .values import Changed, Topping

MOST_CHANGES = 5_000
LARGEST = 10_000_000
"""Bytes of one file whose content is taken."""
LARGEST_SUM = 50_000_000
MOST_COUNTED = 50_000
"""Changes that are counted; a command can make more files than can be looked at in bearable time."""
_DEEPEST = 120
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OPAQUE = "user.overlay.opaque"


class Collector:
    """Finds what differs in a view after a command."""

    def __init__(self, view: View, toppings: Sequence[Topping], hidden: Collection[str], started_ns: int, *, contents: bool) -> None:
        self._view = view
        self._before = {topping.path: topping.data for topping in toppings}
        self._absent = frozenset(hidden) | {topping.path for topping in toppings if topping.data is None}
        self._started = started_ns
        self._contents = contents
        self._taken = 0
        self.changes: list[Changed] = []
        self.count = 0
        """How many there are, up to 50,000."""

    def collect(self) -> tuple[Changed, ...]:
        """Return the changes, ordered by path."""
        self._folder(self._view.upper, self._view.lower, "", 0)
        for path, data in self._before.items():
            if data is not None and not _exists(self._view.upper, path):
                self._add(Changed(path, "delete"))
        return tuple(sorted({change.path: change for change in self.changes}.values(), key=lambda change: change.path))

    def _add(self, change: Changed) -> None:
        self.count += 1
        if len(self.changes) < MOST_CHANGES:
            self.changes.append(change)

    def _folder(self, upper: int, lower: int | None, path: str, depth: int) -> None:
        if depth > _DEEPEST:
            self._add(Changed(path, "other", note="folders that lie deeper are not looked at"))
            return
        names = sorted(os.listdir(upper))
        if lower is not None and _opaque(upper):
            self._replaced(lower, frozenset(names), path)
        for name in names:
            full = f"{path}/{name}" if path else name
            if self.count >= MOST_COUNTED:
                return
            try:
                status = os.stat(name, dir_fd=upper, follow_symlinks=False)
                self._entry(upper, lower, full, status, depth)
            except OSError as error:
                self._add(Changed(full, "other", note=f"it cannot be looked at ({error.strerror})"))

    def _entry(self, upper: int, lower: int | None, path: str, status: os.stat_result, depth: int) -> None:
        name, kind = path.rpartition("/")[2], stat.S_IFMT(status.st_mode)
        below = _lstat(lower, name)
        if kind == stat.S_IFCHR and status.st_rdev == 0:
            if path not in self._absent and below is not None:
                self._gone(lower, path, below)
        elif kind == stat.S_IFDIR:
            if below is not None and not stat.S_ISDIR(below.st_mode):
                self._gone(lower, path, below)
            with _opened(name, upper) as inner, _opened_below(name, lower, below) as inner_lower:
                self._folder(inner, inner_lower, path, depth + 1)
        elif not _utf8(path):
            self._add(Changed(path, "other", note="its name is not UTF-8"))
        elif kind == stat.S_IFREG:
            self._file(upper, lower, path, status, below)
        else:
            self._add(Changed(path, "other", note=_kind_words(name, upper, kind)))

    def _file(self, upper: int, lower: int | None, path: str, status: os.stat_result, below: os.stat_result | None) -> None:
        name = path.rpartition("/")[2]
        if below is not None and stat.S_ISDIR(below.st_mode):
            self._gone(lower, path, below)
            below = None
        before = self._before.get(path)
        existed = before is not None or (below is not None and path not in self._absent)
        if existed and self._same(upper, lower, name, status, below, before):
            return
        if note := self._why_not_taken(status, below, before):
            self._add(Changed(path, "other", note=note))
            return
        data = None
        if self._contents and len(self.changes) < MOST_CHANGES:
            data = _read(upper, name)
            self._taken += len(data)
        self._add(Changed(path, "modify" if existed else "create", data, executable=bool(status.st_mode & 0o111)))

    def _why_not_taken(self, status: os.stat_result, below: os.stat_result | None, before: bytes | None) -> str:
        if status.st_mode & 0o6000:
            return "a file that runs with the rights of its owner"
        if before is None and below is not None and below.st_ctime_ns >= self._started:
            return "the file was saved on disk while the command ran; run the command again"
        if self._contents and (status.st_size > LARGEST or self._taken + status.st_size > LARGEST_SUM):
            return f"too large to be taken ({status.st_size:,} bytes)"
        return ""

    def _same(
        self, upper: int, lower: int | None, name: str, status: os.stat_result, below: os.stat_result | None, before: bytes | None
    ) -> bool:
        """Whether the file still holds what lay there; its other name, or a mere touch, is no change."""
        if before is not None:
            return status.st_size == len(before) and _read(upper, name) == before
        if below is None or lower is None or not stat.S_ISREG(below.st_mode) or below.st_size != status.st_size:
            return False
        if bool(below.st_mode & 0o111) != bool(status.st_mode & 0o111):
            return False
        return status.st_size <= LARGEST and _read(upper, name) == _read(lower, name)

    def _gone(self, lower: int | None, path: str, below: os.stat_result) -> None:
        """Report what lay there below as deleted, file by file."""
        if not stat.S_ISDIR(below.st_mode):
            self._delete(path, below)
        elif lower is not None:
            with _opened(path.rpartition("/")[2], lower) as inner:
                self._replaced(inner, frozenset(), path)

    def _replaced(self, lower: int, kept: frozenset[str], path: str, depth: int = 0) -> None:
        """Report the files of a folder below as deleted, but for the names that are there again."""
        for name in sorted(os.listdir(lower)):
            full = f"{path}/{name}" if path else name
            below = _lstat(lower, name)
            if name in kept or below is None or self.count > 2 * MOST_CHANGES or depth > _DEEPEST:
                continue
            if stat.S_ISDIR(below.st_mode):
                with suppress(OSError), _opened(name, lower) as inner:
                    self._replaced(inner, frozenset(), full, depth + 1)
            else:
                self._delete(full, below)

    def _delete(self, path: str, below: os.stat_result) -> None:
        if path in self._absent or path in self._before:
            return
        if below.st_ctime_ns >= self._started:
            self._add(Changed(path, "other", note="deleted, but saved on disk while the command ran; run the command again"))
        elif stat.S_ISREG(below.st_mode):
            self._add(Changed(path, "delete"))
        else:
            self._add(Changed(path, "other", note="deleted; it was no regular file"))


@contextmanager
def _opened(name: str, folder: int) -> Iterator[int]:
    descriptor = os.open(name, _FOLDER, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _opened_below(name: str, lower: int | None, below: os.stat_result | None) -> Iterator[int | None]:
    if lower is None or below is None or not stat.S_ISDIR(below.st_mode):
        yield None
        return
    with _opened(name, lower) as descriptor:
        yield descriptor


def _lstat(folder: int | None, name: str) -> os.stat_result | None:
    if folder is None:
        return None
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None


def _exists(folder: int, path: str) -> bool:
    try:
        status = os.stat(path, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    # Where a parent was replaced the path cannot lead out: links are never folders of the upper layer that are walked.
    return not stat.S_ISCHR(status.st_mode)


def _opaque(folder: int) -> bool:
    try:
        return os.getxattr(folder, _OPAQUE) == b"y"
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return False
        raise


def _read(folder: int, name: str) -> bytes:
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        chunks, room = [], LARGEST + 1
        while room > 0 and (chunk := os.read(descriptor, min(room, 1 << 20))):
            chunks.append(chunk)
            room -= len(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)


def _utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind_words(name: str, folder: int, kind: int) -> str:
    if kind == stat.S_IFLNK:
        return f"a link to {os.readlink(name, dir_fd=folder)!r:.200}"
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(kind, "no regular file")
