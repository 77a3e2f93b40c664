"""What holds for every test: no real key, no network beyond loopback, and nothing of the person who runs them."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_PREFIXES = ("ANTHROPIC_", "AIGENTFLOW_", "CLAUDE_", "AWS_", "GOOGLE_APPLICATION_", "GIT_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def _is_foreign(name: str) -> bool:
    return name.startswith(_PREFIXES) or name.lower() in _PROXIES


class NetworkRefused(AssertionError):
    """A test reached for something beyond loopback."""


def _check_address(address: Any) -> None:
    host = address[0] if isinstance(address, tuple) and address else None
    if host is None or host in ("", "localhost"):
        return
    try:
        allowed = ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        allowed = False
    if not allowed:
        raise NetworkRefused(f"tests may use loopback only, not {host!r}")


def _guard(name: str) -> None:
    original = getattr(socket.socket, name)

    def guarded(self: socket.socket, address: Any, *rest: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check_address(address)
        return original(self, address, *rest)

    setattr(socket.socket, name, guarded)


def pytest_configure(config: pytest.Config) -> None:
    """Close the way out before any test module is imported."""
    for name in [name for name in os.environ if _is_foreign(name)]:
        del os.environ[name]
    _guard("connect")
    _guard("connect_ex")


@pytest.fixture(scope="session")
def _homes() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="aigentflow-tests-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def home(_homes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home folder of this test; HOME and the XDG folders point into it."""
    folder = Path(tempfile.mkdtemp(dir=_homes))
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    for name, below in (("CONFIG", ".config"), ("STATE", ".local/state"), ("DATA", ".local/share"), ("CACHE", ".cache")):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / below))
    return folder
