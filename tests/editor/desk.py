"""A desk with everything a delivery needs: a folder, a fake editor, the server's side of it, in one process and virtual time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from lsprotocol import types as t
from pygls.exceptions import JsonRpcException
from pygls.protocol import default_converter

from aigentflow.lsp import capabilities as client_capabilities
from aigentflow.lsp.client import EditorClient
from aigentflow.lsp.delivery.send import Patience
from aigentflow.lsp.documents import Documents
from aigentflow.lsp.features.review import Review
from aigentflow.workspace.boundary import Boundary, Rules
from aigentflow.workspace.diff import hunks
from aigentflow.workspace.proposal import Base, FileChange, Proposal

from .fake_editor import FakeEditor
from .profiles import Profile
from .timeline import VirtualTime, let_tasks_run

_CONVERTER = default_converter()


class Desk:
    """One client, one root, one review."""

    def __init__(self, profile: Profile, root: Path, files: Mapping[str, str]) -> None:
        self.root = root.resolve()
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8"))
        self.profile = profile
        self.time = VirtualTime()
        self.editor = FakeEditor(profile, self.root, self.time, self._from_editor)
        self.documents = Documents(profile.encoding)
        recorded = profile.recorded
        announced = {"capabilities": recorded["capabilities"], "processId": None, "rootUri": None, "clientInfo": recorded["clientInfo"]}
        self.capabilities = client_capabilities.resolve(_CONVERTER.structure(announced, t.InitializeParams))
        self.client = EditorClient(self.capabilities, self._request, self._notify)
        self.requests: list[Any] = []

    def _from_editor(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "textDocument/didOpen":
                self.documents.open(_CONVERTER.structure(params, t.DidOpenTextDocumentParams).text_document)
            case "textDocument/didChange":
                self.documents.change(_CONVERTER.structure(params, t.DidChangeTextDocumentParams))
            case "textDocument/didClose":
                self.documents.close(params["textDocument"]["uri"])

    async def _request(self, method: str, params: Any) -> Any:
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def answer(result: Any, error: dict[str, Any] | None) -> None:
            if answered.done():
                return
            if error is not None:
                answered.set_exception(JsonRpcException(message=error["message"], code=error["code"]))
            else:
                answered.set_result(result)

        self.editor.asked(method, _CONVERTER.unstructure(params) if params is not None else None, answer)
        return await answered

    def _notify(self, method: str, params: Any) -> None:
        self.editor.notified(method, _CONVERTER.unstructure(params))

    async def open(self, *names: str) -> None:
        """Open files in front of the person and let the server hear of it."""
        for name in names:
            self.editor.open(name)
        await self.time.run(0.05)

    def change(self, name: str, after: str | None, *, kind: Any = "modify", to: str | None = None, executable: bool = False) -> FileChange:
        """Return the change of a file from its text as the server has it now."""
        if kind == "create":
            return FileChange(name, "create", None, after, executable=executable)
        document = self.documents.by_path(str(self.root / name))
        data = (self.root / name).read_bytes() if document is None else document.text.encode("utf-8")
        base = Base(data.decode("utf-8"), hashlib.sha256(data).hexdigest(), None if document is None else document.version)
        target = to or name
        made = hunks(target, base.text, after) if after is not None else ()
        return FileChange(target, kind, base, after, made, from_path=name if kind == "rename" else None)

    def review(
        self,
        *changes: FileChange,
        mode: Literal["risky", "all"] = "risky",
        allow: tuple[str, ...] = ("**",),
        patience: Patience | None = None,
    ) -> Review:
        """Return the review of these changes."""
        rules = Rules(allow=allow, deny=(), source="test")
        return Review(
            documents=self.documents,
            client=self.client,
            encoding=self.profile.encoding,
            mode=mode,
            root=self.root,
            boundary=Boundary(self.root, rules),
            run_id="r1",
            agent_id="backend_dev",
            proposal=Proposal(changes),
            bases={},
            clock=self.time,
            patience=patience,
        )

    async def rest(self, review: Review, seconds: float = 10.0) -> None:
        """Let everything that is on its way arrive."""
        await self.time.run(seconds)
        await let_tasks_run()

    def edits_sent(self) -> list[dict[str, Any]]:
        """Return the workspace edits that the server asked for, in order."""
        return [params["edit"] for method, params in self.editor.log if method == "workspace/applyEdit"]

    def statuses(self, review: Review) -> dict[str, str]:
        """Return the status of each hunk by id."""
        return {hunk.id: hunk.status for hunk in review.state().hunks}
