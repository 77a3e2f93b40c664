"""The request that a run host is given: the order, the buffers as they are now, the person's settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aigentflow.lsp.run import Run
    from aigentflow.lsp.session import Session


def run_request(run: Run, session: Session, parallel: list[str]) -> dict[str, Any]:
    """Return the request without its boundary; the run keeps the texts of the buffers for merging later."""
    order, settings = run.order, session.settings
    return {
        "run": run.id,
        "agent_path": str(run.agent.path),
        "agent_text": run.agent.text,
        "agent_source": run.agent.source,
        "task": order.task,
        "command_title": order.title,
        "result": order.command.result if order.command is not None else "edit",
        "root": str(order.root),
        "buffers": list(_buffers(run, session)),
        "file": order.path,
        "selection": order.selection,
        "gaps": list(order.gaps),
        "arguments": order.arguments,
        "project": _project(run, session),
        "parallel": parallel,
        "limits": {
            "turns": settings.limits.turns,
            "tokens": settings.limits.tokens,
            "usd": settings.limits.usd,
            "seconds": settings.limits.minutes * 60,
        },
        "commands": {
            "box": settings.commands.box,
            "unprotected": settings.commands.unprotected == "ask",
        },
        "trusted": session.editor_trusts or session.trust.folder(order.root) is not None,
        "model": settings.model or run.agent.model,
        "script": session.environment.get("AIGENTFLOW_SCRIPT"),
        "service": {"headers": dict(session.user_config.service.headers), "models": dict(session.user_config.models)},
        "journal": str(session.state),
    }


def _project(run: Run, session: Session) -> dict[str, Any]:
    root = run.order.root
    project = session.project(root)
    # Commands of a project file that nobody trusted are not run; those that every tool of the project knows are found all the same.
    stated = dict(project.verification) if session.trusted(root, session.project_sha256(root)) else {}
    return {"phase": project.phase, "plan": project.plan, "lessons": project.lessons, "verification": stated}


def _buffers(run: Run, session: Session) -> Iterator[dict[str, Any]]:
    """Yield every open document of the root with its text, and keep the texts for merging later."""
    for document in session.documents.all():
        place = session.relative(document)
        if place is None or place[0] != run.order.root:
            continue
        path = place[1]
        run.bases[path] = (document.text, document.version)
        digest = hashlib.sha256(document.text.encode("utf-8", "surrogatepass")).hexdigest()
        yield {"path": path, "text": document.text, "version": document.version, "sha256": digest}
