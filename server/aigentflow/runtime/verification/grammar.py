"""The structure of a command line: what runs after, beside or instead of what."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aigentflow.runtime.verification.words import NotUnderstood, Operator, Redirection, Token, Tokens, Word

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=")
_ENDS = {"then", "elif", "else", "fi", "do", "done", "}", "esac"}
_COMPOUND = {"if": "fi", "while": "done", "until": "done", "for": "done", "select": "done"}
_DEEPEST = 40


@dataclass(frozen=True)
class Simple:
    """One program with its arguments."""

    words: tuple[Word, ...]
    assigned: tuple[tuple[str, Word], ...] = ()


@dataclass(frozen=True)
class Pipe:
    """Programs that read each other's output."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    """`! part`."""

    part: Node


@dataclass(frozen=True)
class Both:
    """`left && right`."""

    left: Node
    right: Node


@dataclass(frozen=True)
class Either:
    """`left || right`."""

    left: Node
    right: Node


@dataclass(frozen=True)
class Sequence:
    """One after the other; the flag says that a part runs in the background."""

    parts: tuple[tuple[Node, bool], ...]


@dataclass(frozen=True)
class Group:
    """`( body )` or `{ body; }`."""

    body: Node
    subshell: bool


@dataclass(frozen=True)
class Branch:
    """`if`, `while`, `until` or `for`: its parts run or do not."""

    keyword: str
    parts: tuple[Node, ...]


Node = Simple | Pipe | Not | Both | Either | Sequence | Group | Branch


def parse(line: str) -> Sequence:
    """Return the structure of a command line; raises NotUnderstood."""
    parser = _Parser(Tokens(line).read())
    found = parser.sequence()
    if parser.token is not None:
        raise NotUnderstood(f"`{parser.token.text.strip() or 'line end'}` stands where nothing of the kind is expected")
    return found


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def token(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _is(self, *operators: str) -> bool:
        return isinstance(self.token, Operator) and self.token.text in operators

    def _keyword(self) -> str:
        token = self.token
        return token.text if isinstance(token, Word) and not token.quoted and token.fixed else ""

    def _take(self, expected: str) -> None:
        if not self._is(expected) and self._keyword() != expected:
            raise NotUnderstood(f"`{expected}` is missing")
        self._at += 1

    def sequence(self) -> Sequence:
        """Return the parts up to the end or to a word that closes a compound."""
        parts: list[tuple[Node, bool]] = []
        while True:
            while self._is(";", "\n"):
                self._at += 1
            if self.token is None or self._is(")", ";;") or self._keyword() in _ENDS:
                return Sequence(tuple(parts))
            part = self._chain()
            parts.append((part, self._is("&")))
            if self._is(";", "\n", "&"):
                self._at += 1

    def _chain(self) -> Node:
        left = self._pipeline()
        while self._is("&&", "||"):
            both = self._is("&&")
            self._at += 1
            while self._is("\n"):
                self._at += 1
            right = self._pipeline()
            left = Both(left, right) if both else Either(left, right)
        return left

    def _pipeline(self) -> Node:
        if self._keyword() == "!":
            self._at += 1
            return Not(self._pipeline())
        parts = [self._command()]
        while self._is("|", "|&"):
            self._at += 1
            while self._is("\n"):
                self._at += 1
            parts.append(self._command())
        return parts[0] if len(parts) == 1 else Pipe(tuple(parts))

    def _command(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotUnderstood("it is nested too deeply")
        try:
            compound = self._compound()
            while compound is not None and isinstance(self.token, Redirection):
                self._at += 1
            return compound or self._simple()
        finally:
            self._depth -= 1

    def _compound(self) -> Node | None:
        keyword = self._keyword()
        if self._is("(") or keyword == "{":
            self._at += 1
            body = self.sequence()
            self._take("}" if keyword else ")")
            return Group(body, subshell=not keyword)
        if keyword in _COMPOUND:
            self._at += 1
            if keyword in ("for", "select"):
                while self.token is not None and self._keyword() != "do":
                    self._at += 1
            return self._branch(keyword)
        if keyword in ("case", "function", "coproc"):
            raise NotUnderstood(f"it uses `{keyword}`")
        return None

    def _branch(self, keyword: str) -> Branch:
        parts: list[Node] = []
        while True:
            parts.append(self.sequence())
            closing = self._keyword()
            if not closing:
                raise NotUnderstood(f"`{keyword}` is not closed")
            self._at += 1
            if closing == _COMPOUND[keyword]:
                return Branch(keyword, tuple(parts))

    def _simple(self) -> Simple:
        words: list[Word] = []
        assigned: list[tuple[str, Word]] = []
        redirected = False
        while isinstance(token := self.token, Word | Redirection):
            self._at += 1
            if isinstance(token, Redirection):
                redirected = True
                continue
            match = _ASSIGNMENT.match(token.text)
            if match and not words:
                assigned.append((match[1], Word(token.text[match.end() :], True, token.substituted, token.names)))
                continue
            words.append(token)
            if token.text == "[[" and len(words) == 1:
                self._double_brackets()
        if self._is("("):
            raise NotUnderstood("it defines a function" if words else "it has a list of values")
        if not words and not assigned and not redirected:
            raise NotUnderstood("a program is missing")
        return Simple(tuple(words), tuple(assigned))

    def _double_brackets(self) -> None:
        while self.token is not None:
            closed = self._keyword() == "]]"
            self._at += 1
            if closed:
                return
        raise NotUnderstood("`[[` is not closed")
