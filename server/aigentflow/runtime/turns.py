"""Values between loop and model. Blocks and messages are the service's own JSON objects, sent back as they came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aigentflow.runtime.events import Event

Json = dict[str, Any]
Listener = Callable[[Event], None]


@dataclass(frozen=True)
class Usage:
    """Tokens of one turn, as the service counts them; the prompt is the sum of the three input kinds."""

    input_tokens: int = 0
    """The part of the prompt that was neither read from nor written to the cache."""
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_creation_1h_tokens: int = 0
    """The part of `cache_creation_input_tokens` that is kept for an hour, which costs more."""

    @property
    def prompt_tokens(self) -> int:
        """Size of the whole prompt."""
        return self.input_tokens + self.cache_read_input_tokens + self.cache_creation_input_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_input_tokens + other.cache_read_input_tokens,
            self.cache_creation_input_tokens + other.cache_creation_input_tokens,
            self.cache_creation_1h_tokens + other.cache_creation_1h_tokens,
        )


@dataclass(frozen=True)
class ToolCall:
    """One tool call of a reply; `fault` says why `input` could not be read."""

    id: str
    name: str
    input: Json | None
    fault: str = ""
    complete: bool = True
    """False: the answer ended in the middle of this call."""


@dataclass(frozen=True)
class TurnRequest:
    """One request to the service."""

    model: str
    system: tuple[Json, ...]
    tools: tuple[Json, ...]
    messages: tuple[Json, ...]
    max_tokens: int
    options: Mapping[str, Any] = field(default_factory=dict)
    """Optional fields such as `thinking`, sent as they are."""
    headers: Mapping[str, str] = field(default_factory=dict)
    idle_seconds: float = 180.0
    """How long the stream may bring nothing but pings."""


@dataclass(frozen=True)
class Reply:
    """One finished answer."""

    blocks: tuple[Json, ...]
    calls: tuple[ToolCall, ...]
    stop_reason: str
    usage: Usage | None
    """None: the service did not say."""
    stop_details: str = ""

    @property
    def text(self) -> str:
        """The text blocks, joined."""
        return "".join(str(block.get("text", "")) for block in self.blocks if block.get("type") == "text")


class Model(Protocol):
    """Answers one turn at a time; raises ModelError."""

    async def turn(self, request: TurnRequest, listener: Listener) -> Reply:
        """Return the finished answer; pieces of it go to the listener as they come."""

    async def close(self) -> None:
        """Give back what is held."""
