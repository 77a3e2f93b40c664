"""Claims about dependencies, held against the manifests that changed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from aigentflow.runtime.auditing.evidence import Evidence, Lines
from aigentflow.runtime.auditing.phrases import first_of, path_of
from aigentflow.runtime.auditing.verifying import Judged, claim
from aigentflow.runtime.auditing.wording import clean, vocabulary, words
from aigentflow.runtime.result import ClaimPart

_KEYS = vocabulary("dependency dependencies deps packages libraries devdependencies")
_SILENT = vocabulary("reason reasons why note notes rationale justification version manager description command purpose")
_ADDED = vocabulary("added add new installed install introduced adds created")
_REMOVED = vocabulary("removed remove uninstalled dropped deleted")
_UPDATED = vocabulary("updated upgraded update upgrade bumped changed modified downgraded")
_NOTHING = re.compile(r"^\W*(?:none|no|nothing|n/?a|no (?:new )?(?:dependencies|packages).*|no changes?|-)\W*$", re.IGNORECASE)
_MANIFEST = re.compile(
    r"(?:^|/)(?:package\.json|pyproject\.toml|requirements[\w.-]*\.(?:txt|in)|setup\.(?:py|cfg)|Pipfile|Cargo\.toml|go\.mod|Gemfile|[\w.-]+\.gemspec|composer\.json"
    r"|pom\.xml|build\.gradle(?:\.kts)?|[\w.-]+\.(?:cs|fs)proj|Directory\.Packages\.props|deno\.jsonc?|pubspec\.yaml|mix\.exs|environment\.ya?ml|libs\.versions\.toml"
    r"|pnpm-workspace\.yaml|Package\.swift|build\.sbt|[\w.-]+\.cabal|CMakeLists\.txt|vcpkg\.json|conanfile\.(?:txt|py)|requirements/[\w.-]+\.(?:txt|in))$"
)
_NAME = re.compile(
    r"^(@?[A-Za-z0-9_][\w.-]*(?:[/:][\w./-]+)?)(?:\[[\w, -]*\])?\s*(?:@\s*|[=~^<>!]=?=?\s*|\s+\(?v?|:\s*)?([\^~>=<v]*\d[\w.+-]*)?"
)
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(.*)$")


class DependencyClaims:
    """Reads what a report says about dependencies; afterwards `left_out` tells which changes it does not name."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._named: set[str] = set()
        self._lists_added = False

    def concerns(self, pieces: list[str], value: Any) -> bool:
        """Whether a field is about dependencies."""
        if not set(pieces) & _KEYS or {"injection", "injected"} & set(pieces):
            return False
        return not (
            isinstance(value, list)
            and value
            and all(path_of(entry) and "/" in str(entry) and not str(entry).startswith("@") for entry in value)
        )

    def claims(self, key: str, value: Any, action: str = "") -> Iterator[ClaimPart]:
        """Yield the claims of such a field; `action` is `added`, `removed`, `updated` or ''."""
        pieces = set(words(key))
        action = next((name for name, said in (("added", _ADDED), ("removed", _REMOVED), ("updated", _UPDATED)) if pieces & said), action)
        if isinstance(value, bool):
            yield claim(f"{key}: {clean(value)}", self._any(action, value))
        elif isinstance(value, str):
            yield from self._string(key, value, action)
        elif isinstance(value, list):
            self._lists_added |= action in ("added", "")
            for entry in value[:500]:
                if isinstance(entry, dict):
                    yield from self._named_entry(entry, action)
                elif isinstance(entry, str):
                    yield from self._string(key, entry, action)
        elif isinstance(value, dict):
            yield from self._object(value, action)
        elif isinstance(value, (int, float)):
            actual = len(
                {"added": self._changes[0], "removed": self._changes[1], "updated": self._changes[2]}.get(action, self._changes[0])
            )
            yield claim(f"{key}: {value:g}", Judged("confirmed" if actual == value else "contradicted", f"the manifests: {actual}"))

    def left_out(self) -> Iterator[ClaimPart]:
        """Yield one claim for each new dependency that the report's list does not name."""
        if self._lists_added:
            for name in self._changes[0]:
                if name not in self._named:
                    yield claim(f"dependencies: leaves out {name}, which was added", Judged("contradicted", "a changed manifest adds it"))

    def _object(self, value: Mapping[str, Any], action: str) -> Iterator[ClaimPart]:
        if isinstance(first_of(value, ("name", "package")), str):
            yield from self._named_entry(value, action)
            return
        for name, inner in value.items():
            pieces = set(words(str(name)))
            if pieces & _SILENT:
                continue
            if pieces & (
                _ADDED | _REMOVED | _UPDATED | _KEYS | {"dev", "runtime", "production", "peer", "npm", "pip", "development", "optional"}
            ):
                yield from self.claims(str(name), inner, action)
            elif isinstance(inner, str):
                self._lists_added |= action in ("added", "")
                yield from self._package(str(name), inner if re.search(r"\d", inner) else "", action)

    def _named_entry(self, entry: Mapping[str, Any], action: str) -> Iterator[ClaimPart]:
        name, version = first_of(entry, ("name", "package", "dependency")), first_of(entry, ("version", "range", "to"))
        said = first_of(entry, ("action", "change", "type", "status"))
        pieces = set(words(said)) if isinstance(said, str) else set()
        action = next((word for word, known in (("added", _ADDED), ("removed", _REMOVED), ("updated", _UPDATED)) if pieces & known), action)
        if isinstance(name, str):
            yield from self._package(name, version if isinstance(version, str) else "", action)

    def _string(self, key: str, text: str, action: str) -> Iterator[ClaimPart]:
        self._lists_added |= action in ("added", "")
        if not text.strip() or _NOTHING.match(text):
            if text.strip() and action in ("added", ""):
                yield claim(f"{key}: {clean(text)}", self._any("added", False))
            return
        pieces = [piece.strip() for piece in re.split(r",\s*|\s+and\s+", text)] if len(text) < 300 else []
        for piece in pieces if all(_NAME.match(piece) and len(piece.split()) <= 3 for piece in pieces) else []:
            if match := _NAME.match(piece):
                rest = piece[match.end() :].strip()
                if not rest or rest[0] in "(–—-":
                    yield from self._package(match[1], match[2] or "", action)

    def _package(self, name: str, version: str, action: str) -> Iterator[ClaimPart]:
        name = name.strip().strip("`'\"")
        plain = _folded(name)
        self._named.add(plain)
        shown = f"dependency {action or 'named'}: {clean(name, 100)}{' ' + clean(version, 30) if version else ''}"
        yield claim(shown, self._judged(plain, version, action))

    def _judged(self, name: str, version: str, action: str) -> Judged:
        added, removed, updated = self._changes
        where = {"added": added, "removed": removed, "updated": updated}.get(action, {**removed, **updated, **added})
        if name in where:
            if version and where[name] and (said := re.sub(r"[^\d.]", "", version).strip(".")) and not _same_version(said, where[name]):
                return Judged("contradicted", f"the manifest says {clean(where[name], 40)}")
            return Judged("confirmed", f"in a changed manifest: {clean(where[name], 40) or action or 'named'}")
        if any(name in known for known in self._changes):
            return Judged("contradicted", "the manifest changes otherwise")
        return self._not_found(name, action)

    def _not_found(self, name: str, action: str) -> Judged:
        if self._in_changed_lines(name):
            return Judged("confirmed", "a changed manifest names it")
        if action != "removed" and any(name in _folded_line(text) for lines in self._manifests.values() for _, text in lines.added):
            return Judged("unwitnessed", "a changed line of a manifest names it, but it was there before")
        if action == "" and any(name in _declared(path, text) for path, text in self._unchanged()):
            return Judged("unwitnessed", "a manifest had it before")
        return Judged("contradicted", "no changed manifest names it")

    def _unchanged(self) -> Iterator[tuple[str, str]]:
        for path in ("package.json", "pyproject.toml", "requirements.txt", "Cargo.toml", *self._manifests):
            if text := self._evidence.record.read(path):
                yield path, text

    def _in_changed_lines(self, name: str) -> bool:
        pattern = re.compile(rf"(?<![\w@/-]){re.escape(name)}(?![\w/-])", re.IGNORECASE)
        unread = [lines for lines in self._manifests.values() if not _readable(lines.path)]
        return any(pattern.search(_folded_line(text)) for lines in unread for _, text in [*lines.added, *lines.removed])

    def _any(self, action: str, said: bool) -> Judged:
        added, removed, updated = self._changes
        chosen = {"removed": removed, "updated": updated, "added": added}.get(action, {**added, **removed, **updated})
        unread = any(not _readable(path) for path in self._manifests)
        if bool(chosen) == said:
            return (
                Judged("unwitnessed", "a changed manifest was not read")
                if unread and not said
                else Judged("confirmed", ", ".join(list(chosen)[:5]))
            )
        if unread and said:
            return Judged("unwitnessed", "a changed manifest was not read")
        return Judged("contradicted", f"the manifests: {', '.join(list(chosen)[:5]) or 'no such change'}")

    @cached_property
    def _manifests(self) -> dict[str, Lines]:
        return {path: lines for path, lines in self._evidence.files.items() if _MANIFEST.search(path)}

    @cached_property
    def _changes(self) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """What the proposal adds, takes away and sets to another version, by name."""
        added: dict[str, str] = {}
        removed: dict[str, str] = {}
        updated: dict[str, str] = {}
        for path, lines in self._manifests.items():
            before, after = _declared(path, lines.before), _declared(path, lines.after)
            added |= {name: version for name, version in after.items() if name not in before}
            removed |= {name: version for name, version in before.items() if name not in after}
            updated |= {name: version for name, version in after.items() if before.get(name, version) != version}
        return added, removed, updated


