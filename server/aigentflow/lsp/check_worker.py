"""Starts a check worker and takes what it read, batch by batch, between the messages of the editor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aigentflow.errors import FrameError

if TYPE_CHECKING:
    from aigentflow.checks.facts import Reading


async def readings(root: Path, paths: Sequence[str] | None, environment: Mapping[str, str]) -> AsyncGenerator[list[Reading], None]:
    """Yield what a worker reads of these files, of all files of the root by default; raise FrameError where it ends too early."""
    from aigentflow.checks.workers import decode_batch, encode_job

    process = await _start(environment)
    try:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(encode_job(root, paths))
        while True:
            (size,) = struct.unpack(">I", await process.stdout.readexactly(4))
            batch = decode_batch(await process.stdout.readexactly(size))
            if not batch:
                return
            yield batch
            # Batches that came in together must not hold the loop together.
            await asyncio.sleep(0)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise FrameError(f"the check worker ended early (exit {process.returncode})") from error
    finally:
        _kill(process)
        await process.communicate()


async def _start(environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "aigentflow.checks.workers",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=dict(environment),
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
        )
    except OSError as error:
        raise FrameError(f"the check worker could not be started: {error}") from error


def _kill(process: asyncio.subprocess.Process) -> None:
    """Wanted no more: it has nothing to tidy up."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
