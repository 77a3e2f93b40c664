"""The person's text and some of the agent's hunks, merged three ways; the person's characters always win.

Nothing is remembered between calls: a file's state is its base, its hunks, which of them are in the buffer (`taken`), and the live text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from aigentflow.workspace.diff import apply_edits, edits
from aigentflow.workspace.merge import Conflict, merge3
from aigentflow.workspace.proposal import Hunk, TextEdit


@dataclass(frozen=True)
class Rebased:
    """Live text with the wanted hunks in it, as far as they do not overlap what the person typed."""

    target: str
    taken: frozenset[str]
    """Ids of the hunks that are in `target`."""
    conflicts: Mapping[str, Conflict] = field(default_factory=dict)
    """By hunk id; offsets are into the base with the taken hunks in it."""


def with_hunks(base: str, hunks: Sequence[Hunk], ids: Collection[str]) -> str:
    """Return the base with only these hunks applied."""
    return apply_edits(base, [hunk.edit for hunk in hunks if hunk.id in ids])


def rebase(base: str, hunks: Sequence[Hunk], taken: frozenset[str], wanted: frozenset[str], live: str) -> Rebased:
    """Return the live text, in which `taken` hunks already are, changed so that exactly the wanted ones are."""
    reference = with_hunks(base, hunks, taken)
    merged = merge3(reference, live, with_hunks(base, hunks, wanted))
    if not merged.conflicts:
        return Rebased(merged.text, wanted)
    placed, target, conflicts = taken, live, {}
    for hunk in hunks:
        if (hunk.id in taken) == (hunk.id in wanted):
            continue
        attempt = placed ^ {hunk.id}
        merged = merge3(reference, live, with_hunks(base, hunks, attempt))
        if merged.conflicts:
            conflicts[hunk.id] = merged.conflicts[0]
        else:
            placed, target = attempt, merged.text
    return Rebased(target, placed, conflicts)


def forced(base: str, hunks: Sequence[Hunk], taken: frozenset[str], hunk: Hunk, live: str) -> str:
    """Return the live text with the agent's side of one hunk, also where the person typed something else."""
    start, end = live_spans(base, hunks, taken, live)[hunk.id]
    return live[:start] + hunk.edit.new + live[end:]


def live_spans(base: str, hunks: Sequence[Hunk], taken: frozenset[str], live: str) -> dict[str, tuple[int, int]]:
    """Return where each hunk stands in the live text: its new text if taken, else the text it would replace."""
    moved = Moved(edits(with_hunks(base, hunks, taken), live))
    spans, shift = {}, 0
    for hunk in sorted(hunks, key=lambda hunk: hunk.edit.start):
        start = hunk.edit.start + shift
        length = len(hunk.edit.new) if hunk.id in taken else hunk.edit.end - hunk.edit.start
        shift += length - (hunk.edit.end - hunk.edit.start)
        first = moved.start(start)
        spans[hunk.id] = (first, max(first, moved.end(start + length)))
    return spans


class Moved:
    """Where offsets of a text are after it was edited."""

    def __init__(self, made: Sequence[TextEdit]) -> None:
        self._made = made
        self._starts = [edit.start for edit in made]
        self._shifts = [0]
        for edit in made:
            self._shifts.append(self._shifts[-1] + len(edit.new) - (edit.end - edit.start))

    def start(self, offset: int) -> int:
        """Return the new place of an offset that begins something; inside a replaced stretch, the stretch's beginning."""
        return self._place(offset, inside_end=False)

    def end(self, offset: int) -> int:
        """Return the new place of an offset that ends something; inside a replaced stretch, the stretch's end."""
        return self._place(offset, inside_end=True)

    def _place(self, offset: int, *, inside_end: bool) -> int:
        number = bisect_right(self._starts, offset)
        if number == 0:
            return offset
        edit = self._made[number - 1]
        if offset >= edit.end and not (edit.start == edit.end == offset and inside_end):
            return offset + self._shifts[number]
        begin = edit.start + self._shifts[number - 1]
        return begin + len(edit.new) if inside_end and offset > edit.start else begin
