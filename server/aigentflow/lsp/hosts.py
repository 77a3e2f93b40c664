"""Run hosts: one process per run and at most one warm spare, spoken to in length-prefixed JSON frames.

A host ends when its stdin ends, so a killed server leaves none behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any

from aigentflow.errors import FrameError
from aigentflow.lsp.host_environment import host_environment

CANCEL_SECONDS = 2.0
"""How long a cancelled host may take to end by itself before it is killed."""
LEAVE_SECONDS = 0.5
"""How long a cancelled run may take to close its journal when the server leaves."""
_MAX_FRAME = 512 * 1024 * 1024
Frame = dict[str, Any]


class Host:
    """One run host process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._frames: asyncio.Queue[Frame | FrameError] = asyncio.Queue()
        self._pump = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.returncode is None

    async def run(self, request: Frame, on_event: Callable[[Frame], None], on_ask: Callable[[Frame], None]) -> Frame:
        """Send the request, pass on its events and questions, return its result; raise FrameError when the host dies."""
        self._send({"type": "start", "request": request, "sync": True})
        while True:
            frame = await self._frames.get()
            if isinstance(frame, FrameError):
                raise frame
            if frame["type"] == "event":
                on_event(frame["event"])
            elif frame["type"] in ("ask", "sync"):
                on_ask(frame)
            elif frame["type"] == "ended":
                return dict(frame["result"])

    def cancel(self) -> None:
        """Ask the run to end; whoever waits in `run` still gets its result."""
        self.tell({"type": "cancel"})

    def tell(self, frame: Frame) -> None:
        """Send what the person says while the run goes on; a host that has ended need not hear it."""
        with contextlib.suppress(FrameError):
            self._send(frame)

    async def end(self, seconds: float = 0.0) -> None:
        """Close its stdin, give it that long, then kill its process group."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        self._pump.cancel()

    def kill(self) -> None:
        """End the process and all that it started, at once."""
        if not self.alive:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def _send(self, frame: Frame) -> None:
        stdin = self._process.stdin
        if stdin is None or stdin.is_closing() or not self.alive:
            raise FrameError("the run host has ended")
        body = json.dumps(frame, ensure_ascii=False).encode("utf-8", "surrogatepass")
        stdin.write(struct.pack(">I", len(body)) + body)

    async def _read(self) -> None:
        while True:
            try:
                self._frames.put_nowait(await self._receive())
            except FrameError as error:
                self._frames.put_nowait(error)
                return

    async def _receive(self) -> Frame:
        stdout = self._process.stdout
        assert stdout is not None
        try:
            (size,) = struct.unpack(">I", await stdout.readexactly(4))
            if size > _MAX_FRAME:
                raise FrameError(f"frame of {size} bytes from the run host")
            frame = json.loads((await stdout.readexactly(size)).decode("utf-8", "surrogatepass"))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            code = await self._process.wait()
            raise FrameError(f"the run host ended unexpectedly (exit {code})") from error
        except ValueError as error:
            raise FrameError("the run host sent something that is not JSON") from error
        if not isinstance(frame, dict) or "type" not in frame:
            raise FrameError("the run host sent a frame without a type")
        return frame


class Hosts:
    """Starts run hosts, and keeps one warm."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = host_environment(environment)
        self._spare: Host | None = None
        self._all: set[Host] = set()
        self._closed = False

    async def warm(self) -> None:
        """Start the spare unless there is one."""
        if self._spare is not None or self._closed:
            return
        self._spare = await self._start()

    async def take(self) -> Host:
        """Return the spare, or a new host."""
        spare, self._spare = self._spare, None
        return spare if spare is not None and spare.alive else await self._start()

    async def release(self, host: Host) -> None:
        """End a host whose run is over."""
        self._all.discard(host)
        await host.end()

    def stop(self) -> None:
        """Start no more hosts, and end the one that waits for work."""
        self._closed = True
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.kill()

    async def close(self) -> None:
        """End all hosts; one with a run gets a moment to write down how it ended."""
        self.stop()
        hosts, self._all = list(self._all), set()
        await asyncio.gather(*(host.end(LEAVE_SECONDS) for host in hosts))

    async def _start(self) -> Host:
        if self._closed:
            raise FrameError("the server is shutting down")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "aigentflow.runtime.host",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=os.name == "posix",
        )
        host = Host(process)
        self._all.add(host)
        return host
