"""Lines of a text as LSP counts them: `\\r\\n`, `\\n` and `\\r` end a line and nothing else does (LSP 3.17, Text Documents).

Offsets are code points into the text; lines and columns are 0-based here.
"""

from __future__ import annotations

import re
from bisect import bisect_right

_LINE_END = re.compile(r"\r\n|\n|\r")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")


def split_lines(text: str) -> list[str]:
    """Return the lines of the text, each with its line end; joined they give the text."""
    return _LINE.findall(text)


def line_end_of(text: str) -> str:
    """Return the line end that is used most in the text; `\\n` where there is none."""
    counts = {"\r\n": 0, "\n": 0, "\r": 0}
    for match in _LINE_END.finditer(text):
        counts[match.group()] += 1
    if not any(counts.values()):
        return "\n"
    return max(counts, key=lambda end: counts[end])


class LineIndex:
    """Where each line of one text begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        if "\r" in text:
            self.starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        else:
            self.starts = [0]
            self._scan_newlines(text)

    def _scan_newlines(self, text: str) -> None:
        at = text.find("\n")
        while at >= 0:
            self.starts.append(at + 1)
            at = text.find("\n", at + 1)

    @property
    def n_lines(self) -> int:
        """Number of lines; a final line end opens one more, empty line."""
        return len(self.starts)

    def line_of(self, offset: int) -> int:
        """Return the 0-based line that holds the offset; offsets beyond the text give the last line."""
        return bisect_right(self.starts, max(0, offset)) - 1

    def position(self, offset: int) -> tuple[int, int]:
        """Return the 0-based line and code-point column of the offset, clamped to the text."""
        offset = min(max(0, offset), len(self.text))
        line = self.line_of(offset)
        return line, offset - self.starts[line]

    def line_span(self, line: int) -> tuple[int, int]:
        """Return where the 0-based line begins and where its content ends, its line end left out."""
        start = self.starts[line]
        stop = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)
        while stop > start and self.text[stop - 1] in "\r\n":
            stop -= 1
        return start, stop

    def line_text(self, line: int) -> str:
        """Return the 0-based line without its line end."""
        start, stop = self.line_span(line)
        return self.text[start:stop]

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a 0-based line and code-point column, clamped to the line and the text."""
        if line < 0:
            return 0
        if line >= len(self.starts):
            return len(self.text)
        start, stop = self.line_span(line)
        return min(start + max(0, column), stop)
