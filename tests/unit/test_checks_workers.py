"""The check worker: reads what the server would read, ends when nobody wants it any more, and is not missed when it dies."""

from __future__ import annotations

import asyncio
import io
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from lsprotocol import types as t

from aigentflow.checks.facts import ProjectFacts, Reading
from aigentflow.checks.workers import decode_batch, encode_job, read_batches
from aigentflow.lsp import check_worker
from aigentflow.lsp.documents import Documents
from aigentflow.lsp.facts import SMALL_FILES, Facts
from aigentflow.lsp.session import Session
from aigentflow.workspace.live import LiveTree

SERVICE = "import {{ Injectable }} from '@nestjs/common';\n@Injectable()\nexport class S{0} {{\n  {1}() {{ return {0}; }}\n}}\n"
COMMAND = (sys.executable, "-P", "-m", "aigentflow.checks.workers")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "nest-cli.json").write_text('{"plugins": ["@nestjs/swagger"]}')
    for number in range(SMALL_FILES + 50):
        (tmp_path / f"src/s{number}.service.ts").write_text(SERVICE.format(number, "run"))
    (tmp_path / "src/tables.ts").write_text("export const orders = pgTable('orders', { tenantId: uuid('tenant_id') });\n")
    return tmp_path


def batches(stream: io.BytesIO) -> list[list[Reading]]:
    found = []
    while head := stream.read(4):
        found.append(decode_batch(stream.read(struct.unpack(">I", head)[0])))
    return found


def test_it_reads_what_the_server_would_read_in_small_batches(tree: Path) -> None:
    out = io.BytesIO()
    read_batches(tree, None, out)
    out.seek(0)
    *full, last = batches(out)
    there, here = (ProjectFacts(LiveTree(tree, lambda _: None, lambda: 0.0)) for _ in range(2))

    for batch in full:
        for reading in batch:
            there.take(reading)
    there.finish()

    assert len(full) > 3 and last == []
    assert there.complete and there.drawn.records == here.drawn.records
    assert there.drawn.swagger_plugin and "orders" in there.drawn.tables


def test_a_deleted_file_is_read_as_gone(tree: Path) -> None:
    out = io.BytesIO()
    read_batches(tree, ["src/gone.ts"], out)
    out.seek(0)

    assert batches(out) == [[("src/gone.ts", None, None)], []]


@pytest.mark.parametrize("with_job", [True, False])
def test_it_ends_with_its_stdin(tree: Path, with_job: bool) -> None:
    for number in range(100):
        # More than a pipe holds, so it cannot have ended because it was done.
        (tree / f"src/more{number}.ts").write_text(SERVICE.format(number, "aMethodWithALongName" * 60))
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdin is not None and worker.stdout is not None
        if with_job:
            worker.stdin.write(encode_job(tree, None))
            worker.stdin.flush()
            assert worker.stdout.read(4)
        worker.stdin.close()
        assert worker.wait(20) == 0


@pytest.mark.asyncio
async def test_a_reader_who_goes_away_ends_the_worker(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.subprocess.Process] = []
    start = check_worker._start

    async def recorded(environment: Any) -> asyncio.subprocess.Process:
        started.append(await start(environment))
        return started[-1]

    monkeypatch.setattr(check_worker, "_start", recorded)
    reading = check_worker.readings(tree, None, os.environ)

    assert await anext(reading)
    await reading.aclose()

    async with asyncio.timeout(20):
        assert await started[0].wait() != 0


class Desk:
    """A session with nothing but folders and documents."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.documents = Documents("utf-16", warn=lambda *_: None)
        self.tasks: list[asyncio.Task[Any]] = []
        self.told = asyncio.Event()
        session = SimpleNamespace(
            documents=self.documents,
            environment=dict(os.environ),
            spawn=self.spawn,
            root_of=lambda path: root,
            relative=lambda document: (root, Path(document.path).relative_to(root).as_posix()),
        )
        self.facts = Facts(cast(Session, session), self.told.set)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        self.tasks.append(asyncio.get_running_loop().create_task(work))
        return self.tasks[-1]

    def open(self, path: str, text: str) -> None:
        self.documents.open(t.TextDocumentItem(uri=(self.root / path).as_uri(), language_id="typescript", version=1, text=text))

    async def until(self, what: Callable[[ProjectFacts], bool]) -> ProjectFacts:
        async with asyncio.timeout(30):
            while (facts := self.facts.of(self.root)) is None or not what(facts):
                self.told.clear()
                await self.told.wait()
        return facts


@pytest.mark.asyncio
async def test_open_buffers_count_and_what_changes_meanwhile_is_not_lost(tree: Path) -> None:
    desk = Desk(tree)
    desk.open("src/s3.service.ts", SERVICE.format(3, "typed"))

    assert desk.facts.of(tree) is None
    (tree / "src/s0.service.ts").write_text(SERVICE.format(0, "changed"))
    (tree / "src/s1.service.ts").unlink()
    desk.facts.files_changed([(tree / f"src/s{number}.service.ts").as_uri() for number in (0, 1)])
    drawn = (await desk.until(lambda facts: True)).drawn

    assert drawn.method("S3", "typed") is not None and drawn.method("S3", "run") is None
    assert drawn.method("S0", "changed") is not None and drawn.class_named("S1") is None
    assert drawn.method("S2", "run") is not None


@pytest.mark.asyncio
@pytest.mark.parametrize("number", [2, 60], ids=["read in the server", "read by a worker"])
async def test_files_that_change_later_are_read_again(tree: Path, number: int) -> None:
    desk = Desk(tree)
    await desk.until(lambda facts: True)
    for at in range(number):
        (tree / f"src/s{at}.service.ts").write_text(SERVICE.format(at, "changed"))

    desk.facts.files_changed([(tree / f"src/s{at}.service.ts").as_uri() for at in range(number)])

    await desk.until(lambda facts: all(facts.drawn.method(f"S{at}", "changed") is not None for at in range(number)))


@pytest.mark.asyncio
@pytest.mark.parametrize("command", ["/bin/false", "/nowhere/python"])
async def test_without_a_worker_the_server_reads_itself(tree: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", command)

    drawn = (await Desk(tree).until(lambda facts: True)).drawn

    assert len(drawn.classes) == SMALL_FILES + 50
