"""The values of a verification plan, and how commands are written for the shell."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Read = Callable[[str], str | None]
"""Text of a workspace-relative path as the person sees it; None where there is none or it is secret."""
Exists = Callable[[str], bool]
"""Whether there is a file at a workspace-relative path."""
MOST_FILES = 50
"""More files than these are not named on a command line; the whole package is checked instead."""


@dataclass(frozen=True)
class Step:
    """One command of a verification."""

    command: str
    """Text for the shell."""
    folder: str
    """Workspace-relative; empty for the workspace folder."""
    why: str
    """Where the command comes from."""
    narrow: bool = False
    """It looks at the changed files only and comes first to fail early; alone it does not make a field pass."""
    masked: str = ""
    """Why exit 0 of it proves nothing, '' if it does."""


@dataclass(frozen=True)
class Plan:
    """The commands of one field in the order in which they run; all that are not narrow have to pass."""

    steps: tuple[Step, ...] = ()
    reason: str = ""
    """Why there is no step."""


def words(arguments: Sequence[str]) -> str:
    """Return the arguments as one command line; a path that begins with `-` is led by `./`."""
    return shlex.join(arguments)


def named(path: str, folder: str) -> str:
    """Return a workspace-relative path as it is named from a folder above it."""
    inner = path[len(folder) + 1 :] if folder else path
    return f"./{inner}" if inner.startswith("-") else inner
