"""What the units of a file came to, kept by their text, so that typing costs one unit and not the file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aigentflow.checks.checklist import Catalogue
from aigentflow.checks.findings import Draft, Evidence, Finding, Outcome
from aigentflow.checks.units import Unit

_SPARE = 256
"""So many results of units that are gone are kept, since what was typed last is often taken back."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A draft that knows no nodes; `start` and `end` count code points from where its unit begins."""

    start: int
    end: int
    anchor: str
    """The text of the place, without line breaks and doubled blanks."""
    message: str
    confidence: float
    symbol: str | None
    evidence: tuple[Evidence, ...]
    fixable: bool
    data: tuple[tuple[str, str], ...]
    milder: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What one detector made of one unit."""

    subjects: int
    placed: tuple[Placed, ...]
    undecided: tuple[str, ...]


NOTHING = Judged(0, (), ())


def judged(unit: Unit, outcome: Outcome) -> Judged:
    """Return an outcome that can be kept."""
    if not (outcome.subjects or outcome.drafts or outcome.undecided):
        return NOTHING
    begin = unit.file.tree.to_offset(unit.start_byte) if outcome.drafts else 0
    return Judged(outcome.subjects, tuple(_placed(unit, draft, begin) for draft in outcome.drafts), outcome.undecided)


def _placed(unit: Unit, draft: Draft, begin: int) -> Placed:
    tree = unit.file.tree
    start, end = tree.to_offset(draft.node.start_byte), tree.to_offset((draft.until or draft.node).end_byte)
    return Placed(
        start=start - begin,
        end=end - begin,
        anchor=" ".join(tree.text[start:end].split())[:200],
        message=draft.message,
        confidence=draft.confidence,
        symbol=draft.symbol,
        evidence=draft.evidence,
        fixable=draft.fixable,
        data=draft.data,
        milder=draft.milder,
    )


Results = tuple[Judged, ...]
"""What each of the detectors at work made of a unit."""


class Memory:
    """Results of one file's units, as long as nothing else they depend on changes."""

    def __init__(self) -> None:
        self.asked: tuple[Collection[str], Catalogue] | None = None
        """The checks that were asked for."""
        self._context: Sequence[object] = ()
        self._results: dict[object, Results] = {}
        self._used: dict[object, Results] = {}
        self._findings: dict[tuple[int, int], tuple[Placed, Finding]] = {}
        self._shown: dict[tuple[int, int], tuple[Placed, Finding]] = {}

    def begin(self, context: Sequence[object]) -> None:
        """Say what all results depend on besides the units; everything is forgotten where that is not as before."""
        if context != self._context:
            self._context = context
            self._results.clear()
        self._used = {}
        self._findings, self._shown = self._shown, {}

    def recall(self, unit: Unit) -> Results | None:
        """Return the results of a unit that was judged before."""
        key = _key(unit)
        found = self._results.get(key) if key is not None else None
        if found is not None:
            self._used[key] = found
        return found

    def keep(self, unit: Unit, results: Results) -> Results:
        """Keep the results of a unit, if they depend on its text only, and return them."""
        if (key := _key(unit)) is not None:
            self._results[key] = self._used[key] = results
        return results

    def finding(self, draft: Placed, number: int, start: int) -> Finding | None:
        """Return what became of a draft the last time, if it stood at the same place."""
        found = self._findings.get((id(draft), number))
        if found is None or found[0] is not draft or found[1].start != start:
            return None
        self._shown[id(draft), number] = found
        return found[1]

    def keep_finding(self, draft: Placed, number: int, finding: Finding) -> Finding:
        """Keep what became of a draft, `number` of those that look the same, and return it."""
        self._shown[id(draft), number] = draft, finding
        return finding

    def end(self) -> None:
        """Let go what the file has had no use for."""
        if len(self._results) > len(self._used) + _SPARE:
            self._results = self._used


def _key(unit: Unit) -> object | None:
    identity = unit.identity
    return None if identity is None else (identity, None if unit.owner is None else unit.owner.signature)
