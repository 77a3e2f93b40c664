"""Which files of the workspace a command must not see: those that hold secrets, by their names, wherever they lie in the tree.

The tree is walked once and then followed by the changes that the kernel tells. Where those cannot be had, each answer looks at the
time of change of every folder and reads the changed ones again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from dataclasses import dataclass

from aigentflow.workspace.names import folded, secret_name

from .hidden_history import History
from .hidden_mask import Mask
from .hidden_twins import Twins
from .hidden_values import GIT_CONFIG, SecretFile, read_secrets, values_of
from .watching import IGNORED, IS_FOLDER, OVERFLOW, Watcher, tells_changes

__all__ = ["Hidden", "Mask"]

_SKIPPED = frozenset({".git"})
_MOST_DEPTH = 400
_SETTLED = 50_000_000
"""Nanoseconds after which a folder's time of change tells apart what came before and after it."""
_MOST_NAMES = 20_000
_PAST_SECONDS = 2.0
"""How long what a command printed may wait until the past of the repository is known."""
_MOST_WHOLE = 20
"""Files whose whole content is looked for in other forms too."""
_MOST_SHARE = 2
"""Not more than one part in so many of the person's allowance of watches is used; the editor needs some too."""


@dataclass(slots=True)
class _Folder:
    """What is known of one folder of the tree."""

    inode: int = -1
    """As the folder above told it; -1 where the folder could not be read."""
    changed: int = 0
    """Its time of change when it was read; 0 where it has to be read again if nothing tells of changes."""
    watch: int = -1
    folders: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


