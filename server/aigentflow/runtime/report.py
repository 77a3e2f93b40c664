"""The agent's final answer: held against its contract, and what it says of the work held against the record of the work.

What the server measures itself (`verification`, `linesChanged`) is taken out of the answer: the model's word on it is a claim.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aigentflow.definitions.contract import extract_json, validate
from aigentflow.runtime.result import ClaimPart
from aigentflow.workspace.proposal import FileChange, Proposal

Verdict = Literal["confirmed", "contradicted", "unwitnessed"]
_MOST_CLAIMS = 200


@dataclass(frozen=True)
class Report:
    """What is kept of the final answer."""

    value: Any
    format: Literal["json", "text", "unstructured"]
    claims: tuple[ClaimPart, ...] = ()


def faults(text: str, schema: Mapping[str, Any] | None) -> list[str]:
    """Return what keeps the answer from meeting the contract; empty where it meets it or there is none."""
    if schema is None:
        return []
    value = extract_json(text)
    if value is None:
        return ["there is no JSON object in it"]
    return validate(schema, _without_measured(value))


def repair_request(problems: list[str], schema: Mapping[str, Any]) -> str:
    """Return what is said to the model, once, about an answer that does not meet the contract."""
    listed = "\n".join(f"- {problem}" for problem in problems[:20])
    shape = json.dumps(schema, ensure_ascii=False, sort_keys=True)
    return (
        f"Your answer does not have the form that was asked for:\n{listed}\n"
        f"Answer again with one JSON object and nothing else, no prose and no fence. It must meet this JSON Schema:\n{shape}"
    )


def report_of(text: str, schema: Mapping[str, Any] | None, proposal: Proposal, exists: Callable[[str], bool]) -> Report:
    """Return the report of a run; an answer that does not meet the contract is kept as text."""
    if schema is None:
        return Report(text or None, "text")
    value = extract_json(text)
    if value is None or validate(schema, _without_measured(value)):
        return Report(text or None, "unstructured")
    claims = tuple(_claims(value, proposal, exists))[:_MOST_CLAIMS]
    return Report(_with_lines(_without_measured(value), proposal), "json", claims)


def lines_changed(change: FileChange) -> int:
    """Return how many lines a change touches: of each hunk the larger of the lines before and after."""
    if change.kind == "delete":
        return change.base.text.count("\n") + 1 if change.base is not None else 0
    return sum(max(_lines(hunk.old), _lines(hunk.edit.new)) for hunk in change.hunks)


def _lines(text: str) -> int:
    return text.count("\n") + (0 if text.endswith("\n") or not text else 1)


def _without_measured(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kept = {key: item for key, item in value.items() if key != "verification"}
    files = kept.get("files")
    if isinstance(files, list):
        kept["files"] = [_without_lines(file) for file in files]
    return kept


def _without_lines(file: Any) -> Any:
    return {key: item for key, item in file.items() if key != "linesChanged"} if isinstance(file, dict) else file


def _with_lines(value: Any, proposal: Proposal) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("files"), list):
        return value
    measured = {change.path: lines_changed(change) for change in proposal.changes}
    files = [
        {**file, "linesChanged": measured.get(_path(file), 0)} if isinstance(file, dict) and _path(file) else file
        for file in value["files"]
    ]
    return {**value, "files": files}


def _claims(value: Any, proposal: Proposal, exists: Callable[[str], bool]) -> Iterator[ClaimPart]:
    if not isinstance(value, dict):
        return
    verification = value.get("verification")
    if isinstance(verification, dict):
        for name, said in verification.items():
            yield ClaimPart(claim=f"{name}: {_short(said)}", verdict="unwitnessed")
    if isinstance(value.get("files"), list):
        yield from _file_claims([file for file in value["files"] if isinstance(file, dict)], proposal)
    for test in value["tests"] if isinstance(value.get("tests"), list) else ():
        if isinstance(test, dict) and isinstance(test.get("file"), str):
            there = exists(_clean(test["file"]))
            yield ClaimPart(claim=f"tests in {_short(test['file'])}", verdict="unwitnessed" if there else "contradicted")


def _file_claims(files: list[dict[str, Any]], proposal: Proposal) -> Iterator[ClaimPart]:
    kinds = {change.path: change.kind for change in proposal.changes}
    for file in files:
        if path := _path(file):
            action = str(file.get("action", "change"))
            yield ClaimPart(claim=f"{_short(action)} {path}", verdict=_verdict(action, kinds.get(path)))
    listed = {_path(file) for file in files}
    for path in kinds:
        if path not in listed:
            yield ClaimPart(claim=f"files: leaves out {path}, which changed", verdict="contradicted")


def _verdict(action: str, kind: str | None) -> Verdict:
    if kind is None:
        return "contradicted"
    # Other words than these say nothing that could be held against the kind of the change.
    expected = {"create": ("create", "rename"), "modify": ("modify", "rename"), "delete": ("delete",)}.get(action.lower())
    return "confirmed" if expected is None or kind in expected else "contradicted"


def _path(file: Any) -> str:
    path = file.get("path") if isinstance(file, dict) else None
    return _clean(path) if isinstance(path, str) else ""


def _clean(path: str) -> str:
    return path.strip().removeprefix("./")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())[:200]
