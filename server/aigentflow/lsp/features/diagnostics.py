"""What is published for each document: gaps, problems of agent files, findings of reports, failed verification; pushed or pulled.

A client that pulls and can be told to pull again gets pull diagnostics, every other client gets push. Files that nobody has open are
pushed to every client, since nobody pulls them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lsprotocol import types as t

if TYPE_CHECKING:
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.session import Session

Source = Callable[["Document"], list[t.Diagnostic]]
"""Returns the diagnostics of an open document as it is now."""
Elsewhere = Callable[[], Mapping[str, list[t.Diagnostic]]]
"""Returns the diagnostics of files by `file:` URI; those that are open are left out by whoever asks."""


class Diagnostics:
    """Collects from its sources; nothing is computed before somebody needs it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sources: list[Source] = []
        self._elsewhere: list[Elsewhere] = []
        self._dirty: set[str] = set()
        self._published: dict[str, tuple[int, list[t.Diagnostic]]] = {}
        self._closed: dict[str, list[t.Diagnostic]] = {}
        """What was pushed for files that nobody has open."""
        self._revision = 0
        session.documents.on_open.append(self._opened)

    def add_source(self, source: Source, elsewhere: Elsewhere | None = None) -> None:
        """Ask this function for a document's diagnostics too, and `elsewhere` for those of files that are not open."""
        self._sources.append(source)
        if elsewhere is not None:
            self._elsewhere.append(elsewhere)

    def document_changed(self, document: Document) -> None:
        """Mark one document; it is published when no further message waits."""
        self._dirty.add(document.uri)

    def document_closed(self, document: Document) -> None:
        """Take the diagnostics of a closed document away, but for those that hold for files that are not open."""
        self._dirty.discard(document.uri)
        if self._published.pop(document.uri, None) is not None:
            self._session.client.publish_diagnostics(document.uri, None, [])
        self._push_closed()

    def everything_changed(self) -> None:
        """Something that many documents depend on changed: agents, settings, project facts, what a run found."""
        self._revision += 1
        if self._session.pulls:
            self._session.client.refresh_diagnostics()
        else:
            self._dirty.update(document.uri for document in self._session.documents.all())
            # Nobody may write to us for a while, so this does not wait for the next message.
            asyncio.get_running_loop().call_soon(self.publish_dirty)
        self._push_closed()
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
        self._published[document.uri] = (document.version, diagnostics)
        self._session.client.publish_diagnostics(document.uri, document.version, diagnostics)

    def _push_closed(self) -> None:
        """Push what changed for files that are not open."""
        now: dict[str, list[t.Diagnostic]] = {}
        for elsewhere in self._elsewhere:
            for uri, found in elsewhere().items():
                if found and self._session.documents.get(uri) is None:
                    now.setdefault(uri, []).extend(found)
        for uri in self._closed.keys() | now.keys():
            if self._closed.get(uri) != now.get(uri):
                self._session.client.publish_diagnostics(uri, None, now.get(uri, []))
        self._closed = now

    def _opened(self, document: Document) -> None:
        """What was pushed for the closed file gives way to what is pushed or pulled for the open one."""
        for uri in [uri for uri in self._closed if self._session.documents.get(uri) is document]:
            del self._closed[uri]
            self._session.client.publish_diagnostics(uri, None, [])

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
