"""Runs the detectors over one file: cheap gates first, then declaration by declaration."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Generator, Iterator, Mapping
from operator import itemgetter

from aigentflow.checks.checklist import Catalogue, built_in_catalogue
from aigentflow.checks.detectors import DETECTORS, Detector
from aigentflow.checks.facts import MAX_CHARACTERS, ProjectFacts, ProjectView, at_once, facts_of
from aigentflow.checks.findings import SEVERITIES, Evidence, Examination, Finding, Verdicts
from aigentflow.checks.packages import is_foreign, role_of
from aigentflow.checks.remembering import NOTHING, Judged, Memory, Placed, judged
from aigentflow.checks.source import SourceFile
from aigentflow.checks.units import units_of
from aigentflow.definitions.values import Severity
from aigentflow.syntax.trees import Tree, grammar_of

__all__ = ["Evidence", "Examination", "Finding", "ProjectFacts", "ProjectView", "check_file", "examine_file", "is_checked", "look_ahead"]

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
    project, known = facts_of(view), catalogue or built_in_catalogue()
    if tree is not None:
        project.memory(path).asked = checks, known
    return at_once(_examine(path, text, checks, project, tree, known))


def look_ahead(path: str, tree: Tree, now: ProjectFacts, coming: ProjectFacts) -> Iterator[None]:
    """Judge a file, as it was last asked for, by facts that are still to count; in small steps."""
    asked = now.asked(path)
    if asked is not None:
        checks, catalogue = asked
        coming.memory(path).asked = asked
        yield from _examine(path, tree.text, checks, coming, tree, catalogue)


def _examine(
    path: str, text: str, checks: Collection[str], project: ProjectFacts, tree: Tree | None, catalogue: Catalogue
) -> Generator[None, None, Examination]:
    if not is_checked(path):
        return Examination(path)
    reason = _reason_to_skip(text)
    if reason is not None:
        return Examination(path, skipped=reason)
    verdicts: dict[str, Verdicts] = {}
    active: dict[Detector, Severity] = {}
    for detector in DETECTORS:
        if detector.id not in checks or not any(literal in text for literal in detector.literals):
            continue
        refusal = detector.gate(path, text, project)
        if refusal is None:
            check = catalogue.get(detector.id)
            active[detector] = check.severity if check is not None else "warning"
        elif refusal:
            verdicts[detector.id] = Verdicts(undecided=(refusal,))
    if active:
        file = project.source(path, tree or Tree.parse(text, grammar_of(path) or "typescript"))
        memory = project.memory(path) if tree is not None else Memory()
        found = yield from _judge(file, active, project, memory)
        for (detector, severity), results in zip(active.items(), found, strict=True):
            verdicts[detector.id] = _verdicts(detector.id, severity, file, results, memory)
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


Judgements = list[tuple[int, Judged]]
"""What one detector makes of the units of a file, each with the code point where its unit begins."""


def _judge(
    file: SourceFile, detectors: Mapping[Detector, Severity], project: ProjectFacts, memory: Memory
) -> Generator[None, None, list[Judgements]]:
    """Return what each detector makes of the file."""
    drawn, package = project.drawn, project.package_of(file.path)
    imports = tuple(file.tree.source_of(node) for node in file.import_nodes)
    memory.begin((drawn, package, imports, file.sets_tenant, file.class_names, tuple(detectors.items())))
    found: list[Judgements] = [[] for _ in detectors]
    for unit in units_of(file):
        kept = memory.recall(unit)
        if kept is None:
            yield
        results = kept or memory.keep(unit, tuple(judged(unit, detector.detect(unit, project)) for detector in detectors))
        begin = -1
        for listed, result in zip(found, results, strict=True):
            if result is not NOTHING:
                begin = file.tree.to_offset(unit.start_byte) if begin < 0 else begin
                listed.append((begin, result))
    memory.end()
    return found


def _verdicts(check: str, severity: Severity, file: SourceFile, results: Judgements, memory: Memory) -> Verdicts:
    placed = sorted(((begin + draft.start, begin, draft) for begin, result in results for draft in result.placed), key=itemgetter(0))
    seen: dict[tuple[str | None, str], int] = {}
    found: list[Finding] = []
    for start, begin, draft in placed:
        number = seen[draft.symbol, draft.anchor] = seen.get((draft.symbol, draft.anchor), 0) + 1
        found.append(
            memory.finding(draft, number, start)
            or memory.keep_finding(
                draft,
                number,
                Finding(
                    check=check,
                    path=file.path,
                    start=start,
                    end=begin + draft.end,
                    severity=_milder(severity, draft.milder),
                    confidence=draft.confidence,
                    message=draft.message,
                    symbol=draft.symbol,
                    evidence=draft.evidence,
                    fixable=draft.fixable,
                    key=_fingerprint(check, file.path, draft, number),
                    data=draft.data,
                ),
            )
        )
    undecided = tuple(reason for _, result in results for reason in result.undecided)
    return Verdicts(sum(result.subjects for _, result in results), tuple(found), undecided)


def _fingerprint(check: str, path: str, draft: Placed, number: int) -> str:
    identity = "\0".join((check, path, draft.symbol or "", draft.anchor, str(number)))
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _milder(severity: Severity, steps: int) -> Severity:
    return SEVERITIES[max(0, SEVERITIES.index(severity) - steps)]
