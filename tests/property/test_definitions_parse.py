"""Reading never fails, whatever the text; what it says about places is true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aigentflow.data import data_folder
from aigentflow.definitions.agentfile import parse_agent
from aigentflow.definitions.context import fenced
from aigentflow.definitions.contract import extract_json, schema_from_example, validate
from aigentflow.definitions.lessons import rank_lessons
from aigentflow.definitions.project import parse_project
from aigentflow.definitions.prompt import PromptInputs, build_prompt
from aigentflow.definitions.values import AgentDefinition, Span

PATH = Path("/w/.aigentflow/agents/a.md")
FILES = (data_folder("agents") / "backend_dev.md", Path(__file__).parents[1] / "agents" / "data_engineer.md")
TEXTS = tuple(path.read_text(encoding="utf-8") for path in FILES)
PIECES = st.sampled_from(
    (
        *("---\n", "\n", "\r\n", "\r", "\t", "    ", "- [ ] ", "- ", "1. ", "> ", "# ", "## Rules\n", "```", "````json\n", "~~~\n"),
        *("`", "<!--", "-->", "$TASK_DESCRIPTION", "$X", "@docs/a.md", "@src/", "@a/**/*.{ts,tsx}", "@nestjs/config"),
        *("do not modify:\n", "(ops territory)", "`a/**`", "agent: a\n", "tools: [Read, Write]\n", "boundaries:\n", "  allow: [a/**]\n"),
        *("  deny: ", "commands:\n", "  - id: x\n", "output_format: json\n", "checks: {a: b}\n", "read_only: true\n", "{", "}", "[", "]"),
        *(":", ": ", "&a ", "*a", "!!x ", "|\n", ">-\n", "? ", "\x00", "\ufeff", "\u2028", "é", "𝄞", "===\n", "---", "|a|b|\n", "\\"),
        *('{"a": "x|y", "b": true|false}\n', "<!-- check: unit-tests -->", '"', "'"),
    )
)
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def broken_files(draw: st.DrawFn) -> str:
    """Return an agent file with pieces cut out, doubled and put in."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 400)))
        text = text[:start] + draw(PIECES) * draw(st.integers(0, 3)) + text[end:]
    return text


@st.composite
def made_up_files(draw: st.DrawFn) -> str:
    """Return pieces of agent files in any order."""
    return "".join(draw(st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=60)))


def check(text: str) -> AgentDefinition:
    definition = parse_agent(text, PATH, "workspace")
    spans = [definition.body, *definition.spans.values(), *(problem.span for problem in definition.problems)]
    spans += [span for section in definition.sections for span in (section.heading, section.body)]
    assert all(0 <= span.start <= span.end <= len(text) for span in spans)

    def at(span: Span) -> str:
        return text[span.start : span.end]

    for variable in definition.variables:
        assert at(variable.span) == f"${variable.name}"
    for reference in definition.references:
        assert at(reference.span).removeprefix("@").strip('"').strip() == reference.path
    for item in definition.checklist:
        assert at(item.span).split()[0] in item.text or "<!--" in at(item.span)
    for entry in definition.deny:
        assert entry.span is not None
        assert entry.pattern in at(entry.span) or at(entry.span)[:1] in "\"'*&!>|"
    build_prompt(definition, PromptInputs(task="t", allow=("a/**",), lessons=text, plan=text))
    return definition


@few
@given(broken_files())
def test_broken_agent_files_are_read(text: str) -> None:
    check(text)


@few
@given(made_up_files())
def test_made_up_agent_files_are_read(text: str) -> None:
    check(text)
    check(f"---\nagent: a\n{text}")
    check(f"---\nagent: a\noutput_format: json\n---\n{text}")


@few
@given(st.text())
def test_any_text_is_read(text: str) -> None:
    check(text)
    parse_project(text)
    rank_lessons(text, text[:20])
    extract_json(text)
    schema_from_example(text)


@few
@given(made_up_files())
def test_made_up_project_files_are_read(text: str) -> None:
    for front in ("", "boundaries: ", "boundaries:\n  x: ", "verification: ", "tenant_helpers: "):
        _, problems = parse_project(front + text)
        assert all(0 <= problem.span.start <= problem.span.end <= len(front + text) for problem in problems)


@few
@given(broken_files())
def test_a_file_that_may_change_something_says_so(text: str) -> None:
    """Where the reading is in doubt about a restriction, nothing may be changed."""
    definition = parse_agent(text, PATH, "workspace")
    if any(problem.code == "restriction.unclear" for problem in definition.problems):
        assert definition.read_only
        assert definition.allow == ()
    assert not definition.runnable or not definition.read_only or not {"Write", "Edit"} & set(definition.tools)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdef", min_size=1, max_size=4), inner, max_size=3),
    max_leaves=12,
)


@few
@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=4), json_values, min_size=1, max_size=4), st.text("ab `\n.,", max_size=40))
def test_an_answer_is_found_in_any_prose(value: dict[str, Any], prose: str) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=2, ensure_ascii=False)):
        assert extract_json(f"{prose}{text}{prose}") == value


plain_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text("xyz ,:{}[]", max_size=8),
    lambda inner: st.lists(inner, max_size=1) | st.dictionaries(st.text("abcdef", min_size=1, max_size=4), inner, max_size=3),
    max_leaves=12,
)


@few
@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=4), plain_values, min_size=1, max_size=4))
def test_an_example_meets_its_own_schema(value: dict[str, Any]) -> None:
    schema, problems = schema_from_example(json.dumps(value))
    assert problems == ()
    assert schema is not None
    assert validate(schema, value) == []


@few
@given(st.text("`a\n", max_size=80))
def test_a_fence_holds_any_text(text: str) -> None:
    fence, _, rest = fenced(text).partition("text\n")
    assert rest.endswith(fence)
    assert fence not in rest[: -len(fence)]
