"""What is read out of the Markdown body, and what is not because it stands in code."""

from __future__ import annotations

from pathlib import Path

import pytest

from aigentflow.definitions.agentfile import parse_agent
from aigentflow.definitions.values import AgentDefinition


def agent(body: str, front: str = "") -> AgentDefinition:
    return parse_agent(f"---\nagent: a\n{front}---\n{body}", Path("/w/.aigentflow/agents/a.md"), "workspace")


def items(body: str) -> list[str]:
    return [item.text for item in agent(body).checklist]


def references(body: str) -> list[str]:
    return [reference.path for reference in agent(body).references]


def test_sections_hold_what_is_below_them() -> None:
    definition = agent("# A\n\none\n\n## B ##\n\ntwo\n\nC\n===\n\nthree\n")
    found = [(section.level, section.title, definition.text[section.body.start : section.body.end]) for section in definition.sections]
    assert found == [(1, "A", "\none\n\n## B ##\n\ntwo\n\n"), (2, "B", "\ntwo\n\n"), (1, "C", "\nthree\n")]


@pytest.mark.parametrize(
    "body", ["- [ ] x", "* [ ] x", "+ [x] x", "1. [X] x", "2) [ ] x", "> - [ ] x", "- a\n    - [ ] x", "- a\n\n  1. [ ] x"]
)
def test_a_task_list_item_in_any_list(body: str) -> None:
    assert items(body) == ["x"]


@pytest.mark.parametrize(
    "body",
    [
        "```\n- [ ] x\n```",
        "~~~md\n- [ ] x\n```\n~~~",
        "    - [ ] x",
        "<!--\n- [ ] x\n-->",
        "<!-- - [ ] x -->",
        "- [ ]x",
        "- [y] x",
        "[ ] x",
        "- [ ]",
        "````\n```\n- [ ] x\n```\n- [ ] y\n````",
        "> ```\n> - [ ] x\n> ```",
        "- a\n  ```\n  - [ ] x\n  ```",
        "- [ ] <!-- nothing -->",
        "```\n- [ ] never closed",
    ],
)
def test_what_only_looks_like_an_item(body: str) -> None:
    assert items(body) == []


def test_items_know_their_headings_and_their_lines() -> None:
    definition = agent("# A\n## B\n- [ ] one\n  and more\n- [x] two\n# C\n- [ ] three\n")
    assert [(item.text, item.group) for item in definition.checklist] == [
        ("one and more", ("A", "B")),
        ("two", ("A", "B")),
        ("three", ("C",)),
    ]
    first = definition.checklist[0].span
    assert definition.text[first.start : first.end] == "one\n  and more"


def test_a_quote_ends_the_fence_it_holds() -> None:
    assert items("> ```\n> code\n\n- [ ] x") == ["x"]


def test_items_are_bound_by_comment_and_by_field() -> None:
    definition = agent(
        "- [ ] one <!-- check: unit-tests -->\n- [ ] Two  words\n- [ ] three\n", "checks:\n  two words: typed-errors\n  four: x\n"
    )
    assert [(item.text, item.check) for item in definition.checklist] == [
        ("one", "unit-tests"),
        ("Two words", "typed-errors"),
        ("three", None),
    ]
    assert [problem.code for problem in definition.problems] == ["checks.unknown"]


def test_variables_outside_of_code_only() -> None:
    definition = agent(
        "$TASK_DESCRIPTION and `$NOT_ME` but ($CURRENT_PHASE), $home, US$AB, ${X}, \\$ESCAPED.\n```\n$NOR_ME\n```\n$HOME_FOLDER_2"
    )
    assert [variable.name for variable in definition.variables] == ["TASK_DESCRIPTION", "CURRENT_PHASE", "HOME_FOLDER_2"]
    assert all(definition.text[v.span.start : v.span.end] == f"${v.name}" for v in definition.variables)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("@ARCHITECTURE.md", ["ARCHITECTURE.md"]),
        ("see @docs/a.md, @docs/b.md; and (@docs/c.md).", ["docs/a.md", "docs/b.md", "docs/c.md"]),
        ("@apps/api/src/ and @apps/*/src/**/*.test.ts!", ["apps/api/src/", "apps/*/src/**/*.test.ts"]),
        ("@packages/*/test/", ["packages/*/test/"]),
        ("@src/**/*.{ts,tsx}", ["src/**/*.{ts,tsx}"]),
        ("**@docs/a.md**", ["docs/a.md"]),
        ("[@docs/a.md]", ["docs/a.md"]),
        ("@docs/a.md#section", ["docs/a.md"]),
        ('@"docs/with blank.md" x', ["docs/with blank.md"]),
        ("@./docs/a.md @.meta/rules/x.md @../up.md", ["./docs/a.md", ".meta/rules/x.md", "../up.md"]),
        ("@docs/größe.md", ["docs/größe.md"]),
    ],
)
def test_references(body: str, found: list[str]) -> None:
    assert references(body) == found


