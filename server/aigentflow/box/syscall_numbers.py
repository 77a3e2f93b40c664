"""Numbers of the system calls that the filter looks at, as the kernel's own headers give them."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass

NEWEST = 470
"""The highest number that this table was written with knowledge of; the same on both machines, as all new ones are."""

# fmt: off
_SHARED = {
    "clone3": 435, "fchmodat2": 452, "file_setattr": 469, "fsconfig": 431, "fsmount": 432, "fsopen": 430, "fspick": 433,
    "io_uring_enter": 426, "io_uring_register": 427, "io_uring_setup": 425, "mount_setattr": 442, "move_mount": 429, "open_tree": 428,
    "open_tree_attr": 467, "openat2": 437, "pidfd_getfd": 438, "pidfd_send_signal": 424, "process_madvise": 440, "process_mrelease": 448,
    "memfd_secret": 447, "quotactl_fd": 443, "removexattrat": 466, "setxattrat": 463,
}
_X86_64 = {
    **_SHARED,
    "acct": 163, "add_key": 248, "adjtimex": 159, "bpf": 321, "chmod": 90, "chown": 92, "chroot": 161, "clock_adjtime": 305,
    "clock_settime": 227, "clone": 56, "delete_module": 176, "fchmod": 91, "fchmodat": 268, "fchown": 93, "fchownat": 260,
    "finit_module": 313, "fremovexattr": 199, "fsetxattr": 190, "futimesat": 261, "init_module": 175, "ioctl": 16, "ioperm": 173,
    "iopl": 172, "kcmp": 312, "kexec_file_load": 320, "kexec_load": 246, "keyctl": 250, "kill": 62, "lchown": 94, "lookup_dcookie": 212,
    "lremovexattr": 198, "lsetxattr": 189, "mount": 165, "mq_open": 240, "mq_unlink": 241, "msgctl": 71, "msgget": 68, "msgrcv": 70,
    "msgsnd": 69, "name_to_handle_at": 303, "open": 2, "open_by_handle_at": 304, "openat": 257, "perf_event_open": 298, "pivot_root": 155,
    "prlimit64": 302, "process_vm_readv": 310, "process_vm_writev": 311, "ptrace": 101, "quotactl": 179, "reboot": 169,
    "removexattr": 197, "request_key": 249, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "semctl": 66, "semget": 64, "semop": 65,
    "semtimedop": 220, "setdomainname": 171, "sethostname": 170, "setns": 308, "settimeofday": 164, "setxattr": 188, "shmat": 30,
    "shmctl": 31, "shmdt": 67, "shmget": 29, "socket": 41, "socketpair": 53, "swapoff": 168, "swapon": 167, "syslog": 103, "tgkill": 234,
    "tkill": 200, "truncate": 76, "umount2": 166, "unshare": 272, "userfaultfd": 323, "utime": 132, "utimensat": 280, "utimes": 235,
    "memfd_create": 319, "vhangup": 153,
}
_AARCH64 = {
    **_SHARED,
    "acct": 89, "add_key": 217, "adjtimex": 171, "bpf": 280, "chroot": 51, "clock_adjtime": 266, "clock_settime": 112, "clone": 220,
    "delete_module": 106, "fchmod": 52, "fchmodat": 53, "fchown": 55, "fchownat": 54, "finit_module": 273, "fremovexattr": 16,
    "fsetxattr": 7, "init_module": 105, "ioctl": 29, "kcmp": 272, "kexec_file_load": 294, "kexec_load": 104, "keyctl": 219, "kill": 129,
    "lookup_dcookie": 18, "lremovexattr": 15, "lsetxattr": 6, "mount": 40, "mq_open": 180, "mq_unlink": 181, "msgctl": 187, "msgget": 186,
    "msgrcv": 188, "msgsnd": 189, "name_to_handle_at": 264, "open_by_handle_at": 265, "openat": 56, "perf_event_open": 241,
    "pivot_root": 41, "prlimit64": 261, "process_vm_readv": 270, "process_vm_writev": 271, "ptrace": 117, "quotactl": 60, "reboot": 142,
    "removexattr": 14, "request_key": 218, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240, "semctl": 191, "semget": 190, "semop": 193,
    "semtimedop": 192, "setdomainname": 162, "sethostname": 161, "setns": 268, "settimeofday": 170, "setxattr": 5, "shmat": 196,
    "shmctl": 195, "shmdt": 197, "shmget": 194, "socket": 198, "socketpair": 199, "swapoff": 225, "swapon": 224, "syslog": 116,
    "tgkill": 131, "tkill": 130, "truncate": 45, "umount2": 39, "unshare": 97, "userfaultfd": 282, "utimensat": 88,
    "memfd_create": 279, "vhangup": 58,
}
# fmt: on


@dataclass(frozen=True)
class Architecture:
    """One machine's calling convention."""

    audit: int
    """Its AUDIT_ARCH value."""
    numbers: Mapping[str, int]
    """Names that are missing do not exist there."""
    has_x32: bool = False
    """Whether a second set of numbers, with bit 30 on, does the same under other rules."""


_ARCHITECTURES: Mapping[str, Architecture] = {
    "x86_64": Architecture(0xC000003E, _X86_64, has_x32=True),
    "aarch64": Architecture(0xC00000B7, _AARCH64),
}


def architecture(machine: str = "") -> Architecture:
    """Return what is known of the machine, by default of this one. Raises OSError (ENOSYS) where nothing is."""
    name = machine or os.uname().machine
    found = _ARCHITECTURES.get(name)
    if found is None or (not machine and struct.calcsize("P") != 8):
        raise OSError(errno.ENOSYS, f"the numbers of system calls are not known for {name}, so they cannot be filtered")
    return found