def _readable(path: str) -> bool:
    return bool(
        re.search(r"(?:^|/)(?:package\.json|pyproject\.toml|Cargo\.toml|composer\.json|requirements[\w./-]*\.(?:txt|in)|go\.mod)$", path)
    )


def _declared(path: str, text: str) -> dict[str, str]:
    """Return the dependencies of a manifest with their versions; empty for one that cannot be read."""
    try:
        if path.endswith(".json"):
            return dict(
                _tables(
                    json.loads(text or "{}"),
                    ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies", "require", "require-dev"),
                )
            )
        if path.endswith(".toml"):
            return dict(_toml(tomllib.loads(text)))
    except (ValueError, RecursionError):
        return {}
    if path.endswith("go.mod"):
        return {
            _folded(name): version
            for name, version in re.findall(r"^(?:require)?\s+([\w./-]+\.[\w./-]+)\s+(v[\w.+-]+)", text, re.MULTILINE)
        }
    if path.endswith((".txt", ".in")):
        return dict(_requirement(line) for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", "-")))
    return {}


def _tables(manifest: Any, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in names:
        table = manifest.get(name) if isinstance(manifest, dict) else None
        for package, version in table.items() if isinstance(table, dict) else ():
            yield (
                _folded(package),
                version if isinstance(version, str) else str(version.get("version", "") if isinstance(version, dict) else ""),
            )


def _toml(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    project = value.get("project", {})
    lists = [project.get("dependencies", []), *_values(project.get("optional-dependencies")), *_values(value.get("dependency-groups"))]
    for listed in lists:
        yield from (_requirement(entry) for entry in listed if isinstance(entry, str)) if isinstance(listed, list) else ()
    poetry = value.get("tool", {}).get("poetry", {}) if isinstance(value.get("tool"), dict) else {}
    groups = [poetry, *_values(poetry.get("group"))] if isinstance(poetry, dict) else []
    for table in [value, value.get("workspace", {}), *groups, *_values(value.get("target"))]:
        yield from _tables(table, ("dependencies", "dev-dependencies", "build-dependencies"))


def _values(table: Any) -> list[Any]:
    return list(table.values()) if isinstance(table, dict) else []


def _requirement(line: str) -> tuple[str, str]:
    match = _REQUIREMENT.match(line.split("#", maxsplit=1)[0].split(";", maxsplit=1)[0])
    return (_folded(match[1]), match[2].strip()) if match else (line.strip(), "")


def _folded(name: str) -> str:
    return name.strip().lower() if "/" in name else name.strip().lower().replace("_", "-")


def _folded_line(line: str) -> str:
    return line.lower().replace("_", "-")


def _same_version(said: str, written: str) -> bool:
    numbers = re.findall(r"\d+(?:\.\d+)*", written)
    return not numbers or any(number == said or number.startswith(said + ".") or said.startswith(number + ".") for number in numbers)
