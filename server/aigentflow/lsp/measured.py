"""What one run named in its verification and among its weakened checks, and where that is as long as its proposal comes and goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aigentflow.lsp.delivery.state import IN_PLACE
from aigentflow.lsp.following import LinesNow, carried, touching
from aigentflow.lsp.page_text import one_line
from aigentflow.workspace.diff import apply_edits
from aigentflow.workspace.lines import LineIndex
from aigentflow.workspace.proposal import Hunk, TextEdit

if TYPE_CHECKING:
    from aigentflow.lsp.run import Run
    from aigentflow.workspace.proposal import FileChange

_MEASURED = "(measured in the box on the proposed text)"
_MOST_MARKS = 500
WEAKENED = "weakened-check"


@dataclass(frozen=True)
class Mark:
    """One place that a run named."""

    path: str
    line: int
    """0-based, of the proposed text."""
    column: int | None
    """0-based code point; None: the whole line."""
    severity: Literal["error", "warning"]
    kind: str
    """The verification that it comes from, or `weakened-check`."""
    message: str


@dataclass
class Found:
    """All that one run named, and what became of its proposal."""

    run: Run
    marks: tuple[Mark, ...]
    commands: Mapping[str, str]
    """The command behind each verification that ran."""
    statuses: dict[str, str] = field(default_factory=dict)
    """Of each part of the proposal by its id; empty until there is a review."""
    _texts: dict[str, tuple[dict[str, str], _Texts]] = field(default_factory=dict)
    _first_seen: dict[str, LineIndex] = field(default_factory=dict)

    @property
    def gone(self) -> bool:
        """Whether the whole proposal was rejected or undone."""
        return bool(self.statuses) and all(status == "rejected" for status in self.statuses.values())

    def change_of(self, path: str) -> FileChange | None:
        """Return the proposal's change of a file, by its path in the proposed tree."""
        return next((change for change in self.run.proposal.changes if change.path == path), None)

    def file_of(self, mark: Mark) -> str | None:
        """Return where the file of a mark is now; None while it is not there."""
        change = self.change_of(mark.path)
        if change is None or change.kind in ("modify", "delete"):
            return mark.path
        if change.kind == "rename" and not self._in_place(f"{change.path}#rename"):
            return change.from_path
        return change.path if change.kind == "rename" or any(self._in_place(hunk.id) for hunk in _hunks(change)) else None

    def _in_place(self, part: str) -> bool:
        return self.statuses.get(part) in IN_PLACE

    def place(self, mark: Mark, now: LineIndex | None) -> tuple[LineIndex, int] | None:
        """Return a text and the mark's line in it: the live text, or, where there is none, the one that the run left.

        None where somebody changed the line, or where its part of the proposal was taken back.
        """
        if self.gone:
            return None
        change = self.change_of(mark.path)
        if change is None or change.after is None:
            return self._place_in_unchanged(mark, now)
        return self._texts_of(change).place(mark, now, self.statuses)

    def _place_in_unchanged(self, mark: Mark, now: LineIndex | None) -> tuple[LineIndex, int] | None:
        then = self._first_seen.get(mark.path)
        if then is None:
            known = self.run.bases.get(mark.path)
            then = LineIndex(known[0]) if known is not None else LineIndex(now.text) if now is not None else LineIndex("")
            if known is not None or now is not None:
                self._first_seen[mark.path] = then
        if now is None:
            return then, mark.line
        line = LinesNow(then, now).line(mark.line)
        return None if line is None else (now, line)

    def _texts_of(self, change: FileChange) -> _Texts:
        cached = self._texts.get(change.path)
        if cached is None or cached[0] is not self.statuses:
            taken = frozenset(hunk.id for hunk in _hunks(change) if self._in_place(hunk.id))
            cached = self._texts[change.path] = (self.statuses, _Texts(change, _measured_hunks(self.run, change), taken))
        return cached[1]


