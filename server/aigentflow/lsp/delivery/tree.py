"""The files of one root as the person sees them now: open documents first, then the disk."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from aigentflow.errors import PathMissing, PathUnreadable
from aigentflow.lsp.convert import uri_of
from aigentflow.lsp.delivery.pieces import Live
from aigentflow.workspace.proposal import Base
from aigentflow.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from aigentflow.lsp.documents import Document, Documents


class Tree:
    """Reads without freezing: every call says how it is now."""

    def __init__(self, documents: Documents, root: Path) -> None:
        self.root = root
        self._documents = documents

    def absolute(self, path: str) -> str:
        """Return the absolute path of a workspace-relative one."""
        return os.path.join(self.root, path)

    def document(self, path: str) -> Document | None:
        """Return the open document of a workspace-relative path."""
        return self._documents.by_path(self.absolute(path))

    def uri(self, path: str) -> str:
        """Return the URI of a path, the client's own where the document is open."""
        document = self.document(path)
        return uri_of(self.absolute(path)) if document is None else document.uri

    def live(self, path: str) -> Live | None:
        """Return the text as it is now, None where there is no such file; raises PathUnreadable."""
        document = self.document(path)
        if document is not None:
            return Live(document.uri, document.text, document)
        text = self.saved(path)
        return None if text is None else Live(uri_of(self.absolute(path)), text)

    def saved(self, path: str) -> str | None:
        """Return the text on disk, None where there is no such file; raises PathUnreadable."""
        try:
            file = Snapshot(self.root).read(path)
        except PathMissing:
            return None
        if not file.lossless:
            raise PathUnreadable("its bytes are in no encoding the editor is sure to read the same way", path)
        return file.text

    def on_disk(self, path: str) -> bool:
        """Return whether something of this name is on disk."""
        return os.path.lexists(self.absolute(path))

    def is_at(self, path: str, base: Base | None, text: str) -> bool:
        """Return whether buffer and disk still hold this text; of a file that was closed, byte for byte."""
        document = self.document(path)
        if document is not None and document.text != text:
            return False
        if base is None or base.version is not None:
            live = self.live(path)
            return live is not None and live.text == text
        try:
            return hashlib.sha256(Path(self.absolute(path)).read_bytes()).hexdigest() == base.sha256
        except OSError:
            return False
