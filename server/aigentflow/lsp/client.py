"""Everything the server asks of the editor, each guarded by what the client announced.

Two functions carry it, a request and a notification, so that any transport and the tests' fake editor fit.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from lsprotocol import types as t
from pygls.exceptions import JsonRpcException

from aigentflow.lsp.capabilities import Capabilities

logger = logging.getLogger(__name__)

SendRequest = Callable[[str, Any], Awaitable[Any]]
Notify = Callable[[str, Any], None]

_SEVERITIES = {
    "error": t.MessageType.Error,
    "warning": t.MessageType.Warning,
    "info": t.MessageType.Info,
    "log": t.MessageType.Log,
}


@dataclass(frozen=True)
class Applied:
    """The client's answer to an edit; it is not believed, the next text decides."""

    applied: bool | None
    """None where there is no usable answer."""
    reason: str = ""
    failed_change: int | None = None


class EditorClient:
    """The editor at the other end."""

    def __init__(
        self, capabilities: Capabilities, request: SendRequest, notify: Notify, backlogged: Callable[[], bool] = lambda: False
    ) -> None:
        self.capabilities = capabilities
        self._request = request
        self._notify = notify
        self._backlogged = backlogged
        self._refreshing: set[asyncio.Task[Any]] = set()

    @property
    def backlogged(self) -> bool:
        """Whether the client reads slower than we write; what may be left out then should be."""
        return self._backlogged()

    async def request(self, method: str, params: Any) -> Any:
        """Send any request; an error of the client raises JsonRpcException."""
        return await self._request(method, params)

    def notify(self, method: str, params: Any) -> None:
        """Send any notification."""
        self._notify(method, params)

    async def apply_edit(self, edit: t.WorkspaceEdit, label: str) -> Applied:
        """Ask the client to apply the edit; every kind of failure is an answer."""
        if not self.capabilities.apply_edit:
            return Applied(None, "this editor does not apply edits on request")
        metadata = t.WorkspaceEditMetadata(is_refactoring=True) if self.capabilities.metadata else None
        params = t.ApplyWorkspaceEditParams(edit=edit, label=label or None, metadata=metadata)
        try:
            answer = await self._request(t.WORKSPACE_APPLY_EDIT, params)
        except JsonRpcException as error:
            return Applied(False, _plain(error.message) or "the editor answered with an error")
        return _applied(answer)

    def show_message(self, text: str, severity: str = "info") -> None:
        """Show a message; severity is error, warning, info or log."""
        kind = _SEVERITIES.get(severity, t.MessageType.Info)
        self._notify(t.WINDOW_SHOW_MESSAGE, t.ShowMessageParams(type=kind, message=text))

    def log_message(self, text: str, severity: str = "info") -> None:
        """Write a line to the client's log of this server."""
        self._notify(t.WINDOW_LOG_MESSAGE, t.LogMessageParams(type=_SEVERITIES.get(severity, t.MessageType.Info), message=text))

    async def ask(self, question: str, options: Sequence[str], severity: str = "info") -> str | None:
        """Return the option the person chose; None for none, or where the client cannot ask."""
        if not self.capabilities.ask:
            return None
        actions = [t.MessageActionItem(title=option) for option in options]
        kind = _SEVERITIES.get(severity, t.MessageType.Info)
        try:
            answer = await self._request(
                t.WINDOW_SHOW_MESSAGE_REQUEST, t.ShowMessageRequestParams(type=kind, message=question, actions=actions)
            )
        except JsonRpcException as error:
            logger.warning("the question was not shown: %s", error)
            return None
        title = _field(answer, "title")
        return title if title in options else None

    async def show_document(self, uri: str, where: t.Range | None = None, *, external: bool = False, focus: bool = True) -> bool:
        """Open a document in front of the person; return whether the client did."""
        if not self.capabilities.show_document:
            return False
        params = t.ShowDocumentParams(uri=uri, external=external or None, take_focus=focus, selection=where)
        try:
            answer = await self._request(t.WINDOW_SHOW_DOCUMENT, params)
        except JsonRpcException as error:
            logger.warning("%s was not shown: %s", uri, error)
            return False
        return _field(answer, "success") is True

    def publish_diagnostics(self, uri: str, version: int | None, diagnostics: Sequence[t.Diagnostic]) -> None:
        """Push the diagnostics of one document."""
        known = version if self.capabilities.push_version else None
        params = t.PublishDiagnosticsParams(uri=uri, version=known, diagnostics=list(diagnostics))
        self._notify(t.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, params)

    def refresh_diagnostics(self) -> None:
        """Ask the client to pull diagnostics again, where announced."""
        if self.capabilities.diagnostic_refresh:
            self._refresh(t.WORKSPACE_DIAGNOSTIC_REFRESH)

    def refresh_lenses(self) -> None:
        """Ask the client for lenses again, where announced."""
        if self.capabilities.lens_refresh:
            self._refresh(t.WORKSPACE_CODE_LENS_REFRESH)

    def refresh_content(self, uri: str) -> None:
        """Ask the client to read one of our read-only documents again, where announced."""
        if self.capabilities.content_provider:
            self._spawn(self._quietly(t.WORKSPACE_TEXT_DOCUMENT_CONTENT_REFRESH, t.TextDocumentContentRefreshParams(uri=uri)))

    async def configuration(self, section: str) -> Any:
        """Return the client's settings of this section, None where it has none to give."""
        if not self.capabilities.configuration:
            return None
        params = t.ConfigurationParams(items=[t.ConfigurationItem(section=section)])
        answer = await self._quietly(t.WORKSPACE_CONFIGURATION, params)
        return answer[0] if isinstance(answer, list | tuple) and answer else None

    async def register_watchers(self, patterns: Sequence[str] = ("**/*",)) -> bool:
        """Ask to be told about file changes; return whether the client will."""
        if not self.capabilities.watched_files:
            return False
        watchers = [t.FileSystemWatcher(glob_pattern=pattern) for pattern in patterns]
        options = t.DidChangeWatchedFilesRegistrationOptions(watchers=watchers)
        return await self.register(t.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)

    async def register(self, method: str, options: Any = None) -> bool:
        """Register a method dynamically; return whether the client accepted."""
        registration = t.Registration(id=str(uuid.uuid4()), method=method, register_options=options)
        try:
            await self._request(t.CLIENT_REGISTER_CAPABILITY, t.RegistrationParams(registrations=[registration]))
        except JsonRpcException as error:
            logger.warning("%s was not registered: %s", method, error)
            return False
        return True

    def close(self) -> None:
        """Stop waiting for answers to refresh requests."""
        for task in tuple(self._refreshing):
            task.cancel()

    def _refresh(self, method: str) -> None:
        self._spawn(self._quietly(method, None))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._refreshing.add(task)
        task.add_done_callback(self._refreshing.discard)

    async def _quietly(self, method: str, params: Any) -> Any:
        try:
            return await self._request(method, params)
        except JsonRpcException as error:
            logger.warning("%s: %s", method, error)
            return None


def _applied(answer: Any) -> Applied:
    applied, reason, failed = (
        _field(answer, "applied"),
        _field(answer, "failure_reason", "failureReason"),
        _field(answer, "failed_change", "failedChange"),
    )
    if not isinstance(applied, bool):
        return Applied(None, "the editor's answer could not be read")
    return Applied(applied, _plain(reason) if isinstance(reason, str) else "", failed if isinstance(failed, int) else None)


def _field(answer: Any, *names: str) -> Any:
    for name in names:
        value = answer.get(name) if isinstance(answer, dict) else getattr(answer, name, None)
        if value is not None:
            return value
    return None


def _plain(text: str, limit: int = 300) -> str:
    """A client's words on one line of bounded length."""
    return " ".join(text.split())[:limit]