class Hidden:
    """Knows the secret files of one workspace; making it takes a walk, an answer does not."""

    def __init__(self, root: str) -> None:
        self._root = os.path.realpath(root)
        self._folders: dict[str, _Folder] = {}
        self._watched: dict[int, str] = {}
        self._names: dict[str, bool] = {}
        self._paths: tuple[str, ...] | None = None
        self._twins = Twins(self._root)
        self._history = History(self._root)
        self._files: tuple[SecretFile, ...] = ()
        self._mask: Mask | None = None
        self._masked: tuple[SecretFile, ...] = ()
        self._past: tuple[SecretFile, ...] = ()
        self._watcher: Watcher | None = None
        self._left = _allowance()
        if tells_changes(self._root):
            with contextlib.suppress(OSError, AttributeError):
                self._watcher = Watcher()
        self._start()

    @property
    def watching(self) -> bool:
        """Whether the kernel tells of changes; else each answer looks at every folder."""
        return self._watcher is not None

    @property
    def process(self) -> int:
        """The process that looks into the past of the repository, -1 where there is none any more."""
        return self._history.process

    def paths(self) -> tuple[str, ...]:
        """Return the files, links and whole folders that are to be hidden, relative to the workspace with `/`, sorted."""
        if not self._folders:
            self._start()
        if self._watcher is None or not self._take_events(self._watcher):
            self._look_at_all()
        if self._paths is None:
            self._paths = tuple(sorted(_joined(path, name) for path, folder in self._folders.items() for name in folder.secrets))
        twins = self._twins.of(self._paths)
        return tuple(sorted({*self._paths, *twins})) if twins else self._paths

    def values(self, limit: int = 200) -> tuple[str, ...]:
        """Return the secrets that stand in these files, longest first; what a command prints of them is to be taken out."""
        return values_of(self._secret_files(), limit)

    def mask(self, seconds: float = _PAST_SECONDS, limit: int = 200) -> Mask:
        """Return what takes the secrets out of a text; the same one until a secret file changes. Waits so long for those of the past."""
        files, past = self._secret_files(), self._history.files(seconds)
        if self._mask is None or self._masked is not files or self._past is not past:
            self._masked, self._past = files, past
            self._mask = Mask(values_of((*files, *past), limit), (file.data for file in (*files, *past)[:_MOST_WHOLE]))
        return self._mask

    def close(self) -> None:
        """Stop watching; later answers walk."""
        self._history.close()
        self._unwatch()

    def _unwatch(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
        self._watcher = None
        self._watched.clear()

    def _start(self) -> None:
        self._folders[""] = _Folder()
        self._walk([""])

    def _secret_files(self) -> tuple[SecretFile, ...]:
        self._files = read_secrets(self._root, (*self.paths(), GIT_CONFIG), self._files)
        return self._files

    def _take_events(self, watcher: Watcher) -> bool:
        """Read the folders again in which something happened that matters; False where events were lost."""
        changed: dict[str, None] = {}
        lost = False
        for event in watcher.events():
            lost = lost or bool(event.mask & OVERFLOW)
            path = self._watched.get(event.watch)
            if path is None:
                continue
            if event.mask & IGNORED:
                self._forget_watch(event.watch)
            elif not event.name:
                changed[path.rpartition("/")[0]] = None
            elif event.mask & IS_FOLDER or self._is_secret(_last(path), event.name):
                changed[path] = None
        if not lost:
            self._walk(list(changed))
        return not lost and self._watcher is not None

    def _forget_watch(self, number: int) -> None:
        folder = self._folders.get(self._watched.pop(number))
        if folder is not None and folder.watch == number:
            folder.watch, folder.inode = -1, -1

    def _look_at_all(self) -> None:
        """Read each folder again whose time of change is another or unknown; what lies in new ones is walked."""
        self._walk([path for path, folder in self._folders.items() if not folder.changed or _changed(self._full(path)) != folder.changed])

    def _walk(self, waiting: list[str]) -> None:
        """Read the folders, and all that are new or were put in another's place below them."""
        while waiting:
            path = waiting.pop()
            # What was dropped meanwhile may lie behind a link by now, and is not looked at.
            folder = self._folders.get(path)
            if folder is None:
                continue
            before = folder.folders
            below = self._read(path, folder)
            if below is None:
                self._drop(path)
                continue
            for name in set(before).difference(below):
                self._drop(_joined(path, name))
            if path.count("/") >= _MOST_DEPTH:
                continue
            for name, inode in below.items():
                inner = _joined(path, name)
                known = self._folders.get(inner)
                if known is None or known.inode != inode:
                    self._folders[inner] = known = known or _Folder()
                    known.inode = inode
                    waiting.append(inner)

    def _read(self, path: str, folder: _Folder) -> dict[str, int] | None:
        """Read one folder and return the folders in it with their inodes; None where it is gone. It is watched before it is read."""
        full = self._full(path)
        if self._watch(path, full, folder):
            changed = 0
        elif (changed := _changed(full)) < 0:
            return None
        below: dict[str, int] = {}
        secrets = []
        parent = _last(path)
        try:
            with os.scandir(full) as entries:
                for entry in entries:
                    name = entry.name
                    if self._is_secret(parent, name):
                        secrets.append(name)
                    elif entry.is_dir(follow_symlinks=False) and name not in _SKIPPED:
                        below[name] = entry.inode()
        except OSError:
            # What cannot be read now may become readable later.
            folder.inode, changed = -1, 0
        found = tuple(secrets)
        if found != folder.secrets:
            self._paths = None
        folder.changed = changed if time.time_ns() - changed > _SETTLED else 0
        folder.folders, folder.secrets = tuple(below), found
        return below

    def _watch(self, path: str, full: str, folder: _Folder) -> bool:
        """Have the kernel tell of changes in a folder; whether it does."""
        if self._watcher is None:
            return False
        try:
            if len(self._watched) >= self._left:
                raise OSError(errno.ENOSPC, "the share of watches is used up")
            number = self._watcher.add(full)
        except OSError as problem:
            if problem.errno in (errno.ENOSPC, errno.ENOMEM, errno.EMFILE):
                self._unwatch()
            return False
        if folder.watch not in (-1, number) and self._watched.get(folder.watch) == path:
            del self._watched[folder.watch]
            self._watcher.remove(folder.watch)
        # A folder that was moved keeps its number; forgetting where it lay before must not end the watch.
        self._watched[number] = path
        folder.watch = number
        return True

    def _drop(self, path: str) -> None:
        """Forget a folder and everything below it."""
        waiting = [path]
        while waiting:
            path = waiting.pop()
            folder = self._folders.pop(path, None)
            if folder is None:
                continue
            if folder.secrets:
                self._paths = None
            if self._watcher is not None and self._watched.get(folder.watch) == path:
                del self._watched[folder.watch]
                self._watcher.remove(folder.watch)
            waiting.extend(_joined(path, name) for name in folder.folders)

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    def _is_secret(self, parent: str, name: str) -> bool:
        if parent.startswith("."):
            return secret_name((folded(parent), folded(name))) is not None
        known = self._names.get(name)
        if known is None:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            known = self._names[name] = secret_name((folded(name),)) is not None
        return known


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _changed(full: str) -> int:
    """Return the time of change of a folder in nanoseconds, -1 where there is none."""
    try:
        found = os.lstat(full)
    except OSError:
        return -1
    return found.st_ctime_ns if stat.S_ISDIR(found.st_mode) else -1


def _allowance() -> int:
    """Return how many folders may be watched."""
    try:
        with open("/proc/sys/fs/inotify/max_user_watches", encoding="ascii") as file:
            return int(file.read()) // _MOST_SHARE
    except (OSError, ValueError):
        return 0
