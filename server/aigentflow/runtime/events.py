"""What a run tells while it goes on: small values that survive JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class RunStarted:
    """The context is gathered; the first request is about to go out."""

    run: str
    agent: str
    model: str
    tools: tuple[str, ...] = ()
    read_only: bool = False


@dataclass(frozen=True)
class TurnStarted:
    """A request goes out; turns count from 1."""

    turn: int


@dataclass(frozen=True)
class Thinking:
    """A piece of summarised thinking, cleaned for display."""

    text: str


@dataclass(frozen=True)
class Text:
    """A piece of the answer, cleaned for display."""

    text: str


@dataclass(frozen=True)
class ToolCalled:
    """A tool is about to run; `subject` is the path or pattern it is about."""

    tool: str
    subject: str
    id: str


@dataclass(frozen=True)
class ToolAnswered:
    """A tool has run; `summary` is the first line of the answer."""

    tool: str
    id: str
    is_error: bool
    summary: str


@dataclass(frozen=True)
class Refused:
    """Something the agent asked for and did not get."""

    tool: str
    path: str
    reason: str
    rule: str = ""
    pattern: str | None = None
    owner: str | None = None


@dataclass(frozen=True)
class UsageChanged:
    """Tokens and money of the run so far; `usd` is None where a price is not known."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int
    cache_creation_input_tokens: int
    usd: float | None


@dataclass(frozen=True)
class Waiting:
    """Nothing comes from the service, or the next try is that many seconds away."""

    reason: str
    seconds: float


@dataclass(frozen=True)
class Noted:
    """A sentence for the run's page."""

    text: str


Event = RunStarted | TurnStarted | Thinking | Text | ToolCalled | ToolAnswered | Refused | UsageChanged | Waiting | Noted
_KINDS: Mapping[str, type[Event]] = {
    "run_started": RunStarted,
    "turn_started": TurnStarted,
    "thinking": Thinking,
    "text": Text,
    "tool_called": ToolCalled,
    "tool_answered": ToolAnswered,
    "refused": Refused,
    "usage_changed": UsageChanged,
    "waiting": Waiting,
    "noted": Noted,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def to_json(event: Event) -> dict[str, Any]:
    """Return the event as a JSON object; `kind` names what it is."""
    return {"kind": _NAMES[type(event)], **asdict(event)}


def from_json(value: Mapping[str, Any]) -> Event:
    """Return the event of a JSON object; keys that are not known are left out."""
    kind = _KINDS[value["kind"]]
    known = {field.name: value[field.name] for field in fields(kind) if field.name in value}
    if "tools" in known:
        known["tools"] = tuple(known["tools"])
    return kind(**known)
