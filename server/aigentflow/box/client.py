"""The box of one run, from the side of the run: starts the helper, sends it orders, ends with it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import struct
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .toolchain_variables import wanted_variables
from .values import Order, Outcome, TierReport, Toolchains, outcome_from_json, tier_report_from_json, to_json, toolchains_from_json

_START_SECONDS = 30.0
_CANCEL_SECONDS = 3.0
_ELSEWHERE = TierReport(
    "none",
    f"commands are off: there is no box for {sys.platform} yet",
    ("agents run no commands and every verification is not_run",),
)
_BROKEN = "the box helper ended unexpectedly; the command was not run to its end"


class Box:
    """Where the commands of one run are run; every method is to be called on one event loop."""

    def __init__(self) -> None:
        self.report = TierReport("none", "commands are off: the box was not started")
        self.toolchains = Toolchains()
        self._process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self._prepared: asyncio.Future[None] | None = None
        self._waiting: dict[str, asyncio.Future[Outcome]] = {}
        self._numbers = itertools.count(1)
        self._start_frame: dict[str, Any] | None = None

    async def spawn(self) -> None:
        """Start the helper process, so that a box is ready sooner; nothing of a workspace is looked at yet."""
        if sys.platform != "linux" or self._alive:
            return
        # Of the person's own list, which may name folders of the workspace, the helper needs only where it lies itself.
        path = {"PYTHONPATH": str(Path(__file__).parents[2])} if "PYTHONPATH" in os.environ else {}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "aigentflow.box.serving",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # The helper needs none of the person's variables, and what it does not have cannot leak.
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", **path},
            cwd="/",
        )
        self._pump = asyncio.create_task(self._read(self._process), name="box")

    async def warm(self) -> None:
        """Start the helper and let it find out which tier holds on this machine."""
        await self.spawn()
        self._send({"type": "warm"})

    async def start(self, root: str, env: Mapping[str, str], home: str, best: str = "namespaces") -> TierReport:
        """Return which tier holds for the workspace; `best` is the first tier to try, or `none`."""
        if sys.platform != "linux":
            self.report = _ELSEWHERE
            return self.report
        self._start_frame = {"type": "start", "root": root, "environment": wanted_variables(env), "home": home, "best": best}
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._begin()
        except (TimeoutError, OSError) as error:
            self.report = TierReport("none", f"commands are off: the box did not start ({error or 'it took too long'})")
            await self.close()
        return self.report

    async def prepared(self) -> TierReport:
        """Return which tier holds once the workspace itself was tried; the toolchains are known from then on."""
        if self._prepared is not None:
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(_START_SECONDS):
                    await asyncio.shield(self._prepared)
        return self.report

    async def run(self, order: Order, *, unprotected: bool = False) -> Outcome:
        """Return how the command ended; a cancel of the caller ends the command and all it started first.

        `unprotected` runs it on a copy without a fence where there is no tier: only for a text that the person has allowed.
        """
        if self.report.tier == "none" and not unprotected:
            return Outcome(None, problem=self.report.words)
        if not self._alive:
            await self._begin()
        identifier = str(next(self._numbers))
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting[identifier] = answer
        try:
            self._send({"type": "run", "id": identifier, "order": to_json(order), "unprotected": unprotected})
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            self._send({"type": "cancel", "id": identifier})
            await asyncio.wait({answer}, timeout=_CANCEL_SECONDS)
            raise
        finally:
            self._waiting.pop(identifier, None)

    async def close(self) -> None:
        """End the helper and, with it, every command."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_CANCEL_SECONDS):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._pump is not None:
            await asyncio.wait({self._pump})

    @property
    def _alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _begin(self) -> None:
        await self.spawn()
        loop = asyncio.get_running_loop()
        self._ready, self._prepared = loop.create_future(), loop.create_future()
        assert self._start_frame is not None
        self._send(self._start_frame)
        await self._ready

    def _send(self, frame: dict[str, Any]) -> None:
        stdin = self._process.stdin if self._process is not None else None
        if stdin is None or stdin.is_closing():
            return
        body = json.dumps(frame).encode("ascii")
        stdin.write(struct.pack(">I", len(body)) + body)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        stdout = process.stdout
        assert stdout is not None
        try:
            while True:
                (size,) = struct.unpack(">I", await stdout.readexactly(4))
                self._take(json.loads(await stdout.readexactly(size)))
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            await process.wait()
        finally:
            if self._ready is not None and not self._ready.done():
                self._ready.set_exception(OSError("the box helper ended"))
            if self._prepared is not None and not self._prepared.done():
                self._prepared.set_result(None)
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_result(Outcome(None, problem=_BROKEN, tier=self.report.tier))

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] in ("ready", "prepared"):
            self.report = tier_report_from_json(frame["report"])
        if frame["type"] == "ready" and self._ready is not None and not self._ready.done():
            self._ready.set_result(None)
        elif frame["type"] == "prepared" and self._prepared is not None and not self._prepared.done():
            self.toolchains = toolchains_from_json(frame["toolchains"])
            self._prepared.set_result(None)
        elif frame["type"] == "outcome":
            answer = self._waiting.get(frame["id"])
            if answer is not None and not answer.done():
                answer.set_result(replace(outcome_from_json(frame["outcome"]), tier=self.report.tier))


async def examine(root: str, env: Mapping[str, str], home: str, best: str = "namespaces") -> tuple[TierReport, Toolchains]:
    """Return which tier holds here and what of the machine commands see; for `aigentflow doctor`."""
    box = Box()
    try:
        await box.start(root, env, home, best)
        return await box.prepared(), box.toolchains
    finally:
        await box.close()
