"""Project facts of the open folders: a check worker reads the whole tree; what changes afterwards is read here, file by file."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from aigentflow.errors import FrameError
from aigentflow.lsp.check_worker import readings
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
FEW_FILES = 8
"""So many changed files are read in the server; for more of them a worker is started."""
SMALL_FILES = 100
SMALL_BYTES = 200_000
"""A tree of so many files with so many bytes together is read in the server as well."""

logger = logging.getLogger(__name__)


class Facts:
    """The facts of each root, and which files have to be read again."""

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session = session
        self._changed = changed
        self._trees: dict[Path, LiveTree] = {}
        self._facts: dict[Path, ProjectFacts] = {}
        self._stale: set[tuple[Path, str]] = set()
        self._quiet: asyncio.TimerHandle | None = None
        self._settling: asyncio.Task[None] | None = None

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

            self._facts[root] = facts = ProjectFacts(self.tree(root), patient=True)
            self._session.spawn(self._read(root, facts))
        return facts if facts.complete else None

    async def _read(self, root: Path, facts: ProjectFacts) -> None:
        if _is_small(root):
            await _in_slices(facts.steps())
        else:
            try:
                await self._fetch(root, facts, None)
            except FrameError as error:
                logger.warning("%s; the files are read in the server", error)
                await _in_slices(facts.steps())
                _give_back_memory()
        await _in_slices(self._read_open(root, facts))
        if self._facts.get(root) is facts:
            facts.finish()
            await self._settle()
            self._changed()

    async def _fetch(self, root: Path, facts: ProjectFacts, paths: list[str] | None) -> bool:
        """Let a worker read files as they lie on disk; those that are open and differ are read here afterwards."""
        changed = False
        async with contextlib.aclosing(readings(root, paths, self._session.environment)) as batches:
            async for batch in batches:
                for reading in batch:
                    changed = facts.take(reading) or changed
                if self._facts.get(root) is not facts:
                    break
        return changed

    def _read_open(self, root: Path, facts: ProjectFacts) -> Iterator[None]:
        for document in self._session.documents.all():
            place = self._session.relative(document)
            if place is not None and place[0] == root:
                yield from facts.change(place[1], document.tree)

    def _document(self, root: Path, path: str) -> Document | None:
        return self._session.documents.by_path(str(root / path))

    def typed(self, document: Document) -> None:
        """Somebody types: the file becomes a fact for others when its turn comes."""
        if (place := self._session.relative(document)) is not None:
            self._stale.add(place)
            if self._quiet is not None:
                self._quiet.cancel()
            self._quiet = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._settle_soon)

    def catch_up(self, except_path: str | None = None) -> None:
        """Somebody looks at another file than was typed in: what was typed becomes a fact without waiting for a quiet moment."""
        if any(path != except_path and (facts := self._facts.get(root)) is not None and facts.complete for root, path in self._stale):
            self._settle_soon()

    def _settle_soon(self) -> None:
        self._quiet = None
        if self._settling is None or self._settling.done():
            self._settling = self._session.spawn(self._settle_and_tell())

    async def _settle_and_tell(self) -> None:
        if await self._settle():
            self._changed()

    async def _settle(self) -> bool:
        """Read all that changed, and return whether a fact did; what changes meanwhile is read too."""
        changed = False
        while ready := {root for root, _ in self._stale if (facts := self._facts.get(root)) is None or facts.complete}:
            root = min(ready)
            paths = sorted(path for holder, path in self._stale if holder == root)
            self._stale.difference_update((root, path) for path in paths)
            facts = self._facts.get(root)
            if facts is not None:
                changed = await self._read_again(root, facts, paths) or changed
        return changed

    async def _read_again(self, root: Path, facts: ProjectFacts, paths: list[str]) -> bool:
        from aigentflow.checks.facts import contributes

        changed = False
        on_disk = [path for path in paths if contributes(path) and self._document(root, path) is None]
        if len(on_disk) > FEW_FILES:
            with contextlib.suppress(FrameError):
                changed = await self._fetch(root, facts, on_disk)
                paths = sorted(set(paths).difference(on_disk))

        def read() -> Iterator[None]:
            nonlocal changed
            for path in paths:
                document = self._document(root, path)
                changed = (yield from facts.change(path, document.tree if document is not None else None)) or changed
                yield

        await _in_slices(read())
        await _in_slices(self._look_ahead(root, facts))
        return changed

    def _look_ahead(self, root: Path, facts: ProjectFacts) -> Iterator[None]:
        """Judge what is open by the new facts before they count, so that nobody has to wait for it."""
        from aigentflow.checks.engine import look_ahead

        coming = facts.ahead()
        if coming is None:
            return
        for document in self._session.documents.all():
            place = self._session.relative(document)
            if place is not None and place[0] == root and document.tree is not None:
                yield from look_ahead(place[1], document.tree, facts, coming)
        facts.adopt(coming)

    def files_changed(self, uris: list[str]) -> None:
        """Files changed on disk, or were opened, saved or closed."""
        for uri in uris:
            path = path_of(uri)
            root = self._session.root_of(path)
            if path is None or root is None:
                continue
            self.tree(root).forget()
            if root in self._facts:
                self._stale.add((root, Path(path).relative_to(root).as_posix()))
        self._settle_soon()
        self._changed()

    def start_anew(self) -> None:
        """Folders or settings changed: everything is read again when next asked for."""
        self._facts.clear()
        for tree in self._trees.values():
            tree.forget()
        self._changed()


def _is_small(root: Path) -> bool:
    """Such a tree is read before a worker has started."""
    from aigentflow.workspace.snapshot import Snapshot

    size = 0
    for number, path in enumerate(Snapshot(root).paths()):
        with contextlib.suppress(OSError):
            size += (root / path).stat().st_size
        if number >= SMALL_FILES or size > SMALL_BYTES:
            return False
    return True


async def _in_slices(steps: Iterator[None]) -> None:
    """Take steps; after every few milliseconds messages get their turn."""
    until = monotonic() + SLICE_SECONDS
    for _ in steps:
        if monotonic() > until:
            await asyncio.sleep(0)
            until = monotonic() + SLICE_SECONDS


def _give_back_memory() -> None:
    """Return what the trees of a whole workspace took to the system; only glibc keeps it and can be asked to let go."""
    import ctypes
    import gc

    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
