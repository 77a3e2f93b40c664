"""What goes into a box and what comes out of it, as values that survive JSON both ways."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

Tier = Literal["namespaces", "bubblewrap", "landlock", "none"]
"""What fences a command off; `none`: commands are off, or run unprotected after the person allowed that very text."""
TIER_NUMBERS: Mapping[Tier, int] = {"namespaces": 1, "bubblewrap": 2, "landlock": 3, "none": 6}
ChangedKind = Literal["modify", "create", "delete", "other"]
EndedBy = Literal["", "time", "memory", "processes", "disk", "cancel"]


@dataclass(frozen=True)
class Limits:
    """Bounds of one command."""

    seconds: float = 120.0
    memory: int = 4 << 30
    """Bytes of all its processes together; three quarters of it for the data of a single one."""
    processes: int = 500
    file_size: int = 256 << 20
    """Bytes of one file."""
    written: int = 512 << 20
    """Bytes of everything it writes."""
    output: int = 60_000
    """Bytes of output that are kept, half from its head and half from its tail."""


@dataclass(frozen=True)
class Bind:
    """A folder or file outside the workspace that a command sees, read-only, at its own path."""

    path: str
    """Absolute, links followed."""
    why: str
    """Such as `PATH: node` or `system`."""


@dataclass(frozen=True)
class Link:
    """A link outside the workspace that a command sees, such as `/bin` → `usr/bin`."""

    path: str
    target: str


@dataclass(frozen=True)
class Toolchains:
    """What of the machine is there inside a box."""

    binds: tuple[Bind, ...] = ()
    links: tuple[Link, ...] = ()
    path: tuple[str, ...] = ()
    """Folders of PATH inside the box, in order."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables that a toolchain needs to find itself, such as PYENV_ROOT."""
    left_out: tuple[tuple[str, str], ...] = ()
    """Folders of the person's PATH that are not there, and why."""


@dataclass(frozen=True)
class Topping:
    """A file that lies over the tree before the command starts: an unsaved buffer or a change of the run."""

    path: str
    """Workspace-relative with `/`, links followed."""
    data: bytes | None
    """None: the file is to be gone."""
    executable: bool = False


@dataclass(frozen=True)
class Order:
    """One command to run."""

    command: str
    """Text for the shell."""
    folder: str = ""
    """Where it runs, workspace-relative; empty for the workspace folder."""
    limits: Limits = Limits()
    toppings: tuple[Topping, ...] = ()
    collect: bool = False
    """Whether the contents of changed files are wanted; else only what changed is told."""


@dataclass(frozen=True)
class Changed:
    """One path that differs after the command from what lay there before it."""

    path: str
    kind: ChangedKind
    data: bytes | None = None
    """The new content, where it was asked for and is a regular file of bearable size."""
    executable: bool = False
    note: str = ""
    """For `other`: what it is, such as `a link to /etc/passwd`, and why it is not taken."""


@dataclass(frozen=True)
class Outcome:
    """How one command ended."""

    exit: int | None
    """None where it did not run or was ended by a signal."""
    signal: int | None = None
    output: str = ""
    """Standard output and error as they came, control characters taken out, head and tail where it was long."""
    output_size: int = 0
    """Bytes of the whole output."""
    seconds: float = 0.0
    ended_by: EndedBy = ""
    """The limit that ended it."""
    changes: tuple[Changed, ...] = ()
    n_changes: int = 0
    problem: str = ""
    """Why it did not run at all."""
    tier: Tier = "none"


@dataclass(frozen=True)
class TierReport:
    """Which tier is in force on this machine, and why no better one is."""

    tier: Tier
    words: str
    """One sentence on what the tier means."""
    limits: tuple[str, ...] = ()
    """What does not work, or is not protected, in it."""
    missed: tuple[tuple[Tier, str], ...] = ()
    """Better tiers and what trying them said."""
    milliseconds: float = 0.0
    """What trying took."""


def to_json(value: Any) -> Any:
    """Return the value as JSON; bytes become `{"base64": …}`."""
    if isinstance(value, bytes):
        return {"base64": b64encode(value).decode("ascii")}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    return value


def _bytes(value: Any) -> bytes | None:
    return b64decode(value["base64"]) if isinstance(value, dict) else None


def order_from_json(value: Mapping[str, Any]) -> Order:
    """Return the order of a JSON object."""
    toppings = tuple(Topping(item["path"], _bytes(item["data"]), item["executable"]) for item in value["toppings"])
    return Order(value["command"], value["folder"], Limits(**value["limits"]), toppings, value["collect"])


def outcome_from_json(value: Mapping[str, Any]) -> Outcome:
    """Return the outcome of a JSON object."""
    changes = tuple(Changed(**{**item, "data": _bytes(item["data"])}) for item in value["changes"])
    return Outcome(**{**value, "changes": changes})


def toolchains_from_json(value: Mapping[str, Any]) -> Toolchains:
    """Return the toolchains of a JSON object."""
    return Toolchains(
        binds=tuple(Bind(**item) for item in value["binds"]),
        links=tuple(Link(**item) for item in value["links"]),
        path=tuple(value["path"]),
        environment=tuple((name, text) for name, text in value["environment"]),
        left_out=tuple((name, text) for name, text in value["left_out"]),
    )


def tier_report_from_json(value: Mapping[str, Any]) -> TierReport:
    """Return the report of a JSON object."""
    missed = tuple((tier, reason) for tier, reason in value["missed"])
    return TierReport(value["tier"], value["words"], tuple(value["limits"]), missed, value["milliseconds"])
