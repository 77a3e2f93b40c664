"""The tree as it is now, open buffers included, for checks and offers that follow the person's typing.

Runs do not use it: they read one frozen snapshot.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from aigentflow.errors import PathError
from aigentflow.workspace.snapshot import Snapshot

LIST_SECONDS = 2.0
"""How long a listing of a folder may be used before it is made again, unless `forget` is called."""
_LIST_LIMIT = 20_000
_KEPT_TEXTS = 16
"""A scan of the workspace reads each file once; what is asked for again and again is few."""


class LiveTree:
    """Reads files of one root; a disk file again only when its time stamp or size changed."""

    def __init__(self, root: Path, buffer: Callable[[str], str | None], clock: Callable[[], float]) -> None:
        self.root = root
        self._buffer = buffer
        self._clock = clock
        self._texts: dict[str, tuple[tuple[int, int], str]] = {}
        self._lists: dict[str, tuple[float, tuple[str, ...]]] = {}

    def read(self, path: str) -> str | None:
        """Return the text of a workspace-relative path, None where there is none."""
        if (text := self._buffer(path)) is not None:
            return text
        try:
            stat = os.stat(self.root / path)
        except (OSError, ValueError):
            return None
        stamp = (stat.st_mtime_ns, stat.st_size)
        cached = self._texts.get(path)
        if cached is not None and cached[0] == stamp:
            return cached[1]
        try:
            text = Snapshot(self.root).read(path).text
        except PathError:
            return None
        self._texts[path] = (stamp, text)
        if len(self._texts) > _KEPT_TEXTS:
            del self._texts[next(iter(self._texts))]
        return text

    def paths(self, under: str = "") -> Iterable[str]:
        """Return the files below a folder, ignored ones left out."""
        now = self._clock()
        cached = self._lists.get(under)
        if cached is not None and now - cached[0] < LIST_SECONDS:
            return cached[1]
        found = tuple(Snapshot(self.root).paths(under, limit=_LIST_LIMIT))
        self._lists[under] = (self._clock(), found)
        return found

    def forget(self) -> None:
        """Make listings again when next asked: files came or went."""
        self._lists.clear()
