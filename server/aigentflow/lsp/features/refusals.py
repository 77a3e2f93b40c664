"""What runs asked for and did not get, as diagnostics at the place it was about, with what the person can do: allow, hand over, decline."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as t

from aigentflow.lsp.convert import to_range, uri_of

if TYPE_CHECKING:
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.features.diagnostics import Diagnostics
    from aigentflow.lsp.run import Run
    from aigentflow.lsp.session import Session

SOURCE = "aigentflow"
_RULES = frozenset({"protected", "deny", "allow", "secret", "object", "resolve"})
HANDED = frozenset({"protected", "deny", "allow"})
"""Rules about whose file it is; the others are about what the file is."""
_READING = frozenset({"Read", "Grep", "Glob"})
_MOST = 200
_REASON = 300
_TASK = 160
_TOP = t.Range(start=t.Position(line=0, character=0), end=t.Position(line=0, character=0))


@dataclass(frozen=True)
class Refusal:
    """One path that the agent of a run did not get; it never says what a file holds."""

    run: Run
    path: str
    """Workspace-relative, links followed where that was possible."""
    tool: str
    rule: str
    reason: str
    """Without the path; one line."""
    owner: str | None
    place: Path | None
    """The file that it is shown on: the path's own, the file it leads through, the agent file; None: the run's page only."""

    @property
    def root(self) -> Path:
        """The workspace folder of the run."""
        return self.run.order.root

    @property
    def itself(self) -> bool:
        """Whether it is shown on the very file that it is about."""
        return self.place == self.root / self.path

    @property
    def may_be_allowed(self) -> bool:
        """Whether the person can open the path for a run: only the allow list said no, and no other rule stands above it."""
        return self.rule == "allow" and self.tool not in _READING

    @property
    def said(self) -> str:
        """The sentence of the diagnostic."""
        verb = "read" if self.tool in _READING else "change"
        what = "this file" if self.itself else self.path
        return f"{self.run.agent.id} wanted to {verb} {what} ({self.tool}) and may not: {self.reason}."

    @property
    def words(self) -> str:
        """What the owner is told, on one line."""
        task = " ".join(self.run.order.task.split())
        short = task if len(task) <= _TASK else task[: _TASK - 1].rstrip() + "…"
        return f'{self.run.agent.id} needs a change here for its task "{short}" and may not make it ({self.reason})'


class Refusals:
    """The refusals of the newest run of each agent that nobody has decided on."""

    def __init__(self, session: Session, diagnostics: Diagnostics) -> None:
        self._session = session
        self._diagnostics = diagnostics
        self._open: dict[tuple[str, Path, str], Refusal] = {}
        self._declined: set[tuple[str, str]] = set()
        """Run and path; what was declined once is not shown again when the model tries again."""
        diagnostics.add_source(self.diagnostics_of, self.elsewhere)

    def take(self, run: Run, event: Mapping[str, Any]) -> None:
        """Show a refusal that a run has met, once for each path."""
        rule, asked = str(event.get("rule", "")), str(event.get("path", ""))
        path = _inside(run.order.root, asked) if rule in _RULES else None
        if path is None or len(self._open) >= _MOST or (run.id, path) in self._declined:
            return
        reason = _reason(str(event.get("reason", "")))
        owner = event.get("owner")
        place = _place_of(run, path, self._session)
        refusal = Refusal(run, path, str(event.get("tool", "")), rule, reason, owner if isinstance(owner, str) else None, place)
        if self._open.get(self._key(refusal)) != refusal:
            self._open[self._key(refusal)] = refusal
            self._diagnostics.everything_changed()

    def begin(self, agent: str, root: Path) -> None:
        """Forget what earlier runs of the agent were refused: another one begins."""
        for key in [key for key in self._open if key[:2] == (agent, root)]:
            del self._open[key]
        self._diagnostics.everything_changed()

    def find(self, run: object, path: object) -> Refusal | None:
        """Return the refusal of this run at this path."""
        return next((refusal for refusal in self._open.values() if refusal.run.id == run and refusal.path == path), None)

    def settle(self, refusal: Refusal, *, declined: bool = False) -> None:
        """Take a refusal away that the person has decided on."""
        self._open.pop(self._key(refusal), None)
        if declined:
            self._declined.add((refusal.run.id, refusal.path))
        self._diagnostics.everything_changed()

    def _key(self, refusal: Refusal) -> tuple[str, Path, str]:
        return refusal.run.agent.id, refusal.root, refusal.path

    def at_document(self, document: Document) -> list[Refusal]:
        """Return what is shown on an open document."""
        if not self._open or document.path is None:
            return []
        names = {document.path, os.path.realpath(document.path)}
        return [
            refusal
            for refusal in self._open.values()
            if refusal.place is not None and str(refusal.place) in names and not self.is_handed(refusal, document.text)
        ]

    def unplaced(self, root: Path | None) -> Iterator[Refusal]:
        """Yield what has no place of its own in a workspace folder."""
        return (refusal for refusal in self._open.values() if refusal.place is None and refusal.root == root)

    def is_handed(self, refusal: Refusal, text: str) -> bool:
        """Return whether the task comment that hands it over stands in the text."""
        from aigentflow.syntax.leaving import stands_in

        return refusal.itself and stands_in(text, refusal.path, refusal.owner or "", refusal.words)

    def diagnostics_of(self, document: Document) -> list[t.Diagnostic]:
        """Return the refusals at an open document."""
        return [self.diagnostic(refusal, self.where(refusal, document)) for refusal in self.at_document(document)]

    def elsewhere(self) -> Mapping[str, list[t.Diagnostic]]:
        """Return the refusals by the URI of their file, for files that are not open."""
        found: dict[str, list[t.Diagnostic]] = {}
        for refusal in self._open.values():
            if refusal.place is not None:
                found.setdefault(uri_of(refusal.place), []).append(self.diagnostic(refusal, _TOP))
        return found

    def where(self, refusal: Refusal, document: Document) -> t.Range:
        """Return the range at a document: its first line, or the boundary line of an agent file."""
        index = document.index
        span = refusal.run.agent.spans.get("boundaries.allow") or refusal.run.agent.spans.get("boundaries")
        if refusal.itself or span is None or refusal.place != refusal.run.agent.path or document.text != refusal.run.agent.text:
            return to_range(index, *index.line_span(0), self._session.encoding)
        start, _ = index.line_span(index.line_of(span.start))
        return to_range(index, start, max(start, span.end), self._session.encoding)

    def diagnostic(self, refusal: Refusal, where: t.Range) -> t.Diagnostic:
        """Return one refusal as a diagnostic."""
        return t.Diagnostic(
            range=where,
            message=refusal.said,
            severity=t.DiagnosticSeverity.Information,
            source=SOURCE,
            code=f"{refusal.run.agent.id}/boundary",
            data={"run": refusal.run.id, "path": refusal.path},
        )


def _inside(root: Path, asked: str) -> str | None:
    """Return the workspace-relative path, links followed where they stay inside; None where it is none of a workspace file."""
    from aigentflow.errors import PathRefused
    from aigentflow.workspace.boundary import Boundary, Rules

    try:
        return Boundary(root, Rules()).relative(asked) or None
    except PathRefused:
        plain = os.path.normpath(os.path.join(root, asked))
        return os.path.relpath(plain, root).replace(os.sep, "/") if plain.startswith(f"{root}{os.sep}") else None


def _reason(reason: str) -> str:
    _path, colon, said = reason.partition(": ")
    flat = " ".join((said if colon else reason).split()).rstrip(".")
    return flat if len(flat) <= _REASON else flat[: _REASON - 1].rstrip() + "…"


def _place_of(run: Run, path: str, session: Session) -> Path | None:
    place = run.order.root / path
    while place != run.order.root and not os.path.lexists(place):
        place = place.parent
    if place.is_file() or place.is_symlink():
        return place
    return run.agent.path if session.root_of(run.agent.path) is not None else None
