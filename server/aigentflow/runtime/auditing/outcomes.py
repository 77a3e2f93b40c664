"""Fields of a report that say how a check ended: `"tests": "42 passed"`, `"lint": {"ok": true}`, `"checks": [{"name": …, "status": …}]`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aigentflow.runtime.auditing.evidence import Evidence
from aigentflow.runtime.auditing.phrases import first_of
from aigentflow.runtime.auditing.programs import kinds_of
from aigentflow.runtime.auditing.sentences import sentence_claims
from aigentflow.runtime.auditing.verifying import (
    Judged,
    Scope,
    claim,
    flags,
    judge,
    judge_command,
    judge_count,
    judge_coverage,
    judge_run,
)
from aigentflow.runtime.auditing.wording import Stance, clean, is_generic, kind_of, qualifier, stance, vocabulary, words
from aigentflow.runtime.result import ClaimPart

_BAD_KEYS = vocabulary("failed failures failure errors error issues failing violations problems fail broken")
_GOOD_KEYS = vocabulary("passed pass passing passes ok success succeeded green clean successful succeeds")
_SAYING_KEYS = vocabulary("status result results outcome state conclusion verdict output summary message actual exit")
_RAN_KEYS = vocabulary("ran executed run tested")
_NAME_KEYS = ("name", "check", "kind", "tool", "step", "title", "gate", "job", "task", "label", "type", "id")
_COMMAND_KEYS = ("command", "cmd", "script", "commandLine")
_SILENT_KEYS = vocabulary(
    "duration seconds time timestamp reason notes note description cwd folder environment version skipped warnings log "
    "details threshold target"
)
_N_PASSED = re.compile(
    r"\b(\d{1,6})(?:\s*(?:/|of|out of)\s*\d{1,6})?\s*(?:[A-Za-z-]{1,20}\s+){0,2}pass|\bpass(?:ed)?\s*[:=(]\s*(\d{1,6})\b|^(\d{1,6})/\3$"
)
_UNKNOWN = "?"
_DEEPEST = 12


def is_outcome(pieces: list[str], value: Any) -> bool:
    """Whether a key and its value say how a check ended."""
    if isinstance(value, dict):
        return any(isinstance(key, str) and set(words(key)) & (_GOOD_KEYS | _BAD_KEYS | _SAYING_KEYS | _RAN_KEYS) for key in value)
    if isinstance(value, str):
        return len(value) <= 120 and stance(value) is not None
    return isinstance(value, (bool, int, float))


def names_check(pieces: list[str]) -> bool:
    """Whether the words of a key mean one check or all of them."""
    return kind_of(pieces) is not None or is_generic(pieces)


def entry_name(entry: Mapping[str, Any]) -> str:
    """Return the name of the check that an object is about, '' where it has none."""
    name = first_of(entry, _NAME_KEYS)
    command = first_of(entry, _COMMAND_KEYS)
    return next((text for text in (name, command) if isinstance(text, str) and text.strip()), "")


class Outcomes:
    """Yields the claims of such fields."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def claims(self, name: str, value: Any, inherited: str | None = _UNKNOWN, depth: int = 0) -> Iterator[ClaimPart]:
        """Yield what a field of this name claims; `inherited` is the check that the fields around it speak of, None: of all."""
        pieces = words(name)
        kind = kind_of(pieces) or (None if is_generic(pieces) else inherited)
        if depth > _DEEPEST or value is None:
            return
        if isinstance(value, dict):
            yield from self._object(name, value, kind, depth)
        elif isinstance(value, list):
            for entry in value[:500]:
                yield from self._listed(name, entry, kind, depth)
        else:
            yield from self._single(name, pieces, value, kind)

    def _listed(self, name: str, entry: Any, kind: str | None, depth: int) -> Iterator[ClaimPart]:
        if isinstance(entry, dict):
            yield from self.claims(entry_name(entry) or name, entry, kind, depth + 1)
        elif isinstance(entry, str):
            yield from sentence_claims(entry, self._evidence)

    def _object(self, name: str, value: Mapping[str, Any], kind: str | None, depth: int) -> Iterator[ClaimPart]:
        saying = {key: inner for key, inner in value.items() if isinstance(key, str) and _says(key, inner)}
        if kind is None:
            # What is said of all checks together stands beside what is said of each.
            for key, inner in saying.items():
                yield from self._single(f"{name} {key}", words(key), inner, kind_of(words(key)))
        elif said := _together(saying):
            judged = self._judged(f"{name}: {clean(value, 150)}", self._named_kind(value, kind), said, name, value)
            counts = list(self._counts(name, value, kind))
            unsure = judged.verdict == "confirmed" and any(count.verdict != "confirmed" for count in counts)
            yield judged.model_copy(update={"claim": clean(f"{name}: {said}")}) if unsure else judged
            yield from counts
        named = {key for key in value if isinstance(key, str) and key.lower() in (*_NAME_KEYS, *_COMMAND_KEYS)}
        for key, inner in value.items():
            if isinstance(key, str) and key not in saying and key not in named and not set(words(key)) & _SILENT_KEYS:
                yield from self.claims(key if kind_of(words(key)) or kind is None else f"{name} {key}", inner, kind, depth + 1)
            elif isinstance(inner, str) and stance(inner) is None:
                yield from sentence_claims(inner, self._evidence)

    def _named_kind(self, value: Mapping[str, Any], kind: str | None) -> str | None:
        command = first_of(value, _COMMAND_KEYS)
        if kind == _UNKNOWN and isinstance(command, str):
            return next(iter(sorted(kinds_of(command))), _UNKNOWN)
        return kind

    def _single(self, name: str, pieces: list[str], value: Any, kind: str | None) -> Iterator[ClaimPart]:
        shown = f"{name}: {clean(value, 150)}"
        if "coverage" in pieces and (figure := _figure(value)) is not None:
            yield claim(shown, judge_coverage(self._evidence, figure))
            return
        said = _stance_of(pieces, value)
        if set(pieces) & _RAN_KEYS and value is True and not set(pieces) & _GOOD_KEYS:
            yield claim(shown, judge_run(self._evidence, kind if kind != _UNKNOWN else None))
        elif said is not None and not (kind == _UNKNOWN and isinstance(value, str) and len(value) > 120):
            number = _number(value, pieces) if kind == "tests" else None
            yield from self._with_number(name, self._judged(shown, kind, said, name, value), number)
        elif isinstance(value, (int, float)):
            yield claim(shown, Judged("unwitnessed", "nothing measured it"))
        elif isinstance(value, str):
            yield from sentence_claims(value, self._evidence)

    def _with_number(self, name: str, judged: ClaimPart, number: int | None) -> Iterator[ClaimPart]:
        """Yield the claim that something passed, and apart from it how many: the one may be measured and the other not."""
        if number is None:
            yield judged
            return
        counted = claim(f"{name}: {number} passed, their number", judge_count(self._evidence, number))
        bare = judged.verdict == "confirmed" and counted.verdict != "confirmed"
        yield judged.model_copy(update={"claim": clean(f"{name}: pass")}) if bare else judged
        yield counted

    def _judged(self, shown: str, kind: str | None, said: Stance, name: str, value: Any) -> ClaimPart:
        command = first_of(value, _COMMAND_KEYS) if isinstance(value, dict) else None
        by_command = (
            judge_command(self._evidence, command, said) if isinstance(command, str) else Judged("unwitnessed", "nothing measured it")
        )
        if kind == _UNKNOWN:
            return claim(shown, by_command)
        text = f"{' '.join(words(name))} {value if isinstance(value, str) else command or ''}"
        scope = Scope(any(flags(text)), qualifier(words(text)) if kind == "tests" else "")
        judged = judge(self._evidence, kind, said, scope)
        known = isinstance(command, str) and self._evidence.run_of(command) is not None
        return claim(shown, by_command if known and judged.verdict != "contradicted" else judged)

    def _counts(self, name: str, value: Mapping[str, Any], kind: str | None) -> Iterator[ClaimPart]:
        for key, number in value.items():
            pieces = set(words(key)) if isinstance(key, str) else set()
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                if isinstance(number, str) and kind == "tests" and (count := _N_PASSED.search(number)):
                    shown = next(group for group in count.groups() if group)
                    yield claim(f"{name}: {shown} passed, their number", judge_count(self._evidence, int(shown)))
            elif "coverage" in pieces:
                yield claim(f"{name} {key}: {number}", judge_coverage(self._evidence, float(number)))
            elif pieces & (_GOOD_KEYS | {"total", "count"}) and kind == "tests":
                yield claim(f"{name} {key}: {number:g}, their number", judge_count(self._evidence, int(number)))