@pytest.mark.parametrize(
    "body",
    [
        "@nestjs/config and @repo/ui-kit",
        "someone@example.com/x.md",
        "@Injectable() @app.route('/x') @pytest.fixture",
        "@backend_dev: do it",
        "`@docs/a.md`",
        "```\n@docs/a.md\n```",
        "<!-- @docs/a.md -->",
        "@",
        "@ docs/a.md",
        "a@@b/c.md",
        "@/",
    ],
)
def test_what_only_looks_like_a_reference(body: str) -> None:
    assert references(body) == []


def test_reference_spans_and_kinds() -> None:
    definition = agent("x @docs/a.md, @src/ @*.md")
    spans = [definition.text[r.span.start : r.span.end] for r in definition.references]
    assert spans == ["@docs/a.md", "@src/", "@*.md"]
    assert [r.kind for r in definition.references] == ["file", "directory", "glob"]


def test_rules_are_the_outer_items_under_their_heading() -> None:
    house = "# House Rules:\n1. **First** one\n   goes on\n   - detail\n2. Second <!-- why -->\n## More\n- Third\n"
    body = f"# Notes\n- no rule\n{house}# End\n- no\n"
    assert agent(body).rules == ("**First** one goes on", "Second", "Third")


@pytest.mark.parametrize(
    "intro",
    ["Do NOT modify:", "**Do not edit:**", "You must not change:", "Don't touch:", "# Never modify", "These files you may not write to:"],
)
def test_a_list_of_what_not_to_modify(intro: str) -> None:
    definition = agent(
        f"{intro}\n\n- `web/**` (frontend territory)\n- `a/**`, `b/**` (owned by the ops team)\n- ui/** (design)\n\nText with `c/**`.\n"
    )
    assert [(entry.pattern, entry.owner) for entry in definition.deny] == [
        ("web/**", "frontend"),
        ("a/**", "ops"),
        ("b/**", "ops"),
        ("ui/**", "design"),
    ]
    assert all(entry.span and definition.text[entry.span.start : entry.span.end] == entry.pattern for entry in definition.deny)


def test_a_sentence_in_a_boundary_section_forbids_too() -> None:
    assert [entry.pattern for entry in agent("# Boundaries\n\nNever change `infra/**` or `ci/**`.\n").deny] == ["infra/**", "ci/**"]
    assert agent("# Style\n\nNever modify `this.state` directly.\n").deny == ()


def test_a_line_that_forbids_nothing_enforceable_is_told() -> None:
    definition = agent("Do not modify:\n- whatever the frontend owns\n- `x/**`\n")
    assert [entry.pattern for entry in definition.deny] == ["x/**"]
    assert [problem.code for problem in definition.problems] == ["deny.unclear"]


def test_the_same_pattern_twice_keeps_its_owner() -> None:
    definition = agent("Do not modify:\n- `x/**` (ops)\n", "boundaries: {deny: [x/**]}\n")
    assert [(entry.pattern, entry.owner) for entry in definition.deny] == [("x/**", "ops")]


@pytest.mark.parametrize(
    "piece", ["x", "`", "` `` ", "- [ ] ", "<!-- ", "# a\n", "- [ ] a\n", "> ", "do not modify:\n\n", "@a/", "@a..", "$A"]
)
@pytest.mark.timeout(30)
def test_repetitions_that_could_cost_quadratic_time_are_read(piece: str) -> None:
    text = piece * (64_000 // len(piece))
    assert agent(text).problems is not None


@pytest.mark.parametrize("piece", [" ", "* ", "```\n", "# Rules\n- x\n", "{", "@{a,", "\t- [ ] x\n", "a\n===\n", "|a|\n"])
def test_odd_repetitions_are_read(piece: str) -> None:
    assert agent(piece * (40_000 // len(piece))).runnable


def test_a_text_that_no_person_wrote_is_not_read() -> None:
    definition = agent("x" * 10_000_000)
    assert [problem.code for problem in definition.problems] == ["file.size"]
    assert not definition.runnable
