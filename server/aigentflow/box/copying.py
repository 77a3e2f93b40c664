"""A private copy of the workspace, the view of the tiers that have no copy-on-write: what a command changes there is never the person's.

Files and links are copied; installed packages and virtual environments are mirrored (`mirroring`). A large ignored folder is mirrored
too, or left empty where it holds what a build makes. Everything is opened from its folder's handle, links are never followed, and
sockets, pipes and devices are left out. To be called as the user who will run the command.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Collection, Sequence
from contextlib import suppress

from aigentflow.box.copied import Copied, Entries, opened_folder
from aigentflow.box.mirroring import PACKAGES, Mirror, is_environment
from aigentflow.box.values import Topping
from aigentflow.workspace.ignore import IgnoreRules

_LARGE_FILE = 100 << 20
"""Bytes; a larger file is linked to the real one, for reading only."""
_SMALL_FOLDER = (2_000, 32 << 20)
"""Entries and bytes up to which an ignored folder is copied."""
_SMALL_HISTORY = (1_000, 16 << 20)
_DEEPEST = 120
_MOST_TICKS = 20
_ROOT = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_CACHES = re.compile(r"__pycache__|\.(?:mypy_cache|pytest_cache|ruff_cache|turbo|parcel-cache|nyc_output|vite|vitest)")
_MADE_BY_BUILDS = re.compile(r"target|dist|build|out|bin|obj|coverage|\.(?:next|nuxt|output|svelte-kit|angular|gradle|tox|nox)")
_GONE_OR_CLOSED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EACCES, errno.EPERM, errno.ESTALE)
"""What is met where something else took the place of an entry meanwhile, or where it is not for this user."""
_OTHER_HISTORIES = frozenset((".hg", ".svn", ".jj"))


def copy_tree(
    root: str, target: str, *, hidden: Collection[str], toppings: Sequence[Topping], seen_as: str = "", linked_at: str = ""
) -> Copied:
    """Fill the empty folder `target` with the workspace as the command is to see it, without the `hidden` paths.

    The command sees the copy at `seen_as` (by default at `target`) and the linked paths beneath `linked_at` (by default at their real
    places). Raises OSError with a sentence, also where the workspace is too large to be copied for each command.
    """
    copied = Copied(root, target, seen_as or target, linked_at or root)
    source, copy = os.open(root, _ROOT), os.open(target, _ROOT)
    try:
        copier = _TreeCopier(copied, frozenset(hidden))
        copier.fill(source, copy, "", IgnoreRules().below(root, ""))
        for topping in toppings:
            copier.lay_over(copy, topping)
        copied.ended_ns = _later_than_all(copied, copy)
    finally:
        os.close(source)
        os.close(copy)
    return copied


def _later_than_all(copied: Copied, target: int) -> int:
    """Return a time after which a file that is written gets another stamp than it has.

    Files are stamped by the clock of the disk, which may be another machine's and ticks more slowly than ours.
    """
    latest = max((before.copy.ctime_ns for before in copied.files.values()), default=0)
    for _ in range(_MOST_TICKS):
        os.utime(target)
        now = os.fstat(target).st_ctime_ns
        if now > latest:
            break
        time.sleep(0.001)
    # Where it ticks very slowly, the files of the last tick are compared by their contents.
    return now


class _TreeCopier:
    def __init__(self, copied: Copied, hidden: frozenset[str]) -> None:
        self._copied = copied
        self._hidden = hidden
        self._above_hidden = {path[:at] for path in hidden for at, letter in enumerate(path) if letter == "/"}
        self._entries = Entries(copied)
        above = os.stat(os.path.dirname(copied.target))
        self._copies = (above.st_dev, above.st_ino)
        """The folder of copies, which may lie in the workspace."""

    def fill(self, source: int, target: int, path: str, rules: IgnoreRules, depth: int = 0) -> None:
        with os.scandir(source) as found:
            for entry in found:
                full = f"{path}/{entry.name}" if path else entry.name
                if full in self._hidden:
                    continue
                try:
                    self._entry(entry, source, target, full, rules, depth)
                except OSError as error:
                    if error.errno not in _GONE_OR_CLOSED:
                        raise
                    self._copied.left_out.add(full)

    def _entry(self, entry: os.DirEntry[str], source: int, target: int, path: str, rules: IgnoreRules, depth: int) -> None:
        if entry.is_symlink():
            self._entries.count()
            self._entries.link(entry.name, source, target, path)
        elif entry.is_dir(follow_symlinks=False):
            self._entries.count()
            with opened_folder(entry.name, source) as inner:
                self._folder(entry.name, inner, target, path, rules, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            if entry.stat(follow_symlinks=False).st_size > _LARGE_FILE:
                self._entries.link_to_real(entry.name, target, path)
                self._copied.linked.append(path)
            else:
                self._entries.file(entry.name, source, target, path)

    def _folder(self, name: str, source: int, parent: int, path: str, rules: IgnoreRules, depth: int) -> None:
        status = os.fstat(source)
        if depth > _DEEPEST or (status.st_dev, status.st_ino) == self._copies:
            self._copied.left_out.add(path)
            return
        self._entries.folder(name, parent, status)
        with opened_folder(name, parent) as target:
            if name == PACKAGES or is_environment(source):
                self._mirror(source, target, path)
            elif _CACHES.fullmatch(name):
                self._copied.left_out.add(path)
            elif name == "objects" and _in_git(path) and not _is_small(source, _SMALL_HISTORY):
                self._objects(target, path)
            elif name in _OTHER_HISTORIES or (name == "lfs" and _in_git(path)) or rules.ignores(path, is_folder=True):
                self._ignored(name, source, target, path, depth)
            else:
                self.fill(source, target, path, rules.below(self._copied.root, path), depth)

    def _ignored(self, name: str, source: int, target: int, path: str, depth: int) -> None:
        if _is_small(source, _SMALL_FOLDER):
            self.fill(source, target, path, IgnoreRules(), depth)
        elif _MADE_BY_BUILDS.fullmatch(name):
            self._copied.left_out.add(path)
        else:
            self._mirror(source, target, path)

    def _mirror(self, source: int, target: int, path: str) -> None:
        Mirror(self._entries, path, self._hidden, self._above_hidden).fill(source, target, path)

    def _objects(self, target: int, path: str) -> None:
        """Have git read the repository's objects where they are and write new ones into the copy."""
        self._copied.linked.append(path)
        for name in ("info", "pack"):
            os.mkdir(name, 0o755, dir_fd=target)
        with opened_folder("info", target) as info:
            line = os.fsencode(f"{self._copied.linked_at}/{path}\n")
            self._entries.written("alternates", info, f"{path}/info/alternates", line, 0o644)

    def lay_over(self, target: int, topping: Topping) -> None:
        """Put a buffer or a change of the run over the copy; passed over where something else than folders lies on the way."""
        *folders, name = topping.path.split("/")
        folder = os.dup(target)
        try:
            with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                for part in folders:
                    if topping.data is not None:
                        with suppress(FileExistsError):
                            os.mkdir(part, 0o755, dir_fd=folder)
                    inner = os.open(part, _ROOT | os.O_NOFOLLOW, dir_fd=folder)
                    os.close(folder)
                    folder = inner
                self._put(folder, name, topping)
        finally:
            os.close(folder)

    def _put(self, folder: int, name: str, topping: Topping) -> None:
        mode = 0o755 if topping.executable else 0o644
        with suppress(FileNotFoundError):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                mode = stat.S_IMODE(status.st_mode)
            os.unlink(name, dir_fd=folder)
        self._copied.files.pop(topping.path, None)
        self._copied.links.pop(topping.path, None)
        if topping.data is not None:
            self._entries.written(name, folder, topping.path, topping.data, mode)


def _in_git(path: str) -> bool:
    return path.startswith(".git/") or "/.git/" in path


def _is_small(folder: int, bounds: tuple[int, int]) -> bool:
    """Whether the open folder holds no more than so many entries and bytes."""
    entries, size = _rest(folder, *bounds, 0)
    return entries >= 0 and size >= 0


def _rest(folder: int, entries: int, size: int, depth: int) -> tuple[int, int]:
    """Return the bounds less what the folder holds; negative as soon as one is passed."""
    if depth > _DEEPEST:
        return -1, -1
    with os.scandir(folder) as found:
        for entry in found:
            entries -= 1
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    with opened_folder(entry.name, folder) as inner:
                        entries, size = _rest(inner, entries, size, depth + 1)
                else:
                    size -= entry.stat(follow_symlinks=False).st_size
            if entries < 0 or size < 0:
                break
    return entries, size
