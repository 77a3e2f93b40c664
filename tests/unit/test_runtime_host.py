"""The run host as a process: its frames, its end, and what it must never do."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from aigentflow.errors import FrameError
from aigentflow.runtime.frames import encode_frame, read_frame
from run_making import KEY, dumped, edit, read, request, write_files
from stand_in import StandIn

SERVER = Path(__file__).parents[2] / "server"
Frame = dict[str, Any]


class Host:
    """One host process, spoken to by hand."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    def send(self, value: Frame) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(encode_frame(value))

    async def next(self) -> Frame:
        assert self.process.stdout is not None
        frame = await read_frame(self.process.stdout)
        assert frame is not None, "the host ended"
        return frame

    async def until_ended(self) -> tuple[Frame, list[Frame]]:
        events = []
        while (frame := await self.next())["type"] == "event":
            events.append(frame["event"])
        return frame["result"], events


def with_host(use: Callable[[Host], Awaitable[None]], **environment: str) -> tuple[int, str]:
    """Start a host, wait until it is ready, use it, close its stdin; return exit code and what it wrote to stderr."""

    async def go() -> tuple[int, str]:
        env = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "aigentflow.runtime.host"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**env, "PYTHONPATH": str(SERVER), **environment},
        )
        assert process.stdin is not None and process.stderr is not None
        host = Host(process)
        try:
            assert await host.next() == {"type": "ready"}
            await use(host)
            process.stdin.close()
            async with asyncio.timeout(10):
                return await process.wait(), (await process.stderr.read()).decode()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    return asyncio.run(go())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_files(tmp_path / "workspace", {"src/a.ts": "const a = 1;\n"})


def start(root: Path, **fields: Any) -> Frame:
    return {"type": "start", "request": request(root, **fields).model_dump(mode="json")}


def test_a_run_goes_from_start_to_ended(root: Path) -> None:
    with StandIn([{"text": "Look", "tools": [edit("src/a.ts", "a = 1", "a = 2")]}, {"text": "Done."}]) as service:

        async def use(host: Host) -> None:
            host.send(start(root))
            result, events = await host.until_ended()
            assert result["outcome"] == "finished" and result["changes"][0]["after"] == "const a = 2;\n"
            assert [event["kind"] for event in events][:2] == ["run_started", "turn_started"]

        code, log = with_host(use, ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=service.url)
    assert (code, log) == (0, "")


def test_without_a_key_the_next_step_is_named_and_nothing_is_sent(root: Path, tmp_path: Path) -> None:
    with StandIn([]) as service:

        async def use(host: Host) -> None:
            host.send(start(root))
            result, _ = await host.until_ended()
            assert result["outcome"] == "failed" and result["code"] == "no-key" and "ANTHROPIC_API_KEY" in result["reason"]

        with_host(use, ANTHROPIC_BASE_URL=service.url, ANTHROPIC_CONFIG_DIR=str(tmp_path / "none"))
        assert service.requests == []


def test_a_key_is_in_no_frame_and_no_log(root: Path) -> None:
    with StandIn(
        [{"text": f"the key is {KEY}", "tools": [read("src/a.ts")]}, {"fault": {"status": 401, "message": f"bad {KEY}"}}]
    ) as service:

        async def use(host: Host) -> None:
            host.send(start(root))
            result, events = await host.until_ended()
            assert result["code"] == "credentials" and KEY not in dumped([result, events])

        _, log = with_host(use, ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=service.url)
    assert KEY not in log


def test_cancel_is_answered_at_once_with_the_work(root: Path) -> None:
    turns = [{"tools": [edit("src/a.ts", "a = 1", "a = 2")]}, {"text": "never", "fault": {"silence": 3}}]
    with StandIn(turns) as service:

        async def use(host: Host) -> None:
            host.send(start(root))
            while (await host.next()).get("event") != {"kind": "turn_started", "turn": 2}:
                pass
            asked = time.monotonic()
            host.send({"type": "cancel"})
            result, _ = await host.until_ended()
            assert time.monotonic() - asked < 1.0
            assert result["outcome"] == "cancelled" and len(result["changes"]) == 1

        assert with_host(use, ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=service.url)[0] == 0


def test_a_host_ends_when_its_stdin_ends_even_in_the_middle_of_a_run(root: Path) -> None:
    with StandIn([{"text": "never", "fault": {"silence": 3}}]) as service:

        async def use(host: Host) -> None:
            host.send(start(root))
            while (await host.next())["event"]["kind"] != "turn_started":
                pass

        assert with_host(use, ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=service.url)[0] == 0


@pytest.mark.parametrize("given", [{"run": "x"}, [], None, {"run": 7}])
def test_a_request_that_cannot_be_read_ends_in_one_sentence(given: Any) -> None:
    async def use(host: Host) -> None:
        host.send({"type": "start", "request": given})
        result, _ = await host.until_ended()
        assert result["outcome"] == "failed" and result["code"] == "request" and "cannot be read" in result["reason"]

    with_host(use, AIGENTFLOW_SCRIPT="none")


def test_a_script_that_is_none_is_wrong_use(root: Path, tmp_path: Path) -> None:
    async def use(host: Host) -> None:
        host.send(start(root, script=str(tmp_path / "missing.json")))
        result, _ = await host.until_ended()
        assert result["code"] == "configuration" and "missing.json" in result["reason"]

    with_host(use, AIGENTFLOW_SCRIPT="yes")


def test_nothing_but_frames_reaches_stdout(root: Path) -> None:
    code = (
        "import asyncio, os, sys; from aigentflow.runtime import host; output = host.take_stdout(); "
        "print('stray'); os.write(1, b'stray'); sys.stdout.flush(); asyncio.run(host.main(output))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=b"",
        capture_output=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SERVER), "AIGENTFLOW_SCRIPT": "yes"},
        timeout=50,
        check=True,
    )
    assert done.stdout == encode_frame({"type": "ready"}) and b"stray" in done.stderr


@pytest.mark.parametrize(
    "data", [b"\0\0", b"\0\0\0\x05{}", struct.pack(">I", 3) + b"abc", struct.pack(">I", 2) + b"[]", struct.pack(">I", 2**31) + b"{}"]
)
def test_a_broken_frame_is_an_error(data: bytes) -> None:
    async def go() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        with pytest.raises(FrameError):
            await read_frame(reader)

    asyncio.run(go())


def test_frames_carry_what_buffers_can_hold() -> None:
    async def go() -> Frame | None:
        reader = asyncio.StreamReader()
        reader.feed_data(encode_frame({"text": "half \ud83d, whole 👋, zero \0"}))
        reader.feed_eof()
        value = await read_frame(reader)
        assert await read_frame(reader) is None
        return value

    assert asyncio.run(go()) == {"text": "half \ud83d, whole 👋, zero \0"}


def test_describing_a_run_imports_no_client() -> None:
    code = (
        "import sys, json; from aigentflow.runtime import request, result, events, run; "
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={"PYTHONPATH": str(SERVER)}, timeout=50, check=True, text=True
    ).stdout
    assert not {"anthropic", "httpx2", "httpx", "jsonschema", "tree_sitter", "pygls", "lsprotocol"} & set(json.loads(out))
