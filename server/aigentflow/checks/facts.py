"""The project's facts, kept file by file: a change re-reads one file, what is drawn from all of them is drawn anew when asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from aigentflow.checks.packages import Package, compiles_for_browser, is_foreign, parse_manifest
from aigentflow.checks.project import Drawn
from aigentflow.checks.reading import read_record, worth_reading
from aigentflow.checks.records import FileRecord
from aigentflow.checks.source import SourceFile
from aigentflow.syntax.trees import Tree, grammar_of

PROJECT_FILE = ".aigentflow/project.yaml"
MAX_CHARACTERS = 1_000_000
"""Longer files are generated; they are not read."""


class ProjectView(Protocol):
    """What the checks see of the workspace: open buffers as they are, files as they lie on disk."""

    def read(self, path: str) -> str | None:
        """Return the text of a file; None where there is none or it is no text."""

    def paths(self, under: str) -> Iterable[str]:
        """Return the files below a folder (empty: all), ignored ones left out."""


class ProjectFacts:
    """Facts of one workspace root. It is a `ProjectView` itself, so it can be handed on where a view is asked for."""

    def __init__(self, view: ProjectView) -> None:
        self._view = view
        self._records: dict[str, FileRecord] = {}
        self._waiting: list[str] | None = None
        self._packages: dict[str, Package] = {}
        self._drawn: Drawn | None = None
        self._last: SourceFile | None = None

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
        """Read one file per step until the facts are complete; for those who have to do other things in between."""
        if self._waiting is None:
            self._waiting = sorted((path for path in self._view.paths("") if _is_source(path)), reverse=True)
        while self._waiting:
            self._take(self._waiting.pop())
            yield

    def changed(self, path: str, tree: Tree | None = None) -> None:
        """Read a file again that was changed, created or deleted; the tree of its new text saves a parse."""
        name = path.rsplit("/", 1)[-1]
        if name in ("package.json", "tsconfig.json", "index.html", "nest-cli.json") or path == PROJECT_FILE:
            self._packages.clear()
            self._drawn = None
        elif self._waiting is not None and _is_source(path):
            self._take(path, tree)

    def source(self, path: str, tree: Tree) -> SourceFile:
        """Return the file of a tree; asked twice for the same tree, the same one with what was read from it."""
        if self._last is None or self._last.tree is not tree or self._last.path != path:
            self._last = SourceFile(path, tree)
        return self._last

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
            self._drawn = Drawn(self._records, self.package_of, _configured_helpers(self._view), self._swagger_plugin())
        return self._drawn

    def _take(self, path: str, tree: Tree | None = None) -> None:
        before = self._records.pop(path, None)
        text = tree.text if tree is not None else self._view.read(path)
        if text is not None and len(text) <= MAX_CHARACTERS and worth_reading(path, text):
            grammar = grammar_of(path)
            if tree is None and grammar is not None:
                tree = Tree.parse(text, grammar)
            if tree is not None:
                self._records[path] = read_record(self.source(path, tree))
        if self._records.get(path) != before:
            self._drawn = None

    def _is_for_browser(self, folder: str) -> bool:
        under = f"{folder}/" if folder else ""
        tsconfig = self._view.read(f"{under}tsconfig.json")
        return (tsconfig is not None and compiles_for_browser(tsconfig)) or self._view.read(f"{under}index.html") is not None

    def _swagger_plugin(self) -> bool:
        """The Nest compiler's plugin writes response decorators by itself."""
        configurations = [path for path in self._view.paths("") if path.rsplit("/", 1)[-1] == "nest-cli.json"]
        return any("@nestjs/swagger" in (self._view.read(path) or "") for path in configurations)


def _is_source(path: str) -> bool:
    return grammar_of(path) is not None and not path.endswith(".d.ts") and not is_foreign(path)


def facts_of(view: ProjectView) -> ProjectFacts:
    """Return the view itself if it holds facts, else facts that are read from it now."""
    return view if isinstance(view, ProjectFacts) else ProjectFacts(view)


def _configured_helpers(view: ProjectView) -> tuple[str, ...]:
    text = view.read(PROJECT_FILE)
    if text is None:
        return ()
    from aigentflow.definitions.project import parse_project

    return parse_project(text)[0].tenant_helpers
