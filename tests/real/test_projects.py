"""Projects of several kinds: which commands are chosen for a change, and that what they find is what the report says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .installations import INSTALL_SECONDS, Machine, give_to, python_below
from .kinds import BIOME, JEST, PNPM, PYTHON, YARN, Kind
from .people import FIELDS, Person, Ran, edit, session, write

KINDS = {"jest": JEST, "biome": BIOME, "pnpm": PNPM, "yarn": YARN, "python": PYTHON}
UV = ".local/share/uv/python/cpython-3-linux-gnu"
ALL_PASS = dict.fromkeys(FIELDS, "pass")


def run_of(person: Person, root: Path, kind: Kind, change: tuple[str, str], *more: dict[str, object]) -> Ran:
    calls = (edit(kind.changed, *change), *more)
    return person.run(root, session(*calls, **ALL_PASS), more=("--allow", "**"))


@pytest.fixture(scope="module", params=[*KINDS, "python of an ordinary user"])
def project(request: pytest.FixtureRequest, machine: Machine) -> tuple[Person, Path, Kind]:
    """A person, the folder of an installed project, and its kind; skipped where it cannot be installed."""
    name, _, user = request.param.partition(" of ")
    person: Person = request.getfixturevalue("bob" if user else "anna")
    kind = KINDS[name]
    root = person.home / "projects" / name
    for file, text in kind.files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    commands = [f"npm install --global --no-fund --no-audit --loglevel=error {tool}" for tool in kind.tools]
    if kind is PYTHON:
        commands.append(f"{python_below(person.home / UV) / 'python3'} -m venv .venv")
    for command in (*commands, *kind.installs):
        environment = {**machine.environment, **person.environment, "CI": ""}
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=root, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"{command}: {(done.stderr + done.stdout).strip()[-400:]}")
    if person.user is not None:
        give_to(person.user, root, person.home / UV)
    return person, root, kind


def test_a_good_change_passes_the_narrow_command_first(project: tuple[Person, Path, Kind]) -> None:
    person, root, kind = project
    ran = run_of(person, root, kind, kind.good)
    assert ran.statuses == {name: "pass" if name in kind.places else "not_run" for name in ALL_PASS}, ran.reasons
    assert {name: ran.steps(name) for name in kind.steps} == kind.steps
    assert ran.verdicts == {name: "confirmed" if name in kind.places else "unwitnessed" for name in ALL_PASS}, ran.result["claims"]
    assert kind.good[0] in (root / kind.changed).read_text()


def test_a_bad_change_fails_at_its_line_whatever_the_agent_says(project: tuple[Person, Path, Kind]) -> None:
    person, root, kind = project
    ran = run_of(person, root, kind, kind.bad)
    assert ran.statuses == {name: "fail" if name in kind.places else "not_run" for name in ALL_PASS}, ran.reasons
    missing = {name: ran.places(name) for name, place in kind.places.items() if place not in ran.places(name)}
    assert not missing, {name: ran.reasons[name] for name in missing}
    assert ran.verdicts == {name: "contradicted" if name in kind.places else "unwitnessed" for name in ALL_PASS}, ran.result["claims"]


@pytest.mark.parametrize("project", [name for name, kind in KINDS.items() if kind.masked], indirect=True)
def test_a_script_that_hides_how_the_tests_end_is_no_pass(project: tuple[Person, Path, Kind]) -> None:
    person, root, kind = project
    for name, text in kind.masked.items():
        (root / name).write_text(text)
    try:
        ran = run_of(person, root, kind, kind.bad)
    finally:
        for name in kind.masked:
            (root / name).write_text(kind.files[name])
    assert ran.statuses["tests"] == "not_run" and "exit status" in ran.reasons["tests"], ran.reasons
    assert ran.verdicts["tests"] == "unwitnessed"


@pytest.mark.parametrize("project", ["python", "python of an ordinary user"], indirect=True)
def test_the_python_of_the_project_is_the_one_below_the_home_folder(project: tuple[Person, Path, Kind]) -> None:
    person, root, kind = project
    expected = f"({str(root / '.venv')!r}, {str(person.home / UV)!r})"
    test = f"import sys\n\n\ndef test_python():\n    assert (sys.prefix, sys.base_prefix) == {expected}\n"
    ran = run_of(person, root, kind, kind.good, write("tests/test_python.py", test))
    assert ran.statuses == ALL_PASS, ran.reasons