class _Texts:
    """One changed file as it was measured, and as the proposal has left it."""

    def __init__(self, change: FileChange, measured: frozenset[str], taken: frozenset[str]) -> None:
        base = change.base.text if change.base is not None else ""
        self._hunks = _hunks(change)
        self._measured = measured
        self._taken = taken
        self._then = LineIndex(apply_edits(base, [hunk.edit for hunk in self._hunks if hunk.id in measured]))
        self._left = LineIndex(apply_edits(base, [hunk.edit for hunk in self._hunks if hunk.id in taken]))
        self._moved: tuple[LineIndex, LinesNow, LinesNow] | None = None

    def place(self, mark: Mark, now: LineIndex | None, statuses: Mapping[str, str]) -> tuple[LineIndex, int] | None:
        if mark.line >= self._then.n_lines:
            return None
        start, stop = self._then.line_span(mark.line)
        if any(statuses.get(name) == "rejected" for name in touching(self._hunks, self._measured, start, stop)):
            return None
        text = self._then.text[start:stop]
        column = len(text) - len(text.lstrip()) if mark.column is None else mark.column
        line = self._left.line_of(carried(self._hunks, self._measured, self._taken, min(stop, start + column)))
        if now is None:
            return self._left, line
        left, then = self._lines(now)
        found = left.line(line)
        if found is None:
            # What was put in may stand in the text before anybody has told that it does.
            found = then.line(mark.line)
        return None if found is None else (now, found)

    def _lines(self, now: LineIndex) -> tuple[LinesNow, LinesNow]:
        if self._moved is None or self._moved[0].text is not now.text:
            self._moved = (LineIndex(now.text), LinesNow(self._left, now), LinesNow(self._then, now))
        return self._moved[1:]


def _hunks(change: FileChange) -> tuple[Hunk, ...]:
    """Return the parts of a change as its review has them: a created file is one, with the whole text."""
    if change.kind == "create" and not change.hunks:
        return (Hunk(f"{change.path}#1", TextEdit(0, 0, change.after or ""), ""),)
    return change.hunks


def _measured_hunks(run: Run, change: FileChange) -> frozenset[str]:
    """Return the ids of the hunks that the run itself made; the removal of its task comment came later."""
    part = next((part for part in run.result.get("changes") or () if part.get("path") == change.path), None)
    if change.kind == "create":
        return frozenset(hunk.id for hunk in _hunks(change))
    return frozenset(hunk["id"] for hunk in part["hunks"]) if part is not None else frozenset()


def found_by(run: Run) -> Found:
    """Return what the result of a run names, with the commands that were really run."""
    fields = run.result.get("verification")
    measured = {str(name): part for name, part in (fields.items() if isinstance(fields, Mapping) else ()) if isinstance(part, Mapping)}
    commands = {
        name: str(part["command"]) for name, part in measured.items() if part.get("status") in ("pass", "fail") and part.get("command")
    }
    marks = [*_weakened(run), *(mark for name, part in measured.items() if part.get("status") == "fail" for mark in _failed(name, part))]
    return Found(run, tuple(marks[:_MOST_MARKS]), commands)


def _weakened(run: Run) -> Iterator[Mark]:
    for place in _parts(run.result.get("weakenings")):
        if (spot := _spot(place)) is not None:
            yield Mark(*spot, "warning", WEAKENED, one_line(str(place.get("message") or "this change weakens a check")))


def _failed(name: str, measured: Mapping[str, Any]) -> Iterator[Mark]:
    for failure in _parts(measured.get("failures")):
        if (spot := _spot(failure)) is not None:
            lines = (line for line in str(failure.get("message") or "").splitlines() if line.strip())
            said, own = one_line(next(lines, f"{name} fails here")), one_line(str(failure.get("code") or ""), 80)
            message = f"{own}: {said}" if own and own not in said else said
            yield Mark(*spot, "warning" if name == "lint" else "error", name, f"{message} {_MEASURED}")


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    return (part for part in value if isinstance(part, Mapping)) if isinstance(value, list | tuple) else iter(())


def _spot(part: Mapping[str, Any]) -> tuple[str, int, int | None] | None:
    path, line, column = part.get("path"), part.get("line"), part.get("column")
    if not isinstance(path, str) or not isinstance(line, int) or line < 1:
        return None
    return path.removeprefix("./"), line - 1, column - 1 if isinstance(column, int) and column > 0 else None
