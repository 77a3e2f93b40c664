"""Time for the fake editor: virtual in process, so that tests never sleep; the event loop's over a real connection."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Protocol


class Timeline(Protocol):
    """When things happen."""

    def now(self) -> float: ...

    def after(self, seconds: float, do: Callable[[], None]) -> None: ...


class VirtualTime:
    """Runs what is due, one thing after the other, whenever somebody waits; also the clock of the delivery under test."""

    def __init__(self) -> None:
        self._now = 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self._now

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self._now + max(0.0, seconds), next(self._numbers), do))

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        deadline = self._now + seconds
        while True:
            await let_tasks_run()
            if event.is_set():
                return True
            if not self._queue or self._queue[0][0] > deadline:
                self._now = max(self._now, deadline)
                return False
            self._step()

    async def run(self, seconds: float = 30.0) -> None:
        """Let so much time pass, and everything happen that is due in it."""
        await self.wait(asyncio.Event(), seconds)

    def _step(self) -> None:
        when, _, do = heapq.heappop(self._queue)
        self._now = max(self._now, when)
        do()


class LoopTime:
    """The event loop's time, for a server in another process."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, do)


async def let_tasks_run() -> None:
    for _ in range(8):
        await asyncio.sleep(0)
