"""Where a test failed, by the frames that test runners print."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aigentflow.runtime.verification.places import Place, Places

_FRAMES = (
    # vitest: ` ❯ function file:1:2`
    re.compile(r"^\s*❯ (?:.*? )?(?P<path>\S+?):(?P<line>\d+):(?P<column>\d+)$"),
    # V8: `at function (file:1:2)`, `at file:1:2`, and in node's TAP without the `at`
    re.compile(r"^\s*at .*?\((?P<path>[^()]+?):(?P<line>\d+):(?P<column>\d+)\)(?: \{)?$"),
    re.compile(r"^\s*at (?:async )?(?P<path>\S+?):(?P<line>\d+):(?P<column>\d+)(?: \{)?$"),
    re.compile(r"^\s+[\w.<>\[\] ]+ \((?P<path>(?:file://)?/[^()]+?):(?P<line>\d+):(?P<column>\d+)\)$"),
)
_MESSAGE = re.compile(r"^\s*(?:E\s+)?((?:[\w.]*(?:Error|Exception|Failure|Interrupt|Timeout)\b(?: \[\w+\])?|Failed)(?::.*)?|expect\(.*)$")


def first_own_frame(lines: Iterable[str], places: Places) -> Place | None:
    """Return the place of the first frame that lies in the project's own files."""
    for line in lines:
        for pattern in _FRAMES:
            match = pattern.match(line)
            place = places.place(match["path"], match["line"], match["column"]) if match else None
            if place is not None:
                return place
    return None


def is_frame(line: str) -> bool:
    """Whether the line is a frame."""
    return any(pattern.match(line) for pattern in _FRAMES)


def error_line(lines: Iterable[str]) -> str:
    """Return the line that names the error, else the first one that says anything."""
    first = ""
    for line in lines:
        if match := _MESSAGE.match(line):
            return match[1].strip()
        first = first or ("" if is_frame(line) else line.strip())
    return first
