"""Boundaries that are broken, or written to mislead: nothing opens by them, and the person is told at the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from aigentflow.definitions.agentfile import parse_agent
from aigentflow.definitions.project import parse_project
from aigentflow.definitions.values import AgentDefinition
from aigentflow.lsp.boundary_patterns import Written, oddities, patterns_of_agent, patterns_of_project
from aigentflow.permissions import boundary_rules
from aigentflow.settings import load_user_config
from aigentflow.workspace.boundary import Boundary

WEB, API = "a/web/x.ts", "a/y.ts"


def agent(boundaries: str) -> AgentDefinition:
    return parse_agent(
        f"---\nagent: w\ndescription: d\ntools: [Read, Edit]\n{boundaries}\n---\n\n# Role\n\nx\n", Path("/x/w.md"), "workspace"
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a/web").mkdir(parents=True)
    for path in (WEB, API):
        (tmp_path / path).write_text("x")
    return tmp_path


def changeable(root: Path, definition: AgentDefinition, project: str = "") -> set[str]:
    """Return which of the two files the agent may change, everything being trusted."""
    user, _problems = load_user_config({"HOME": str(root / "home")})
    rules = boundary_rules(definition, root, parse_project(project)[0], project_trusted=True, agent_trusted=True, user_config=user)
    boundary = Boundary(root, rules)
    return set() if definition.read_only else {path for path in (WEB, API) if boundary.may_change(path).allowed}


def test_a_plain_boundary_opens_what_it_says(root: Path) -> None:
    definition = agent("boundaries: {allow: ['a/**'], deny: ['a/web/**']}")
    assert changeable(root, definition) == {API} and not definition.problems


@pytest.mark.parametrize(
    "text",
    [
        "boundaries: [",
        "boundaries: {",
        "boundaries: [a/**]",
        "boundaries: a/**",
        "boundaries: 3",
        "boundaries: ~",
        "boundaries:",
        "boundaries: !!python/object:os.system [x]",
        "boundaries: *nowhere",
        "boundaries: {allow: {a/**: yes}}",
        "boundaries: {allow: [[a/**]]}",
        "boundaries: {allow: ['a/**'], deny: {a: b}}",
        "boundaries: {allow: ['a/**'], deny: [[a/web/**]]}",
        "boundaries: {allow: ['a/**'], deny: [~]}",
        "boundaries: {allow: ['a/**'], deny: ['']}",
        "boundaries: {allow: ['a/**'], deny: [{owner: frontend}]}",
        "boundaries: {allow: ['a/**'], deny: ['[']}",
        "boundaries: {allow: ['a/**'], deny: ['a/{web']}",
        "boundaries: {allow: ['a/**'], deny: ['a/[z-a]/**']}",
        "boundaries: {allow: ['a/**'], deny: ['!a/web/**']}",
        "boundaries: {allow: ['a/**'], deny: ['$WEB/**']}",
        "boundaries: {allow: ['a/**'], deny: ['~/web']}",
        "boundaries: {allow: ['a/**', '!['], deny: []}",
        "boundaries: {allow: ['a/**'], denied: ['a/web/**']}",
        "boundaries: {allow: ['a/**'], d\u0435ny: ['a/web/**']}",
        "bound\u0430ries: {allow: ['a/**'], deny: ['a/web/**']}",
        "\uff42oundaries: {allow: ['a/**'], deny: ['a/web/**']}",
        "Boundaries: {allow: ['a/**'], deny: ['a/web/**']}",
        "boundaries: {allow: ['a/**']}\nboundaries: {allow: ['a/**'], deny: ['a/web/**']}",
        "boundaries: {allow: ['a/**'], deny: ['a/web/**'], deny: []}",
    ],
)
def test_what_cannot_be_understood_opens_nothing_and_is_an_error_in_the_file(root: Path, text: str) -> None:
    definition = agent(text)
    assert changeable(root, definition) == set()
    errors = [problem for problem in definition.problems if problem.code == "restriction.unclear"]
    empty = text in ("boundaries: ~", "boundaries:")
    assert errors or (empty and not definition.allow), definition.problems
    assert all(problem.severity == "error" and problem.span.end > problem.span.start for problem in errors)


@pytest.mark.parametrize(
    "pattern", ["a/\uff57eb/**", "a\uff0fweb\uff0f**", "A/WEB/**", "a/we\u0062/**", "/a/web/**", "./a/web/**", "a/web/"]
)
def test_other_ways_to_write_the_same_restriction_restrict_the_same(root: Path, pattern: str) -> None:
    assert changeable(root, agent(f"boundaries: {{allow: ['a/**'], deny: ['{pattern}']}}")) == {API}


@pytest.mark.parametrize(
    "pattern", ["\uff41/**", "\u0430/**", "a\u2215**", "a/\u200b**", "/a/**", "..", "../a/**", "$A/**", "", "~/a/**", "C:/a/**"]
)
def test_an_allow_entry_that_only_looks_right_gives_nothing(root: Path, pattern: str) -> None:
    assert changeable(root, agent(f"boundaries: {{allow: ['{pattern}']}}")) == set()


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("a/\u200bweb/**", "U+200B"),
        ("a/\u202eweb/**", "U+202E"),
        ("a/\tweb/**", "U+0009"),
        ("a/web\u00ad/**", "U+00AD"),
        ("a\u2215web\u2215**", "looks like /"),
        ("a/web/\u2217\u2217", "looks like *"),
        ("\u0430/web/**", "U+0430"),
        ("a/w\u0435b/**", "U+0435"),
        ("\u03bf/**", "U+03BF"),
    ],
)
@pytest.mark.parametrize("restricts", [False, True])
def test_characters_that_mislead_are_named_at_the_pattern(pattern: str, told: str, restricts: bool) -> None:
    definition = agent(f'boundaries: {{{"deny" if restricts else "allow"}: ["{pattern}"]}}'.replace("\t", "\\t"))
    (written,) = patterns_of_agent(definition)[1]
    (problem,) = oddities(written)
    assert written.restricts is restricts and written.pattern == pattern
    assert told in problem.message and definition.text[problem.span.start : problem.span.end].strip("\"'")


@pytest.mark.parametrize("pattern", ["src/**", "пакет/**", "ä/ö/*.ts", "app/[id]/**", "日本語/**", "ελλάδα/**", "café/naïve-*.{ts,tsx}"])
def test_other_languages_are_not_odd(pattern: str) -> None:
    definition = agent(f"boundaries: {{allow: ['{pattern}']}}")
    assert [problem for written in patterns_of_agent(definition)[1] for problem in oddities(written)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("boundaries: [", set()),
        ("boundaries: 3", set()),
        ("boundaries: {w: 3}", set()),
        ("boundaries: {w: {allow: ['a/**'], deny: 3.5}}", {WEB, API}),
        ("boundaries: {w: {allow: ['a/**'], deny: [[x]]}}", set()),
        ("boundaries: {w: {allow: ['a/**'], deny: ['[']}}", set()),
        ("boundaries: {w: {allow: ['a/**'], deny: ['$X']}}", set()),
        ("boundaries: {w: {allow: ['a/**'], denied: ['a/web/**']}}", set()),
        ("boundries: {w: {allow: ['a/**']}}", set()),
        ("boundaries: {w: {allow: ['a/**'], deny: ['A/Web/**']}}", {API}),
        ("boundaries: {other: {allow: ['a/**']}}", {WEB, API}),
    ],
)
def test_the_project_file_fails_closed_too(root: Path, text: str, expected: set[str]) -> None:
    definition = agent("boundaries: {allow: ['a/**']}")
    assert changeable(root, definition, text) == expected


def test_where_patterns_stand_in_both_kinds_of_file() -> None:
    definition = agent("boundaries:\n  allow: [a/**, '!a/web/**']\n  deny:\n    - {pattern: b/**, owner: other}\n    - 'c/**'")
    head, patterns = patterns_of_agent(definition)
    assert head is not None and definition.text[head.span.start : head.span.end] == "boundaries"
    assert [(written.pattern, written.restricts) for written in patterns] == [
        ("a/**", False),
        ("a/web/**", True),
        ("b/**", True),
        ("c/**", True),
    ]
    assert all(written.pattern in definition.text[written.span.start : written.span.end] for written in patterns)
    text = "boundaries:\n  w: {allow: a/**, deny: [b/**]}\n  other: {allow: [c/**]}\n"
    heads, patterns = patterns_of_project(text)
    assert [text[found.span.start : found.span.end] for found in heads] == ["w", "other"]
    assert [(written.agent, written.pattern, written.restricts) for written in patterns] == [
        ("w", "a/**", False),
        ("w", "b/**", True),
        ("other", "c/**", False),
    ]


@pytest.mark.parametrize(
    "text", ["", "boundaries: [", "boundaries: 3", "boundaries: {w: 3}", "boundaries: {w: {allow: {a: b}}}", "x" * 100_000]
)
def test_a_project_file_that_is_none_has_no_patterns(text: str) -> None:
    assert patterns_of_project(text)[1] == ()


def test_the_restrictions_of_the_body_are_patterns_too() -> None:
    text = "---\nagent: w\ndescription: d\ntools: [Edit]\n---\n\n# Role\n\n## Do NOT modify\n\n- `apps/web/**` (frontend)\n"
    definition = parse_agent(text, Path("/x/w.md"), "workspace")
    found = patterns_of_agent(definition)[1]
    assert [written.pattern for written in found] == [entry.pattern for entry in definition.deny if entry.span is not None]
    assert all(isinstance(written, Written) and written.restricts for written in found)


@pytest.mark.parametrize("pattern", ["a/\u200bweb/**", "a/\u202eweb/**", "a/\\tweb/**", "a/\\0web/**", "a/web\u00ad/**"])
def test_a_restriction_with_characters_that_no_path_may_have_closes(root: Path, pattern: str) -> None:
    definition = agent(f"boundaries: {{allow: ['a/**'], deny: [\"{pattern}\"]}}")
    assert changeable(root, definition) == set()
    assert any(problem.code == "restriction.unclear" for problem in definition.problems)
