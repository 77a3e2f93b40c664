"""What is kept of a final answer, what is told while a run goes on, and what an event looks like as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from aigentflow.redaction import Redactor
from aigentflow.runtime.events import (
    Event,
    Noted,
    Refused,
    RunStarted,
    Text,
    Thinking,
    ToolAnswered,
    ToolCalled,
    TurnStarted,
    UsageChanged,
    Waiting,
    from_json,
    to_json,
)
from aigentflow.runtime.report import faults, lines_changed, report_of
from aigentflow.runtime.telling import Teller, for_display
from aigentflow.workspace.diff import hunks
from aigentflow.workspace.proposal import Base, FileChange, Proposal

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"summary": {"type": "string"}}, "required": ["summary"]}
NOTHING = Proposal()


def change(path: str, before: str, after: str) -> FileChange:
    return FileChange(path, "modify", Base(before, "", None), after, hunks(path, before, after))


@pytest.mark.parametrize(
    "text", ['{"summary": "x"}', 'Done:\n```json\n{"summary": "x"}\n```', '{"summary": "x", "verification": "nonsense"}']
)
def test_an_answer_that_meets_the_contract(text: str) -> None:
    assert faults(text, SCHEMA) == [] and report_of(text, SCHEMA, NOTHING).value == {"summary": "x"}


@pytest.mark.parametrize("text", ["", "Done.", '{"summary": 7}', "{}", '{"summary": "cut o'])
def test_an_answer_that_does_not(text: str) -> None:
    report = report_of(text, SCHEMA, NOTHING)
    assert faults(text, SCHEMA) and report.format == "unstructured" and report.value == (text or None)


def test_without_a_contract_the_text_is_the_report() -> None:
    report = report_of("Done.", None, NOTHING)
    assert (report.value, report.format) == ("Done.", "text")


def test_what_the_agent_said_is_kept_for_the_audit() -> None:
    said = report_of('{"summary": "x", "verification": {"tests": "pass"}}', SCHEMA, NOTHING)
    assert said.value == {"summary": "x"} and said.said == {"summary": "x", "verification": {"tests": "pass"}}
    assert report_of("All tests pass.", SCHEMA, NOTHING).said == report_of("All tests pass.", None, NOTHING).said == "All tests pass."


def test_lines_are_put_in_as_measured() -> None:
    proposal = Proposal((change("a.ts", "1\n", "2\n"),))
    answer = '{"files": [{"path": "./a.ts", "linesChanged": 99}, {"path": "b.ts"}, "c.ts"]}'
    assert report_of(answer, {"type": "object"}, proposal).value == {
        "files": [{"path": "./a.ts", "linesChanged": 1}, {"path": "b.ts", "linesChanged": 0}, "c.ts"]
    }


@pytest.mark.parametrize(
    "answer", ['{"files": "all of them"}', '{"files": [1, {"path": 2}]}', '{"verification": []}', '{"tests": {}}', "[1]"]
)
def test_odd_shapes_do_no_harm(answer: str) -> None:
    assert report_of(answer, {}, Proposal((change("a.ts", "1\n", "2\n"),))).format == "json"


@pytest.mark.parametrize(
    ("before", "after", "lines"), [("a\nb\nc\n", "a\nX\nc\n", 1), ("a\n", "a\nb\nc\n", 2), ("a\nb\nc\n", "c\n", 2), ("a", "b", 1)]
)
def test_changed_lines_are_counted_by_us(before: str, after: str, lines: int) -> None:
    assert lines_changed(change("a.ts", before, after)) == lines


EVENTS: tuple[Event, ...] = (
    RunStarted("r", "a", "m", ("Read",), True),
    TurnStarted(1),
    Thinking("t"),
    Text("t"),
    ToolCalled("Read", "a.ts", "1"),
    ToolAnswered("Read", "1", False, "ok"),
    Refused("Edit", "b.ts", "no", "deny", "b/**", "owner"),
    UsageChanged(1, 2, 3, 4, None),
    Waiting("busy", 0.5),
    Noted("n"),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_events_survive_json_and_new_keys(event: Event) -> None:
    assert from_json({**to_json(event), "added_later": 1}) == event


def test_display_text_is_plain() -> None:
    assert for_display("a\x1b[1mb\x1b[0m\x1b]0;title\x07c\u202ed\u200be\r\nf\tg\x9b") == "abcde\nf\tg"


class Clock:
    """Moves only when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def told() -> Iterator[list[Event]]:
    yield []


def test_small_pieces_are_put_together_and_order_is_kept(told: list[Event]) -> None:
    clock = Clock()
    teller = Teller(told.append, Redactor({}), clock)
    for piece in ("a", "b"):
        teller(Text(piece))
    teller(Thinking("c"))
    teller(TurnStarted(2))
    teller(Text("d"))
    clock.now = 1.0
    teller(Text("e"))
    assert told == [Text("ab"), Thinking("c"), TurnStarted(2), Text("de")]


def test_secrets_and_control_characters_are_in_no_event(told: list[Event]) -> None:
    secret = "very-secret-value-1"
    teller = Teller(told.append, Redactor({"MY_TOKEN": secret}), Clock())
    dirty = f"\x1b[2Jkey {secret}"
    for event in (
        Text(dirty),
        Noted(dirty),
        Waiting(dirty, 1),
        ToolCalled(dirty, dirty, "1"),
        ToolAnswered(dirty, "1", False, dirty),
        Refused(dirty, dirty, dirty),
    ):
        teller(event)
    assert len(told) == 6 and secret not in repr(told) and "\\x1b" not in repr(told)
    assert teller.notes == ["key [redacted]"]
