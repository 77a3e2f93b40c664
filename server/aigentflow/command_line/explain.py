"""`aigentflow agents --explain PATH`: who may change a path and why, step by step, for every agent; also where there is no such file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from aigentflow.command_line.opening import Workspace
from aigentflow.command_line.output import plain
from aigentflow.definitions.values import AgentDefinition
from aigentflow.errors import PathRefused
from aigentflow.workspace.boundary import Boundary, Decision

_STEPS = {
    "form": "form",
    "resolve": "resolve",
    "protected": "protected names",
    "secret": "secrets",
    "deny": "deny",
    "allow": "allow",
    "object": "the file itself",
    "": "the file itself",
}


def explained(workspace: Workspace, path: str) -> dict[str, Any]:
    """Return the JSON of the explanation; decisions hold as things are now, trust included."""
    agents = [_explained(workspace, agent, path) for agent in workspace.agents if agent.shadowed_by is None]
    return {"schema": 1, "path": path, **_standing(workspace, path), "agents": agents}


def _standing(workspace: Workspace, path: str) -> dict[str, Any]:
    """Return what the path leads to, the same for every agent."""
    try:
        real = Boundary(workspace.root, workspace.rules(workspace.agents[0], trusted=False)).relative(path) if workspace.agents else None
    except PathRefused:
        real = None
    return {"real": real, "exists": real is not None and os.path.lexists(workspace.root / real)}


def _explained(workspace: Workspace, agent: AgentDefinition, path: str) -> dict[str, Any]:
    rules = workspace.rules(agent, trusted=False)
    boundary = workspace.boundary(agent, rules)
    steps = boundary.explain(path)
    last = steps[-1]
    refusal = _of_the_agent(workspace, agent)
    reason = refusal or last.reason
    if not refusal and not last.allowed and last.rule == "allow" and not workspace.trusts(agent):
        reason += f"; {agent.id} comes from this workspace and is not trusted, so its own allow list does not count"
    return {
        "id": agent.id,
        "may_change": last.allowed and not refusal,
        "may_read": boundary.may_read(path).allowed,
        "reason": reason,
        "rule": "tools" if refusal else last.rule,
        "pattern": last.pattern,
        "owner": last.owner,
        "source": rules.source,
        "steps": [_step(step) for step in _with_form(steps)],
        "problems": list(boundary.problems),
    }


def _of_the_agent(workspace: Workspace, agent: AgentDefinition) -> str:
    """Return why the agent changes nothing at all, whatever the path; empty where that is not so."""
    if not agent.runnable:
        return f"{agent.id} is listed only: a {agent.dialect} file that cannot be run"
    return f"{agent.id} has neither Write nor Edit among its tools" if agent.read_only else ""


def _with_form(steps: list[Decision]) -> list[Decision]:
    if steps[0].rule == "form":
        return steps
    return [Decision(True, steps[0].path, "form", "written as a plain path"), *steps]


def _step(step: Decision) -> dict[str, Any]:
    return {"rule": step.rule, "allowed": step.allowed, "reason": step.reason, "pattern": step.pattern, "owner": step.owner}


def explanation_lines(told: dict[str, Any]) -> Iterator[str]:
    """Yield the explanation for a person to read."""
    real = told["real"]
    leads = f", which leads to {real or 'the workspace folder'}" if real is not None and real != told["path"] else ""
    yield plain(f"Who may change {told['path']}{leads}{'' if told['exists'] or real is None else ' (there is no such file yet)'}:")
    for entry in told["agents"]:
        yield plain(f"{'yes' if entry['may_change'] else 'no ':<3}  {entry['id']}: {entry['reason']} (boundary: {entry['source']})")
        for step in entry["steps"]:
            words = _without_path(step["reason"])
            owner = f" – belongs to {step['owner']}" if step["owner"] and step["owner"] not in words else ""
            yield plain(f"       {'passed' if step['allowed'] else 'stops '}  {_STEPS.get(step['rule'], step['rule'])}: {words}{owner}")
        for problem in entry["problems"]:
            yield plain(f"       {problem}")
    if not told["agents"]:
        yield "Nobody: there is no agent here."


def _without_path(reason: str) -> str:
    """Return the reason without the path that stands before it."""
    return reason.partition(": ")[2] or reason
