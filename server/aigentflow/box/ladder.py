"""Which tier holds on this machine, found by doing: a tier counts only if it replaced a folder, renamed and deleted in its view.

The tiers are tried from the best one down, and every one that is not taken says why; no version is ever asked.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from . import bubblewrap, landlock
from .jobs import start_job
from .namespaced import FILE_CLOCK, Site
from .toolchains import find_toolchains
from .values import Limits, Order, Outcome, Tier, TierReport, outcome_from_json
from .vanishing import vanishing_folder

_LADDER: tuple[Tier, ...] = ("namespaces", "bubblewrap", "landlock")
_SECONDS = 5.0
_PROBE = "rm -r old && mkdir old && echo 1 > old/new && mv a.txt b.txt && rm gone.txt && echo 2 >> kept.txt && test ! -e .env"
_EXPECTED = {
    ("a.txt", "delete"),
    ("b.txt", "create"),
    ("gone.txt", "delete"),
    ("kept.txt", "modify"),
    ("old/inside.txt", "delete"),
    ("old/new", "create"),
}
_OF_A_COPY = (
    "each command begins with copying the tracked files",
    "large ignored folders that builds make appear empty, and installed packages can be added to but not changed",
)
_AS_ROOT = "for root, changes of modes, owners and times succeed without effect"
_WORDS: dict[Tier, tuple[str, tuple[str, ...]]] = {
    "namespaces": (
        "commands run in namespaces of their own on a copy-on-write view: no network, secrets hidden, nothing of the workspace changed",
        ("commands that touch very many files are slower than outside",),
    ),
    "bubblewrap": (
        "commands run under bubblewrap on a copy: no network, secrets hidden, nothing of the workspace changed",
        _OF_A_COPY,
    ),
    "landlock": (
        "commands run behind Landlock and a filter of system calls on a copy: no network, secrets hidden, nothing of the workspace changed",
        (
            *_OF_A_COPY,
            "no program can listen on a port, so tests that start a server fail",
            "paths differ from the real ones, and fixed paths in the temp folder are refused",
            "changes of modes, owners and times succeed without effect",
            "command lines of other processes can be seen; processes are counted by a watchdog, not bounded by the kernel",
        ),
    ),
    "none": ("commands are off: there is no box on this machine", ("agents run no commands and every verification is not_run",)),
}


def choose_tier(best: str = "namespaces") -> TierReport:
    """Return the best tier that works on this machine, beginning with `best` (a tier, or `none`)."""
    started = time.monotonic()
    first = _LADDER.index(best) if best in _LADDER else len(_LADDER)
    missed: list[tuple[Tier, str]] = [(tier, "not to be used, by the configuration") for tier in _LADDER[:first]]
    report = _from(first, missed, why_tier_fails)
    return replace(report, milliseconds=round((time.monotonic() - started) * 1000, 1))


def confirm_tier(report: TierReport, site: Site) -> TierReport:
    """Return the tier that also holds for this very workspace: the given one, or the next one down."""
    if report.tier == "none":
        return report
    reason = _why_site(report.tier, site)
    if not reason:
        return report
    missed = [*report.missed, (report.tier, f"it does not work on this workspace: {reason}")]
    return _from(_LADDER.index(report.tier) + 1, missed, lambda tier: why_tier_fails(tier) or _why_site(tier, site))


def _from(first: int, missed: list[tuple[Tier, str]], why: Callable[[Tier], str]) -> TierReport:
    chosen: Tier = "none"
    for tier in _LADDER[first:]:
        reason = why(tier)
        if not reason:
            chosen = tier
            break
        missed.append((tier, reason))
    words, limits = _WORDS[chosen]
    if chosen == "bubblewrap" and os.geteuid() == 0:
        limits += (_AS_ROOT,)
    return TierReport(chosen, words, limits, tuple(missed))


def why_tier_fails(tier: Tier) -> str:
    """Return why the tier does not hold on this machine; empty where it does."""
    if reason := _why_not_tried(tier):
        return reason
    try:
        with _tree() as tree:
            toolchains = find_toolchains(str(tree), {"PATH": os.defpath}, "/nonexistent")
            outcome = _try(Order(_PROBE, limits=Limits(seconds=_SECONDS)), Site(str(tree), toolchains, (".env",)), tier)
            return _why(outcome) or _why_changes(outcome, tree)
    except OSError as error:
        return str(error.strerror or error)


def _why_not_tried(tier: Tier) -> str:
    if tier == "bubblewrap":
        return bubblewrap.why_unusable()
    return "the kernel has no Landlock" if tier == "landlock" and landlock.abi() == 0 else ""


def _why_site(tier: Tier, site: Site) -> str:
    return _why(_try(Order("true", limits=Limits(seconds=_SECONDS)), site, tier))


def _why(outcome: Outcome) -> str:
    if outcome.problem:
        return outcome.problem
    if outcome.exit != 0:
        ended = f"ended after {_SECONDS:g} s" if outcome.ended_by else f"exit {outcome.exit}"
        return f"the trial command failed ({ended}): {outcome.output.strip()[:300]}"
    return ""


def _why_changes(outcome: Outcome, tree: Path) -> str:
    if {(change.path, change.kind) for change in outcome.changes} != _EXPECTED:
        told = ", ".join(f"{change.kind} {change.path}" for change in outcome.changes)
        return f"what the trial command changed was not found rightly ({told or 'nothing'})"
    return "" if _intact(tree) else "the trial command changed the real folder"


@contextmanager
def _tree() -> Iterator[Path]:
    """Make a small tree to try on; it goes away whatever happens."""
    with vanishing_folder("aigentflow-trial-") as path:
        folder = Path(path)
        (folder / "old").mkdir()
        for name in ("a.txt", "gone.txt", "kept.txt", "old/inside.txt", ".env"):
            (folder / name).write_text(name)
        made = time.clock_gettime_ns(FILE_CLOCK)
        while time.clock_gettime_ns(FILE_CLOCK) == made:
            # A file that is as new as the command would be taken for one that was saved meanwhile.
            time.sleep(0.001)
        yield folder


def _intact(tree: Path) -> bool:
    names = sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*"))
    return names == [".env", "a.txt", "gone.txt", "kept.txt", "old", "old/inside.txt"] and (tree / "kept.txt").read_text() == "kept.txt"


def _try(order: Order, site: Site, tier: Tier) -> Outcome:
    """Run one order here and now and return its outcome."""
    pid, result = start_job(order, site, tier)
    try:
        data = bytearray()
        while chunk := os.read(result, 1 << 16):
            data += chunk
    finally:
        os.close(result)
        os.waitpid(pid, 0)
    try:
        return outcome_from_json(json.loads(bytes(data)))
    except ValueError:
        return Outcome(None, problem="the trial command left no result")
