"""The counts of a boundary say what the boundary decides."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from aigentflow.lsp.census import Census, Counting, Question, take_census
from aigentflow.workspace.boundary import Boundary, DenyRule, Rules

NAMES = (
    *("apps/api/a.ts", "apps/api/.env", "apps/api/.env.example", "apps/web/b.ts", "apps/web/locked/c.ts", "README.md", "AGENTS.md"),
    *("apps/api/.vscode/settings.json", "apps/api/id_rsa", ".github/workflows/ci.yml", "apps/API/d.ts", "ä/ö.ts", "apps/api/[id].ts"),
)
RULES = (
    Rules(allow=("apps/api/**",)),
    Rules(allow=("**",), deny=(DenyRule("apps/WEB/**", "frontend"),)),
    Rules(allow=("**", "AGENTS.md", "!apps/web/locked/**")),
    Rules(allow=("/etc/**", "$X/**", "..")),
    Rules(allow=("**",), deny=(DenyRule("["),)),
    Rules(allow=("*.ts", ".github/workflows/ci.yml")),
    Rules(),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("rules", RULES, ids=str)
def test_as_many_files_are_counted_as_the_boundary_lets_through(root: Path, rules: Rules) -> None:
    boundary = Boundary(root, rules)
    census = take_census(Question(root, "a", rules, (), ()), NAMES)
    assert census.changeable == sum(boundary.may_change(name).allowed for name in NAMES)


def test_a_pattern_is_counted_with_what_takes_from_it(root: Path) -> None:
    rules = Rules(allow=("apps/**",), deny=(DenyRule("apps/web/locked/**"),))
    patterns = (("apps/**", False), ("apps/web/locked/**", True), ("/x/**", False), ("[", True))
    matches = take_census(Question(root, "a", rules, (("other", ("apps/web/**",)),), patterns), NAMES).matches
    whole = matches["apps/**", False]
    assert (whole.files, whole.protected, whole.denied, whole.shared) == (9, 3, 1, (("other", 2),))
    assert matches["apps/web/locked/**", True].examples == ("apps/web/locked/c.ts",)
    assert matches["/x/**", False].files == 0 and "absolute" in matches["/x/**", False].problem
    assert "cannot be understood" in matches["[", True].problem


def test_counting_ends_when_told() -> None:
    stop = threading.Event()
    stop.set()
    rules = Rules(allow=("**",))
    assert take_census(Question(Path("/"), "a", rules, (), ()), ["a.ts"] * 100, stop).changeable == 0


async def _counted(root: Path, rules: list[Rules]) -> tuple[list[Census | None], int]:
    """Ask all questions at once, wait until nothing is counted any more, and ask again."""
    tasks: set[asyncio.Task[Any]] = set()
    told: list[None] = []

    def spawn(work: Coroutine[Any, Any, Any]) -> None:
        tasks.add(asyncio.get_running_loop().create_task(work))

    counting = Counting(spawn, lambda: told.append(None))
    questions = [Question(root, "a", one, (), ()) for one in rules]
    assert [counting.ask(question) for question in questions] == [None] * len(questions)
    assert counting.knows(root, "a") and len(tasks) == 1
    await asyncio.gather(*tasks)
    return [counting.ask(question) for question in questions], len(told)


@pytest.mark.asyncio
async def test_of_many_questions_while_counting_only_the_newest_is_answered(root: Path) -> None:
    (first, second, third), told = await _counted(root, [Rules(allow=(pattern,)) for pattern in ("a/**", "ap/**", "apps/api/**")])
    assert first is not None and second is None and third is not None
    assert (first.changeable, third.changeable, told) == (0, 3, 2)
