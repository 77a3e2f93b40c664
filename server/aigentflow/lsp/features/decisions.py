"""What the person can do about a refusal: allow the path for this run, hand it to whoever owns it, or decline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lsprotocol import types as t

from aigentflow.lsp.convert import to_offset, to_range, uri_of

if TYPE_CHECKING:
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.features.refusals import Refusal, Refusals
    from aigentflow.lsp.features.runs import Runs
    from aigentflow.lsp.session import Session

QUICK_FIX = "quickfix"
ANYWHERE = "source.aigentflow"


class Decisions:
    """The quick fixes on refusals, and the commands that they are."""

    def __init__(self, session: Session, refusals: Refusals, runs: Runs) -> None:
        self._session = session
        self._refusals = refusals
        self._runs = runs

    def actions(self, document: Document, start: int, end: int) -> Iterator[t.CodeAction]:
        """Yield what can be done about the refusals shown on the lines of `[start, end]`, and about those that have no place."""
        index = document.index
        first, last = index.line_of(start), index.line_of(end)
        for refusal in self._refusals.at_document(document):
            where = self._refusals.where(refusal, document)
            if where.start.line <= last and index.line_of(to_offset(index, where.end, self._session.encoding)) >= first:
                diagnostics = [self._refusals.diagnostic(refusal, where)]
                yield from self._of(refusal, document, QUICK_FIX, diagnostics)
        place = self._session.relative(document)
        for refusal in self._refusals.unplaced(place[0] if place is not None else None):
            yield from self._of(refusal, None, ANYWHERE, None)

    def _of(self, refusal: Refusal, document: Document | None, kind: str, diagnostics: list[t.Diagnostic] | None) -> Iterator[t.CodeAction]:
        agent, path = refusal.run.agent.id, refusal.path
        if refusal.may_be_allowed:
            again = "" if refusal.run.going_on else " and start it again"
            yield _action(f"Allow for this run{again}: {agent} changes {path}", kind, "allow", refusal, diagnostics)
        if refusal.itself and document is not None and (edit := self._comment_edit(refusal, document)) is not None:
            title = f"Hand to {refusal.owner} in a task comment" if refusal.owner else "Leave a task comment here"
            action = _action(title, kind, "handover", refusal, diagnostics)
            if self._session.capabilities.code_action_literals:
                action.edit, action.command = edit, None
            yield action
        yield _action(f"Decline: {agent} does not change {path}", kind, "decline", refusal, diagnostics)

    def _comment_edit(self, refusal: Refusal, document: Document) -> t.WorkspaceEdit | None:
        edit = self._edit(refusal, document.text)
        if edit is None:
            return None
        change = t.TextEdit(range=to_range(document.index, edit.start, edit.end, self._session.encoding), new_text=edit.new)
        return self._workspace_edit(document.uri, document.version, change)

    def _edit(self, refusal: Refusal, text: str) -> Any:
        from aigentflow.lsp.features.refusals import HANDED
        from aigentflow.syntax.leaving import task_comment

        if refusal.rule not in HANDED or not refusal.itself:
            return None
        return task_comment(text, refusal.path, refusal.owner or "", refusal.words)

    def _workspace_edit(self, uri: str, version: int | None, change: t.TextEdit) -> t.WorkspaceEdit:
        if not self._session.capabilities.document_changes:
            return t.WorkspaceEdit(changes={uri: [change]})
        identifier = t.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
        return t.WorkspaceEdit(document_changes=[t.TextDocumentEdit(text_document=identifier, edits=[change])])

    async def allow(self, given: dict[str, Any]) -> dict[str, Any]:
        """Open the path for the run that goes on, or start the run again with it opened."""
        refusal = self._found(given)
        if refusal is None or not refusal.may_be_allowed:
            return self._nothing(refusal)
        run = refusal.run
        await run.note(f"You allowed changes to {refusal.path} for this run.")
        if run.going_on:
            run.bounds.grant(refusal.path)
            self._refusals.settle(refusal)
            return {"done": True, "run": run.id}
        return {"done": True, **self._runs.start_again(run, refusal.path)}

    async def decline(self, given: dict[str, Any]) -> dict[str, Any]:
        """Take the diagnostic away and note it on the run."""
        refusal = self._found(given)
        if refusal is None:
            return self._nothing(None)
        self._refusals.settle(refusal, declined=True)
        await refusal.run.note(f"You declined the change to {refusal.path}.")
        return {"done": True}

    async def hand_over(self, given: dict[str, Any]) -> dict[str, Any]:
        """Put the task comment into the file through the editor."""
        refusal = self._found(given)
        if refusal is None or refusal.place is None:
            return self._nothing(refusal)
        document = self._session.documents.by_path(str(refusal.place))
        edit = self._comment_edit(refusal, document) if document is not None else self._closed_edit(refusal)
        if edit is None:
            self._session.client.show_message(f"Aigentflow: no task comment can stand in {refusal.path}.", "info")
            return {"done": False}
        applied = await self._session.client.apply_edit(edit, f"task comment in {refusal.path}")
        if applied.applied is not True:
            why = applied.reason or "the editor did not apply it"
            self._session.client.show_message(f"Aigentflow: the task comment was not written into {refusal.path}: {why}.", "warning")
            return {"done": False}
        await refusal.run.note(f"You left a task comment in {refusal.path}.")
        return {"done": True}

    def _closed_edit(self, refusal: Refusal) -> t.WorkspaceEdit | None:
        from aigentflow.errors import PathError
        from aigentflow.workspace.lines import LineIndex
        from aigentflow.workspace.snapshot import Snapshot

        try:
            text = Snapshot(refusal.root).read(refusal.path).text
        except PathError:
            return None
        edit = self._edit(refusal, text)
        if edit is None:
            return None
        change = t.TextEdit(range=to_range(LineIndex(text), edit.start, edit.end, self._session.encoding), new_text=edit.new)
        return self._workspace_edit(uri_of(refusal.root / refusal.path), None, change)

    def _found(self, given: dict[str, Any]) -> Refusal | None:
        return self._refusals.find(given.get("run"), given.get("path"))

    def _nothing(self, refusal: Refusal | None) -> dict[str, Any]:
        why = "this refusal has been decided on, or another run has begun" if refusal is None else f"{refusal.path}: {refusal.reason}"
        self._session.client.show_message(f"Aigentflow: {why}.", "info")
        return {"done": False}


def _action(title: str, kind: str, command: str, refusal: Refusal, diagnostics: list[t.Diagnostic] | None) -> t.CodeAction:
    argument = {"run": refusal.run.id, "path": refusal.path}
    called = t.Command(title=title, command=f"aigentflow.{command}", arguments=[argument])
    return t.CodeAction(title=title, kind=kind, command=called, diagnostics=diagnostics)
