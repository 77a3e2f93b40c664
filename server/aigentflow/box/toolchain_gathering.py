"""Collects what a command is shown of the machine, from folders of programs and the programs in them."""

from __future__ import annotations

import os
import stat
from collections.abc import Container

from .toolchain_rules import BIN_NAMES, Ground, credential_in, follow, is_file, is_folder, names_in, within
from .values import Bind, Link

_MOST_BINDS = 300
_MOST_ENTRIES = 5000
_MOST_SPLITS = 8
_PARTS = ("lib", "lib64", "libexec")


class Gathering:
    """The folders, files and links gathered so far; each is asked for by its path with links followed."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._system: set[str] = set()
        self._binds: dict[str, str] = {}
        self._links: dict[str, str] = {}
        self._scanned: set[str] = set()

    def covers(self, path: str) -> bool:
        """Whether a command sees the path already, because of a folder above it."""
        while path not in self._binds:
            above, _, _ = path.rpartition("/")
            if not above:
                return False
            path = above
        return True

    def sees(self, path: str) -> bool:
        """Whether a command sees the path, in the workspace or outside."""
        return within(path, self.ground.root) or self.covers(path)

    def add(self, path: str, why: str) -> str:
        """Add a folder or a file; return why it is not added, empty if it is there now."""
        if self.covers(path):
            return ""
        refused = self.ground.refusal(path) or self._credentials(path)
        if not refused and len(self._binds) >= _MOST_BINDS:
            refused = "there are too many folders"
        if not refused:
            self._binds[path] = why
        return refused

    def _credentials(self, path: str) -> str:
        found = credential_in(names_in(path) or (), wide=False)
        return f"it holds {found}" if found else ""

    def add_system(self, path: str) -> None:
        """Add a folder or file of the system, which is shown whatever its names say, without the workspace and the home folder."""
        self._tree(path, "system", 0)

    def add_tree(self, path: str, why: str) -> None:
        """Add an installation; if the workspace lies in it, all that lies beside the workspace."""
        self._tree(path, why, 0)

    def _tree(self, path: str, why: str, depth: int) -> None:
        if why != "system":
            if not self.add(path, why):
                return
        elif not self.ground.refusal(path):
            self._binds.setdefault(path, why)
            self._system.add(path)
            return
        if path == self.ground.root or not self.ground.places_in(path) or depth > _MOST_SPLITS:
            return
        for entry in _entries(path):
            if entry.is_symlink():
                self.link(Link(entry.path, _target(entry.path)))
            elif entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False):
                self._tree(entry.path, why, depth + 1)

    def link(self, *links: Link) -> None:
        """Add links that lead to what is shown."""
        for link in links:
            if not within(link.path, self.ground.root) and not self.ground.places_in(link.path):
                self._links[link.path] = link.target

    def programs(self, folder: str, why: str) -> str:
        """Add a folder of programs with its installation, or as much of that as may be shown; return why it is not there."""
        if not self.covers(folder):
            prefix = os.path.dirname(folder) if os.path.basename(folder) in BIN_NAMES else ""
            if prefix and self.ground.whole(prefix):
                self.add_tree(prefix, why)
            elif not prefix and ".git" in (names_in(folder) or ()):
                return "it is a repository, not a folder of programs"
            elif refused := self.add(folder, why):
                return refused
            elif prefix:
                self._parts(prefix, why)
        self._follow_links(folder, why)
        return ""

    def _parts(self, prefix: str, why: str) -> None:
        """Add the libraries of an installation that is not shown as a whole."""
        if not self.ground.refusal(prefix):
            for part in _PARTS:
                if is_folder(os.path.join(prefix, part)):
                    self.add(os.path.join(prefix, part), why)

    def _follow_links(self, folder: str, why: str) -> None:
        if folder in self._scanned:
            return
        self._scanned.add(folder)
        for entry in _entries(folder):
            if entry.is_symlink():
                self._follow_link(folder, entry.path, why)
            elif folder in self._binds and entry.is_file(follow_symlinks=False):
                interpreter = _interpreter(entry.path)
                if interpreter and not self.sees(interpreter):
                    self.program(interpreter, why)

    def _follow_link(self, folder: str, path: str, why: str) -> None:
        target = _target(path)
        if "/" not in target or self.sees(os.path.normpath(os.path.join(folder, target))):
            return
        self.program(path, why)

    def program(self, path: str, why: str) -> None:
        """Add the installation that a program, or a link to one, belongs to."""
        trail = follow(path)
        if trail is None or not _is_program(trail.real):
            return
        for link in trail.links:
            self._environment_of(link.path, why)
        if not self.sees(trail.real):
            self._installation(trail.real, why)
        if self.sees(trail.real):
            self.link(*trail.links)

    def _environment_of(self, path: str, why: str) -> None:
        """Add the virtual environment that a link to an interpreter belongs to."""
        prefix = os.path.dirname(os.path.dirname(path))
        if not self.sees(prefix) and is_file(os.path.join(prefix, "pyvenv.cfg")) and self.ground.whole(prefix):
            self.add_tree(prefix, why)

    def _installation(self, real: str, why: str) -> None:
        parts = real.split("/")
        folder = os.path.dirname(real)
        prefix = os.path.dirname(folder)
        if "node_modules" in parts:
            self.add("/".join(parts[: parts.index("node_modules") + 1]), why)
        elif os.path.basename(folder) in BIN_NAMES and self.ground.whole(prefix):
            self.add_tree(prefix, why)
            self._follow_links(folder, why)
        elif not self.add(real, why) and os.path.basename(folder) in BIN_NAMES:
            self._parts(prefix, why)

    def binds(self) -> tuple[Bind, ...]:
        """Return what is shown, the folders inside other ones left out, by path; each is tested once more."""
        kept: dict[str, str] = {}
        for path in sorted(self._binds):
            if not _inside(path, kept) and self._may_be_shown(path):
                kept[path] = self._binds[path]
        return tuple(Bind(path, why) for path, why in kept.items())

    def _may_be_shown(self, path: str) -> bool:
        """The last word on everything that is shown, whoever asked for it."""
        if not path.startswith("/") or os.path.realpath(path) != path or self.ground.refusal(path):
            return False
        return path in self._system or not self._credentials(path)

    def links(self, binds: tuple[Bind, ...]) -> tuple[Link, ...]:
        """Return the links that no shown folder holds, by path."""
        shown = dict.fromkeys(bind.path for bind in binds)
        return tuple(Link(path, target) for path, target in sorted(self._links.items()) if not _inside(path, shown))


def _inside(path: str, folders: Container[str]) -> bool:
    while path:
        if path in folders:
            return True
        path = path.rpartition("/")[0]
    return False


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry, _ in zip(entries, range(_MOST_ENTRIES), strict=False)]
    except OSError:
        return []


def _target(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _is_program(path: str) -> bool:
    return is_file(path) and os.access(path, os.X_OK)


def _interpreter(path: str) -> str:
    """Return the absolute path of the program that runs a script, empty for none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        head = os.read(handle, 256) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    except OSError:
        head = b""
    finally:
        os.close(handle)
    words = head.partition(b"\n")[0][2:].split() if head.startswith(b"#!") else []
    return os.fsdecode(words[0]) if words and words[0].startswith(b"/") and b"\0" not in words[0] else ""
