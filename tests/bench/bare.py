"""The floor of commands in a box, as a process of its own, since a fork is as slow as its parent is large.

For every line on stdin it does one thing and prints its seconds: `shell` starts `bash -c true` and waits for it; `namespaces` forks a
child that moves into six new namespaces, in which `bash -c true` is started. Nothing is mounted, fenced, collected or told.
"""

import ctypes
import os
import sys
import time

COMMAND = ["bash", "-c", "true"]
NAMESPACES = 0x10000000 | 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000
"""User, mount, process, network, IPC and host name."""


def shell() -> None:
    """Fork and execute."""
    child = os.fork()
    if child == 0:
        os.execvp(COMMAND[0], COMMAND)
    os.waitpid(child, 0)


def namespaces(libc: ctypes.CDLL) -> None:
    """Fork, leave, fork and execute; the namespaces are gone when this returns."""
    child = os.fork()
    if child == 0:
        if libc.unshare(NAMESPACES) != 0:
            os._exit(1)
        shell()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        raise OSError("this user cannot make namespaces here")


def main() -> None:
    """Answer until stdin ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    for line in sys.stdin:
        before = time.perf_counter()
        if line.strip() == "namespaces":
            namespaces(libc)
        else:
            shell()
        print(time.perf_counter() - before, flush=True)


if __name__ == "__main__":
    main()
