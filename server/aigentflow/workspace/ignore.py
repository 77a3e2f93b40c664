"""Which files of the tree are not looked at: what the `.gitignore` files say, and git's own folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .globs import ComponentTest, Glob, GlobError, name_test

_MAX_IGNORE_FILE = 1_000_000
_MAX_DEPTH = 256
_ALWAYS = frozenset({".git", ".hg", ".svn", ".jj"})
_ESCAPE = re.compile(r"\\(.)")
_TRAILING_SPACE = re.compile(r"(?<![\\ ]) +$")


@dataclass(frozen=True)
class _Line:
    """One pattern of an ignore file; exactly one of `name` and `glob` is set."""

    number: int
    ignores: bool
    folders_only: bool
    name: ComponentTest | None
    glob: Glob | None

    def matches(self, path: str, name: str, *, is_folder: bool) -> bool:
        if self.folders_only and not is_folder:
            return False
        if self.name is not None:
            return self.name(name)
        return self.glob is not None and self.glob.matches(path)


class IgnoreFile:
    """The patterns of one ignore file, later ones first; plain names are looked up, not tried one by one."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._plain: dict[str, list[_Line]] = {}
        patterns: list[_Line] = []
        for number, line in enumerate(lines):
            self._add(number, line, patterns)
        self._patterns = tuple(reversed(patterns))

    def _add(self, number: int, line: str, patterns: list[_Line]) -> None:
        text = _TRAILING_SPACE.sub("", line.rstrip("\r\n"))
        if not text.strip("/ ") or text.startswith("#"):
            return
        ignores = not text.startswith("!")
        text = text if ignores else text[1:]
        folders_only = text.endswith("/")
        text = _as_glob(text.rstrip("/"))
        try:
            if "/" in text:
                glob = Glob(text.lstrip("/"), anywhere=False)
                patterns.append(_Line(number, ignores, folders_only, None, glob))
                return
            test = name_test(text)
        except GlobError:
            return
        if isinstance(test, str):
            self._plain.setdefault(test, []).append(_Line(number, ignores, folders_only, None, None))
        else:
            patterns.append(_Line(number, ignores, folders_only, test, None))

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """Return whether the path is ignored, None where no pattern speaks of it; `path` is relative to the ignore file."""
        name = path.rpartition("/")[2]
        plain = [line for line in self._plain.get(name, ()) if is_folder or not line.folders_only]
        best = plain[-1] if plain else None
        for line in self._patterns:
            if best is not None and line.number < best.number:
                break
            if line.matches(path, name, is_folder=is_folder):
                return line.ignores
        return None if best is None else best.ignores


class IgnoreRules:
    """The ignore files from the workspace folder down to one folder; the deepest that says anything decides."""

    def __init__(self, files: tuple[tuple[str, IgnoreFile], ...] = ()) -> None:
        self._files = files

    def below(self, root: str, folder: str) -> IgnoreRules:
        """Return the rules with the ignore file of `folder` (relative, `""` for the workspace folder) added."""
        lines: list[str] = []
        for name in (".git/info/exclude", ".gitignore") if not folder else (".gitignore",):
            lines += _lines(os.path.join(root, folder, name))
        if not lines:
            return self
        return IgnoreRules((*self._files, (folder + "/" if folder else "", IgnoreFile(lines))))

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Whether the path, which lies below all these files, is ignored."""
        for prefix, file in reversed(self._files):
            said = file.verdict(path[len(prefix) :], is_folder=is_folder)
            if said is not None:
                return said
        return False


def is_ignored(root: str, path: str) -> bool:
    """Whether git would ignore the file, itself or by a folder that it lies in."""
    rules = IgnoreRules().below(root, "")
    parts = path.split("/")
    for number in range(1, len(parts)):
        folder = "/".join(parts[:number])
        if parts[number - 1] in _ALWAYS or rules.ignores(folder, is_folder=True):
            return True
        rules = rules.below(root, folder)
    return rules.ignores(path, is_folder=False)


def walk_files(root: str, under: str) -> Iterator[str]:
    """Yield regular files below `under` that are not ignored, as relative paths, sorted within each folder; links are not followed."""
    rules = IgnoreRules().below(root, "")
    parts = under.split("/") if under else []
    for number in range(len(parts)):
        folder = "/".join(parts[: number + 1])
        if parts[number] in _ALWAYS or rules.ignores(folder, is_folder=True):
            return
        if number < len(parts) - 1:
            rules = rules.below(root, folder)
    yield from _walk(root, under, rules.below(root, under) if under else rules)


def _walk(root: str, folder: str, rules: IgnoreRules) -> Iterator[str]:
    waiting = [iter(_entries(root, folder, rules))]
    layers = [rules]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            layers.pop()
            continue
        path, is_folder = entry
        if not is_folder:
            yield path
        elif len(waiting) < _MAX_DEPTH:
            inner = layers[-1].below(root, path)
            layers.append(inner)
            waiting.append(iter(_entries(root, path, inner)))


def _entries(root: str, folder: str, rules: IgnoreRules) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    prefix = folder + "/" if folder else ""
    try:
        with os.scandir(os.path.join(root, folder)) as entries:
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False)
                if entry.name in _ALWAYS or not (is_folder or entry.is_file(follow_symlinks=False)):
                    continue
                path = prefix + entry.name
                if not rules.ignores(path, is_folder=is_folder):
                    found.append((path, is_folder))
    except OSError:
        return found
    return sorted(found)


def _lines(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_IGNORE_FILE).decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _as_glob(text: str) -> str:
    """Return the pattern of an ignore file as ours: braces and commas mean themselves, `\\x` is `x`."""
    kept = _ESCAPE.sub(lambda match: match.group() if match[1] in "*?[]\\!" else match[1], text)
    return re.sub(r"([{}])", r"\\\1", kept)
