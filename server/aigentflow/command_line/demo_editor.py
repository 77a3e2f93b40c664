"""A very small editor for the demo: buffers, typing, and a client that applies what the server asks for.

It talks to the real server over stdio with pygls' own client.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from lsprotocol import types as t
from pygls.lsp.client import LanguageClient

from aigentflow import __version__
from aigentflow.lsp.convert import path_of, to_offsets, to_range
from aigentflow.lsp.protocol import lenient_converter
from aigentflow.workspace.diff import apply_edits
from aigentflow.workspace.lines import LineIndex
from aigentflow.workspace.proposal import TextEdit

SECONDS = 240.0


@dataclass
class Buffer:
    """One open document."""

    uri: str
    version: int
    text: str


class DemoEditor:
    """The client side of one connection."""

    def __init__(self) -> None:
        self.buffers: dict[str, Buffer] = {}
        self.diagnostics: dict[str, list[t.Diagnostic]] = {}
        self.log: list[str] = []
        """What the server wrote on standard error."""
        self.on_progress: Callable[[str], None] = lambda line: None
        self.on_message: Callable[[str], None] = lambda text: None
        self.before_apply: Callable[[], None] = lambda: None
        self._changed = asyncio.Event()
        self._client = LanguageClient("aigentflow-demo", __version__, converter_factory=_converter)
        self._register()

    async def start(self, root: Path, environment: Mapping[str, str]) -> None:
        """Start the server on a workspace folder."""
        await self._client.start_io(sys.executable, "-P", "-m", "aigentflow", "serve", env=dict(environment))
        # pygls gives the server a pipe for its log and reads nothing from it; a full one would stop the server.
        self._log = asyncio.create_task(self._read_log())
        edit = t.WorkspaceEditClientCapabilities(
            document_changes=True, resource_operations=[t.ResourceOperationKind.Create, t.ResourceOperationKind.Delete]
        )
        literals = t.ClientCodeActionLiteralOptions(code_action_kind=t.ClientCodeActionKindOptions(value_set=[t.CodeActionKind.QuickFix]))
        capabilities = t.ClientCapabilities(
            workspace=t.WorkspaceClientCapabilities(apply_edit=True, workspace_edit=edit),
            text_document=t.TextDocumentClientCapabilities(
                code_action=t.CodeActionClientCapabilities(code_action_literal_support=literals),
                publish_diagnostics=t.PublishDiagnosticsClientCapabilities(related_information=True),
            ),
            window=t.WindowClientCapabilities(work_done_progress=True),
        )
        folder = t.WorkspaceFolder(uri=root.as_uri(), name=root.name)
        params = t.InitializeParams(capabilities=capabilities, workspace_folders=[folder], root_uri=root.as_uri(), process_id=None)
        await self._client.initialize_async(params)
        self._client.initialized(t.InitializedParams())

    def open(self, path: Path, text: str | None = None) -> Buffer:
        """Open a file, with other text than on disk where that is given."""
        buffer = Buffer(path.as_uri(), 1, text if text is not None else path.read_text(encoding="utf-8"))
        self.buffers[buffer.uri] = buffer
        item = t.TextDocumentItem(uri=buffer.uri, language_id="typescript", version=1, text=buffer.text)
        self._client.text_document_did_open(t.DidOpenTextDocumentParams(text_document=item))
        return buffer

    def type(self, buffer: Buffer, after: str, new: str) -> None:
        """Type behind the first occurrence of a text."""
        at = buffer.text.index(after) + len(after)
        self._change(buffer, [TextEdit(at, at, new)])

    async def actions(self, buffer: Buffer, anchor: str) -> list[t.CodeAction]:
        """Return the code actions at a text."""
        at = buffer.text.index(anchor)
        where = to_range(LineIndex(buffer.text), at, at, "utf-16")
        context = t.CodeActionContext(diagnostics=[])
        params = t.CodeActionParams(text_document=t.TextDocumentIdentifier(uri=buffer.uri), range=where, context=context)
        found = await self._client.text_document_code_action_async(params)
        return [action for action in found or () if isinstance(action, t.CodeAction)]

    async def execute(self, action: t.CodeAction) -> dict[str, Any]:
        """Run the command of a code action."""
        assert action.command is not None
        return await self.command(action.command.command, *(action.command.arguments or ()))

    async def command(self, name: str, *arguments: Any) -> dict[str, Any]:
        """Run a command of the server."""
        params = t.ExecuteCommandParams(command=name, arguments=list(arguments))
        return dict(await self._client.workspace_execute_command_async(params) or {})

    async def until(self, what: Callable[[], Any]) -> Any:
        """Return the first true value of `what`, asked again after each message of the server."""
        async with asyncio.timeout(SECONDS):
            while not (value := what()):
                self._changed.clear()
                await self._changed.wait()
        return value

    async def _read_log(self) -> None:
        server = self._client._server
        while server is not None and server.stderr is not None and (line := await server.stderr.readline()):
            self.log.append(line.decode("utf-8", "replace").rstrip())

    async def stop(self) -> None:
        """Leave in order."""
        await self._client.shutdown_async(None)
        self._client.exit(None)
        await self._client.stop()  # type: ignore[no-untyped-call]

    def _change(self, buffer: Buffer, edits: list[TextEdit]) -> None:
        changes: list[t.TextDocumentContentChangeEvent] = []
        for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
            where = to_range(LineIndex(buffer.text), edit.start, edit.end, "utf-16")
            changes.append(t.TextDocumentContentChangePartial(range=where, text=edit.new))
            buffer.text = apply_edits(buffer.text, [edit])
        buffer.version += 1
        identifier = t.VersionedTextDocumentIdentifier(uri=buffer.uri, version=buffer.version)
        self._client.text_document_did_change(t.DidChangeTextDocumentParams(text_document=identifier, content_changes=changes))

    def _register(self) -> None:
        handlers: dict[str, Callable[[Any], Any]] = {
            t.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: self._published,
            t.WORKSPACE_APPLY_EDIT: lambda params: self._apply(params.edit),
            t.WINDOW_WORK_DONE_PROGRESS_CREATE: lambda params: None,
            t.PROGRESS: self._progressed,
            t.WINDOW_SHOW_MESSAGE: self._told,
        }
        for method, handler in handlers.items():
            self._client.feature(method)(_function(handler))

    def _published(self, params: t.PublishDiagnosticsParams) -> None:
        self.diagnostics[params.uri] = list(params.diagnostics)
        self._changed.set()

    def _progressed(self, params: t.ProgressParams) -> None:
        self.on_progress(_field(params.value, "message") or _field(params.value, "title"))
        self._changed.set()

    def _told(self, params: t.ShowMessageParams) -> None:
        self.on_message(params.message)
        self._changed.set()

    def _apply(self, edit: t.WorkspaceEdit) -> t.ApplyWorkspaceEditResult:
        self.before_apply()
        entries = [entry for entry in edit.document_changes or () if isinstance(entry, t.TextDocumentEdit)]
        for entry in entries:
            known = self.buffers.get(entry.text_document.uri)
            if known is not None and entry.text_document.version not in (None, known.version):
                return t.ApplyWorkspaceEditResult(applied=False)
        for entry in entries:
            uri = entry.text_document.uri
            path = path_of(uri)
            if uri not in self.buffers and path is not None:
                self.open(Path(path))
            buffer = self.buffers[uri]
            index = LineIndex(buffer.text)
            plain = [change for change in entry.edits if not isinstance(change, t.SnippetTextEdit)]
            edits = [TextEdit(*to_offsets(index, change.range, "utf-16"), change.new_text) for change in plain]
            self._change(buffer, edits)
        return t.ApplyWorkspaceEditResult(applied=True)


def _converter() -> Any:
    """Return a converter that knows a command from a code action with a command, which lsprotocol 2025.0.0 takes for the former."""
    converter = lenient_converter()

    def structure(value: Any, _: Any) -> Any:
        kind = t.Command if isinstance(value.get("command"), str) else t.CodeAction
        return converter.structure(value, kind)

    converter.register_structure_hook(t.Command | t.CodeAction, structure)
    converter.register_structure_hook(Union[t.Command, t.CodeAction], structure)  # noqa: UP007 - lsprotocol spells it so
    return converter


def _function(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    # pygls writes its notes on the function, which a bound method does not allow.
    def call(params: Any) -> Any:
        return handler(params)

    return call


def _field(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else getattr(value, name, "")
    return str(found or "")
