"""The processes that a command started, where no namespace holds them together."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress


class Descendants:
    """All descendants of this process, which has to adopt orphans so that none gets away."""

    def pids(self) -> Iterator[int]:
        """Yield their ids, children before their own children."""
        below: dict[int, list[int]] = {}
        for name in os.listdir("/proc"):
            if name.isdigit() and (parent := _parent_of(int(name))) is not None:
                below.setdefault(parent, []).append(int(name))
        waiting = [os.getpid()]
        while waiting:
            found = below.get(waiting.pop(), [])
            yield from found
            waiting += found

    def kill(self) -> None:
        """End all of them; they are stopped first, so that none goes on to fork while the others are ended."""
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in list(self.pids()):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)


def _parent_of(pid: int) -> int | None:
    """Return the parent of a process that has not ended; None for one that has."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in brackets may hold anything, brackets and blanks included.
            state, parent = file.read().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state in (b"Z", b"X") else int(parent)
