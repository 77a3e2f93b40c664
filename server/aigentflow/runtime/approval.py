"""The question whether one command may run unprotected: its whole text, with nothing in it that a screen would hide."""

from __future__ import annotations

import re

_LINE_END = "⏎"
"""Shown where a line ends, since some editors put a message on one line."""
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Letters and marks that are drawn as nothing."""


LONGEST = 10_000
"""Characters of a command that a person can be asked about; a longer one is not run, since nobody would read it."""


def question(agent: str, command: str) -> str:
    """Return the question about a command that an agent wants to run."""
    lines = shown(command).split("\n")
    size = f"{len(lines)} line{'s' if len(lines) > 1 else ''}, {len(command)} character{'s' if len(command) != 1 else ''}"
    whole = f" {_LINE_END}\n    ".join(lines)
    return (
        f"{agent} wants to run a command. No box works on this machine, so it runs unprotected: with your rights, on all your files, "
        f"with the network. The whole command ({size}):\n\n    {whole}"
    )


def shown(command: str) -> str:
    """Return the command with every character that a screen would hide or obey written as its number; line ends stay."""
    text = "".join(character if _is_plain(character) else f"⟨U+{ord(character):04X}⟩" for character in command)
    # Some editors make a link of `[text](address)` and show its text only.
    return text.replace("](", "]⟨⟩(")


def _is_plain(character: str) -> bool:
    return character == "\n" or (character.isprintable() and _BLANK.match(character) is None)
