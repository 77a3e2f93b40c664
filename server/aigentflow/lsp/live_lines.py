"""Line index that follows edits instead of being built anew: a keystroke in a long file costs microseconds.

The starts of the lines behind the last edited place are kept unshifted, with the shift beside them, until an edit elsewhere needs them.
"""

from __future__ import annotations

from bisect import bisect_right

from aigentflow.workspace.lines import LineIndex


class LiveLines(LineIndex):
    """Line index of a text that changes; always equal to `LineIndex(self.text)`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = LineIndex(text).starts

    @property
    def starts(self) -> list[int]:
        """Where each line begins."""
        self._settle(len(self._raw))
        return self._raw

    @starts.setter
    def starts(self, value: list[int]) -> None:
        self._raw = value
        self._pivot = len(value)
        self._shift = 0

    @property
    def n_lines(self) -> int:
        """Number of lines; a final line end opens one more, empty line."""
        return len(self._raw)

    def line_of(self, offset: int) -> int:
        """Return the 0-based line that holds the offset; offsets beyond the text give the last line."""
        offset = max(0, offset)
        if self._pivot < len(self._raw) and offset >= self._raw[self._pivot] + self._shift:
            return bisect_right(self._raw, offset - self._shift, self._pivot) - 1
        return bisect_right(self._raw, offset, 0, self._pivot) - 1

    def position(self, offset: int) -> tuple[int, int]:
        """Return the 0-based line and code-point column of the offset, clamped to the text."""
        offset = min(max(0, offset), len(self.text))
        line = self.line_of(offset)
        return line, offset - self._start(line)

    def line_span(self, line: int) -> tuple[int, int]:
        """Return where the 0-based line begins and where its content ends, its line end left out."""
        start = self._start(line)
        stop = self._start(line + 1) if line + 1 < len(self._raw) else len(self.text)
        while stop > start and self.text[stop - 1] in "\r\n":
            stop -= 1
        return start, stop

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a 0-based line and code-point column, clamped to the line and the text."""
        if line < 0:
            return 0
        if line >= len(self._raw):
            return len(self.text)
        start, stop = self.line_span(line)
        return min(start + max(0, column), stop)

    def replace(self, start: int, end: int, new: str) -> None:
        """Replace `[start, end)` of the text and follow with the index."""
        text = self.text
        first, last = self.line_of(start), self.line_of(end)
        if start > 0 and text[start - 1] == "\r":
            # The edit may join or part a `\\r\\n`, so the line before is looked at again too.
            first = self.line_of(start - 1)
        top = self._start(first)
        bottom = self._start(last + 1) if last + 1 < len(self._raw) else len(text)
        self.text = text[:start] + new + text[end:]
        delta = len(new) - (end - start)
        found = LineIndex(self.text[top : bottom + delta]).starts
        if last + 1 < len(self._raw) and len(found) > 1:
            # The region ends with a line end, which opens the line that follows the region and is known already.
            found.pop()
        self._settle(last + 1)
        self._raw[first : last + 1] = [top + at for at in found]
        self._pivot = first + len(found)
        self._shift += delta

    def _start(self, line: int) -> int:
        return self._raw[line] + (self._shift if line >= self._pivot else 0)

    def _settle(self, pivot: int) -> None:
        """Move the border between shifted and unshifted line starts to this line."""
        raw, shift = self._raw, self._shift
        if pivot > self._pivot:
            raw[self._pivot : pivot] = [start + shift for start in raw[self._pivot : pivot]]
        elif pivot < self._pivot:
            raw[pivot : self._pivot] = [start - shift for start in raw[pivot : self._pivot]]
        self._pivot = pivot
        if pivot >= len(raw):
            self._shift = 0
