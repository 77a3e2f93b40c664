"""`aigentflow doctor`: what works here, and what to do about what does not."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict

from aigentflow import __version__
from aigentflow.command_line import doctor_box, doctor_verification
from aigentflow.command_line.finding import Finding, State
from aigentflow.command_line.opening import Workspace, open_workspace
from aigentflow.command_line.output import plain, print_json, print_lines
from aigentflow.credentials import SCRIPT, credential_source
from aigentflow.errors import AigentflowError
from aigentflow.runtime.journal import Journal
from aigentflow.settings import service_environment
from aigentflow.state import state_folder, state_path

_MARKS: Mapping[State, str] = {"ok": "ok    ", "note": "note  ", "broken": "BROKEN"}
_LATEST_RUNS = 20


def main(options: argparse.Namespace) -> int:
    """Print what was found; 1 where something is broken that everything needs."""
    workspace = open_workspace(options.workspace, os.environ)
    box = doctor_box.look(workspace.root, workspace.env, workspace.user.settings.commands.box)
    findings = list(findings_of(workspace, box))
    if options.format == "json":
        told = {"schema": 1, "version": __version__, "workspace": str(workspace.root), "findings": [asdict(item) for item in findings]}
        print_json({**told, "box": doctor_box.as_json(box)})
    else:
        print_lines(_lines(findings))
    return 1 if any(item.state == "broken" for item in findings) else 0


def findings_of(workspace: Workspace, box: doctor_box.Box) -> Iterator[Finding]:
    """Yield everything that is looked at; one look that fails costs itself only."""
    looks: tuple[Callable[[Workspace], Iterator[Finding]], ...] = (
        _python,
        _state,
        _config,
        _model,
        _models,
        _refused_fields,
        _programs,
        _agents,
    )
    for look in looks:
        try:
            yield from look(workspace)
        except (AigentflowError, OSError, ValueError) as error:
            yield Finding(look.__name__.strip("_"), "broken", str(error))
    yield from doctor_box.findings(box, workspace.env.get("HOME", ""))
    try:
        yield from doctor_verification.findings(workspace)
    except (AigentflowError, OSError, ValueError) as error:
        yield Finding("verify", "note", str(error))


def _python(workspace: Workspace) -> Iterator[Finding]:
    yield Finding("aigentflow", "ok", f"{__version__} in {sys.prefix}")
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("workspace", "ok", str(workspace.root))


def _state(workspace: Workspace) -> Iterator[Finding]:
    folder = state_folder(workspace.env)
    writable = os.access(folder, os.W_OK | os.X_OK)
    yield Finding("state folder", "ok" if writable else "broken", str(folder), "" if writable else f"Make {folder} writable.")


def _config(workspace: Workspace) -> Iterator[Finding]:
    path = workspace.user.path
    yield Finding(
        "configuration", "broken" if workspace.user.broken else "ok", f"{path}{'' if path.exists() else ' (not there, defaults hold)'}"
    )
    for problem in workspace.problems:
        yield Finding("configuration", "note", problem, "Correct it.")
    limits = workspace.user.settings.limits
    yield Finding("limits of a run", "ok", f"{limits.turns} turns, {limits.tokens} tokens, {limits.usd:g} USD, {limits.minutes:g} minutes")


def _model(workspace: Workspace) -> Iterator[Finding]:
    env = service_environment(workspace.env, workspace.user)
    source = credential_source(env, workspace.user.service.headers)
    if source is not None:
        yield Finding("key", "ok", f"from {source}")
    else:
        yield Finding("key", "note", "none; gaps, quick fixes and the demo work without", "To run agents, set ANTHROPIC_API_KEY.")
    if env.get(SCRIPT):
        yield Finding(
            "recorded turns", "note", f"{SCRIPT} is set: runs replay {env[SCRIPT]} and ask no model", f"Unset {SCRIPT} to ask Claude."
        )
    address = env.get("ANTHROPIC_BASE_URL")
    yield Finding("service", "ok", _without_credentials(address) if address else "https://api.anthropic.com")
    if workspace.user.service.headers:
        yield Finding("extra headers", "ok", ", ".join(sorted(workspace.user.service.headers)))


def _models(workspace: Workspace) -> Iterator[Finding]:
    from aigentflow.runtime.catalogue import load_catalogue

    env = service_environment(workspace.env, workspace.user)
    catalogue = load_catalogue(workspace.user.models)
    choice = catalogue.choose(None, workspace.user.settings.model, base_url=env.get("ANTHROPIC_BASE_URL"))
    options = ", ".join(sorted(choice.model.options)) or "none"
    price = choice.model.price
    cost = f"{price.input:g} / {price.output:g} USD per million tokens in / out" if price else "price not known, the USD limit cannot hold"
    yield Finding("model", "ok" if price else "note", f"{choice.model.id}, {cost}", "" if price else "Add its price under `models:`.")
    yield Finding(
        "optional request fields", "ok", f"{options}; one that the service refuses is left out for that run and named on its page"
    )


def _refused_fields(workspace: Workspace) -> Iterator[Finding]:
    """What services refused in the latest runs; each run finds out by itself, the journal remembers."""
    journal = Journal(state_path(workspace.env))
    said: dict[str, None] = {}
    for run in journal.runs()[:_LATEST_RUNS]:
        history = journal.show(run.run)
        for record in history.of("event") if history is not None else ():
            text = str(record["event"].get("text", ""))
            if record["event"].get("kind") == "noted" and "optional field" in text:
                said[text] = None
    for text in said:
        yield Finding("refused field", "note", text, "Nothing has to be done; a table entry under `models:` avoids the second request.")


def _programs(workspace: Workspace) -> Iterator[Finding]:
    git = shutil.which("git")
    yield Finding("git", "ok" if git else "note", git or "not found; runs go without branch and diff", "" if git else "Install git.")
    node = shutil.which("node")
    yield Finding("node", "ok" if node else "note", node or "not found; only `make test-sample` and TypeScript projects themselves need it")


def _agents(workspace: Workspace) -> Iterator[Finding]:
    for agent in workspace.agents:
        if agent.shadowed_by is not None:
            continue
        grave = [problem.message for problem in agent.problems if problem.severity in ("error", "warning")]
        if grave:
            yield Finding(f"agent {agent.id}", "note", f"{agent.path}: {grave[0]}", "`aigentflow agents` lists all problems.")
        elif not agent.runnable:
            yield Finding(f"agent {agent.id}", "note", f"{agent.path}: {agent.dialect}, listed only")
        elif not workspace.trusts(agent):
            yield Finding(
                f"agent {agent.id}", "note", f"{agent.path} is not trusted", f"Read it, then `aigentflow trust {workspace.root}`."
            )
        else:
            yield from _boundary(workspace, agent.id)


def _boundary(workspace: Workspace, agent_id: str) -> Iterator[Finding]:
    agent = workspace.agent(agent_id)
    rules = workspace.rules(agent, trusted=False)
    boundary = workspace.boundary(agent, rules)
    if agent.read_only:
        yield Finding(f"agent {agent.id}", "ok", "reads only")
    elif boundary.read_only:
        why = boundary.problems[0] if boundary.problems else "no boundary, so it may change nothing"
        yield Finding(f"agent {agent.id}", "note", why, "Add `boundaries: {allow: [...]}` to its file, or run it with --allow.")
    else:
        yield Finding(f"agent {agent.id}", "ok", f"may change {', '.join(rules.allow)} ({rules.source})")


def _without_credentials(address: str) -> str:
    scheme, mark, rest = address.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


def _lines(findings: list[Finding]) -> Iterator[str]:
    for item in findings:
        yield plain(f"{_MARKS[item.state]}  {item.what}: {item.found}")
        if item.do:
            yield plain(f"        → {item.do}")
