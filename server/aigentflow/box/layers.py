"""What lies over the workspace before a command starts: unsaved buffers, changes of the run, and the absence of secrets."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress

from .namespace import Identity, View
from .values import Topping

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def lay_over(view: View, toppings: Sequence[Topping], hidden: Collection[str], who: Identity) -> None:
    """Put buffers, changes of the run and the absence of secrets into the upper layer, before the overlay is mounted."""
    for path in hidden:
        with _parent(view, path, who) as (folder, _below, name):
            if folder is not None:
                _white_out(folder, name)
    for topping in toppings:
        with _parent(view, topping.path, who) as (folder, below, name):
            if folder is None:
                continue
            if topping.data is None:
                _white_out(folder, name)
            else:
                _write(folder, below, name, topping, who)


@contextmanager
def _parent(view: View, path: str, who: Identity) -> Iterator[tuple[int | None, int | None, str]]:
    """Hold the folder of the path open in the upper layer, made like the one below, and the one below where there is one."""
    *parts, name = path.split("/")
    upper, lower = os.dup(view.upper), os.dup(view.lower)
    below: int | None = lower
    try:
        for part in parts:
            step = _enter_lower(below, part)
            if step == -1:
                yield None, None, name
                return
            upper = _enter_upper(upper, part, step, who)
            if below is not None:
                os.close(below)
            below = step
        yield upper, below, name
    finally:
        os.close(upper)
        if below is not None:
            os.close(below)


def _enter_lower(folder: int | None, part: str) -> int | None:
    """Return the folder below; None where there is none, -1 where something else has that name."""
    if folder is None:
        return None
    try:
        return os.open(part, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError:
        return -1


def _enter_upper(folder: int, part: str, like: int | None, who: Identity) -> int:
    """Return the folder of the upper layer, made where it is not there yet; closes the one it came from."""
    try:
        with suppress(FileExistsError):
            os.mkdir(part, 0o755, dir_fd=folder)
            uid, gid = who.uid, who.gid
            if like is not None:
                status = os.fstat(like)
                os.chmod(part, stat.S_IMODE(status.st_mode), dir_fd=folder)
                uid, gid = (status.st_uid, status.st_gid) if who.as_root else (uid, gid)
            _give(part, folder, uid, gid)
        return os.open(part, _FOLDER, dir_fd=folder)
    finally:
        os.close(folder)


def _give(name: str, folder: int, uid: int, gid: int) -> None:
    if (uid, gid) != (os.geteuid(), os.getegid()):
        os.chown(name, uid, gid, dir_fd=folder, follow_symlinks=False)


def _white_out(folder: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    with suppress(FileExistsError, IsADirectoryError):
        os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=folder)


def _write(folder: int, below: int | None, name: str, topping: Topping, who: Identity) -> None:
    mode = 0o755 if topping.executable else 0o644
    uid, gid = who.uid, who.gid
    if below is not None:
        with suppress(OSError):
            status = os.stat(name, dir_fd=below, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                mode = stat.S_IMODE(status.st_mode)
                uid, gid = (status.st_uid, status.st_gid) if who.as_root else (uid, gid)
    descriptor = os.open(name, _NEW, 0o600, dir_fd=folder)
    try:
        rest = memoryview(topping.data or b"")
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
    _give(name, folder, uid, gid)
