"""The report of `aigentflow check` as JSON, text, SARIF 2.1.0 and GitHub annotations; `check_workspace` makes it."""

from __future__ import annotations

import json
import os
from itertools import groupby
from typing import Any
from urllib.parse import quote

from aigentflow.checks.checklist import Catalogue, built_in_catalogue
from aigentflow.checks.judging import CheckReport, FailOn, ItemReport, ReportedFinding, check_workspace
from aigentflow.definitions.values import Severity

__all__ = [
    "CheckReport",
    "FailOn",
    "ItemReport",
    "ReportedFinding",
    "check_workspace",
    "dumps",
    "to_github",
    "to_json",
    "to_sarif",
    "to_text",
]

_MARKS = {"met": "✓", "gap": "✗", "manual": "?", "not_applicable": "–"}


def to_json(report: CheckReport) -> dict[str, Any]:
    """Return the JSON object of `aigentflow check --format json`."""
    return {
        "schema": 1,
        "workspace": str(report.workspace),
        "agents": list(report.agents),
        "files": report.files,
        "seconds": round(report.seconds, 3),
        "items": [
            {
                "agent": item.agent,
                "id": item.id,
                "text": item.text,
                "status": item.status,
                "check": item.check,
                "gaps": item.gaps,
                "reason": item.reason,
            }
            for item in report.items
        ],
        "findings": [_finding(reported) for reported in report.findings],
        "skipped": [{"path": path, "reason": reason} for path, reason in report.skipped],
    }


def _finding(reported: ReportedFinding) -> dict[str, Any]:
    finding, place = reported.finding, reported.place
    return {
        "agents": list(reported.agents),
        "path": finding.path,
        "line": place.line,
        "end_line": place.end_line,
        "column": place.column,
        "end_column": place.end_column,
        "item": reported.item,
        "check": finding.check,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": finding.message,
        "evidence": [{"path": e.path, "line": e.line, "text": e.text} for e in finding.evidence],
        "fixable": finding.fixable,
        "symbol": finding.symbol,
        "key": finding.key,
    }


def to_text(report: CheckReport) -> str:
    """Return the report for people, without colours."""
    lines: list[str] = []
    for path, group in groupby(report.findings, key=lambda reported: reported.finding.path):
        lines.append(_shown(path))
        for reported in group:
            lines.extend(_told(reported))
        lines.append("")
    for agent in report.agents:
        lines.append(_shown(f"Checklist of {agent}"))
        for item in report.items:
            if item.agent == agent:
                gaps = "" if item.status != "gap" else f" ({item.gaps} {'gap' if item.gaps == 1 else 'gaps'})"
                reason = f" - {item.reason}" if item.status in ("manual", "not_applicable") and item.reason else ""
                lines.append(_shown(f"  {_MARKS[item.status]} {item.text}{gaps}{reason}"))
        lines.append("")
    if not report.agents:
        lines.append("No agent here has a checklist.")
    lines.append(_summary(report))
    return "\n".join(lines) + "\n"


def _told(reported: ReportedFinding) -> list[str]:
    finding, place = reported.finding, reported.place
    excerpt = place.excerpt if len(place.excerpt) <= 100 else f"{place.excerpt[:99]}…"
    lines = [f"  {place.line}:{place.column}  {finding.severity}  {finding.message}  [{finding.check}]", f"      {excerpt}"]
    for evidence in finding.evidence:
        where = evidence.path if evidence.line is None else f"{evidence.path}:{evidence.line}"
        lines.append(f"      {where}  {evidence.text}")
    return [_shown(line) for line in lines]


def _shown(text: str) -> str:
    """Return a line without what a terminal would obey: names and excerpts are other people's."""
    return "".join(char if char.isprintable() or char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text)


def _summary(report: CheckReport) -> str:
    found = len(report.findings)
    severities: tuple[Severity, ...] = ("error", "warning", "info", "hint")
    counted = ", ".join(f"{n} {severity}" for severity in severities if (n := report.count(severity)))
    fixable = sum(reported.finding.fixable for reported in report.findings)
    parts = [f"{found} {'gap' if found == 1 else 'gaps'}" + (f" ({counted})" if found else "")]
    parts.append(f"{report.files} {'file' if report.files == 1 else 'files'} in {report.seconds:.1f} s")
    if fixable:
        parts.append(f"{fixable} can be mended by --fix")
    return ", ".join(parts)


def to_github(report: CheckReport) -> str:
    """Return workflow commands that GitHub shows as annotations."""
    kinds = {"error": "error", "warning": "warning", "info": "notice", "hint": "notice"}
    lines = []
    for reported in report.findings:
        finding, place = reported.finding, reported.place
        fields = {"file": finding.path, "line": place.line, "endLine": place.end_line, "title": reported.item or finding.check}
        if place.line == place.end_line:
            # GitHub takes columns only within one line.
            fields |= {"col": place.column, "endColumn": place.end_column}
        told = ",".join(f"{name}={_escaped(str(value), ':', ',')}" for name, value in fields.items())
        lines.append(f"::{kinds[finding.severity]} {told}::{_escaped(finding.message)}")
    return "".join(f"{line}\n" for line in lines)


def _escaped(text: str, *more: str) -> str:
    for character in ("%", "\r", "\n", *more):
        text = text.replace(character, f"%{ord(character):02X}")
    return _shown(text)


def to_sarif(report: CheckReport, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """Return a SARIF 2.1.0 log."""
    from aigentflow import __version__

    catalogue = catalogue or built_in_catalogue()
    ids = sorted({item.check for item in report.items if item.check is not None})
    rules = []
    for check_id in ids:
        check = catalogue.get(check_id)
        if check is not None:
            rule: dict[str, Any] = {"id": check.id, "shortDescription": {"text": check.title}}
            rule["defaultConfiguration"] = {"level": _level(check.severity)}
            if check.page.is_file():
                page = check.page.read_text("utf-8")
                rule["help"] = {"text": page, "markdown": page}
            rules.append(rule)
    driver = {"name": "aigentflow", "version": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(reported, ids) for reported in report.findings],
    }
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _result(reported: ReportedFinding, ids: list[str]) -> dict[str, Any]:
    finding, place = reported.finding, reported.place
    region = {"startLine": place.line, "startColumn": place.column, "endLine": place.end_line, "endColumn": place.end_column}
    related = []
    for number, evidence in enumerate(finding.evidence):
        location: dict[str, Any] = {"artifactLocation": _artifact(evidence.path)}
        if evidence.line is not None:
            location["region"] = {"startLine": evidence.line}
        related.append({"id": number, "physicalLocation": location, "message": {"text": evidence.text}})
    result: dict[str, Any] = {
        "ruleId": finding.check,
        "level": _level(finding.severity),
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(finding.path), "region": region}}],
        "partialFingerprints": {"aigentflow/v1": finding.key},
        "properties": {"confidence": finding.confidence, "agents": list(reported.agents), "item": reported.item},
    }
    if finding.check in ids:
        result["ruleIndex"] = ids.index(finding.check)
    if related:
        result["relatedLocations"] = related
    return result


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(os.fsencode(path)), "uriBaseId": "%SRCROOT%"}


def _level(severity: Severity) -> str:
    return severity if severity in ("error", "warning") else "note"


def dumps(data: dict[str, Any]) -> str:
    """Return a JSON object as text, one that ends with a line end."""
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
