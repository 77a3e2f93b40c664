"""What is measured with a model that answers at once (or never stops): turns, the first request, requests beside a run, run hosts."""

import asyncio
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench import processes
from tests.bench.client import LspClient
from tests.bench.measures import Samples, Subject, requests, started
from tests.bench.service import Service, scripted, streaming

AGENT = "backend_dev"
READS = 8
"""Tool turns of one run; the last turn is the report."""
REPORT = {
    "implementation": {"summary": "Read the file", "approach": "Looked only"},
    "files": [],
    "database": {"schemaChanges": False, "migrationRequired": False, "migrationDescription": ""},
    "tests": [],
    "dependencies": {"added": [], "reason": ""},
    "notes": [],
}
WARM_SECONDS = 20.0
RUN_SECONDS = 30.0
STREAM_PAUSE_SECONDS = 0.005


async def turns(command: Sequence[str], root: Path, file: Path, folder: Path, count: int, into: Samples) -> None:
    """Several runs on one server, each on the warm spare: what a command and a turn cost beside the model's own time."""
    path = file.relative_to(root).as_posix()
    pages = [{"file_path": path, "offset": 1 + 60 * number, "limit": 60} for number in range(READS)]
    reads: list[Mapping[str, Any]] = [{"text": "Reading on.", "tools": [{"name": "Read", "input": page}]} for page in pages]
    script = [*reads, {"text": json.dumps(REPORT)}] * count
    async with scripted(folder, script) as service:
        client, _ = await started(_subject(command, service), root)
        try:
            await client.open(file, file.read_text("utf-8"))
            for number in range(count):
                await _one_run(client, service, file, number, into)
            _fixed_part(service.requests()[0]["body"], into)
            await client.shutdown()
        finally:
            client.end()


async def _one_run(client: LspClient, service: Service, file: Path, number: int, into: Samples) -> None:
    await _warm_spare(client)
    known = len(service.requests())
    ended = _ended(client)
    before = time.perf_counter()
    answer = await client.ask("workspace/executeCommand", _run(file, f"Read it, time {number}"))
    if "run" not in (answer.message.get("result") or {}):
        raise RuntimeError(f"the run was not started: {answer.message}")
    into.add("command answer", answer.at - before)
    await asyncio.wait_for(ended, RUN_SECONDS)
    seen = service.requests()[known:]
    if len(seen) != READS + 1:
        raise RuntimeError(f"a run made {len(seen)} model requests instead of {READS + 1}")
    # The stand-in reads the system's monotonic clock, which perf_counter is on Linux; elsewhere the difference would mean nothing.
    if time.get_clock_info("perf_counter").implementation == time.get_clock_info("monotonic").implementation:
        into.add("first request", seen[0]["t_first"] - before)
    for one, following in itertools.pairwise(seen):
        into.add("turn", following["t_first"] - one["t_done"])


async def beside_a_run(command: Sequence[str], root: Path, file: Path, folder: Path, count: int, into: Samples) -> None:
    """Requests of the editor while a run streams an event every few milliseconds; the host's memory at the end of that."""
    async with streaming(folder, STREAM_PAUSE_SECONDS) as service:
        client, _ = await started(_subject(command, service), root)
        try:
            await client.open(file, file.read_text("utf-8"))
            await _warm_spare(client)
            ended = _ended(client)
            await client.ask("workspace/executeCommand", _run(file, "Think about it"))
            await asyncio.sleep(1.0)
            await requests(client, file, count, into, suffix=" streaming")
            if ended.done():
                raise RuntimeError("the run ended while requests were measured beside it")
            # A host has small helpers of its own; the host itself is the largest.
            into.add("host rss", max(processes.peak_mib(pid) for pid in processes.descendants(client.pid)))
            await client.ask("workspace/executeCommand", {"command": "aigentflow.cancel", "arguments": [{}]})
            await asyncio.wait_for(ended, RUN_SECONDS)
            await client.shutdown()
        finally:
            client.end()


def _subject(command: Sequence[str], service: Service) -> Subject:
    return Subject("ours", command, service.environment)


def _run(file: Path, task: str) -> Mapping[str, Any]:
    return {"command": "aigentflow.run", "arguments": [{"agent": AGENT, "task": task, "uri": file.as_uri()}]}


def _ended(client: LspClient) -> asyncio.Future[Any]:
    return client.expect(lambda method, params: method == "$/progress" and params["value"].get("kind") == "end")


async def _warm_spare(client: LspClient) -> None:
    """Wait until there is a run host that has done its imports and rests."""
    deadline = time.monotonic() + WARM_SECONDS
    while not processes.descendants(client.pid):
        if time.monotonic() > deadline:
            raise RuntimeError("no warm spare run host came up")
        await asyncio.sleep(0.1)
    await processes.settle(client.pid, WARM_SECONDS)


def _fixed_part(body: Mapping[str, Any], into: Samples) -> None:
    """Size of system and tools as JSON without spaces; nothing about the workspace or the task is in them."""
    for name in ("system", "tools"):
        size = len(json.dumps(body.get(name), ensure_ascii=False, separators=(",", ":")).encode())
        into.add(f"fixed {name}", size)
    into.add("fixed part", into.values["fixed system"][-1] + into.values["fixed tools"][-1])
