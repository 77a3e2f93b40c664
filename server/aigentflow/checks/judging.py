"""A whole workspace against the checklists of its agents."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aigentflow.checks.checklist import BoundItem, Catalogue, bind, built_in_catalogue
from aigentflow.checks.engine import examine_file, is_checked
from aigentflow.checks.facts import ProjectFacts, ProjectView, facts_of
from aigentflow.checks.findings import SEVERITIES, Examination, Finding
from aigentflow.checks.territory import Territory
from aigentflow.definitions.values import AgentDefinition, Severity
from aigentflow.workspace.lines import LineIndex

Status = Literal["met", "gap", "manual", "not_applicable"]
FailOn = Literal["error", "warning", "info", "never"]


@dataclass(frozen=True)
class ItemReport:
    """One checklist item and how it stands."""

    agent: str
    id: str
    text: str
    status: Status
    check: str | None
    gaps: int
    reason: str


@dataclass(frozen=True)
class Place:
    """Where a finding stands: 1-based lines and code-point columns, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
    excerpt: str
    """The first line of it."""


@dataclass(frozen=True)
class ReportedFinding:
    """A finding with its place and those whose checklists it concerns."""

    agents: tuple[str, ...]
    item: str
    finding: Finding
    place: Place


@dataclass(frozen=True)
class CheckReport:
    """What `aigentflow check` found."""

    workspace: Path
    agents: tuple[str, ...]
    files: int
    seconds: float
    items: tuple[ItemReport, ...]
    findings: tuple[ReportedFinding, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    """Files that were not read, and why."""

    def fails(self, threshold: FailOn) -> bool:
        """Return whether there is a gap at or above a severity."""
        if threshold == "never":
            return False
        least = SEVERITIES.index(threshold)
        return any(SEVERITIES.index(reported.finding.severity) >= least for reported in self.findings)

    def count(self, severity: Severity) -> int:
        """Return how many findings have a severity."""
        return sum(reported.finding.severity == severity for reported in self.findings)


def check_workspace(
    root: Path,
    definitions: Sequence[AgentDefinition],
    view: ProjectView,
    paths: Iterable[str] | None = None,
    catalogue: Catalogue | None = None,
) -> CheckReport:
    """Judge the checklists of the agents on the files at or below the given workspace-relative paths, by default on all files."""
    began = time.perf_counter()
    catalogue = catalogue or built_in_catalogue()
    project = facts_of(view)
    judged = [definition for definition in definitions if definition.checklist]
    bound = {definition.id: bind(definition, catalogue) for definition in judged}
    territories = {definition.id: Territory(definition) for definition in judged}
    checks = {entry.check for entries in bound.values() for entry in entries if entry.check is not None}
    examined: list[Examination] = []
    reported: list[ReportedFinding] = []
    for path in _selected(project, paths):
        text = project.read(path)
        if text is None:
            continue
        examination = examine_file(path, text, checks, project, catalogue=catalogue)
        examined.append(examination)
        if examination.findings:
            index = LineIndex(text)
            mine = {agent: entries for agent, entries in bound.items() if territories[agent].holds(path)}
            found = (_reported(finding, index, mine) for finding in examination.findings)
            reported.extend(finding for finding in found if finding.agents)
    items = [item for agent, entries in bound.items() for item in _items(agent, entries, _in(territories[agent], examined), catalogue)]
    return CheckReport(
        workspace=root,
        agents=tuple(bound),
        files=len(examined),
        seconds=time.perf_counter() - began,
        items=tuple(items),
        findings=tuple(reported),
        skipped=tuple((examination.path, examination.skipped) for examination in examined if examination.skipped is not None),
    )


def _in(territory: Territory, examined: list[Examination]) -> list[Examination]:
    return [examination for examination in examined if territory.holds(examination.path)]


def _selected(project: ProjectFacts, paths: Iterable[str] | None) -> list[str]:
    all_paths = [path for path in project.paths("") if is_checked(path)]
    if paths is None:
        return sorted(all_paths)
    wanted = [path.strip("/").removeprefix("./") for path in paths]
    if any(folder in ("", ".") for folder in wanted):
        return sorted(all_paths)
    return sorted(path for path in all_paths if any(path == folder or path.startswith(f"{folder}/") for folder in wanted))


def place_of(finding: Finding, index: LineIndex) -> Place:
    """Return where a finding stands in its text."""
    line, column = index.position(finding.start)
    end_line, end_column = index.position(finding.end)
    return Place(line + 1, column + 1, end_line + 1, end_column + 1, index.line_text(line).strip())


def _reported(finding: Finding, index: LineIndex, bound: dict[str, tuple[BoundItem, ...]]) -> ReportedFinding:
    concerned = [(agent, entry.item.text) for agent, entries in bound.items() for entry in entries if entry.check == finding.check]
    agents = tuple(dict.fromkeys(agent for agent, _ in concerned))
    return ReportedFinding(agents, concerned[0][1] if concerned else "", finding, place_of(finding, index))


def _items(agent: str, entries: tuple[BoundItem, ...], examined: list[Examination], catalogue: Catalogue) -> list[ItemReport]:
    taken: set[str] = set()
    items = []
    for entry in entries:
        status, gaps, reason = _judge(entry, examined, catalogue)
        items.append(ItemReport(agent, _slug(entry.item.text, taken), entry.item.text, status, entry.check, gaps, reason))
    return items


def _judge(entry: BoundItem, examined: list[Examination], catalogue: Catalogue) -> tuple[Status, int, str]:
    """Met only where something was judged and nothing was left open."""
    if entry.check is None:
        return "manual", 0, entry.reason
    verdicts = [examination.verdicts[entry.check] for examination in examined if entry.check in examination.verdicts]
    gaps = sum(len(verdict.findings) for verdict in verdicts)
    subjects = sum(verdict.subjects for verdict in verdicts)
    undecided = list(dict.fromkeys(reason for verdict in verdicts for reason in verdict.undecided))
    open_places = f"not analysed: {'; '.join(undecided[:3])}{f' and {len(undecided) - 3} more' if len(undecided) > 3 else ''}"
    if gaps:
        return "gap", gaps, f"{gaps} of {subjects} places" + (f"; {open_places}" if undecided else "")
    if undecided:
        return "manual", 0, open_places
    if subjects:
        return "met", 0, f"{subjects} {'place' if subjects == 1 else 'places'} judged"
    check = catalogue.get(entry.check)
    return "not_applicable", 0, f"nothing to judge: {check.looks_at}" if check is not None else "nothing to judge"


def _slug(text: str, taken: set[str]) -> str:
    """A name for an item that is unique in its checklist."""
    name = "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:60].strip("-") or "item"
    number, slug = 1, name
    while slug in taken:
        number += 1
        slug = f"{name}-{number}"
    taken.add(slug)
    return slug
