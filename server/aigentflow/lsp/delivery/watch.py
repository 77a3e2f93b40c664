"""Listens to what the client says of one file from the moment an edit is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from aigentflow.workspace.proposal import TextEdit

if TYPE_CHECKING:
    from aigentflow.lsp.documents import Document, Documents


class Watch:
    """Hands each text of one file on as it comes; use it as a context manager."""

    def __init__(self, documents: Documents, path: str, hear: Callable[[str], None] = lambda text: None) -> None:
        self.heard = 0
        """How many texts came so far."""
        self.closed = False
        self.event = asyncio.Event()
        """Set whenever something was heard; the listener clears it."""
        self._documents = documents
        self._path = path
        self._hear = hear

    def __enter__(self) -> Watch:
        self._documents.on_change.append(self._changed)
        self._documents.on_open.append(self._opened)
        self._documents.on_close.append(self._closed_now)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._documents.on_change.remove(self._changed)
        self._documents.on_open.remove(self._opened)
        self._documents.on_close.remove(self._closed_now)

    def _changed(self, document: Document, before: str, edits: Sequence[TextEdit]) -> None:
        self._opened(document)

    def _opened(self, document: Document) -> None:
        if document is not self._documents.by_path(self._path):
            return
        self.heard += 1
        self.closed = False
        self._hear(document.text)
        self.event.set()

    def _closed_now(self, document: Document) -> None:
        if document.path == self._path:
            self.closed = True
            self.event.set()
