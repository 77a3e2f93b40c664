"""Paths as tools print them, made workspace-relative; what is not a file of the project itself is nothing."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aigentflow.runtime.verification.steps import Exists

ESCAPE = re.compile(r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_FOREIGN = {"node_modules", "site-packages", "dist-packages", ".venv", "venv", ".tox", ".yarn", ".pnpm"}
_BASE = re.compile(r"^\s*(?:RUN\s+v[\d.][\w.-]*\s+|rootdir:\s+)(/\S.*?)(?:,.*)?$")
LONGEST_LINE = 1_000
LONGEST_JSON = 100_000
JSON_START = '[{"filePath":'
"""How the one line begins that eslint writes as JSON."""
MOST_MESSAGE = 500


@dataclass(frozen=True)
class Place:
    """A place in a file of the project; line and column count from 1."""

    path: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class Hit:
    """One failure and the number of the output line that told it."""

    at: int
    place: Place
    message: str
    code: str = ""
    warning: bool = False


class Places:
    """Finds the file that a printed path means."""

    def __init__(self, folder: str, root: str, exists: Exists, lines: Sequence[str] = (), bases: Sequence[str] = ()) -> None:
        self._root = posixpath.normpath(root) if root else ""
        self._exists = exists
        self._known: dict[str, str | None] = {}
        stated = (self._inside(match[1]) for line in lines if (match := _BASE.match(line)))
        self._bases = tuple(dict.fromkeys([*bases, folder, *(base for base in stated if base is not None), ""]))

    def own(self, printed: str) -> str | None:
        """Return the workspace-relative path, None for a file that is outside, foreign or not there."""
        if printed not in self._known:
            self._known[printed] = next((path for path in self._meant(printed) if self._exists(path)), None)
        return self._known[printed]

    def place(self, printed: str, line: str | None = None, column: str | None = None, first_column: int = 1) -> Place | None:
        """Return the place of a printed path and numbers."""
        path = self.own(printed)
        if path is None:
            return None
        at = int(line) if line and 0 < len(line) < 9 else 0
        across = int(column) + 1 - first_column if column and len(column) < 9 else 0
        return Place(path, at or None, across if at and across > 0 else None)

    def _meant(self, printed: str) -> Iterator[str]:
        text = printed.strip().strip("\"'`").removeprefix("file://")
        if not text or "\0" in text or "\\" in text or _FOREIGN & set(text.split("/")):
            return
        if text.startswith("/"):
            inside = self._inside(text)
            if inside:
                yield inside
            return
        for base in self._bases:
            path = posixpath.normpath(posixpath.join(base, text))
            if not path.startswith("../") and path not in ("..", "."):
                yield path

    def _inside(self, absolute: str) -> str | None:
        path = posixpath.normpath(absolute)
        if path == self._root:
            return ""
        return path[len(self._root) + 1 :] if self._root and path.startswith(self._root + "/") else None


def plain_lines(output: str) -> list[str]:
    """Return the lines without escape codes, very long ones cut."""
    lines = ESCAPE.sub("", output).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [line[: LONGEST_JSON if line.startswith(JSON_START) else LONGEST_LINE].rstrip() for line in lines]
