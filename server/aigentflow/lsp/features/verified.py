"""What verification found wrong, and where a run weakens checks, as diagnostics at those places of the texts as they are now.

A diagnostic follows its line. It goes when somebody changes that line, when its part of the proposal is rejected or undone, with the
agent's next run on the file, and when the same command is measured again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types as t

from aigentflow.lsp.convert import to_range, uri_of
from aigentflow.lsp.measured import Found, Mark, found_by

if TYPE_CHECKING:
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.features.diagnostics import Diagnostics
    from aigentflow.lsp.features.review import Review
    from aigentflow.lsp.run import Run
    from aigentflow.lsp.session import Session
    from aigentflow.workspace.lines import LineIndex

_MOST_RUNS = 20
_WORD = re.compile(r"[\w$]+|\S")
_SEVERITY = {"error": t.DiagnosticSeverity.Error, "warning": t.DiagnosticSeverity.Warning}


class Verified:
    """What the newest runs found, for open documents and for files that nobody has open."""

    def __init__(self, session: Session, diagnostics: Diagnostics) -> None:
        self._session = session
        self._diagnostics = diagnostics
        self._found: list[Found] = []
        self._watched: set[str] = set()
        """Runs whose proposals are followed, by id."""
        diagnostics.add_source(self.diagnostics_of, self.elsewhere)

    def take(self, run: Run) -> None:
        """Take in what a run that ended has found, in place of what it supersedes."""
        new = found_by(run)
        kept = [left for old in self._found if (left := _without(old, new)).marks]
        changed = bool(new.marks) or kept != self._found
        self._found = [*kept, new][-_MOST_RUNS:] if new.marks else kept
        self._watched &= {found.run.id for found in self._found}
        if changed:
            self._diagnostics.everything_changed()

    def diagnostics_of(self, document: Document) -> list[t.Diagnostic]:
        """Return what stands in an open document."""
        place = self._session.relative(document)
        return [] if place is None or not self._found else list(self._in_file(*place, document.index))

    def elsewhere(self) -> dict[str, list[t.Diagnostic]]:
        """Return what stands in files on disk, by URI; the texts are those of the run, no file is read."""
        named = ((found, mark) for found in self._found for mark in found.marks)
        places = dict.fromkeys((found.run.order.root, path) for found, mark in named if (path := found.file_of(mark)) is not None)
        answer: dict[str, list[t.Diagnostic]] = {}
        for root, path in places:
            if _is_plain(path) and (root / path).is_file() and (diagnostics := list(self._in_file(root, path, None))):
                answer[uri_of(root / path)] = diagnostics
        return answer

    def _in_file(self, root: Path, path: str, now: LineIndex | None) -> Iterator[t.Diagnostic]:
        for found in self._found:
            if found.run.order.root != root:
                continue
            if found.run.review is not None and found.run.id not in self._watched:
                self._follow(found, found.run.review)
            for mark in found.marks:
                if found.file_of(mark) == path and (where := found.place(mark, now)) is not None:
                    yield self._diagnostic(found, mark, *where)

    def _follow(self, found: Found, review: Review) -> None:
        """Know from now on what becomes of the proposal."""
        self._watched.add(found.run.id)
        found.statuses = _statuses(review)

        def changed() -> None:
            now = _statuses(review)
            current = next((other for other in self._found if other.run is found.run), None)
            if current is not None and now != current.statuses:
                current.statuses = now
                self._diagnostics.everything_changed()

        review.on_change.append(changed)

    def _diagnostic(self, found: Found, mark: Mark, index: LineIndex, line: int) -> t.Diagnostic:
        start, end = index.line_span(line) if line < index.n_lines else (0, 0)
        text = index.text[start:end]
        word = _WORD.match(text, mark.column) if mark.column is not None else None
        where = (start + word.start(), start + word.end()) if word is not None else (start + len(text) - len(text.lstrip()), end)
        span = to_range(index, *where, self._session.encoding)
        if line >= index.n_lines:
            # The text of the closed file is not known, its line is.
            span = t.Range(start=t.Position(line=line, character=0), end=t.Position(line=line, character=0))
        code = f"{found.run.agent.id}/{mark.kind}"
        return t.Diagnostic(range=span, message=mark.message, severity=_SEVERITY[mark.severity], source="aigentflow", code=code)


def _statuses(review: Review) -> dict[str, str]:
    return {hunk.id: hunk.status for hunk in review.state().hunks}


def _without(old: Found, new: Found) -> Found:
    """Return the older findings without those that the newer run supersedes."""
    if old.run.order.root != new.run.order.root:
        return old
    same_agent = old.run.agent.id == new.run.agent.id
    if same_agent and old.run.order.path == new.run.order.path:
        return replace(old, marks=())
    anew = {name for name, command in new.commands.items() if old.commands.get(name) == command}
    touched = {path for change in new.run.proposal.changes for path in (change.path, change.from_path)} | {new.run.order.path}
    marks = tuple(mark for mark in old.marks if mark.kind not in anew and not (same_agent and mark.path in touched))
    return old if marks == old.marks else replace(old, marks=marks)


def _is_plain(path: str) -> bool:
    return path.isprintable() and not path.startswith("/") and not {"", ".", ".."} & set(path.split("/"))
