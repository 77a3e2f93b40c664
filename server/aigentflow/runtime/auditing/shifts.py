"""One file's change for the guard: its lines with comments and strings put aside, and what moved between files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

from aigentflow.runtime.auditing.evidence import Lines
from aigentflow.runtime.auditing.masking import code_of, comments_of, without_comments
from aigentflow.runtime.auditing.wording import clean
from aigentflow.runtime.result import WeakeningPart
from aigentflow.workspace.lines import split_lines
from aigentflow.workspace.proposal import FileChange

_LONGEST_LINE = 4_000
"""Characters from which a line was not written by hand and is not looked at."""


class Moves:
    """The lines that all files of a proposal lost and gained, so that what only moved to another file is no loss."""

    def __init__(self, changes: Iterable[FileChange]) -> None:
        self.files = [Lines(change) for change in changes]
        self._lost = {lines.path: Counter(text.strip() for _, text in lines.removed) for lines in self.files}
        self._gained = {lines.path: Counter(text.strip() for _, text in lines.added) for lines in self.files}

    def came_from_elsewhere(self, path: str, line: str) -> bool:
        """Whether an added line is one that another file lost."""
        return len(line.strip()) > 8 and any(line.strip() in lost for other, lost in self._lost.items() if other != path)

    def went_elsewhere(self, path: str, line: str) -> bool:
        """Whether a removed line is one that another file gained."""
        return len(line.strip()) > 8 and any(line.strip() in gained for other, gained in self._gained.items() if other != path)

    def gained_elsewhere(self, path: str) -> str:
        """Return all lines that the other files gained."""
        return "\n".join(line for other, gained in self._gained.items() if other != path for line in gained)


class Shift:
    """A change, its lines seen as code, as comments, and as text without comments; line numbers are 0-based inside."""

    def __init__(self, lines: Lines, moves: Moves) -> None:
        self.lines = lines
        self.moves = moves
        self.path = lines.path
        self.old_path = lines.change.from_path or lines.path

    @cached_property
    def code(self) -> tuple[list[str], list[str]]:
        """Lines before and after, comments and strings blanked."""
        return split_lines(code_of(self.lines.before, self.old_path)), split_lines(code_of(self.lines.after, self.path))

    @cached_property
    def comments(self) -> tuple[list[str], list[str]]:
        """Lines before and after, everything but comments blanked."""
        return split_lines(comments_of(self.lines.before, self.old_path)), split_lines(comments_of(self.lines.after, self.path))

    @cached_property
    def plain(self) -> tuple[list[str], list[str]]:
        """Lines before and after, comments blanked."""
        return split_lines(without_comments(self.lines.before, self.old_path)), split_lines(without_comments(self.lines.after, self.path))

    def surplus(self, pattern: re.Pattern[str], view: tuple[list[str], list[str]], *, in_strings: bool = True) -> Iterator[tuple[int, str]]:
        """Yield line and text of each match in the added lines that no match of the same text in the removed lines makes up for."""
        old, new = view
        lost = Counter(
            match.group() for line, raw in self.lines.removed if len(raw) < _LONGEST_LINE for match in pattern.finditer(old[line])
        )
        for line, raw in self.lines.added:
            for match in pattern.finditer(new[line]) if len(raw) < _LONGEST_LINE else ():
                if lost[match.group()]:
                    lost[match.group()] -= 1
                elif not self.moves.came_from_elsewhere(self.path, raw) and (in_strings or not self._in_string(line, match)):
                    yield line, match.group().strip()

    def _in_string(self, line: int, match: re.Match[str]) -> bool:
        """Whether a match of an added line begins inside of a string."""
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        raw = self.lines.new[line][start : start + 4]
        return self.code[1][line][start : start + 4] != raw and raw[:1] not in ("'", '"', "`")

    def stood(self, old_line: int) -> int:
        """Return the line of the after-text, counted from 1, at which a line of the text before stood."""
        shift = 0
        for old_start, old_end, new_start, new_end in self.lines.places:
            if old_line < old_start:
                break
            if old_line < old_end:
                return self.within(min(new_start + (old_line - old_start), max(new_start, new_end - 1)))
            shift = new_end - old_end
        return self.within(old_line + shift)

    def within(self, line: int) -> int:
        """Return a 0-based line as one that the after-text has, counted from 1."""
        return max(1, min(line + 1, len(self.lines.new)))

    def part(self, line: int, kind: str, message: str) -> WeakeningPart:
        """Return what was found at a line of the after-text, 0-based."""
        return WeakeningPart(path=self.path, line=self.within(line), kind=kind, message=clean(message, 240))

    def gone(self, old_line: int, kind: str, message: str) -> WeakeningPart:
        """Return what was found at a line of the text before, 0-based."""
        return WeakeningPart(path=self.path, line=self.stood(old_line), kind=kind, message=clean(message, 240))
