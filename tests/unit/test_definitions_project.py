"""The project file: a bad value costs that value, a boundary that is not understood closes."""

from __future__ import annotations

import pytest

from aigentflow.definitions.project import Project, ProjectBoundary, parse_project

FULL = """\
phase: 2
plan: docs/plan.md
lessons: docs/lessons.md
boundaries:
  backend_dev:
    allow: [apps/api/**]
    deny: ["apps/api/legacy/**"]
  tester: {deny: src/**}
verification:
  typecheck: npm run typecheck
  tests: npx vitest run
tenant_helpers: [withTenant, forTenant]
"""


def places(text: str) -> list[tuple[str, str]]:
    return [(text[problem.span.start : problem.span.end], problem.severity) for problem in parse_project(text)[1]]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_full_file(end: str, mark: str) -> None:
    project, problems = parse_project(mark + FULL.replace("\n", end))
    assert problems == ()
    assert (project.phase, project.plan, project.lessons) == ("2", "docs/plan.md", "docs/lessons.md")
    assert project.boundaries["backend_dev"] == ProjectBoundary(("apps/api/**",), ("apps/api/legacy/**",))
    assert project.boundaries["tester"] == ProjectBoundary(None, ("src/**",))
    assert dict(project.verification) == {"typecheck": "npm run typecheck", "tests": "npx vitest run"}
    assert project.tenant_helpers == ("withTenant", "forTenant")


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "phase:\nplan: ~\nverification:\n"])
def test_an_empty_file_says_nothing(text: str) -> None:
    assert parse_project(text) == (Project(), ())


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("phase: [1]\nplan: p", "[1]"),
        ("verification: {tests: [npm, test]}\nplan: p", "npm"),
        ("verification: {test: npm test}\nplan: p", "npm test"),
        ("verification: npm test\nplan: p", "npm test"),
        ("tenant_helpers: {a: b}\nplan: p", "{a: b}"),
        ("lesons: x\nplan: p", "lesons"),
    ],
)
def test_a_bad_value_costs_that_value(text: str, where: str) -> None:
    project, _ = parse_project(text)
    assert project == Project(plan="p")
    assert places(text)[0][1] == "warning"
    assert where in places(text)[0][0]


def test_one_bad_command_leaves_the_others() -> None:
    project, problems = parse_project("verification: {tests: {a: b}, lint: npm run lint, speed: x}")
    assert dict(project.verification) == {"lint": "npm run lint"}
    assert len(problems) == 2


@pytest.mark.parametrize(
    ("boundary", "where"),
    [
        ("everything", "everything"),
        ("{allow: {a: b}}", "{a: b}"),
        ("{allow: [a, [b]]}", "[b]"),
        ("{alow: [a]}", "[a]"),
        ("{allow: [a], deny: }", "deny"),
        ("", "x"),
    ],
)
def test_a_boundary_that_is_not_understood_closes_for_its_agent(boundary: str, where: str) -> None:
    text = f"boundaries:\n  x: {boundary}\n  y: {{allow: [src/**]}}\n"
    project, _ = parse_project(text)
    assert project.boundaries["x"] == ProjectBoundary(allow=())
    assert project.boundaries["y"].allow == ("src/**",)
    assert places(text) == [(where, "error")]


@pytest.mark.parametrize(
    "text", ["boundaries: all", "boundaries: [a]", "boundaries:", "boundarys: {x: {allow: [a]}}", "boundaries:\n  x: [**/a]\nphase: 1"]
)
def test_boundaries_that_are_not_understood_close_for_everybody(text: str) -> None:
    project, problems = parse_project(text)
    assert project.boundaries.get("anybody") == ProjectBoundary(allow=())
    assert "error" in {problem.severity for problem in problems}


def test_broken_yaml_costs_its_line() -> None:
    project, problems = parse_project("phase: one: two\nplan: p\n")
    assert (project.phase, project.plan) == ("one: two", "p")
    assert [problem.severity for problem in problems] == ["info"]


def test_nothing_from_elsewhere_is_read() -> None:
    project, problems = parse_project("limits: {usd: 1000}\napi_key: x\nplan: p\n")
    assert (project, problems) == (Project(plan="p"), ())
