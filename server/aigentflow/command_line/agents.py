"""`aigentflow agents`: the agents of a workspace and what they may do; with `--explain PATH` who may change a path, and why."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aigentflow.checks.checklist import Catalogue, bind, built_in_catalogue
from aigentflow.command_line.explain import explained, explanation_lines
from aigentflow.command_line.opening import Workspace, open_workspace
from aigentflow.command_line.output import plain, print_json, print_lines, remark
from aigentflow.definitions.values import AgentDefinition
from aigentflow.workspace.lines import LineIndex


def main(options: argparse.Namespace) -> int:
    """Print the agents."""
    workspace = open_workspace(options.workspace, os.environ)
    if options.explain is not None:
        told = explained(workspace, options.explain)
        if options.format == "json":
            print_json(told)
        else:
            print_lines(explanation_lines(told))
        return 0
    for problem in workspace.problems:
        remark(f"aigentflow: {problem}")
    described = [describe(workspace, agent, built_in_catalogue()) for agent in workspace.agents]
    if options.format == "json":
        print_json({"schema": 1, "agents": described})
    else:
        print_lines(line for entry in described for line in _lines(entry))
    return 0


def describe(workspace: Workspace, agent: AgentDefinition, catalogue: Catalogue) -> dict[str, Any]:
    """Return the agent as the JSON of this subcommand has it; the boundary is the one that holds once it is trusted."""
    rules = workspace.rules(agent, trusted=True)
    in_force = workspace.rules(agent, trusted=False) == rules
    index = LineIndex(agent.text)
    return {
        "id": agent.id,
        "description": agent.description,
        "dialect": agent.dialect,
        "source": agent.source,
        "path": shown_path(workspace.root, agent.path),
        "tools": list(agent.tools),
        "model": agent.model,
        "read_only": agent.read_only,
        "boundary": {
            "allow": list(rules.allow),
            "deny": [rule.pattern for rule in rules.deny],
            "source": rules.source,
            "in_force": in_force,
        },
        "owners": {rule.pattern: rule.owner for rule in rules.deny if rule.owner is not None},
        "checklist": [
            {"text": bound.item.text, "group": " / ".join(bound.item.group), "check": bound.check} for bound in bind(agent, catalogue)
        ],
        "commands": [_command(command) for command in agent.commands],
        "runnable": agent.runnable,
        "trusted": workspace.trusts(agent),
        "problems": [
            {"line": index.line_of(problem.span.start) + 1, "severity": problem.severity, "message": problem.message}
            for problem in agent.problems
        ],
        "shadowed_by": None if agent.shadowed_by is None else shown_path(workspace.root, agent.shadowed_by),
    }


def shown_path(root: Path, path: Path) -> str:
    """Return the path relative to the workspace where it lies inside, else as it is."""
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    real = Path(os.path.realpath(path))
    return real.relative_to(root).as_posix() if real.is_relative_to(root) else path.as_posix()


def _command(command: Any) -> dict[str, Any]:
    return {
        "id": command.id,
        "title": command.title,
        "task": command.task,
        "on": list(command.on),
        "languages": list(command.languages),
        "files": list(command.files),
        "kind": command.kind,
        "result": command.result,
        "ask": command.ask,
    }


def _lines(entry: dict[str, Any]) -> Iterator[str]:
    state = "" if entry["runnable"] else "  (listed only)"
    state += f"  (hidden by {entry['shadowed_by']})" if entry["shadowed_by"] else ""
    state += "" if entry["trusted"] or not entry["runnable"] else "  (not trusted: `aigentflow trust DIR`)"
    yield plain(f"{entry['id']}  [{entry['source']}, {entry['dialect']}]  {entry['path']}{state}")
    yield plain(f"    {' '.join(entry['description'].split())}")
    yield plain(f"    tools {', '.join(entry['tools']) or 'none'}; model {entry['model'] or 'default'}")
    boundary = entry["boundary"]
    writes = "nothing" if entry["read_only"] else ", ".join(boundary["allow"]) or "nothing until a boundary is given"
    source = boundary["source"] if boundary["in_force"] else f"{boundary['source']}, once trusted"
    yield plain(f"    may change {writes} ({source}){'; never ' + ', '.join(boundary['deny']) if boundary['deny'] else ''}")
    checked = sum(item["check"] is not None for item in entry["checklist"])
    if entry["checklist"]:
        yield f"    checklist of {len(entry['checklist'])}, {checked} of them checked here"
    for command in entry["commands"]:
        yield plain(f"    {command['id']}: {command['title']} (on {', '.join(command['on'])})")
    for problem in entry["problems"]:
        yield plain(f"    line {problem['line']}: {problem['severity']}: {problem['message']}")
