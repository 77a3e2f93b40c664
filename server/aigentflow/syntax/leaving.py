"""Leaves a task comment at the top of a file, below what has to stay first: shebang, licence, directives, front matter.

A comment that would not be read back as the very task it was written for is not written.
"""

from __future__ import annotations

import re
import unicodedata

from aigentflow.syntax.comments import Syntax, syntax_of, task_comments
from aigentflow.workspace.proposal import TextEdit

_LONGEST = 400
"""Characters of the words of one comment."""

# What ends a comment, and what editors and languages obey in the first lines of a file even inside of one.
_ENDS_BLOCK = re.compile(r"\*/|/\*|--+>?|<!|-\}|\{-|\]\]")
_ENDS_CODE = re.compile(r"\?>|%>|</script", re.IGNORECASE)
_OBEYED = re.compile(r"(coding|\b(?:vi|vim|ex))\s*[:=]", re.IGNORECASE)
_EMACS = re.compile(r"-\*-")

_BLANKS = re.compile(r"\s*")
_LINE_END = re.compile(r"\r\n|\n|\r")
_STAYS_FIRST = re.compile(
    r"licen[cs]e|copyright|\(c\)\s|©|spdx|coding[:=]|go:build|\+build|syntax\s*=|escape\s*=|check\s*=|frozen_string_literal|-\*-"
    r"|\bvim?:|@(?:jest|vitest|flow|format|jsx|ts-|generated|license|preserve|file)|eslint-|prettier|biome-|<reference\b",
    re.IGNORECASE,
)
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?:.*\r?\n)*?(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)")
_PROLOGUES = {
    "xml svg": re.compile(r"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!DOCTYPE[^>]*>)?", re.IGNORECASE),
    "html htm": re.compile(r"\s*(?:<!DOCTYPE[^>]*>)?", re.IGNORECASE),
    "css scss less": re.compile(r"(?:@charset[^;]*;)?", re.IGNORECASE),
    "php": re.compile(r"\s*<\?php\b(?![^\r\n]*\?>)", re.IGNORECASE),
}
_BEGINS_WITH_FRONT_MATTER = ("md", "markdown", "astro")
_NO_PLAIN_COMMENTS = ("mdx",)
"""Here the comments of the language around would not be comments."""


def task_comment(text: str, path: str, agent: str, words: str) -> TextEdit | None:
    """Return the edit that writes `@agent: words` at the top of the file; None where no comment can stand there."""
    syntax = syntax_of(path)
    suffix = path.rpartition(".")[2].lower()
    if syntax is None or suffix in _NO_PLAIN_COMMENTS:
        return None
    said, at = _said(syntax, words), _place(text, syntax, suffix)
    if not said or at is None:
        return None
    written = _written(syntax, f"@{agent}: {said}" if agent else f"TODO: {said}")
    end = "\r\n" if "\r\n" in text else "\n"
    before = "" if at == 0 or text[at - 1] in "\r\n\ufeff" else end
    for blank_before, blank_after in (("", ""), ("", end), (end, end)):
        edit = TextEdit(at, at, f"{before}{blank_before}{written}{end}{blank_after}")
        if not agent or _is_read_back(text, path, edit, agent, said):
            return edit
    return None


def stands_in(text: str, path: str, agent: str, words: str) -> bool:
    """Return whether the file has this task comment already."""
    syntax = syntax_of(path)
    said = _said(syntax, words) if syntax is not None else ""
    if agent and said:
        return any(comment.task == said for comment in task_comments(text, path, [agent]))
    return bool(said) and f"TODO: {said}" in text


def _said(syntax: Syntax, words: str) -> str:
    """Return the words on one line, with nothing that ends a comment or that an editor obeys."""
    visible = "".join(character if _is_visible(character) else " " for character in words)
    closed = visible if _as_line(syntax) else _ENDS_BLOCK.sub(" ", visible)
    harmless = _OBEYED.sub(r"\1 ", _EMACS.sub(" ", _ENDS_CODE.sub(" ", closed)))
    flat = " ".join(harmless.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1].rstrip() + "…"


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _as_line(syntax: Syntax) -> bool:
    """Return whether the comment ends with its line."""
    return not syntax.block or (bool(syntax.line) and not syntax.at_line_start)


def _written(syntax: Syntax, content: str) -> str:
    if _as_line(syntax):
        return f"{syntax.line[0]} {content}"
    opening, closing = syntax.block[0]
    return f"{opening} {content} {closing}"


def _is_read_back(text: str, path: str, edit: TextEdit, agent: str, said: str) -> bool:
    after = text[: edit.start] + edit.new + text[edit.end :]
    return any(comment.task == said for comment in task_comments(after, path, [agent]))


def _place(text: str, syntax: Syntax, suffix: str) -> int | None:
    """Return the offset of the line where the comment is to stand; None: the file has no such place."""
    at = 1 if text.startswith("\ufeff") else 0
    if text.startswith("#!", at):
        at = _next_line(text, at)
    if suffix in _BEGINS_WITH_FRONT_MATTER and (front := _FRONT_MATTER.match(text, at)):
        at = front.end()
    for suffixes, prologue in _PROLOGUES.items():
        if suffix in suffixes.split():
            found = prologue.match(text, at)
            if found is None:
                return None
            at = _next_line(text, found.end()) if found.end() > at else at
    while (after := _after_comment(text, at, syntax)) is not None:
        at = after
    return at


def _after_comment(text: str, at: int, syntax: Syntax) -> int | None:
    """Return where the line after the comment at this place begins; None: there is none, or it need not stay first."""
    blanks = _BLANKS.match(text, at)
    start = at if blanks is None else blanks.end()
    end = _end_of_block(text, start, syntax) or _end_of_lines(text, start, syntax)
    return end if end > start and _STAYS_FIRST.search(text, start, end) else None


def _end_of_block(text: str, start: int, syntax: Syntax) -> int:
    for opening, closing in syntax.block:
        if text.startswith(opening, start):
            stop = text.find(closing, start + len(opening))
            return len(text) if stop < 0 else _next_line(text, stop + len(closing))
    return 0


def _end_of_lines(text: str, start: int, syntax: Syntax) -> int:
    end = start
    while end < len(text) and any(text.startswith(mark, end) for mark in syntax.line):
        end = _next_line(text, end)
    return end


def _next_line(text: str, at: int) -> int:
    found = _LINE_END.search(text, at)
    return len(text) if found is None else found.end()
