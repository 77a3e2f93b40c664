"""Claims about files: what was done to them, how many lines, which are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aigentflow.runtime.auditing.evidence import Evidence, Lines
from aigentflow.runtime.auditing.phrases import PATH_KEYS, action_in_key, action_of, entry_of, first_of, number_of, path_of
from aigentflow.runtime.auditing.verifying import Judged, claim
from aigentflow.runtime.auditing.wording import clean, words
from aigentflow.runtime.report import lines_changed
from aigentflow.runtime.result import ClaimPart

_ACTION_KEYS = ("action", "change", "changeType", "operation", "op", "kind", "type", "status", "mode", "state", "verb")
_LINES_KEYS = ("linesChanged", "lines", "changedLines", "lineCount", "numLines", "loc", "diffLines")
_ADDED_KEYS = ("linesAdded", "additions", "insertions", "addedLines", "added", "plus")
_REMOVED_KEYS = ("linesRemoved", "deletions", "linesDeleted", "removedLines", "removed", "minus")
_EXPECTED: Mapping[str, tuple[str, ...]] = {
    "create": ("create", "rename"),
    "modify": ("modify", "rename"),
    "delete": ("delete",),
    "rename": ("rename",),
}
_COVERS: Mapping[str, frozenset[str]] = {
    "any": frozenset({"create", "modify", "delete", "rename"}),
    "create": frozenset({"create"}),
    "modify": frozenset({"modify"}),
    "delete": frozenset({"delete"}),
    "rename": frozenset({"rename"}),
}


class FileClaims:
    """Reads the file lists of one report; afterwards `left_out` tells what they do not name."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._named: set[str] = set()
        self._covered: set[str] = set()

    def mention(self, path: str) -> None:
        """Count a path as named, wherever in the report it stands."""
        self._named.add(self._evidence.resolved(path))

    def listed(self, key: str, value: Any) -> Iterator[ClaimPart]:
        """Yield the claims of a list, map or number of files under a key."""
        said = action_in_key(words(key))
        if isinstance(value, bool) or value is None:
            return
        if isinstance(value, (int, float)):
            yield from self._number(key, int(value), said or "any")
        elif isinstance(value, str):
            for piece in re.split(r"[,;\n]", value)[:500]:
                yield from self._text(piece, said)
        elif isinstance(value, list):
            self._covered |= _COVERS.get(said or "any", frozenset())
            for entry in value:
                yield from self._entry(entry, said)
        elif isinstance(value, dict):
            yield from self._map(key, value, said)

    def entry(self, entry: Mapping[str, Any], said: str | None = None) -> Iterator[ClaimPart]:
        """Yield the claims of one file's object."""
        path = path_of(first_of(entry, PATH_KEYS), sure=True)
        if not path:
            return
        word = first_of(entry, _ACTION_KEYS)
        action = action_of(word) or said
        yield from self.file(path, action, word if (isinstance(word, str) and action_of(word)) or (word and said is None) else None)
        yield from self._lines(path, entry)
        if action == "rename" and (old := path_of(first_of(entry, ("from", "oldPath", "previousPath", "source")), sure=True)):
            self.mention(old)

    def file(self, path: str, action: str | None, word: Any = None) -> Iterator[ClaimPart]:
        """Yield the claim that something was done to a file; `word` as the agent put it."""
        self.mention(path)
        if action == "look":
            return
        shown = (
            clean(word, 60)
            if isinstance(word, str) and word.strip()
            else {"any": "change", None: "change", "either": "change"}.get(action, action)
        )
        yield claim(f"{shown} {path}", self._judged(self._evidence.resolved(path), action))

    def left_out(self) -> Iterator[ClaimPart]:
        """Yield one claim for each changed file that the report's lists should name and do not."""
        for path, lines in self._evidence.files.items():
            change = lines.change
            named = {path, change.from_path} & self._named or any(name.endswith("/") and path.startswith(name) for name in self._named)
            if change.kind in self._covered and not named:
                yield claim(f"files: leaves out {path}, which changed", Judged("contradicted", f"the run proposes to {change.kind} it"))

    def _entry(self, entry: Any, said: str | None) -> Iterator[ClaimPart]:
        if isinstance(entry, dict):
            yield from self.entry(entry, said)
        elif isinstance(entry, str):
            yield from self._text(entry, said)

    def _text(self, text: str, said: str | None) -> Iterator[ClaimPart]:
        path, action = entry_of(text)
        path = path or path_of(text, sure=True)
        if path:
            yield from self.file(path, action or said)

    def _map(self, key: str, value: Mapping[str, Any], said: str | None) -> Iterator[ClaimPart]:
        if path_of(first_of(value, PATH_KEYS[:-1]), sure=True):
            yield from self.entry(value, said)
            return
        for name, inner in list(value.items())[:500]:
            if path := path_of(name):
                self._covered |= _COVERS["any"]
                if isinstance(inner, dict):
                    yield from self.entry({**inner, "path": path}, said)
                else:
                    yield from self.file(
                        path, (action_of(inner) if isinstance(inner, str) else None) or said, inner if action_of(inner) else None
                    )
            elif action_in_key(words(str(name))) or said is None:
                yield from self.listed(f"{key} {name}" if action_in_key(words(str(name))) is None else str(name), inner)

    def _number(self, key: str, number: int, said: str) -> Iterator[ClaimPart]:
        pieces = words(key)
        if {"line", "lines", "loc", "insertions", "deletions"} & set(pieces):
            measures = {sum(measure) for measure in zip(*(_measures(lines) for lines in self._evidence.files.values()), strict=True)} or {0}
            yield claim(f"{key}: {number}", _near(number, measures))
            return
        kinds = _COVERS.get(said, _COVERS["any"])
        actual = sum(
            lines.change.kind in kinds or (lines.change.kind == "rename" and said == "modify") for lines in self._evidence.files.values()
        )
        yield claim(f"{key}: {number}", Judged("confirmed" if actual == number else "contradicted", f"the proposal holds {actual}"))

    def _lines(self, path: str, entry: Mapping[str, Any]) -> Iterator[ClaimPart]:
        lines = self._evidence.files.get(self._evidence.resolved(path))
        for keys, which in ((_LINES_KEYS, "changed"), (_ADDED_KEYS, "added"), (_REMOVED_KEYS, "removed")):
            number = number_of(first_of(entry, keys))
            if number is None:
                continue
            if lines is None:
                yield claim(f"{path}: {number} lines {which}", Judged("contradicted", "the run does not change this file"))
            else:
                measures = {"changed": set(_measures(lines)), "added": {len(lines.added)}, "removed": {len(lines.removed)}}[which]
                yield claim(f"{path}: {number} lines {which}", _near(abs(number), measures))

    def _judged(self, path: str, action: str | None) -> Judged:
        evidence = self._evidence
        kind = evidence.kinds.get(path)
        if kind is None:
            return self._unchanged(path, action)
        why = f"the proposal: {kind}"
        if action == "either":
            return Judged("unwitnessed", f"it does not say which; {why}")
        if path not in evidence.files:
            # The old path of a renamed file.
            return Judged("contradicted" if action in ("create", "modify", "none") else "confirmed", "the proposal moves it")
        return Judged("confirmed" if action != "none" and kind in _EXPECTED.get(action or "", (kind,)) else "contradicted", why)

    def _unchanged(self, path: str, action: str | None) -> Judged:
        under = [known for known in self._evidence.kinds if known.startswith(path.rstrip("/") + "/")]
        if action == "none":
            return Judged("contradicted", f"{under[0]} changed") if under else Judged("confirmed", "")
        if under:
            return Judged("confirmed" if action in (None, "any", "either") else "unwitnessed", f"{len(under)} changed files in it")
        return Judged("contradicted", f"the file {'is there and did not change' if self._evidence.record.exists(path) else 'is not there'}")


def _measures(lines: Lines) -> tuple[int, int, int]:
    """Return the ways to count the lines of a change: larger side of each hunk, both sides together, the whole of a created file."""
    n_added, n_removed = len(lines.added), len(lines.removed)
    return lines_changed(lines.change), n_added + n_removed, len(lines.new) if lines.change.kind == "create" else n_added


def _near(number: int, measures: set[int]) -> Judged:
    """Return whether a number is off by more than 20 % and 5 lines from all ways to count."""
    best = min(measures, key=lambda measure: abs(measure - number))
    far = abs(best - number) > 5 and abs(best - number) > 0.2 * max(best, 1)
    return Judged("contradicted" if far else "confirmed", f"measured: {best}")
