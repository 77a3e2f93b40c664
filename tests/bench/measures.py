"""What is measured without a model: start, diagnostics, requests, memory, shutdown; each for any server command."""

import asyncio
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import processes
from tests.bench.client import LspClient

WARM_UP = 20
PAUSE_SECONDS = 0.03
"""Between two edits, as a fast typist leaves."""
SETTLE_SECONDS = 15.0
REQUESTS = {"codeAction": "textDocument/codeAction", "codeLens": "textDocument/codeLens", "hover": "textDocument/hover"}


@dataclass(frozen=True)
class Subject:
    """A server to measure: how it is started, and with which environment."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


@dataclass
class Samples:
    """Seconds, MiB or bytes by the name of the measure, as they came."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Keep one more."""
        self.values.setdefault(name, []).append(value)


async def started(subject: Subject, root: Path) -> tuple[LspClient, float]:
    """A client whose server has answered `initialize`, and the seconds that took."""
    client = LspClient(subject.command, root, subject.environment)
    await client.spawn()
    try:
        return client, await client.initialize()
    except BaseException:
        client.end()
        raise


async def cold_start(subject: Subject, root: Path, file: Path, into: Samples) -> None:
    """One start: spawn to the answer of `initialize`, and to the first diagnostics of one file."""
    client, answered = await started(subject, root)
    try:
        into.add("initialize", answered)
        before_open = time.perf_counter()
        waited = await client.open(file, file.read_text("utf-8"))
        into.add("first diagnostics", before_open - client.spawned + waited)
    finally:
        client.end()


async def leaving(subject: Subject, root: Path, file: Path, into: Samples) -> None:
    """One shutdown of a server that has come to rest with a file open."""
    client, _ = await started(subject, root)
    try:
        await client.open(file, file.read_text("utf-8"))
        await processes.settle(client.pid, SETTLE_SECONDS)
        answered, gone = await client.shutdown()
        into.add("shutdown answer", answered)
        into.add("exit", gone)
    finally:
        client.end()


async def diagnostics(client: LspClient, files: Mapping[int, Sequence[Path]], edits: int, into: Samples) -> None:
    """Open files of every size, then type one character that switches a finding off and on, again and again."""
    for size, paths in files.items():
        for path in paths[1:4]:
            into.add(f"didOpen {size}", await client.open(path, path.read_text("utf-8")))
        await processes.settle(client.pid, SETTLE_SECONDS)
        line, column = place_of_plain_error(paths[1].read_text("utf-8"))
        await client.replace(paths[1], line, column, 0, "x")
        await client.replace(paths[1], line, column, 1, "")
        for _ in range(edits // 2):
            await asyncio.sleep(PAUSE_SECONDS)
            into.add(f"didChange {size}", await client.replace(paths[1], line, column, 0, "x"))
            await asyncio.sleep(PAUSE_SECONDS)
            into.add(f"didChange {size}", await client.replace(paths[1], line, column, 1, ""))


def place_of_plain_error(text: str) -> tuple[int, int]:
    """Line and column behind the last `throw new Error`: one more letter makes it another class."""
    before = text[: text.rindex("throw new Error") + len("throw new Error")]
    return before.count("\n"), len(before) - before.rfind("\n") - 1


async def requests(client: LspClient, path: Path, count: int, into: Samples, *, suffix: str = "") -> None:
    """Ask for code actions, lenses and hover in turn at random places of an open document; at rest, or beside what `suffix` says."""
    draw = random.Random(3)
    places = _identifiers(path.read_text("utf-8"), draw)
    document = {"uri": path.as_uri()}
    if not suffix:
        await processes.settle(client.pid, SETTLE_SECONDS)
    for number in range(count + WARM_UP):
        place = draw.choice(places)
        asked: dict[str, dict[str, object]] = {
            "codeAction": {"range": {"start": place, "end": place}, "context": {"diagnostics": [], "triggerKind": 1}},
            "codeLens": {},
            "hover": {"position": place},
        }
        for name, parameters in asked.items():
            before = time.perf_counter()
            answer = await client.ask(REQUESTS[name], {"textDocument": document, **parameters})
            if "error" in answer.message:
                raise RuntimeError(f"{name} was answered with an error: {answer.message['error']}")
            if number >= WARM_UP:
                into.add(name + suffix, answer.at - before)


def _identifiers(text: str, draw: random.Random) -> list[dict[str, int]]:
    found = [
        {"line": number, "character": match.start() + 1}
        for number, line in enumerate(text.split("\n"))
        for match in re.finditer(r"[A-Za-z_]\w{3,}", line)
    ]
    return draw.sample(found, k=min(200, len(found)))


async def memory(subject: Subject, root: Path, files: Mapping[int, Sequence[Path]], into: Samples) -> None:
    """Resident memory of the server process alone, with one small file open, then with fifty."""
    client, _ = await started(subject, root)
    try:
        small = files[200]
        await client.open(small[0], small[0].read_text("utf-8"))
        await processes.settle(client.pid, SETTLE_SECONDS)
        into.add("rss 1", processes.resident_mib(client.pid))
        for path in small[1:50]:
            await client.open(path, path.read_text("utf-8"))
        await processes.settle(client.pid, SETTLE_SECONDS)
        into.add("rss 50", processes.resident_mib(client.pid))
        into.add("children", len(processes.descendants(client.pid)))
        await client.shutdown()
    finally:
        client.end()
