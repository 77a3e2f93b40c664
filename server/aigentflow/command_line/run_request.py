"""What has to be settled before a run from the command line, and the request it becomes. Nothing is sent to a model before."""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aigentflow.command_line.opening import Workspace
from aigentflow.credentials import SCRIPT, credential_source
from aigentflow.errors import ConfigurationError, NoBoundaryError, NoKeyError, NotTrustedError, PathError
from aigentflow.permissions import NONE, manifest_folders
from aigentflow.settings import service_environment
from aigentflow.state import state_folder
from aigentflow.workspace.boundary import Boundary, Rules
from aigentflow.workspace.lines import LineIndex
from aigentflow.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from aigentflow.definitions.values import AgentDefinition
    from aigentflow.runtime.request import GapPart, RunRequest, SelectionPart

_WRITERS = frozenset({"Edit", "Write"})


def prepare(workspace: Workspace, options: argparse.Namespace) -> tuple[RunRequest, Boundary]:
    """Return the run and what it may change; raises ConfigurationError with the one next thing to do."""
    env = service_environment(workspace.env, workspace.user)
    if not env.get(SCRIPT) and credential_source(env, workspace.user.service.headers) is None:
        raise NoKeyError("There is no key for the model service; set ANTHROPIC_API_KEY in the environment.")
    if not options.task.strip():
        raise ConfigurationError("The task is empty; say in words what the agent is to do.")
    agent = workspace.agent(options.agent)
    _check_trust(workspace, agent, given=options.trust)
    rules = workspace.rules(agent, trusted=options.trust, allow=options.allow, deny=options.deny)
    boundary = workspace.boundary(agent, rules)
    _check_boundary(workspace, agent, boundary)
    _check_file(workspace, agent, boundary, options)
    return _request(workspace, agent, options, rules), boundary


def _check_trust(workspace: Workspace, agent: AgentDefinition, *, given: bool) -> None:
    if not agent.runnable:
        reason = next((problem.message for problem in agent.problems), f"it is a file of the dialect {agent.dialect}")
        raise ConfigurationError(f"The agent {agent.id!r} cannot be run: {reason}. `aigentflow agents` lists those that can.")
    if not given and not workspace.trusts(agent):
        raise NotTrustedError(
            f"{agent.id!r} is defined by this workspace ({agent.path}) and not trusted; "
            f"read it, then run `aigentflow trust {workspace.root}` or add --trust."
        )


def _check_boundary(workspace: Workspace, agent: AgentDefinition, boundary: Boundary) -> None:
    if agent.read_only or not _WRITERS & set(agent.tools) or not boundary.read_only:
        return
    if boundary.rules.source != NONE and not boundary.problems:
        return
    why = boundary.problems[0] if boundary.problems else f"nothing says what {agent.id!r} may change here"
    folders = manifest_folders(Snapshot(workspace.root).paths(limit=20_000)) or ("**",)
    raise NoBoundaryError(f"There is no boundary: {why}; add " + " ".join(f"--allow '{folder}'" for folder in folders))


def _check_file(workspace: Workspace, agent: AgentDefinition, boundary: Boundary, options: argparse.Namespace) -> None:
    """Raise NoBoundaryError where the named file lies in nobody's territory and outside of what the agent may change."""
    if not options.file or agent.read_only or boundary.read_only or not _WRITERS & set(agent.tools):
        return
    file = workspace.relative(options.file)
    decision = boundary.may_change(file)
    if decision.allowed or decision.rule != "allow" or decision.owner is not None:
        return
    folder = f"{file.partition('/')[0]}/**" if "/" in file else file
    raise NoBoundaryError(f"{agent.id!r} may not change {file} ({decision.reason}); add --allow '{folder}', or leave --file out.")


def _request(workspace: Workspace, agent: AgentDefinition, options: argparse.Namespace, rules: Rules) -> RunRequest:
    from aigentflow.permissions import owners
    from aigentflow.runtime.request import CommandsPart, DenyPart, ProjectPart, RulesPart, RunRequest, ServicePart

    project, user = workspace.project, workspace.user
    file = workspace.relative(options.file) if options.file else None
    # Commands of a project file that nobody trusted are not run; those that every tool of the project knows are found all the same.
    counts = options.trust or workspace.trusts_project
    return RunRequest(
        run=new_id(),
        agent_path=str(agent.path),
        agent_text=agent.text,
        agent_source=agent.source,
        task=options.task,
        root=str(workspace.root),
        file=file,
        selection=_selection(workspace, file, options.range),
        gaps=tuple(_gaps(workspace, agent, file)),
        rules=RulesPart(
            allow=rules.allow, deny=tuple(DenyPart(pattern=rule.pattern, owner=rule.owner) for rule in rules.deny), source=rules.source
        ),
        owners=dict(owners(workspace.agents, project, agent.id)),
        project=ProjectPart(
            phase=project.phase,
            plan=project.plan,
            lessons=project.lessons,
            verification={str(name): words for name, words in project.verification.items()} if counts else {},
        ),
        limits=_limits(workspace, options),
        commands=CommandsPart(box=user.settings.commands.box, unprotected=user.settings.commands.unprotected == "ask"),
        trusted=options.trust or workspace.trust.folder(workspace.root) is not None,
        model=user.settings.model,
        script=workspace.env.get(SCRIPT) or None,
        service=ServicePart(headers=user.service.headers, models=user.models),
        journal=str(state_folder(workspace.env)),
    )


def _limits(workspace: Workspace, options: argparse.Namespace) -> Any:
    from aigentflow.runtime.request import LimitsPart

    limits = workspace.user.settings.limits
    return LimitsPart(
        turns=options.max_turns or limits.turns,
        tokens=limits.tokens,
        usd=options.max_usd or limits.usd,
        seconds=limits.minutes * 60,
    )


def _selection(workspace: Workspace, file: str | None, lines: str | None) -> SelectionPart | None:
    from aigentflow.runtime.request import SelectionPart

    if lines is None:
        return None
    if file is None:
        raise ConfigurationError("--range A:B needs --file F.")
    first, _colon, last = lines.partition(":")
    if not first.isdecimal() or not (last or first).isdecimal() or not 0 < int(first) <= int(last or first):
        raise ConfigurationError(f"--range {lines!r} is not A:B with 1 <= A <= B.")
    index = LineIndex(_text(workspace, file))
    start, end = int(first), min(int(last or first), index.n_lines)
    if start > index.n_lines:
        raise ConfigurationError(f"--range {lines!r} begins beyond the end of {file}, which has {index.n_lines} lines.")
    text = index.text[index.starts[start - 1] : index.line_span(end - 1)[1]]
    return SelectionPart(start_line=start, end_line=end, text=text)


def _text(workspace: Workspace, file: str) -> str:
    try:
        return Snapshot(workspace.root).read(file).text
    except PathError as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from error


def _gaps(workspace: Workspace, agent: AgentDefinition, file: str | None) -> Iterator[GapPart]:
    """Yield what is known to be missing in the file that the task is about."""
    if file is None:
        return
    from aigentflow.command_line.gaps import file_gaps
    from aigentflow.runtime.request import GapPart

    for line, finding in file_gaps(workspace, agent, file):
        yield GapPart(path=finding.path, line=line, check=finding.check, message=finding.message)


def new_id() -> str:
    """Return an id for a run: the time it begins, and something that no other has."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
