"""Registers the features and serves one client over stdio or TCP.

Imports nothing heavy: pydantic, yaml, tree-sitter and the model's client come after the `initialize` answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

from lsprotocol import types as t
from pygls.lsp.server import LanguageServer

from aigentflow import __version__
from aigentflow.lsp import capabilities as client_capabilities
from aigentflow.lsp.client import EditorClient
from aigentflow.lsp.convert import path_of
from aigentflow.lsp.protocol import Protocol, lenient_converter
from aigentflow.lsp.registration import Features, register
from aigentflow.lsp.session import Session
from aigentflow.lsp.wire import FrameReader, QueueWriter, read_stream

logger = logging.getLogger(__name__)
SHUTDOWN_SECONDS = 2.0


class Server(LanguageServer):
    """One language server for one client."""

    session: Session
    features: Features
    raw_settings: dict[str, Any]

    def __init__(self) -> None:
        super().__init__(
            "aigentflow",
            __version__,
            text_document_sync_kind=t.TextDocumentSyncKind.Incremental,
            protocol_cls=Protocol,
            converter_factory=lenient_converter,
        )
        self.exit_code: asyncio.Future[int] | None = None
        register(self)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log; a failing handler never pops up in the editor."""
        logger.error("%s: %r", getattr(source, "__name__", source), error)

    def begin_session(self, params: t.InitializeParams) -> None:
        """Set the session up from what the client announced."""
        protocol: Any = self.protocol
        announced = client_capabilities.resolve(params)
        client = EditorClient(announced, self._request, protocol.notify, lambda: getattr(protocol.writer, "backlogged", False))
        encoding = str(getattr(self.workspace.position_encoding, "value", self.workspace.position_encoding))
        self.session = Session(client, announced, _roots(params), encoding, os.environ)

    async def _request(self, method: str, params: Any) -> Any:
        return await self.protocol.send_request_async(method, params)

    async def serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        """Serve a client over asyncio streams until it leaves; return the exit code."""
        self.protocol.set_writer(writer)
        self.exit_code = asyncio.get_running_loop().create_future()
        frames = FrameReader()
        pump = asyncio.create_task(self._pump(reader, frames))
        try:
            return await self.exit_code
        finally:
            pump.cancel()
            await self._leave()
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, frames: FrameReader) -> None:
        try:
            while chunk := await reader.read(1 << 16):
                self.handle_bodies(list(frames.feed(chunk)))
        except (OSError, ValueError) as error:
            logger.error("connection broken: %s", error)
            self.leave(1)
        self.leave(0)

    async def serve_pipes(self, stdin: int, stdout: BinaryIO, before: bytes = b"", answered: bytes | None = None) -> int:
        """Serve a client over pipes until it leaves; return the exit code.

        `before` are bytes of the input that were read already, `answered` the body of an `initialize` that has its answer.
        """
        loop = asyncio.get_running_loop()
        self.exit_code = loop.create_future()
        writer = QueueWriter(stdout)
        self.protocol.set_writer(writer)
        if answered is not None:
            protocol: Any = self.protocol
            protocol.answered = json.loads(answered)["id"]
            protocol.handle_body(answered)

        def on_end(reason: str) -> None:
            if reason:
                logger.error("input stream: %s", reason)
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self.leave, 1 if reason else 0)

        def on_bodies(bodies: list[bytes]) -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self.handle_bodies, bodies)

        threading.Thread(target=read_stream, args=(stdin, before, on_bodies, on_end), name="lsp-reader", daemon=True).start()
        try:
            return await self.exit_code
        finally:
            await self._leave()
            writer.close()

    def handle_bodies(self, bodies: list[bytes]) -> None:
        """Handle messages that arrived together, then publish once what they changed."""
        protocol: Any = self.protocol
        for body in bodies:
            protocol.handle_body(body)
        if getattr(self, "session", None) is not None:
            self.after_messages()

    def after_messages(self) -> None:
        """Replaced by the registration of features."""

    def leave(self, code: int) -> None:
        """End the connection with this exit code, once."""
        if self.exit_code is not None and not self.exit_code.done():
            self.exit_code.set_result(code)

    async def _leave(self) -> None:
        session = getattr(self, "session", None)
        if session is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SHUTDOWN_SECONDS):
                    await session.close()


def serve_pipes(stdin: int, stdout: BinaryIO, before: bytes, answered: bytes | None) -> int:
    """Serve over pipes whose handshake may be done."""
    return asyncio.run(Server().serve_pipes(stdin, stdout, before, answered))


def serve_tcp(host: str, port: int) -> int:
    """Serve one client over TCP, then return."""

    async def serve() -> int:
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            listener.close()
            code = await Server().serve_stream(reader, writer)
            if not done.done():
                done.set_result(code)

        listener = await asyncio.start_server(connected, host, port)
        address = listener.sockets[0].getsockname()
        sys.stderr.write(f"aigentflow: listening on {address[0]}:{address[1]}\n")
        return await done

    return asyncio.run(serve())


def _roots(params: t.InitializeParams) -> list[Path]:
    uris = [folder.uri for folder in params.workspace_folders or ()] or ([params.root_uri] if params.root_uri else [])
    paths = [path for uri in uris if (path := path_of(uri)) is not None]
    if not paths and params.root_path:
        paths = [params.root_path]
    return [Path(os.path.abspath(path)) for path in paths]
