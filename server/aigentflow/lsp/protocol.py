"""pygls' protocol with its known traps mended (libraries page, section 2).

1. `$/cancelRequest` cancels a command too. 2. Enum values that lsprotocol does not know pass through; nested
`jsonrpc` keys do not matter. 4. Late answers are ignored and failing notifications do not pop up.
5. Documents are ours, with LSP's own line ends. 7. Server capabilities are those of the handshake.
"""

from __future__ import annotations

import asyncio
import contextvars
import enum
import json
import logging
from collections.abc import Callable, Generator
from concurrent.futures import InvalidStateError
from typing import TYPE_CHECKING, Any

from lsprotocol import types as t
from pygls.exceptions import JsonRpcInvalidParams
from pygls.protocol import LanguageServerProtocol, default_converter, lsp_method

from aigentflow.lsp.handshake import server_capabilities

if TYPE_CHECKING:
    from cattrs import Converter

logger = logging.getLogger(__name__)
_LARGEST = 2**31 - 1
"""Of LSP's `uinteger`."""


def lenient_converter() -> Converter:
    """Return pygls' converter, changed so that unknown enum values stay as they are."""
    converter: Converter = default_converter()  # type: ignore[no-untyped-call]

    def structure(value: Any, cls: Any) -> Any:
        try:
            return cls(value)
        except ValueError:
            return value

    for cls in vars(t).values():
        if isinstance(cls, type) and issubclass(cls, enum.Enum):
            converter.register_structure_hook(cls, structure)
    converter.register_structure_hook(t.Position, _position)
    return converter


def _position(value: Any, _: Any) -> t.Position:
    """Clamp what is no position: an unreadable `didChange` would let our text and the client's drift apart (faults, B17)."""
    line, character = value["line"], value["character"]
    if type(line) is int and type(character) is int and 0 <= line <= _LARGEST and 0 <= character <= _LARGEST:
        return t.Position(line=line, character=character)
    return t.Position(line=min(max(0, int(line)), _LARGEST), character=min(max(0, int(character)), _LARGEST))


class Protocol(LanguageServerProtocol):
    """The protocol of one connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.leave: Callable[[int], None] = lambda code: None
        self.answered: Any = None
        """Id of a request that has its answer already, from the handshake."""
        self._commands_under_way: dict[Any, asyncio.Task[Any]] = {}

    def handle_body(self, body: bytes) -> None:
        """Handle one message body; a broken one is answered as JSON-RPC says, and the next one works."""
        try:
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            self._send_data({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": f"not JSON: {type(error).__name__}"}})
            return
        for part in message if isinstance(message, list) else [message]:
            self._handle_part(part)

    def _handle_part(self, message: Any) -> None:
        if not isinstance(message, dict) or "jsonrpc" not in message:
            self._send_data({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "not a JSON-RPC 2.0 message"}})
            return
        if self._shutdown and "id" in message and "method" in message:
            text = "the server has been shut down"
            self._send_data({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32600, "message": text}})
            return
        try:
            self._dispatch(message, self.structure_message(message))
        except Exception as error:  # noqa: BLE001 - outermost edge: one unreadable message must not end the connection
            logger.warning("unreadable message %r: %s", message.get("method", "response"), type(error).__name__)
            if "id" in message and "method" in message:
                text = f"parameters of {message['method']!r} are not understood"
                self._send_data({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32602, "message": text}})
            elif "id" in message:
                self._fail_pending(message["id"])

    def _dispatch(self, message: dict[str, Any], structured: Any) -> None:
        """Call the handler in a context of its own; pygls finds the kind of a message by slow protocol checks, we know it."""
        context = contextvars.copy_context()
        if "method" not in message:
            error = structured.error if "error" in message else None
            context.run(self._handle_response, structured.id, None if error is not None else structured.result, error)
        elif "id" in message:
            context.run(self._handle_request, structured.id, structured.method, structured.params)
        elif not self._shutdown or message["method"] == t.EXIT:
            context.run(self._handle_notification, structured.method, getattr(structured, "params", None))

    def _fail_pending(self, msg_id: Any) -> None:
        future = self._request_futures.pop(msg_id, None)
        if future is not None and not future.done():
            future.set_exception(JsonRpcInvalidParams("the client's answer was not understood"))

    def _handle_cancel_notification(self, msg_id: Any) -> None:
        if (task := self._commands_under_way.get(msg_id)) is not None:
            task.cancel()
        super()._handle_cancel_notification(msg_id)

    def _handle_response(self, msg_id: Any, result: Any = None, error: Any = None) -> None:
        try:
            super()._handle_response(msg_id, result, error)
        except InvalidStateError:
            logger.debug("answer to %r came too late", msg_id)

    def _send_response(self, msg_id: Any, result: Any = None, error: Any = None) -> None:
        if self.answered is not None and msg_id == self.answered:
            self.answered = None
            return
        super()._send_response(msg_id, result, error)

    @lsp_method(t.INITIALIZE)
    def lsp_initialize(self, params: t.InitializeParams) -> Generator[Any, Any, t.InitializeResult]:
        """Set up; what is announced is the table of the handshake."""
        yield from super().lsp_initialize(params)
        announced = server_capabilities(self._converter.unstructure(params.capabilities))
        return t.InitializeResult(self._converter.structure(announced, t.ServerCapabilities), self.server_info)

    @lsp_method(t.SHUTDOWN)
    def lsp_shutdown(self, *args: Any) -> Generator[Any, Any, None]:
        """Answer, and cancel what is under way; pygls' own walks over the requests while their callbacks remove them."""
        yield self.fm.features[t.SHUTDOWN], args, None
        answering = self.msg_id
        for msg_id, future in list(self._request_futures.items()):
            if msg_id != answering and not future.done():
                future.cancel()
        self._shutdown = True

    @lsp_method(t.EXIT)
    def lsp_exit(self, *args: Any) -> Generator[Any, Any, None]:
        """End the connection: 0 after `shutdown`, else 1 (LSP 3.17, Exit Notification)."""
        yield self.leave, (0 if self._shutdown else 1,), None

    @lsp_method(t.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: t.DidOpenTextDocumentParams) -> Generator[Any, Any, None]:
        """Hand over to our own documents."""
        yield self.fm.features[t.TEXT_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(t.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: t.DidChangeTextDocumentParams) -> Generator[Any, Any, None]:
        """Hand over to our own documents."""
        yield self.fm.features[t.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(t.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: t.DidCloseTextDocumentParams) -> Generator[Any, Any, None]:
        """Hand over to our own documents."""
        yield self.fm.features[t.TEXT_DOCUMENT_DID_CLOSE], (params,), None

    @lsp_method(t.WORKSPACE_EXECUTE_COMMAND)
    def lsp_workspace__execute_command(self, params: t.ExecuteCommandParams) -> Generator[Any, Any, Any]:
        """Call the command with its arguments as plain JSON; a coroutine can be cancelled by the client."""
        handler = self.fm.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams.of(ValueError(f"there is no command {params.command!r}"))
        msg_id = self.msg_id
        arguments = tuple(params.arguments or ())

        async def call() -> Any:
            task = asyncio.current_task()
            assert task is not None
            self._commands_under_way[msg_id] = task
            try:
                result = handler(*arguments)
                return await result if asyncio.iscoroutine(result) else result
            finally:
                self._commands_under_way.pop(msg_id, None)

        return (yield call, (), None)
