"""One turn, tried again where that helps: passing faults with back-off, a refused optional field once without it."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from aigentflow.errors import BrokenTurn, ModelRejected, ModelUnavailable
from aigentflow.runtime.events import Noted, Waiting
from aigentflow.runtime.faults import LONGEST_WAIT
from aigentflow.runtime.turns import Listener, Model, Reply, TurnRequest


@dataclass(frozen=True)
class RetryPolicy:
    """How often and after which pauses a turn is tried again."""

    tries: int = 5
    """Of one turn, the first one included."""
    first_pause: float = 0.5
    """Seconds; doubled after each try, with jitter."""
    longest_pause: float = 16.0

    def pause(self, attempt: int, asked: float | None, jitter: float) -> float:
        """Return the seconds before the next try; what the service asked for is kept to, up to LONGEST_WAIT."""
        if asked is not None:
            return min(asked, LONGEST_WAIT) * (1 + 0.05 * jitter)
        # From half to the whole step, so that many clients that failed together do not come back together.
        step = min(self.first_pause * 2.0 ** (attempt - 1), self.longest_pause)
        return step * (0.5 + 0.5 * jitter)


class Asker:
    """Puts turns to the model; remembers for the run which optional fields the service does not take."""

    def __init__(
        self,
        model: Model,
        policy: RetryPolicy,
        listener: Listener,
        *,
        on_broken: Callable[[TurnRequest], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._model = model
        self._policy = policy
        self._listener = listener
        self._on_broken = on_broken
        self._jitter = jitter
        self._dropped: list[str] = []

    @property
    def dropped(self) -> tuple[str, ...]:
        """Optional request fields that the service refused, in the order they were left out."""
        return tuple(self._dropped)

    async def ask(self, request: TurnRequest) -> Reply:
        """Return the answer; raise ModelError when trying again is of no use or was of no use."""
        attempt = 1
        while True:
            try:
                return await self._model.turn(self._shaped(request), self._listener)
            except ModelUnavailable as error:
                if isinstance(error, BrokenTurn):
                    self._on_broken(request)
                if attempt >= self._policy.tries:
                    raise ModelUnavailable(f"{error} (tried {attempt} times)") from error
                seconds = self._policy.pause(attempt, error.retry_after, self._jitter())
                self._listener(Waiting(f"{error}; the turn is tried again", round(seconds, 2)))
                await asyncio.sleep(seconds)
                attempt += 1
            except ModelRejected as error:
                self._drop(request, error)

    def _drop(self, request: TurnRequest, error: ModelRejected) -> None:
        name = None if error.status != 400 else refused_field(str(error), self._optional(request))
        if name is None:
            raise error
        self._dropped.append(name)
        self._listener(Noted(f"The service does not take the optional field {name!r}; the run goes on without it."))

    def _optional(self, request: TurnRequest) -> list[str]:
        shaped = self._shaped(request)
        names = []
        for name, value in shaped.options.items():
            names.append(name)
            if isinstance(value, dict):
                names += [f"{name}.{key}" for key in value if key != "type"]
        marks = str(shaped.system) + str(shaped.messages[-1:])
        names += ["cache_control.ttl"] if "'ttl'" in marks else []
        names += ["cache_control"] if "'cache_control'" in marks else []
        return names

    def _shaped(self, request: TurnRequest) -> TurnRequest:
        for name in self._dropped:
            request = without_field(request, name)
        return request


def refused_field(message: str, optional: Iterable[str]) -> str | None:
    """Return the most precise of the optional fields that the message names."""
    found = []
    for name in optional:
        parts = name.split(".")
        # The inner name counts alone too: services write "Unknown field: display" as often as the whole path.
        if re.search(rf"(?<![A-Za-z0-9_]){re.escape(parts[-1])}(?![A-Za-z0-9_])", message):
            found.append((len(parts), name in message, name))
    return max(found)[2] if found else None


def without_field(request: TurnRequest, name: str) -> TurnRequest:
    """Return the request without one optional field, given by its dotted name."""
    if name.startswith("cache_control"):
        keep_mark = name.endswith(".ttl")
        system = tuple(_unmarked(block, keep_mark) for block in request.system)
        messages = tuple(
            {**message, "content": [_unmarked(block, keep_mark) for block in message["content"]]} for message in request.messages
        )
        return replace(request, system=system, messages=messages)
    outer, _, inner = name.partition(".")
    options = dict(request.options)
    value = options.pop(outer, None)
    if inner and isinstance(value, dict):
        rest = {key: item for key, item in value.items() if key != inner}
        if rest:
            options[outer] = rest
    return replace(request, options=options)


def _unmarked(block: dict[str, Any], keep_mark: bool) -> dict[str, Any]:
    if "cache_control" not in block:
        return block
    if keep_mark:
        return {**block, "cache_control": {key: value for key, value in block["cache_control"].items() if key != "ttl"}}
    return {key: value for key, value in block.items() if key != "cache_control"}
