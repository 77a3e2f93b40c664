"""Globs over workspace-relative paths, matched in time linear in the path: no backtracking anywhere.

`*` and `?` stay inside a component, `**` as a whole component spans any number of them, `[x]`, `[!x]`, `{a,b}`; `\\` makes the
next special character literal. A pattern without a slash matches at any depth, `dir/` means the contents of `dir`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from .braces import GlobError, class_end, expand_braces

__all__ = ["Glob", "GlobError", "expand_braces", "is_literal", "name_test"]

_SPECIAL = frozenset("*?[]{}!,\\")

ComponentTest = Callable[[str], bool]
Step = str | ComponentTest | None
"""A literal component, a test of one component, or None for `**`."""


class Glob:
    """One compiled pattern."""

    def __init__(self, pattern: str, *, fold_case: bool = False, anywhere: bool = True) -> None:
        self.pattern = pattern
        self.fold_case = fold_case
        text = _normalised(pattern, fold_case=fold_case)
        self._alternatives = tuple(_Alternative(_compile(part, anywhere=anywhere)) for part in expand_braces(text))

    def __repr__(self) -> str:
        return f"Glob({self.pattern!r})"

    def matches(self, path: str) -> bool:
        """Whether the pattern matches the whole path."""
        return self.matches_parts(_normalised(path, fold_case=self.fold_case).split("/"))

    def covers(self, path: str) -> bool:
        """Whether the pattern matches the path or a folder above it."""
        return self.covers_parts(_normalised(path, fold_case=self.fold_case).split("/"))

    def matches_parts(self, parts: list[str]) -> bool:
        """As `matches`, for components that are normalised (and folded) already."""
        return any(alternative.accepts(parts, whole=True) for alternative in self._alternatives)

    def covers_parts(self, parts: list[str]) -> bool:
        """As `covers`, for components that are normalised (and folded) already."""
        return any(alternative.accepts(parts, whole=False) for alternative in self._alternatives)


class _Alternative:
    """One pattern without braces; its literal beginning is compared before anything is tried."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        literal: list[str] = []
        for step in steps:
            if not isinstance(step, str):
                break
            literal.append(step)
        self._beginning = literal
        self._rest = steps[len(literal) :]
        self._name: str | ComponentTest | None = None
        """What one component has to be, where the pattern is `**/name` or `**/name/**`."""
        if not literal and len(steps) in (2, 3) and steps[0] is None and steps[2:] in ((), (None,)):
            self._name = steps[1]

    def accepts(self, parts: list[str], *, whole: bool) -> bool:
        """Whether the pattern matches all components, or, with `whole` false, some of the leading ones."""
        if self._name is not None:
            return self._accepts_name(parts, whole=whole)
        count = len(self._beginning)
        if count and parts[:count] != self._beginning:
            return False
        if self._rest == (None,):
            return len(parts) > count
        if not self._rest:
            return len(parts) == count or not whole
        return _accepted(self._rest, parts[count:] if count else parts, whole=whole)

    def _accepts_name(self, parts: list[str], *, whole: bool) -> bool:
        last_only = whole and len(self._rest) == 2
        candidates = parts[-1:] if last_only else parts if len(self._rest) == 2 else parts[:-1]
        name = self._name
        if isinstance(name, str):
            return name in candidates
        return name is not None and any(map(name, candidates))


def name_test(pattern: str) -> str | ComponentTest:
    """Return a test of one name for a pattern without a slash: the name itself where only that one matches."""
    return _component(_normalised(pattern, fold_case=False))


def is_literal(pattern: str) -> bool:
    """Whether the pattern names exactly one path and holds no special character."""
    return not any(character in "*?[]{}\\" for character in pattern)


def _normalised(text: str, *, fold_case: bool) -> str:
    text = text if text.isascii() else unicodedata.normalize("NFC", text)
    return text.casefold() if fold_case else text


def _compile(pattern: str, *, anywhere: bool) -> tuple[Step, ...]:
    if not pattern.strip():
        raise GlobError("empty pattern")
    if pattern.startswith("/"):
        raise GlobError("absolute pattern; patterns begin at the workspace folder")
    contents = pattern.endswith("/")
    parts = _split_components(pattern[:-1] if contents else pattern)
    if contents:
        parts.append("**")
    elif "/" not in pattern and anywhere:
        parts.insert(0, "**")
    steps: list[Step] = []
    for part in parts:
        if part == "**" and steps and steps[-1] is None:
            continue
        steps.append(None if part == "**" else _component(part))
    return tuple(steps)


