"""Task comments: `// @backend_dev: add cursor pagination` in the comment syntax of any language.

Where the language is known, strings (and Markdown's fences) are left out; elsewhere only comments that begin a line count.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from aigentflow.syntax.trees import Tree, grammar_of


@dataclass(frozen=True)
class TaskComment:
    """A task written where it belongs; offsets are code points."""

    agent: str
    task: str
    start: int
    """Where the comment begins."""
    end: int
    """Where the comment ends, its line end left out."""
    removal: tuple[int, int]
    """What to delete so that the comment is gone: whole lines where it stands alone, the blanks before it where it follows code."""


@dataclass(frozen=True)
class Line:
    """One line of a comment, without its marks."""

    start: int
    """Of the line's part of the comment, marks included."""
    at: int
    """Of the content."""
    content: str


@dataclass(frozen=True)
class Comment:
    """One comment, or one run of line comments that continue each other, as `[start, end)`."""

    start: int
    end: int
    lines: tuple[Line, ...]
    block: bool


def task_comments(text: str, path: str, agent_ids: Collection[str], tree: Tree | None = None) -> list[TaskComment]:
    """Return the tasks for the given agents, in the order of the text."""
    if not any(f"@{agent}" in text for agent in agent_ids):
        return []
    found: list[TaskComment] = []
    for comment in _joined(text, list(_comments(text, path, tree))):
        found.extend(_tasks_of(text, comment, agent_ids))
    return found


# A comment's content begins with the agent's name; the usual marks for work to do may stand before it.
_TASK = re.compile(r"\s*(?:(?:TODO|FIXME)\b[:\s]*)?@([^\W\d][\w.-]*)[ \t]*:[ \t]*(.*)", re.DOTALL)
_OTHER_START = re.compile(r"\s*(?:@[\w-]+|TODO\b|FIXME\b|eslint-|@ts-|biome-|prettier-|noqa\b|type:\s*ignore)")


def _tasks_of(text: str, comment: Comment, agent_ids: Collection[str]) -> Iterator[TaskComment]:
    lines = comment.lines
    at = 0
    while at < len(lines):
        match = _TASK.match(lines[at].content)
        if match is None or match[1] not in agent_ids:
            at += 1
            continue
        words = [match[2].strip()]
        last = at
        while last + 1 < len(lines) and lines[last + 1].content.strip() and not _OTHER_START.match(lines[last + 1].content):
            last += 1
            words.append(lines[last].content.strip())
        task = " ".join(word for word in words if word)
        if task:
            start, end, removal = _spans(text, comment, at, last)
            yield TaskComment(match[1], task, start, end, removal)
        at = last + 1


def _spans(text: str, comment: Comment, first: int, last: int) -> tuple[int, int, tuple[int, int]]:
    """Return start, end and removal of the task on these lines of the comment."""
    lines = comment.lines
    others = [line for number, line in enumerate(lines) if not first <= number <= last and line.content.strip()]
    if not others:
        return comment.start, comment.end, _removal(text, comment.start, comment.end)
    start, end = lines[first].start, lines[last].at + len(lines[last].content)
    if comment.block and (first == 0 or last == len(lines) - 1):
        # The comment's own marks share a line with the task: only the words may go.
        start = lines[first].at
        return start, end, (start, end)
    return start, end, _removal(text, start, end)


def _removal(text: str, start: int, end: int) -> tuple[int, int]:
    line_start, line_end = _line_start(text, start), _line_end(text, end)
    before, after = text[line_start:start], text[end:line_end]
    if after.strip():
        return start, end
    if not before.strip():
        return line_start, _after_line_end(text, line_end)
    return line_start + len(before.rstrip()), line_end


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _line_end(text: str, offset: int) -> int:
    ends = [at for at in (text.find("\n", offset), text.find("\r", offset)) if at >= 0]
    return min(ends) if ends else len(text)


