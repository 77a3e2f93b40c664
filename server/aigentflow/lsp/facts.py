"""Project facts of the open folders: read in small slices beside the typing, kept current file by file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from aigentflow.lsp.convert import path_of

if TYPE_CHECKING:
    from aigentflow.checks.facts import ProjectFacts
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.session import Session
    from aigentflow.workspace.live import LiveTree

SLICE_SECONDS = 0.004
"""How long the loop may be held by reading files before messages get their turn."""
QUIET_SECONDS = 0.4
"""How long nobody types before what was typed becomes a fact for other files."""


class Facts:
    """The facts of each root, and which files have to be read again."""

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session = session
        self._changed = changed
        self._trees: dict[Path, LiveTree] = {}
        self._facts: dict[Path, ProjectFacts] = {}
        self._stale: set[tuple[Path, str]] = set()
        self._quiet: asyncio.TimerHandle | None = None

    def tree(self, root: Path) -> LiveTree:
        """Return the living tree of a root."""
        if root not in self._trees:
            from aigentflow.workspace.live import LiveTree

            def buffer(path: str) -> str | None:
                document = self._session.documents.by_path(str(root / path))
                return None if document is None else document.text

            self._trees[root] = LiveTree(root, buffer, monotonic)
        return self._trees[root]

    def of(self, root: Path) -> ProjectFacts | None:
        """Return the facts of a root; None while they are still being read."""
        facts = self._facts.get(root)
        if facts is None:
            from aigentflow.checks.facts import ProjectFacts

            self._facts[root] = facts = ProjectFacts(self.tree(root))
            self._session.spawn(self._read(facts))
        return facts if facts.complete else None

    async def _read(self, facts: ProjectFacts) -> None:
        until = monotonic() + SLICE_SECONDS
        for _ in facts.steps():
            if monotonic() > until:
                await asyncio.sleep(0)
                until = monotonic() + SLICE_SECONDS
        _give_back_memory()
        self._changed()

    def typed(self, document: Document) -> None:
        """Somebody types: the file becomes a fact for others when its turn comes."""
        if (place := self._session.relative(document)) is not None:
            self._stale.add(place)
            if self._quiet is not None:
                self._quiet.cancel()
            self._quiet = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._settle)

    def catch_up(self, except_path: str | None = None) -> None:
        """Read the files that were typed in, save the one that is being typed in."""
        for place in sorted(self._stale):
            facts = self._facts.get(place[0])
            if place[1] != except_path:
                self._stale.discard(place)
                if facts is not None and facts.complete:
                    document = self._session.documents.by_path(str(place[0] / place[1]))
                    facts.changed(place[1], document.tree if document is not None else None)

    def _settle(self) -> None:
        self._quiet = None
        if self._stale:
            self.catch_up()
            self._changed()

    def files_changed(self, uris: list[str]) -> None:
        """Files changed on disk, or were opened, saved or closed."""
        for uri in uris:
            path = path_of(uri)
            root = self._session.root_of(path)
            if path is None or root is None:
                continue
            self.tree(root).forget()
            facts = self._facts.get(root)
            if facts is not None and facts.complete:
                facts.changed(Path(path).relative_to(root).as_posix())
        self._changed()

    def start_anew(self) -> None:
        """Folders or settings changed: everything is read again when next asked for."""
        self._facts.clear()
        for tree in self._trees.values():
            tree.forget()
        self._changed()


def _give_back_memory() -> None:
    """Return what the trees of a whole workspace took to the system; only glibc keeps it and can be asked to let go."""
    import ctypes
    import gc

    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
