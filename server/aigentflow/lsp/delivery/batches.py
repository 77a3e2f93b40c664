"""What goes into which `workspace/applyEdit`, for which client.

A client that applies the text edits of a request all or none gets one request. Every other client gets one request per file, text edits
before file operations: Neovim compares the version of the first entry only, and not even that behind a file operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types as t

from aigentflow.workspace.proposal import TextEdit

if TYPE_CHECKING:
    from aigentflow.lsp.capabilities import Capabilities
    from aigentflow.lsp.delivery.echo import Sent
    from aigentflow.lsp.delivery.pieces import Piece

Entry = t.TextDocumentEdit | t.CreateFile | t.RenameFile | t.DeleteFile
ANNOTATION = "aigentflow"


def groups(pieces: Sequence[Piece], capabilities: Capabilities) -> list[list[Piece]]:
    """Return the pieces as requests that follow each other, text edits first."""
    ordered = sorted(pieces, key=lambda piece: piece.rank)
    return [ordered] if capabilities.transactional and ordered else [[piece] for piece in ordered]


def text_entry(uri: str, sent: Sent, annotation: str | None) -> t.TextDocumentEdit:
    """Return the entry of one document; a version below zero would switch the check off and is left out."""
    version = sent.version if sent.version is not None and sent.version >= 0 else None
    edits: list[t.TextEdit | t.AnnotatedTextEdit | t.SnippetTextEdit] = []
    for span, edit in zip(sent.ranges, sent.edits, strict=True):
        if annotation is None:
            edits.append(t.TextEdit(range=span, new_text=edit.new))
        else:
            edits.append(t.AnnotatedTextEdit(range=span, new_text=edit.new, annotation_id=annotation))
    return t.TextDocumentEdit(text_document=t.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version), edits=edits)


def workspace_edit(entries: Sequence[Entry], capabilities: Capabilities, label: str, *, confirm: bool) -> t.WorkspaceEdit:
    """Return the edit in the form the client understands; without `documentChanges` only text edits can be expressed."""
    if not capabilities.document_changes:
        changes: dict[str, list[t.TextEdit]] = {}
        for entry in entries:
            if isinstance(entry, t.TextDocumentEdit):
                plain = [
                    t.TextEdit(range=edit.range, new_text=edit.new_text) for edit in entry.edits if not isinstance(edit, t.SnippetTextEdit)
                ]
                changes.setdefault(entry.text_document.uri, []).extend(plain)
        return t.WorkspaceEdit(changes=changes)
    annotations = {ANNOTATION: t.ChangeAnnotation(label=label, needs_confirmation=confirm)} if capabilities.confirms else None
    return t.WorkspaceEdit(document_changes=list(entries), change_annotations=annotations)


def annotation_for(capabilities: Capabilities) -> str | None:
    """Return the annotation's id where change annotations are understood."""
    return ANNOTATION if capabilities.confirms else None


def before_final_line_end(text: str, edits: Sequence[TextEdit]) -> tuple[TextEdit, ...]:
    """Return the same edits, lines added at the very end moved before the last line end.

    Editors whose buffers are lists of lines (Neovim 0.10) otherwise leave an empty line behind.
    """
    if not edits:
        return ()
    last = edits[-1]
    end = "\r\n" if text.endswith("\r\n") else "\n"
    if last.start != len(text) or not text.endswith(end) or not last.new.endswith(end):
        return tuple(edits)
    at = len(text) - len(end)
    if len(edits) > 1 and edits[-2].end > at:
        return tuple(edits)
    return (*edits[:-1], TextEdit(at, at, end + last.new[: -len(end)]))
