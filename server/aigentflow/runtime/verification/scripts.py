"""Where the scripts of packages are looked up."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

_OTHER_SHELL = re.compile(r"^\s*(?:script-shell|scriptShell|shell-emulator|shellEmulator)\s*[=:]", re.M)


class ScriptSource(Protocol):
    """Scripts of packages and files of the workspace, by workspace-relative path."""

    def script(self, folder: str, name: str) -> str | None:
        """Return the text of a script, None where there is none."""

    def names(self, folder: str, pattern: str) -> tuple[str, ...]:
        """Return the names of scripts that match."""

    def folders(self, folder: str, where: str) -> tuple[str, ...]:
        """Return the packages meant: '' the nearest one, `*` all, else a name or a path; empty where they are not known."""

    def other_shell(self, folder: str) -> bool:
        """Whether settings let scripts run in another shell than usual."""

    def read(self, path: str) -> str | None:
        """Return the text of a file."""


class OneFolder:
    """Scripts of one package, given by name."""

    def __init__(self, script: Callable[[str], str | None]) -> None:
        self._script = script

    def script(self, folder: str, name: str) -> str | None:
        """Return the script; every folder is taken for the package."""
        return self._script(name)

    def names(self, folder: str, pattern: str) -> tuple[str, ...]:
        """Return the name if there is such a script; patterns match nothing."""
        return (pattern,) if self._script(pattern) is not None else ()

    def folders(self, folder: str, where: str) -> tuple[str, ...]:
        """Return the folder itself; other packages are not known."""
        return () if where else (folder,)

    def other_shell(self, folder: str) -> bool:
        """Return no: settings are not known."""
        return False

    def read(self, path: str) -> str | None:
        """Return nothing: files are not known."""
        return None


class FileScripts:
    """Scripts of the package.json files of a workspace."""

    def __init__(self, read: Callable[[str], str | None], packages: tuple[str, ...] = ()) -> None:
        self.read = read
        self._packages = packages
        self._manifests: dict[str, Mapping[str, Any] | None] = {}

    def manifest(self, folder: str) -> Mapping[str, Any] | None:
        """Return the package.json of exactly this folder, None where there is none that can be read."""
        if folder not in self._manifests:
            self._manifests[folder] = json_object(self.read(within(folder, "package.json")))
        return self._manifests[folder]

    def nearest(self, folder: str) -> str | None:
        """Return the folder of the nearest package.json upwards."""
        return next((parent for parent in upwards(folder) if self.manifest(parent) is not None), None)

    def script(self, folder: str, name: str) -> str | None:
        """Return the script of the package in this folder."""
        text = scripts_of(self.manifest(folder)).get(name)
        return text if isinstance(text, str) else None

    def names(self, folder: str, pattern: str) -> tuple[str, ...]:
        """Return the names of the package's scripts that match; `*` takes in `:` as well."""
        return tuple(name for name in scripts_of(self.manifest(folder)) if name == pattern or _matches(name, pattern))

    def folders(self, folder: str, where: str) -> tuple[str, ...]:
        """Return the packages meant."""
        nearest = self.nearest(folder)
        if not where:
            return () if nearest is None else (nearest,)
        if where == "*":
            return self._packages
        path = within(folder, where.removeprefix("./"))
        if self.manifest(path) is not None:
            return (path,)
        return tuple(found for found in self._candidates(where) if (self.manifest(found) or {}).get("name") == where)[:1]

    def other_shell(self, folder: str) -> bool:
        """Whether settings of npm or pnpm name a shell for scripts."""
        texts = [self.read(within(parent, ".npmrc")) or "" for parent in upwards(folder)]
        return any(_OTHER_SHELL.search(text) for text in [*texts, self.read("pnpm-workspace.yaml") or ""])

    def _candidates(self, name: str) -> tuple[str, ...]:
        # Folders cannot be listed here; by habit a package lies in the folder of its name's last part.
        globs = workspaces_of(self.manifest("") or {}, self.read("pnpm-workspace.yaml"))
        last = name.rsplit("/", 1)[-1]
        return (*self._packages, *(glob.replace("/**", "/*").replace("*", last) for glob in globs))


def _matches(name: str, pattern: str) -> bool:
    return "*" in pattern and fnmatch.fnmatchcase(name, pattern)


def scripts_of(manifest: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the scripts of a package.json."""
    scripts = (manifest or {}).get("scripts")
    return scripts if isinstance(scripts, dict) else {}


def workspaces_of(manifest: Mapping[str, Any], pnpm: str | None) -> tuple[str, ...]:
    """Return the globs that say where the packages of a workspace are."""
    stated = manifest.get("workspaces")
    if isinstance(stated, dict):
        stated = stated.get("packages")
    globs = [glob for glob in stated if isinstance(glob, str)] if isinstance(stated, list) else []
    for line in (pnpm or "").splitlines():
        text = line.strip()
        if text.startswith("- ") and not text.startswith("- !"):
            globs.append(text[2:].strip().strip("'\""))
    return tuple(glob.removeprefix("./").rstrip("/") for glob in globs)


def json_object(text: str | None) -> Mapping[str, Any] | None:
    """Return a JSON object, None for anything else."""
    try:
        value = json.loads(text.removeprefix("\ufeff")) if text is not None else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def json_list(text: str) -> list[Any]:
    """Return a JSON list, empty for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return value if isinstance(value, list) else []


def within(folder: str, name: str) -> str:
    """Return the workspace-relative path of a name in a folder."""
    return f"{folder}/{name}" if folder else name


def upwards(folder: str) -> tuple[str, ...]:
    """Return the folder and those it lies in, the workspace folder '' last."""
    parts = folder.split("/") if folder else []
    return tuple("/".join(parts[:n]) for n in range(len(parts), -1, -1))
