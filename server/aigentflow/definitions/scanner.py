"""Sorts the lines of a Markdown text into blocks, then looks for code spans and comments inside of them. Linear time."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from aigentflow.definitions.markdown import Fence, ListItem, Markdown
from aigentflow.definitions.values import Section, Span
from aigentflow.workspace.lines import LineIndex

_QUOTE = re.compile(r"[ \t]*(?:>[ \t]*)*")
_FENCE = re.compile(r"(`{3,}(?=[^`]*\Z)|~{3,})(.*)\Z", re.DOTALL)
_ITEM = re.compile(r"([-*+]|\d{1,9}[.)])(?:[ \t]+|\Z)")
_TASK = re.compile(r"\[([ xX])\](?:[ \t]+|\Z)")
_RULE = re.compile(r" {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}\Z")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*\Z")
_INLINE = re.compile(r"\\[\\`<$@]|`+|<!--")


def scan(text: str, body: Span) -> Markdown:
    """Return the structure of the Markdown in `body`."""
    scanner = _Blocks(text, body)
    scanner.run()
    markdown = scanner.found
    for block in markdown.prose:
        _scan_inline(markdown, block)
    markdown.code.sort(key=lambda span: span.start)
    markdown.comments.sort(key=lambda span: span.start)
    markdown.inert.sort(key=lambda span: span.start)
    markdown.sections = _sections(scanner.headings, body.end)
    markdown.chains = _chains(markdown.sections)
    return markdown


@dataclass(frozen=True)
class _Heading:
    level: int
    title: str
    line: Span
    after: int


class _Blocks:
    """Goes over the lines once and sorts them into blocks."""

    def __init__(self, text: str, body: Span) -> None:
        self.found = Markdown(text, body, LineIndex(text))
        self.headings: list[_Heading] = []
        self._text = text
        self._block: Span | None = None
        self._item: ListItem | None = None
        self._fence: tuple[str, str, int, int, bool] | None = None  # marker, info, start, start of the content, in a quote
        self._comment: int | None = None
        self._after_blank = True
        self._in_list = False

    def run(self) -> None:
        body, index = self.found.body, self.found.index
        for line in range(index.line_of(body.start), index.n_lines):
            start, stop = index.line_span(line)
            start, stop = max(start, body.start), min(stop, body.end)
            if start > body.end:
                break
            self._take(line, start, stop)
        self._end_block()
        if self._fence is not None:
            self._close_fence(body.end, body.end)
        if self._comment is not None:
            self._close_comment(body.end)

    def _take(self, line: int, start: int, stop: int) -> None:
        if self._fence is not None and self._inside_fence(start, stop):
            return
        if self._comment is not None:
            if (end := self._text.find("-->", start, stop)) >= 0:
                self._close_comment(end + 3)
            return
        content = self._text[start:stop]
        if not content.strip():
            self._end_block()
            self._after_blank = True
            return
        self._line(line, start, stop, content)
        self._after_blank = False

    def _line(self, line: int, start: int, stop: int, content: str) -> None:
        quote = _QUOTE.match(content)
        at = start + (quote.end() if quote else 0)
        width = len(content[: at - start].expandtabs(4))
        rest = self._text[at:stop]
        quoted = ">" in content[: at - start]
        if self._is_indented_code(width, quoted=quoted):
            self._end_block()
            self.found.inert.append(Span(start, stop))
        elif self._opens_fence(rest, at, stop, quoted=quoted) or self._is_heading(at, start, stop, width=width, quoted=quoted):
            return
        elif _RULE.match(content):
            self._end_block()
            self._in_list = False
            self.found.rules.append(Span(start, stop))
        elif rest.startswith("<!--") and self._text.find("-->", at, stop) < 0:
            self._end_block()
            self._comment = at
        elif (marker := _ITEM.match(rest)) is not None:
            self._open_item(line, width, at + marker.end(), stop)
        else:
            self._continue(width, start, stop)

    def _is_heading(self, at: int, start: int, stop: int, *, width: int, quoted: bool) -> bool:
        """Return whether the line is a heading, or makes one of the lines above; it is added then."""
        if quoted:
            return False
        if self._text.startswith("#", at) and width < 4 and self._heading(at, stop):
            return True
        return self._block is not None and self._item is None and self._setext(start, stop)

    def _is_indented_code(self, width: int, *, quoted: bool) -> bool:
        return width >= 4 and not quoted and not self._in_list and self._block is None

    def _inside_fence(self, start: int, stop: int) -> bool:
        """Return whether the line still belongs to the open fence."""
        assert self._fence is not None
        marker, *_, quoted = self._fence
        content = self._text[start:stop]
        if quoted and ">" not in content[: len(content) - len(content.lstrip(" \t>"))]:
            self._close_fence(start, start)
            return False
        stripped = content.lstrip(" \t>" if quoted else " \t").rstrip()
        if len(stripped) >= len(marker) and stripped.strip(marker[0]) == "":
            self._close_fence(start, stop)
        return True

    def _opens_fence(self, rest: str, at: int, stop: int, *, quoted: bool) -> bool:
        match = _FENCE.match(rest)
        if match is None:
            return False
        self._end_block()
        content = self.found.index.offset(self.found.index.line_of(at) + 1, 0)
        words = match.group(2).split()
        self._fence = (match.group(1), words[0] if words else "", at, min(max(content, stop), self.found.body.end), quoted)
        return True

    def _close_fence(self, content_end: int, end: int) -> None:
        assert self._fence is not None
        _, info, start, content, _ = self._fence
        self._fence = None
        self.found.fences.append(Fence(info, Span(content, max(content, content_end)), Span(start, end)))
        self.found.inert.append(Span(start, end))

    def _close_comment(self, end: int) -> None:
        assert self._comment is not None
        span = Span(self._comment, end)
        self._comment = None
        self.found.comments.append(span)
        self.found.inert.append(span)

    def _heading(self, at: int, stop: int) -> bool:
        content = self._text[at:stop]
        level = len(content) - len(content.lstrip("#"))
        title = content[level:]
        if level > 6 or (title and title[0] not in " \t"):
            return False
        self._end_block()
        self._in_list = False
        bare = title.rstrip().rstrip("#")
        title = bare if not bare or bare[-1] in " \t" else title
        self._add_heading(level, title.strip(), Span(at, stop))
        self.found.prose.append(Span(at, stop))
        return True

    def _setext(self, start: int, stop: int) -> bool:
        match = _UNDERLINE.match(self._text[start:stop])
        if match is None or self._block is None or "|" in self._text[self._block.start : self._block.end]:
            return False
        block = self._block
        self._end_block()
        title = " ".join(self._text[block.start : block.end].split())
        self._add_heading(1 if match.group(1)[0] == "=" else 2, title, Span(block.start, stop))
        return True

    def _add_heading(self, level: int, title: str, span: Span) -> None:
        after = self.found.index.offset(self.found.index.line_of(span.end) + 1, 0)
        self.headings.append(_Heading(level, title, span, min(max(after, span.end), self.found.body.end)))

    def _open_item(self, line: int, width: int, at: int, stop: int) -> None:
        self._end_block()
        self._in_list = True
        box = _TASK.match(self._text, at, stop)
        start = box.end() if box else at
        self._item = ListItem(width, Span(start, stop), box is not None, line)
        self._block = Span(start, stop)
        if self._opens_fence(self._text[start:stop], start, stop, quoted=False):
            self._item = None

    def _continue(self, width: int, start: int, stop: int) -> None:
        if self._item is not None and width <= self._item.indent:
            self._end_block()
        if width == 0 and self._after_blank:
            self._in_list = False
        if self._block is None:
            self._block = Span(start, stop)
            return
        self._block = Span(self._block.start, stop)
        if self._item is not None:
            self._item = ListItem(self._item.indent, Span(self._item.text.start, stop), self._item.is_task, self._item.line)

    def _end_block(self) -> None:
        if self._block is not None:
            self.found.prose.append(self._block)
        if self._item is not None:
            self.found.items.append(self._item)
        self._block = None
        self._item = None


def _scan_inline(markdown: Markdown, block: Span) -> None:
    """Add the code spans and comments of one block."""
    tokens = [match for match in _INLINE.finditer(markdown.text, block.start, block.end) if match.group()[0] != "\\"]
    ticks: dict[int, list[int]] = {}
    for token in tokens:
        if token.group()[0] == "`":
            ticks.setdefault(len(token.group()), []).append(token.start())
    last_end = markdown.text.rfind("-->", block.start, block.end)
    at = block.start
    for token in tokens:
        if token.start() < at:
            continue
        if token.group() == "<!--":
            end = markdown.text.find("-->", token.end(), block.end) if last_end >= token.end() else -1
            if end >= 0:
                at = end + 3
                markdown.comments.append(Span(token.start(), at))
                markdown.inert.append(Span(token.start(), at))
            continue
        length = len(token.group())
        same = ticks[length]
        closing = bisect_right(same, token.start())
        if closing < len(same):
            at = same[closing] + length
            markdown.code.append(Span(token.end(), same[closing]))
            markdown.inert.append(Span(token.start(), at))


def _chains(sections: tuple[Section, ...]) -> tuple[tuple[str, ...], ...]:
    chains: list[tuple[str, ...]] = []
    above: list[Section] = []
    for section in sections:
        while above and above[-1].level >= section.level:
            above.pop()
        above.append(section)
        chains.append(tuple(outer.title for outer in above))
    return tuple(chains)


def _sections(headings: list[_Heading], end: int) -> tuple[Section, ...]:
    ends: list[int] = [end] * len(headings)
    waiting: list[int] = []
    for n, heading in enumerate(headings):
        while waiting and headings[waiting[-1]].level >= heading.level:
            ends[waiting.pop()] = heading.line.start
        waiting.append(n)
    return tuple(
        Section(heading.title, heading.level, heading.line, Span(heading.after, max(heading.after, stop)))
        for heading, stop in zip(headings, ends, strict=True)
    )
