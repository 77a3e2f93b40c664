"""Folders below the workspace held open, so that nothing swapped in behind a name can lead elsewhere.

Where the platform has no `openat`, the same operations work on full paths, and links are looked for before and after.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..errors import PathMissing, PathUnreadable
from .boundary import MAX_FILE

_HELD = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW") and hasattr(os, "O_DIRECTORY")
_NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_READ: int = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_WRITE: int = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FOLDER: int = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)


class Folder:
    """One folder, by descriptor where the platform can; names given to it are single components."""

    def __init__(self, path: str, descriptor: int | None) -> None:
        self.path = path
        self.descriptor = descriptor

    def _name(self, name: str) -> str:
        return name if self.descriptor is not None else os.path.join(self.path, name)

    def stat(self, name: str) -> os.stat_result:
        """Return the entry's own status; a link is not followed."""
        return os.stat(self._name(name), dir_fd=self.descriptor, follow_symlinks=False)

    def exists(self, name: str) -> bool:
        """Whether there is any entry of that name, a link included."""
        try:
            self.stat(name)
        except FileNotFoundError:
            return False
        return True

    def open_read(self, name: str) -> int:
        """Open a regular file for reading; raises OSError, never follows a link, never waits for a pipe."""
        if self.descriptor is None and stat.S_ISLNK(self.stat(name).st_mode):
            raise OSError("it is a link")
        return os.open(self._name(name), _READ, dir_fd=self.descriptor)

    def open_new(self, name: str, mode: int) -> int:
        """Create a file that was not there and open it for writing."""
        return os.open(self._name(name), _WRITE, mode, dir_fd=self.descriptor)

    def make(self, name: str) -> None:
        """Create a folder."""
        os.mkdir(self._name(name), dir_fd=self.descriptor)

    def remove_folder(self, name: str) -> None:
        """Remove an empty folder."""
        os.rmdir(self._name(name), dir_fd=self.descriptor)

    def unlink(self, name: str) -> None:
        """Remove a file."""
        os.unlink(self._name(name), dir_fd=self.descriptor)

    def replace(self, name: str, to: str) -> None:
        """Put the file `name` in the place of `to`."""
        os.replace(self._name(name), self._name(to), src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def place(self, name: str, to: str) -> None:
        """Give the file `name` the name `to`; raises FileExistsError where there is one already."""
        try:
            os.link(self._name(name), self._name(to), src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor, follow_symlinks=False)
        except (FileExistsError, FileNotFoundError):
            raise
        except (OSError, NotImplementedError):
            if self.exists(to):
                raise FileExistsError(to) from None
            self.replace(name, to)
            return
        self.unlink(name)

    def names(self) -> list[str]:
        """Return the names in the folder."""
        return os.listdir(self.path if self.descriptor is None else self.descriptor)

    def sync(self) -> None:
        """Make renames in the folder durable, where the platform can."""
        if self.descriptor is not None:
            os.fsync(self.descriptor)

    def child(self, name: str) -> Folder:
        """Open a folder in it; a link is refused with OSError."""
        if self.descriptor is not None:
            return Folder(os.path.join(self.path, name), os.open(name, _FOLDER, dir_fd=self.descriptor))
        if not stat.S_ISDIR(self.stat(name).st_mode):
            raise NotADirectoryError(20, "Not a directory", name)
        return Folder(os.path.join(self.path, name), None)

    def still_there(self) -> bool:
        """Whether the folder that is held is still the one that its path leads to, without a link at its end."""
        if self.descriptor is None:
            return os.path.isdir(self.path) and not os.path.islink(self.path)
        try:
            return os.path.samestat(os.lstat(self.path), os.fstat(self.descriptor))
        except OSError:
            return False

    def duplicate(self) -> Folder:
        """Return another hold on the same folder, closed on its own."""
        return Folder(self.path, None if self.descriptor is None else os.dup(self.descriptor))

    def close(self) -> None:
        """Give the descriptor back."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


@contextmanager
def open_folder(root: str, parts: Sequence[str]) -> Iterator[Folder]:
    """Walk from the workspace folder down without following a link, and hold the last folder open."""
    folder = Folder(root, os.open(root, _FOLDER & ~_NO_FOLLOW) if _HELD else None)
    try:
        for part in parts:
            if part in ("", ".", ".."):
                raise PathMissing(f"{'/'.join(parts)} is not a canonical path", "/".join(parts))
            below = folder.child(part)
            folder.close()
            folder = below
        yield folder
    finally:
        folder.close()


def read_file(root: str, path: str, limit: int = MAX_FILE) -> tuple[bytes, os.stat_result]:
    """Return the bytes and status of a regular file; raises PathMissing or PathUnreadable."""
    *parts, name = path.split("/")
    if name in ("", ".", ".."):
        raise PathMissing(f"{path or '.'} is not a file", path)
    try:
        with open_folder(root, parts) as folder:
            return read_entry(folder, name, path, limit)
    except (FileNotFoundError, NotADirectoryError):
        raise PathMissing(f"{path} does not exist", path) from None
    except (OSError, ValueError) as error:
        raise PathUnreadable(f"{path} cannot be read ({_reason(error)})", path) from None


def read_entry(folder: Folder, name: str, path: str, limit: int = MAX_FILE) -> tuple[bytes, os.stat_result]:
    """Return the bytes and status of a file in an open folder; `path` is for the message."""
    before = folder.stat(name)
    if stat.S_ISDIR(before.st_mode):
        raise PathMissing(f"{path} is a folder, not a file", path)
    if not stat.S_ISREG(before.st_mode):
        raise PathUnreadable(f"{path} is not a regular file", path)
    descriptor = folder.open_read(name)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise PathUnreadable(f"{path} is not a regular file", path)
        data = _read_bounded(descriptor, limit)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise PathUnreadable(f"{path} has {max(status.st_size, len(data)):,} bytes; files above {limit:,} are not read as text", path)
    return data, status


def _read_bounded(descriptor: int, limit: int) -> bytes:
    """Return at most one byte more than the limit."""
    chunks: list[bytes] = []
    room = limit + 1
    while room > 0:
        chunk = os.read(descriptor, min(room, 1 << 20))
        if not chunk:
            break
        chunks.append(chunk)
        room -= len(chunk)
    return b"".join(chunks)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
