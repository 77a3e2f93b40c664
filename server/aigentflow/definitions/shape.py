"""Reads JSON-like text that people and models write: comments, trailing commas, bare words, `a|b` alternatives, `…` for "and so on".

Nothing is evaluated. The result is plain values, with `Choice` where alternatives stood and `Word` for a bare word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

_DEEPEST = 40
_SPACE = re.compile(r"(?:\s+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/|#[^\n]*)+")
_STRING = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"|\'([^\'\\]*(?:\\.[^\'\\]*)*)\'', re.DOTALL)
_NUMBER = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?(?![\w.])")
_WORD = re.compile(r"<[^<>\n]{1,200}>|[A-Za-z_$][\w$.-]*")
_ELLIPSIS = re.compile(r"\.\.\.|…")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass(frozen=True)
class Choice:
    """`a | b` between values."""

    options: tuple[Shape, ...]


@dataclass(frozen=True)
class Word:
    """A bare word that is neither true, false nor null."""

    text: str


Shape: TypeAlias = "dict[str, Shape] | list[Shape] | str | int | float | bool | Choice | Word | None"


class NotAShape(ValueError):
    """The text is not JSON-like; `offset` is where it stops to be."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def read_shape(text: str, at: int = 0) -> tuple[Shape, int]:
    """Return the value that begins at the offset and where it ends."""
    reader = _Shapes(text, at)
    return reader.value(0), reader.at


class _Shapes:
    def __init__(self, text: str, at: int) -> None:
        self.at = at
        self._text = text

    def value(self, depth: int) -> Shape:
        options = [self._single(depth)]
        while self._accept("|"):
            options.append(self._single(depth))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _single(self, depth: int) -> Shape:
        self._skip()
        if depth > _DEEPEST:
            raise NotAShape("nested too deeply", self.at)
        char = self._text[self.at : self.at + 1]
        if char == "{":
            return self._object(depth)
        if char == "[":
            return self._array(depth)
        if (string := _STRING.match(self._text, self.at)) is not None:
            self.at = string.end()
            return _unescaped(string)
        if (number := _NUMBER.match(self._text, self.at)) is not None:
            self.at = number.end()
            return _number(number.group())
        if (word := _WORD.match(self._text, self.at)) is not None:
            self.at = word.end()
            return _word(word.group())
        raise NotAShape("expected a value", self.at)

    def _object(self, depth: int) -> Shape:
        self.at += 1
        found: dict[str, Shape] = {}
        while not self._ends("}"):
            if self._ellipsis():
                continue
            key = self._key()
            self._skip()
            if not self._accept(":"):
                raise NotAShape(f"expected `:` behind {key[:40]!r}", self.at)
            found[key] = self.value(depth + 1)
            self._separator("}")
        return found

    def _array(self, depth: int) -> Shape:
        self.at += 1
        found: list[Shape] = []
        while not self._ends("]"):
            if self._ellipsis():
                continue
            found.append(self.value(depth + 1))
            self._separator("]")
        return found

    def _key(self) -> str:
        if (string := _STRING.match(self._text, self.at)) is not None:
            self.at = string.end()
            key = _unescaped(string)
        elif (word := _WORD.match(self._text, self.at)) is not None:
            self.at = word.end()
            key = word.group()
        else:
            raise NotAShape("expected a key", self.at)
        return key + "?" if self._accept("?") else key

    def _separator(self, end: str) -> None:
        if not self._accept(",") and self._peek() != end and not _ELLIPSIS.match(self._text, self.at):
            raise NotAShape(f"expected `,` or `{end}`", self.at)

    def _ends(self, end: str) -> bool:
        if self._peek() == "":
            raise NotAShape(f"`{end}` is missing", self.at)
        return self._accept(end)

    def _ellipsis(self) -> bool:
        match = _ELLIPSIS.match(self._text, self.at)
        if match is None:
            return False
        self.at = match.end()
        self._accept(",")
        return True

    def _accept(self, char: str) -> bool:
        if self._peek() != char:
            return False
        self.at += 1
        return True

    def _peek(self) -> str:
        self._skip()
        return self._text[self.at : self.at + 1]

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self.at)
        if match is not None:
            self.at = match.end()


def _unescaped(string: re.Match[str]) -> str:
    text = string.group(1) if string.group(1) is not None else string.group(2)
    return _ESCAPE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = match.group(1)
    return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPED.get(code, code)


def _number(digits: str) -> Shape:
    return float(digits) if any(char in digits for char in ".eE") else int(digits)


def _word(word: str) -> Shape:
    return {"true": True, "false": False, "null": None, "None": None, "True": True, "False": False}.get(word, Word(word))
