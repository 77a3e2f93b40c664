"""What is remembered of a copy of the workspace, and how its single entries are made."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

MOST_ENTRIES = 200_000
MOST_BYTES = 2 << 30
_CLONE = 0x40049409
"""FICLONE: the new file shares the blocks of the old one until either is written."""
_WORTH_CLONING = 256 << 10
_CHUNK = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Stamp(NamedTuple):
    """What tells whether a file was written since; the time of change is the one that no program can set back."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    mode: int


class Before(NamedTuple):
    """A file as it lay in the copy when the command started."""

    copy: Stamp
    original: Stamp | None = None
    """Of the file in the workspace; None where something lies over it."""
    data: bytes | None = None
    """What lies over it, or was written in its place."""


@dataclass
class Copied:
    """A copy, and what is needed to tell later what changed in it."""

    root: str
    """The person's workspace."""
    target: str
    """The folder of the copy."""
    seen_as: str
    """Where the command sees the copy."""
    linked_at: str
    """Beneath which folder the command finds the linked paths."""
    files: dict[str, Before] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    mirrored: list[str] = field(default_factory=list)
    """Folders whose larger parts are links to the real ones."""
    linked: list[str] = field(default_factory=list)
    """Paths of the workspace that links lead to; the command has to be allowed to read them."""
    left_out: set[str] = field(default_factory=set)
    """Folders that are empty in the copy, and paths that could not be read."""
    ended_ns: int = 0
    """When copying ended, by the clock that files are stamped with."""


def stamp(status: os.stat_result) -> Stamp:
    """Return the stamp of a file."""
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, stat.S_IMODE(status.st_mode))


@contextmanager
def opened_folder(name: str, parent: int) -> Iterator[int]:
    """Hold the folder open; never through a link. Raises OSError."""
    descriptor = os.open(name, _FOLDER, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Entries:
    """Makes single entries of a copy and remembers them; names are those of the folders that are handed in as open."""

    def __init__(self, copied: Copied) -> None:
        self.copied = copied
        self._count = 0
        self._bytes = 0
        self._clones = True

    def count(self, size: int = 0) -> None:
        """Count one entry. Raises OSError where the copy gets too large."""
        self._count += 1
        self._bytes += size
        if self._count > MOST_ENTRIES or self._bytes > MOST_BYTES:
            bound = f"{MOST_ENTRIES:,} entries or {MOST_BYTES >> 30} GB"
            raise OSError(
                errno.EFBIG, f"the workspace is too large to be copied for each command: more than {bound} that git does not ignore"
            )

    def folder(self, name: str, parent: int, like: os.stat_result) -> None:
        """Make a folder that its user may always write to."""
        os.mkdir(name, 0o700 | stat.S_IMODE(like.st_mode) & 0o777, dir_fd=parent)

    def link(self, name: str, source: int, parent: int, path: str) -> None:
        """Copy a link as one; where it names the workspace by its absolute path, it leads to the copy."""
        root = self.copied.root
        try:
            leads_to = os.readlink(name, dir_fd=source)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            raise FileNotFoundError(errno.ENOENT, "it is no link any more", name) from error
        if leads_to == root or leads_to.startswith(root + "/"):
            leads_to = self.copied.seen_as + leads_to[len(root) :]
        self._symlink(leads_to, name, parent, path)

    def link_to_real(self, name: str, parent: int, path: str) -> None:
        """Make a link to the real file or folder."""
        self._symlink(f"{self.copied.linked_at}/{path}", name, parent, path)

    def _symlink(self, leads_to: str, name: str, parent: int, path: str) -> None:
        os.symlink(leads_to, name, dir_fd=parent)
        self.copied.links[path] = leads_to

    def file(self, name: str, source: int, parent: int, path: str, *, moved: bool = False) -> None:
        """Copy a regular file with its time; where `moved`, places in its text that name the workspace then name the copy."""
        reading = os.open(name, _READ, dir_fd=source)
        try:
            original = os.fstat(reading)
            if not stat.S_ISREG(original.st_mode):
                return
            self.count(original.st_size)
            writing = os.open(name, _NEW, stat.S_IMODE(original.st_mode) & 0o777, dir_fd=parent)
            try:
                data = self._contents(reading, writing, original.st_size, moved=moved)
                os.utime(writing, ns=(original.st_atime_ns, original.st_mtime_ns))
                copy = os.fstat(writing)
                if stat.S_IMODE(copy.st_mode) != stat.S_IMODE(original.st_mode) & 0o777:
                    os.fchmod(writing, stat.S_IMODE(original.st_mode) & 0o777)
                    copy = os.fstat(writing)
            finally:
                os.close(writing)
        finally:
            os.close(reading)
        self.copied.files[path] = Before(stamp(copy), stamp(original) if data is None else None, data)

    def written(self, name: str, parent: int, path: str, data: bytes, mode: int) -> None:
        """Make a file with this content."""
        writing = os.open(name, _NEW, mode, dir_fd=parent)
        try:
            _write(writing, data)
            os.fchmod(writing, mode)
            self.copied.files[path] = Before(stamp(os.fstat(writing)), None, data)
        finally:
            os.close(writing)

    def _contents(self, reading: int, writing: int, size: int, *, moved: bool) -> bytes | None:
        """Copy the content; returns it where it is not the original's."""
        if self._clones and size >= _WORTH_CLONING:
            try:
                fcntl.ioctl(writing, _CLONE, reading)
                return None
            except OSError:
                # The disk cannot, or the copy lies on another one.
                self._clones = False
        first = os.read(reading, _CHUNK)
        if moved and len(first) < _CHUNK and b"\0" not in first:
            there = first.replace(os.fsencode(self.copied.root), os.fsencode(self.copied.seen_as))
            _write(writing, there)
            return there if there != first else None
        while first:
            _write(writing, first)
            if len(first) == _CHUNK and _sent(reading, writing):
                return None
            first = os.read(reading, _CHUNK)
        return None


def _sent(reading: int, writing: int) -> bool:
    """Copy the rest within the kernel; False where it cannot, so that the caller goes on by itself."""
    with suppress(OSError):
        while os.copy_file_range(reading, writing, 1 << 30):
            pass
        # Some file systems report the end at once: what is left is read as usual.
    return False


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
