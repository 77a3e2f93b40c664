"""Time as the delivery sees it: only waits for events, each with a bound."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Source of time; tests bring their own, so that they never sleep."""

    def now(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Return True as soon as the event is set, False after so many seconds without it."""
        ...


class RealClock:
    """The monotonic clock of this machine."""

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Return whether the event was set within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        return True
