"""Runs the detectors over one file: cheap gates first, then declaration by declaration."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection

from aigentflow.checks.checklist import Catalogue, built_in_catalogue
from aigentflow.checks.detectors import DETECTORS, Detector
from aigentflow.checks.facts import MAX_CHARACTERS, ProjectFacts, ProjectView, facts_of
from aigentflow.checks.findings import SEVERITIES, Draft, Evidence, Examination, Finding, Outcome, Verdicts
from aigentflow.checks.packages import is_foreign, role_of
from aigentflow.checks.source import SourceFile
from aigentflow.definitions.values import Severity
from aigentflow.syntax.trees import Tree, grammar_of

__all__ = ["Evidence", "Examination", "Finding", "ProjectFacts", "ProjectView", "check_file", "examine_file", "is_checked"]

_MINIFIED_LINE = 5_000
_GENERATED = ("@generated", "GENERATED FILE", "DO NOT EDIT", "auto-generated")


def check_file(
    path: str, text: str, checks: Collection[str], view: ProjectView, tree: Tree | None = None, catalogue: Catalogue | None = None
) -> tuple[Finding, ...]:
    """Return the gaps of one file, in the order of its text. Hand in `ProjectFacts` as the view to keep facts between calls."""
    return examine_file(path, text, checks, view, tree, catalogue).findings


def examine_file(
    path: str, text: str, checks: Collection[str], view: ProjectView, tree: Tree | None = None, catalogue: Catalogue | None = None
) -> Examination:
    """Return what the checks make of one file: what was judged, what was found, what could not be decided."""
    if not is_checked(path):
        return Examination(path)
    reason = _reason_to_skip(text)
    if reason is not None:
        return Examination(path, skipped=reason)
    project = facts_of(view)
    catalogue = catalogue or built_in_catalogue()
    verdicts: dict[str, Verdicts] = {}
    file: SourceFile | None = None
    for detector in DETECTORS:
        if detector.id not in checks or not any(literal in text for literal in detector.literals):
            continue
        refusal = detector.gate(path, text, project)
        if refusal is not None:
            if refusal:
                verdicts[detector.id] = Verdicts(undecided=(refusal,))
            continue
        if file is None:
            file = project.source(path, tree or Tree.parse(text, grammar_of(path) or "typescript"))
        outcome = _detect(detector, file, project)
        check = catalogue.get(detector.id)
        severity: Severity = check.severity if check is not None else "warning"
        verdicts[detector.id] = Verdicts(outcome.subjects, _findings(detector.id, severity, file, outcome.drafts), outcome.undecided)
    return Examination(path, verdicts)


def is_checked(path: str) -> bool:
    """Return whether any check looks at this file: product code in a language that has trees."""
    return grammar_of(path) is not None and role_of(path) == "product" and not is_foreign(path)


def _reason_to_skip(text: str) -> str | None:
    if len(text) > MAX_CHARACTERS:
        return "larger than 1 MB"
    head = text[:400]
    if any(mark in head for mark in _GENERATED):
        return "generated"
    if len(text) > 20_000 and (len(text) / (text.count("\n") + 1) > 500 or _has_long_line(text)):
        return "minified"
    return None


def _has_long_line(text: str) -> bool:
    start = 0
    while len(text) - start > _MINIFIED_LINE:
        end = text.rfind("\n", start, start + _MINIFIED_LINE)
        if end < 0:
            return True
        start = end + 1
    return False


def _detect(detector: Detector, file: SourceFile, project: ProjectFacts) -> Outcome:
    subjects = 0
    drafts: list[Draft] = []
    undecided: list[str] = []
    for unit in file.units():
        outcome = detector.detect(unit, project)
        subjects += outcome.subjects
        drafts.extend(outcome.drafts)
        undecided.extend(outcome.undecided)
    return Outcome(subjects, tuple(drafts), tuple(undecided))


def _findings(check: str, severity: Severity, file: SourceFile, drafts: tuple[Draft, ...]) -> tuple[Finding, ...]:
    seen: Counter[str] = Counter()
    found: list[Finding] = []
    for draft in sorted(drafts, key=lambda draft: draft.node.start_byte):
        start = file.tree.to_offset(draft.node.start_byte)
        end = file.tree.to_offset((draft.until or draft.node).end_byte)
        anchor = " ".join(file.text[start:end].split())[:200]
        identity = "\0".join((check, file.path, draft.symbol or "", anchor))
        seen[identity] += 1
        digest = hashlib.sha256(f"{identity}\0{seen[identity]}".encode("utf-8", "surrogatepass")).hexdigest()
        found.append(
            Finding(
                check=check,
                path=file.path,
                start=start,
                end=end,
                severity=_milder(severity, draft.milder),
                confidence=draft.confidence,
                message=draft.message,
                symbol=draft.symbol,
                evidence=draft.evidence,
                fixable=draft.fixable,
                key=digest[:16],
                data=draft.data,
            )
        )
    return tuple(found)


def _milder(severity: Severity, steps: int) -> Severity:
    return SEVERITIES[max(0, SEVERITIES.index(severity) - steps)]
