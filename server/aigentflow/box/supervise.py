"""Runs one program to its end or to a limit, and takes everything it started with it.

The supervising process is single-threaded and has no other children: process 1 of a box, or one that adopts all orphans.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, Protocol

from .memory import MemoryCount
from .output import HeadAndTail
from .values import EndedBy, Limits

_LOOK_SECONDS = 0.1
"""How often processes and memory are counted."""
_DRAIN_SECONDS = 0.5
"""How long output may still come once all processes were ended."""
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTERM, signal.SIGCHLD, signal.SIGXFSZ)
"""Those that Python, or who started the server, may have set to be ignored, which a program would inherit."""
_ROUNDS, _PAUSE = 100, 0.005
_NO_CORE = 1
"""A core limit of 1 byte writes no file and, unlike 0, also keeps a core handler of the machine from being started."""


@dataclass(frozen=True)
class Ran:
    """How the program ended."""

    exit: int | None
    signal: int | None
    output: HeadAndTail
    seconds: float
    ended_by: EndedBy


class Population(Protocol):
    """The processes that belong to the command."""

    def pids(self) -> Iterable[int]:
        """Yield their ids."""

    def kill(self) -> None:
        """End all of them at once."""


class Namespace:
    """All processes of the process namespace in which this one is number 1."""

    def pids(self) -> Iterable[int]:
        """Yield the ids of all but this one."""
        return (int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1")

    def kill(self) -> None:
        """End all of them; process 1 itself is spared by the kernel."""
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)


def supervise(program: Callable[[], NoReturn], limits: Limits, population: Population, place: str = "") -> Ran:
    """Return how the program ended; `program` runs in the forked child, with its output joined, and executes it.

    `place` is a folder whose disk must not lose more room than the limit on what is written; empty where the kernel sees to that.
    """
    started = time.monotonic()
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        child = os.fork()
        if child == 0:
            _as_child(program, writer, limits, shares_processes=bool(place))
        os.close(writer)
        return _Watch(child, reader, limits, population, started, place).until_end()
    finally:
        # Also where this process is asked to end in the middle of it.
        _end_all(population)
        os.close(reader)


def _end_all(population: Population) -> None:
    """End all of them, and the children of those that forked while they were ended."""
    for _ in range(_ROUNDS):
        if not list(population.pids()):
            return
        population.kill()
        _clear_away()
        select.select([], [], [], _PAUSE)


def _clear_away() -> dict[int, int]:
    """Take note of all children that have ended; returns their states."""
    ended: dict[int, int] = {}
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0] != 0:
            ended[found[0]] = found[1]
    return ended


def _as_child(program: Callable[[], NoReturn], writer: int, limits: Limits, *, shares_processes: bool) -> NoReturn:
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        os.closerange(3, _most_descriptors())
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.umask(0o022)
        _limit(limits, shares_processes=shares_processes)
        program()
    except OSError as error:
        os.write(2, f"{error.filename or ''}: {error.strerror or error}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)
    finally:
        os._exit(125)


def _most_descriptors() -> int:
    numbers = [int(name) for name in os.listdir("/proc/self/fd")] if os.path.isdir("/proc/self/fd") else [1024]
    return max(numbers, default=1024) + 1


def _limit(limits: Limits, *, shares_processes: bool) -> None:
    # The limit on address space breaks programs that reserve much of it, as Node does; the one on data does not.
    bounds = {
        resource.RLIMIT_DATA: limits.memory * 3 // 4,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_CORE: _NO_CORE,
        resource.RLIMIT_NOFILE: 4096,
        resource.RLIMIT_MEMLOCK: 8 << 20,
    }
    if not shares_processes:
        # Without a namespace of its own it would count everything that this person runs.
        bounds[resource.RLIMIT_NPROC] = limits.processes
    for kind, bound in bounds.items():
        _soft, hard = resource.getrlimit(kind)
        allowed = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (allowed, allowed))


class _Watch:
    """Waits for output, for the end of the program, and for limits."""

    def __init__(self, child: int, reader: int, limits: Limits, population: Population, started: float, place: str) -> None:
        self._child = child
        self._reader = reader
        self._limits = limits
        self._population = population
        self._started = started
        self._place = place
        self._least_room = _room(place) - limits.written if place else 0
        self._memory = MemoryCount(limits.memory)
        self._output = HeadAndTail(limits.output)
        self._status: int | None = None
        self._ended_by: EndedBy = ""
        self._open = True

    def until_end(self) -> Ran:
        """Return how it ended, with nothing of it left."""
        os.set_blocking(self._reader, False)
        ended = os.pidfd_open(self._child)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(self._reader, select.POLLIN)
        next_look = self._started + _LOOK_SECONDS
        while self._status is None and not self._ended_by:
            now = time.monotonic()
            wait = min(next_look, self._started + self._limits.seconds) - now
            ready = {descriptor for descriptor, _ in poll.poll(max(0, int(wait * 1000) + 1))}
            if self._reader in ready and not self._drain():
                poll.unregister(self._reader)
            if ended in ready:
                self._reap()
            now = time.monotonic()
            if now >= self._started + self._limits.seconds:
                self._ended_by = "time"
            elif now >= next_look:
                self._look()
                next_look = now + _LOOK_SECONDS
        os.close(ended)
        self._finish()
        code = None if self._status is None or self._ended_by else os.waitstatus_to_exitcode(self._status)
        return Ran(
            exit=code if code is not None and code >= 0 else None,
            signal=-code if code is not None and code < 0 else None,
            output=self._output,
            seconds=time.monotonic() - self._started,
            ended_by=self._ended_by,
        )

    def _drain(self) -> bool:
        """Take what there is of output; False once its end was reached."""
        for _ in range(64):
            try:
                chunk = os.read(self._reader, 1 << 16)
            except BlockingIOError:
                return True
            if not chunk:
                self._open = False
                return False
            self._output.add(chunk)
        return True

    def _reap(self) -> None:
        """Take note of the program's end, and clear away whatever else has ended."""
        self._status = _clear_away().get(self._child, self._status)

    def _look(self) -> None:
        self._reap()
        pids = list(self._population.pids())
        if len(pids) > self._limits.processes:
            self._ended_by = "processes"
        elif self._memory.too_much(pids):
            self._ended_by = "memory"
        elif self._place and _room(self._place) < self._least_room:
            self._ended_by = "disk"

    def _finish(self) -> None:
        """End what is left, and read what it had still written."""
        self._population.kill()
        until = time.monotonic() + _DRAIN_SECONDS
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        while self._open and (left := until - time.monotonic()) > 0:
            if poll.poll(int(left * 1000) + 1):
                self._drain()
        self._reap()
        _end_all(self._population)


def _room(place: str) -> int:
    """Return the bytes that still fit onto the disk of the folder."""
    space = os.statvfs(place)
    return space.f_bavail * space.f_frsize
