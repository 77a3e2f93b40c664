"""The box helper: `python -m aigentflow.box.serving`, a small single-threaded process that forks a child for every command.

A process with threads cannot enter a new user namespace, and forking a large one is slow; this one does nothing else. Frames on stdin and
stdout are a length (4 bytes, big-endian) and a JSON object. In: `{"type": "warm"}`, `{"type": "start", "root", "environment", "home",
"best"}`, `{"type": "run", "id", "order"}`, `{"type": "cancel", "id"}`. Out: `{"type": "ready", "report"}` as soon as the tier is known,
`{"type": "prepared", "report", "toolchains"}` once the workspace was looked at, `{"type": "outcome", "id", "outcome"}`. It ends when its
stdin ends, and everything that it started ends with it.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import struct
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from .hidden import Hidden, Mask
from .jobs import Prepared, prepare_job, start_job
from .ladder import choose_tier, confirm_tier
from .leaks import without_secrets
from .libc import Libc
from .memory import first_to_go
from .namespaced import Site
from .on_copy import sweep_copies
from .packages import packages
from .processes import end_strays, has_ended
from .toolchains import find_toolchains
from .values import EndedBy, Limits, Order, Outcome, Tier, TierReport, order_from_json, to_json

_LATE_SECONDS = 3.0
"""How long after its own time limit a job that does not end by itself is ended from outside."""
_LEAVE_SECONDS = 1.0
"""How long commands may take to clear up when the helper itself is to end."""
_MOST_FRAME = 512 << 20


@dataclass
class _Job:
    """A command that goes on."""

    identifier: str
    pid: int
    result: int
    until: float
    mask: Mask
    """What was secret when it began."""
    toppings: Mapping[str, bytes | None]
    data: bytearray = field(default_factory=bytearray)
    ended: EndedBy = ""
    """Why it was ended from outside."""


class Helper:
    """Serves one workspace."""

    def __init__(self, output: int) -> None:
        self._output = output
        self._jobs: dict[int, _Job] = {}
        self._pending = bytearray()
        self._hidden: Hidden | None = None
        self._site: Site | None = None
        self._report: TierReport | None = None
        self._prepared: Prepared | None = None
        self._ending: list[int] = []
        """Processes whose command has ended and that are about to end themselves."""
        self._on_copies = False
        """Whether commands ran on copies of the workspace."""

    def serve(self) -> None:
        """Answer frames until stdin ends; then end what goes on."""
        try:
            while self._turn():
                pass
        finally:
            self._drop_prepared()
            self._end_jobs()
            self._reap(0)
            self._clear_up()

    def _end_jobs(self) -> None:
        """End all commands. Those on a copy, which no namespace holds together, are given a moment to clear up after themselves."""
        until = time.monotonic() + _LEAVE_SECONDS
        for job in self._jobs.values():
            _end(job.pid, signal.SIGTERM if self._on_copies else signal.SIGKILL)
        for job in list(self._jobs.values()):
            if not has_ended(job.pid, until):
                _end(job.pid, signal.SIGKILL)
            self._close(job)

    def _clear_up(self) -> None:
        """End and remove what a killed job has left behind."""
        known = [job.pid for job in self._jobs.values()] + self._ending
        known += [self._prepared.pid] if self._prepared is not None else []
        end_strays([*known, *([self._hidden.process] if self._hidden is not None else [])])
        if self._on_copies and self._site is not None:
            with suppress(OSError):
                sweep_copies(self._site)

    def _turn(self) -> bool:
        """Wait for the next thing to happen and deal with it; False when stdin has ended."""
        watched: list[int] = [0, *self._jobs]
        soonest = min((job.until for job in self._jobs.values()), default=None)
        wait = None if soonest is None else max(0.0, soonest - time.monotonic())
        poll = select.poll()
        for descriptor in watched:
            poll.register(descriptor, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(None if wait is None else int(wait * 1000) + 1)]
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.result in ready:
                self._read(job)
            elif now >= job.until:
                _end(job.pid, signal.SIGKILL if job.ended else signal.SIGTERM)
                job.ended = job.ended or "time"
                job.until = now + _LATE_SECONDS
        goes_on = self._take_frames() if 0 in ready else True
        if goes_on and not self._jobs:
            self._prepare()
        return goes_on

    def _prepare(self) -> None:
        """Put the next box together while there is nothing else to do."""
        self._reap(os.WNOHANG)
        if self._prepared is None and self._site is not None and self._report is not None and self._report.tier == "namespaces":
            with suppress(OSError):
                self._prepared = prepare_job(self._site, Limits().written)

    def _drop_prepared(self) -> None:
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            _end(prepared.pid, signal.SIGKILL)
            os.close(prepared.order)
            os.close(prepared.result)
            self._ending.append(prepared.pid)

    def _reap(self, how: int) -> None:
        """Clear away the processes that have ended; all of them where `how` waits."""
        left = []
        for pid in self._ending:
            with suppress(ChildProcessError):
                if os.waitpid(pid, how & os.WNOHANG)[0] == 0:
                    left.append(pid)
        self._ending = left

    def _take_frames(self) -> bool:
        chunk = os.read(0, 1 << 20)
        if not chunk:
            return False
        self._pending += chunk
        while len(self._pending) >= 4:
            (size,) = struct.unpack(">I", self._pending[:4])
            if size > _MOST_FRAME:
                return False
            if len(self._pending) < 4 + size:
                break
            frame = json.loads(bytes(self._pending[4 : 4 + size]))
            del self._pending[: 4 + size]
            self._obey(frame)
        return True

    def _obey(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "warm":
                self._report = choose_tier()
            case "start":
                self._start(frame)
            case "run":
                self._run(frame["id"], order_from_json(frame["order"]), unprotected=frame.get("unprotected") is True)
            case "cancel":
                for job in self._jobs.values():
                    if job.identifier == frame["id"]:
                        job.ended = "cancel"
                        _end(job.pid, signal.SIGTERM)

    def _start(self, frame: dict[str, Any]) -> None:
        best = frame.get("best", "namespaces")
        if self._report is None or best != "namespaces":
            self._report = choose_tier(best)
        self._send({"type": "ready", "report": to_json(self._report)})
        root = os.path.realpath(frame["root"])
        toolchains = find_toolchains(root, frame["environment"], frame["home"], packages(root))
        cache = frame["environment"].get("XDG_CACHE_HOME") or os.path.join(frame["home"], ".cache")
        self._site = Site(root, toolchains, cache=cache)
        self._report = confirm_tier(self._report, self._site)
        self._send({"type": "prepared", "report": to_json(self._report), "toolchains": to_json(toolchains)})
        if self._hidden is not None:
            self._hidden.close()
        self._hidden = Hidden(root)
        self._drop_prepared()
        gc.collect()
        gc.freeze()

    def _run(self, identifier: str, order: Order, *, unprotected: bool) -> None:
        if self._site is None or self._hidden is None or self._report is None:
            self._answer(identifier, Outcome(None, problem="the box was not started"))
            return
        tier: Tier = self._report.tier
        try:
            if tier == "none" and not unprotected:
                raise OSError(1, self._report.words)
            self._on_copies = self._on_copies or tier != "namespaces"
            pid, result = self._begin(order, replace(self._site, hidden=self._hidden.paths()), tier)
        except OSError as error:
            self._answer(identifier, Outcome(None, problem=f"no process could be started ({error.strerror})", tier=tier))
            return
        until = time.monotonic() + order.limits.seconds + _LATE_SECONDS
        toppings = {topping.path: topping.data for topping in order.toppings} if order.collect else {}
        self._jobs[result] = _Job(identifier, pid, result, until, self._hidden.mask(0.0), toppings)

    def _begin(self, order: Order, site: Site, tier: Tier) -> tuple[int, int]:
        """Start the order in the box that is ready, or in a new one."""
        prepared = self._prepared
        if prepared is not None and tier == "namespaces" and order.limits.written == Limits().written and prepared.fits(site):
            self._prepared = None
            try:
                prepared.begin(order, site.hidden)
            except OSError:
                # It has ended meanwhile, as when memory ran out; a new one is made.
                self._prepared = prepared
                self._drop_prepared()
            else:
                return prepared.pid, prepared.result
        return start_job(order, site, tier)

    def _read(self, job: _Job) -> None:
        chunk = os.read(job.result, 1 << 20)
        job.data += chunk
        if chunk and not chunk.endswith(b"\n"):
            return
        if chunk:
            # The command is over and all of it is told; what is left is the end of the box itself.
            del self._jobs[job.result]
            os.close(job.result)
            self._ending.append(job.pid)
        else:
            self._close(job)
            self._clear_up()
        if job.ended and not job.data:
            self._answer(job.identifier, Outcome(None, ended_by=job.ended))
            return
        try:
            outcome = json.loads(bytes(job.data))
        except ValueError:
            outcome = to_json(Outcome(None, problem="the box ended without a result; most likely memory ran out"))
        if self._hidden is not None and self._site is not None:
            # What became a secret while the command ran counts as well.
            outcome = without_secrets(outcome, (job.mask, self._hidden.mask()), self._site.root, job.toppings)
        self._send({"type": "outcome", "id": job.identifier, "outcome": outcome})

    def _close(self, job: _Job) -> None:
        del self._jobs[job.result]
        os.close(job.result)
        with suppress(ChildProcessError):
            os.waitpid(job.pid, 0)

    def _answer(self, identifier: str, outcome: Outcome) -> None:
        self._send({"type": "outcome", "id": identifier, "outcome": to_json(outcome)})

    def _send(self, frame: dict[str, Any]) -> None:
        body = json.dumps(frame).encode("ascii")
        rest = memoryview(struct.pack(">I", len(body)) + body)
        while rest:
            rest = rest[os.write(self._output, rest) :]


def _end(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def main() -> NoReturn:
    """Serve the frames on stdin; what libraries print goes to stderr."""
    output = os.dup(1)
    os.dup2(2, 1)
    first_to_go()
    Libc().adopt_orphans()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Ctrl+C in a terminal is for the run; this process ends when its stdin does.
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
    with suppress(BrokenPipeError):
        Helper(output).serve()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
