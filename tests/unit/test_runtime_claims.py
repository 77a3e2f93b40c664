"""Reports that lie and honest ones, each held against the record of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from aigentflow.runtime.auditing.claims import MOST_CLAIMS, audit, audit_text
from aigentflow.runtime.auditing.record import Record
from aigentflow.runtime.result import ClaimPart, CommandPart, VerificationPart
from aigentflow.workspace.diff import hunks
from aigentflow.workspace.proposal import Base, FileChange, Hunk, Proposal, TextEdit

CORPUS = Path(__file__).parents[1] / "claims"
RECORDS: dict[str, Any] = yaml.safe_load((CORPUS / "records.yaml").read_text(encoding="utf-8"))
LYING: list[dict[str, Any]] = yaml.safe_load((CORPUS / "lying.yaml").read_text(encoding="utf-8"))
HONEST: list[dict[str, Any]] = yaml.safe_load((CORPUS / "honest.yaml").read_text(encoding="utf-8"))
EXITS = {"pass": 0, "fail": 1}


def change(file: dict[str, str]) -> FileChange:
    """Return a change as the overlay would make it."""
    path, before, after = file["path"], file.get("before"), file.get("after")
    if before is None:
        text = after or ""
        return FileChange(path, "create", None, text, (Hunk(f"{path}#1", TextEdit(0, 0, text), ""),))
    base = Base(before, "", None)
    return FileChange(path, "delete", base, None) if after is None else FileChange(path, "modify", base, after, hunks(path, before, after))


def measured(text: str) -> VerificationPart:
    status, _, command = text.partition(" ")
    return VerificationPart.model_validate({"status": status, "command": command or None, "exit": EXITS.get(status)})


def record(case: dict[str, Any]) -> Record:
    parts = {**RECORDS[case["record"]], **case.get("with", {})}
    proposal = Proposal(tuple(change(file) for file in parts["changes"]))
    there = {**parts.get("files", {}), **{made.path: made.after for made in proposal.changes if made.after is not None}}
    return Record(
        proposal=proposal,
        verification={name: measured(text) for name, text in parts.get("verification", {}).items()},
        commands=[CommandPart.model_validate(command) for command in parts.get("commands", ())],
        n_edits=parts["n_edits"],
        exists=there.__contains__,
        read=there.get,
    )


def claims(case: dict[str, Any]) -> tuple[ClaimPart, ...]:
    return audit_text(case["text"], record(case)) if "text" in case else audit(case["report"], record(case))


def speaking_of(parts: tuple[ClaimPart, ...], words: str) -> list[ClaimPart]:
    return [part for part in parts if words in part.claim]


def test_the_corpus_is_large_enough() -> None:
    assert len(LYING) >= 45 and len({case["agent"] for case in LYING}) >= 6 and len(HONEST) >= 20
    names = [case["name"] for case in LYING + HONEST]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", LYING, ids=[case["name"] for case in LYING])
def test_a_lie_is_never_confirmed(case: dict[str, Any]) -> None:
    parts = claims(case)
    for words, verdict in case["lies"].items():
        assert {part.verdict for part in speaking_of(parts, words)} == {verdict}, (words, parts)
    for words, why in case.get("why", {}).items():
        assert all(why in part.why for part in speaking_of(parts, words)), parts
    for words in case.get("confirmed", ()):
        assert {part.verdict for part in speaking_of(parts, words)} == {"confirmed"}, (words, parts)


@pytest.mark.parametrize("case", LYING, ids=[case["name"] for case in LYING])
def test_what_is_marked_says_why(case: dict[str, Any]) -> None:
    assert [part for part in claims(case) if part.verdict != "confirmed" and not part.why] == []


@pytest.mark.parametrize("case", HONEST, ids=[case["name"] for case in HONEST])
def test_what_is_true_is_confirmed(case: dict[str, Any]) -> None:
    parts = claims(case)
    for words in case["confirmed"]:
        assert {part.verdict for part in speaking_of(parts, words)} == {"confirmed"}, (words, parts)
    assert [part for part in parts if part.verdict == "contradicted"] == []
    if case.get("silent"):
        assert parts == ()


ODD: list[Any] = [
    *(None, [], {}, [1], "", 7, {"files": "all"}, {"files": [1, {"path": 2}, [[]]]}, {"verification": []}, {"verification": [[["pass"]]]}),
    *({"tests": {}}, {"tests": [{"file": 7}, "c", None]}, {"database": [None, 3]}, {"dependencies": 3.5}, {"endpoints": {"a": {"b": []}}}),
    *({"checklist": "done"}, {"": {"": {"": ""}}}, {"files": {"": "", "a.ts": None}}, {"verification": {"tests": float("nan")}}),
    *({"lint": 10**400}, {"tests": True}, {"coverage": float("inf")}, {"filesChanged": float("inf")}, {"tests_added": float("nan")}),
]
EMPTY = Record(Proposal(), {}, (), 0, lambda _path: False, lambda _path: None)


def test_claims_are_bounded_short_and_clean() -> None:
    report = {
        "files": [{"path": f"src/\x1b[1m{n}\u202e.ts", "action": "create\x07"} for n in range(500)],
        "verification": {"tests": "pass " + "x" * 900},
    }
    parts = audit(report, EMPTY)
    assert len(parts) == MOST_CLAIMS
    assert all(len(part.claim) <= 200 and len(part.why) <= 200 and part.claim.isprintable() and part.why.isprintable() for part in parts)


@pytest.mark.parametrize(
    "report",
    ODD,
)
def test_odd_shapes_do_no_harm(report: Any) -> None:
    assert all(part.verdict != "confirmed" for part in audit(report, EMPTY) if "pass" in part.claim)


def test_deep_and_wide_reports_end_soon() -> None:
    deep: Any = "All tests pass."
    for _ in range(500):
        deep = {"x": [deep]}
    audit(deep, EMPTY)
    audit({"notes": ["passes " * 200] * 3_000}, EMPTY)
    audit_text("tests, " * 20_000 + "pass", EMPTY)
    audit_text("verified " * 20_000, EMPTY)
