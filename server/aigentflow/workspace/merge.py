"""Three-way merge in which the person's text wins.

Every change of the person is in the result, wherever it was made. A change of the agent is in the result unless its span
overlaps one of the person's. Touching is not overlapping: text that both insert at one point is kept, the person's first,
because two additions take nothing from each other; the same text inserted by both is kept once. Whole lines never split what
the other wrote in a line, so they go before or behind it, and a line that one side removed is overlapped by typing at its start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .diff import apply_edits, edits, word_edits
from .proposal import TextEdit

_LINE_ENDS = ("\n", "\r")


@dataclass(frozen=True)
class Conflict:
    """A place that both changed differently: `[base_start, base_end)` in code points of the base, and what each made of it."""

    base_start: int
    base_end: int
    ours: str
    """The person's text, which stands in the result."""
    theirs: str


@dataclass(frozen=True)
class Merge:
    """The merged text and where the agent's change was left out."""

    text: str
    conflicts: tuple[Conflict, ...]


def merge3(base: str, ours: str, theirs: str) -> Merge:
    """Return the person's text (`ours`) with the agent's changes (`theirs`) that do not overlap the person's."""
    if ours in (theirs, base):
        return Merge(theirs, ())
    if theirs == base:
        return Merge(ours, ())
    merged: list[TextEdit] = []
    conflicts: list[Conflict] = []
    for mine, other in _regions(base, word_edits(base, ours), edits(base, theirs)):
        if not mine or not other:
            merged += mine or other
        elif _is_insertion(mine) and _is_insertion(other):
            merged.append(_both_inserted(base, mine[0], other[0]))
        else:
            merged += mine
            conflicts += _conflict(base, mine, other)
    return Merge(apply_edits(base, merged), tuple(conflicts))


def _regions(base: str, ours: Sequence[TextEdit], theirs: Sequence[TextEdit]) -> Iterator[tuple[list[TextEdit], list[TextEdit]]]:
    """Yield the edits in groups that overlap each other, ascending; an edit that overlaps none is a group of its own."""
    tagged = [(edit.start, edit.end, 0, edit) for edit in ours] + [(edit.start, edit.end, 1, edit) for edit in theirs]
    group: tuple[list[TextEdit], list[TextEdit]] = ([], [])
    for _, _, side, edit in sorted(tagged, key=lambda tag: tag[:3]):
        if not any(_overlap(base, edit, other) for other in group[1 - side]):
            if group[0] or group[1]:
                yield group
            group = ([], [])
        group[side].append(edit)
    if group[0] or group[1]:
        yield group


def _overlap(base: str, one: TextEdit, other: TextEdit) -> bool:
    if one.start == one.end and other.start == other.end:
        return one.start == other.start
    if one.start == one.end or other.start == other.end:
        point, span = (one, other) if one.start == one.end else (other, one)
        if point.start == span.start:
            return _is_lines(base, span.start, base[span.start : span.end]) and not _is_lines(base, point.start, point.new)
    return one.start < other.end and other.start < one.end


def _is_lines(base: str, start: int, text: str) -> bool:
    """Whether the text, which stands at `start` or is put there, is made of whole lines."""
    return text.endswith(_LINE_ENDS) and (start == 0 or base[start - 1] in _LINE_ENDS)


def _is_insertion(side: Sequence[TextEdit]) -> bool:
    return len(side) == 1 and side[0].start == side[0].end


def _both_inserted(base: str, mine: TextEdit, other: TextEdit) -> TextEdit:
    if mine.new == other.new:
        return mine
    lines_first = _is_lines(base, other.start, other.new) and not _is_lines(base, mine.start, mine.new)
    lines_last = mine.new.startswith(_LINE_ENDS) and not other.new.startswith(_LINE_ENDS)
    text = other.new + mine.new if lines_first or lines_last else mine.new + other.new
    return TextEdit(mine.start, mine.end, text)


def _conflict(base: str, mine: Sequence[TextEdit], other: Sequence[TextEdit]) -> list[Conflict]:
    """Return the conflict of one group, none where both made the same of it."""
    start = min(edit.start for edit in (*mine, *other))
    end = max(edit.end for edit in (*mine, *other))
    sides = [
        apply_edits(base[start:end], [TextEdit(edit.start - start, edit.end - start, edit.new) for edit in side]) for side in (mine, other)
    ]
    return [] if sides[0] == sides[1] else [Conflict(start, end, sides[0], sides[1])]
