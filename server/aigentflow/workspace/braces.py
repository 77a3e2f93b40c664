"""Braces of a glob: `{a,b}` stands for one pattern with `a` and one with `b`."""

from __future__ import annotations

from itertools import pairwise

MAX_PATTERN = 1_024
"""Characters of one pattern."""
MAX_ALTERNATIVES = 256
"""Patterns that one pattern's braces may stand for."""


class GlobError(ValueError):
    """A pattern that means nothing; the message says why."""


def expand_braces(pattern: str) -> list[str]:
    """Return the patterns without braces that the pattern stands for, in order, without repetition."""
    if len(pattern) > MAX_PATTERN:
        raise GlobError(f"pattern is longer than {MAX_PATTERN} characters")
    done: dict[str, None] = {}
    waiting = [pattern]
    while waiting:
        if len(done) + len(waiting) > MAX_ALTERNATIVES:
            raise GlobError(f"braces stand for more than {MAX_ALTERNATIVES} patterns")
        text = waiting.pop()
        group = _first_group(text)
        if group is None:
            done[text] = None
            continue
        start, stop, options = group
        waiting.extend(text[:start] + option + text[stop:] for option in reversed(options))
    return list(done)


def _first_group(text: str) -> tuple[int, int, list[str]] | None:
    """Return where the first brace group that has a comma begins and ends, and its options."""
    opened: list[int] = []
    commas: dict[int, list[int]] = {}
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\\":
            at += 1
        elif character == "[":
            at = class_end(text, at)
        elif character == "{":
            opened.append(at)
            commas[at] = []
        elif character == "," and opened:
            commas[opened[-1]].append(at)
        elif character == "}":
            if not opened:
                raise GlobError("'}' without '{'")
            start = opened.pop()
            if commas[start]:
                cuts = [start, *commas[start], at]
                return start, at + 1, [text[a + 1 : b] for a, b in pairwise(cuts)]
            raise GlobError("braces without a comma; write \\{ for the character itself")
        at += 1
    if opened:
        raise GlobError("'{' without '}'")
    return None


def class_end(text: str, start: int) -> int:
    """Return where the `]` of the class that begins at `start` stands."""
    at = start + 1
    if text[at : at + 1] in ("!", "^"):
        at += 1
    first = at
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "]" and at > first:
            return at
        elif text[at] == "/":
            break
        at += 1
    raise GlobError("'[' without ']'")
