"""`make bench`: measures the server beside a bare pygls server in the same run, prints the table, and writes tests/bench/results.md."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import boxes, measures, paths, processes, report, runs
from tests.bench.corpus import write_workspace
from tests.bench.measures import Samples, Subject

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.md"
FOREIGN = ("ANTHROPIC_", "AIGENTFLOW_", "CLAUDE_")
"""Variables of the person who runs this that must not change what is measured."""


def server_command() -> list[str]:
    """The installed command of this environment, as an editor starts it."""
    installed = Path(sys.executable).with_name("aigentflow")
    return [str(installed), "serve"] if installed.is_file() else [sys.executable, "-m", "aigentflow", "serve"]


async def measure(options: argparse.Namespace, folder: Path) -> tuple[Samples, Samples]:
    """All measures: ours and the floor's."""
    root = folder / "workspace"
    root.mkdir()
    files = write_workspace(root, seed=options.seed)
    ours, floor = Samples(), Samples()
    subjects = [(Subject("ours", server_command(), {}), ours), (Subject("floor", [sys.executable, str(HERE / "floor.py")], {}), floor)]
    say("cold starts, alternating")
    for number in range(options.starts + 1):
        for subject, samples in subjects:
            # The first start of each reads files that no cache holds yet, and is not counted.
            await measures.cold_start(subject, root, files[200][0], samples if number else Samples())
    say("leaving, alternating")
    for _ in range(options.starts):
        for subject, samples in subjects:
            await measures.leaving(subject, root, files[200][0], samples)
    for subject, samples in subjects:
        say(f"{subject.name}: diagnostics, requests, memory")
        client, _ = await measures.started(subject, root)
        try:
            await measures.diagnostics(client, files, options.edits, samples)
            await measures.requests(client, files[1_000][1], options.requests, samples)
            await client.shutdown()
        finally:
            client.end()
        if processes.readable():
            await measures.memory(subject, root, files, samples)
    if processes.readable():
        say("runs against the stand-in of the Messages API")
        await runs.turns(server_command(), root, files[1_000][0], folder / "turns", options.runs, ours)
        await runs.beside_a_run(server_command(), root, files[1_000][0], folder / "streaming", options.requests, ours)
    await commands(options, folder, ours, floor)
    return ours, floor


async def commands(options: argparse.Namespace, folder: Path, ours: Samples, floor: Samples) -> None:
    """What is measured without a server: the boundary, and commands in the box where there is one."""
    say("decisions of the boundary")
    paths.decisions(ours)
    if sys.platform == "linux":
        say("commands in the box and outside")
        await boxes.commands(folder, options.commands, ours, floor)
        await boxes.starts(folder / f"tree-{boxes.TREES[0]}", ours)
        say("the type check of the sample in the box and outside")
        await boxes.compiling(folder, options.compiles, ours, floor)


def say(text: str) -> None:
    """Tell on stderr how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def page(ours: Samples, floor: Samples, load: float) -> str:
    """The results file; `load` is how many processes of others wanted to run when it began."""
    rows = [
        "Made by `make bench`: *ours* is `aigentflow serve`, *floor* a pygls server that answers with constants, both in the same run.",
        f"{report.circumstances()} Load of the machine before the run: {load:.1f} (0 is idle). Rows in bold are release bars.",
        "",
        report.table(ours, floor),
    ]
    return "\n".join(rows) + "\n"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--starts", type=int, default=15, help="cold starts of each server")
    parser.add_argument("--edits", type=int, default=40, help="edits per file size")
    parser.add_argument("--requests", type=int, default=300, help="requests of each kind")
    parser.add_argument("--runs", type=int, default=7, help="runs against the stand-in")
    parser.add_argument("--commands", type=int, default=200, help="commands in the box, on each tree")
    parser.add_argument("--compiles", type=int, default=7, help="type checks of the sample in the box, and as many outside")
    parser.add_argument("--seed", type=int, default=7, help="seed of the generated workspace")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a release bar is missed")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="aigentflow-bench-"))
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    os.environ.update(HOME=str(folder / "home"), XDG_CONFIG_HOME=str(folder / "config"), AIGENTFLOW_STATE_DIR=str(folder / "state"))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    try:
        ours, floor = asyncio.run(measure(options, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = page(ours, floor, load)
    print(text)
    if not options.no_write:
        RESULTS.write_text(text, "utf-8")
    missed = report.missed(ours, floor)
    if missed:
        say("missed: " + "; ".join(missed))
    return 1 if missed and options.strict else 0


if __name__ == "__main__":
    sys.exit(main())
