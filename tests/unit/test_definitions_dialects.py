"""Files of other dialects: named and listed, not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from aigentflow.definitions.agentfile import parse_agent


@pytest.mark.parametrize(
    ("path", "front", "dialect", "name"),
    [
        (".claude/agents/a.md", "name: reviewer\ndescription: x\ntools: Read, Grep\nmodel: inherit", "claude-code", "reviewer"),
        (".aigentflow/agents/a.md", "name: reviewer\ndescription: x", "claude-code", "reviewer"),
        (".claude/agents/a.md", "description: x", "claude-code", "a"),
        (".claude/agents/a.md", 'name: critic\ndescription: so: it is\\n\\nuser: "x"\ncolor: red', "claude-code", "critic"),
        (".aigentflow/agents/plan.agent.md", "description: x\ntools: ['search/codebase']", "copilot", "plan"),
        (".aigentflow/agents/ask.chatmode.md", "description: x", "copilot", "ask"),
        (".aigentflow/agents/a.md", "name: API Architect\ndescription: x\nhandoffs: []", "copilot", "API Architect"),
        (".aigentflow/agents/a.md", "description: x\nmode: subagent", "opencode", "a"),
        (".aigentflow/agents/a.md", "description: x\ntools: {write: false}", "opencode", "a"),
        (".aigentflow/agents/a.md", "name: g\ndescription: x\nkind: local\nmax_turns: 5", "gemini", "g"),
        (".aigentflow/agents/a.md", "title: Notes", "plain", "a"),
    ],
)
def test_a_dialect_is_named(path: str, front: str, dialect: str, name: str) -> None:
    definition = parse_agent(f"---\n{front}\n---\nBody", Path("/w") / path, "workspace")
    assert (definition.dialect, definition.id, definition.runnable, definition.read_only) == (dialect, name, False, True)
    assert "read in a later version" in definition.problems[-1].message
    assert definition.problems[-1].severity == "info"


def test_a_file_without_front_matter_is_plain() -> None:
    definition = parse_agent("You are a helper.", Path("/w/.aigentflow/agents/helper.md"), "workspace")
    assert (definition.dialect, definition.id, definition.commands) == ("plain", "helper", ())


@pytest.mark.parametrize(
    ("front", "where"), [("agent: [a]", "[a]"), ("agent:", "agent"), ("agent: two words", "two words"), ("agent: ../x", "../x")]
)
def test_a_name_that_names_nothing_is_not_run(front: str, where: str) -> None:
    definition = parse_agent(f"---\n{front}\n---\n", Path("/w/.aigentflow/agents/stem.md"), "workspace")
    assert (definition.id, definition.dialect, definition.runnable) == ("stem", "aigentflow", False)
    problem = definition.problems[0]
    assert (definition.text[problem.span.start : problem.span.end], problem.severity) == (where, "error")


@pytest.mark.parametrize(
    ("tools", "listed"),
    [
        ("tools: Read, grep, Bash(git *)", ("Read", "Grep", "Bash(git *)")),
        ("tools:\n  - Read\n  - mcp__x__y", ("Read", "mcp__x__y")),
        ("tools: {read: true, write: false, mcp*: true}", ("Read", "mcp*")),
        ("tools: []", ()),
        ("tools: [{RELEVANT_TOOLS}]", ()),
        ("color: red", ("*",)),
    ],
)
def test_the_tools_of_other_dialects_are_listed_by_our_names(tools: str, listed: tuple[str, ...]) -> None:
    definition = parse_agent(f"---\nname: n\ndescription: d\n{tools}\n---\nBody", Path("/w/.claude/agents/a.md"), "workspace")
    assert (definition.tools, definition.read_only, definition.runnable) == (listed, True, False)


def test_a_field_of_another_dialect_ends_the_one_before_it() -> None:
    text = "---\ndescription: Use it: always\nglobs: **/*.ts\nalwaysApply: false\n---\nBody"
    assert parse_agent(text, Path("/w/.claude/agents/a.md"), "workspace").description == "Use it: always"
