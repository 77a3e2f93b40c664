"""Memory and descendants of a process, read from /proc; on other systems there is nothing to read and the measure is left out."""

import asyncio
import re
import time
from pathlib import Path

PROC = Path("/proc")


def readable() -> bool:
    """Whether this system tells."""
    return (PROC / "self" / "smaps_rollup").exists()


def descendants(pid: int) -> list[int]:
    """Processes started by `pid`, directly or not, oldest first."""
    parents: dict[int, int] = {}
    for status in PROC.glob("[0-9]*/stat"):
        try:
            fields = status.read_text("utf-8", "replace").rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        parents[int(status.parent.name)] = int(fields[1])
    found: list[int] = []
    frontier = {pid}
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier}
        found += sorted(frontier)
    return found


def resident_mib(pid: int) -> float:
    """Resident set of one process; 0 when it is gone."""
    return _kib(pid, "smaps_rollup", "Rss") / 1024


def peak_mib(pid: int) -> float:
    """Highest resident set of one process so far; 0 when it is gone."""
    return _kib(pid, "status", "VmHWM") / 1024


def cpu_seconds(pid: int) -> float:
    """User and system time of one process in seconds; 0 when it is gone."""
    try:
        fields = (PROC / str(pid) / "stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / 100


async def settle(pid: int, seconds: float) -> None:
    """Wait until a process and its descendants rest, at most this long: what is measured next is not what was begun before."""
    deadline = time.monotonic() + seconds
    spent: list[float] = []
    rests = 0
    while rests < 5 and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
        now = [cpu_seconds(one) for one in (pid, *descendants(pid))]
        rests = rests + 1 if now == spent else 0
        spent = now


def _kib(pid: int, file: str, name: str) -> int:
    try:
        text = (PROC / str(pid) / file).read_text("utf-8", "replace")
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    return int(found.group(1)) if found else 0
