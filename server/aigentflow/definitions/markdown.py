"""The little of Markdown that agent files need, with offsets: headings, fences, list items, code spans and comments.

Written by hand (see `scanner`) because the parsers of this language give lines, not offsets, for what stands inside a paragraph.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from aigentflow.definitions.values import Section, Span
from aigentflow.workspace.lines import LineIndex


@dataclass(frozen=True)
class Fence:
    """A fenced code block; `info` is the word behind the opening fence."""

    info: str
    content: Span
    whole: Span


@dataclass(frozen=True)
class ListItem:
    """One list item: `text` runs over its indented continuation lines, marker and box left out."""

    indent: int
    text: Span
    is_task: bool
    line: int


@dataclass
class Markdown:
    """What was found in one text, in order."""

    text: str
    body: Span
    index: LineIndex
    sections: tuple[Section, ...] = ()
    chains: tuple[tuple[str, ...], ...] = ()
    """For each section the titles of the sections around it, outermost first, and its own."""
    fences: list[Fence] = field(default_factory=list)
    items: list[ListItem] = field(default_factory=list)
    rules: list[Span] = field(default_factory=list)
    """Thematic breaks (`---`), whole lines."""
    code: list[Span] = field(default_factory=list)
    """Code spans, backticks left out."""
    comments: list[Span] = field(default_factory=list)
    prose: list[Span] = field(default_factory=list)
    """Blocks of text lines: paragraphs, items, headings, table rows."""
    inert: list[Span] = field(default_factory=list)
    """Where nothing is expanded: fences, indented code, code spans and comments, ascending."""

    def is_inert(self, offset: int) -> bool:
        """Whether the offset lies in code or in a comment."""
        at = bisect_right(self.inert, offset, key=lambda span: span.start) - 1
        return at >= 0 and offset < self.inert[at].end

    def finditer(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Yield the matches in the body that do not begin in code or in a comment."""
        return (match for match in pattern.finditer(self.text, self.body.start, self.body.end) if not self.is_inert(match.start()))

    def headings_above(self, offset: int) -> tuple[str, ...]:
        """Return the titles of the sections that hold the offset, outermost first."""
        at = bisect_right(self.sections, offset, key=lambda section: section.heading.start) - 1
        return self.chains[at] if at >= 0 else ()

    def code_in(self, outer: Span) -> list[Span]:
        """Return the code spans that begin inside `outer`."""
        first = bisect_left(self.code, outer.start, key=lambda span: span.start)
        return self.code[first : bisect_left(self.code, outer.end, key=lambda span: span.start)]

    def items_in(self, outer: Span) -> list[ListItem]:
        """Return the list items that begin inside `outer`."""
        first = bisect_left(self.items, outer.start, key=lambda item: item.text.start)
        return self.items[first : bisect_left(self.items, outer.end, key=lambda item: item.text.start)]

    def list_after(self, offset: int) -> Iterator[ListItem]:
        """Yield the items that follow the offset, up to the first text that is no list item."""
        item = bisect_left(self.items, offset, key=lambda item: item.text.start)
        block = bisect_left(self.prose, offset, key=lambda block: block.start)
        while item < len(self.items) and block < len(self.prose) and self.items[item].text.start == self.prose[block].start:
            yield self.items[item]
            item, block = item + 1, block + 1
