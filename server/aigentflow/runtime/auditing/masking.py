"""The code of a text without what its comments and strings say, and its comments alone; offsets and lines stay."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from aigentflow.runtime.auditing.wording import vocabulary
from aigentflow.syntax.trees import Tree, grammar_of

_LARGEST = 400_000
_DEEPEST = 400
_LONGEST_LINE = 20_000
_NESTING = re.compile(r"[(\[{)\]}]|</|/>|<(?=[A-Za-z])")
_KEPT = re.compile(r"[^\r\n]")
_C = re.compile(
    r"(?P<comment>//[^\r\n]*|/\*.*?(?:\*/|\Z))|(?P<string>\"(?:\\.|[^\"\\\r\n])*\"?|'(?:\\.|[^'\\\r\n])*'?|`(?:\\.|[^`\\])*`?)", re.DOTALL
)
_HASH = re.compile(
    r"(?P<string>\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)|\"(?:\\.|[^\"\\\r\n])*\"?|'(?:\\.|[^'\\\r\n])*'?)|(?P<comment>(?<![\w$])\#[^\r\n]*)",
    re.DOTALL,
)
_RUST = re.compile(r"(?P<comment>//[^\r\n]*|/\*.*?(?:\*/|\Z))|(?P<string>\"(?:\\.|[^\"\\])*\"?)", re.DOTALL)
_HASHED = vocabulary(
    "py pyi rb sh bash zsh yml yaml toml cfg ini ex exs mk bats feature r pl coveragerc flake8 pylintrc eslintignore properties env"
)


def code_of(text: str, path: str) -> str:
    """Return the text with comments and the insides of strings blanked."""
    comments, strings = _spans(text, path)
    return _blanked(text, [*comments, *strings])


def without_comments(text: str, path: str) -> str:
    """Return the text with comments blanked."""
    return _blanked(text, _spans(text, path)[0])


def comments_of(text: str, path: str) -> str:
    """Return the text with everything but comments blanked."""
    spans = sorted(_spans(text, path)[0])
    outside, at = [], 0
    for start, end in spans:
        outside.append((at, start))
        at = max(at, end)
    return _blanked(text, [*outside, (at, len(text))])


@lru_cache(maxsize=4)
def _spans(text: str, path: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return where the comments and where the insides of the strings are; the last few are kept, as several guards ask for them."""
    if len(text) > _LARGEST:
        return [], []
    grammar = grammar_of(path)
    if grammar is not None and not _odd(text):
        tree = Tree.parse(text, grammar)
        captured = tree.captures("(comment) @comment [(string_fragment) (regex_pattern) (jsx_text)] @string")
        return (
            [tree.span(node) for node in captured.get("comment", [])],
            [tree.span(node) for node in captured.get("string", [])],
        )
    suffix = path.rsplit(".", 1)[-1].lower()
    name = path.rsplit("/", 1)[-1].lower()
    pattern = _HASH if suffix in _HASHED or name in ("makefile", "dockerfile", "justfile") else _RUST if suffix == "rs" else _C
    comments, strings = [], []
    for match in pattern.finditer(text):
        if match.lastgroup == "comment":
            comments.append(match.span())
        else:
            strings.append((match.start() + 1, max(match.start() + 1, match.end() - 1)))
    return comments, strings


def _odd(text: str) -> bool:
    """Whether lines are so long, or brackets and tags nested so deeply, that a tree would take long."""
    if len(text) > _LONGEST_LINE and max(map(len, text.splitlines())) > _LONGEST_LINE:
        return True
    depth = 0
    for match in _NESTING.finditer(text):
        depth += -1 if match.group()[0] in ")]}" or match.group() in ("</", "/>") else 1
        if depth > _DEEPEST:
            return True
    return False


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end in sorted(spans):
        if end > at:
            pieces += (text[at : max(start, at)], _KEPT.sub(" ", text[max(start, at) : end]))
            at = end
    pieces.append(text[at:])
    return "".join(pieces)
