"""The person's text and some of the agent's hunks, merged three ways; the person's characters always win.

Nothing is remembered between calls: a file's state is its base, its hunks, which of them are in the buffer (`taken`), and the live text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from aigentflow.lsp.documents import shortest
from aigentflow.workspace.diff import apply_edits, edits
from aigentflow.workspace.lines import LineIndex
from aigentflow.workspace.merge import Conflict
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
    """Return the live text, in which `taken` hunks already are, changed so that exactly the wanted ones are.

    A hunk whose lines the person touched is a conflict, even where the characters could be put side by side.
    """
    typed = _Typed(base, hunks, taken, live)
    conflicts: dict[str, Conflict] = {}
    changes: list[TextEdit] = []
    for hunk in hunks:
        if (hunk.id in taken) == (hunk.id in wanted):
            continue
        if not typed.touches(hunk):
            changes.append(typed.change(hunk))
        elif (conflict := typed.conflict(hunk)).ours != conflict.theirs:
            conflicts[hunk.id] = conflict
    kept = conflicts.keys()
    return Rebased(apply_edits(live, changes), (wanted - kept) | (taken & kept), conflicts)


def forced(base: str, hunks: Sequence[Hunk], taken: frozenset[str], hunk: Hunk, live: str) -> str:
    """Return the live text with the agent's side of one hunk, also where the person typed something else."""
    typed = _Typed(base, hunks, taken, live)
    if not typed.touches(hunk):
        return apply_edits(live, [typed.change(hunk)])
    conflict = typed.conflict(hunk)
    start, end = typed.now(conflict.base_start, conflict.base_end)
    return live[:start] + conflict.theirs + live[end:]


def live_spans(base: str, hunks: Sequence[Hunk], taken: frozenset[str], live: str) -> dict[str, tuple[int, int]]:
    """Return where each hunk stands in the live text: its new text if taken, else the text it would replace."""
    typed = _Typed(base, hunks, taken, live)
    return {name: typed.now(start, end) for name, (start, end) in typed.spans.items()}


def near_edits(before: str, after: str, differ: Callable[[str, str], tuple[TextEdit, ...]] = edits) -> tuple[TextEdit, ...]:
    """Return the same as `differ`, looking only at the lines between the first and the last difference: most texts differ in one place."""
    edit = shortest(before, after)
    start = before.rfind("\n", 0, edit.start) + 1
    stop = before.find("\n", edit.end) + 1 or len(before)
    grown = len(after) - len(before)
    found = differ(before[start:stop], after[start : stop + grown])
    return tuple(TextEdit(one.start + start, one.end + start, one.new) for one in found)


class _Typed:
    """What the person typed into the base with the taken hunks in it."""

    def __init__(self, base: str, hunks: Sequence[Hunk], taken: frozenset[str], live: str) -> None:
        self._taken = taken
        self._live = live
        self._reference = with_hunks(base, hunks, taken)
        self._index = LineIndex(self._reference)
        made = near_edits(self._reference, live)
        self._moved = Moved(made)
        self._lines = [_lines(self._index, edit.start, edit.end, edit.new) for edit in made]
        self.spans = _spans(hunks, taken)

    def now(self, start: int, end: int) -> tuple[int, int]:
        """Return where a stretch is in the live text, without what was typed right before or behind it."""
        first = self._moved.start(start)
        return first, max(first, self._moved.end(end))

    def change(self, hunk: Hunk) -> TextEdit:
        """Return the edit of the live text that brings the hunk in, or takes it out."""
        start, end = self.now(*self.spans[hunk.id])
        return TextEdit(start, end, self._new(hunk))

    def touches(self, hunk: Hunk) -> bool:
        """Return whether the person typed on a line of the hunk."""
        first, last = self._lines_of(hunk)
        return any(first <= typed_last and typed_first <= last for typed_first, typed_last in self._lines)

    def conflict(self, hunk: Hunk) -> Conflict:
        """Return both sides of the hunk's lines."""
        first, last = self._lines_of(hunk)
        start, end = self.spans[hunk.id]
        begin = min(start, self._index.starts[first])
        stop = max(end, self._index.line_span(last)[1]) if last >= first else end
        lived = self.now(begin, stop)
        theirs = self._reference[begin:start] + self._new(hunk) + self._reference[end:stop]
        return Conflict(begin, stop, self._live[lived[0] : lived[1]], theirs)

    def _lines_of(self, hunk: Hunk) -> tuple[int, int]:
        return _lines(self._index, *self.spans[hunk.id], self._new(hunk))

    def _new(self, hunk: Hunk) -> str:
        return hunk.old if hunk.id in self._taken else hunk.edit.new


def _lines(index: LineIndex, start: int, end: int, new: str) -> tuple[int, int]:
    """Return first and last line that an edit touches; lines put between others touch none, so last lies before first."""
    first, column = index.position(start)
    whole_new = not new or new[-1] in "\r\n"
    if column == 0 and whole_new and index.position(end)[1] == 0:
        return first, index.line_of(end) - 1
    if start == end and start == len(index.text) and column == 0:
        return first, first - 1
    return first, index.line_of(end)


def _spans(hunks: Sequence[Hunk], taken: frozenset[str]) -> dict[str, tuple[int, int]]:
    """Return where each hunk stands in the base with the taken hunks in it."""
    spans, shift = {}, 0
    for hunk in sorted(hunks, key=lambda hunk: hunk.edit.start):
        start, replaced = hunk.edit.start + shift, hunk.edit.end - hunk.edit.start
        length = len(hunk.edit.new) if hunk.id in taken else replaced
        spans[hunk.id] = (start, start + length)
        shift += length - replaced
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

    def start_of_change(self, offset: int) -> int:
        """Return the new place of an offset; at the end of a replaced stretch, the stretch's beginning."""
        number = bisect_right(self._starts, offset)
        if number and self._made[number - 1].end >= offset:
            return self._made[number - 1].start + self._shifts[number - 1]
        return self.start(offset)

    def _place(self, offset: int, *, inside_end: bool) -> int:
        number = bisect_right(self._starts, offset)
        if number == 0:
            return offset
        edit = self._made[number - 1]
        if offset >= edit.end and not (edit.start == edit.end == offset and inside_end):
            return offset + self._shifts[number]
        begin = edit.start + self._shifts[number - 1]
        return begin + len(edit.new) if inside_end and offset > edit.start else begin
