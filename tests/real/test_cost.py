"""What verification costs over the same commands without a box, and that it ends at once when it is cancelled."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from aigentflow.box.client import Box
from aigentflow.box.values import Limits, Order

from .people import Person, edit, session
from .sample import PRICING, RENAMED, SUM

ROUNDS = 2
ENDS_WITHIN = 10.0
COMMANDS = ("npx --no-install tsc --noEmit", "npx --no-install vitest run apps/api/src/orders/pricing.spec.ts", "npm run lint")


def native(command: str, root: Path, environment: Mapping[str, str]) -> float:
    started = time.monotonic()
    subprocess.run(["/bin/sh", "-c", command], cwd=root, env={**environment, "CI": "true"}, check=True, capture_output=True)
    return time.monotonic() - started


async def both(command: str, person: Person, root: Path) -> tuple[float, float]:
    """Return the least seconds without and with the box, taken in turns."""
    box = Box()
    await box.start(os.fspath(root), person.environment, os.fspath(person.home))
    try:
        outside, inside = [], []
        for _ in range(ROUNDS):
            outside.append(await asyncio.to_thread(native, command, root, person.environment))
            started = time.monotonic()
            outcome = await box.run(Order(command, "", Limits(seconds=600.0)))
            assert outcome.exit == 0, outcome
            inside.append(time.monotonic() - started)
    finally:
        await box.close()
    return min(outside), min(inside)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_about_as_long_as_without_the_box(
    command: str, anna: Person, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside, inside = asyncio.run(both(command, anna, shop))
    with capsys.disabled():
        print(f"\n{command}: {outside:.2f} s without the box, {inside:.2f} s in it ({inside / outside - 1:+.1%})")
    # Far above what is measured on a quiet machine, since others may work here at the same time.
    assert inside < 1.5 * outside + 1.0


def test_a_cancel_ends_all_of_a_verification(anna: Person, shop: Path) -> None:
    with anna.start(shop, session(edit(PRICING, SUM, RENAMED), tests="pass")) as running:
        assert running.stderr is not None and running.stdout is not None
        for line in running.stderr:
            if line.startswith("  Verify npm test"):
                break
        wait_for(lambda: len(working(shop)) >= 3)
        cancelled = time.monotonic()
        running.send_signal(signal.SIGINT)
        result = json.loads(running.stdout.read())
        running.wait()
        assert time.monotonic() - cancelled < ENDS_WITHIN
    assert result["outcome"] == "cancelled" and running.returncode == 1
    assert {part["status"] for part in result["verification"].values()} == {"not_run"}
    assert [change["path"] for change in result["edits"]] == [PRICING]
    wait_for(lambda: not working(shop))


def working(root: Path) -> list[str]:
    """Return the command lines of the processes that work in the folder, in whatever view of it."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            if line and os.fsencode(root) in os.fsencode(os.readlink(entry / "cwd")):
                found.append(line.decode("utf-8", "replace"))
        except OSError:
            continue
    return found


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)
