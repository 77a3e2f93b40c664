"""What a shell has set so far, and what is known of a part of a command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from aigentflow.runtime.verification.words import Word

STEERING = frozenset({"PATH", "BASH_ENV", "ENV", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTEST_ADDOPTS", "PYTHONSTARTUP", "IFS", "SHELLOPTS"})
"""Variables that decide which program runs or with which options."""


@dataclass(frozen=True)
class Verdict:
    """What is known of a part of a command line."""

    checks: bool = False
    """Whether a program in it checks something."""
    masked: str = ""
    """Why its exit status proves nothing."""
    fails: bool = False
    """Whether it never ends with 0."""
    exits: bool = False
    """Whether the shell ends where it fails."""
    leaves: bool = False
    """Whether it may end the shell with 0."""
    stops: bool = False
    """Whether the shell ends under `set -e` where a checking program of it fails."""


@dataclass
class ShellState:
    """What the line has set so far."""

    folder: str
    errexit: bool = False
    pipefail: bool = False
    assigned: set[str] = field(default_factory=set)

    def copy(self) -> ShellState:
        """Return what a subshell starts with."""
        return replace(self, assigned=set(self.assigned))


def masked(why: str) -> Verdict:
    """Return the verdict of a checking program whose exit status proves nothing."""
    return Verdict(checks=True, masked=why)


def set_options(arguments: Sequence[str], shell: ShellState) -> None:
    """Take over what `set` changes."""
    for position, text in enumerate(arguments):
        if text in ("-o", "+o") or (text[:1] in "-+" and text.endswith("o")):
            option = arguments[position + 1] if position + 1 < len(arguments) else ""
            shell.pipefail = text[0] == "-" if option == "pipefail" else shell.pipefail
            shell.errexit = text[0] == "-" if option == "errexit" else shell.errexit
        if text[:1] in ("-", "+") and "e" in text[1:]:
            shell.errexit = text[0] == "-"


def moved(folder: str, arguments: Sequence[str]) -> str:
    """Return the workspace-relative folder after `cd`."""
    parts = folder.split("/") if folder else []
    for part in (arguments[-1] if arguments else "").split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def finds_own_tools(name: str, value: Word) -> bool:
    """Whether PATH is only led to the project's own programs."""
    return name == "PATH" and all(part == "$PATH" or part.endswith(("node_modules/.bin", "venv/bin")) for part in value.text.split(":"))


def runs_with_errexit(text: str) -> bool:
    """Whether the first line of a script asks for `-e`."""
    first = text.split("\n", 1)[0]
    return first.startswith("#!") and any(word.startswith("-") and "e" in word for word in first.split()[1:])
