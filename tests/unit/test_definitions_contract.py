"""The example of an answer read as a shape, and answers of models held against it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aigentflow.definitions.contract import REPORT_SCHEMA, extract_json, schema_from_example, validate


def schema(example: str) -> dict[str, Any]:
    found, problems = schema_from_example(example)
    assert problems == ()
    assert found is not None
    return found


def field(example: str) -> dict[str, Any]:
    found: dict[str, Any] = schema('{"a": ' + example + "}")["properties"]["a"]
    return found


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        ('"create|modify"', {"type": "string", "enum": ["create", "modify"]}),
        ('"not run | pass"', {"type": "string", "enum": ["not run", "pass"]}),
        ('"a" | "b"', {"enum": ["a", "b"]}),
        ("pass|fail", {"enum": ["pass", "fail"]}),
        ("1|2|3", {"enum": [1, 2, 3]}),
        ("true|false", {"type": "boolean"}),
        ("true", {"type": "boolean"}),
        ("42", {"type": "integer"}),
        ("0.5", {"type": "number"}),
        ('"number|null"', {"type": ["number", "null"]}),
        ('"text that has a | in it, and goes on and on"', {"type": "string", "description": "text that has a | in it, and goes on and on"}),
        ('"string"', {"type": "string"}),
        ('"boolean"', {"type": "boolean"}),
        ("string", {"type": "string"}),
        ("<count>", {}),
        ("null", {}),
        ("[]", {"type": "array"}),
        ("[…]", {"type": "array"}),
        ('["x", ...]', {"type": "array", "items": {"type": "string", "description": "x"}}),
        ("{}", {"type": "object", "properties": {}}),
        ('"x" | null', {"enum": ["x", None]}),
    ],
)
def test_values_of_the_example(example: str, expected: dict[str, Any]) -> None:
    assert field(example) == expected


def test_what_is_required() -> None:
    found = schema('{"a": {"first": "x", "second": "y"}, "b": [{"path": "x", "note": "y"}], "c?": 1, "d": {"e?": 1, "f": 2}}')
    assert found["required"] == ["a", "b", "d"]
    assert found["properties"]["a"]["required"] == ["first"]
    assert found["properties"]["b"]["items"]["required"] == ["path"]
    assert "required" not in found["properties"]["d"]


def test_what_the_server_measures_is_not_asked_for() -> None:
    found = schema('{"files": [{"path": "p", "linesChanged": 1}], "verification": {"tests": "pass|fail"}, "other": {"linesChanged": 1}}')
    assert found["required"] == ["files", "other"]
    assert list(found["properties"]["files"]["items"]["properties"]) == ["path"]
    assert "linesChanged" in found["properties"]["other"]["properties"]


def test_comments_commas_and_single_quotes() -> None:
    assert list(schema("{ // one\n 'a': 1, /* two */ b: 2, # three\n \"c\": [1, 2,], ...}")["properties"]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "example",
    ["", "{", '{"a": }', '{"a" 1}', "{" * 5000, "[" * 5000, '{"a": "', "just words", '"text"', "{" + '"a": {' * 2000, '{"a": 1' + "0" * 60],
)
def test_an_unreadable_example_is_told_and_asks_for_nothing(example: str) -> None:
    found, problems = schema_from_example(example)
    assert found is None
    assert [problem.severity for problem in problems] == ["warning"]
    assert all(0 <= problem.span.start <= problem.span.end <= len(example) or not example for problem in problems)


def test_an_answer_is_held_against_the_schema() -> None:
    found = schema('{"summary": "s", "files": [{"path": "p", "action": "create|modify"}], "ok": true|false}')
    assert validate(found, {"summary": "x", "files": [{"path": "a", "action": "modify", "more": 1}], "ok": True, "extra": []}) == []
    faults = validate(found, {"summary": 1, "files": [{"action": "move"}], "ok": "yes"})
    assert len(faults) == 4
    assert any(fault.startswith("files[0].action: 'move' is not one of") for fault in faults)
    assert any(fault.startswith("files[0]: 'path' is a required property") for fault in faults)
    assert validate(found, [])[0].startswith("the answer: ")


def test_faults_are_few_and_short() -> None:
    found = schema('{"files": [{"path": "p"}]}')
    faults = validate(found, {"files": [{"path": ["x" * 10_000]}] * 1000})
    assert len(faults) == 20
    assert all(len(fault) < 400 for fault in faults)


def test_the_report_of_a_reviewing_command() -> None:
    assert validate(REPORT_SCHEMA, {"summary": "s", "findings": [{"path": "a.ts", "line": 3, "message": "m"}]}) == []
    assert validate(REPORT_SCHEMA, {"summary": "s", "findings": [{"path": "a.ts", "line": 0, "message": "m"}]})


ANSWER = {"summary": "x", "files": [{"path": "a"}]}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ANSWER),
        f"Done. Here is the report:\n\n```json\n{json.dumps(ANSWER, indent=2)}\n```\nAnything else?",
        f"~~~\n{json.dumps(ANSWER)}\n~~~",
        f"I replaced `{{id}}` in the {{curly}} path.\n{json.dumps(ANSWER)} That is all :-}}",
        f"{json.dumps({'summary': 'first try'})}\n{json.dumps(ANSWER)}",
        f"{json.dumps(ANSWER)}\n{{}}",
        f"{json.dumps(ANSWER)}}}}}",
        '{"summary": "x", "files": [{"path": "a",},], // all\n}',
        'An "odd quote and then ' + json.dumps(ANSWER),
    ],
)
def test_the_answer_is_found(text: str) -> None:
    assert extract_json(text) == ANSWER


@pytest.mark.parametrize(
    "text",
    ["", "no object", "{", '{"summary": "x", "files": [{"path": "a"}', "{broken: yes|no}", '{"a": NaN}', "{" * 100_000, '{"a":' * 50_000],
)
@pytest.mark.timeout(30)
def test_there_is_no_answer(text: str) -> None:
    assert extract_json(text) is None


def test_lists_count_only_where_they_are_the_answer() -> None:
    assert extract_json('[{"a": 1}]') == [{"a": 1}]
    assert extract_json('Here:\n```json\n[{"a": 1}, {"a": 2}]\n```') == [{"a": 1}, {"a": 2}]
    assert extract_json('see [1] and [2]: {"a": [1]}') == {"a": [1]}


def test_raw_line_ends_in_strings_are_forgiven() -> None:
    assert extract_json('{"a": "one\ntwo"}') == {"a": "one\ntwo"}


@pytest.mark.parametrize("text", ["{a " * 300_000, '{"a":{' * 200_000 + "x", "```\n" * 300_000 + "[", '"' * 1_000_000 + "{"])
@pytest.mark.timeout(30)
def test_hostile_answers_cost_little(text: str) -> None:
    extract_json(text)
