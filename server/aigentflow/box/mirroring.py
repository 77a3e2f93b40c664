"""Installed packages in a copy of the workspace: folders of our own whose larger parts are links to the real ones.

A single link in place of `node_modules` would lead a package of the workspace, and its unsaved text, to the real files, and no tool
could write its cache there. So the first levels are made anew, and only the packages themselves are links.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress

from aigentflow.box.copied import Entries, opened_folder

PACKAGES = "node_modules"
_LARGE = 1 << 20
_CACHES = frozenset((".cache", ".vite", ".vite-temp", ".vitest", ".tmp", "__pycache__"))
_PARTS_OF_ENVIRONMENTS = frozenset(("bin", "Scripts", "lib", "Lib", "site-packages"))


def is_environment(folder: int) -> bool:
    """Whether the open folder is a virtual environment of Python."""
    try:
        os.stat("pyvenv.cfg", dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True


class Mirror:
    """Mirrors one folder."""

    def __init__(self, entries: Entries, path: str, hidden: Collection[str], above_hidden: Collection[str]) -> None:
        self._entries = entries
        self._path = path
        self._hidden = hidden
        self._above_hidden = above_hidden
        self._whole = path not in above_hidden
        entries.copied.mirrored.append(path)
        if self._whole:
            entries.copied.linked.append(path)

    def fill(self, source: int, target: int, path: str) -> None:
        """Fill the open folder `target`; `path` is the workspace's name for it."""
        with os.scandir(source) as found:
            for entry in found:
                full = f"{path}/{entry.name}"
                if full not in self._hidden:
                    self._entries.count()
                    with suppress(FileNotFoundError, PermissionError, NotADirectoryError):
                        self._entry(entry, source, target, full)

    def _entry(self, entry: os.DirEntry[str], source: int, target: int, path: str) -> None:
        if entry.is_symlink():
            self._entries.link(entry.name, source, target, path)
        elif entry.is_dir(follow_symlinks=False):
            self._folder(entry.name, source, target, path)
        elif entry.is_file(follow_symlinks=False):
            if entry.stat(follow_symlinks=False).st_size > _LARGE:
                self._link(entry.name, target, path)
            else:
                self._entries.file(entry.name, source, target, path, moved=_names_places(path))

    def _folder(self, name: str, source: int, target: int, path: str) -> None:
        if name in _CACHES:
            return
        if path not in self._above_hidden and not self._has_parts(path):
            self._link(name, target, path)
            return
        with opened_folder(name, source) as inner:
            self._entries.folder(name, target, os.fstat(inner))
            with opened_folder(name, target) as copy:
                self.fill(inner, copy, path)

    def _has_parts(self, path: str) -> bool:
        """Whether the folder is one of the few that are no package: a scope, programs, the way down to an environment's packages."""
        *above, name = path[len(self._path) + 1 :].split("/")
        if any(not _is_part(part) for part in above):
            return False
        return _is_part(name) or (not above and (name == ".bin" or name.startswith("@")))

    def _link(self, name: str, target: int, path: str) -> None:
        self._entries.link_to_real(name, target, path)
        if not self._whole:
            self._entries.copied.linked.append(path)


def _is_part(name: str) -> bool:
    return name in _PARTS_OF_ENVIRONMENTS or name.startswith("python3")


def _names_places(path: str) -> bool:
    """Whether the file names its environment, or a package that is installed as a link to the workspace, by absolute path."""
    folder, _, name = path.rpartition("/")
    return name.endswith(".pth") or name.startswith("__editable__") or folder.endswith(("/bin", "/Scripts"))
