"""Private folders for copies: one for each command, gone with it, and swept up where the process that made it was killed.

Beside each folder `NAME` lies a file `NAME.lock`. The process that owns the folder holds a lock on it, which the kernel lifts when the
process ends in whatever way; so a folder whose lock can be had belongs to nobody.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass

_MEMORY, _TEMPORARY = "/dev/shm", "/var/tmp"
_ENOUGH_MEMORY = 4 << 30
"""Bytes: a copy may have two, and what commands write comes on top."""
_PREFIX, _LOCK = "box-", ".lock"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Scratch:
    """A private folder; `lock` is the descriptor that keeps it."""

    path: str
    lock: int


def choose_parent(cache: str) -> str:
    """Return the folder of all private folders of this user, made where it is not there yet. Raises OSError where none can be had.

    Memory comes first, where there is enough of it and programs may be run from it: making and removing thousands of files takes a tenth
    of the time. Then comes the person's cache folder, then the system's own place for temporary files that may be large.
    """
    problem = OSError(errno.ENOENT, "there is no place for private folders")
    for place, least in ((_MEMORY, _ENOUGH_MEMORY), (cache, 0), (_TEMPORARY, 0)):
        try:
            space = os.statvfs(place)
            if space.f_flag & os.ST_NOEXEC or space.f_bavail * space.f_frsize < least:
                continue
            # The name of a folder that others may write beside has to tell whose it is.
            make_parent(path := os.path.join(place, f"aigentflow-boxes-{os.geteuid()}"))
            return path
        except OSError as error:
            problem = error
    raise problem


def make_parent(path: str) -> None:
    """Make the folder of all private folders, for this user only. Raises OSError where it belongs to somebody else or others may enter."""
    with suppress(FileExistsError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mkdir(path, 0o700)
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise OSError(errno.EPERM, f"{path} is not a folder of this user alone")


def make_scratch(parent: str) -> Scratch:
    """Return a new empty folder that is this process's own. Raises OSError."""
    while True:
        path = os.path.join(parent, _PREFIX + secrets.token_hex(8))
        lock = os.open(path + _LOCK, _NEW, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_at(lock, path + _LOCK):
            os.write(lock, f"{os.getpid()}\n".encode())
            os.mkdir(path, 0o700)
            return Scratch(path, lock)
        # Somebody swept it up between making and locking.
        os.close(lock)


def remove_scratch(scratch: Scratch) -> None:
    """Remove the folder and let go of it. Raises OSError where something cannot be removed; it is then tried again by the next sweep."""
    try:
        remove_tree(scratch.path)
        os.unlink(scratch.path + _LOCK)
    finally:
        os.close(scratch.lock)


def sweep(parent: str) -> int:
    """Remove the folders whose owner is gone; returns how many. What cannot be removed is left."""
    swept = 0
    with suppress(OSError):
        names = os.listdir(parent)
        for name in names:
            if name.startswith(_PREFIX) and name.endswith(_LOCK):
                swept += _sweep_one(os.path.join(parent, name.removesuffix(_LOCK)))
            elif name.startswith(_PREFIX) and name + _LOCK not in names and not os.path.lexists(os.path.join(parent, name + _LOCK)):
                with suppress(OSError):
                    remove_tree(os.path.join(parent, name))
                    swept += 1
    return swept


def _sweep_one(path: str) -> bool:
    try:
        lock = os.open(path + _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_at(lock, path + _LOCK):
            return False
        remove_tree(path)
        os.unlink(path + _LOCK)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def _is_at(descriptor: int, path: str) -> bool:
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def remove_tree(path: str) -> None:
    """Remove a folder and all that lies in it, whatever a command left there; links are removed, never followed.

    Folders within folders are moved up and emptied one by one, so depth does not matter. Raises OSError where something stays; a folder
    that is not there is fine.
    """
    parent = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        top = _open_whatever_its_mode(parent, os.path.basename(path))
    except FileNotFoundError:
        return
    finally:
        os.close(parent)
    try:
        prefix, number = f".removed-{secrets.token_hex(8)}-", 0
        while folders := _unlink_files(top):
            for name in folders:
                number = _empty_into(top, name, prefix, number)
    finally:
        os.close(top)
    os.rmdir(path)


def _unlink_files(folder: int) -> list[str]:
    """Remove what is no folder; returns the folders."""
    folders = []
    with os.scandir(folder) as found:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    for name, is_folder in entries:
        if is_folder:
            folders.append(name)
        else:
            os.unlink(name, dir_fd=folder)
    return folders


def _empty_into(top: int, name: str, prefix: str, number: int) -> int:
    """Remove a folder that lies in `top` after its own folders were moved there; returns the next free number."""
    inner = _open_whatever_its_mode(top, name)
    try:
        for folder in _unlink_files(inner):
            # A folder that may not be written to cannot be moved either, since its `..` changes.
            os.close(_open_whatever_its_mode(inner, folder))
            os.rename(folder, f"{prefix}{number}", src_dir_fd=inner, dst_dir_fd=top)
            number += 1
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)
    return number


def _open_whatever_its_mode(parent: int, name: str) -> int:
    place = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        if os.fstat(place).st_mode & 0o700 != 0o700:
            # By its handle, so that nothing that took its place meanwhile is meant.
            os.chmod(f"/proc/self/fd/{place}", 0o700)
        return os.open(".", _FOLDER, dir_fd=place)
    finally:
        os.close(place)
