"""What is published for each document: gaps, problems of agent files, findings of reports; pushed or pulled.

A client that pulls and can be told to pull again gets pull diagnostics, every other client gets push.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from lsprotocol import types as t

if TYPE_CHECKING:
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.session import Session

Source = Callable[["Document"], list[t.Diagnostic]]


class Diagnostics:
    """Collects from its sources; nothing is computed before somebody needs it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sources: list[Source] = []
        self._dirty: set[str] = set()
        self._published: dict[str, tuple[int, list[t.Diagnostic]]] = {}
        self._revision = 0

    def add_source(self, source: Source) -> None:
        """Ask this function for a document's diagnostics too."""
        self._sources.append(source)

    def document_changed(self, document: Document) -> None:
        """Mark one document; it is published when no further message waits."""
        self._dirty.add(document.uri)

    def document_closed(self, document: Document) -> None:
        """Take the diagnostics of a closed document away."""
        self._dirty.discard(document.uri)
        if self._published.pop(document.uri, None) is not None:
            self._session.client.publish_diagnostics(document.uri, None, [])

    def everything_changed(self) -> None:
        """Something that many documents depend on changed: agents, settings, project facts."""
        self._revision += 1
        if self._session.pulls:
            self._session.client.refresh_diagnostics()
        else:
            self._dirty.update(document.uri for document in self._session.documents.all())
            # Nobody may write to us for a while, so this does not wait for the next message.
            asyncio.get_running_loop().call_soon(self.publish_dirty)
        self._session.client.refresh_lenses()

    def publish_dirty(self) -> None:
        """Push what changed since the last call."""
        dirty, self._dirty = self._dirty, set()
        if self._session.pulls:
            return
        for uri in dirty:
            if (document := self._session.documents.get(uri)) is not None:
                self._push(document)

    def _push(self, document: Document) -> None:
        diagnostics = self.of(document)
        if not diagnostics and document.uri not in self._published:
            self._published[document.uri] = (document.version, [])
        self._published[document.uri] = (document.version, diagnostics)
        self._session.client.publish_diagnostics(document.uri, document.version, diagnostics)

    def pull(self, uri: str, previous: str | None) -> t.DocumentDiagnosticReport:
        """Answer `textDocument/diagnostic`; a document that is not open has none."""
        document = self._session.documents.get(uri)
        if document is None or not self._session.started:
            return t.RelatedFullDocumentDiagnosticReport(items=[])
        result_id = f"{document.version}.{self._revision}.{id(document):x}"
        if result_id == previous:
            return t.RelatedUnchangedDocumentDiagnosticReport(result_id=result_id)
        return t.RelatedFullDocumentDiagnosticReport(items=self.of(document), result_id=result_id)

    def of(self, document: Document) -> list[t.Diagnostic]:
        """Return the document's diagnostics from all sources."""
        return [diagnostic for source in self._sources for diagnostic in source(document)]
