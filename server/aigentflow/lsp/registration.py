"""The one place where LSP methods and commands are bound to features."""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lsprotocol import types as t
from pygls.exceptions import JsonRpcException

from aigentflow.errors import AigentflowError
from aigentflow.lsp.convert import to_offset
from aigentflow.lsp.features.authoring import Authoring
from aigentflow.lsp.features.decisions import Decisions
from aigentflow.lsp.features.diagnostics import Diagnostics
from aigentflow.lsp.features.gaps import Gaps
from aigentflow.lsp.features.offers import Offers
from aigentflow.lsp.features.refusals import Refusals
from aigentflow.lsp.features.reports import Reports
from aigentflow.lsp.features.runs import Runs
from aigentflow.lsp.handshake import CODE_ACTION_KINDS

if TYPE_CHECKING:
    from aigentflow.lsp.server import Server

SECTION = "aigentflow"
NEEDED_SOON = (
    "aigentflow.syntax.symbols",
    "aigentflow.syntax.comments",
    "aigentflow.checks.engine",
    "aigentflow.checks.fixes",
    "aigentflow.definitions.commands",
    "aigentflow.workspace.globs",
    "aigentflow.lsp.features.review",
)
"""Imported after the handshake, one by one beside the messages, so that no first request pays for it."""
WATCHED = ("**/*.{ts,tsx,mts,cts,js,md,yaml,yml,json}",)
"""What agents, project files and facts of checks are read from."""


class Features:
    """All features of one session."""

    def __init__(self, server: Server) -> None:
        session = server.session
        self.diagnostics = Diagnostics(session)
        self.gaps = Gaps(session, self.diagnostics)
        self.authoring = Authoring(session, self.gaps, self.diagnostics)
        self.reports = Reports(session, self.diagnostics)
        self.refusals = Refusals(session, self.diagnostics)
        self.runs = Runs(session, self.gaps, self.reports, self.refusals, self.diagnostics.everything_changed)
        self.decisions = Decisions(session, self.refusals, self.runs)
        self.offers = Offers(session, self.gaps, self.runs, self.authoring, self.decisions)


def register(server: Server) -> None:
    """Bind every method and command this server answers."""
    _register_lifecycle(server)
    _register_documents(server)
    _register_requests(server)
    _register_commands(server)


