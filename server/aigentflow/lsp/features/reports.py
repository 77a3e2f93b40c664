"""What runs that ended have to say as diagnostics: findings of reports here, what was measured in `verified.py`.

A finding stays with its line while the text around it moves, and goes when that line changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as t

from aigentflow.lsp.convert import to_range
from aigentflow.lsp.features.verified import Verified
from aigentflow.lsp.following import LinesNow
from aigentflow.workspace.lines import LineIndex

if TYPE_CHECKING:
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.features.diagnostics import Diagnostics
    from aigentflow.lsp.run import Run
    from aigentflow.lsp.session import Session

_SEVERITY = {
    "error": t.DiagnosticSeverity.Error,
    "warning": t.DiagnosticSeverity.Warning,
    "info": t.DiagnosticSeverity.Information,
    "hint": t.DiagnosticSeverity.Hint,
}


@dataclass(frozen=True)
class Remark:
    """One finding of a report; lines are 0-based."""

    root: Path
    path: str
    line: int
    last: int
    then: LineIndex | None
    """The text when the report was made; None: unknown, then the line number alone counts."""
    severity: str
    message: str
    agent: str


class Reports:
    """The findings of the newest report of each agent on each order."""

    def __init__(self, session: Session, diagnostics: Diagnostics) -> None:
        self._session = session
        self._remarks: dict[tuple[str, str], tuple[Remark, ...]] = {}
        self._verified = Verified(session, diagnostics)
        diagnostics.add_source(self.diagnostics_of)

    def ended(self, run: Run) -> None:
        """Take in what was measured of a run that ended, however it did."""
        self._verified.take(run)

    def take(self, run: Run) -> None:
        """Replace what the agent reported earlier on the same order."""
        report = run.result.get("report")
        findings = report.get("findings") if isinstance(report, Mapping) else None
        if isinstance(findings, list):
            texts = {path: LineIndex(text) for path, (text, _version) in run.bases.items() if any(_names(path, item) for item in findings)}
            remarks = (_remark(run, finding, texts) for finding in findings if isinstance(finding, Mapping))
            self._remarks[run.agent.id, run.order.path or ""] = tuple(remark for remark in remarks if remark is not None)

    def diagnostics_of(self, document: Document) -> list[t.Diagnostic]:
        """Return what reports say about a document, where it still stands."""
        place = self._session.relative(document)
        if place is None or not self._remarks:
            return []
        mine = [remark for remarks in self._remarks.values() for remark in remarks if (remark.root, remark.path) == place]
        moved = {id(remark.then): LinesNow(remark.then, document.index) for remark in mine if remark.then is not None}
        return [found for remark in mine if (found := self._placed(document.index, remark, moved.get(id(remark.then)))) is not None]

    def _placed(self, index: LineIndex, remark: Remark, moved: LinesNow | None) -> t.Diagnostic | None:
        line = remark.line if moved is None else moved.line(remark.line)
        if line is None or line >= index.n_lines:
            return None
        start, end = index.line_span(line)
        _, end = index.line_span(min(index.n_lines - 1, line + remark.last - remark.line))
        return t.Diagnostic(
            range=to_range(index, start + _indent(index.line_text(line)), end, self._session.encoding),
            message=remark.message,
            severity=_SEVERITY[remark.severity],
            source="aigentflow",
            code=f"{remark.agent}/report",
        )


def _names(path: str, finding: Any) -> bool:
    return isinstance(finding, Mapping) and isinstance(said := finding.get("path"), str) and said.removeprefix("./") == path


def _remark(run: Run, finding: Mapping[str, Any], texts: Mapping[str, LineIndex]) -> Remark | None:
    path, line, message = finding.get("path"), finding.get("line"), finding.get("message")
    if not isinstance(path, str) or not isinstance(line, int) or not isinstance(message, str) or line < 1:
        return None
    last = finding.get("endLine")
    severity = finding.get("severity")
    return Remark(
        root=run.order.root,
        path=path.removeprefix("./"),
        line=line - 1,
        last=max(line - 1, last - 1 if isinstance(last, int) else 0),
        then=texts.get(path.removeprefix("./")),
        severity=severity if severity in _SEVERITY else "info",
        message=message,
        agent=run.agent.id,
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
