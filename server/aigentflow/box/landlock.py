"""The fence of tier 3: Landlock lets a process and its descendants reach the named folders and nothing else.

It is no view: paths stay what they are. What Landlock has no right for (modes, owners and times of files, sockets that have a path, limits
of other processes) is left to the filter of system calls, which has to be told the version: `filter_program(sockets=False,
landlock=abi())`. The order in the forked child is: setsid, limits, descriptors 0 to 2 in place and all others closed, groups and user
given up where this is root, capabilities dropped, `restrict`, `seccomp.install`, execve. Nothing after `restrict` may need a file
outside the fence.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""Numbers of the system calls, the same on all machines."""
_ASK_VERSION, _PATH_BENEATH, _PR_SET_NO_NEW_PRIVS = 1, 1, 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE_CHAR, _MAKE_DIR, _MAKE_REG, _MAKE_SOCK, _MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM = (1 << bit for bit in range(6, 13))
_REFER, _TRUNCATE, _IOCTL_DEV, _RESOLVE_UNIX = (1 << bit for bit in range(13, 17))
_RIGHTS_SINCE = ((1, (1 << 13) - 1), (2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV), (9, _RESOLVE_UNIX))
_ALL_NET, _ALL_SCOPES = 0b11, 0b11
"""TCP bind and connect, since version 4; abstract sockets and signals, since version 6."""
_NET_SINCE, _SCOPES_SINCE = 4, 6
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_FIFO | _MAKE_SYM | _REFER | _TRUNCATE
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def abi() -> int:
    """Return the version of Landlock that this kernel offers, 0 where it offers none."""
    version = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(_CREATE), None, ctypes.c_size_t(0), ctypes.c_uint(_ASK_VERSION))
    return max(0, int(version))


def restrict(read: Sequence[str], write: Sequence[str]) -> None:
    """Fence this process in for good: reading and executing beneath `read`, everything but making devices and sockets beneath `write`.

    Files may be named as well as folders, paths that are not there are passed over, and /dev/null and its kind come along by themselves.
    From version 4 on TCP is closed, from version 6 on signals and abstract sockets end at the fence. Raises OSError; then nothing may
    be run, since part of it may hold already.
    """
    version = abi()
    if version == 0:
        raise OSError(errno.ENOSYS, "Landlock is not there: the kernel is too old or has it switched off")
    libc = ctypes.CDLL(None, use_errno=True)
    handled = sum(rights for since, rights in _RIGHTS_SINCE if version >= since)
    fields = [handled, *([_ALL_NET] if version >= _NET_SINCE else []), *([_ALL_SCOPES] if version >= _SCOPES_SINCE else [])]
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _call(libc, "the rules", _CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    try:
        _add(libc, ruleset, read, _READ & handled)
        _add(libc, ruleset, write, _WRITE & handled)
        _add(libc, ruleset, _DEVICES, (_READ_FILE | _WRITE_FILE | _TRUNCATE) & handled)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, *(ctypes.c_ulong(value) for value in (1, 0, 0, 0))) != 0:
            raise OSError(ctypes.get_errno(), "rights that programs gain could not be given up")
        _call(libc, "the fence", _RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint(0))
    finally:
        os.close(ruleset)


def _add(libc: ctypes.CDLL, ruleset: int, paths: Iterable[str], rights: int) -> None:
    for path in paths:
        with suppress(FileNotFoundError, NotADirectoryError):
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                is_folder = stat.S_ISDIR(os.fstat(place).st_mode)
                rule = struct.pack("=Qi", rights if is_folder else rights & _OF_A_FILE, place)
                _call(libc, path, _ADD, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint(0))
            finally:
                os.close(place)


def _call(libc: ctypes.CDLL, what: str, number: int, *arguments: object) -> int:
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock did not take {what}: {os.strerror(error)}")
    return result
