"""The filter of system calls that every tier lays on a command, built as a BPF program and without a library.

It is a list of what is refused: what reaches round a box (namespaces, mounts, handles of files, the session's keyring, the machine's
clock and modules), kernel interfaces that a command has no use for, and socket families that a network namespace does not hold.
Numbers newer than this table answer "not implemented", so programs fall back to the calls that it knows.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable, Sequence

from aigentflow.box.syscall_numbers import NEWEST, Architecture, architecture

_LOAD, _EQUAL, _GREATER, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_X32 = 0x40000000
_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, -CGROUP, -UTS, -IPC, -USER, -PID and -NET; all of them lie in the half that clone reads."""
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 38, 2
_TERMINAL, _FILE_FLAGS = (0x5412, 0x541C), (0x40086602, 0x401C5820)
"""TIOCSTI and TIOCLINUX type for the person; FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR need no handle for writing."""
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE, _NETLINK_SOCK_DIAG = 0, 4
_EVERYBODY = 0xFFFFFFFF
_HOLDS_TRUNCATION, _HOLDS_SIGNALS = 3, 6
"""Versions of Landlock."""

_NOT_IMPLEMENTED = ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_create", "memfd_secret")
"""Callers probe for these and have another way. Files in memory that are no longer mapped are in no count of what a command holds."""
_REFUSED = (
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd"),
    *("fsopen", "fsmount", "fsconfig", "fspick", "move_mount", "open_tree", "open_tree_attr", "mount_setattr"),
    *("add_key", "request_key", "keyctl", "bpf", "perf_event_open", "userfaultfd", "name_to_handle_at", "open_by_handle_at"),
    *("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "iopl", "ioperm", "reboot", "syslog"),
    *("settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "sethostname", "setdomainname", "vhangup", "lookup_dcookie"),
)
_OTHER_PROCESSES = ("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "pidfd_getfd", "kcmp")
_OTHER_MEMORY = (
    *("shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl"),
    *("mq_open", "mq_unlink"),
)
"""Held by an IPC namespace where there is one."""
_SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal")
_MODES = ("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat", "utime", "utimes", "futimesat")
_ATTRIBUTES = (
    *("setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat"),
    "file_setattr",
)


def filter_program(*, sockets: bool, landlock: int = 0, modes: bool = True, machine: str = "") -> bytes:
    """Return the program for this machine, or for the named one.

    With `sockets`, the box has namespaces of its own for network, processes and IPC, and only families that these hold can be opened.
    Without, nothing but socket pairs can be opened, and the filter refuses what else reaches beyond a fence of Landlock's version
    `landlock`: other processes and shared memory of the same person, modes and times of files, up to version 2 truncation by a handle
    for reading, up to version 5 signals. Changing a mode, an owner or a time then succeeds without effect, since far too many programs
    take it for granted; so it does without `modes`, which is for a box whose devices are the machine's own and belong to its user.
    Raises OSError (ENOSYS) on machines whose numbers are not known.
    """
    arch = architecture(machine)
    code = [_step(_LOAD, _ARCHITECTURE), _step(_EQUAL, arch.audit, 1, 0), _refuse(errno.EPERM), _step(_LOAD, _NUMBER)]
    if arch.has_x32:
        code += [_step(_AT_LEAST, _X32, 0, 1), _refuse(errno.EPERM)]
    code += [_step(_GREATER, NEWEST, 0, 1), _refuse(errno.ENOSYS)]
    code += _always(arch, _NOT_IMPLEMENTED, errno.ENOSYS) + _always(arch, _REFUSED, errno.EPERM)
    code += _when(arch, "clone", 0, _ANY_BIT, (_NEW_NAMESPACES,), errno.EPERM)
    code += _when(arch, "ioctl", 1, _EQUAL, _TERMINAL if sockets and modes else (*_TERMINAL, *_FILE_FLAGS), errno.EPERM)
    code += _unless(arch, "socketpair", 0, (_AF_UNIX,), errno.EAFNOSUPPORT)
    code += [] if sockets and modes else _modes(arch)
    code += _families(arch) if sockets else _alone(arch, landlock)
    code.append(_step(_RETURN, _ALLOW))
    return b"".join(code)


def install(program: bytes) -> None:
    """Lay the program on this process for good, and give up gaining rights by set-user-id programs. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    filters = ctypes.create_string_buffer(program, len(program))
    header = _Program(len(program) // 8, ctypes.addressof(filters))
    for arguments in ((_PR_SET_NO_NEW_PRIVS, 1, 0), (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(header))):
        if libc.prctl(arguments[0], *(ctypes.c_ulong(value) for value in arguments[1:]), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"the filter of system calls was not taken: {os.strerror(number)}")


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("filters", ctypes.c_void_p))


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refuse(number: int) -> bytes:
    return _step(_RETURN, _ERROR | number)


def _low(argument: int) -> bytes:
    # Every argument that is looked at is an `int` or has its flags in the low half. The kernel drops the other half, so it must not count.
    return _step(_LOAD, _ARGUMENTS + 8 * argument)


def _for(arch: Architecture, name: str, block: Sequence[bytes]) -> list[bytes]:
    """Return the block as what is done for this call; it has to end in a return on every way."""
    number = arch.numbers.get(name)
    return [] if number is None else [_step(_EQUAL, number, 0, len(block)), *block]


def _always(arch: Architecture, names: Iterable[str], error: int) -> list[bytes]:
    return [step for name in names for step in _for(arch, name, [_refuse(error)])]


def _when(arch: Architecture, name: str, argument: int, test: int, values: Sequence[int], error: int) -> list[bytes]:
    tests = [step for value in values for step in (_step(test, value, 0, 1), _refuse(error))]
    return _for(arch, name, [_low(argument), *tests, _step(_RETURN, _ALLOW)])


def _unless(arch: Architecture, name: str, argument: int, values: Sequence[int], error: int) -> list[bytes]:
    tests = [step for value in values for step in (_step(_EQUAL, value, 0, 1), _step(_RETURN, _ALLOW))]
    return _for(arch, name, [_low(argument), *tests, _refuse(error)])


def _families(arch: Architecture) -> list[bytes]:
    """Return the rule for socket(): the host of a virtual machine, Bluetooth and the like are not held off by a network namespace."""
    plain = [step for family in (_AF_UNIX, _AF_INET, _AF_INET6) for step in (_step(_EQUAL, family, 0, 1), _step(_RETURN, _ALLOW))]
    netlink = [_step(_EQUAL, _AF_NETLINK, 1, 0), _refuse(errno.EAFNOSUPPORT), _low(2)]
    for protocol in (_NETLINK_ROUTE, _NETLINK_SOCK_DIAG):
        netlink += [_step(_EQUAL, protocol, 0, 1), _step(_RETURN, _ALLOW)]
    return _for(arch, "socket", [_low(0), *plain, *netlink, _refuse(errno.EPROTONOSUPPORT)])


def _alone(arch: Architecture, landlock: int) -> list[bytes]:
    """Return the rules for a box without namespaces."""
    code = (
        _always(arch, ("socket",), errno.EACCES) + _always(arch, _OTHER_PROCESSES, errno.EPERM) + _always(arch, _OTHER_MEMORY, errno.ENOSYS)
    )
    # The limits of another process are as good as a signal; 0 is the caller itself.
    code += _unless(arch, "prlimit64", 0, (0,), errno.EPERM)
    if landlock < _HOLDS_SIGNALS:
        code += _always(arch, _SIGNALS, errno.EPERM)
    else:
        code += _when(arch, "kill", 0, _EQUAL, (_EVERYBODY,), errno.EPERM)
    if landlock < _HOLDS_TRUNCATION:
        code += _always(arch, ("truncate",), errno.EPERM) + _always(arch, ("openat2",), errno.ENOSYS)
        code += _opening(arch, "open", 1) + _opening(arch, "openat", 2)
    return code


def _modes(arch: Architecture) -> list[bytes]:
    return _always(arch, _MODES, 0) + _always(arch, _ATTRIBUTES, errno.EOPNOTSUPP) + _times(arch)


def _times(arch: Architecture) -> list[bytes]:
    """Return the rule for utimensat: "now" for an open file, as touch does it, is done; all else is not."""
    halves = [step for place in range(8, 24, 4) for step in (_step(_LOAD, _ARGUMENTS + place), _step(_EQUAL, 0, 1, 0), _refuse(0))]
    return _for(arch, "utimensat", [*halves, _step(_RETURN, _ALLOW)])


def _opening(arch: Architecture, name: str, argument: int) -> list[bytes]:
    """Return the rule that a file is cut to nothing only by those who may write to it."""
    writes = [step for mode in (os.O_WRONLY, os.O_RDWR) for step in (_step(_EQUAL, mode, 0, 1), _step(_RETURN, _ALLOW))]
    cuts = [_step(_ANY_BIT, os.O_TRUNC, 1, 0), _step(_RETURN, _ALLOW), _step(_AND, os.O_ACCMODE), *writes, _refuse(errno.EACCES)]
    return _for(arch, name, [_low(argument), *cuts])
