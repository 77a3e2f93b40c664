"""The package folders of a workspace, found by their manifests near the top of the tree."""

from __future__ import annotations

import os
from collections.abc import Iterator

_MANIFESTS = frozenset(("package.json", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Cargo.toml", "go.mod"))
_DEEPEST = 3
_MOST = 60
_MOST_LOOKED_AT = 1_000


def packages(root: str) -> tuple[str, ...]:
    """Return the workspace-relative folders that hold a manifest, at most three levels down and 60 of them; links are not followed."""
    found: list[str] = []
    waiting = [""]
    looked_at = 0
    while waiting and len(found) < _MOST and looked_at < _MOST_LOOKED_AT:
        folder = waiting.pop(0)
        looked_at += 1
        has_manifest, below = _look(root, folder)
        if folder and has_manifest:
            found.append(folder)
        if folder.count("/") < _DEEPEST - 1:
            waiting += below
    return tuple(found)


def _look(root: str, folder: str) -> tuple[bool, list[str]]:
    try:
        with os.scandir(os.path.join(root, folder)) as entries:
            listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except OSError:
        return False, []
    return any(name in _MANIFESTS for name, _ in listed), sorted(_folders(folder, listed))


def _folders(folder: str, listed: list[tuple[str, bool]]) -> Iterator[str]:
    for name, is_folder in listed:
        if is_folder and not name.startswith(".") and name != "node_modules":
            yield f"{folder}/{name}" if folder else name
