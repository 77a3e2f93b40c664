"""The agent's final answer: held against its contract, with what the server measures itself taken out.

The model's word on `verification` and `linesChanged` is a claim; `auditing` holds it against the record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aigentflow.definitions.contract import extract_json, validate
from aigentflow.workspace.proposal import FileChange, Proposal


@dataclass(frozen=True)
class Report:
    """What is kept of the final answer."""

    value: Any
    format: Literal["json", "text", "unstructured"]
    said: Any = None
    """The answer as the agent gave it, for the audit: its JSON value, or its text."""


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


def report_of(text: str, schema: Mapping[str, Any] | None, proposal: Proposal) -> Report:
    """Return the report of a run; an answer that does not meet the contract is kept as text."""
    if schema is None:
        return Report(text or None, "text", said=text)
    value = extract_json(text)
    if value is None or validate(schema, _without_measured(value)):
        return Report(text or None, "unstructured", said=text)
    return Report(_with_lines(_without_measured(value), proposal), "json", said=value)


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


def _path(file: Any) -> str:
    path = file.get("path") if isinstance(file, dict) else None
    return path.strip().removeprefix("./") if isinstance(path, str) else ""
