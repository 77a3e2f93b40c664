"""From a finished run to its review: the proposal read back, the boundary asked again at apply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aigentflow.lsp.features.review import Review
    from aigentflow.lsp.run import Run
    from aigentflow.lsp.session import Session


def review_of(run: Run, session: Session, boundary: dict[str, Any]) -> Review:
    """Return the review of what a run proposes."""
    from aigentflow.lsp.features.review import Review
    from aigentflow.runtime.result import changes_from_json
    from aigentflow.workspace.boundary import Boundary, DenyRule, Rules
    from aigentflow.workspace.proposal import Proposal

    said = boundary["rules"]
    deny = tuple(DenyRule(rule["pattern"], rule["owner"]) for rule in said["deny"])
    rules = Rules(allow=tuple(said["allow"]), deny=deny, source=said["source"])
    return Review(
        documents=session.documents,
        client=session.client,
        encoding=session.encoding,
        mode=session.settings.review,
        root=run.order.root,
        boundary=Boundary(run.order.root, rules, boundary["owners"]),
        run_id=run.id,
        agent_id=run.agent.id,
        proposal=Proposal(tuple(changes_from_json(run.result["changes"]))),
        bases=run.bases,
    )