def _register_lifecycle(server: Server) -> None:
    protocol: Any = server.protocol

    @server.feature(t.INITIALIZE)
    def initialize(params: t.InitializeParams) -> None:
        server.begin_session(params)
        server.features = Features(server)
        server.raw_settings = settings_section(params.initialization_options)

    protocol.leave = server.leave

    @server.feature(t.INITIALIZED)
    def initialized(params: t.InitializedParams) -> None:
        session = server.session
        session.start(server.raw_settings)
        session.spawn(_after_start(server))

    @server.feature(t.SHUTDOWN)
    def shutdown(params: Any) -> None:
        # Runs are told to end; waiting for them is for `exit`, so that the answer does not take as long as they do.
        server.features.runs.close()
        server.session.stop()

    @server.feature(t.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def configuration(params: t.DidChangeConfigurationParams) -> None:
        # The person's own file may be what changed; asking the client for the rest takes a while.
        server.features.runs.steer()
        server.session.spawn(_settings_changed(server, params.settings))

    @server.feature(t.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders(params: t.DidChangeWorkspaceFoldersParams) -> None:
        server.session.change_folders(params.event)
        server.features.gaps.facts.start_anew()

    @server.feature(t.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(params: t.DidChangeWatchedFilesParams) -> None:
        uris = [change.uri for change in params.changes]
        server.features.authoring.files_changed(uris)
        server.features.gaps.facts.files_changed(uris)
        server.features.runs.files_changed(uris)


def settings_section(raw: Any) -> dict[str, Any]:
    """Return our section of what a client sent, with or without the `aigentflow` key around it."""
    if not isinstance(raw, Mapping):
        return {}
    inner = raw.get(SECTION, raw)
    return dict(inner) if isinstance(inner, Mapping) else {}


async def _after_start(server: Server) -> None:
    session = server.session
    for module in NEEDED_SOON:
        importlib.import_module(module)
        await asyncio.sleep(0)
    # What is there now stays; the collector need not walk it again in the middle of a request.
    gc.collect()
    gc.freeze()
    await session.client.register_watchers(WATCHED)
    if session.capabilities.configuration_registration:
        options = t.DidChangeConfigurationRegistrationOptions(section=SECTION)
        await session.client.register(t.WORKSPACE_DID_CHANGE_CONFIGURATION, options)
    if session.capabilities.configuration:
        await _settings_changed(server, None)
    if session.settings.warm_host and server.features.runs.can_run():
        await session.hosts.warm()


async def _settings_changed(server: Server, pushed: Any) -> None:
    session = server.session
    raw = settings_section(pushed)
    if not raw and session.capabilities.configuration:
        raw = settings_section(await session.client.configuration(SECTION))
    session.apply_settings({**server.raw_settings, **raw})
    server.features.gaps.facts_changed()
    server.features.runs.steer()


def _register_documents(server: Server) -> None:
    @server.feature(t.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: t.DidOpenTextDocumentParams) -> None:
        document = server.session.documents.open(params.text_document)
        server.features.gaps.facts.typed(document)
        server.features.authoring.document_changed(document)
        server.features.diagnostics.document_changed(document)

    @server.feature(t.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: t.DidChangeTextDocumentParams) -> None:
        document = server.session.documents.change(params)
        if document is not None:
            server.features.authoring.document_changed(document)
            server.features.diagnostics.document_changed(document)
            server.features.runs.files_changed([document.uri])

    @server.feature(t.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: t.DidCloseTextDocumentParams) -> None:
        document = server.session.documents.close(params.text_document.uri)
        if document is not None:
            server.features.authoring.document_closed(document)
            server.features.gaps.document_closed(document)
            server.features.diagnostics.document_closed(document)

    @server.feature(t.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: t.DidSaveTextDocumentParams) -> None:
        server.features.authoring.files_changed([params.text_document.uri])
        server.features.gaps.facts.files_changed([params.text_document.uri])
        server.features.runs.files_changed([params.text_document.uri])

    def after_messages() -> None:
        if server.session.started:
            server.features.diagnostics.publish_dirty()

    server.after_messages = after_messages  # type: ignore[method-assign]


def _register_requests(server: Server) -> None:
    @server.feature(t.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def progress_cancelled(params: t.WorkDoneProgressCancelParams) -> None:
        server.session.progress.cancelled(params.token)

    @server.feature(t.TEXT_DOCUMENT_CODE_ACTION, t.CodeActionOptions(code_action_kinds=list(CODE_ACTION_KINDS), resolve_provider=True))
    def code_action(params: t.CodeActionParams) -> list[t.CodeAction | t.Command]:
        return server.features.offers.actions(params)

    @server.feature(t.CODE_ACTION_RESOLVE)
    def resolve(params: t.CodeAction) -> t.CodeAction:
        return server.features.offers.resolve(params)

    @server.feature(t.TEXT_DOCUMENT_CODE_LENS, t.CodeLensOptions(resolve_provider=False))
    def lenses(params: t.CodeLensParams) -> list[t.CodeLens]:
        return server.features.offers.lenses(params.text_document.uri)

    @server.feature(t.TEXT_DOCUMENT_HOVER)
    def hover(params: t.HoverParams) -> t.Hover | None:
        return hover_of(server, params)

    options = t.DiagnosticOptions(identifier=SECTION, inter_file_dependencies=True, workspace_diagnostics=False)

    @server.feature(t.TEXT_DOCUMENT_DIAGNOSTIC, options)
    def diagnostic(params: t.DocumentDiagnosticParams) -> t.DocumentDiagnosticReport:
        return server.features.diagnostics.pull(params.text_document.uri, params.previous_result_id)

    @server.feature(t.WORKSPACE_TEXT_DOCUMENT_CONTENT)
    def content(params: t.TextDocumentContentParams) -> t.TextDocumentContentResult:
        return t.TextDocumentContentResult(text=server.features.runs.page_of(params.uri))


def hover_of(server: Server, params: t.HoverParams) -> t.Hover | None:
    """Answer `textDocument/hover` for agent files and gaps."""
    document = server.session.documents.get(params.text_document.uri)
    if document is None or not server.session.started:
        return None
    text = server.features.authoring.hover(document, params.position)
    if text is None:
        offset = to_offset(document.index, params.position, server.session.encoding)
        text = server.features.gaps.hover(document, offset)
    if text is None:
        return None
    kind = t.MarkupKind.Markdown if server.session.capabilities.markdown_hover else t.MarkupKind.PlainText
    return t.Hover(contents=t.MarkupContent(kind=kind, value=text))


def _register_commands(server: Server) -> None:
    def argument(value: Any) -> dict[str, Any]:
        return dict(value) if isinstance(value, Mapping) else {}

    table: dict[str, Callable[[dict[str, Any]], Any]] = {
        "run": lambda given: server.features.runs.start(given),  # noqa: PLW0108 - features do not exist yet
        "cancel": lambda given: server.features.runs.cancel(given.get("run")),
        "show": lambda given: server.features.runs.show(given.get("run")),
        "accept": lambda given: server.features.runs.review(given, "accept"),
        "reject": lambda given: server.features.runs.review(given, "reject"),
        "undo": lambda given: server.features.runs.review(given, "undo"),
        "trust": lambda given: server.features.authoring.trust(given.get("folder")),
        "checklist": lambda given: server.features.authoring.show_checklist(given),  # noqa: PLW0108
        "allow": lambda given: server.features.decisions.allow(given),  # noqa: PLW0108
        "handover": lambda given: server.features.decisions.hand_over(given),  # noqa: PLW0108
        "decline": lambda given: server.features.decisions.decline(given),  # noqa: PLW0108
    }

    def bind(name: str, handler: Callable[[dict[str, Any]], Any]) -> None:
        async def command(*values: Any) -> Any:
            try:
                answer = handler(argument(values[0] if values else None))
                return await answer if inspect.isawaitable(answer) else answer
            except AigentflowError as error:
                server.session.client.show_message(f"Aigentflow: {error}.", "error")
                raise JsonRpcException(message=str(error), code=t.LSPErrorCodes.RequestFailed.value) from error

        server.command(f"aigentflow.{name}")(command)

    for name, handler in table.items():
        bind(name, handler)
