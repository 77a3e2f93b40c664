"""What a check found, as values. Offsets are code points of the file's text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aigentflow.definitions.values import Severity

if TYPE_CHECKING:
    import tree_sitter as ts

SEVERITIES: tuple[Severity, ...] = ("hint", "info", "warning", "error")
"""From the mildest to the gravest."""


@dataclass(frozen=True)
class Evidence:
    """Something that a verdict was read from."""

    path: str
    line: int | None
    """1-based; None: the file as a whole."""
    text: str


@dataclass(frozen=True)
class Finding:
    """A place where a checklist item is not met."""

    check: str
    path: str
    start: int
    end: int
    severity: Severity
    confidence: float
    """Between 0 and 1."""
    message: str
    """Says what would satisfy the item."""
    symbol: str | None
    """Such as `OrdersService.create`."""
    evidence: tuple[Evidence, ...]
    fixable: bool
    """`fixes.fix` has a repair that needs no model."""
    key: str
    """Fingerprint that survives edits elsewhere in the file."""
    data: tuple[tuple[str, str], ...] = ()
    """What the repair has to know besides the text."""


@dataclass(frozen=True)
class Draft:
    """A finding as its detector sees it; severity and path are the engine's."""

    node: ts.Node
    message: str
    confidence: float
    symbol: str | None = None
    until: ts.Node | None = None
    """Where the place ends, if that is another node."""
    evidence: tuple[Evidence, ...] = ()
    data: tuple[tuple[str, str], ...] = ()
    fixable: bool = False
    milder: int = 0
    """By how many steps the severity lies below the check's own."""


@dataclass(frozen=True)
class Outcome:
    """What a detector made of one declaration, or of several added up."""

    subjects: int = 0
    """Places that were judged, good and bad."""
    drafts: tuple[Draft, ...] = ()
    undecided: tuple[str, ...] = ()
    """Places that could not be judged, and why."""


@dataclass(frozen=True)
class Verdicts:
    """All that one file says about one check."""

    subjects: int = 0
    findings: tuple[Finding, ...] = ()
    undecided: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examination:
    """One file against several checks."""

    path: str
    verdicts: dict[str, Verdicts] = field(default_factory=dict)
    """By check id; a check that does not look at this file is missing."""
    skipped: str | None = None
    """Why the file was not read at all."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the text."""
        found = [finding for verdicts in self.verdicts.values() for finding in verdicts.findings]
        return tuple(sorted(found, key=lambda finding: (finding.start, finding.end, finding.check)))
