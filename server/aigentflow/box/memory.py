"""How much memory the processes of a command hold together, what they share counted once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress

_KILOBYTE = 1024
_REST = 5
"""An exact count, which takes long where much is held, is made again only after so many times of what it took."""
_LEAST_LEFT = 256 << 20
"""Bytes of the whole machine's memory below which it makes way for everything else, or a twentieth of it where that is less."""
_FIRST_TO_GO = 1000


class MemoryCount:
    """Tells whether a command holds more than its bound."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._next_exact = 0.0
        self._total = _machine().get("MemTotal", 0)

    def too_much(self, pids: Iterable[int]) -> bool:
        """Whether the processes hold more than the bound, or the machine has hardly any memory left."""
        if self._machine_runs_out():
            return True
        own = shared = 0
        listed = list(pids)
        for pid in listed:
            numbers = _numbers(f"/proc/{pid}/status")
            own += numbers.get("RssAnon", 0)
            shared += numbers.get("RssShmem", 0)
        if own > self._bound:
            return True
        return own + shared > self._bound and self._exactly(listed) > self._bound

    def _exactly(self, pids: Iterable[int]) -> int:
        """Return what they hold, each page counted once however many of them share it; 0 where it was counted a moment ago."""
        started = time.monotonic()
        if started < self._next_exact:
            return 0
        total = 0
        for pid in pids:
            shares = _numbers(f"/proc/{pid}/smaps_rollup")
            if "Pss_Shmem" not in shares:
                # The process does not let itself be looked into, or the kernel is too old.
                shares = _numbers(f"/proc/{pid}/status")
            total += sum(shares.get(name, 0) for name in ("Pss_Anon", "Pss_Shmem", "RssAnon", "RssShmem"))
        ended = time.monotonic()
        self._next_exact = ended + _REST * (ended - started)
        return total

    def _machine_runs_out(self) -> bool:
        # What sockets and pipes hold is in no count of processes.
        left = _machine().get("MemAvailable")
        return left is not None and left < min(_LEAST_LEFT, self._total // 20)


def first_to_go() -> None:
    """Have the kernel end this process, and what it starts, before the person's own programs when memory runs out."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(str(_FIRST_TO_GO))


def _machine() -> dict[str, int]:
    return _numbers("/proc/meminfo")


def _numbers(path: str) -> dict[str, int]:
    """Return the lines `Name: 123 kB` of a file of the kernel in bytes; empty where it cannot be read, as of a process that has ended."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return {}
    try:
        text = os.read(descriptor, 1 << 14).decode("ascii", "replace")
    except OSError:
        return {}
    finally:
        os.close(descriptor)
    numbers = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == "kB" and words[1].isdigit():
            numbers[words[0].removesuffix(":")] = int(words[1]) * _KILOBYTE
    return numbers
