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

from .installations import Machine, find_machine, node_below
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
    programs = node_below(home / f".nvm/versions/node/{machine.node_version}", machine)
    return Person(home, (str(programs),))
