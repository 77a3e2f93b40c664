"""Task comments: `// @backend_dev: add cursor pagination` in the comment syntax of any language.

Where the language is known, strings (and Markdown's fences) are left out; elsewhere only comments that begin a line count.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from aigentflow.syntax.trees import Tree, grammar_of
from aigentflow.workspace.lines import LineIndex


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
    index = LineIndex(text)
    for comment in _joined(index, _comments(text, path, tree)):
        found.extend(_tasks_of(index, comment, agent_ids))
    return found


# A comment's content begins with the agent's name; the usual marks for work to do may stand before it.
_TASK = re.compile(r"\s*(?:(?:TODO|FIXME)\b[:\s]*)?@([^\W\d][\w.-]*)[ \t]*:[ \t]*(.*)", re.DOTALL)
_OTHER_START = re.compile(r"\s*(?:@[\w-]+|TODO\b|FIXME\b|eslint-|@ts-|biome-|prettier-|noqa\b|type:\s*ignore)")


def _tasks_of(index: LineIndex, comment: Comment, agent_ids: Collection[str]) -> Iterator[TaskComment]:
    lines = comment.lines
    n_written = sum(bool(line.content.strip()) for line in lines)
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
            alone = n_written == sum(bool(line.content.strip()) for line in lines[at : last + 1])
            start, end, removal = _spans(index, comment, at, last, alone=alone)
            yield TaskComment(match[1], task, start, end, removal)
        at = last + 1


def _spans(index: LineIndex, comment: Comment, first: int, last: int, *, alone: bool) -> tuple[int, int, tuple[int, int]]:
    """Return start, end and removal of the task on these lines of the comment; alone: the others are blank."""
    lines = comment.lines
    if alone:
        return comment.start, comment.end, _removal(index, comment.start, comment.end)
    start, end = lines[first].start, lines[last].at + len(lines[last].content)
    if comment.block and (first == 0 or last == len(lines) - 1):
        # The comment's own marks share a line with the task: only the words may go.
        start = lines[first].at
        return start, end, (start, end)
    return start, end, _removal(index, start, end)


def _removal(index: LineIndex, start: int, end: int) -> tuple[int, int]:
    last = index.line_of(end)
    line_start, line_end = index.starts[index.line_of(start)], index.line_span(last)[1]
    before, after = index.text[line_start:start], index.text[end:line_end]
    if after.strip():
        return start, end
    if not before.strip():
        return line_start, index.starts[last + 1] if last + 1 < index.n_lines else len(index.text)
    return line_start + len(before.rstrip()), line_end


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


def syntax_of(path: str) -> Syntax | None:
    """Return how the language of a file writes comments, None where it is not known to have any."""
    if grammar_of(path) is not None:
        return _C
    suffix = _suffix(path)
    return next((syntax for suffixes, syntax in _LANGUAGES if suffix in suffixes.split()), None)


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


def _joined(index: LineIndex, comments: Iterable[Comment]) -> Iterator[Comment]:
    """Put line comments that stand alone on consecutive lines, in one column, together."""
    run: list[Comment] = []
    for comment in comments:
        if run and not _continues(index, run[-1], comment):
            yield _together(run)
            run = []
        run.append(comment)
    if run:
        yield _together(run)


def _together(run: list[Comment]) -> Comment:
    if len(run) == 1:
        return run[0]
    return Comment(run[0].start, run[-1].end, tuple(line for comment in run for line in comment.lines), block=False)


def _continues(index: LineIndex, current: Comment, following: Comment) -> bool:
    text = index.text
    if current.block or following.block or text[current.end : following.start].strip():
        return False
    last = current.lines[-1].start
    line, next_line = index.line_of(last), index.line_of(following.start)
    if next_line != line + 1 or text[last] != text[following.start]:
        return False
    column = last - index.starts[line]
    return column == following.start - index.starts[next_line] and not text[index.starts[line] : last].strip()
