"""From a finished run to its review: the proposal read back, the boundary asked again at apply, the journal kept."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigentflow.errors import ConfigurationError
from aigentflow.workspace.diff import apply_edits
from aigentflow.workspace.proposal import Base, FileChange, Hunk, TextEdit

if TYPE_CHECKING:
    from aigentflow.lsp.features.review import Review
    from aigentflow.lsp.run import Run
    from aigentflow.lsp.session import Session
    from aigentflow.workspace.boundary import Boundary


def review_of(run: Run, session: Session, boundary: Boundary) -> Review:
    """Return the review of what a run proposes; the boundary may be steered while parts of it wait."""
    from aigentflow.lsp.features.review import Review
    from aigentflow.runtime.result import ChangePart
    from aigentflow.workspace.proposal import Proposal

    changes = [ChangePart.model_validate(change).change() for change in run.result["changes"]]
    run.proposal = Proposal(tuple(_with_comment_removed(run, changes)))
    return Review(
        documents=session.documents,
        client=session.client,
        encoding=session.encoding,
        mode=session.settings.review,
        root=run.order.root,
        boundary=boundary,
        run_id=run.id,
        agent_id=run.agent.id,
        proposal=run.proposal,
        bases=run.bases,
    )


def note_event(state: Path, environment: Mapping[str, str], run: str, event: dict[str, Any]) -> None:
    """Add an event to the journal of a run, whether it goes on or has ended; where that fails, the run's page has it."""
    from aigentflow.redaction import Redactor
    from aigentflow.runtime.journal import Journal

    with contextlib.suppress(OSError, ConfigurationError), Journal(state, Redactor(environment)).reopen(run) as record:
        record.event(event)


class DeliveryRecord:
    """What the journal is told about a proposal: the texts before, durably, ahead of the first edit, and what became of it."""

    def __init__(self, run: Run, session: Session) -> None:
        from aigentflow.redaction import Redactor
        from aigentflow.runtime.journal import Journal

        self._run = run
        self._journal = Journal(session.state, Redactor(session.environment))

    async def before(self) -> None:
        """Keep the texts as they were; raise OSError where that fails, as then nothing may be applied."""
        await asyncio.to_thread(self._keep)

    def _keep(self) -> None:
        run = self._run
        with self._journal.reopen(run.id) as record:
            for change in run.proposal.changes:
                if change.base is not None:
                    record.before_image(change.from_path or change.path, _bytes_before(run, change))
            record.delivered({"state": "sending", "paths": [change.path for change in run.proposal.changes]})

    async def after(self, state: str) -> None:
        """Note how every part of the proposal stands."""
        if self._run.review is None:
            return
        parts = [{"id": hunk.id, "status": hunk.status, "reason": hunk.reason} for hunk in self._run.review.state().hunks]
        await asyncio.to_thread(self._note, {"state": state, "parts": parts})

    def _note(self, delivery: dict[str, Any]) -> None:
        with contextlib.suppress(OSError, ConfigurationError), self._journal.reopen(self._run.id) as record:
            record.delivered(delivery)


def _bytes_before(run: Run, change: FileChange) -> bytes:
    """Return an open buffer's text in UTF-8, else the bytes on disk, else the text that the run has read."""
    path = change.from_path or change.path
    if path not in run.bases:
        with contextlib.suppress(OSError):
            return (run.order.root / path).read_bytes()
    text = run.bases[path][0] if path in run.bases else change.base.text if change.base is not None else ""
    return text.encode("utf-8", "surrogatepass")


def _with_comment_removed(run: Run, changes: list[FileChange]) -> list[FileChange]:
    """Add the removal of the task comment that the run was started from, as a hunk of its own."""
    comment, path = run.order.todo, run.order.path
    base = run.bases.get(path or "")
    if comment is None or path is None or base is None or run.outcome != "finished":
        return changes
    known = next((change for change in changes if change.path == path), None)
    if known is None:
        digest = hashlib.sha256(base[0].encode("utf-8", "surrogatepass")).hexdigest()
        known = FileChange(path, "modify", Base(base[0], digest, base[1]), base[0])
    elif known.kind != "modify" or known.base is None or known.base.text != base[0]:
        return changes
    start, end = comment.removal
    if any(hunk.edit.start < end and start < hunk.edit.end for hunk in known.hunks):
        return changes
    removal = Hunk(f"{path}#{len(known.hunks) + 1}", TextEdit(start, end, ""), base[0][start:end])
    hunks = tuple(sorted((*known.hunks, removal), key=lambda hunk: hunk.edit.start))
    after = apply_edits(base[0], [hunk.edit for hunk in hunks])
    others = [change for change in changes if change.path != path]
    return sorted([*others, replace(known, hunks=hunks, after=after)], key=lambda change: change.path)
