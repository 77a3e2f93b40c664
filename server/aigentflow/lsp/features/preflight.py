"""What must be settled before a run: a credential, trust in the agent, and a boundary. Nothing is sent to a model before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigentflow.credentials import SCRIPT, credential_source

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
        if rules["rules"]["source"] == "none" and self._order.wants_edits:
            return await self._ask_boundary()
        return rules

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
        from aigentflow.definitions.project import PROJECT_FILE
        from aigentflow.permissions import boundary_rules, owners

        session, order = self._session, self._order
        project = session.project(order.root)
        rules = boundary_rules(
            order.agent,
            order.root,
            project,
            project_trusted=session.trusted(order.root, _sha256(order.root / PROJECT_FILE)),
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

    async def _ask_boundary(self) -> dict[str, Any] | None:
        """Nothing says what the agent may change: one question, with the folders that the manifests name."""
        from aigentflow.permissions import manifest_folders
        from aigentflow.workspace.snapshot import Snapshot

        folders = manifest_folders(Snapshot(self._order.root).paths(limit=20_000)) or ("**",)
        listed = ", ".join(folders)
        question = f"Nothing says what {self._order.agent.id} may change here. Let it change {listed}?"
        answer = await self._session.client.ask(question, [THIS_RUN, THIS_FOLDER, READ_ONLY])
        if answer == THIS_RUN:
            return self._rules(folders)
        if answer == THIS_FOLDER:
            self._session.remember_boundary(self._order.root, self._order.agent.id, folders)
            return self._rules(folders)
        if answer is None:
            self._session.client.show_message(
                f"Aigentflow: {self._order.agent.id} runs read-only, as nothing says what it may change. "
                f"Add `boundaries: {{allow: [{listed}]}}` to its agent file or to your configuration.",
                "warning",
            )
        return self._rules(())


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
