"""Output of several packages in one: runners put the package in front of each line, or say before its lines whose they are."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from aigentflow.runtime.verification.steps import Exists

_NAME = r"(?:@[\w.-]+/)?[\w.-]+"
_STARTS = re.compile(r"^([@\w./-]+) ([\w:.@/-]+) ?\$ ")
"""`packages/core test$ vitest` of pnpm, `core test $ vitest` of bun; then `packages/core test: ` stands before each line."""
_STARTED = re.compile(r"^([@\w./-]+ [\w:.@/-]+?)(?:: |:$| ?\$ )")
_SAID = (
    # Turbo, Lerna: what shows that it is one of them, and what stands in front of its lines.
    (re.compile(r"^\s*• (?:Packages in scope|Running )"), re.compile(rf"^({_NAME}|//):[\w:.-]+:(?: |$)")),
    (re.compile(r"^\s*(?:lerna (?:notice|info|success|ERR!)|Lerna \(powered by Nx)"), re.compile(rf"^({_NAME}):(?: |$)")),
)
_BRACKETS = re.compile(rf"^\[({_NAME}(?::[\w.-]+)*)\]:?(?: |$)")
_LEVELS = frozenset({"warn", "warning", "error", "info", "debug", "trace", "fatal", "notice"})
_HEADERS = (
    re.compile(rf"^> (?P<name>{_NAME})@\S+ [\w:.@/-]+(?: (?P<path>/\S.*))?$"),
    re.compile(rf"^> nx run (?P<name>{_NAME}):\S+"),
    re.compile(r"^make(?:\[\d+\])?: Entering directory [`'](?P<path>/.*)'$"),
)
_LEAVES = re.compile(r"^make(?:\[\d+\])?: Leaving directory ")
_PARENTS = ("packages", "apps", "libs", "services", "modules", "tools", "examples", "")


@dataclass(frozen=True)
class Stream:
    """Lines of one package, in their order."""

    bases: tuple[str, ...]
    """Workspace-relative folders that its paths may start from."""
    numbers: list[int] = field(default_factory=list)
    """Which lines of the whole output they are, from 0."""
    lines: list[str] = field(default_factory=list)


class Prefixes:
    """What stands in front of the lines of an output."""

    def __init__(self, lines: Sequence[str]) -> None:
        started = (match for line in lines if (match := _STARTS.match(line)))
        # The package by the prefix.
        self._fixed = {f"{match[1]} {match[2]}": match[1] for match in started}
        self._said = tuple(prefix for sign, prefix in _SAID if any(sign.match(line) for line in lines))
        counted = Counter(match[1] for line in lines if (match := _BRACKETS.match(line)))
        self._named = {name for name, count in counted.items() if count > 1 and name.lower() not in _LEVELS}

    def split(self, line: str) -> tuple[str, str]:
        """Return the package that a line names in front, '' for none, and the line without it."""
        if (match := _STARTED.match(line)) and match[1] in self._fixed:
            return self._fixed[match[1]], line[match.end() :]
        for pattern in self._said:
            if match := pattern.match(line):
                return match[1], line[match.end() :]
        if (match := _BRACKETS.match(line)) and match[1] in self._named:
            return match[1], line[match.end() :]
        return "", line


def without_prefixes(lines: Sequence[str]) -> list[str]:
    """Return the lines as each package has written them."""
    prefixes = Prefixes(lines)
    return [prefixes.split(line)[1] for line in lines]


def streams(lines: Sequence[str], folder: str, exists: Exists, root: str) -> Iterator[Stream]:
    """Yield the lines of each package; `folder` is where the command ran, `root` the absolute path of the workspace there."""
    prefixes = Prefixes(lines)
    found: dict[tuple[str, tuple[str, ...]], Stream] = {}
    below: dict[str, tuple[str, ...]] = {}
    guessing = _Guessing(folder, exists, root)
    for number, line in enumerate(lines):
        package, text = prefixes.split(line)
        if (header := next((match for pattern in _HEADERS if (match := pattern.match(text))), None)) is not None:
            below[package] = guessing.header(header)
        elif _LEAVES.match(text):
            below[package] = ()
        bases = (*below.get(package, ()), *guessing.package(package))
        stream = found.setdefault((package, bases), Stream(bases))
        stream.numbers.append(number)
        stream.lines.append(text)
    yield from found.values()


class _Guessing:
    """Finds the folder of a package that is named."""

    def __init__(self, folder: str, exists: Exists, root: str) -> None:
        self._folder = folder
        self._exists = exists
        self._root = posixpath.normpath(root) if root else ""
        self._known: dict[str, tuple[str, ...]] = {"": ()}

    def header(self, match: re.Match[str]) -> tuple[str, ...]:
        path = match.groupdict().get("path")
        if path is None:
            return self.package(match["name"])
        inside = bool(self._root) and posixpath.normpath(path).startswith(self._root + "/")
        return (posixpath.normpath(path)[len(self._root) + 1 :],) if inside else ()

    def package(self, name: str) -> tuple[str, ...]:
        """Return the folders that the package may lie in; packages are called by their path or, by habit, like their folder."""
        if name not in self._known:
            last = name.rsplit("/", 1)[-1]
            tried = [name, *(posixpath.join(parent, last) for parent in _PARENTS)]
            places = dict.fromkeys(posixpath.normpath(posixpath.join(self._folder, text)) for text in tried if not text.startswith("/"))
            inside = (place for place in places if not place.startswith("..") and place != ".")
            self._known[name] = tuple(place for place in inside if self._exists(f"{place}/package.json"))[:1]
        return self._known[name]
