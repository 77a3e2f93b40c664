"""Failures that compilers and linters report with a place: tsc, mypy, pyright, ruff, flake8, pylint, eslint, biome, oxlint, prettier."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from aigentflow.runtime.verification.places import JSON_START, Hit, Places
from aigentflow.runtime.verification.scripts import json_list

_AT = r"^(?P<path>\S.*?):(?P<line>\d+):(?P<column>\d+)"
_PYTHON_AT = r"^(?P<path>\S.*?\.(?:pyi?|ipynb)):(?P<line>\d+):"
_LEVEL, _MESSAGE = r"(?P<level>error|warning)", r"(?P<message>.*)"
_ONE_LINE = tuple(
    re.compile(text)
    for text in (
        # tsc, plain and pretty
        rf"^(?P<path>[^\s(][^(]*?)\((?P<line>\d+),(?P<column>\d+)\): {_LEVEL} (?P<code>TS\d+): {_MESSAGE}$",
        rf"{_AT} - {_LEVEL} (?P<code>TS\d+): {_MESSAGE}$",
        # mypy, pyright
        rf"{_PYTHON_AT}(?:(?P<column>\d+):)?(?:\d+:\d+:)? (?P<level>error): (?P<message>.*?)(?:  \[(?P<code>[\w-]+)\])?$",
        rf"^\s+(?P<path>/.*?\.pyi?):(?P<line>\d+):(?P<column>\d+) - {_LEVEL}: (?P<message>.*?)(?: \((?P<code>report\w+)\))?$",
        # pylint, which counts columns from 0
        rf"{_PYTHON_AT}(?P<column0>\d+): (?P<code>[CRWEF]\d{{4}}): {_MESSAGE}$",
        # ruff and flake8 on one line
        rf"{_PYTHON_AT}(?P<column>\d+): (?P<code>[A-Z]+\d+|[\w-]*[sS]yntax[\w-]*):? (?:\[\*\] )?{_MESSAGE}$",
        rf"{_PYTHON_AT} \[(?P<code>[A-Z]+\d+)\] {_MESSAGE}$",
        # eslint unix and compact, oxlint unix
        rf"{_AT}: {_MESSAGE} \[(?P<level>Error|Warning)(?:/(?P<code>[^\]]+))?\]$",
        r"^(?P<path>\S.*?): line (?P<line>\d+), col (?P<column>\d+), (?P<level>Error|Warning) - "
        r"(?P<message>.*?)(?: \((?P<code>[^()\s]+)\))?$",
        # prettier
        r"^\[(?P<level>error)\] (?P<path>\S+): (?P<message>\w*Error: .*?)(?: \((?P<line>\d+):(?P<column>\d+)\))?$",
    )
)
_WRAPPED = re.compile(r"^\S+\.pyi?:\d+:[\d:]* error: ")
_RULE_END = re.compile(r"\s\[[a-z][a-z-]+\]$")
_NOT_FORMATTED = re.compile(r"^\[warn\] (\S.*\.\w+)$")
_GITHUB = re.compile(r"^::(error|warning) (.*?)::(.*)$")
_GROUP_ROW = re.compile(r"^\s+(\d+):(\d+)\s+(error|warning|✖|⚠|×)\s+(.+?)(?:\s{2,}(\S+))?$")
_RUFF_ROW = re.compile(r"^\s+(\d+):(\d+)\s+([A-Z]+\d+)\s+(?:\[\*\] )?(.+)$")
_BIOME = re.compile(
    r"^(\S.*?)(?::(\d+):(\d+))? ((?:lint|assist|suppressions|syntax|plugin|parse|format|organizeImports)(?:/[\w/-]+)?)\s.*━"
)
_BIOME_MESSAGE = re.compile(r"^  ([×✖!⚠i]) (.*)$")
_OXLINT = re.compile(r"^\s*([×x⚠!]) (?:([\w-]+\([\w/@-]+\)): )?(.*)$")
_OXLINT_PLACE = re.compile(r"^\s*[╭,][─-]\[(.+?):(\d+):(\d+)\]$")
_RUFF = re.compile(r"^([A-Z]+\d+|invalid-syntax)(?::)? (?:\[\*\] )?(.*)$")
_RUFF_PLACE = re.compile(r"^\s*--> (.+?):(\d+):(\d+)$")


def reported(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    """Yield the failures of all formats."""
    for at, line in enumerate(lines):
        if not line.startswith(JSON_START):
            yield from _one_line(at, _with_rest(line, lines[at + 1 : at + 4]), places)
    for reader in _READERS:
        yield from reader(lines, places)


def _with_rest(line: str, following: Sequence[str]) -> str:
    """Return the line with what mypy wrapped onto the next ones."""
    if _WRAPPED.match(line) and not _RULE_END.search(line):
        for count, text in enumerate(following, start=1):
            if not text or text[0].isspace() or _WRAPPED.match(text):
                break
            if _RULE_END.search(text):
                return " ".join([line, *following[:count]]).replace("  [", " [").replace(" [", "  [")
    return line


def _one_line(at: int, line: str, places: Places) -> Iterator[Hit]:
    for pattern in _ONE_LINE:
        if match := pattern.match(line):
            found = match.groupdict()
            base = 0 if "column0" in found else 1
            place = places.place(found["path"], found["line"], found.get("column0") or found.get("column"), base)
            if place is not None:
                warning = (found.get("level") or "").lower() == "warning"
                yield Hit(at, place, found["message"], found.get("code") or "", warning)
                return
    if (match := _NOT_FORMATTED.match(line)) and (place := places.place(match[1])) is not None:
        yield Hit(at, place, "is not formatted", "prettier")
    if match := _GITHUB.match(line):
        properties = dict(part.partition("=")[::2] for part in match[2].split(","))
        place = places.place(properties.get("file", ""), properties.get("line"), properties.get("col"))
        if place is not None:
            yield Hit(at, place, match[3].replace("%0A", " ").replace("%25", "%"), properties.get("title", ""), match[1] == "warning")


def _grouped(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    """Read eslint's and stylelint's own form, and ruff's `grouped`: a line with the file, then a row for each failure."""
    path = ""
    for at, line in enumerate(lines):
        if line and not line[0].isspace():
            path = line
        elif path and (match := _GROUP_ROW.match(line)) and (place := places.place(path, match[1], match[2])) is not None:
            yield Hit(at, place, match[4], match[5] or "", match[3] in ("warning", "⚠"))
        elif path[-1:] == ":" and (match := _RUFF_ROW.match(line)) and (place := places.place(path[:-1], match[1], match[2])) is not None:
            yield Hit(at, place, match[4], match[3])


