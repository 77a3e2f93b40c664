"""What the attacks share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .listeners import Listeners
from .world import World


@pytest.fixture(scope="session")
def listeners() -> Iterator[Listeners]:
    """Return sockets of this machine that note whoever reaches them."""
    opened = Listeners()
    yield opened
    opened.close()


@pytest.fixture
def world(tmp_path: Path, listeners: Listeners) -> World:
    """Return a fresh workspace with its neighbours."""
    return World(tmp_path / "world", listeners)
