"""Slow tests: collected only where they are asked for by name, with real packages that are installed once per session."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from aigentflow.box.ladder import choose_tier

from .installations import ORDINARY, Machine, copy_of_sample, find_machine, give_to, node_below, python_with_the_product
from .people import Person

FOLDER = Path(__file__).parent
# Taken before the tests put a home folder of their own in its place: package managers need their caches, proxies and certificates.
_ENVIRONMENT: Mapping[str, str] = MappingProxyType(dict(os.environ))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave these tests to those who name them."""
    asked = any(Path(argument.split("::")[0]).resolve().is_relative_to(FOLDER) for argument in config.args)
    return None if asked else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the time that a loaded machine may need."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """Return a folder that every user of the machine can look into; it is gone after the session."""
    folder = Path(tempfile.mkdtemp(prefix="aigentflow-real-")).resolve()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def machine(place: Path) -> Machine:
    """Return what the machine has, with the packages of the sample workspace installed; skip without it."""
    report = choose_tier()
    if report.tier not in ("namespaces", "bubblewrap"):
        pytest.skip(f"no box of the first two tiers here: {report.missed}")
    found = find_machine(_ENVIRONMENT, place)
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(scope="session")
def anna(machine: Machine) -> Person:
    """Return a person whose Node came with nvm."""
    home = machine.place / "people/anna"
    return Person(home, (os.fspath(node_below(home / f".nvm/versions/node/{machine.node_version}", machine)),))


@pytest.fixture(scope="session")
def shop(machine: Machine) -> Path:
    """Return a copy of the sample workspace, with its packages."""
    return copy_of_sample(machine.place / "people/anna/stockroom")


@pytest.fixture(scope="session")
def bob(machine: Machine) -> Person:
    """Return an ordinary user with a Node of their own, where the tests run as root and can make one."""
    if os.geteuid() != 0:
        pytest.skip("whoever runs the tests is an ordinary user already")
    python = python_with_the_product(machine)
    if not python.startswith("/"):
        pytest.skip(python)
    home = machine.place / "people/bob"
    programs = node_below(home / f".local/share/fnm/node-versions/{machine.node_version}/installation", machine)
    give_to(ORDINARY, home)
    return Person(home, (os.fspath(programs),), python, ORDINARY)


@pytest.fixture(scope="session")
def shop_of_bob(bob: Person) -> Path:
    """Return a copy of the sample workspace that belongs to the ordinary user."""
    folder = copy_of_sample(bob.home / "stockroom")
    give_to(ORDINARY, folder)
    return folder
