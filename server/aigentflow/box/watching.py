"""Changes of folders as the kernel tells them (inotify), without a thread: asked for, never waited for."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

CREATE, DELETE, MOVED_FROM, MOVED_TO, DELETE_SELF, MOVE_SELF, ATTRIBUTES = 0x100, 0x200, 0x40, 0x80, 0x400, 0x800, 0x4
OVERFLOW, IGNORED, IS_FOLDER = 0x4000, 0x8000, 0x40000000
_ONLY_FOLDERS, _NO_LINKS, _NO_UNLINKED = 0x01000000, 0x02000000, 0x04000000
_WATCHED = CREATE | DELETE | MOVED_FROM | MOVED_TO | DELETE_SELF | MOVE_SELF | ATTRIBUTES | _ONLY_FOLDERS | _NO_LINKS | _NO_UNLINKED
_EVENT = struct.Struct("iIII")
_READ = 1 << 16
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse", "virtiofs", "afs", "ceph", "vboxsf", "prl_fs", "drvfs"})
"""File systems that others change without the kernel here noticing."""


@dataclass(frozen=True)
class Event:
    """Something that happened in a watched folder."""

    watch: int
    """The number that `add` returned; -1 where the kernel lost events."""
    mask: int
    name: str
    """The entry it happened to; empty for the folder itself."""


class Watcher:
    """One queue of the kernel; raises `OSError` where there is none to be had."""

    def __init__(self) -> None:
        self._queue = -1
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.inotify_add_watch.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]
        self._queue = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._queue < 0:
            raise _problem()

    def add(self, folder: str) -> int:
        """Watch a folder, links not followed; return its number. Raises `OSError`, with ENOSPC where the person's allowance is used up."""
        number: int = self._libc.inotify_add_watch(self._queue, os.fsencode(folder), _WATCHED)
        if number < 0:
            raise _problem()
        return number

    def remove(self, number: int) -> None:
        """Watch the folder of that number no more."""
        self._libc.inotify_rm_watch(self._queue, number)

    def events(self) -> Iterator[Event]:
        """Yield what happened since the last call, without waiting."""
        while True:
            try:
                data = os.read(self._queue, _READ)
            except BlockingIOError:
                return
            yield from _parsed(data)

    def close(self) -> None:
        """Give everything back to the kernel."""
        if self._queue >= 0:
            os.close(self._queue)
            self._queue = -1

    def __del__(self) -> None:
        # A person has only about a hundred such queues; one that is forgotten must not wait for the end of the process.
        self.close()


def _parsed(data: bytes) -> Iterator[Event]:
    start = 0
    while start < len(data):
        watch, mask, _, length = _EVENT.unpack_from(data, start)
        start += _EVENT.size
        yield Event(watch, mask, os.fsdecode(data[start : start + length].rstrip(b"\0")))
        start += length


def _problem() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


def tells_changes(folder: str) -> bool:
    """Whether the file system under a folder is changed by this kernel only, so that its events are all there is."""
    try:
        device = os.lstat(folder).st_dev
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            lines = file.readlines(1 << 20)
    except OSError:
        return False
    wanted = f"{os.major(device)}:{os.minor(device)}"
    kinds = {line.partition(" - ")[2].partition(" ")[0] for line in lines if line.split(" ", 3)[2] == wanted}
    return not kinds & _REMOTE
