"""What the person may still say while a run goes on: a boundary that became narrower, a path that is allowed, a command that may run.

Whoever started the run feeds it; the run attaches its boundary, tells the model the words that wait, and asks about commands. Everything
happens on the loop of the run, so nothing is locked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from aigentflow.workspace.boundary import Boundary, Rules

CatchUp = Callable[[], Awaitable[None]]
"""Returns when whoever started the run has said all that holds by now."""
Approve = Callable[[str], Awaitable[bool]]
"""Returns whether the person allowed exactly this command to run unprotected."""


class Steering:
    """The steering of one run."""

    def __init__(self, approve: Approve | None = None, catch_up: CatchUp | None = None) -> None:
        self._approve = approve
        self._catch_up = catch_up
        self._boundary: Boundary | None = None
        self._steered: tuple[Rules, tuple[str, ...]] | None = None
        self._words: list[str] = []

    def attach(self, boundary: Boundary) -> None:
        """Take the boundary that overlay and tools ask; what was said before holds from the first call on."""
        self._boundary = boundary
        if self._steered is not None:
            boundary.steer(*self._steered)

    def steer(self, rules: Rules, granted: Sequence[str] = ()) -> None:
        """Hold from the next tool call on what the rules say as well, and open exactly the granted paths."""
        self._steered = (rules, tuple(granted))
        if self._boundary is not None:
            self._boundary.steer(*self._steered)

    async def catch_up(self) -> None:
        """Hear what changed while the model answered; to be awaited before its calls are run."""
        if self._catch_up is not None:
            await self._catch_up()

    def say(self, words: str) -> None:
        """Tell the model before its next turn."""
        self._words.append(words)

    def take_words(self) -> str:
        """Return what the model has to be told now, empty where there is nothing; it is told once."""
        words, self._words = self._words, []
        return "\n".join(words)

    async def approve(self, command: str) -> bool:
        """Return whether the person allowed the command to run unprotected; not where nobody can be asked."""
        return self._approve is not None and await self._approve(command)
