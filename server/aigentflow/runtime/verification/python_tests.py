"""Failures that pytest and unittest tell, and Python's own tracebacks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from aigentflow.runtime.verification.places import Hit, Place, Places

_SECTION = re.compile(r"^=+ (.*?) =+$")
_HEADER = re.compile(r"^_{3,} (?:ERROR (?:at \w+ of|collecting) )?(.+?) _{3,}$")
_LOCATION = re.compile(r"^(?:E\s+)?(?P<path>\S.*?\.py):(?P<line>\d+): ?(?P<said>.*)$")
_TRACE = re.compile(r"^(?:E)?\s+File \"(?P<path>.+?)\", line (?P<line>\d+)")
_ERROR = re.compile(r"^E\s+(\S.*)$")
_RAISED = re.compile(r"^[\w.]*(?:Error|Exception|Interrupt|Exit|Failed|Failure|Warning)(?::.*)?$")
_SUMMARY = re.compile(r"^(?:FAILED|ERROR) (\S+?\.py)(?:::(\S+))?(?: - (.*))?$")
_UNITTEST = re.compile(r"^(?:FAIL|ERROR): (\S+) \(.*\)$")


def python_tests(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    """Yield the failed tests."""
    found = list(_blocks(lines, places))
    yield from found
    if not found:
        for at, line in enumerate(lines):
            if (match := _SUMMARY.match(line)) and (place := places.place(match[1])) is not None:
                yield Hit(at, place, ": ".join(part for part in (match[2], match[3]) if part) or "failed")
    yield from _tracebacks(lines, places)


def _blocks(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    section, start = "", -1
    for at, line in enumerate([*lines, "=== end ==="]):
        title, header = _SECTION.match(line), _HEADER.match(line)
        if start >= 0 and (title or header):
            yield from _block(start, lines[start:at], places)
            start = -1
        if title:
            section = title[1]
        elif header and section in ("FAILURES", "ERRORS"):
            start = at
        elif section == "FAILURES" and start < 0:
            yield from _on_one_line(at, line, places)


def _on_one_line(at: int, line: str, places: Places) -> Iterator[Hit]:
    """Read `--tb=line`."""
    match = _LOCATION.match(line)
    if match and _RAISED.match(match["said"]) and (place := places.place(match["path"], match["line"])) is not None:
        yield Hit(at, place, match["said"])


def _block(start: int, block: Sequence[str], places: Places) -> Iterator[Hit]:
    header = _HEADER.match(block[0])
    name = header[1] if header else ""
    place = _last_own(block, places) or (places.place(name) if name.endswith(".py") else None)
    said = [match[1] for line in block if (match := _ERROR.match(line))]
    native = [line for line in block if _RAISED.match(line)]
    message = next((text for text in said if _RAISED.match(text)), "") or next(iter(said), "") or next(iter(native), "failed")
    if place is not None:
        yield Hit(start, place, message if name.endswith(".py") else f"{name}: {message}")


def _last_own(block: Sequence[str], places: Places) -> Place | None:
    found: Place | None = None
    for line in block[1:]:
        match = _TRACE.match(line) or _LOCATION.match(line)
        place = places.place(match["path"], match["line"]) if match else None
        found = place or found
    return found


def _tracebacks(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    """Read tracebacks that end in an error, outside of pytest's sections."""
    name, frames, section = "", None, ""
    for at, line in enumerate(lines):
        if match := _SECTION.match(line):
            section = match[1]
        if match := _UNITTEST.match(line):
            name = match[1]
        if line.startswith("Traceback (most recent call last)"):
            frames = at
        elif frames is not None and _RAISED.match(line):
            place = _last_own(lines[frames:at], places)
            if place is not None and section not in ("FAILURES", "ERRORS"):
                yield Hit(frames, place, f"{name}: {line}" if name else line)
            name, frames = "", None
