"""Tools and boundary: what is written holds, and what cannot be understood leaves the agent read-only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aigentflow.definitions.agentfile import parse_agent
from aigentflow.definitions.values import AgentDefinition


def agent(front: str) -> AgentDefinition:
    return parse_agent(f"---\nagent: a\n{front}\n---\nBody\n", Path("/w/.aigentflow/agents/a.md"), "workspace")


def errors(definition: AgentDefinition) -> list[str]:
    return [definition.text[problem.span.start : problem.span.end] for problem in definition.problems if problem.severity == "error"]


@pytest.mark.parametrize(
    "tools",
    [
        "tools: [Read, Edit, Bash]",
        "tools: Read, Edit, Bash",
        "tools: read, EDIT,bash,",
        "tools: Read Edit Bash",
        "tools:\n  - Read\n  - Edit\n  - Bash",
    ],
)
def test_tools_are_read_however_they_are_written(tools: str) -> None:
    definition = agent(tools)
    assert (definition.tools, definition.read_only, definition.problems) == (("Read", "Edit", "Bash"), False, ())


def test_an_unknown_tool_is_kept_and_told() -> None:
    definition = agent("tools: [Read, Write, mcp__tickets__find, Gerp]")
    assert definition.tools == ("Read", "Write", "mcp__tickets__find", "Gerp")
    assert [problem.severity for problem in definition.problems] == ["info", "info"]
    assert "did you mean 'Grep'" in definition.problems[1].message


def test_without_tools_an_agent_may_edit_but_not_run_commands() -> None:
    assert "Bash" not in agent("model: x").tools
    assert not agent("model: x").read_only
    assert "Bash" in agent('tools: ["*"]').tools


@pytest.mark.parametrize(
    "front", ["tools: [Read, Grep]", "tools: []", "tools: [Read, Write(docs/**)]", "read_only: true", "permissionMode: plan"]
)
def test_without_a_tool_that_edits_an_agent_is_read_only(front: str) -> None:
    definition = agent(front)
    assert definition.read_only
    assert not {"Write", "Edit"} & set(definition.tools)
    assert errors(definition) == []


def test_taken_tools_are_gone() -> None:
    assert agent("tools: [Read, Write, Edit, Bash]\ndisallowedTools: Bash(rm *), write").tools == ("Read", "Edit")


def test_a_boundary_is_read() -> None:
    definition = agent("boundaries:\n  allow: ['apps/**', '!apps/x/**']\n  deny:\n    - z/**\n    - {pattern: y/**, owner: ops}")
    assert definition.allow == ("apps/**", "!apps/x/**")
    assert [(entry.pattern, entry.owner) for entry in definition.deny] == [("z/**", None), ("y/**", "ops")]
    allow = definition.spans["boundaries.allow"]
    assert definition.text[allow.start : allow.end] == "['apps/**', '!apps/x/**']"


def test_a_boundary_in_one_line_is_split_outside_of_braces() -> None:
    assert agent("boundaries: {allow: 'a/**/*.{ts,tsx}, b/**'}").allow == ("a/**/*.{ts,tsx}", "b/**")


def test_a_boundary_that_only_forbids_leaves_the_rest_to_others() -> None:
    definition = agent("boundaries: {deny: [x/**]}")
    assert (definition.allow, definition.read_only) == (None, False)


@pytest.mark.parametrize(
    ("front", "where"),
    [
        ("tools: {Read: true}", "{Read: true}"),
        ("tools: [{RELEVANT_TOOLS}]", "[{RELEVANT_TOOLS}]"),
        ("tools:", "tools"),
        ("tools: [Read, [Write]]", "[Read, [Write]]"),
        ("tools: [Read, Write", "[Read, Write"),
        ("read_only: maybe", "maybe"),
        ("read_only: [true]", "[true]"),
        ("readonly: true", "readonly"),
        ("boundarys: {allow: [a/**]}", "boundarys"),
        ("boundaries: everywhere", "everywhere"),
        ("boundaries:", "boundaries"),
        ("boundaries: {allow: {a: b}}", "{a: b}"),
        ("boundaries: {allow: [a/**], denny: [a/x/**]}", "denny"),
        ("boundaries: {deny: [[a]]}", "[[a]]"),
        ("boundaries: {allow: }", "allow"),
        ("boundaries:\n  allow: [**/x]", "allow: [**/x]"),
        ("tools: [Read]\ntools: [Read, Write]", "tools"),
        ("boundaries: {allow: [a], allow: [b]}", "boundaries"),
        ("permissions: {edit: deny}", "permissions"),
        ("disallowedTools: {Bash: true}", "{Bash: true}"),
        ("description: so: it is\nreadonly: true", "readonly"),
        ("description: so: it is\npermissions: {edit: deny}", "permissions"),
    ],
)
def test_a_restriction_that_is_not_understood_makes_the_agent_read_only(front: str, where: str) -> None:
    definition = agent(front)
    assert definition.read_only
    assert not {"Write", "Edit", "Bash"} & set(definition.tools)
    assert definition.allow == ()
    assert errors(definition) == [where]


def test_a_misspelling_of_something_harmless_is_only_told() -> None:
    definition = agent("modell: opus\ncolor: red\nwhatever: 1")
    assert [(problem.message, problem.severity) for problem in definition.problems] == [
        ("Unknown field 'modell'; did you mean 'model'?", "warning")
    ]
    assert not definition.read_only


@pytest.mark.parametrize("entry", ["", "/etc/**", "~/x/**", "$SRC/**", "../x/**", "[", "file:///x", "./"])
def test_an_allow_entry_that_gives_nothing_is_told_where_it_stands(entry: str) -> None:
    definition = agent(f"boundaries: {{allow: [src/**, {json.dumps(entry or ' .')}]}}")
    assert definition.allow is not None and definition.allow[0] == "src/**" and not definition.read_only
    (problem,) = definition.problems
    assert (problem.severity, problem.code) == ("warning", "boundary.entry")
    assert (entry or ".") in definition.text[problem.span.start : problem.span.end]


@pytest.mark.parametrize(
    "boundaries", ["{deny: [src/x, '[']}", "{allow: [src/**, '![']}", "{deny: ['~/x']}", "{deny: [{pattern: '$A/**'}]}"]
)
def test_a_restriction_whose_pattern_means_nothing_leaves_the_agent_read_only(boundaries: str) -> None:
    definition = agent(f"boundaries: {boundaries}")
    assert (definition.read_only, definition.allow) == (True, ())
    assert len(errors(definition)) == 1