def _biome(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    for at, line in enumerate(lines):
        match = _BIOME.match(line)
        place = places.place(match[1], match[2], match[3]) if match else None
        if match and place is not None:
            told = next((found for near in lines[at + 1 : at + 4] if (found := _BIOME_MESSAGE.match(near))), None)
            yield Hit(at, place, told[2] if told else match[4], match[4], bool(told and told[1] in "!⚠i"))


def _oxlint(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    said: re.Match[str] | None = None
    for at, line in enumerate(lines):
        if match := _OXLINT_PLACE.match(line):
            place = places.place(match[1], match[2], match[3])
            if said is not None and place is not None:
                yield Hit(at, place, said[3], said[2] or "", said[1] in "⚠!")
            said = None
        elif match := _OXLINT.match(line):
            said = match


def _ruff(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    for at, line in enumerate(lines[1:], start=1):
        match, said = _RUFF_PLACE.match(line), _RUFF.match(lines[at - 1])
        if match and said and (place := places.place(match[1], match[2], match[3])) is not None:
            yield Hit(at, place, said[2], said[1])


def _eslint_json(lines: Sequence[str], places: Places) -> Iterator[Hit]:
    for at, line in enumerate(lines):
        if line.startswith(JSON_START):
            for file in json_list(line):
                yield from _eslint_file(at, file, places)


def _eslint_file(at: int, file: object, places: Places) -> Iterator[Hit]:
    if not isinstance(file, dict) or not isinstance(file.get("messages"), list):
        return
    for message in file["messages"]:
        if isinstance(message, dict):
            place = places.place(str(file.get("filePath")), str(message.get("line") or ""), str(message.get("column") or ""))
            if place is not None:
                yield Hit(at, place, str(message.get("message", "")), str(message.get("ruleId") or ""), message.get("severity") == 1)


_READERS: tuple[Callable[[Sequence[str], Places], Iterator[Hit]], ...] = (_grouped, _biome, _oxlint, _ruff, _eslint_json)
