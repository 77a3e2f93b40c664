"""A script of one program, changed so that it ends by itself and leaves the files alone, or so that it looks at some files only."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aigentflow.runtime.verification.grammar import Simple, parse
from aigentflow.runtime.verification.words import NotUnderstood

_PREFIXES = {"cross-env", "dotenv", "env-cmd", "npx", "time", "env", "--", "--no-install"}
_WATCHES = {
    "vitest": {"--watch", "-w", "watch", "dev", "--ui", "--open"},
    "jest": {"--watch", "--watchAll"},
    "tsc": {"--watch", "-w"},
    "vue-tsc": {"--watch", "-w"},
    "mocha": {"--watch", "-w"},
    "ava": {"--watch", "-w"},
    "node": {"--watch"},
}
_FIXES = {
    "eslint": {"--fix"},
    "oxlint": {"--fix", "--fix-suggestions", "--fix-dangerously"},
    "biome": {"--write", "--fix", "--apply", "--apply-unsafe", "--unsafe"},
    "vitest": {"-u", "--update"},
    "jest": {"-u", "--updateSnapshot"},
}
_VITEST_ONCE = {"run", "--run", "related", "bench", "list", "typecheck", "--watch=false", "--no-watch"}


@dataclass(frozen=True)
class OneProgram:
    """A script that is one program with plain words."""

    before: tuple[str, ...]
    """Assignments and programs such as `cross-env` in front of it."""
    program: str
    arguments: tuple[str, ...]

    def once(self) -> OneProgram:
        """Return it without watching and without changing files."""
        taken = _WATCHES.get(self.program, set()) | _FIXES.get(self.program, set())
        arguments = tuple(text for text in self.arguments if text not in taken)
        if self.program == "vitest" and not _VITEST_ONCE & set(arguments):
            arguments = ("run", *arguments)
        return OneProgram(self.before, self.program, arguments)

    def operands(self, valued: Collection[str]) -> list[str]:
        """Return the arguments that are no options; the options named take a value of their own."""
        found: list[str] = []
        skipped = False
        for text in self.arguments:
            if not skipped and not text.startswith("-"):
                found.append(text)
            skipped = not skipped and text in valued
        return found

    def with_only(self, options: Sequence[str], *arguments: str) -> OneProgram:
        """Return it with other arguments, keeping those of the options named and their values."""
        kept: list[str] = []
        for at, text in enumerate(self.arguments):
            name, equals, _value = text.partition("=")
            if name in options:
                kept.append(text)
                kept += self.arguments[at + 1 : at + 2] if not equals and self.arguments[at + 1 : at + 2] != ("--",) else ()
        return OneProgram(self.before, self.program, (*arguments, *kept))

    def command(self, runner: Sequence[str]) -> str:
        """Return the command line; `runner` are the words that run an installed program."""
        before = [text for text in self.before if text not in ("npx", "--no-install")]
        assigned = [text for text in before if re.match(r"[A-Za-z_]\w*=", text)]
        if len(assigned) == len(before) and before:
            # Quoting as a whole would turn an assignment into a program's name.
            front = " ".join(f"{text.split('=', 1)[0]}={shlex.quote(text.split('=', 1)[1])}" for text in assigned)
            return f"{front} {shlex.join([*runner, self.program, *self.arguments])}"
        return shlex.join([*runner, *before, self.program, *self.arguments])


def one_program(script: str) -> OneProgram | None:
    """Return the script as one program, None where it is more than that or the shell puts something in."""
    try:
        parts = parse(script).parts
    except NotUnderstood:
        return None
    if len(parts) != 1 or parts[0][1] or not isinstance(node := parts[0][0], Simple) or re.search(r"[<>]", script):
        return None
    texts = [word.text for word in node.words]
    if not texts or any(not word.fixed for word in (*node.words, *(value for _name, value in node.assigned))):
        return None
    if any(not word.quoted and re.search(r"[*?\[{~]", word.text) for word in node.words):
        return None
    before = [f"{name}={value.text}" for name, value in node.assigned]
    while texts and (texts[0] in _PREFIXES or re.match(r"[A-Za-z_]\w*=", texts[0]) or (before and texts[0].startswith("-"))):
        before.append(texts.pop(0))
    return OneProgram(tuple(before), texts[0], tuple(texts[1:])) if texts else None