def _split_components(pattern: str) -> list[str]:
    parts = [part for part in pattern.split("/") if part != "."]
    if ".." in parts:
        raise GlobError("'..' in a pattern")
    if not parts or "" in parts:
        raise GlobError("empty folder name in a pattern")
    return parts


Token = str | tuple[bool, tuple[tuple[str, str], ...]]
"""One literal character, `*` as the empty string, or a class: negated or not, and its ranges."""
_STAR: Token = ""
_ONE: Token = (True, ())


def _component(text: str) -> str | ComponentTest:
    tokens = _tokens(text)
    stars = [number for number, token in enumerate(tokens) if token == _STAR]
    plain = all(isinstance(token, str) for token in tokens)
    if plain and not stars:
        return "".join(_literal(tokens))
    if plain and len(stars) == 1:
        head = "".join(_literal(tokens[: stars[0]]))
        tail = "".join(_literal(tokens[stars[0] + 1 :]))
        shortest = len(head) + len(tail)
        return lambda name: len(name) >= shortest and name.startswith(head) and name.endswith(tail)
    return _automaton(tokens)


def _literal(tokens: Sequence[Token]) -> list[str]:
    return [token for token in tokens if isinstance(token, str)]


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\\":
            at += 1
            tokens.append(_escaped(text, at))
        elif character == "*":
            if not tokens or tokens[-1] != _STAR:
                tokens.append(_STAR)
        elif character == "?":
            tokens.append(_ONE)
        elif character == "[":
            stop = class_end(text, at)
            tokens.append(_class(text[at + 1 : stop]))
            at = stop
        else:
            tokens.append(character)
        at += 1
    return tokens


def _escaped(text: str, at: int) -> str:
    if text[at : at + 1] not in _SPECIAL or at >= len(text):
        raise GlobError("'\\' is not a separator; write '/'")
    return text[at]


def _class(body: str) -> Token:
    negated = body[0] in "!^"
    characters: list[tuple[str, bool]] = []
    at = 1 if negated else 0
    while at < len(body):
        escaped = body[at] == "\\"
        at += escaped
        characters.append((_escaped(body, at) if escaped else body[at], escaped))
        at += 1
    ranges: list[tuple[str, str]] = []
    number = 0
    while number < len(characters):
        low = characters[number][0]
        if number + 2 < len(characters) and characters[number + 1] == ("-", False):
            high = characters[number + 2][0]
            number += 3
        else:
            high = low
            number += 1
        if high < low:
            raise GlobError(f"range {low}-{high} runs backwards")
        ranges.append((low, high))
    return negated, tuple(ranges)


def _automaton(tokens: Sequence[Token]) -> ComponentTest:
    """Return a test that runs all states of the component at once, one bit for each."""
    loops = 0
    positions: list[Token] = []
    for token in tokens:
        if token == _STAR:
            loops |= 1 << len(positions)
        else:
            positions.append(token)
    literal: dict[str, int] = {}
    classes: list[tuple[int, bool, tuple[tuple[str, str], ...]]] = []
    for number, token in enumerate(positions):
        if isinstance(token, str):
            literal[token] = literal.get(token, 0) | 1 << number
        else:
            classes.append((1 << number, *token))
    final = 1 << len(positions)

    def accepts(name: str) -> bool:
        states = 1
        for character in name:
            steps = literal.get(character, 0)
            for bit, negated, ranges in classes:
                if states & bit and any(low <= character <= high for low, high in ranges) != negated:
                    steps |= bit
            states = (states & steps) << 1 | (states & loops)
            if not states:
                return False
        return bool(states & final)

    return accepts


def _accepted(steps: tuple[Step, ...], parts: list[str], *, whole: bool) -> bool:
    """Whether the steps accept all parts, or, with `whole` false, some of the leading ones."""
    final = len(steps)
    states = {0}
    last = len(parts) - 1
    for number, part in enumerate(parts):
        reached: set[int] = set()
        for state in states:
            _advance(steps, state, part, reached)
        if not reached:
            return False
        if final in reached and (number == last or not whole):
            return True
        states = reached
    return False


def _advance(steps: tuple[Step, ...], state: int, part: str, reached: set[int]) -> None:
    """Add the states that follow `state` once it has read one component."""
    if state == len(steps):
        return
    step = steps[state]
    if step is None:
        reached.add(state)
        if state + 1 == len(steps):
            reached.add(state + 1)
        else:
            _advance(steps, state + 1, part, reached)
    elif step == part if isinstance(step, str) else step(part):
        reached.add(state + 1)
