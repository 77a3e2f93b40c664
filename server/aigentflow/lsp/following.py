"""Where a place of an earlier text is now: through the hunks of a proposal that came or went, and through what was typed since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from aigentflow.lsp.delivery.rebase import Moved, near_edits
from aigentflow.lsp.documents import shortest
from aigentflow.workspace.lines import LineIndex
from aigentflow.workspace.proposal import Hunk


class LinesNow:
    """Where the lines of an earlier text are in the text as it is now; lines count from 0."""

    def __init__(self, then: LineIndex, now: LineIndex) -> None:
        self._then = then
        self._now = now
        self._edit = shortest(then.text, now.text)
        self._below = now.n_lines - then.n_lines

    def line(self, line: int) -> int | None:
        """Return where the line is; None where somebody changed that very line."""
        if line >= self._then.n_lines:
            return None
        start, stop = self._then.line_span(line)
        if stop <= self._edit.start:
            now = line
        elif start >= self._edit.end:
            now = line + self._below
        else:
            # In a stretch with several changes it takes a comparison to tell which of them lies above the line.
            now = self._now.line_of(self._moved.start(start))
        same = 0 <= now < self._now.n_lines and self._now.line_text(now) == self._then.text[start:stop]
        return now if same else None

    @cached_property
    def _moved(self) -> Moved:
        return Moved(near_edits(self._then.text, self._now.text))


def carried(hunks: Iterable[Hunk], was: Collection[str], now: Collection[str], offset: int) -> int:
    """Return where an offset of the base text with the hunks `was` in it lies in the base with the hunks `now` in it.

    Inside a hunk that is in only one of them it becomes the beginning of what stands in its place.
    """
    after = 0
    for start, length, hunk in _placed(hunks, was):
        if offset < start:
            break
        replaced = hunk.edit.end - hunk.edit.start
        becomes = len(hunk.edit.new) if hunk.id in now else replaced
        if offset < start + length:
            return start + after + (offset - start if (hunk.id in was) == (hunk.id in now) else 0)
        after += becomes - length
    return offset + after


def touching(hunks: Iterable[Hunk], was: Collection[str], start: int, end: int) -> frozenset[str]:
    """Return the ids of the hunks among `was` that have a part in `[start, end]` of the base with them in it."""
    found = set()
    for begin, length, hunk in _placed(hunks, was):
        overlaps = begin < end and begin + length > start if length else start <= begin <= end
        if hunk.id in was and overlaps:
            found.add(hunk.id)
    return frozenset(found)


def _placed(hunks: Iterable[Hunk], was: Collection[str]) -> Iterator[tuple[int, int, Hunk]]:
    """Yield where each hunk's text, or the text it would replace, stands in the base with the hunks `was` in it, and how long it is."""
    shift = 0
    for hunk in sorted(hunks, key=lambda hunk: hunk.edit.start):
        replaced = hunk.edit.end - hunk.edit.start
        length = len(hunk.edit.new) if hunk.id in was else replaced
        yield hunk.edit.start + shift, length, hunk
        shift += length - replaced