def _after_line_end(text: str, offset: int) -> int:
    if text.startswith("\r\n", offset):
        return offset + 2
    return offset + 1 if offset < len(text) else offset


@dataclass(frozen=True)
class Syntax:
    """How a language writes comments, and the strings that hide them."""

    line: tuple[str, ...] = ()
    block: tuple[tuple[str, str], ...] = ()
    strings: tuple[str, ...] = ()
    """Opening marks; the same mark closes, a backslash escapes. Marks of one character end at the line's end."""
    at_line_start: bool = False
    """Line comments count only where nothing but blanks stands before them."""


_C = Syntax(("//",), (("/*", "*/"),), ('"""', '"', "'"))
_BLOCK_C = Syntax((), (("/*", "*/"),), ('"', "'"))
_HASH = Syntax(("#",), (), ('"""', "'''", '"', "'"))
_HTML = Syntax((), (("<!--", "-->"),), ())
_SQL = Syntax(("--",), (("/*", "*/"),), ("'", '"'))
_SEMICOLON = Syntax((";",), (), ('"',))
_UNKNOWN = Syntax(("//", "#", "--", ";", "%", "'", '"'), (("/*", "*/"), ("<!--", "-->")), (), at_line_start=True)

_LANGUAGES: tuple[tuple[str, Syntax], ...] = (
    ("c h cc cpp cxx hpp hh m mm java cs kt kts swift scala dart zig sol proto groovy gradle jsonc json5", _C),
    ("go", Syntax(("//",), (("/*", "*/"),), ("`", '"', "'"))),
    # A lone quote is a lifetime in Rust, so only double quotes hide comments there.
    ("rs", Syntax(("//",), (("/*", "*/"),), ('"',))),
    ("scss less", Syntax(("//",), (("/*", "*/"),), ('"', "'"))),
    ("css", _BLOCK_C),
    ("php", Syntax(("//", "#"), (("/*", "*/"),), ('"', "'"))),
    ("tf hcl", Syntax(("//", "#"), (("/*", "*/"),), ('"',))),
    ("py pyi rb sh bash zsh fish yml yaml toml pl r jl ex exs nix mk cmake conf", _HASH),
    ("dockerfile makefile graphql gql ps1 tcl", _HASH),
    ("xml svg md markdown mdx", _HTML),
    # Scripts and styles stand inside; elsewhere on a line `//` is part of an address.
    ("html htm vue svelte astro", Syntax(("//",), (("<!--", "-->"), ("/*", "*/")), (), at_line_start=True)),
    ("sql psql", _SQL),
    ("lua", Syntax(("--",), (("--[[", "]]"),), ('"', "'"))),
    ("hs elm purs", Syntax(("--",), (("{-", "-}"),), ('"',))),
    ("clj cljs edn lisp el scm asm ini", _SEMICOLON),
    ("tex sty bib erl hrl pro", Syntax(("%",), (), ())),
    ("vim", Syntax(('"',), (), (), at_line_start=True)),
    ("vb bas", Syntax(("'",), (), ('"',))),
)
_MARKDOWN = {"md", "markdown", "mdx"}
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)


def _suffix(path: str) -> str:
    name = path.rsplit("/", 1)[-1].lower()
    stem, dot, suffix = name.rpartition(".")
    if not dot or stem in ("dockerfile", "makefile"):
        return name if not dot else stem
    return suffix


def _comments(text: str, path: str, tree: Tree | None) -> Iterator[Comment]:
    grammar = grammar_of(path)
    if tree is not None or grammar is not None:
        tree = tree or Tree.parse(text, grammar or "typescript")
        for start, end in sorted(tree.span(node) for node in tree.captures("(comment) @comment").get("comment", [])):
            yield _comment(text, start, end, _C)
        return
    suffix = _suffix(path)
    syntax = next((syntax for suffixes, syntax in _LANGUAGES if suffix in suffixes.split()), _UNKNOWN)
    if suffix in _MARKDOWN:
        # Blanks of the same length keep the offsets.
        text = _FENCE.sub(lambda match: re.sub(r"[^\r\n]", " ", match.group()), text)
    for match in _tokens(syntax).finditer(text):
        if match.lastgroup == "comment":
            yield _comment(text, match.start("comment"), match.end("comment"), syntax)


