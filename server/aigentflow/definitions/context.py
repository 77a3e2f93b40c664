"""What stands behind variables and references, under a size budget that says what was left out. Sizes are in code points."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from aigentflow.definitions.body import looks_like_package
from aigentflow.definitions.lessons import rank_lessons
from aigentflow.definitions.values import AgentDefinition, Problem, Reference
from aigentflow.errors import PathError
from aigentflow.workspace.globs import Glob, GlobError

__all__ = ["Resolved", "expand_references", "fenced", "rank_lessons", "reference_problems", "substitute"]

REFERENCE_BUDGET = 48_000
_MOST_REFERENCES = 50
_MOST_LISTED = 400
_MOST_COUNTED = 20_000
_MOST_OUTLINED = 80
_VARIABLE = re.compile(r"\$([A-Z][A-Z0-9_]*)(?!\w)")
_TICKS = re.compile(r"`{3,}")
_DECLARED = re.compile(
    r"^(?:export\s+(?:default\s+)?(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:class|function\*?|const|let|interface|type|enum)"
    r"|pub(?:\([a-z]+\))?\s+(?:fn|struct|enum|trait|type|const|mod)|(?:async\s+)?def|class|func|type|interface|struct|module)\s+(\w+)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Resolved:
    """What the references of an agent file stand for, ready for the first message."""

    text: str = ""
    left_out: tuple[str, ...] = ()
    """What was cut away for size, one line each."""
    unresolved: tuple[str, ...] = ()
    """References that lead nowhere, with the reason."""


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """Return the text with `$NAME` replaced where the name is known; one pass, so what is put in is not searched again."""
    return _VARIABLE.sub(lambda match: variables.get(match.group(1), match.group()), text)


def fenced(text: str, info: str = "text") -> str:
    """Return the text as a block whose fence is longer than any in it, so that it cannot end the block itself."""
    longest = max((len(match.group()) for match in _TICKS.finditer(text)), default=2)
    fence = "`" * max(4, longest + 1)
    return f"{fence}{info}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{fence}"


def expand_references(
    definition: AgentDefinition,
    read: Callable[[str], str],
    paths: Callable[[str], Iterable[str]],
    budget: int = REFERENCE_BUDGET,
) -> Resolved:
    """Return the files, folders and globs that the agent file refers to, each with its fair share of the budget.

    `read` raises PathError for what it does not give; `paths` lists the files below a folder.
    """
    unique = list({reference.path: reference for reference in definition.references}.values())
    expansion = _Expansion(read, paths)
    parts: list[str] = []
    for n, reference in enumerate(unique[:_MOST_REFERENCES]):
        share = budget // (min(len(unique), _MOST_REFERENCES) - n)
        part = expansion.expand(reference, share)
        if part:
            parts.append(part)
            budget = max(0, budget - len(part))
    if len(unique) > _MOST_REFERENCES:
        expansion.left_out.append(f"{len(unique) - _MOST_REFERENCES} further references of the agent file")
    return Resolved("\n\n".join(parts), tuple(expansion.left_out), tuple(expansion.unresolved))


def reference_problems(
    definition: AgentDefinition,
    paths: Callable[[str], Iterable[str]],
    exists: Callable[[str], bool] | None = None,
) -> tuple[Problem, ...]:
    """Return a problem for each reference that leads nowhere; `exists` knows files that `paths` does not list."""
    problems = []
    for reference in definition.references[:_MOST_REFERENCES]:
        reason = _missing(reference, paths, exists)
        if reason is not None and not (reference.kind == "file" and looks_like_package(reference.path)):
            problems.append(Problem(f"@{reference.path}: {reason}", reference.span, "warning", "reference.missing"))
    return tuple(problems)


class _Expansion:
    def __init__(self, read: Callable[[str], str], paths: Callable[[str], Iterable[str]]) -> None:
        self.left_out: list[str] = []
        self.unresolved: list[str] = []
        self._read = read
        self._paths = paths

    def expand(self, reference: Reference, share: int) -> str:
        if reference.kind == "glob":
            return self._glob(reference.path, share)
        if reference.kind == "directory":
            return self._folder(reference.path.removeprefix("./"), share)
        path = reference.path.removeprefix("./")
        try:
            text = self._read(path)
        except PathError as error:
            if any(True for _ in self._paths(path)):
                return self._folder(path + "/", share)
            if not looks_like_package(reference.path):
                self.unresolved.append(f"@{reference.path}: {error}")
            return ""
        return self._file(path, text, share)

    def _file(self, path: str, text: str, share: int) -> str:
        title = f"## @{path}\n\n"
        kept = _cut(text, share - len(title) - 40)
        if len(kept) < len(text):
            lines, all_lines = kept.count("\n"), text.count("\n") + (not text.endswith("\n"))
            self.left_out.append(f"{path}: what follows line {lines} of {all_lines}")
        return title + fenced(kept) if kept or not text else ""

    def _folder(self, path: str, share: int) -> str:
        files = sorted(itertools.islice(self._paths(path.rstrip("/")), _MOST_COUNTED + 1))
        if not files:
            self.unresolved.append(f"@{path}: no such folder, or nothing in it")
            return ""
        return self._listing(path, files, share)

    def _glob(self, pattern: str, share: int) -> str:
        try:
            files = sorted(itertools.islice(_matching(pattern, self._paths), _MOST_COUNTED + 1))
        except GlobError as error:
            self.unresolved.append(f"@{pattern}: {error}")
            return ""
        if not files:
            self.unresolved.append(f"@{pattern}: nothing matches")
            return ""
        return self._listing(pattern, files, share)

    def _listing(self, path: str, files: list[str], share: int) -> str:
        """Return one line per file with the names it declares, until the share is used up."""
        title = f"## @{path}\n\n"
        room = share - len(title) - 40
        lines: list[str] = []
        for n, file in enumerate(files[:_MOST_LISTED]):
            names = self._outline(file) if n < _MOST_OUTLINED else ""
            line = f"{file}: {names}" if names else file
            room -= len(line) + 1
            if room < 0:
                break
            lines.append(line)
        if len(lines) < len(files):
            more = "more than " if len(files) > _MOST_COUNTED else ""
            self.left_out.append(f"{path}: {more}{min(len(files), _MOST_COUNTED) - len(lines)} files")
        return title + fenced("\n".join(lines)) if lines else ""

    def _outline(self, path: str) -> str:
        try:
            text = self._read(path)
        except PathError:
            return ""
        names = list(dict.fromkeys(_DECLARED.findall(text[:100_000])))
        if names:
            return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        first = next((line.strip() for line in text[:2_000].splitlines() if line.strip()), "")
        return first[:80]


def _missing(reference: Reference, paths: Callable[[str], Iterable[str]], exists: Callable[[str], bool] | None) -> str | None:
    path = reference.path
    if path.startswith(("/", "~")) or ".." in path.split("/"):
        return "leads out of the workspace and is not read"
    if reference.kind == "glob":
        try:
            return None if any(True for _ in _matching(path, paths)) else "nothing matches"
        except GlobError as error:
            return str(error)
    bare = path.removeprefix("./").rstrip("/")
    if any(True for _ in paths(bare)) or (exists is not None and exists(bare)):
        return None
    if reference.kind == "file" and any(other == bare for other in paths(bare.rpartition("/")[0])):
        return None
    return "no such file or folder in the workspace"


def _matching(pattern: str, paths: Callable[[str], Iterable[str]]) -> Iterable[str]:
    glob = Glob(pattern.removeprefix("./"), anywhere=False)
    fixed = re.split(r"[*?\[{]", pattern.removeprefix("./"), maxsplit=1)[0].rpartition("/")[0]
    return (path for path in paths(fixed) if glob.matches(path))


def _cut(text: str, room: int) -> str:
    """Return the leading whole lines that fit; a first line that does not fit is cut itself."""
    if len(text) <= room:
        return text
    if room <= 0:
        return ""
    end = text.rfind("\n", 0, room) + 1
    return text[:end] if end else text[:room]
