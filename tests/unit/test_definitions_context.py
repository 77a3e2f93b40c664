"""References under a budget, lessons against a task, and values put into texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from aigentflow.definitions.agentfile import parse_agent
from aigentflow.definitions.context import Resolved, expand_references, fenced, reference_problems, substitute
from aigentflow.definitions.lessons import rank_lessons, split_lessons
from aigentflow.definitions.values import AgentDefinition
from aigentflow.errors import PathMissing, PathRefused


def agent(body: str) -> AgentDefinition:
    return parse_agent(f"---\nagent: a\n---\n{body}", Path("/w/.aigentflow/agents/a.md"), "workspace")


class Files:
    """A workspace in a dictionary."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def read(self, path: str) -> str:
        if path.endswith(".env"):
            raise PathRefused(f"{path} holds secrets", path, rule="secret")
        if path not in self.files:
            raise PathMissing(f"{path} does not exist", path)
        return self.files[path]

    def paths(self, under: str) -> Iterator[str]:
        return (path for path in sorted(self.files) if not under or path.startswith(under.rstrip("/") + "/"))

    def expand(self, body: str, budget: int = 10_000) -> Resolved:
        return expand_references(agent(body), self.read, self.paths, budget)


WORK = Files(
    {
        "ARCHITECTURE.md": "# How it fits\n" + "line\n" * 100,
        "src/a.ts": "import x\nexport class A {}\nexport const b = 1\n",
        "src/deep/c.py": "import os\n\n\ndef load():\n    pass\n\n\nclass C:\n    pass\n",
        "src/deep/plain.txt": "\n  first words\nmore\n",
        "docs/fence.md": "````\ninner\n````\n",
        "docs/with blank.md": "blank",
        "empty.md": "",
    }
)


def test_a_file_is_quoted() -> None:
    found = WORK.expand("see @docs/fence.md")
    assert found.text == "## @docs/fence.md\n\n`````text\n````\ninner\n````\n`````"
    assert (found.left_out, found.unresolved) == ((), ())


def test_a_folder_is_listed_with_what_its_files_declare() -> None:
    found = WORK.expand("@src/")
    assert "src/a.ts: A, b\nsrc/deep/c.py: load, C\nsrc/deep/plain.txt: first words\n" in found.text


def test_a_folder_without_its_slash_and_a_path_with_a_blank() -> None:
    assert "src/deep/c.py: load, C" in WORK.expand("@./src/deep").text
    assert "blank" in WORK.expand('@"docs/with blank.md"').text


def test_a_glob_is_listed() -> None:
    found = WORK.expand("@src/**/*.{py,ts} and @*.md")
    assert "src/a.ts" in found.text and "src/deep/c.py" in found.text and "plain.txt" not in found.text
    assert "ARCHITECTURE.md: # How it fits\nempty.md\n" in found.text
    assert "docs/fence.md" not in found.text


def test_what_does_not_fit_is_left_out_and_named() -> None:
    found = WORK.expand("@ARCHITECTURE.md", 200)
    assert len(found.text) <= 200
    assert found.left_out == ("ARCHITECTURE.md: what follows line 26 of 101",)
    listed = WORK.expand("@src/", 90)
    assert listed.left_out == ("src/: 1 files",)
    assert WORK.expand("@ARCHITECTURE.md @src/", 0).text == ""


def test_what_one_reference_does_not_need_another_gets() -> None:
    found = WORK.expand("@empty.md @ARCHITECTURE.md", 700)
    assert found.left_out == ()
    assert found.text.index("@empty.md") < found.text.index("@ARCHITECTURE.md")


def test_the_same_reference_twice_is_expanded_once() -> None:
    assert WORK.expand("@docs/fence.md and again @docs/fence.md").text.count("inner") == 1


def test_what_leads_nowhere_fails_no_run() -> None:
    found = WORK.expand("@missing.md @gone/ @none/**/*.ts @conf/prod.env @src/../../etc/passwd.md @lib/chart.js")
    assert found.text == ""
    assert found.unresolved == (
        "@missing.md: missing.md does not exist",
        "@gone/: no such folder, or nothing in it",
        "@none/**/*.ts: nothing matches",
        "@conf/prod.env: conf/prod.env holds secrets",
        "@src/../../etc/passwd.md: src/../../etc/passwd.md does not exist",
    )


def test_a_huge_folder_is_cut() -> None:
    huge = Files({f"src/{n:05}.ts": "export class X {}" for n in range(5_000)})
    found = huge.expand("@src/", 1_000_000)
    assert found.text.count("\n") < 450
    assert found.left_out == ("src/: 4600 files",)


def test_problems_stand_at_the_reference() -> None:
    definition = agent("@ARCHITECTURE.md @src/ @src/*.ts @src/deep/ @missing.md @gone/ @no/*.x @../up.md @nestjs/config @lib/chart.js")
    problems = reference_problems(definition, WORK.paths)
    spans = [definition.text[problem.span.start : problem.span.end] for problem in problems]
    assert spans == ["@missing.md", "@gone/", "@no/*.x", "@../up.md"]
    assert {problem.severity for problem in problems} == {"warning"}
    known = reference_problems(definition, WORK.paths, exists=lambda path: path == "missing.md")
    assert [problem.message for problem in known] == [problem.message for problem in problems[1:]]


@pytest.mark.parametrize("text", ["", "plain", "```", "x ```` y `````", "`" * 50, "no end"])
def test_a_fence_is_longer_than_any_inside(text: str) -> None:
    block = fenced(text)
    fence = block.partition("text\n")[0]
    assert set(fence) == {"`"}
    assert block.endswith(fence)
    assert fence not in text


def test_substitution_goes_over_the_text_once() -> None:
    assert substitute("$A $B $C $AB \\ $$A", {"A": "$B", "B": "b"}) == "$B b $C $AB \\ $$B"


LESSONS = """\
# Lessons

## Cursors
Order by a unique column, or pages repeat rows.

## Tenants
Every query runs inside withTenant, also in background jobs.

## Money
Keep cents as integers.
"""


def test_lessons_are_ranked_against_the_task() -> None:
    assert rank_lessons(LESSONS, "make the nightly job query tenants")[0].startswith("## Tenants")
    assert [lesson.split("\n")[0] for lesson in rank_lessons(LESSONS, "cursor pagination of pages")] == ["## Cursors"]
    assert rank_lessons(LESSONS, "colour of the button") == ()
    assert rank_lessons("", "anything") == ()
    assert len(rank_lessons("- test a\n- test b\n- test c\n", "test", limit=2)) == 2


@pytest.mark.parametrize(
    ("text", "lessons"),
    [
        ("- one\n  goes on\n  - detail\n- two\n", ["one goes on\n  - detail", "two"]),
        ("# A\n- one\n- two\n# B\n- three\n- four\n", ["one", "two", "three", "four"]),
        ("First thing.\n\nSecond thing\nof two lines.\n", ["First thing.", "Second thing\nof two lines."]),
        ("", []),
    ],
)
def test_lessons_come_in_several_forms(text: str, lessons: list[str]) -> None:
    assert split_lessons(text) == lessons
