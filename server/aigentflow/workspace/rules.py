"""What a boundary is made of: allow entries and deny rules as they are written, and as they are compiled.

An allow entry that cannot be understood gives nothing; a deny rule that cannot be understood takes everything.
"""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from .globs import Glob, GlobError, is_literal
from .names import folded


@dataclass(frozen=True)
class DenyRule:
    """A glob that the agent must not change; `owner` is the agent that may."""

    pattern: str
    owner: str | None = None


@dataclass(frozen=True)
class Rules:
    """A boundary as its source states it; `!p` among the allow entries is a deny rule."""

    allow: tuple[str, ...] = ()
    deny: tuple[DenyRule, ...] = ()
    source: str = ""
    """Where it was stated, as shown to the person."""


@dataclass(frozen=True)
class AllowEntry:
    """One allow entry that gives something."""

    pattern: str
    glob: Glob
    literal: bool

    def names(self, path: str) -> bool:
        """Whether it is this very path; a name without a slash, which allows a file at any depth, names only the one at the top."""
        return self.literal and self.glob.matches(path) and Glob(self.pattern, anywhere=False).matches(path)


@dataclass(frozen=True)
class DenyEntry:
    """One deny rule; a path is denied if any of the globs covers it or a folder above it."""

    pattern: str
    owner: str | None
    globs: tuple[Glob, ...]
    """As written; only where a class may mean something else once it is folded."""
    folded_globs: tuple[Glob, ...]


@dataclass(frozen=True)
class Compiled:
    """Rules ready to be asked, and what was wrong with them."""

    allow: tuple[AllowEntry, ...]
    deny: tuple[DenyEntry, ...]
    problems: tuple[str, ...]


def entry_problem(pattern: str, *, restricts: bool) -> str | None:
    """Return why an entry of an allow list (or, restricting, of a deny list) cannot be understood in any workspace; None: it can."""
    if not restricts and pattern.strip().startswith("!"):
        pattern, restricts = pattern.strip()[1:], True
    try:
        if restricts:
            _deny_entry(DenyRule(pattern), "/")
        else:
            _allow_entry(pattern.strip(), None)
    except GlobError as error:
        return str(error)
    return None


_VARIABLE = re.compile(r"\$(?:[A-Z_{(]|$|/)|^\$")
_LOOK_ALIKE = "\u2215\u2044\u29f8\u2217\u204e"
_ABSOLUTE = re.compile(r"/|~|[A-Za-z][A-Za-z0-9+.-]*:")


def compile_rules(rules: Rules, root: str) -> Compiled:
    """Compile the rules; where one restriction cannot be understood, no allow entry is left."""
    allow: list[AllowEntry] = []
    deny: list[DenyEntry] = []
    problems: list[str] = []
    failed: list[str] = []
    denied = [*rules.deny, *(DenyRule(entry.strip()[1:]) for entry in rules.allow if entry.strip().startswith("!"))]
    for rule in denied:
        try:
            entry = _deny_entry(rule, root)
        except GlobError as error:
            failed.append(f"the restriction {rule.pattern!r} cannot be understood ({error}), so nothing may be changed")
            continue
        if entry is not None:
            deny.append(entry)
    for pattern in rules.allow:
        if pattern.strip().startswith("!"):
            continue
        try:
            allow.append(_allow_entry(pattern.strip(), root))
        except GlobError as error:
            problems.append(f"the allow entry {pattern!r} gives nothing: {error}")
    return Compiled(() if failed else tuple(allow), tuple(deny), (*failed, *problems))


def matching_entry(entries: Iterable[AllowEntry], path: str) -> AllowEntry | None:
    """Return the first allow entry that matches the path."""
    parts = (path if path.isascii() else unicodedata.normalize("NFC", path)).split("/")
    return next((entry for entry in entries if entry.glob.matches_parts(parts)), None)


def covering_entry(entries: Iterable[DenyEntry], path: str) -> DenyEntry | None:
    """Return the deny entry that matches the path or a folder above it, in any case; one that names its owner rather than another."""
    parts = folded(path).split("/")
    found: DenyEntry | None = None
    for entry in entries:
        if any(glob.covers_parts(parts) for glob in entry.folded_globs) or any(glob.covers(path) for glob in entry.globs):
            if entry.owner is not None:
                return entry
            found = found or entry
    return found


def _allow_entry(pattern: str, root: str | None) -> AllowEntry:
    """Compile one allow entry; without a root nothing is asked of the disk."""
    if not pattern:
        raise GlobError("it is empty")
    _refuse_invisible(pattern)
    if _VARIABLE.search(pattern):
        raise GlobError("it holds a variable that nothing has filled")
    if _ABSOLUTE.match(pattern):
        raise GlobError("it is absolute; entries begin at the workspace folder")
    if pattern.strip("./") == "" and not pattern.strip(".").startswith("*"):
        raise GlobError("it names no file; write ** for everything")
    glob = Glob(pattern)
    literal = is_literal(pattern) and not pattern.endswith("/")
    if root is not None and literal and "/" in pattern and os.path.isdir(os.path.join(root, pattern)):
        raise GlobError(f"it names a folder; write {pattern.removeprefix('./')}/**")
    return AllowEntry(pattern, glob, literal)


def _deny_entry(rule: DenyRule, root: str) -> DenyEntry | None:
    """Compile one deny rule; None where it speaks of nothing inside the workspace."""
    pattern = rule.pattern.strip()
    if not pattern:
        return None
    _refuse_invisible(rule.pattern)
    if pattern.startswith("!"):
        raise GlobError("an exception to a restriction is not possible")
    if _VARIABLE.search(pattern):
        raise GlobError("it holds a variable that nothing has filled")
    if pattern.startswith("~"):
        raise GlobError("'~' is not resolved")
    inside = _inside(pattern, root)
    if inside is None:
        return None
    written = [inside]
    if inside.endswith("/") and "/" not in inside[:-1]:
        written.append("**/" + inside)
    return DenyEntry(rule.pattern, rule.owner, _globs(written, fold=False) if "[" in inside else (), _globs(written, fold=True))


def _refuse_invisible(pattern: str) -> None:
    """Refuse what no path can hold, so that it would match nothing, and a sign that only looks like a slash or star."""
    for character in pattern:
        if character in _LOOK_ALIKE or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            raise GlobError(f"it holds U+{ord(character):04X}, which is not what it looks like")


def _inside(pattern: str, root: str) -> str | None:
    """Return the pattern relative to the workspace; a leading slash means the workspace folder, as in ignore files."""
    if pattern.startswith(root + "/"):
        return pattern[len(root) + 1 :]
    rooted = pattern.startswith("/")
    text = pattern.lstrip("/")
    if ".." in text.split("/"):
        text = posixpath.normpath(text) + ("/" if text.endswith("/") else "")
        if text.startswith(".."):
            return None
    while text.startswith("./"):
        text = text[2:]
    if text in ("", "."):
        return "**"
    return "./" + text if rooted or (pattern.startswith("./")) else text


def _globs(patterns: Iterable[str], *, fold: bool) -> tuple[Glob, ...]:
    globs: list[Glob] = []
    for pattern in patterns:
        if not fold:
            globs.append(Glob(pattern))
            continue
        alike = unicodedata.normalize("NFKC", pattern)
        try:
            globs.append(Glob(alike, fold_case=True))
        except GlobError:
            globs.append(Glob(pattern, fold_case=True))
    return tuple(globs)
