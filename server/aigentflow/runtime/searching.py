"""Regular-expression search in a child process that is kept between searches and stopped when one takes too long."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from aigentflow.errors import FrameError, ToolError
from aigentflow.runtime.frames import read_frame, write_frame

Mode = Literal["content", "files_with_matches", "count"]
SECONDS = 5.0
"""How long the engine may take over one batch of files."""
_TOTAL_SECONDS = 20.0
"""After so long a search ends with what it has."""
_BATCH_FILES = 64
_BATCH_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class Query:
    """What to look for."""

    pattern: str
    mode: Mode = "files_with_matches"
    ignore_case: bool = False
    multiline: bool = False
    before: int = 0
    after: int = 0
    limit: int = 200
    """Lines (mode `content`) or files that are wanted at most."""


@dataclass(frozen=True)
class Found:
    """The matches of one file; lines as (number from 1, text, whether it matches)."""

    path: str
    count: int
    lines: tuple[tuple[int, str, bool], ...]


@dataclass(frozen=True)
class Findings:
    """What a search found."""

    files: tuple[Found, ...]
    cut: bool = False
    """Whether it stopped at its limit."""
    late: bool = False
    """Whether it ran out of time, so that not all files were searched."""


class Searcher:
    """Owns the child; started at the first search or by `warm`."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None

    @property
    def process_id(self) -> int | None:
        """Of the child; None where there is none."""
        return self._process.pid if self._process is not None else None

    async def warm(self) -> None:
        """Start the child."""
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                str(Path(__file__).with_name("search_worker.py")),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )

    async def search(self, query: Query, files: Iterable[tuple[str, str]]) -> Findings:
        """Search the texts, given as (path, text), in their order; raise ToolError for a bad pattern or one that takes too long."""
        finished = False
        try:
            findings = await self._search(query, files)
            finished = True
            return findings
        except (TimeoutError, FrameError, ConnectionError):
            raise ToolError(
                f"the search took longer than {self._seconds:g} seconds and was stopped: use a simpler pattern (no nested repetition) "
                "or a narrower path"
            ) from None
        except BadPattern:
            finished = True
            raise
        finally:
            # A child in the middle of a job cannot be used again; that holds when the run is cancelled, too.
            if not finished:
                await self.close()

    async def close(self) -> None:
        """End the child."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _search(self, query: Query, files: Iterable[tuple[str, str]]) -> Findings:
        await self.warm()
        job = {
            "pattern": query.pattern,
            "ignore_case": query.ignore_case,
            "multiline": query.multiline,
            "before": query.before,
            "after": query.after,
            "mode": query.mode,
            "room": query.limit + 1,
            "seconds": self._seconds,
        }
        answer = await self._exchange(job)
        if "error" in answer:
            raise BadPattern(f"the pattern is not a valid regular expression: {answer['error']}")
        found: list[Found] = []
        shown, started = 0, time.monotonic()
        for batch in _batches(files):
            for path, count, lines in (await self._exchange({"files": batch}))["found"]:
                found.append(Found(path, count, tuple((number, text, hit) for number, text, hit in lines)))
                shown += len(lines) if query.mode == "content" else 1
            if shown > query.limit:
                break
            if time.monotonic() - started > _TOTAL_SECONDS:
                return replace(_limited(found, query), late=True)
        return _limited(found, query)

    async def _exchange(self, value: dict[str, Any]) -> dict[str, Any]:
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        async with asyncio.timeout(self._seconds + 1):
            await write_frame(self._process.stdin, value)
            answer = await read_frame(self._process.stdout)
        if answer is None:
            raise FrameError("the search ended")
        return answer


class BadPattern(ToolError):
    """The pattern cannot be compiled."""


def _batches(files: Iterable[tuple[str, str]]) -> Iterable[list[tuple[str, str]]]:
    source = iter(files)
    while first := list(islice(source, 1)):
        batch, size = first, len(first[0][1])
        for file in source:
            batch.append(file)
            size += len(file[1])
            if len(batch) >= _BATCH_FILES or size >= _BATCH_CHARACTERS:
                break
        yield batch


def _limited(found: list[Found], query: Query) -> Findings:
    if query.mode != "content":
        return Findings(tuple(found[: query.limit]), len(found) > query.limit)
    kept: list[Found] = []
    room = query.limit
    for file in found:
        if room <= 0:
            return Findings(tuple(kept), True)
        kept.append(Found(file.path, file.count, file.lines[:room]))
        cut = len(file.lines) > room
        room -= len(file.lines)
        if cut:
            return Findings(tuple(kept), True)
    return Findings(tuple(kept), False)