def _says(key: str, value: Any) -> bool:
    pieces = set(words(key))
    if "coverage" in pieces or isinstance(value, dict) or (isinstance(value, list) and not pieces & _BAD_KEYS):
        return False
    if pieces & {"total", "count"} and isinstance(value, (int, float)):
        return True
    return bool(pieces & (_GOOD_KEYS | _BAD_KEYS | _SAYING_KEYS | _RAN_KEYS)) and _stance_of(list(pieces), value) is not None


def _together(saying: Mapping[str, Any]) -> Stance | None:
    """Return what the fields of one object say together: one that says `fail` outweighs the others."""
    found = [said for key, value in saying.items() if (said := _stance_of(words(key), value))]
    return next((said for said in ("fail", "not_run", "pass") if said in found), None)


def _stance_of(pieces: list[str], value: Any) -> Stance | None:
    """Return what one field says; a key such as `errors` turns numbers, lists and truth values round."""
    present = set(pieces)
    bad = bool(present & _BAD_KEYS) and not present & _GOOD_KEYS
    if isinstance(value, bool):
        return _flag(present, value, bad)
    if isinstance(value, str):
        return _word(present, value, bad)
    if isinstance(value, list):
        return ("fail" if value else "pass") if bad else None
    if isinstance(value, (int, float)):
        if bad or "exit" in present:
            return "pass" if value == 0 else "fail"
        return "pass" if value > 0 and present & _GOOD_KEYS else None
    return None


def _flag(present: set[str], value: bool, bad: bool) -> Stance | None:
    if present & _RAN_KEYS and not present & _GOOD_KEYS:
        return None if value else "not_run"
    if present & {"verified", "checked"} and not value:
        return "not_run"
    if present & {"skipped", "not"}:
        return "not_run" if value else None
    return "fail" if value is bad else "pass"


def _word(present: set[str], value: str, bad: bool) -> Stance | None:
    plain = value.strip().lower()
    if bad and plain in ("none", "0", "no", ""):
        return "pass"
    if "exit" in present and plain.lstrip("-").isdigit():
        return "pass" if int(plain) == 0 else "fail"
    return stance(value[:2_000])


def _number(value: Any, pieces: list[str]) -> int | None:
    """Return the number of passed tests that a field names."""
    if isinstance(value, str):
        match = _N_PASSED.search(value)
        return int(next(group for group in match.groups() if group)) if match else None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and set(pieces) & _GOOD_KEYS:
        return int(value)
    return None


def _figure(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) * (100 if 0 < value <= 1 and isinstance(value, float) else 1)
    match = re.search(r"\d{1,3}(?:\.\d+)?", value) if isinstance(value, str) else None
    return float(match.group()) if match else None
