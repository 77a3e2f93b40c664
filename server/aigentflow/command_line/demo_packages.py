"""The npm packages of the sample workspace: whether they are there as its lock file says, and a copy of them for the demo."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "node_modules"
_CACHES = frozenset({".cache", ".vite", ".vite-temp"})
"""What tools remember between runs: the demo begins without it, so that what is measured is really measured."""


def why_missing(workspace: Path) -> str:
    """Return why the packages of an npm workspace cannot be used; empty where each is there in the version that the lock file names."""
    wanted = _packages(workspace / "package-lock.json")
    if not wanted:
        return f"{workspace.name} has no package-lock.json that can be read"
    if not (workspace / FOLDER).is_dir():
        return f"there is no {FOLDER} folder beside its package-lock.json"
    # npm leaves a list of what it installed; packages for other systems are not in it.
    there = _packages(workspace / FOLDER / ".package-lock.json")
    for path, package in wanted.items():
        if path.startswith(f"{FOLDER}/") and not (package.get("optional") and path not in there):
            found = there.get(path)
            if found is None or found.get("version") != package.get("version"):
                return f"{path} is not there in the version of package-lock.json"
    return ""


def lay_in(source: Path, target: Path) -> None:
    """Give the workspace `target` the packages of `source`, as hard links where the disk can and as copies elsewhere; raise OSError."""
    shutil.copytree(
        source / FOLDER,
        target / FOLDER,
        # A link into the workspace itself stays one, and leads into the new one: npm writes them relative.
        symlinks=True,
        ignore=lambda folder, names: _CACHES.intersection(names) if folder == os.fspath(source / FOLDER) else set(),
        copy_function=_link_or_copy,
    )


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        # Another disk, a disk without hard links, or files of somebody else.
        shutil.copyfile(source, target)
        os.chmod(target, stat.S_IMODE(os.stat(source).st_mode))


def _packages(lock: Path) -> Mapping[str, Mapping[str, Any]]:
    try:
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return packages if isinstance(packages, dict) else {}
