"""What must be settled before a run: a credential, trust in the agent, and a boundary. Nothing is sent to a model before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aigentflow.credentials import SCRIPT, credential_source
from aigentflow.lsp.session import UNCLEAR

if TYPE_CHECKING:
    from pathlib import Path

    from aigentflow.definitions.values import AgentDefinition
    from aigentflow.lsp.order import RunOrder
    from aigentflow.lsp.session import Session
    from aigentflow.settings import UserConfig
    from aigentflow.workspace.boundary import Boundary, Rules

NO_KEY = (
    "Aigentflow: no key for the model service. Set ANTHROPIC_API_KEY in the environment the editor starts in, and restart the "
    "server. Checklist gaps, quick fixes and task comments work without one."
)
TRUST, READ_ONLY, THIS_RUN, THIS_FOLDER = "Trust and run", "Read only", "This run", "This folder"


def has_credential(environment: Mapping[str, str], headers: Iterable[str] = ()) -> bool:
    """Return whether a model could be asked: a credential is found, or a script is to be replayed."""
    return bool(environment.get(SCRIPT)) or credential_source(environment, headers) is not None


def rules_of(said: Mapping[str, Any]) -> Rules:
    """Return the rules of the boundary part of a run request."""
    from aigentflow.workspace.boundary import DenyRule, Rules

    rules = said["rules"]
    deny = tuple(DenyRule(rule["pattern"], rule["owner"]) for rule in rules["deny"])
    return Rules(allow=tuple(rules["allow"]), deny=deny, source=rules["source"])


def boundary_of(root: Path, said: Mapping[str, Any]) -> Boundary:
    """Return the boundary that a run request states."""
    from aigentflow.workspace.boundary import Boundary

    return Boundary(root, rules_of(said), said["owners"])


class Preflight:
    """The checks of one run, in the order in which a person wants to be asked."""

    def __init__(self, session: Session, order: RunOrder, granted: Sequence[str] = ()) -> None:
        self._session = session
        self._order = order
        self._granted = tuple(granted)
        """Paths that the person opened for this run when they started it."""
        self._answered: tuple[str, ...] = ()
        """What the person allowed for this run when they were asked."""
        self._project_counted: str | None = None
        """Hash of the project file that was trusted when the run began; None: it was not."""
        self.reason = ""
        """Why there is no run."""

    async def check(self) -> dict[str, Any] | None:
        """Return the boundary part of the run request, None when there is to be no run."""
        if not has_credential(self._session.environment, self._session.user_config.service.headers):
            self.reason = "no key for the model service: set ANTHROPIC_API_KEY"
            self._session.say_once(NO_KEY, "error")
            return None
        if not await self._trusted():
            return None
        root = self._order.root
        sha256 = self._session.project_sha256(root)
        self._project_counted = sha256 if self._session.trusted(root, sha256) else None
        rules = self._rules_before()
        if (unclear := next((problem for problem in self._order.agent.problems if problem.code == UNCLEAR), None)) is not None:
            self._session.say_once(f"Aigentflow: {self._order.agent.id} runs read-only. {unclear.message}.")
        if not self._order.wants_edits:
            return rules
        agent = self._order.agent.id
        if rules["rules"]["source"] == "none":
            return await self._ask_boundary(rules, f"Nothing says what {agent} may change here.")
        if self._is_elsewhere(rules):
            allowed = ", ".join(rules["rules"]["allow"]) or "nothing"
            return await self._ask_boundary(rules, f"{agent} may change {allowed}, and {self._order.path} is not among it.")
        return rules

    def rules_now(self) -> dict[str, Any]:
        """Return what is said now about a run that goes on; it is only ever laid over what held when the run began.

        So a text that was changed since and is not trusted may take away here, as it cannot give.
        """
        order, session = self._order, self._session
        current = session.agent(order.agent.id, order.root)
        agent = current if current is not None and current.path == order.agent.path else order.agent
        agent_counts = agent.sha256 != order.agent.sha256 or self._agent_trusted()
        sha256 = session.project_sha256(order.root)
        project_counts = self._project_counted is not None and (sha256 != self._project_counted or session.trusted(order.root, sha256))
        return self._rules(agent, agent_trusted=agent_counts, project_trusted=project_counts)

    def _is_elsewhere(self, rules: dict[str, Any]) -> bool:
        """Return whether the file the run was asked on lies outside of the allow list; a file that is denied is not asked about."""
        if self._order.path is None:
            return False
        decision = boundary_of(self._order.root, rules).may_change(self._order.path)
        return not decision.allowed and decision.rule == "allow" and decision.owner is None

    def _agent_trusted(self) -> bool:
        agent = self._order.agent
        return agent.source != "workspace" or self._session.trusted(self._order.root, agent.sha256)

    async def _trusted(self) -> bool:
        if self._agent_trusted():
            return True
        agent, root = self._order.agent, self._order.root
        question = f"{agent.id} is defined in this workspace ({agent.path.name}) and has not been trusted. Run it?"
        answer = await self._session.client.ask(question, [TRUST])
        if answer == TRUST:
            self._session.trust_workspace(root)
            return True
        self.reason = f"{agent.id} comes from this workspace and is not trusted: run `aigentflow trust {root}` or use the code action"
        if answer is None:
            self._session.client.show_message(f"Aigentflow: {self.reason}.", "warning")
        return False

    def _rules_before(self) -> dict[str, Any]:
        counted = self._project_counted is not None
        return self._rules(self._order.agent, agent_trusted=self._agent_trusted(), project_trusted=counted)

    def _rules(self, agent: AgentDefinition, *, agent_trusted: bool, project_trusted: bool) -> dict[str, Any]:
        from aigentflow.permissions import boundary_rules, owners
        from aigentflow.workspace.boundary import exact_glob

        session, order = self._session, self._order
        project = session.project(order.root)
        rules = boundary_rules(
            agent,
            order.root,
            project,
            project_trusted=project_trusted,
            agent_trusted=agent_trusted,
            user_config=self._user_config(),
            allow=self._answered,
        )
        deny = [{"pattern": rule.pattern, "owner": rule.owner} for rule in rules.deny]
        territory = owners(session.agents(order.root), project, agent.id)
        return {
            "rules": {"allow": [*rules.allow, *map(exact_glob, self._granted)], "deny": deny, "source": rules.source},
            "owners": {agent_id: list(globs) for agent_id, globs in territory.items()},
        }

    def _user_config(self) -> UserConfig:
        """Return the person's configuration as it is on disk now; what is wrong in it is told."""
        from aigentflow.settings import load_user_config

        config, problems = load_user_config(self._session.environment)
        for problem in problems:
            self._session.say_once(problem)
        return config

    async def _ask_boundary(self, rules: dict[str, Any], why: str) -> dict[str, Any]:
        """Ask once, with the folders that the manifests name; without an answer it stays as it is, and that is said."""
        from aigentflow.permissions import manifest_folders
        from aigentflow.workspace.snapshot import Snapshot

        order = self._order
        folders = manifest_folders(Snapshot(order.root).paths(limit=20_000)) or ("**",)
        listed = ", ".join(folders)
        answer = await self._session.client.ask(f"{why} Let it change {listed}?", [THIS_RUN, THIS_FOLDER, READ_ONLY])
        if answer == THIS_FOLDER:
            self._session.remember_boundary(order.root, order.agent.id, folders)
        if answer in (THIS_RUN, THIS_FOLDER):
            self._answered = folders
            return self._rules_before()
        if answer is None:
            self._session.client.show_message(
                f"Aigentflow: {why} So it runs read-only there; to change that, add `boundaries: {{allow: [{listed}]}}` to its agent "
                f"file or to your configuration.",
                "warning",
            )
        return rules
