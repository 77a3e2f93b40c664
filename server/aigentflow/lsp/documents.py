"""Open documents as the client has them, with a short memory of earlier texts.

Lines end as LSP says; a broken position is clamped, a broken message costs a warning, never text.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lsprotocol import types as t

from aigentflow.lsp.convert import path_of, to_offsets
from aigentflow.lsp.live_lines import LiveLines
from aigentflow.workspace.diff import common_prefix, common_suffix
from aigentflow.workspace.lines import LineIndex
from aigentflow.workspace.proposal import TextEdit

HISTORY = 12
"""How many earlier texts a document remembers at most."""
HISTORY_CHARACTERS = 400_000
"""How much text these may hold together, so that a large file does not cost a multiple of itself for long."""


@dataclass(frozen=True)
class Revision:
    """One text of a document and the version under which the client sent it."""

    version: int
    text: str


@dataclass
class Document:
    """An open document; `path` is its absolute file-system path, None for schemes other than `file:`."""

    uri: str
    path: str | None
    language_id: str
    version: int
    text: str
    tree: Any = None
    """Syntax tree that whoever needs one keeps here."""

    def __post_init__(self) -> None:
        self._lines: LiveLines | None = None
        self._history: deque[Revision] = deque(maxlen=HISTORY)

    @property
    def index(self) -> LineIndex:
        """Line index of the current text."""
        if self._lines is None or self._lines.text is not self.text:
            self._lines = LiveLines(self.text)
        return self._lines

    @property
    def history(self) -> tuple[Revision, ...]:
        """Earlier texts, oldest first, then the current one."""
        return (*self._history, Revision(self.version, self.text))

    def replace(self, edit: TextEdit) -> None:
        """Replace `[start, end)` and keep the index up to date without building it anew."""
        lines = self.index
        assert isinstance(lines, LiveLines)
        lines.replace(edit.start, edit.end, edit.new)
        self.text = lines.text

    def remember(self, version: int, text: str) -> None:
        """Keep an earlier text within the bounds."""
        self._history.append(Revision(version, text))
        while len(self._history) > 1 and sum(len(revision.text) for revision in self._history) > HISTORY_CHARACTERS:
            self._history.popleft()


OnChange = Callable[[Document, str, Sequence[TextEdit]], None]
OnDocument = Callable[[Document], None]


class Documents:
    """All open documents of the client.

    Listeners of `on_change` get the document, its text before, and the edits in order, each against the text after the one before it.
    """

    def __init__(self, encoding: str, warn: Callable[[str], None] = lambda text: None) -> None:
        self.encoding = encoding
        self.on_open: list[OnDocument] = []
        self.on_change: list[OnChange] = []
        self.on_close: list[OnDocument] = []
        self._warn = warn
        self._by_uri: dict[str, Document] = {}
        self._uri_by_path: dict[str, str] = {}

    def all(self) -> tuple[Document, ...]:
        """Return the open documents, in the order they were opened."""
        return tuple(self._by_uri.values())

    def get(self, uri: str) -> Document | None:
        """Return the open document of a URI, whichever way its path is percent-encoded."""
        if (document := self._by_uri.get(uri)) is not None:
            return document
        path = path_of(uri)
        return None if path is None else self.by_path(path)

    def by_path(self, path: str) -> Document | None:
        """Return the open document of an absolute path; links are followed where the path itself is not open."""
        uri = self._uri_by_path.get(path)
        if uri is None:
            uri = self._uri_by_path.get(os.path.realpath(path))
        return None if uri is None else self._by_uri.get(uri)

    def open(self, item: t.TextDocumentItem) -> Document:
        """Take over a document; one that is open already is replaced by what the client says now."""
        if item.uri in self._by_uri:
            self._warn(f"{item.uri!r} was opened twice; the later text counts")
            self.close(item.uri)
        document = Document(item.uri, path_of(item.uri), item.language_id, item.version, item.text)
        self._by_uri[item.uri] = document
        if document.path is not None:
            self._uri_by_path[os.path.realpath(document.path)] = item.uri
            self._uri_by_path[document.path] = item.uri
        for listener in tuple(self.on_open):
            listener(document)
        return document

    def change(self, params: t.DidChangeTextDocumentParams) -> Document | None:
        """Apply the changes of one notification; None for a document that is not open and whose text cannot be known."""
        uri, version = params.text_document.uri, params.text_document.version
        document = self.get(uri)
        if document is None:
            return self._adopt(params)
        if version <= document.version:
            self._warn(f"version {version} of {uri!r} came after version {document.version}; applied in the order of arrival")
        before = document.text
        document.remember(document.version, before)
        edits = [edit for change in params.content_changes for edit in self._apply(document, change)]
        document.version = version
        for listener in tuple(self.on_change):
            listener(document, before, edits)
        return document

    def close(self, uri: str) -> Document | None:
        """Forget a document; closing one that is not open is ignored."""
        document = self.get(uri)
        if document is None:
            self._warn(f"{uri!r} was closed but is not open")
            return None
        del self._by_uri[document.uri]
        self._uri_by_path = {path: known for path, known in self._uri_by_path.items() if known != document.uri}
        for listener in tuple(self.on_close):
            listener(document)
        return document

    def _apply(self, document: Document, change: t.TextDocumentContentChangeEvent) -> list[TextEdit]:
        if isinstance(change, t.TextDocumentContentChangePartial):
            start, end = to_offsets(document.index, change.range, self.encoding)
            edit = TextEdit(start, end, change.text)
        else:
            edit = shortest(document.text, change.text)
        if edit.start == edit.end and not edit.new:
            return []
        document.replace(edit)
        return [edit]

    def _adopt(self, params: t.DidChangeTextDocumentParams) -> Document | None:
        """Open a document that the client forgot to open, if it sends the whole text."""
        uri, changes = params.text_document.uri, params.content_changes
        self._warn(f"{uri!r} changed but is not open")
        whole = [i for i, change in enumerate(changes) if not isinstance(change, t.TextDocumentContentChangePartial)]
        if not whole:
            return None
        document = Document(uri, path_of(uri), "", params.text_document.version, changes[whole[-1]].text)
        for change in changes[whole[-1] + 1 :]:
            self._apply(document, change)
        return self.open(t.TextDocumentItem(uri=uri, language_id="", version=document.version, text=document.text))


def shortest(before: str, after: str) -> TextEdit:
    """Return the one edit from before to after without their common beginning and end."""
    start = common_prefix(before, after)
    tail = common_suffix(before, after, min(len(before), len(after)) - start)
    return TextEdit(start, len(before) - tail, after[start : len(after) - tail])
