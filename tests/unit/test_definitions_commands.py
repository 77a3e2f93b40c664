"""Commands as agent files declare them, and what an agent gets that declares none."""

from __future__ import annotations

from pathlib import Path

import pytest

from aigentflow.definitions.agentfile import parse_agent
from aigentflow.definitions.commands import fill
from aigentflow.definitions.values import AgentDefinition

COMPLETE = "{id: x, title: X, task: do it, on: [file]"


def agent(front: str, body: str = "- [ ] item\n") -> AgentDefinition:
    return parse_agent(f"---\nagent: a\n{front}\n---\n{body}", Path("/w/.aigentflow/agents/a.md"), "workspace")


def told(definition: AgentDefinition) -> list[str]:
    return [definition.text[problem.span.start : problem.span.end] for problem in definition.problems]


def test_a_command_with_everything() -> None:
    definition = agent(
        "commands:\n  - id: add-tests\n    title: Test {symbol}\n    task: >-\n      Write\n      tests\n"
        "    on: [method, function, method]\n"
        "    languages: [typescript]\n    files: src/**/*.{ts,tsx}\n    kind: refactor.extract\n    result: report\n    ask: Which?"
    )
    (command,) = definition.commands
    assert (command.id, command.title, command.task, command.on) == ("add-tests", "Test {symbol}", "Write tests", ("method", "function"))
    assert (command.languages, command.files, command.kind) == (("typescript",), ("src/**/*.{ts,tsx}",), "refactor.extract")
    assert (command.result, command.ask, definition.problems) == ("report", "Which?", ())


def test_defaults_of_a_command() -> None:
    file, gap = agent(f"commands: [{COMPLETE}}}, {{id: y, title: Y, task: fix, on: gap}}]").commands
    assert (file.kind, file.result, file.files, file.ask) == ("refactor.rewrite.aigentflow", "edit", (), None)
    assert (gap.kind, gap.on) == ("quickfix", ("gap",))


def test_an_agent_without_commands_gets_two() -> None:
    run, fix = agent("model: x").commands
    assert (run.title, run.on) == ("Run a on {selection}", ("file", "selection"))
    assert (fix.title, fix.on, fix.kind) == ("Fix gap with a: {gap}", ("gap",), "quickfix")
    assert [command.id for command in agent("model: x", body="no checklist").commands] == ["run"]
    assert agent("commands: []").commands == ()


@pytest.mark.parametrize(
    ("commands", "where"),
    [
        ("commands: run it", "run it"),
        ("commands: {id: x}", "{id: x}"),
    ],
)
def test_unreadable_commands_leave_the_two(commands: str, where: str) -> None:
    definition = agent(commands)
    assert [command.id for command in definition.commands] == ["run", "fix-gap"]
    assert told(definition) == [where]


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ("just words", "just words"),
        ("{id: x, title: X, on: [file]}", "{id: x, title: X, on: [file]}"),
        ("{id: x, title: [X], task: t, on: [file]}", "[X]"),
        ("{id: a b, title: X, task: t, on: [file]}", "a b"),
        ("{id: x, title: X, task: t, on: {file: 1}}", "{file: 1}"),
        ("{id: x, title: X, task: t, on: [nowhere]}", "nowhere"),
    ],
)
def test_a_broken_command_is_left_out_alone(command: str, where: str) -> None:
    definition = agent(f"commands:\n  - {command}\n  - {{id: good, title: G, task: g, on: [file]}}")
    assert [command.id for command in definition.commands] == ["good"]
    assert told(definition) == [where]


@pytest.mark.parametrize(
    ("field", "where"),
    [
        ("languages: {a: b}", "{a: b}"),
        ("kind: do it", "do it"),
        ("ask: [x]", "[x]"),
        ("titel: y", "titel"),
        ("on: [file, methods]", "methods"),
    ],
)
def test_a_broken_field_costs_that_field(field: str, where: str) -> None:
    base = COMPLETE.replace(", on: [file]", "") if field.startswith("on") else COMPLETE
    definition = agent(f"commands: [{base}, {field}}}]")
    assert [command.id for command in definition.commands] == ["x"]
    assert told(definition) == [where]


def test_a_result_that_is_not_understood_changes_nothing() -> None:
    definition = agent(f"commands: [{COMPLETE}, result: raport}}]")
    assert definition.commands[0].result == "report"
    assert [problem.severity for problem in definition.problems] == ["error"]


def test_the_same_id_twice() -> None:
    definition = agent(f"commands: [{COMPLETE}}}, {COMPLETE}}}]")
    assert len(definition.commands) == 1
    assert [problem.code for problem in definition.problems] == ["command.repeated"]


def test_filling_goes_over_the_template_once() -> None:
    places = {"file": "$ARGUMENTS", "gap": "{file}"}
    assert (
        fill("{file} {gap} {other} {symbol} $ARGUMENTS $HOME {}", places, {"ARGUMENTS": "{gap}"})
        == "$ARGUMENTS {file} {other} {symbol} {gap} $HOME {}"
    )


def test_a_glob_that_matches_nothing_is_told_and_kept() -> None:
    definition = agent('commands:\n  - {id: a, title: A, task: a, on: [file], files: ["[", src/**]}')
    assert definition.commands[0].files == ("[", "src/**")
    assert [problem.code for problem in definition.problems] == ["command.files"]
