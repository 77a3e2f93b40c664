"""Every case of `cases/`, in both directions: attacks that must fail, and uses that must work."""

from __future__ import annotations

import asyncio
import os
import shutil
from functools import cache

import pytest

from aigentflow.box.client import examine

from .judging import play
from .reading import Case, load_cases
from .world import World

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and pipes as POSIX has them")


@cache
def without_a_box() -> str:
    """Return why no command can run on this machine; empty where one can."""
    report, _ = asyncio.run(examine(os.path.dirname(os.path.abspath(__file__)), {"PATH": os.defpath}, "/nonexistent"))
    return "" if report.tier != "none" else f"no box works here: {report.missed}"


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.id)
def test_case(case: Case, world: World) -> None:
    if any(call.tool == "Bash" for call in case.calls) and (why := without_a_box()):
        pytest.skip(why)
    for program in case.needs:
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} here")
    wrong = play(case, world)
    assert not wrong, "\n- ".join(["", *wrong])


def test_every_use_that_must_work_says_what_must_have_happened() -> None:
    silent = [
        case.id
        for case in load_cases()
        if not case.attack and not case.proposal and not any(call.says or call.tool == "Bash" for call in case.calls)
    ]
    assert silent == []


def test_the_suite_is_large_and_speaks_of_both_directions() -> None:
    cases = load_cases()
    attacks = [case for case in cases if case.attack]
    assert len(cases) >= 270 and len(cases) - len(attacks) >= len(cases) / 3
