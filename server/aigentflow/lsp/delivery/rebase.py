"""The person's text and some of the agent's hunks, merged three ways; the person's characters always win.

Nothing is remembered between calls: a file's state is its base, its hunks, which of them are in the buffer (`taken`), and the live text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from aigentflow.workspace.diff import apply_edits, edits
from aigentflow.workspace.lines import LineIndex
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
    """Return the live text, in which `taken` hunks already are, changed so that exactly the wanted ones are.

    A hunk whose lines the person touched is a conflict, even where the characters could be put side by side.
    """
    reference = with_hunks(base, hunks, taken)
    if live == reference:
        return Rebased(with_hunks(base, hunks, wanted), wanted)
    conflicts = _on_the_same_lines(reference, live, hunks, taken, taken ^ wanted)
    wanted = (wanted - conflicts.keys()) | (taken & conflicts.keys())
    merged = merge3(reference, live, with_hunks(base, hunks, wanted))
    if not merged.conflicts:
        return Rebased(merged.text, wanted, conflicts)
    placed, target = taken, live
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


def _on_the_same_lines(
    reference: str, live: str, hunks: Sequence[Hunk], taken: frozenset[str], changing: frozenset[str]
) -> dict[str, Conflict]:
    """Return a conflict for each changing hunk that shares a line with what the person typed."""
    index = LineIndex(reference)
    typed = edits(reference, live)
    moved = Moved(typed)
    touched = [_lines(index, edit.start, edit.end, edit.new) for edit in typed]
    spans = _spans(hunks, taken)
    conflicts = {}
    for hunk in hunks:
        if hunk.id not in changing:
            continue
        start, end = spans[hunk.id]
        new = hunk.old if hunk.id in taken else hunk.edit.new
        mine = _lines(index, start, end, new)
        if any(first <= mine[1] and mine[0] <= last for first, last in touched):
            first, last = index.starts[mine[0]], index.line_span(mine[1])[1]
            ours = live[moved.start(first) : moved.end(last)]
            if reference[first:start] + new + reference[end:last] != ours:
                conflicts[hunk.id] = Conflict(first, last, ours, reference[first:start] + new + reference[end:last])
    return conflicts


def _lines(index: LineIndex, start: int, end: int, new: str) -> tuple[int, int]:
    """Return first and last line that an edit touches; lines put between others touch none, so last lies before first."""
    first, column = index.position(start)
    whole_new = not new or new[-1] in "\r\n"
    if column == 0 and whole_new and index.position(end)[1] == 0:
        return first, index.line_of(end) - 1
    if start == end and start == len(index.text) and column == 0:
        return first, first - 1
    return first, index.line_of(end)


def forced(base: str, hunks: Sequence[Hunk], taken: frozenset[str], hunk: Hunk, live: str) -> str:
    """Return the live text with the agent's side of one hunk, also where the person typed something else."""
    reference = with_hunks(base, hunks, taken)
    conflict = _on_the_same_lines(reference, live, hunks, taken, frozenset({hunk.id})).get(hunk.id)
    start, end = _spans(hunks, taken)[hunk.id]
    new = hunk.edit.new
    if conflict is not None:
        start, end, new = conflict.base_start, conflict.base_end, conflict.theirs
    moved = Moved(edits(reference, live))
    first = moved.start(start)
    return live[:first] + new + live[max(first, moved.end(end)) :]


def live_spans(base: str, hunks: Sequence[Hunk], taken: frozenset[str], live: str) -> dict[str, tuple[int, int]]:
    """Return where each hunk stands in the live text: its new text if taken, else the text it would replace."""
    moved = Moved(edits(with_hunks(base, hunks, taken), live))
    spans = {}
    for name, (start, end) in _spans(hunks, taken).items():
        first = moved.start(start)
        spans[name] = (first, max(first, moved.end(end)))
    return spans


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

    def _place(self, offset: int, *, inside_end: bool) -> int:
        number = bisect_right(self._starts, offset)
        if number == 0:
            return offset
        edit = self._made[number - 1]
        if offset >= edit.end and not (edit.start == edit.end == offset and inside_end):
            return offset + self._shifts[number]
        begin = edit.start + self._shifts[number - 1]
        return begin + len(edit.new) if inside_end and offset > edit.start else begin