@lru_cache(maxsize=32)
def _tokens(syntax: Syntax) -> re.Pattern[str]:
    strings = []
    for mark in syntax.strings:
        quote = re.escape(mark)
        spans_lines = len(mark) > 1 or mark == "`"
        inside = rf"(?:\\.|(?!{quote}).)*" if spans_lines else rf"(?:\\[^\r\n]|[^\\\r\n{quote}])*"
        strings.append(quote + inside + f"(?:{quote})?")
    blocks = [re.escape(opening) + r".*?(?:" + re.escape(closing) + r"|\Z)" for opening, closing in syntax.block]
    lines = [re.escape(mark) + r"[^\r\n]*" for mark in syntax.line]
    if syntax.at_line_start:
        lines = [r"(?m:^)[ \t]*" + line for line in lines]
    elif "%" in syntax.line:
        lines = [rf"(?<!\\){line}" for line in lines]
    elif "#" in syntax.line:
        # In shells, YAML and URLs a `#` inside a word is no comment.
        lines = [r"(?<![^\s;(){}\[\],])" + line if line.startswith(r"\#") else line for line in lines]
    comment = "(?P<comment>" + "|".join([*blocks, *lines]) + ")"
    return re.compile("|".join([comment, *strings]), re.DOTALL)


def _comment(text: str, start: int, end: int, syntax: Syntax) -> Comment:
    while start < end and text[start] in " \t":
        start += 1
    raw = text[start:end]
    for opening, closing in syntax.block:
        if raw.startswith(opening):
            inner_end = end - len(closing) if raw.endswith(closing) and len(raw) >= len(opening) + len(closing) else end
            return Comment(start, end, tuple(_block_lines(text, start, len(opening), inner_end)), block=True)
    mark = next((mark for mark in syntax.line if raw.startswith(mark)), "")
    at = start + len(mark)
    # `///`, `//!`, `##`, `;;;` are the same comment with more ink.
    while at < end and mark and (text[at] == mark[-1] or text[at] == "!"):
        at += 1
    return Comment(start, end, (Line(start, at, text[at:end]),), block=False)


def _block_lines(text: str, start: int, opening: int, end: int) -> Iterator[Line]:
    at = start
    for part in re.split(r"(\r\n|\n|\r)", text[start:end]):
        if part not in ("\r\n", "\n", "\r"):
            decoration = _DECORATION.match(part, opening)
            skip = decoration.end() if decoration else opening
            yield Line(at, at + skip, part[skip:])
            opening = 0
        at += len(part)


_DECORATION = re.compile(r"[ \t]*\*+(?![/\w*])[ \t]?|")


def _joined(text: str, comments: list[Comment]) -> Iterator[Comment]:
    """Put line comments that stand alone on consecutive lines, in one column, together."""
    current: Comment | None = None
    for comment in comments:
        if current is not None and _continues(text, current, comment):
            current = Comment(current.start, comment.end, (*current.lines, *comment.lines), block=False)
            continue
        if current is not None:
            yield current
        current = comment
    if current is not None:
        yield current


def _continues(text: str, current: Comment, following: Comment) -> bool:
    gap = text[current.end : following.start]
    if current.block or following.block or gap.strip() or len(re.findall(r"\r\n|\n|\r", gap)) != 1:
        return False
    last = current.lines[-1].start
    line = _line_start(text, last)
    alone = not text[line:last].strip()
    return alone and text[last] == text[following.start] and last - line == following.start - _line_start(text, following.start)
