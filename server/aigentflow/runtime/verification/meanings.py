"""What a program with its arguments may mean, as values."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """Another command line for the shell, or other words."""

    text: str = ""
    words: tuple[str, ...] = ()
    errexit: bool = False
    pipefail: bool = False


@dataclass(frozen=True)
class Scripts:
    """Scripts of packages."""

    name: str
    """A name, or a pattern with `*`."""
    arguments: tuple[str, ...] = ()
    where: str = ""
    """'' the package of the folder, `*` all packages, else a package by name or path."""
    if_present: bool = False
    else_program: bool = False
    """Whether a name that is no script is a program of the package."""

    def with_arguments(self, script: str) -> str:
        """Return the script's text with the arguments behind it, as package managers put them."""
        return f"{script} {shlex.join(self.arguments)}" if self.arguments else script


@dataclass(frozen=True)
class Program:
    """A program that is run itself."""

    name: str
    arguments: tuple[str, ...] = ()
    shell_file: str = ""
    """Path of a file that may be a script of the shell."""
    must_be_read: bool = False
    """Whether the file proves nothing where it cannot be read."""
    errexit: bool = False


@dataclass(frozen=True)
class Several:
    """Things that all have to pass."""

    parts: tuple[Meaning, ...]


@dataclass(frozen=True)
class Recipe:
    """Targets of a Makefile."""

    targets: tuple[str, ...]
    """None: the first one."""
    folder: str = ""
    file: str = ""
    """'' one of the usual names."""


@dataclass(frozen=True)
class Unclear:
    """Something that cannot be judged."""

    why: str


Meaning = Line | Scripts | Program | Several | Recipe | Unclear
NOTHING = Program("true")
"""Something that checks nothing."""
