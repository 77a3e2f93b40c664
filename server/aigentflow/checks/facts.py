"""The project's facts, kept file by file: a change re-reads one file, what is drawn from all of them is drawn anew when asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Generator, Iterable, Iterator
from copy import copy
from typing import Protocol, TypeVar

from aigentflow.checks.checklist import Catalogue
from aigentflow.checks.packages import Package, compiles_for_browser, is_foreign, parse_manifest
from aigentflow.checks.project import Drawn
from aigentflow.checks.reading import read_record, worth_reading
from aigentflow.checks.records import FileRecord
from aigentflow.checks.remembering import Memory
from aigentflow.checks.source import SourceFile
from aigentflow.syntax.trees import Tree, grammar_of

PROJECT_FILE = ".aigentflow/project.yaml"
NEST_FILE = "nest-cli.json"
"""The Nest compiler's configuration, whose Swagger plugin writes response decorators by itself."""
MAX_CHARACTERS = 1_000_000
"""Longer files are generated; they are not read."""
_MEMORIES = 8
"""Files that somebody works on at the same time."""


Result = TypeVar("Result")


class ProjectView(Protocol):
    """What the checks see of the workspace: open buffers as they are, files as they lie on disk."""

    def read(self, path: str) -> str | None:
        """Return the text of a file; None where there is none or it is no text."""

    def paths(self, under: str) -> Iterable[str]:
        """Return the files below a folder (empty: all), ignored ones left out."""


class ProjectFacts:
    """Facts of one workspace root. It is a `ProjectView` itself, so it can be handed on where a view is asked for."""

    def __init__(self, view: ProjectView, *, patient: bool = False) -> None:
        """Patient facts go on drawing from what they knew until `adopt` is called."""
        self._view = view
        self._patient = patient
        self._outdated = False
        self._records: dict[str, FileRecord] = {}
        self._seen: dict[str, bytes] = {}
        self._waiting: list[str] | None = None
        self._packages: dict[str, Package] = {}
        self._drawn: Drawn | None = None
        self._basis: Drawn | None = None
        self._last: SourceFile | None = None
        self._memories: dict[str, Memory] = {}

    def read(self, path: str) -> str | None:
        """Return the text of a file, see `ProjectView`."""
        return self._view.read(path)

    def paths(self, under: str) -> Iterable[str]:
        """Return the files below a folder, see `ProjectView`."""
        return self._view.paths(under)

    @property
    def complete(self) -> bool:
        """All files have been read."""
        return self._waiting is not None and not self._waiting

    def steps(self) -> Iterator[None]:
        """Read files in small steps until the facts are complete; for those who have to do other things in between."""
        if self._waiting is None:
            self._waiting = sorted((path for path in self._view.paths("") if contributes(path)), reverse=True)
        while self._waiting:
            yield from self.change(self._waiting.pop())
            yield

    def take(self, reading: Reading) -> bool:
        """Put in what somebody else read of a file, and return whether that changes anything."""
        path, seen, record = reading
        if seen is None:
            self._seen.pop(path, None)
        else:
            self._seen[path] = seen
        before = self._records.pop(path, None)
        if record is not None:
            self._records[path] = record
        if record == before:
            return False
        self._outdated = True
        if not self._patient:
            self._drawn = None
        return True

    def finish(self) -> None:
        """All files were read elsewhere and handed in with `take`."""
        self._waiting = []

    def changed(self, path: str, tree: Tree | None = None) -> bool:
        """Read a file again that was changed, created or deleted, and return whether a fact did; the tree of the text saves a parse."""
        return at_once(self.change(path, tree))

    def change(self, path: str, tree: Tree | None = None) -> Generator[None, None, bool]:
        """Do what `changed` does in small steps."""
        name = path.rsplit("/", 1)[-1]
        if name in ("package.json", "tsconfig.json", "index.html") or path == PROJECT_FILE:
            self._packages.clear()
            self._drawn = None
            return True
        if not contributes(path):
            return False
        text = tree.text if tree is not None else self._view.read(path)
        before = self._seen.get(path)
        if text is not None and before == fingerprint(text):
            return False
        reading = yield from _reading(path, text, self.source(path, tree) if tree is not None else None)
        # Between two steps somebody may have read it again, and later is better.
        return before == self._seen.get(path) and self.take(reading)

    def source(self, path: str, tree: Tree) -> SourceFile:
        """Return the file of a tree; asked twice for the same tree, the same one with what was read from it."""
        if self._last is None or self._last.tree is not tree or self._last.path != path:
            self._last = SourceFile(path, tree)
        return self._last

    def memory(self, path: str) -> Memory:
        """Return what is remembered of a file whose text is at hand again and again."""
        memory = self._memories.pop(path, None) or Memory()
        self._memories[path] = memory
        if len(self._memories) > _MEMORIES:
            del self._memories[next(iter(self._memories))]
        return memory

    def asked(self, path: str) -> tuple[Collection[str], Catalogue] | None:
        """Return the checks that a file was last judged by, if it is remembered."""
        return self._memories[path].asked if path in self._memories else None

    def package_of(self, path: str) -> Package:
        """Return the package that a file belongs to; an empty one where there is no manifest."""
        folder = path.rpartition("/")[0]
        if folder not in self._packages:
            around = self.package_of(folder) if folder else None
            manifest = self._view.read(f"{folder}/package.json" if folder else "package.json")
            if manifest is not None:
                self._packages[folder] = parse_manifest(manifest, folder, around, for_browser=self._is_for_browser(folder))
            else:
                self._packages[folder] = around or Package("")
        return self._packages[folder]

    @property
    def drawn(self) -> Drawn:
        """What follows from all files together; reads those that are still waiting."""
        for _ in self.steps():
            pass
        if self._drawn is None:
            self._drawn = Drawn(dict(self._records), self.package_of, _configured_helpers(self._view))
            self._outdated = False
        return self._drawn

    def ahead(self) -> ProjectFacts | None:
        """Return what patient facts will be, to look at files with before it counts; None where nothing has changed."""
        if self._drawn is None or not self._outdated:
            return None
        self._outdated = False
        coming = copy(self)
        coming._drawn, coming._last, coming._memories = None, None, {}
        coming._basis = self._drawn
        return coming

    def adopt(self, coming: ProjectFacts) -> None:
        """Let what was looked at ahead count, unless all was drawn anew meanwhile."""
        if self._drawn is coming._basis:
            self._drawn, self._memories = coming.drawn, coming._memories

    def _is_for_browser(self, folder: str) -> bool:
        under = f"{folder}/" if folder else ""
        tsconfig = self._view.read(f"{under}tsconfig.json")
        return (tsconfig is not None and compiles_for_browser(tsconfig)) or self._view.read(f"{under}index.html") is not None


