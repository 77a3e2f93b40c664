"""The workspace as every subcommand sees it: its agents, its project file, what is trusted, and the person's configuration."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from aigentflow.data import data_folder
from aigentflow.definitions.library import Library
from aigentflow.definitions.project import PROJECT_FILE, Project, parse_project
from aigentflow.errors import ConfigurationError
from aigentflow.permissions import boundary_rules, owners
from aigentflow.settings import UserConfig, load_user_config
from aigentflow.state import config_home, home_folder, state_path
from aigentflow.trust import TrustStore, content_sha256
from aigentflow.workspace.boundary import Boundary, Rules

if TYPE_CHECKING:
    from aigentflow.definitions.values import AgentDefinition


@dataclass(frozen=True)
class Workspace:
    """One workspace folder, opened from the command line."""

    root: Path
    """Real path of the folder."""
    env: Mapping[str, str]
    user: UserConfig
    project: Project
    project_sha256: str | None
    """None where there is no project file."""
    problems: tuple[str, ...]
    """Of the person's configuration and the project file."""
    agents: tuple[AgentDefinition, ...]
    """Shadowed ones and other dialects included."""

    @cached_property
    def trust(self) -> TrustStore:
        """The record of trust; reading it creates nothing."""
        return TrustStore(state_path(self.env))

    def agent(self, agent_id: str) -> AgentDefinition:
        """Return the agent that counts under this id; raises ConfigurationError."""
        known = {agent.id: agent for agent in self.agents if agent.shadowed_by is None}
        if agent_id in known:
            return known[agent_id]
        close = difflib.get_close_matches(agent_id, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(known)) or 'none'}."
        raise ConfigurationError(f"There is no agent {agent_id!r} in {self.root}; {hint}")

    def trusts(self, agent: AgentDefinition) -> bool:
        """Whether the agent's own boundary holds and it may run: it is not the workspace's, or its content is trusted."""
        return agent.source != "workspace" or self.trust.is_trusted(self.root, agent.sha256)

    @property
    def trusts_project(self) -> bool:
        """Whether the project file's boundaries may open anything."""
        return self.project_sha256 is not None and self.trust.is_trusted(self.root, self.project_sha256)

    def rules(self, agent: AgentDefinition, *, trusted: bool, allow: Sequence[str] | None = None, deny: Sequence[str] = ()) -> Rules:
        """Return the agent's boundary; `trusted` takes agent and project file as if they were trusted."""
        return boundary_rules(
            agent,
            self.root,
            self.project,
            project_trusted=trusted or self.trusts_project,
            agent_trusted=trusted or self.trusts(agent),
            user_config=self.user,
            allow=allow,
            deny=deny,
        )

    def boundary(self, agent: AgentDefinition, rules: Rules) -> Boundary:
        """Return the policy that these rules make in this workspace."""
        return Boundary(self.root, rules, owners(self.agents, self.project, agent.id))

    def relative(self, named: str) -> str:
        """Return the workspace-relative path of a file or folder named on the command line; raises ConfigurationError."""
        here = Path(named).absolute()
        path = here if here.exists() or Path(named).is_absolute() else self.root / named
        real = Path(os.path.realpath(path))
        if not real.exists():
            raise ConfigurationError(f"There is no {named!r}, neither here nor in {self.root}.")
        if not real.is_relative_to(self.root):
            raise ConfigurationError(f"{named!r} lies outside the workspace {self.root}; name its folder with --workspace.")
        return "" if real == self.root else real.relative_to(self.root).as_posix()


def open_workspace(folder: str, env: Mapping[str, str]) -> Workspace:
    """Return the workspace of this folder; raises ConfigurationError where there is no such folder."""
    root = Path(os.path.realpath(folder))
    if not root.is_dir():
        raise ConfigurationError(f"There is no folder {folder!r}; name the workspace with --workspace DIR.")
    user, problems = load_user_config(env)
    project, digest, project_problems = _project(root)
    library = Library((root,), config_home=config_home(env), home=home_folder(env), built_in=data_folder("agents"))
    return Workspace(root, env, user, project, digest, (*problems, *project_problems), tuple(library.agents(root)))


def _project(root: Path) -> tuple[Project, str | None, tuple[str, ...]]:
    try:
        data = (root / PROJECT_FILE).read_bytes()
    except OSError:
        return parse_project("")[0], None, ()
    project, problems = parse_project(data.decode("utf-8", errors="replace"))
    return project, content_sha256(data), tuple(f"{PROJECT_FILE}: {problem.message}" for problem in problems)
