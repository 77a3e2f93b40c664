"""The table: what was measured, beside the floor of the same run and the bar it has to meet."""

import platform
import statistics
import sys
from dataclasses import dataclass
from importlib import metadata

from tests.bench.boxes import TREES
from tests.bench.measures import Samples

Unit = str
MS, MICROSECONDS, MIB, BYTES, RATIO = "ms", "µs", "MiB", "bytes", "×"
_OF_A_SECOND = {MS: 1e3, MICROSECONDS: 1e6}


@dataclass(frozen=True)
class Bar:
    """One row: a statistic of one measure and the value that it must not exceed."""

    title: str
    measure: str
    unit: Unit
    limit: float | None
    named: bool = False
    """Whether the bar is a release bar; the others are aims."""
    quantile: float = 0.5
    against_floor: float | None = None
    """The bar is this many times the floor's value of the same measure."""


def _requests(suffix: str, title: str, p50: float, p99: float) -> list[Bar]:
    rows = []
    for name in ("codeAction", "codeLens", "hover"):
        rows.append(Bar(f"{name}{title}, p50", name + suffix, MS, p50, name == "codeAction"))
        rows.append(Bar(f"{name}{title}, p99", name + suffix, MS, p99, name == "codeAction", quantile=0.99))
    return rows


def _in_the_box() -> list[Bar]:
    rows = []
    for files in TREES:
        rows.append(Bar(f"`true` in the box, {files:,} files, p50", f"box {files}", MS, 15.0, named=True))
        rows.append(Bar(f"`true` in the box, {files:,} files, p99", f"box {files}", MS, 50.0, named=True, quantile=0.99))
    return [
        *rows,
        Bar(f"the same command, {TREES[1]:,} files against {TREES[0]:,}", "box ratio", RATIO, 1.1, named=True),
        Bar("bare namespaces and `true`, nothing mounted, p50", "namespaces", MS, None),
        Bar("`tsc --noEmit` of the sample in the box, p50", "tsc", MS, None),
        Bar("the same, in the box against outside", "tsc ratio", RATIO, 1.05, named=True),
        Bar("box helper: spawn → tier known, p50", "box ready", MS, None),
        Bar("box helper: spawn → workspace looked at, p50", "box prepared", MS, None),
        Bar("boundary, text part of a decision, ASCII path", "boundary ascii", MICROSECONDS, 50.0, named=True),
        Bar("boundary, text part of a decision, other letters", "boundary other", MICROSECONDS, 50.0, named=True),
        Bar("boundary, whole decision with the disk", "boundary disk", MICROSECONDS, None),
    ]


BARS = [
    Bar("spawn → `initialize` answer", "initialize", MS, None, named=True, against_floor=1.1),
    Bar("spawn → first diagnostics", "first diagnostics", MS, None, against_floor=1.25),
    *(Bar(f"didOpen → diagnostics, {size:,} lines, p50", f"didOpen {size}", MS, None) for size in (200, 1_000, 5_000)),
    *(
        Bar(f"didChange → diagnostics, {size:,} lines, p50", f"didChange {size}", MS, limit)
        for size, limit in ((200, 2.5), (1_000, 3.0), (5_000, 6.0))
    ),
    *_requests("", "", 1.0, 3.0),
    *_requests(" streaming", " while a run streams", 10.0, 10.0),
    Bar("command → its answer (run id), p50", "command answer", MS, None),
    Bar("command → first model request, warm, p50", "first request", MS, 30.0, named=True),
    Bar("turn overhead, p50", "turn", MS, 8.0, named=True),
    Bar("turn overhead, p95", "turn", MS, 20.0, quantile=0.95),
    Bar("fixed request part (system + tools)", "fixed part", BYTES, 16 * 1024, named=True),
    Bar("RSS, 1 file open", "rss 1", MIB, 60.0, named=True),
    Bar("RSS, 50 files open", "rss 50", MIB, 80.0, named=True),
    Bar("RSS of a run host, peak", "host rss", MIB, 110.0),
    Bar("`shutdown` → answer", "shutdown answer", MS, 5.0, named=True),
    Bar("`exit` → process gone", "exit", MS, 120.0, named=True),
    *_in_the_box(),
]


def table(ours: Samples, floor: Samples) -> str:
    """The Markdown table; a measure that did not come out says so."""
    rows = ["| measure | ours | floor | bar | |", "|---|---:|---:|---:|---|"]
    for bar in BARS:
        value, below = _value(ours, bar), _value(floor, bar)
        limit = bar.limit if bar.against_floor is None else None if below is None else below * bar.against_floor
        title = f"**{bar.title}**" if bar.named else bar.title
        rows.append(f"| {title} | {_said(value, bar)} | {_said(below, bar)} | {_limit(limit, bar)} | {_verdict(value, limit, bar)} |")
    return "\n".join(rows)


def missed(ours: Samples, floor: Samples) -> list[str]:
    """Titles of the release bars that are not met or were not measured."""
    return [
        line.split("|")[1].strip(" *")
        for line in table(ours, floor).splitlines()
        if line.rstrip(" |").endswith(("**missed**", "**not measured**"))
    ]


def circumstances() -> str:
    """One sentence about the machine and the versions, without its name."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("pygls", "lsprotocol", "anthropic", "tree-sitter"))
    return f"{os_name()}, {cores()} cores, Python {platform.python_version()}, {versions}."


def os_name() -> str:
    """Family and machine type."""
    return f"{platform.system()} {platform.machine()}"


def cores() -> int:
    """Processors that this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def quantile(values: list[float], share: float) -> float:
    """Linear between the closest ranks."""
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    low = int(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)


def _value(samples: Samples, bar: Bar) -> float | None:
    values = samples.values.get(bar.measure)
    if not values:
        return None
    number = statistics.median(values) if bar.quantile == 0.5 else quantile(values, bar.quantile)
    return number * _OF_A_SECOND.get(bar.unit, 1.0)


def _said(value: float | None, bar: Bar) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f} bytes" if bar.unit == BYTES else f"{value:,.1f} {bar.unit}" if value >= 10 else f"{value:,.2f} {bar.unit}"


def _limit(limit: float | None, bar: Bar) -> str:
    if bar.against_floor is not None:
        return f"≤ {bar.against_floor} × floor"
    return "–" if limit is None else f"≤ {_said(limit, bar)}"


def _verdict(value: float | None, limit: float | None, bar: Bar) -> str:
    if limit is None:
        return ""
    if value is None:
        return "**not measured**" if bar.named else "not measured"
    if value <= limit:
        return "met"
    return "**missed**" if bar.named else "above the aim"