Reading = tuple[str, bytes | None, FileRecord | None]
"""Path, fingerprint of the text (None: there is no such file), and what it contributes (None: nothing)."""


def contributes(path: str) -> bool:
    """Return whether a file at this path may hold facts."""
    source = grammar_of(path) is not None and not path.endswith(".d.ts")
    return (source or path.rsplit("/", 1)[-1] == NEST_FILE) and not is_foreign(path)


def fingerprint(text: str) -> bytes:
    """Return a digest of a text, short enough to be kept for every file."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def read_text(path: str, text: str | None) -> Reading:
    """Return what the text of a file contributes."""
    return at_once(_reading(path, text, None))


def _reading(path: str, text: str | None, file: SourceFile | None) -> Generator[None, None, Reading]:
    if text is None:
        return path, None, None
    seen = fingerprint(text)
    if path.rsplit("/", 1)[-1] == NEST_FILE:
        return path, seen, FileRecord(path, swagger_plugin=True) if "@nestjs/swagger" in text else None
    grammar = grammar_of(path)
    if grammar is None or len(text) > MAX_CHARACTERS or not worth_reading(path, text):
        return path, seen, None
    record = yield from read_record(file or SourceFile(path, Tree.parse(text, grammar)))
    return path, seen, record


def at_once(steps: Generator[None, None, Result]) -> Result:
    """Take all steps and return what they come to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result


def facts_of(view: ProjectView) -> ProjectFacts:
    """Return the view itself if it holds facts, else facts that are read from it now."""
    return view if isinstance(view, ProjectFacts) else ProjectFacts(view)


def _configured_helpers(view: ProjectView) -> tuple[str, ...]:
    text = view.read(PROJECT_FILE)
    if text is None:
        return ()
    from aigentflow.definitions.project import parse_project

    return parse_project(text)[0].tenant_helpers
