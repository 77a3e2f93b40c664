"""How many files of a workspace the patterns of a boundary match, counted in a thread on a list of files that is kept for a while."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aigentflow.workspace.boundary import Rules

MOST_FILES = 20_000
_EXAMPLES = 5
_FRESH_SECONDS = 30.0
"""How long a list of files counts where nobody tells of changes."""
_SETTLE_SECONDS = 2.0
"""How long at least before files are listed again."""
_KEPT_ANSWERS = 20
_SLICE_SECONDS, _REST_SECONDS = 0.002, 0.001


@dataclass(frozen=True)
class Question:
    """What is asked of all files: one boundary, one by one its patterns, and what other agents may change."""

    root: Path
    agent: str
    rules: Rules
    owners: tuple[tuple[str, tuple[str, ...]], ...]
    patterns: tuple[tuple[str, bool], ...]
    """Each with whether it restricts."""


@dataclass(frozen=True)
class Matches:
    """What one pattern matches."""

    files: int = 0
    protected: int = 0
    """Of them protected by name, or secret."""
    denied: int = 0
    """Of them denied by another entry."""
    shared: tuple[tuple[str, int], ...] = ()
    """Agents whose allow lists match some of them too, and how many."""
    examples: tuple[str, ...] = ()
    problem: str = ""
    """Why it gives nothing."""


@dataclass(frozen=True)
class Census:
    """The answer to a question."""

    files: int
    cut: bool
    """Whether there are more files than were looked at."""
    changeable: int
    matches: Mapping[tuple[str, bool], Matches]


class Counting:
    """Answers from what was counted; counts anew in the background when files or the question changed."""

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, Any]], Any], counted: Callable[[], None]) -> None:
        self._spawn = spawn
        self._counted = counted
        self._lists: dict[Path, tuple[float, tuple[str, ...], bool]] = {}
        self._listing: dict[Path, asyncio.Lock] = {}
        self._stale: set[Path] = set()
        self._answers: dict[Question, tuple[float, Census]] = {}
        self._next: dict[tuple[Path, str], Question | None] = {}
        """For each boundary that is being counted the question to go on with; who types a pattern asks many."""

    def files_changed(self, roots: Iterable[Path]) -> None:
        """Files came, went or changed: what is asked next is counted anew."""
        self._stale.update(roots)

    def knows(self, root: Path, agent: str) -> bool:
        """Return whether the boundary of the agent was counted once, or is being counted."""
        return (root, agent) in self._next or any((question.root, question.agent) == (root, agent) for question in self._answers)

    def ask(self, question: Question) -> Census | None:
        """Return what was counted last for the question, None where nothing was yet; starts counting where that is old."""
        known = self._answers.get(question)
        if known is None or known[0] != self._made(question.root):
            key = (question.root, question.agent)
            if key in self._next:
                self._next[key] = question
            else:
                self._next[key] = None
                self._spawn(self._count(question))
        return None if known is None else known[1]

    def _made(self, root: Path) -> float:
        """Return when the list of files that counts now was made; 0 where a new one is due."""
        listed = self._lists.get(root)
        if listed is None:
            return 0.0
        age = monotonic() - listed[0]
        old = age > _FRESH_SECONDS or (root in self._stale and age > _SETTLE_SECONDS)
        return 0.0 if old else listed[0]

    async def _count(self, first: Question) -> None:
        """Count for a question, then for the newest that came meanwhile."""
        stop, key = threading.Event(), (first.root, first.agent)
        question: Question | None = first
        try:
            while question is not None:
                await self._answer(question, stop)
                question, self._next[key] = self._next[key], None
        finally:
            # Where this task is cancelled, the thread ends as well.
            stop.set()
            del self._next[key]

    async def _answer(self, question: Question, stop: threading.Event) -> None:
        root = question.root
        async with self._listing.setdefault(root, asyncio.Lock()):
            if not self._made(root):
                self._stale.discard(root)
                found, more = await asyncio.to_thread(_listed, root, stop)
                self._lists[root] = (monotonic(), found, more)
        made, paths, cut = self._lists[root]
        census = await asyncio.to_thread(take_census, question, paths, stop, cut=cut)
        before = self._answers.pop(question, None)
        self._answers[question] = (made, census)
        while len(self._answers) > _KEPT_ANSWERS:
            del self._answers[next(iter(self._answers))]
        if before is None or before[1] != census:
            self._counted()


def _listed(root: Path, stop: threading.Event) -> tuple[tuple[str, ...], bool]:
    from aigentflow.workspace.snapshot import Snapshot

    found: list[str] = []
    pace = _Pace(stop)
    for path in Snapshot(root).paths(limit=MOST_FILES + 1):
        found.append(path)
        if not pace.go_on():
            break
    return tuple(found[:MOST_FILES]), len(found) > MOST_FILES


def take_census(question: Question, paths: Sequence[str], stop: threading.Event | None = None, *, cut: bool = False) -> Census:
    """Count by the text of the paths: names, deny, allow, as the boundary has them; what a file is like on disk shows in a run."""
    rules = _Compiled(question.rules, question.root)
    others = [(owner, _Compiled.allowing(patterns, question.root)) for owner, patterns in question.owners]
    tallies = {key: _Tally(_Compiled.one(*key, question.root)) for key in question.patterns}
    pace, changeable = _Pace(stop), 0
    for path in paths:
        if not pace.go_on():
            break
        decided = rules.decides(path)
        changeable += not decided
        for tally in tallies.values():
            if tally.pattern.holds(path):
                tally.add(path, decided, others)
    return Census(len(paths), cut, changeable, {key: tally.matches() for key, tally in tallies.items()})


class _Compiled:
    """Rules as the boundary compiles them, asked about paths that lie in the workspace without a link."""

    def __init__(self, rules: Rules, root: Path) -> None:
        from aigentflow.workspace.rules import compile_rules

        self._compiled = compile_rules(rules, os.path.realpath(root))
        self.problem = self._compiled.problems[0] if self._compiled.problems else ""

    @classmethod
    def allowing(cls, patterns: tuple[str, ...], root: Path) -> _Compiled:
        from aigentflow.workspace.boundary import Rules

        return cls(Rules(allow=patterns), root)

    @classmethod
    def one(cls, pattern: str, restricts: bool, root: Path) -> _Compiled:
        from aigentflow.workspace.boundary import DenyRule, Rules

        return cls(Rules(deny=(DenyRule(pattern),)), root) if restricts else cls.allowing((pattern,), root)

    def holds(self, path: str) -> bool:
        """Return whether any entry, allowing or restricting, matches."""
        from aigentflow.workspace.rules import covering_entry, matching_entry

        allow, deny = self._compiled.allow, self._compiled.deny
        return (bool(allow) and matching_entry(allow, path) is not None) or (bool(deny) and covering_entry(deny, path) is not None)

    def decides(self, path: str) -> str:
        """Return what speaks against changing the path: `protected`, `deny` or `allow`; empty for nothing."""
        from aigentflow.workspace.names import folded, literal_only_name, protected_name, secret_name
        from aigentflow.workspace.rules import covering_entry, matching_entry

        parts = folded(path).split("/")
        if secret_name(parts) or protected_name(parts):
            return "protected"
        allowed = matching_entry(self._compiled.allow, path)
        if literal_only_name(parts) and not any(entry.names(path) for entry in self._compiled.allow):
            return "protected"
        if self._compiled.deny and covering_entry(self._compiled.deny, path) is not None:
            return "deny"
        return "" if allowed is not None else "allow"


class _Pace:
    """Lets other threads run often, and says when to stop."""

    def __init__(self, stop: threading.Event | None) -> None:
        self._stop = stop
        self._until = monotonic() + _SLICE_SECONDS

    def go_on(self) -> bool:
        if monotonic() > self._until:
            sleep(_REST_SECONDS)
            self._until = monotonic() + _SLICE_SECONDS
        return self._stop is None or not self._stop.is_set()


class _Tally:
    """Counts for one pattern."""

    def __init__(self, pattern: _Compiled) -> None:
        self.pattern = pattern
        self._files = self._protected = self._denied = 0
        self._shared: dict[str, int] = {}
        self._examples: list[str] = []

    def add(self, path: str, decided: str, others: Iterable[tuple[str, _Compiled]]) -> None:
        self._files += 1
        self._protected += decided == "protected"
        self._denied += decided == "deny"
        for owner, entries in others:
            if entries.holds(path):
                self._shared[owner] = self._shared.get(owner, 0) + 1
        if len(self._examples) < _EXAMPLES:
            self._examples.append(path)

    def matches(self) -> Matches:
        shared = tuple(self._shared.items())
        return Matches(self._files, self._protected, self._denied, shared, tuple(self._examples), self.pattern.problem)
