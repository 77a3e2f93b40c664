"""Failures that vitest, jest, mocha and node's own test runner tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from aigentflow.runtime.verification.frames import error_line, first_own_frame
from aigentflow.runtime.verification.places import Hit, Place, Places

_VITEST = re.compile(r"^\s+FAIL\s{2,}(?:\|[^|]+\|\s+)?(\S.*?\.\w+)(?:\s+\[.*\]|\s+>\s+(.*))?$")
_VITEST_UNHANDLED = re.compile(r"^⎯+ (?:Unhandled|Uncaught) (?:Rejection|Exception|Error) ⎯+$")
_VITEST_END = re.compile(r"^\s*(?:⎯{5,}|FAIL\s|Test Files\s|Serialized Error)")
_JEST_FILE = re.compile(r"^FAIL\s+(?:\S+ )?(\S+\.\w+)(?: \(.*\))?$")
_JEST = re.compile(r"^  ● (.+)$")
_JEST_QUIET = re.compile(r"^Console$|Warning:?$|^Cannot log after")
_MOCHA_START = re.compile(r"^\s+\d+ failing$")
_MOCHA = re.compile(r"^\s{2}(\d+)\) (.*)$")
_NODE_SPEC = re.compile(r"^test at (.+?):(\d+):(\d+)$")
_NODE_TAP = re.compile(r"^(\s*)not ok \d+(?: - (.*?))?(?: # time=\S+)?( \{)?$")
"""A bracket at the end begins the tests of a file, each with a place of its own."""
_UNCAUGHT = re.compile(r"^(?: ?Exception during run: )?(\w*Error(?: \[\w+\])?: .*)$")
_EXPECTED = re.compile(r"^\s*((?:Expected|Received)\b[^:]*: .+)$")


def script_tests(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    """Yield the failed tests."""
    yield from _vitest(lines, places)
    yield from _jest(lines, places)
    yield from _mocha(lines, places)
    yield from _node_spec(lines, places)
    yield from _node_tap(lines, places)
    yield from _uncaught(lines, places)


def _block(lines: Sequence[str], start: int, end: re.Pattern[str], most: int = 120) -> Sequence[str]:
    for at in range(start, min(len(lines), start + most)):
        if end.match(lines[at]):
            return lines[start:at]
    return lines[start : start + most]


def _hit(at: int, name: str, message: str, block: Sequence[str], places: Places, file: str) -> Iterator[Hit]:
    place: Place | None = first_own_frame(block, places) or (places.place(file) if file else None)
    if place is not None:
        yield Hit(at, place, f"{name}: {message}" if name and message else name or message)


def _vitest(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    for at, line in enumerate(lines):
        match = _VITEST.match(line)
        if not match and not _VITEST_UNHANDLED.match(line):
            continue
        follows = at + 1
        while match and follows < len(lines) and _VITEST.match(lines[follows]):
            # Tests that failed in the same way share one block.
            follows += 1
        block = _block(lines, follows, _VITEST_END)
        name = (match[2] or "") if match else ""
        if match and not any(text.strip() for text in block):
            continue
        yield from _hit(at, name, error_line(block), block, places, match[1] if match else "")


def _jest(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    file = ""
    for at, line in enumerate(lines):
        if line.startswith("Summary of all failing tests"):
            return
        if match := _JEST_FILE.match(line):
            file = match[1]
        match = _JEST.match(line)
        if not match or _JEST_QUIET.search(match[1]):
            continue
        block = _block(lines, at + 1, re.compile(r"^(?:  ● |(?:PASS|FAIL) |Test Suites: |Tests: )"))
        message = error_line(block).partition(" // ")[0]
        told = [found[1].strip() for text in block if (found := _EXPECTED.match(text))]
        yield from _hit(at, match[1], "; ".join([message, *told[:2]]), block, places, file)


def _mocha(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    start = next((at for at, line in enumerate(lines) if _MOCHA_START.match(line)), len(lines))
    for at in range(start + 1, len(lines)):
        match = _MOCHA.match(lines[at])
        if not match:
            continue
        block = list(_block(lines, at + 1, _MOCHA))
        names = [match[2].strip()]
        while block and block[0].strip() and not names[-1].endswith(":"):
            names.append(block.pop(0).strip())
        yield from _hit(at, " > ".join(names).rstrip(":"), error_line(block), block, places, "")


def _node_spec(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    for at, line in enumerate(lines):
        if not (match := _NODE_SPEC.match(line)):
            continue
        block = list(_block(lines, at + 1, _NODE_SPEC))
        name = re.sub(r"^\S+ |\s+\([\d.]+ms\)$", "", block.pop(0)) if block else ""
        place = first_own_frame(block, places) or places.place(match[1], match[2], match[3])
        if place is not None:
            yield Hit(at, place, f"{name}: {error_line(block)}")


def _node_tap(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    for at, line in enumerate(lines):
        match = _NODE_TAP.match(line)
        if not match or match[3]:
            continue
        block = [text.strip() for text in _block(lines, at + 1, re.compile(r"^\s*\.\.\.$"))]
        if any("subtestsFailed" in text for text in block):
            continue
        stated = next((text.partition(":")[2].strip().strip("'\"") for text in block if text.startswith(("location:", "at:"))), "")
        path, line_number, column = (stated.rsplit(":", 2) if stated.count(":") >= 2 else (stated, "", ""))[:3]
        place = first_own_frame([f"  {text}" for text in block], places) or places.place(path, line_number, column)
        if place is not None:
            yield Hit(at, place, f"{match[2] or 'test'}: {_tap_error(block)}")


def _uncaught(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    """Read an error that ended node itself."""
    for at, line in enumerate(lines):
        match = _UNCAUGHT.match(line)
        stack = next((near for near in range(at + 1, min(len(lines), at + 10)) if lines[near].startswith("    at ")), 0) if match else 0
        if match and stack and (place := first_own_frame(_block(lines, stack, re.compile(r"^(?!\s+at )"), 60), places)) is not None:
            yield Hit(at, place, match[1])


def _tap_error(block: Sequence[str]) -> str:
    for at, text in enumerate(block):
        if text.startswith("error:"):
            value = text.partition(":")[2].strip()
            said = next((near.partition(":")[2].strip().strip('"') for near in block[at + 1 : at + 4] if near.startswith("message:")), "")
            return block[at + 1] if value in ("|-", "|", ">-", ">") and at + 1 < len(block) else value.strip("'") or said
    return "failed"
