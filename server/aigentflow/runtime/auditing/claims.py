"""Each claim of an agent's report beside what the record says of it.

The fields of a report differ from agent to agent, so that shape and meaning decide what is a claim: a path beside an action, a word
such as `pass` under the name of a check. Other prose is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from aigentflow.definitions.contract import extract_json
from aigentflow.runtime.auditing.evidence import Evidence
from aigentflow.runtime.auditing.filing import FileClaims
from aigentflow.runtime.auditing.manifests import DependencyClaims
from aigentflow.runtime.auditing.outcomes import Outcomes, entry_name, is_outcome, names_check
from aigentflow.runtime.auditing.phrases import PATH_KEYS, action_in_key, action_of, entry_of, first_of, path_of
from aigentflow.runtime.auditing.record import Record
from aigentflow.runtime.auditing.schema import SchemaClaims
from aigentflow.runtime.auditing.sentences import sentence_claims
from aigentflow.runtime.auditing.symbols import SymbolClaims
from aigentflow.runtime.auditing.testing import TestClaims
from aigentflow.runtime.auditing.verifying import Judged, claim
from aigentflow.runtime.auditing.wording import clean, kind_of, vocabulary, words
from aigentflow.runtime.result import ClaimPart
from aigentflow.runtime.verification.masking import masked_in_files

MOST_CLAIMS = 200
_DEEPEST = 30
_MOST_VALUES = 20_000
_LARGEST_NUMBER = 10**12
_NO_CLAIM = vocabulary(
    "recommended recommendation recommendations suggestion suggestions suggested needed required requested request requests "
    "todo todos next future followup followups follow pending blocked blockers blocker handoff remaining planned plan "
    "findings issues problems risks questions assumptions references reference context reviewed inspected read related known "
    "limitations instructions usage howto example examples before"
)
_FILES = vocabulary(
    "file files paths changes edits artifacts deliverables changed modified created deleted renamed touched diff changeset lines"
)
_CHECKLISTS = vocabulary("checklist criteria acceptance dod definition requirements")


def audit(report: Any, record: Record) -> tuple[ClaimPart, ...]:
    """Return the claims of an agent's final answer, the JSON value or the text that it gave, at most 200."""
    if isinstance(report, str):
        return audit_text(report, record)
    return _bounded(_Reading(_evidence(record)).claims(_tame(report)))


def audit_text(text: str, record: Record) -> tuple[ClaimPart, ...]:
    """Return the claims of a final answer that is plain text, at most 200."""
    evidence = _evidence(record)
    found: list[ClaimPart] = []
    value = extract_json(text)
    if isinstance(value, (dict, list)) and value:
        found += _Reading(evidence).claims(_tame(value))
    found += _Reading(evidence).prose(text)
    return _bounded(found)


def _evidence(record: Record) -> Evidence:
    return Evidence(record, lambda command: masked_in_files(command, "", record.read))


def _bounded(claims: Iterable[ClaimPart]) -> tuple[ClaimPart, ...]:
    """Return each claim once; where there are too many, those that matter most stay."""
    kept = list({(part.claim, part.verdict): part for part in claims}.values())
    if len(kept) > MOST_CLAIMS:
        weight = {"contradicted": 0, "unwitnessed": 1, "confirmed": 2}
        kept = sorted(kept, key=lambda part: weight[part.verdict])[:MOST_CLAIMS]
    return tuple(kept)


