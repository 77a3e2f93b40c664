"""A command line of the shell as words and operators. Quotes are resolved, and what the shell would put in is remembered."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPERATORS = ("&&", "||", ";;", "|&", ";", "&", "|", "(", ")", "\n")
_REDIRECTION = re.compile(r"(\d*)(<<<|<<-?|<>|>>|>\||&>>|&>|>&|<&|<|>)")
_NAME = re.compile(r"\{[^}]*\}|[A-Za-z_]\w*|[0-9@*#?$!-]")
LARGEST = 20_000
"""Characters of a command line that is looked into."""


class NotUnderstood(ValueError):
    """A command line that is more than this reader knows; the text says what."""


@dataclass(frozen=True)
class Word:
    """One word with its quotes taken off."""

    text: str
    quoted: bool = False
    """Whether any of it was quoted, so that it is no keyword."""
    substituted: bool = False
    """Whether the output of a command becomes part of it."""
    names: frozenset[str] = frozenset()
    """Variables that become part of it."""

    @property
    def fixed(self) -> bool:
        """Whether the text is what the program gets."""
        return not self.substituted and not self.names


@dataclass(frozen=True)
class Operator:
    """What stands between words."""

    text: str


@dataclass(frozen=True)
class Redirection:
    """Input or output that goes elsewhere; where to does not matter."""

    text: str


Token = Word | Operator | Redirection


class Tokens:
    """Reads one command line; `read` raises NotUnderstood."""

    def __init__(self, line: str) -> None:
        if len(line) > LARGEST:
            raise NotUnderstood("it is too long to be looked into")
        self._line = line.replace("\r\n", "\n").replace("\\\n", "")
        self._at = 0

    def read(self) -> list[Token]:
        """Return all tokens."""
        found: list[Token] = []
        while self._at < len(self._line):
            character = self._line[self._at]
            if character in " \t":
                self._at += 1
            elif character == "#":
                end = self._line.find("\n", self._at)
                self._at = len(self._line) if end < 0 else end
            elif match := _REDIRECTION.match(self._line, self._at):
                found.append(self._redirection(match))
            elif operator := next((text for text in _OPERATORS if self._line.startswith(text, self._at)), ""):
                self._at += len(operator)
                found.append(Operator(operator))
            else:
                found.append(self._word())
        return found

    def _redirection(self, match: re.Match[str]) -> Redirection:
        if match[2].startswith("<<"):
            raise NotUnderstood("it has a here-document")
        self._at = match.end()
        while self._at < len(self._line) and self._line[self._at] in " \t":
            self._at += 1
        if self._line.startswith(("<(", ">("), self._at) or self._line.startswith("(", self._at):
            raise NotUnderstood("it reads from or writes to another command line")
        if self._at >= len(self._line) or self._line[self._at] in "\n;|&<>)":
            raise NotUnderstood("a redirection names no file")
        self._word()
        return Redirection(match[0])

    def _word(self) -> Word:
        text: list[str] = []
        names: set[str] = set()
        quoted = substituted = False
        while self._at < len(self._line) and self._line[self._at] not in " \t\n;|&()<>":
            character = self._line[self._at]
            self._at += 1
            if character == "\\":
                text.append(self._line[self._at : self._at + 1])
                self._at += 1
                quoted = True
            elif character == "'":
                text.append(self._until("'"))
                quoted = True
            elif character == '"':
                quoted = True
                substituted |= self._double(text, names)
            elif character in "$`":
                substituted |= self._expansion(character, text, names)
            else:
                text.append(character)
        return Word("".join(text), quoted, substituted, frozenset(names))

    def _until(self, quote: str) -> str:
        end = self._line.find(quote, self._at)
        if end < 0:
            raise NotUnderstood("a quote is not closed")
        text = self._line[self._at : end]
        self._at = end + 1
        return text

    def _double(self, text: list[str], names: set[str]) -> bool:
        substituted = False
        while self._at < len(self._line):
            character = self._line[self._at]
            self._at += 1
            if character == '"':
                return substituted
            if character == "\\" and self._line[self._at : self._at + 1] in ('"', "\\", "$", "`"):
                text.append(self._line[self._at])
                self._at += 1
            elif character in "$`":
                substituted |= self._expansion(character, text, names)
            else:
                text.append(character)
        raise NotUnderstood("a quote is not closed")

    def _expansion(self, character: str, text: list[str], names: set[str]) -> bool:
        """Take a variable or a substitution; whether it was a substitution."""
        if character == "`":
            self._until("`")
            return True
        if self._line.startswith("(", self._at):
            self._substitution()
            return True
        if self._line.startswith(("'", '"'), self._at):
            raise NotUnderstood("it has a quote of bash's own kind")
        match = _NAME.match(self._line, self._at)
        if match is None:
            text.append("$")
            return False
        self._at = match.end()
        text.append("$" + match[0])
        names.update(re.findall(r"[A-Za-z_]\w*", match[0]) or [match[0]])
        return "$(" in match[0] or "`" in match[0]

    def _substitution(self) -> None:
        depth = 0
        while self._at < len(self._line):
            character = self._line[self._at]
            self._at += 1
            if character == "\\":
                self._at += 1
            elif character == "'":
                self._until("'")
            depth += (character == "(") - (character == ")")
            if depth == 0:
                return
        raise NotUnderstood("a parenthesis is not closed")
