"""Whoever is killed while a command runs, nothing of the command is left within two seconds: no process, no mount, no file."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from editor.profiles import NEOVIM_12
from editor.wired import wired
from run_making import answers
from stand_in import StandIn

from .judging import changed_paths
from .test_hostile_run import AGENT, environment
from .world import World

pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="there is a box on Linux only"), pytest.mark.timeout(120)]

SERVICE = "apps/api/src/greet.ts"
HOST, HELPER = "aigentflow.runtime.host", "aigentflow.box.serving"
COMMAND = "echo x > src/new.ts; (setsid sh -c 'trap \"\" TERM HUP; sleep 1000; echo {mark}' &); sleep 1000; echo {mark}"


def script(world: World) -> list[dict[str, Any]]:
    command = {"name": "Bash", "input": {"command": COMMAND.replace("{mark}", world.mark)}}
    return [{"tools": [command]}, {"text": "done"}, {"text": "done"}]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("state", "temporary"):
        (tmp_path / name).mkdir()
    return tmp_path


def words_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def below(pid: int) -> list[int]:
    """Return the processes that the process has started, and theirs."""
    parents: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path(f"/proc/{name}/stat").read_text()
        except OSError:
            continue
        parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def command_runs(world: World, pid: int) -> bool:
    """Whether both parts of the script's command are there."""
    return sum(f"sleep 1000; echo {world.mark}" in words_of(child) for child in below(pid)) >= 2


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def left_over(world: World, place: Path, pids: list[int]) -> Iterator[str]:
    """Yield what is still there two seconds after the kill."""
    end = time.monotonic() + 2
    while time.monotonic() < end and any(words_of(pid) for pid in pids):
        time.sleep(0.01)
    yield from (f"still running: {words_of(pid)}" for pid in pids if words_of(pid))
    yield from (f"still running: {process}" for process in world.survivors(max(0.0, end - time.monotonic())))
    yield from (f"still mounted: {line}" for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(world.top) in line)
    yield from (f"left behind: {path}" for path in world.strays())
    yield from (f"left behind: {path}" for path in (place / "temporary").iterdir())


def test_the_command_line_is_killed(world: World, place: Path) -> None:
    world.put({".aigentflow/agents/worker.md": AGENT})
    before = world.fingerprint()
    command = [sys.executable, "-P", "-m", "aigentflow", "run", "worker", "Change a", "--workspace", str(world.ws), "--trust", "--apply"]
    with StandIn(script(world)) as service:
        process = subprocess.Popen(command, env=environment(world, place, service), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: command_runs(world, process.pid))
            pids = below(process.pid)
        finally:
            process.kill()
            process.wait()
        assert list(left_over(world, place, pids)) == []
    assert changed_paths(before, world.fingerprint()) == []


@pytest.mark.parametrize("victim", ["server", "run host", "box helper"])
def test_a_process_of_the_server_is_killed(world: World, place: Path, victim: str) -> None:
    world.put({SERVICE: "// @backend_dev: greet by name\nexport const greet = 'hello';\n"})
    before = world.fingerprint()
    with StandIn(script(world)) as service:
        asyncio.run(kill_while_a_command_runs(world, place, service, victim))
        if victim == "box helper":
            assert any("ended unexpectedly" in answer for answer in answers(service.bodies[1]))
    assert changed_paths(before, world.fingerprint()) == []


async def kill_while_a_command_runs(world: World, place: Path, service: StandIn, victim: str) -> None:
    async with wired(NEOVIM_12, world.ws, environment(world, place, service)) as desk:
        server = desk.client.process.pid
        desk.editor.open(SERVICE)
        await desk.choose(await desk.actions(SERVICE, 0, 4), "Run backend_dev: greet by name")
        while not command_runs(world, server):
            await asyncio.sleep(0.01)
        pids = below(server)
        target = {"server": server, "run host": the_one(pids, HOST), "box helper": the_helper(pids)}[victim]
        of_the_command = [pid for pid in below(the_one(pids, HOST)) if victim != "box helper" or pid in below(target)]
        os.kill(target, signal.SIGKILL)
        assert await asyncio.to_thread(lambda: list(left_over(world, place, [target, *of_the_command]))) == []
        if victim == "run host":
            assert "failed" in await desk.said("backend_dev: ")
        if victim == "box helper":
            await desk.said("backend_dev: finished")
        if victim != "server":
            assert (await desk.client.request("textDocument/codeAction", nowhere(world)))["result"] is not None


def the_one(pids: list[int], module: str) -> int:
    """Return the first process that runs the module."""
    return next(pid for pid in pids if f"-m {module}" in words_of(pid))


def the_helper(pids: list[int]) -> int:
    """Return the box helper, not the processes that it has forked."""
    helpers = [pid for pid in pids if f"-m {HELPER}" in words_of(pid)]
    return next(pid for pid in helpers if not any(pid in below(other) for other in helpers))


def nowhere(world: World) -> dict[str, Any]:
    start = {"line": 0, "character": 0}
    document = {"uri": (world.ws / SERVICE).as_uri()}
    return {"textDocument": document, "range": {"start": start, "end": start}, "context": {"diagnostics": []}}
