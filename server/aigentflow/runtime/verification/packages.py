"""A Node package of the workspace: its manifest, what it depends on, and the package manager that runs its scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aigentflow.runtime.verification.scripts import FileScripts, scripts_of, upwards, within
from aigentflow.runtime.verification.steps import Exists

_LOCKS = (
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
    ("pnpm-lock.yaml", "pnpm"),
    ("pnpm-workspace.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
)
_EXEC = {"npm": ("npx", "--no-install"), "pnpm": ("pnpm", "exec"), "yarn": ("yarn", "run"), "bun": ("bunx",)}


@dataclass(frozen=True)
class Package:
    """One package and the packages that its folder lies in."""

    folder: str
    manifest: Mapping[str, Any]
    above: tuple[Package, ...] = ()
    """Packages of the folders above, the nearest first."""
    manager: str = "npm"

    @property
    def scripts(self) -> Mapping[str, str]:
        """The scripts by name."""
        return {name: text for name, text in scripts_of(self.manifest).items() if isinstance(text, str)}

    def configures(self, name: str) -> bool:
        """Whether the manifest holds the configuration of a tool."""
        return isinstance(self.manifest.get(name), dict)

    def depends_on(self, name: str) -> bool:
        """Whether the package itself names the dependency."""
        return self._range(name) is not None

    def has_tool(self, name: str) -> bool:
        """Whether the dependency is named here or above, where package managers make its programs reachable."""
        return self.depends_on(name) or any(package.depends_on(name) for package in self.above)

    def version(self, name: str) -> tuple[int, int] | None:
        """Return the lowest version that the stated range of a dependency takes in, None where it is not stated as numbers."""
        for package in (self, *self.above):
            match = re.search(r"(\d+)(?:\.(\d+))?", package._range(name) or "")
            if match:
                return int(match[1]), int(match[2] or 0)
        return None

    def _range(self, name: str) -> str | None:
        for kind in ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies"):
            group = self.manifest.get(kind)
            if isinstance(group, dict) and isinstance(group.get(name), str):
                return str(group[name])
        return None

    def run_script(self, name: str) -> list[str]:
        """Return the words that run a script."""
        return [self.manager, "run", name]

    def run_program(self, *arguments: str) -> list[str]:
        """Return the words that run a program of the installed dependencies, without the network."""
        return [*_EXEC[self.manager], *arguments]


def package_at(folder: str, source: FileScripts, exists: Exists) -> Package | None:
    """Return the nearest package of a folder, None where there is none."""
    folders = [parent for parent in upwards(folder) if source.manifest(parent) is not None]
    if not folders:
        return None
    # A package with a lock file of its own has nothing from the packages above it.
    alone = next((at for at, parent in enumerate(folders) if any(exists(within(parent, lock)) for lock, _manager in _LOCKS)), len(folders))
    folders = folders[: alone + 1]
    manager = _manager(folders[0], source, exists)
    above: tuple[Package, ...] = ()
    for parent in reversed(folders[1:]):
        above = (Package(parent, source.manifest(parent) or {}, above, manager), *above)
    return Package(folders[0], source.manifest(folders[0]) or {}, above, manager)


def _manager(folder: str, source: FileScripts, exists: Exists) -> str:
    for parent in upwards(folder):
        stated = (source.manifest(parent) or {}).get("packageManager")
        name = stated.split("@")[0] if isinstance(stated, str) else ""
        if name in _EXEC:
            return name
        for lock, manager in _LOCKS:
            if exists(within(parent, lock)):
                return manager
    return "npm"
