"""Each tier of the ladder, forced by switching off the better ones: what holds in all of them, and what is said of each."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from aigentflow.box.client import Box
from aigentflow.box.packages import packages
from aigentflow.box.values import Limits, Order, Outcome, Topping
from processes import running

pytestmark = pytest.mark.asyncio
TIERS = ("namespaces", "bubblewrap", "landlock")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.ts").write_text("export const a = 1;\n")
    (root / "src" / "b.ts").write_text("export const b = 2;\n")
    (root / ".env").write_text("DATABASE_PASSWORD=correct-horse-battery\n")
    (tmp_path / "neighbour").mkdir()
    (tmp_path / "neighbour" / "theirs.txt").write_text("not to be read\n")
    return root


@pytest_asyncio.fixture(params=TIERS)
async def box(request: pytest.FixtureRequest, tree: Path, tmp_path: Path) -> AsyncIterator[Box]:
    made = Box()
    await made.start(str(tree), {"PATH": os.environ["PATH"]}, str(tmp_path), request.param)
    report = await made.prepared()
    if report.tier != request.param:
        await made.close()
        pytest.skip(f"{request.param}: {dict(report.missed)[request.param]}")
    yield made
    await made.close()


async def run(box: Box, command: str, *toppings: Topping, **limits: float) -> Outcome:
    return await box.run(Order(command, limits=Limits(**limits), toppings=toppings, collect=True))  # type: ignore[arg-type]


async def test_the_tree_stays_as_it_is_and_changes_are_found(box: Box, tree: Path) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    outcome = await run(box, "cat src/a.ts; echo x >> src/a.ts; rm src/b.ts; mkdir n; echo n > n/n", Topping("src/a.ts", b"unsaved\n"))
    assert (outcome.exit, outcome.output) == (0, "unsaved\n")
    assert {(change.path, change.kind, change.data) for change in outcome.changes} == {
        ("src/a.ts", "modify", b"unsaved\nx\n"),
        ("src/b.ts", "delete", None),
        ("n/n", "create", b"n\n"),
    }
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


async def test_nothing_outside_is_read_written_or_reached(box: Box, tree: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        theirs = tmp_path / "neighbour" / "theirs.txt"
        outcome = await run(
            box,
            f"cat {theirs} {tree}/.env .env; echo x > {theirs}; echo x > {tree}/src/a.ts; ln -s {theirs} l; cat l; echo x > l;"
            f"exec 3<>/dev/tcp/127.0.0.1/{listener.getsockname()[1]}; echo y > /usr/z; kill -9 {os.getpid()}",
        )
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert "not to be read" not in outcome.output and "battery" not in outcome.output
    assert theirs.read_text() == "not to be read\n"
    assert (tree / "src/a.ts").read_text() == "export const a = 1;\n"


async def test_the_environment_is_a_fresh_one(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SERVICE_TOKEN", "never-to-be-seen")
    assert "never-to-be-seen" not in (await run(box, "env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'")).output


async def test_everything_ends_with_the_command_and_with_a_cancel(box: Box) -> None:
    mark = f"6{os.getpid()}"
    assert (await run(box, f"(setsid sleep {mark} >/dev/null 2>&1 &); echo done")).output == "done\n"
    assert not running(mark)
    going = asyncio.create_task(run(box, f"(setsid sleep {mark} &); sleep {mark}"))
    while not running(mark):
        await asyncio.sleep(0)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert not running(mark)
    assert (await run(box, "trap '' TERM; sleep 60", seconds=0.5)).ended_by == "time"


async def test_a_helper_that_is_killed_leaves_no_process(box: Box) -> None:
    mark = f"5{os.getpid()}"
    going = asyncio.create_task(run(box, f"sleep {mark} & sleep {mark}"))
    while not running(mark):
        await asyncio.sleep(0)
    assert box._process is not None
    box._process.kill()
    assert "ended unexpectedly" in (await going).problem
    async with asyncio.timeout(2):
        while running(mark):
            await asyncio.sleep(0)
    assert (await run(box, "echo again")).output == "again\n"


async def test_a_tier_that_is_switched_off_is_said_and_the_next_one_taken(tree: Path, tmp_path: Path) -> None:
    made = Box()
    try:
        report = await made.start(str(tree), {"PATH": os.environ["PATH"]}, str(tmp_path), "none")
        assert report.tier == "none" and [tier for tier, _ in report.missed] == list(TIERS)
        outcome = await made.run(Order("touch made-it"))
        assert outcome.exit is None and "off" in outcome.problem
        assert not (tree / "made-it").exists()
    finally:
        await made.close()


async def test_what_the_person_allowed_to_run_unprotected_runs_on_a_copy(tree: Path, tmp_path: Path) -> None:
    made = Box()
    try:
        await made.start(str(tree), {"PATH": os.environ["PATH"]}, str(tmp_path), "none")
        outcome = await made.run(Order("echo new > src/new.ts; cat .env", collect=True), unprotected=True)
        assert [(change.path, change.data) for change in outcome.changes] == [("src/new.ts", b"new\n")]
        assert not (tree / "src/new.ts").exists() and "battery" not in outcome.output
    finally:
        await made.close()


async def test_packages_are_found_near_the_top_and_never_through_links(tmp_path: Path) -> None:
    for folder in ("apps/api", "packages/deep/inner", "a/b/c/d", "node_modules/x", "plain"):
        (tmp_path / folder).mkdir(parents=True)
    for file in (
        "package.json",
        "apps/api/package.json",
        "packages/deep/inner/pyproject.toml",
        "a/b/c/d/package.json",
        "node_modules/x/package.json",
    ):
        (tmp_path / file).write_text("{}")
    (tmp_path / "linked").symlink_to(tmp_path / "apps")
    assert packages(str(tmp_path)) == ("apps/api", "packages/deep/inner")
