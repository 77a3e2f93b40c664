"""The processes that a command started, where no namespace holds them together."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import suppress

_ROUNDS, _PAUSE = 100, 0.005


class Descendants:
    """All descendants of this process, which has to adopt orphans so that none gets away; without some of its children and theirs."""

    def __init__(self, spared: Collection[int] = ()) -> None:
        self._spared = frozenset(spared)

    def pids(self) -> Iterator[int]:
        """Yield their ids, children before their own children."""
        below: dict[int, list[int]] = {}
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) not in self._spared and (parent := _parent_of(int(name))) is not None:
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


def end_strays(spared: Collection[int]) -> None:
    """End what was left behind by children that were killed before they could clear up; for a process that adopts orphans."""
    strays = Descendants(spared)
    for _ in range(_ROUNDS):
        left = list(strays.pids())
        if not left:
            break
        strays.kill()
        for pid in left:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        select.select([], [], [], _PAUSE)


def has_ended(pid: int, until: float) -> bool:
    """Wait until the child has ended, or until then."""
    while time.monotonic() < until:
        with suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                select.select([], [], [], _PAUSE)
                continue
        return True
    return False


def _parent_of(pid: int) -> int | None:
    """Return the parent of a process that has not ended; None for one that has."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in brackets may hold anything, brackets and blanks included.
            state, parent = file.read().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state in (b"Z", b"X") else int(parent)
