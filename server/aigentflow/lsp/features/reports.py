"""Findings of report runs as diagnostics: each stays with its line while the text around it moves, and goes when that line changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as t

from aigentflow.lsp.convert import to_range

if TYPE_CHECKING:
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.features.diagnostics import Diagnostics
    from aigentflow.lsp.run import Run
    from aigentflow.lsp.session import Session
    from aigentflow.workspace.lines import LineIndex

_SEVERITY = {
    "error": t.DiagnosticSeverity.Error,
    "warning": t.DiagnosticSeverity.Warning,
    "info": t.DiagnosticSeverity.Information,
    "hint": t.DiagnosticSeverity.Hint,
}
_NEAR = 200
"""How many lines away a moved line is still looked for."""


@dataclass(frozen=True)
class Remark:
    """One finding of a report; lines are 0-based."""

    root: Path
    path: str
    line: int
    last: int
    text: str | None
    """Of the line when the report was made; None: unknown, then the line number alone counts."""
    severity: str
    message: str
    agent: str


class Reports:
    """The findings of the newest report of each agent on each order."""

    def __init__(self, session: Session, diagnostics: Diagnostics) -> None:
        self._session = session
        self._remarks: dict[tuple[str, str], tuple[Remark, ...]] = {}
        diagnostics.add_source(self.diagnostics_of)

    def take(self, run: Run) -> None:
        """Replace what the agent reported earlier on the same order."""
        report = run.result.get("report")
        findings = report.get("findings") if isinstance(report, Mapping) else None
        if isinstance(findings, list):
            remarks = (_remark(run, finding) for finding in findings if isinstance(finding, Mapping))
            self._remarks[run.agent.id, run.order.path or ""] = tuple(remark for remark in remarks if remark is not None)

    def diagnostics_of(self, document: Document) -> list[t.Diagnostic]:
        """Return what reports say about a document, where it still stands."""
        place = self._session.relative(document)
        if place is None or not self._remarks:
            return []
        mine = (remark for remarks in self._remarks.values() for remark in remarks if (remark.root, remark.path) == place)
        return [diagnostic for remark in mine for diagnostic in self._placed(document, remark)]

    def _placed(self, document: Document, remark: Remark) -> Iterator[t.Diagnostic]:
        index = document.index
        line = _line_now(index, remark)
        if line is None:
            return
        start, end = index.line_span(line)
        _, end = index.line_span(min(index.n_lines - 1, line + remark.last - remark.line))
        yield t.Diagnostic(
            range=to_range(index, start + _indent(index.line_text(line)), end, self._session.encoding),
            message=remark.message,
            severity=_SEVERITY[remark.severity],
            source="aigentflow",
            code=f"{remark.agent}/report",
        )


def _remark(run: Run, finding: Mapping[str, Any]) -> Remark | None:
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
        text=_line_then(run, path, line - 1),
        severity=severity if severity in _SEVERITY else "info",
        message=message,
        agent=run.agent.id,
    )


def _line_then(run: Run, path: str, line: int) -> str | None:
    from aigentflow.workspace.lines import LineIndex

    base = run.bases.get(path)
    if base is None:
        return None
    index = LineIndex(base[0])
    return index.line_text(line) if line < index.n_lines else None


def _line_now(index: LineIndex, remark: Remark) -> int | None:
    if remark.text is None:
        return remark.line if remark.line < index.n_lines else None
    lines = range(max(0, remark.line - _NEAR), min(index.n_lines, remark.line + _NEAR + 1))
    for line in sorted(lines, key=lambda line: abs(line - remark.line)):
        if index.line_text(line) == remark.text:
            return line
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
