"""What may be applied, what this client can apply, and what waits for the person: asked again each time, at apply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aigentflow.lsp.delivery.risk import why_file_waits, why_hunk_waits
from aigentflow.lsp.delivery.state import FileState, Item
from aigentflow.workspace.boundary import Boundary

if TYPE_CHECKING:
    from aigentflow.lsp.capabilities import Capabilities

Mode = Literal["risky", "all"]


class Gate:
    """Answers with reasons; an empty reason lets the item through."""

    def __init__(self, boundary: Boundary, capabilities: Capabilities, mode: Mode, run: str) -> None:
        self._boundary = boundary
        self._capabilities = capabilities
        self._mode = mode
        self._run = run

    def why_waits(self, file: FileState, item: Item) -> str:
        """Return why an item is not delivered at once."""
        if reason := self.refusal(file, item) or self.missing(item):
            return reason
        if self._mode == "all":
            return "every change waits to be accepted (aigentflow.review is `all`)"
        if item.kind != "hunk" and (reason := why_file_waits(file.change)):
            return reason
        return why_hunk_waits(file.change, item.hunk) if item.hunk is not None else ""

    def may_be_ticked(self, file: FileState, item: Item) -> bool:
        """Return whether a waiting item may be sent for the person to tick in the editor."""
        return self._mode == "risky" and self._capabilities.confirms and not (self.refusal(file, item) or self.missing(item))

    def why_not(self, file: FileState, item: Item) -> str:
        """Return why an item cannot be applied even now that the person wants it."""
        return self.refusal(file, item) or ("" if self.opens(item) else self.missing(item))

    def refusal(self, file: FileState, item: Item) -> str:
        """Return why the boundary refuses the item's paths as they are on disk now."""
        paths = [file.place, file.change.path] if item.kind == "rename" else [file.place]
        for path in paths:
            decision = self._boundary.may_change(path)
            if not decision.allowed:
                return decision.reason or f"{path} may not be changed"
        return ""

    def missing(self, item: Item) -> str:
        """Return what the client lacks for the item, with the way round it."""
        capabilities = self._capabilities
        if not capabilities.apply_edit:
            return "this editor applies no edits on request: choose the hunk from its code actions"
        able = {"hunk": True, "create": capabilities.create, "delete": capabilities.delete, "rename": capabilities.rename}[item.kind]
        if able and (item.kind == "hunk" or capabilities.document_changes):
            return ""
        way = "accept it to open it as a new buffer, or see" if self.opens(item) else "see"
        return f"this editor cannot {item.kind} files on request: {way} `aigentflow journal show {self._run}`"

    def opens(self, item: Item) -> bool:
        """Return whether a buffer can be opened for a new file where the client creates none, once the person accepted."""
        capabilities = self._capabilities
        return item.kind == "create" and capabilities.apply_edit and not capabilities.create and capabilities.show_document
