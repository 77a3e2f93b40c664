"""Finds the data that ships with the package: built-in agents and the sample workspace.

In a wheel it lies in `aigentflow/_data/…`, in a checkout in the folders it is written in.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = {"agents": "agents", "sample": "tests/workspaces/sample"}


def data_folder(name: str) -> Path:
    """Return the folder of the data named `agents` or `sample`."""
    packaged = _PACKAGE / "_data" / name
    return packaged if packaged.is_dir() else _PACKAGE.parents[1] / _CHECKOUT[name]
