"""What `aigentflow doctor` says of the box: the tier in force and its limits, why no better one is, what commands see of the machine."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigentflow.box.client import examine
from aigentflow.box.values import TIER_NUMBERS, Bind, Tier, TierReport, Toolchains
from aigentflow.command_line.finding import Finding
from aigentflow.errors import AigentflowError
from aigentflow.state import home_folder

Probe = Callable[[Path, Mapping[str, str], str], tuple[TierReport, Toolchains]]
"""Tries the tiers for a workspace folder and an environment, from the named one on."""
ReadKernel = Callable[[str], str | None]
"""Returns a file of `/proc` without white space around it, None where there is none."""
_SHOWN = 4


@dataclass(frozen=True)
class Box:
    """What trying the tiers said."""

    report: TierReport
    toolchains: Toolchains


def look(root: Path, env: Mapping[str, str], best: str = "namespaces", probe: Probe | None = None) -> Box:
    """Try the tiers from `best` on; where even trying fails there is none in force."""
    try:
        return Box(*(probe or _try)(root, env, best))
    except (AigentflowError, OSError) as error:
        return Box(TierReport("none", f"trying the tiers failed ({error})"), Toolchains())


def _try(root: Path, env: Mapping[str, str], best: str) -> tuple[TierReport, Toolchains]:
    return asyncio.run(examine(str(root), env, str(home_folder(env)), best))


def findings(box: Box, home: str = "", kernel: ReadKernel | None = None) -> Iterator[Finding]:
    """Yield the tier in force, its limits, the better tiers that failed, and what commands see."""
    report = box.report
    number, words = TIER_NUMBERS[report.tier], report.words.removeprefix("commands ")
    if report.tier == "none":
        said = f"off (tier {number}): {words.removeprefix('are off: ')}; everything but commands works"
        yield Finding("commands", "note", said, "" if report.missed else "A box needs Linux.")
    else:
        yield Finding("commands", "ok", f"tier {number} ({report.tier}): {words}")
    for limit in report.limits:
        yield Finding("commands", "note", f"limit: {limit}")
    for tier, reason in report.missed:
        what = f"tier {TIER_NUMBERS[tier]} ({tier})"
        yield Finding(what, "note", f"does not hold here: {reason or 'it was not tried'}", advice(tier, reason, kernel or read_kernel))
    if report.tier != "none":
        yield from _seen(box.toolchains, home)


def _seen(toolchains: Toolchains, home: str) -> Iterator[Finding]:
    groups: dict[str, list[str]] = {}
    for bind in toolchains.binds:
        groups.setdefault(_group(bind), []).append(_shown(bind.path, home))
    for name, paths in groups.items():
        yield Finding("commands see", "ok", f"{name}: {_few(paths)}")
    if toolchains.path:
        yield Finding("PATH of commands", "ok", _few([_shown(path, home) for path in toolchains.path], 12))
    reasons: dict[str, list[str]] = {}
    for folder, why in toolchains.left_out:
        reasons.setdefault(why, []).append(_shown(folder, home))
    for why, folders in reasons.items():
        yield Finding("left out of PATH", "note", f"{_few(folders, 12)}: {why}")


def _group(bind: Bind) -> str:
    """Return the words before a colon: what is there for the same reason is told together."""
    return bind.why.partition(":")[0].strip() or "other"


def _shown(path: str, home: str) -> str:
    inside = home.rstrip("/") + "/"
    return f"~/{path[len(inside) :]}" if home and path.startswith(inside) else path


def _few(names: Iterable[str], most: int = _SHOWN) -> str:
    known = list(dict.fromkeys(names))
    return ", ".join(known[:most]) + (f" and {len(known) - most} more" if len(known) > most else "")


def advice(tier: Tier, reason: str, kernel: ReadKernel) -> str:
    """Return what a person can do so that a tier holds; empty where nothing is known to help."""
    if "configuration" in reason:
        return "Your own configuration says so."
    if sys.platform != "linux":
        return "This tier needs Linux."
    if tier == "namespaces":
        return _namespaces_advice(reason.lower(), kernel)
    if tier == "bubblewrap":
        return "Install bubblewrap 0.11 or newer from your distribution (`bwrap --version` tells which one is there)."
    return "It needs a kernel of 5.13 or newer that has `landlock` in /sys/kernel/security/lsm; add it to the boot option `lsm=`."


def _namespaces_advice(reason: str, kernel: ReadKernel) -> str:
    switches = (
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
            ", or install bubblewrap 0.11",
        ),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1", ""),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=10000", ""),
    )
    for name, closed, setting, other in switches:
        if kernel(f"/proc/sys/{name}") == closed:
            return f"`sudo sysctl -w {setting}`{other}."
    if "overlay" in reason:
        return "`sudo modprobe overlay`."
    if kernel("/.dockerenv") is not None or kernel("/run/.containerenv") is not None:
        return "This is a container: its profile has to allow user namespaces and mounts (`unshare -Urm true` tells whether it does)."
    return "`unshare -Urm true` tells whether this user may make namespaces; ask whoever runs this machine."


def read_kernel(path: str) -> str | None:
    """Return a small file of the system, None where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def as_json(box: Box) -> dict[str, Any]:
    """Return what was found for `--format json`."""
    report, seen = box.report, box.toolchains
    return {
        "tier": TIER_NUMBERS[report.tier],
        "name": report.tier,
        "words": report.words,
        "limits": list(report.limits),
        "missed": [{"tier": TIER_NUMBERS[tier], "name": tier, "reason": reason} for tier, reason in report.missed],
        "milliseconds": report.milliseconds,
        "binds": [{"path": bind.path, "why": bind.why} for bind in seen.binds],
        "path": list(seen.path),
        "left_out": [{"path": path, "why": why} for path, why in seen.left_out],
    }
