"""System calls that Python does not offer, through ctypes. Every function raises OSError as `os` does. Linux only."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_AT_RECURSIVE = 0x8000
_ATTRIBUTE_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC
_NUMBERS = {
    "x86_64": {"pivot_root": 155, "capset": 126, "mount_setattr": 442},
    "aarch64": {"pivot_root": 41, "capset": 91, "mount_setattr": 442},
}
_CAPABILITY_VERSION = 0x20080522
_LAST_CAPABILITY = 63


class Libc:
    """The C library of this process."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._numbers = _NUMBERS.get(platform.machine(), {})

    def unshare(self, flags: int) -> None:
        """Move this process into new namespaces."""
        self._check(self._libc.unshare(flags), "unshare")

    def mount(self, source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
        """Mount; paths as in mount(2)."""
        result = self._libc.mount(
            os.fsencode(source), os.fsencode(target), kind.encode() or None, ctypes.c_ulong(flags), os.fsencode(data) or None
        )
        self._check(result, f"mount {kind or 'bind'} on {target}")

    def unmount(self, target: str, flags: int = 0) -> None:
        """Unmount."""
        self._check(self._libc.umount2(os.fsencode(target), flags), f"umount {target}")

    def set_mount_flags(self, target: str, flags: int) -> None:
        """Add MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC to the mount at the target and all below it (Linux 5.12)."""
        attributes = struct.pack("QQQQ", flags & _ATTRIBUTE_FLAGS, 0, 0, 0)
        self._syscall("mount_setattr", -100, os.fsencode(target), _AT_RECURSIVE, attributes, ctypes.c_size_t(len(attributes)))

    def pivot_root(self, new_root: str, put_old: str) -> None:
        """Make the folder the root of this mount namespace."""
        self._syscall("pivot_root", os.fsencode(new_root), os.fsencode(put_old))

    def die_with_parent(self, number: int = signal.SIGKILL, parent: int = 0) -> None:
        """Have this process sent the signal when the thread that forked it ends, or now where `parent` is no longer its parent."""
        self._prctl(_PR_SET_PDEATHSIG, number)
        if parent and os.getppid() != parent:
            os.kill(os.getpid(), number)

    def adopt_orphans(self) -> None:
        """Become the parent of descendants whose own parent ends."""
        self._prctl(_PR_SET_CHILD_SUBREAPER, 1)

    def hide_from_siblings(self) -> None:
        """Let no process of the same user look into this one or trace it."""
        self._prctl(_PR_SET_DUMPABLE, 0)

    def keep_privileges_down(self) -> None:
        """No program that is executed from here on gains privileges."""
        self._prctl(_PR_SET_NO_NEW_PRIVS, 1)

    def drop_capability_bounds(self) -> None:
        """Give up all capabilities for programs that are executed from here on; needs CAP_SETPCAP."""
        for capability in range(_LAST_CAPABILITY + 1):
            if self._libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                # The kernel knows no further ones.
                break
        self._libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)

    def drop_capabilities(self) -> None:
        """Give up all capabilities of this thread."""
        header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
        self._syscall("capset", header, struct.pack("6I", *[0] * 6))

    def _prctl(self, option: int, value: int) -> None:
        self._check(self._libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)), "prctl")

    def _syscall(self, name: str, *arguments: object) -> None:
        number = self._numbers.get(name)
        if number is None:
            raise OSError(38, f"{name}: not known for {platform.machine()}")
        self._check(self._libc.syscall(ctypes.c_long(number), *arguments), name)

    @staticmethod
    def _check(result: int, what: str) -> None:
        if result != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{what}: {os.strerror(number)}")
