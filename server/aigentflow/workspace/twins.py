"""Second names (hard links) of secret files: the same bytes under a name that tells nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from .names import folded, secret_name

_MOST_FOLDERS = 100_000
_SKIPPED = frozenset({".git"})


class SecretTwins:
    """Knows which files of one workspace are second names of a secret; the tree is walked once somebody asks about a file that has two."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._known: frozenset[tuple[int, int]] | None = None

    def holds(self, status: os.stat_result) -> bool:
        """Whether the file is one with a secret file; asked of a file with one name it costs nothing."""
        if status.st_nlink < 2:
            return False
        if self._known is None:
            self._known = frozenset(_linked_secrets(self._root))
        return (status.st_dev, status.st_ino) in self._known


def _linked_secrets(root: str) -> Iterator[tuple[int, int]]:
    """Yield device and inode of each secret file that has more than one name."""
    waiting = [(root, "", False)]
    for _ in range(_MOST_FOLDERS):
        if not waiting:
            return
        path, name, inside_secret = waiting.pop()
        try:
            with os.scandir(path) as found:
                entries = list(found)
        except OSError:
            continue
        for entry in entries:
            secret = inside_secret or secret_name((folded(name), folded(entry.name))) is not None
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED:
                    waiting.append((entry.path, entry.name, secret))
            elif secret and (identity := _identity(entry)) is not None:
                yield identity


def _identity(entry: os.DirEntry[str]) -> tuple[int, int] | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) and status.st_nlink > 1 else None
