"""What a run used, in tokens, money, turns and time, against its limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from aigentflow.runtime.catalogue import Price
from aigentflow.runtime.events import UsageChanged
from aigentflow.runtime.turns import Usage

_CHARACTERS_PER_TOKEN = 4
_SMALLEST_ANSWER = 1024
"""An answer of fewer tokens than this is of no use, so the turn is not begun."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one run; None: no bound of that kind."""

    turns: int | None = 60
    tokens: int | None = 4_000_000
    """Prompt and answer tokens of all turns together."""
    usd: float | None = 5.0
    seconds: float | None = 1800.0


def estimate(characters: int) -> int:
    """Return about how many tokens that many characters are."""
    return characters // _CHARACTERS_PER_TOKEN + 1


class Ledger:
    """Counts; asked before each turn whether there may be another."""

    def __init__(self, limits: Limits, price: Price | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.turns = 0
        self.usage = Usage()
        self.estimated = False
        """Whether some turn's count is our own estimate."""
        self._usd = 0.0
        self._price = price
        self._clock = clock
        self._started = clock()

    @property
    def usd(self) -> float | None:
        """Money used so far; None where the model's price is not known."""
        return None if self._price is None else round(self._usd, 6)

    @property
    def tokens(self) -> int:
        """Tokens used so far, cached ones included."""
        return self.usage.prompt_tokens + self.usage.output_tokens

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time limit."""
        return None if self.limits.seconds is None else self.limits.seconds - (self._clock() - self._started)

    def exceeded(self) -> str:
        """Return which limit does not allow another turn, as a sentence; empty where none does."""
        limits = self.limits
        if limits.turns is not None and self.turns >= limits.turns:
            return f"the limit of {limits.turns} turns was reached"
        if limits.tokens is not None and self.tokens >= limits.tokens:
            return f"the limit of {limits.tokens:,} tokens was reached"
        if limits.usd is not None and self._price is not None and self._usd >= limits.usd:
            return f"the limit of {limits.usd:g} USD was reached"
        if self.seconds_left is not None and self.seconds_left <= 0:
            return f"the limit of {limits.seconds:g} seconds was reached"
        return ""

    def allowance(self, wanted: int, prompt_tokens: int) -> tuple[int, str]:
        """Return how long the next answer may be, and why it may not be begun at all."""
        allowed, reason = wanted, ""
        if self.limits.tokens is not None:
            left = self.limits.tokens - self.tokens - prompt_tokens
            if left < allowed:
                allowed, reason = left, f"the next turn would pass the limit of {self.limits.tokens:,} tokens"
        if self.limits.usd is not None and self._price is not None:
            # The prompt is counted at the price of a cache read, the least it can cost: an estimate must not end a run that has money left.
            prompt_usd = prompt_tokens * self._price.cache_read / 1_000_000
            left = int((self.limits.usd - self._usd - prompt_usd) / max(self._price.output, 1e-9) * 1_000_000)
            if left < allowed:
                allowed, reason = left, f"the next turn would pass the limit of {self.limits.usd:g} USD"
        return (allowed, "") if allowed >= min(_SMALLEST_ANSWER, wanted) else (0, reason)

    def add(self, usage: Usage | None, prompt_characters: int, answer_characters: int) -> UsageChanged:
        """Book one answer, by our own estimate where the service gave no usable count."""
        if usage is None:
            self.estimated = True
            usage = Usage(estimate(prompt_characters), estimate(answer_characters))
        self.usage += usage
        if self._price is not None:
            self._usd += self._price.usd(usage)
        total = self.usage
        return UsageChanged(
            total.input_tokens, total.output_tokens, total.cache_read_input_tokens, total.cache_creation_input_tokens, self.usd
        )
