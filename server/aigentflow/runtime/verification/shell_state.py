"""What a shell has set so far, and what is known of a part of a command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from aigentflow.runtime.verification.words import Word

STEERING = frozenset({"PATH", "BASH_ENV", "ENV", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTEST_ADDOPTS", "PYTHONSTARTUP", "IFS", "SHELLOPTS"})
_SCRIPT_SHELL = re.compile(r"(?i)p?npm_config_(script_)?shell")


def steers(name: str) -> bool:
    """Whether the variable decides which program runs or with which options."""
    return name in STEERING or _SCRIPT_SHELL.fullmatch(name) is not None


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

    folder: str | None
    """Workspace-relative; None where it is known only while it runs."""
    errexit: bool = False
    pipefail: bool = False
    assigned: set[str] = field(default_factory=set)

    def copy(self) -> ShellState:
        """Return what a subshell starts with."""
        return replace(self, assigned=set(self.assigned))

    def keep_only(self, other: ShellState) -> None:
        """Keep the options that protect only where they are set in both; what may not have run has not set them."""
        self.errexit &= other.errexit
        self.pipefail &= other.pipefail

    def take(self, name: str, arguments: Sequence[str], fixed: bool) -> None:
        """Take over what a program of the shell itself changes."""
        match name:
            case "set":
                set_options(arguments, self)
            case "cd":
                self.folder = moved(self.folder, arguments) if fixed and self.folder is not None and arguments else None
            case "export":
                self.assigned.update(text.split("=", 1)[0] for text in arguments if "=" in text)
            case "read":
                self.assigned.update(arguments)


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
    """Return the workspace-relative path that the last argument leads to from the folder."""
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


def is_for_shell(text: str, path: str) -> bool:
    """Whether a file is a script of the shell, by its first line, else by its name."""
    first = text.split("\n", 1)[0]
    if first.startswith("#!"):
        return re.search(r"\b(?:ba|da|z|k|a)?sh\b", first) is not None
    return path.endswith((".sh", ".bash")) or "." not in path.rsplit("/", 1)[-1]
