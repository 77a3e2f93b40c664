"""Puts the data that the package needs at run time into the wheel: built-in agents and the sample workspace.

They are taken file by file, because what a package build leaves out by default (dot files) belongs to a workspace.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = {"agents": "agents", "tests/workspaces/sample": "sample"}
"""Folder of the checkout to folder below `aigentflow/_data`."""
LEFT_OUT = frozenset({"node_modules", "dist", "build", ".cache", ".turbo", "coverage", "__pycache__", ".DS_Store"})
"""What using a workspace leaves behind."""


def data_files(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield every data file with its place in the wheel."""
    for folder, name in DATA.items():
        for current, folders, files in os.walk(root / folder):
            folders[:] = sorted(set(folders) - LEFT_OUT)
            for file in sorted(set(files) - LEFT_OUT):
                path = Path(current, file)
                yield path, f"aigentflow/_data/{name}/{path.relative_to(root / folder).as_posix()}"


class DataHook(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling; an editable install finds the data in the checkout itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the data files to a wheel."""
        if self.target_name == "wheel" and version != "editable":
            build_data["force_include"].update({str(path): place for path, place in data_files(Path(self.root))})