def _tame(value: Any, depth: int = 0) -> Any:
    """Return the value without what is nested too deeply and without numbers that no count can be."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, dict):
        return {str(key): _tame(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_tame(inner, depth + 1) for inner in value]
    return None if isinstance(value, (int, float)) and not abs(value) < _LARGEST_NUMBER else value


class _Reading:
    """One walk through a report."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._files = FileClaims(evidence)
        self._outcomes = Outcomes(evidence)
        self._tests = TestClaims(evidence, self._files, self._outcomes)
        self._schema = SchemaClaims(evidence, self._files)
        self._dependencies = DependencyClaims(evidence)
        self._symbols = SymbolClaims(evidence)
        self._values = 0

    def claims(self, report: Any) -> Iterator[ClaimPart]:
        """Yield all claims of a JSON value, then what its lists leave out."""
        yield from self._value("", report, 0)
        yield from self._dependencies.left_out()
        yield from self._files.left_out()

    def prose(self, text: str) -> Iterator[ClaimPart]:
        """Yield the claims of running text, with the files that its list items name."""
        yield from sentence_claims(text, self._evidence)
        yield from self._tests.numbers(text)
        for line in text[:60_000].splitlines()[:1_000]:
            path, action = entry_of(line.replace("`", "").replace("**", ""))
            if path and action and action not in ("look", "either"):
                yield from self._files.file(path, action)

    def _value(self, key: str, value: Any, depth: int) -> Iterator[ClaimPart]:
        self._values += 1
        if depth > _DEEPEST or self._values > _MOST_VALUES or value is None:
            return
        if isinstance(value, dict):
            yield from self._dict(key, value, depth)
        elif isinstance(value, list):
            for entry in value:
                yield from self._value(key, entry, depth + 1)
        elif isinstance(value, str):
            yield from sentence_claims(value, self._evidence)
            yield from self._tests.numbers(value)

    def _dict(self, key: str, value: dict[Any, Any], depth: int) -> Iterator[ClaimPart]:
        if path_of(first_of(value, PATH_KEYS), sure=True) and any(action_of(inner) for inner in value.values()):
            yield from self._files.entry(value)
        elif (name := entry_name(value)) and kind_of(words(name)) and is_outcome([], value):
            yield from self._outcomes.claims(name, value)
        else:
            for name, inner in value.items():
                yield from self._field(str(name), inner, depth)

    def _field(self, key: str, value: Any, depth: int) -> Iterator[ClaimPart]:
        """Yield the claims of one field by what its key means."""
        pieces = words(key)
        present = set(pieces)
        if present & _NO_CLAIM and not present & {"passed", "passing"}:
            return
        if "coverage" in present and not isinstance(value, bool):
            yield from self._outcomes.claims(key, value, "tests")
        elif self._schema.concerns(pieces, value):
            yield from self._schema.claims(key, value)
        elif self._dependencies.concerns(pieces, value):
            yield from self._dependencies.claims(key, value)
        elif present & _CHECKLISTS:
            yield from self._ticks(value)
        elif kind_of(pieces) == "tests" and not self._fails_as_tests(pieces, value):
            yield from self._tests.claims(key, value)
        elif names_check(pieces) and (isinstance(value, (dict, list)) or is_outcome(pieces, value)):
            yield from self._outcomes.claims(key, value)
        elif (present & _FILES and not isinstance(value, str)) or (
            isinstance(value, (list, dict)) and action_in_key(pieces) and _paths_in(value)
        ):
            yield from self._files.listed(key, value)
            if isinstance(value, (list, dict)):
                yield from self._prose_in(value, depth)
        elif self._symbols.concerns(pieces, value):
            yield from self._symbols.claims(key, value)
        elif isinstance(value, str) and (action_in_key(pieces) or present & _FILES) and entry_of(value.split(",")[0])[0]:
            yield from self._files.listed(key, value)
        else:
            yield from self._value(key, value, depth + 1)

    def _fails_as_tests(self, pieces: list[str], value: Any) -> bool:
        """Whether a field is about checks although it names tests, such as a list of commands."""
        return isinstance(value, list) and bool({"commands", "results"} & set(pieces)) and not _paths_in(value)

    def _prose_in(self, value: Any, depth: int) -> Iterator[ClaimPart]:
        """Yield the claims of the sentences inside a list of files."""
        for entry in value if isinstance(value, list) else value.values():
            if isinstance(entry, dict):
                for inner in entry.values():
                    if isinstance(inner, str) and " " in inner:
                        yield from self._value("", inner, depth + 1)

    def _ticks(self, value: Any) -> Iterator[ClaimPart]:
        """Yield the items of a checklist that are said to be met: only what a check measured could show it."""
        entries = value.items() if isinstance(value, dict) else ((None, entry) for entry in value) if isinstance(value, list) else ()
        for name, entry in entries:
            item = name if name is not None else entry
            if isinstance(entry, dict):
                item = first_of(entry, ("item", "name", "criterion", "requirement", "text", "title", "description")) or name
            if isinstance(item, str) and isinstance(entry, (str, bool, dict)):
                yield from self._tick(item, entry)

    def _tick(self, item: str, entry: Any) -> Iterator[ClaimPart]:
        said = (
            entry
            if not isinstance(entry, dict)
            else first_of(entry, ("met", "done", "status", "checked", "passed", "satisfied", "ok", "completed"))
        )
        if said in (None, False) or (
            isinstance(said, str) and said.strip().lower() in ("no", "false", "fail", "failed", "n/a", "not met", "partial")
        ):
            return
        spoken = list(sentence_claims(item, self._evidence))
        yield from spoken or [claim(f"checklist: {clean(item, 160)}", Judged("unwitnessed", "nothing measured this item"))]


def _paths_in(value: Any) -> bool:
    entries = value if isinstance(value, list) else list(value) if isinstance(value, dict) else []
    return any(
        bool(entry_of(entry)[0])
        if isinstance(entry, str)
        else isinstance(entry, dict) and bool(path_of(first_of(entry, PATH_KEYS), sure=True))
        for entry in entries[:50]
    )
