"""Claims about tests: the files that hold them, how many were written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aigentflow.runtime.auditing.counting import all_off, n_tests, repeats
from aigentflow.runtime.auditing.evidence import Evidence
from aigentflow.runtime.auditing.filing import FileClaims
from aigentflow.runtime.auditing.outcomes import Outcomes, is_outcome
from aigentflow.runtime.auditing.phrases import first_of, number_of, path_of
from aigentflow.runtime.auditing.sentences import sentence_claims
from aigentflow.runtime.auditing.verifying import Judged, claim
from aigentflow.runtime.auditing.wording import clean, vocabulary, words
from aigentflow.runtime.result import ClaimPart

_FILE_KEYS = ("file", "path", "testFile", "filePath", "filename", "location", "spec")
_NEW = vocabulary("added new written created wrote adds")
_COUNTED = _NEW | vocabulary("count total number cases num tests scenarios n")
_NUMBER = r"(\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|twelve)"
_SORTS = r"(?:(?:new|unit|integration|e2e|more|additional|passing|automated|regression|vitest|jest|pytest|focused|comprehensive)\s+){0,3}"
_TESTS = r"(?:tests?|test\s+cases?|specs|cases)\b(?!\s+files?)"
_ADDED = re.compile(
    rf"\b(?:added|adds?|wrote|written|created|introduced|includes?|including|with|plus)\s+(?:a\s+total\s+of\s+)?{_NUMBER}\s+{_SORTS}{_TESTS}"
    rf"|\b{_NUMBER}\s+(?:new|additional|more)\s+{_SORTS}{_TESTS}"
    rf"|\b{_NUMBER}\s+{_SORTS}{_TESTS}\s+(?:(?:were|was|have\s+been|are|got)\s+)?(?:added|written|created)\b|\(\s*{_NUMBER}\s+{_SORTS}{_TESTS}\s*\)",
    re.IGNORECASE,
)
_NUMBERS: dict[str, int] = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
}  # fmt: skip


class TestClaims:
    """Reads what a report says about tests."""

    def __init__(self, evidence: Evidence, files: FileClaims, outcomes: Outcomes) -> None:
        self._evidence = evidence
        self._files = files
        self._outcomes = outcomes

    def claims(self, key: str, value: Any) -> Iterator[ClaimPart]:
        """Yield the claims of a field about tests."""
        pieces = set(words(key))
        if isinstance(value, list):
            for entry in value[:500]:
                yield from self._entry(key, entry)
        elif isinstance(value, dict):
            yield from self._object(key, value)
        elif isinstance(value, str):
            yield from self._text(key, value)
        elif isinstance(value, bool):
            if pieces & (_NEW | {"has", "included"}):
                yield claim(f"{key}: {clean(value)}", self._any_added(value))
            else:
                yield from self._outcomes.claims(key, value, "tests")
        elif isinstance(value, (int, float)):
            if pieces & _COUNTED and not pieces & {"passed", "passing", "failed", "failing", "skipped", "coverage", "run", "ran", "exit"}:
                yield claim(f"{key}: {value:g}", self.number(int(value), added=bool(pieces & _NEW)))
            else:
                yield from self._outcomes.claims(key, value, "tests")

    def _entry(self, key: str, entry: Any) -> Iterator[ClaimPart]:
        if isinstance(entry, str):
            yield from self._text(key, entry)
        elif isinstance(entry, dict):
            if path := path_of(first_of(entry, _FILE_KEYS), sure=True):
                yield from self._file(path, entry, first_of(entry, _FILE_KEYS))
            elif path := path_of(first_of(entry, ("name",))):
                yield from self._file(path, entry, path)
            else:
                yield from self._outcomes._listed(key, entry, "tests", 0)

    def _object(self, key: str, value: Mapping[str, Any]) -> Iterator[ClaimPart]:
        if path_of(first_of(value, _FILE_KEYS), sure=True):
            yield from self._entry(key, value)
            return
        rest: dict[str, Any] = {}
        ended = any({"passed", "failed", "passing", "status", "result"} & set(words(str(name))) for name in value)
        for name, inner in value.items():
            pieces = set(words(str(name)))
            listing = isinstance(inner, list) and inner and all(_is_file_entry(entry) for entry in inner)
            counted = isinstance(inner, (int, float)) and not isinstance(inner, bool) and pieces & _COUNTED and (not ended or pieces & _NEW)
            if listing or (isinstance(inner, str) and path_of(inner)) or counted or (isinstance(inner, bool) and pieces & _NEW):
                yield from self.claims(f"{key} {name}", inner)
            elif path := path_of(name):
                yield from self._file(path, inner if isinstance(inner, dict) else {}, name)
                if not isinstance(inner, dict):
                    yield from self._outcomes.claims(f"tests in {name}", inner, "tests")
            else:
                rest[str(name)] = inner
        yield from self._outcomes.claims(key, rest, "tests")

    def _text(self, key: str, text: str) -> Iterator[ClaimPart]:
        first = text.strip().split(" ", 1)[0].rstrip(":,")
        if path := path_of(text) or path_of(first):
            yield from self._file(path, {}, path)
            if path_of(text) == "":
                yield from sentence_claims(text, self._evidence)
                yield from self.numbers(text)
        elif is_outcome(words(key), text) and len(text.split()) <= 8 and not _ADDED.search(text):
            yield from self._outcomes.claims(key, text, "tests")
        else:
            yield from sentence_claims(text, self._evidence)
            yield from self.numbers(text)

    def numbers(self, text: str) -> Iterator[ClaimPart]:
        """Yield the claims of a text about how many tests were added."""
        for match in _ADDED.finditer(text[:60_000] if self._evidence.prose_left else ""):
            said = next(group for group in match.groups() if group).lower()
            number = _NUMBERS.get(said) or int(said)
            yield claim(f"“{match.group()}”", self.number(number, added=True))

    def _file(self, path: str, entry: Mapping[str, Any], shown: str) -> Iterator[ClaimPart]:
        self._files.mention(path)
        yield claim(f"tests in {clean(shown, 150)}", self._holds(path))
        for name, inner in entry.items():
            pieces = set(words(str(name)))
            number = number_of(inner) if pieces & _COUNTED and not isinstance(inner, (list, dict)) else None
            if number is not None and not pieces & {"passed", "passing", "failed"}:
                yield claim(f"{path} {name}: {number}", self._number_in(path, number))
            elif pieces & {"scenarios", "cases", "tests"} and isinstance(inner, list):
                yield from self._scenarios(path, len(inner))
            elif pieces & {"status", "result", "passed", "passing", "outcome", "ok", "coverage"}:
                yield from self._outcomes.claims(f"tests in {path} {name}", inner, "tests")
            elif pieces & {"action", "change"} and isinstance(inner, str):
                yield from self._files.entry({"path": path, name: inner})

    def _holds(self, path: str) -> Judged:
        evidence = self._evidence
        path = evidence.resolved(path)
        lines = evidence.files.get(path)
        if lines is not None and lines.change.after is None:
            return Judged("contradicted", "the proposal deletes it")
        if not evidence.record.exists(path) and lines is None:
            return Judged("contradicted", "there is no such file")
        text = lines.after if lines is not None else evidence.record.read(path)
        count = n_tests(text, path) if text is not None else None
        if count == 0:
            off = text is not None and all_off(text, path)
            return Judged("contradicted", "all tests in it are switched off" if off else "it holds no test")
        if lines is None:
            return Judged("unwitnessed", "it is there, but the run did not change it")
        if count is None:
            return Judged("unwitnessed", "how tests are written in it is not known")
        return Judged("confirmed", f"it holds {count}")

    def _scenarios(self, path: str, number: int) -> Iterator[ClaimPart]:
        lines = self._evidence.files.get(self._evidence.resolved(path))
        count = n_tests(lines.after, path) if lines is not None else None
        if lines is not None and count is not None and number > count and not repeats(lines.after):
            yield claim(f"{path}: {number} scenarios", Judged("unwitnessed", f"it holds {count} tests"))

    def _number_in(self, path: str, number: int) -> Judged:
        lines = self._evidence.files.get(self._evidence.resolved(path))
        if lines is None:
            return Judged("unwitnessed", "the run did not change it")
        after, before = n_tests(lines.after, path), n_tests(lines.before, path)
        if after is None or before is None:
            return Judged("unwitnessed", "how tests are written in it is not known")
        if number in (after, after - before):
            return Judged("confirmed", f"it holds {after}, {after - before} of them new")
        if repeats(lines.after) and number > after - before:
            return Judged("unwitnessed", f"it declares {after}, some of them run for several rows")
        return Judged("contradicted", f"it holds {after}, {after - before} of them new")

    def number(self, number: int, *, added: bool) -> Judged:
        """Return what the proposal says of a number of tests."""
        counts = [(n_tests(lines.before, lines.path), n_tests(lines.after, lines.path), lines) for lines in self._evidence.test_files()]
        known = [(before, after, lines) for before, after, lines in counts if before is not None and after is not None]
        new = sum(max(0, after - before) for before, after, _ in known)
        net = sum(after - before for before, after, _ in known)
        there = sum(after for _, after, _ in known)
        if number in (new, net) or (not added and number == there):
            return Judged("confirmed", f"the proposal adds {new}")
        if len(known) < len(counts) or (number > new and any(repeats(lines.after) for _, _, lines in known)):
            return Judged("unwitnessed", f"the proposal declares {new} more, some of them may run for several rows")
        if not added and not known:
            return Judged("unwitnessed", "the proposal holds no test file")
        return Judged("contradicted", f"the proposal adds {new}")

    def _any_added(self, said: bool) -> Judged:
        grown = any(lines.added for lines in self._evidence.test_files())
        return Judged("confirmed" if grown == said else "contradicted", f"the proposal changes {'a' if grown else 'no'} test file")


def _is_file_entry(entry: Any) -> bool:
    return bool(path_of(entry) if isinstance(entry, str) else isinstance(entry, dict) and path_of(first_of(entry, _FILE_KEYS), sure=True))
