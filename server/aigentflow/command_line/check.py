"""`aigentflow check`: checklist gaps of a workspace; with `--fix` the repairs that need no model are written."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from aigentflow.checks import report as reports
from aigentflow.checks.facts import ProjectFacts
from aigentflow.command_line.gaps import DiskView, checks_of
from aigentflow.command_line.opening import Workspace, open_workspace
from aigentflow.command_line.output import print_json, print_text, remark
from aigentflow.errors import ConfigurationError

if TYPE_CHECKING:
    from aigentflow.definitions.values import AgentDefinition


def main(options: argparse.Namespace) -> int:
    """Print the report; 1 where a gap is at or above the threshold."""
    workspace = open_workspace(options.workspace, os.environ)
    for problem in workspace.problems:
        remark(f"aigentflow: {problem}")
    agents = _agents(workspace, options.agent)
    paths = [workspace.relative(path) for path in options.paths] or None
    fixed = _fix(workspace, agents, paths) if options.fix else []
    report = reports.check_workspace(workspace.root, agents, _facts(workspace), paths)
    _print(report, options.format, fixed)
    return 1 if report.fails(options.fail_on) else 0


def _agents(workspace: Workspace, agent_id: str | None) -> list[AgentDefinition]:
    if agent_id is None:
        return [agent for agent in workspace.agents if agent.checklist and agent.shadowed_by is None]
    agent = workspace.agent(agent_id)
    if not agent.checklist:
        raise ConfigurationError(f"The agent {agent_id!r} has no checklist; `aigentflow agents` shows which have one.")
    return [agent]


def _facts(workspace: Workspace) -> ProjectFacts:
    return ProjectFacts(DiskView(workspace.root))


def _fix(workspace: Workspace, agents: list[AgentDefinition], paths: list[str] | None) -> list[dict[str, Any]]:
    """Write what can be repaired inside the boundary of an agent whose checklist asks for it; return what was written."""
    from aigentflow.command_line.fixing import write_fixes

    report = reports.check_workspace(workspace.root, agents, _facts(workspace), paths)
    wanted = sorted({found.finding.path for found in report.findings if found.finding.fixable})
    written: list[dict[str, Any]] = []
    for agent in agents:
        fixed, wanted = write_fixes(workspace, agent, wanted, checks_of(agent), _facts(workspace))
        written += fixed
    for path in wanted:
        remark(f"aigentflow: {path} was not repaired: no agent whose checklist asks for it may change it")
    return written


def _print(report: reports.CheckReport, form: str, fixed: list[dict[str, Any]]) -> None:
    for entry in fixed:
        remark(f"aigentflow: repaired {entry['path']}: {', '.join(entry['checks'])}")
    match form:
        case "json":
            print_json({**reports.to_json(report), **({"fixed": fixed} if fixed else {})})
        case "sarif":
            print_json(reports.to_sarif(report))
        case "github":
            print_text(reports.to_github(report))
        case _:
            print_text(reports.to_text(report))
