"""What commands in a box cost: `true` on a small and on a large tree, the type check of the sample, and the start of the helper."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench.measures import Samples

from aigentflow.box.client import Box
from aigentflow.box.values import Order
from aigentflow.command_line import demo_packages
from aigentflow.data import data_folder

TREES = (1_000, 50_000)
"""Files of a tree."""
WARM_UP = 10
STARTS = 10
PAUSE_SECONDS = 0.01
"""Between two commands, so that one does not pay for clearing away the other."""
COMPILE = "node node_modules/typescript/bin/tsc --noEmit"
_FILES_OF_A_FOLDER = 50


def write_tree(root: Path, files: int) -> None:
    """Fill a folder with this many small files, three folders deep."""
    for number in range(0, files, _FILES_OF_A_FOLDER):
        folder = root / f"part-{number // 5_000}" / f"group-{number // 500}" / f"unit-{number // _FILES_OF_A_FOLDER}"
        folder.mkdir(parents=True)
        for file in range(number, min(number + _FILES_OF_A_FOLDER, files)):
            (folder / f"file-{file}.ts").write_text(f"export const value{file} = {file};\n", "utf-8")


@asynccontextmanager
async def started(root: Path, best: str = "namespaces") -> AsyncIterator[Box]:
    """A box that knows its workspace."""
    box = Box()
    try:
        await box.start(str(root), os.environ, os.environ["HOME"], best)
        await box.prepared()
        yield box
    finally:
        await box.close()


class Floor:
    """The process that starts plain commands."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-S", str(Path(__file__).with_name("bare.py"))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def seconds(self, what: str) -> float | None:
        """Seconds of one command; None where it cannot be done here."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(what + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        line = self._process.stdout.readline()
        return float(line) if line else None

    def end(self) -> None:
        """Let it end by itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


async def commands(folder: Path, count: int, ours: Samples, floor: Samples) -> None:
    """`true` on each tree and outside of any box, in turn, so that all of them meet the same machine."""
    roots = {files: folder / f"tree-{files}" for files in TREES}
    for files, root in roots.items():
        write_tree(root, files)
    small, large = TREES
    plain, bare = Floor(), Floor()
    try:
        async with started(roots[small]) as first, started(roots[large]) as second:
            boxes = {small: first, large: second}
            if first.report.tier == "none":
                return
            for number in range(count + WARM_UP):
                kept, below = (ours, floor) if number >= WARM_UP else (Samples(), Samples())
                order = TREES if number % 2 else TREES[::-1]
                took = {files: await _one(boxes[files], "true") for files in order}
                for files, seconds in took.items():
                    kept.add(f"box {files}", seconds)
                kept.add("box ratio", took[large] / took[small])
                await _floor_once(plain, bare, below)
    finally:
        plain.end()
        bare.end()


async def _floor_once(plain: Floor, bare: Floor, below: Samples) -> None:
    seconds = plain.seconds("shell")
    for files in TREES:
        below.add(f"box {files}", seconds or 0.0)
    await asyncio.sleep(PAUSE_SECONDS)
    if (seconds := bare.seconds("namespaces")) is not None:
        below.add("namespaces", seconds)
    await asyncio.sleep(PAUSE_SECONDS)


async def _one(box: Box, command: str) -> float:
    """Seconds from giving the command to having its outcome."""
    before = time.perf_counter()
    outcome = await box.run(Order(command))
    seconds = time.perf_counter() - before
    if outcome.exit != 0:
        raise RuntimeError(f"{command} did not end well in the box: {outcome.problem or outcome.output[-500:]}")
    await asyncio.sleep(PAUSE_SECONDS)
    return seconds


async def compiling(folder: Path, count: int, ours: Samples, floor: Samples) -> None:
    """The sample's type check in the box and outside, in turn; nothing where its packages are not installed."""
    sample, root = data_folder("sample"), folder / "sample"
    if demo_packages.why_missing(sample):
        return
    subprocess.run(["cp", "-R", str(sample), str(root)], check=True)
    async with started(root) as box:
        if box.report.tier == "none":
            return
        for number in range(count + 1):
            pair = [("box", _one(box, COMPILE)), ("native", _native(COMPILE, root))]
            took = {name: await waiting for name, waiting in (pair if number % 2 else reversed(pair))}
            if number:
                ours.add("tsc", took["box"])
                floor.add("tsc", took["native"])
                ours.add("tsc ratio", took["box"] / took["native"])


async def _native(command: str, root: Path) -> float:
    before = time.perf_counter()
    process = await asyncio.create_subprocess_exec("bash", "-c", command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    seconds = time.perf_counter() - before
    if process.returncode != 0:
        raise RuntimeError(f"{command} did not end well: {output[-500:].decode('utf-8', 'replace')}")
    return seconds


async def starts(root: Path, ours: Samples) -> None:
    """Starts of the helper: until the tier is known, and until the workspace has been looked at too."""
    for number in range(STARTS + 1):
        box, kept = Box(), ours if number else Samples()
        before = time.perf_counter()
        try:
            await box.start(str(root), os.environ, os.environ["HOME"])
            kept.add("box ready", time.perf_counter() - before)
            await box.prepared()
            kept.add("box prepared", time.perf_counter() - before)
        finally:
            await box.close()
