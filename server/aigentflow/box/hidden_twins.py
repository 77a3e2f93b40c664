"""Second names (hard links) of the hidden files of a workspace: the same bytes under a name that tells nothing."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator

_MOST_FOLDERS = 100_000
_MOST_HIDDEN = 2_000
"""Hidden files, and files in hidden folders, that are looked at for each command."""
_SKIPPED = frozenset({".git"})
_Identity = tuple[int, int, int]
"""Device, inode and time of change, which is another one as soon as a name is given or taken away."""


class Twins:
    """Finds them; the tree is walked only while some hidden file has a second name, and again only when that changes."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._linked: frozenset[_Identity] = frozenset()
        self._paths: tuple[str, ...] = ()

    def of(self, hidden: Iterable[str]) -> tuple[str, ...]:
        """Return the workspace-relative paths of all names of those hidden files that have more than one."""
        linked = frozenset(self._identities(hidden))
        if linked != self._linked:
            self._linked = linked
            self._paths = tuple(self._find({(device, inode) for device, inode, _ in linked})) if linked else ()
        return self._paths

    def _identities(self, hidden: Iterable[str]) -> Iterator[_Identity]:
        waiting = deque(os.path.join(self._root, path) for path in hidden)
        for _ in range(_MOST_HIDDEN):
            if not waiting:
                return
            path = waiting.popleft()
            try:
                status = os.lstat(path)
                if stat.S_ISDIR(status.st_mode):
                    waiting += [f"{path}/{name}" for name in os.listdir(path)]
                elif stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
                    yield status.st_dev, status.st_ino, status.st_ctime_ns
            except OSError:
                continue

    def _find(self, wanted: set[tuple[int, int]]) -> Iterator[str]:
        inodes = {inode for _, inode in wanted}
        waiting = [""]
        for _ in range(_MOST_FOLDERS):
            if not waiting:
                return
            folder = waiting.pop()
            try:
                with os.scandir(os.path.join(self._root, folder)) as entries:
                    for entry in entries:
                        path = f"{folder}/{entry.name}" if folder else entry.name
                        if entry.is_dir(follow_symlinks=False):
                            waiting += [path] if entry.name not in _SKIPPED else []
                        elif entry.inode() in inodes and _identity(entry) in wanted:
                            yield path
            except OSError:
                continue


def _identity(entry: os.DirEntry[str]) -> tuple[int, int]:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return -1, -1
    return status.st_dev, status.st_ino
