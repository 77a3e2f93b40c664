"""What must be settled before a run: a credential, trust in the agent, and a boundary. Nothing is sent to a model before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aigentflow.credentials import SCRIPT, credential_source
from aigentflow.lsp.session import UNCLEAR

if TYPE_CHECKING:
    from aigentflow.lsp.order import RunOrder
    from aigentflow.lsp.session import Session

NO_KEY = (
    "Aigentflow: no key for the model service. Set ANTHROPIC_API_KEY in the environment the editor starts in, and restart the "
    "server. Checklist gaps, quick fixes and task comments work without one."
)
TRUST, READ_ONLY, THIS_RUN, THIS_FOLDER = "Trust and run", "Read only", "This run", "This folder"


def has_credential(environment: Mapping[str, str], headers: Iterable[str] = ()) -> bool:
    """Return whether a model could be asked: a credential is found, or a script is to be replayed."""
    return bool(environment.get(SCRIPT)) or credential_source(environment, headers) is not None


class Preflight:
    """The checks of one run, in the order in which a person wants to be asked."""

    def __init__(self, session: Session, order: RunOrder) -> None:
        self._session = session
        self._order = order
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
        rules = self._rules(())
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

    def _is_elsewhere(self, rules: dict[str, Any]) -> bool:
        """Return whether the file the run was asked on lies outside of the allow list; a file that is denied is not asked about."""
        from aigentflow.workspace.boundary import Boundary, DenyRule, Rules

        if self._order.path is None:
            return False
        said = rules["rules"]
        deny = tuple(DenyRule(rule["pattern"], rule["owner"]) for rule in said["deny"])
        boundary = Boundary(self._order.root, Rules(allow=tuple(said["allow"]), deny=deny, source=said["source"]), rules["owners"])
        decision = boundary.may_change(self._order.path)
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

    def _rules(self, allow: tuple[str, ...]) -> dict[str, Any]:
        from aigentflow.permissions import boundary_rules, owners

        session, order = self._session, self._order
        project = session.project(order.root)
        rules = boundary_rules(
            order.agent,
            order.root,
            project,
            project_trusted=session.trusted(order.root, session.project_sha256(order.root)),
            agent_trusted=self._agent_trusted(),
            user_config=session.user_config,
            allow=allow,
        )
        deny = [{"pattern": rule.pattern, "owner": rule.owner} for rule in rules.deny]
        territory = owners(session.agents(order.root), project, order.agent.id)
        return {
            "rules": {"allow": list(rules.allow), "deny": deny, "source": rules.source},
            "owners": {agent: list(globs) for agent, globs in territory.items()},
        }

    async def _ask_boundary(self, rules: dict[str, Any], why: str) -> dict[str, Any]:
        """Ask once, with the folders that the manifests name; without an answer it stays as it is, and that is said."""
        from aigentflow.permissions import manifest_folders
        from aigentflow.workspace.snapshot import Snapshot

        order = self._order
        folders = manifest_folders(Snapshot(order.root).paths(limit=20_000)) or ("**",)
        listed = ", ".join(folders)
        answer = await self._session.client.ask(f"{why} Let it change {listed}?", [THIS_RUN, THIS_FOLDER, READ_ONLY])
        if answer == THIS_RUN:
            return self._rules(folders)
        if answer == THIS_FOLDER:
            self._session.remember_boundary(order.root, order.agent.id, folders)
            return self._rules(folders)
        if answer is None:
            self._session.client.show_message(
                f"Aigentflow: {why} So it runs read-only there; to change that, add `boundaries: {{allow: [{listed}]}}` to its agent "
                f"file or to your configuration.",
                "warning",
            )
        return rules
