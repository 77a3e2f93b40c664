"""What a run host is given: everything a run needs, as JSON. Who may read or set what was decided before; a host only obeys."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    # What a newer server sends in addition is no reason to refuse a run.
    model_config = ConfigDict(extra="ignore", frozen=True)


class BufferPart(_Part):
    """An open document; `text` is left out where it equals the decoded bytes on disk."""

    path: str
    text: str | None = None
    sha256: str = ""
    """Of the text in UTF-8."""
    version: int = 0


class SelectionPart(_Part):
    """What the run was asked on; lines from 1, the end included."""

    start_line: int
    end_line: int
    text: str
    symbol: str | None = None
    """Name of the enclosing declaration, where the selection is one."""


class GapPart(_Part):
    """A gap that the agent is to know of; the line counts from 1."""

    path: str
    line: int
    check: str
    message: str


class DenyPart(_Part):
    """A glob that nobody but its owner changes."""

    pattern: str
    owner: str | None = None


class RulesPart(_Part):
    """What the agent may change, already put together from all sources."""

    allow: tuple[str, ...] = ()
    deny: tuple[DenyPart, ...] = ()
    source: str = ""


class ProjectPart(_Part):
    """From the project file."""

    phase: str | None = None
    plan: str | None = None
    """Workspace-relative path of the plan."""
    lessons: str | None = None
    """Workspace-relative path of the lessons file."""
    verification: dict[str, str] = Field(default_factory=dict)


class CommandsPart(_Part):
    """How commands may be run; from the person's own configuration only."""

    box: str = "namespaces"
    """The first tier to try (`namespaces`, `bubblewrap`, `landlock`), or `none`."""
    unprotected: bool = False
    """Whether the person is asked about each command where there is no box."""


class LimitsPart(_Part):
    """Bounds of the run; None: no bound of that kind."""

    turns: int | None = 60
    tokens: int | None = 4_000_000
    usd: float | None = 5.0
    seconds: float | None = 1800.0


class ServicePart(_Part):
    """How the model service is spoken to; from the person's own configuration only."""

    headers: dict[str, str] = Field(default_factory=dict)
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """The person's own entries of the model table: `{id: {price, options, max_tokens}}`."""
    tries: int = 5
    first_pause: float = 0.5
    """Seconds before the second try of a turn."""
    idle_seconds: float = 180.0
    """How long a stream may bring nothing."""


class RunRequest(_Part):
    """One run."""

    run: str
    """Id of the run."""
    agent_path: str
    """Absolute path of the agent file."""
    agent_text: str
    agent_source: Literal["workspace", "user", "built-in"] = "workspace"
    task: str
    command_title: str | None = None
    result: Literal["edit", "report"] = "edit"
    """`report`: neither Write nor Edit is offered."""
    root: str
    """Absolute path of the workspace root."""
    buffers: tuple[BufferPart, ...] = ()
    file: str | None = None
    selection: SelectionPart | None = None
    gaps: tuple[GapPart, ...] = ()
    arguments: str = ""
    rules: RulesPart = RulesPart()
    owners: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Agent id → globs it may change, to name who owns a refused path."""
    project: ProjectPart = ProjectPart()
    parallel: tuple[str, ...] = ()
    """Runs going on at the same time, a line each."""
    limits: LimitsPart = LimitsPart()
    commands: CommandsPart = CommandsPart()
    trusted: bool = False
    """Whether the person trusts this workspace; without, commands run in a box of tier 1 or 2 only."""
    model: str | None = None
    """The person's own choice, alias or id, which wins over the agent file; what the agent file says where there is none."""
    script: str | None = None
    """Path of recorded turns to replay instead of asking a model."""
    service: ServicePart = ServicePart()
    journal: str | None = None
    """Absolute folder to record the run in."""
