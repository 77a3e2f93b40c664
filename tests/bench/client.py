"""A small LSP client that reads the clock when bytes arrive, before anything is parsed, and knows nothing of the server it talks to.

Every wait is bounded. The server gets a process group of its own, and only that group is ended.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]
WAIT_SECONDS = 30.0
LANGUAGE = "typescript"


@dataclass(frozen=True)
class Answer:
    """A response and the moment (perf_counter seconds) its last byte was there."""

    message: Json
    at: float


@dataclass
class OpenText:
    """What the client believes about one open document."""

    version: int
    lines: list[str]


class _Pipes(asyncio.SubprocessProtocol):
    def __init__(self, client: "LspClient") -> None:
        self._client = client

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._client.feed(data, time.perf_counter())
        else:
            self._client.stderr = (self._client.stderr + data)[-8000:]

    def process_exited(self) -> None:
        self._client.exited.set_result(time.perf_counter())


@dataclass
class LspClient:
    """One server process and the conversation with it."""

    command: Sequence[str]
    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    settings: Json = field(default_factory=dict)
    stderr: bytes = b""
    notifications: list[tuple[str, Any, float]] = field(default_factory=list)
    """Everything the server said without being asked, except diagnostics: method, params, arrival."""
    open_texts: dict[str, OpenText] = field(default_factory=dict)

    async def spawn(self) -> None:
        """Start the process; `spawned` is the moment before."""
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[float] = loop.create_future()
        self._buffer = bytearray()
        self._last_id = 0
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._awaited: list[tuple[Callable[[str, Any], bool], asyncio.Future[Answer]]] = []
        environment = {**os.environ, **self.environment}
        self.spawned = time.perf_counter()
        transport, _ = await loop.subprocess_exec(
            lambda: _Pipes(self), *self.command, cwd=str(self.root), env=environment, start_new_session=True
        )
        self._transport = transport
        stdin: Any = transport.get_pipe_transport(0)
        stdin.set_write_buffer_limits(high=1 << 26)
        self._stdin = stdin
        self.pid = transport.get_pid()

    def feed(self, data: bytes, at: float) -> None:
        """Take bytes of the server's standard output."""
        self._buffer += data
        while (head := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = next(
                int(line.split(b":")[1]) for line in self._buffer[:head].split(b"\r\n") if line[:15].lower() == b"content-length:"
            )
            if len(self._buffer) < head + 4 + length:
                return
            body = bytes(self._buffer[head + 4 : head + 4 + length])
            del self._buffer[: head + 4 + length]
            self._take(json.loads(body), at)

    def _take(self, message: Json, at: float) -> None:
        method = message.get("method")
        if method is None:
            asked = self._asked.pop(message["id"], None)
            if asked is not None and not asked.done():
                asked.set_result(Answer(message, at))
            return
        params = message.get("params")
        if "id" in message:
            self._send({"id": message["id"], "result": self._reply(method, params)})
        if method != "textDocument/publishDiagnostics":
            self.notifications.append((method, params, at))
        for wish in [wish for wish in self._awaited if wish[0](method, params)]:
            self._awaited.remove(wish)
            if not wish[1].done():
                wish[1].set_result(Answer(message, at))

    def _reply(self, method: str, params: Any) -> Any:
        if method == "workspace/configuration":
            return [self.settings if item.get("section") == "aigentflow" else None for item in params["items"]]
        if method == "workspace/applyEdit":
            return {"applied": False, "failureReason": "the benchmark takes no edits"}
        if method == "window/showDocument":
            return {"success": True}
        return None

    def _send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode()
        self._stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    async def ask(self, method: str, params: Any) -> Answer:
        """Send a request and wait for its response, an error included."""
        self._last_id += 1
        asked: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[self._last_id] = asked
        self._send({"id": self._last_id, "method": method, "params": params})
        return await asyncio.wait_for(asked, WAIT_SECONDS)

    def expect(self, wanted: Callable[[str, Any], bool]) -> asyncio.Future[Answer]:
        """The next message of the server, from now on, for which `wanted(method, params)` holds."""
        expected: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._awaited.append((wanted, expected))
        return expected

    async def initialize(self) -> float:
        """Shake hands; seconds from the spawn to the answer of `initialize`."""
        folder = {"uri": self.root.as_uri(), "name": self.root.name}
        asked = {"processId": os.getpid(), "clientInfo": {"name": "bench"}, "rootUri": folder["uri"], "workspaceFolders": [folder]}
        answer = await self.ask("initialize", {**asked, "capabilities": CAPABILITIES})
        if "error" in answer.message:
            raise RuntimeError(f"initialize was refused: {answer.message['error']}")
        self.notify("initialized", {})
        return answer.at - self.spawned

    async def open(self, path: Path, text: str) -> float:
        """Open a document; seconds until its diagnostics are there."""
        uri = path.as_uri()
        self.open_texts[uri] = OpenText(1, text.split("\n"))
        expected = self._diagnostics(uri, 1)
        document = {"uri": uri, "languageId": LANGUAGE, "version": 1, "text": text}
        before = time.perf_counter()
        self.notify("textDocument/didOpen", {"textDocument": document})
        return (await asyncio.wait_for(expected, WAIT_SECONDS)).at - before

    async def replace(self, path: Path, line: int, column: int, remove: int, insert: str) -> float:
        """Change one line of an open document; seconds until the diagnostics of that version are there."""
        uri = path.as_uri()
        known = self.open_texts[uri]
        known.version += 1
        old = known.lines[line]
        known.lines[line] = old[:column] + insert + old[column + remove :]
        place = {"start": {"line": line, "character": column}, "end": {"line": line, "character": column + remove}}
        change = {"textDocument": {"uri": uri, "version": known.version}, "contentChanges": [{"range": place, "text": insert}]}
        expected = self._diagnostics(uri, known.version)
        before = time.perf_counter()
        self.notify("textDocument/didChange", change)
        return (await asyncio.wait_for(expected, WAIT_SECONDS)).at - before

    def _diagnostics(self, uri: str, version: int) -> asyncio.Future[Answer]:
        def is_it(method: str, params: Any) -> bool:
            named = method == "textDocument/publishDiagnostics" and params["uri"] == uri
            return named and (params.get("version") is None or params["version"] >= version)

        return self.expect(is_it)

    async def shutdown(self) -> tuple[float, float]:
        """Seconds to the answer of `shutdown`, and from `exit` until the process was gone."""
        before = time.perf_counter()
        answer = await self.ask("shutdown", None)
        leave = time.perf_counter()
        self.notify("exit", None)
        gone = await asyncio.wait_for(self.exited, WAIT_SECONDS)
        self.end()
        return answer.at - before, gone - leave

    def end(self) -> None:
        """End what is left of the process group, run hosts included."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        finally:
            self._transport.close()


CAPABILITIES: Json = {
    "workspace": {
        "applyEdit": True,
        "configuration": True,
        "workspaceFolders": True,
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create", "rename", "delete"]},
    },
    "textDocument": {
        "synchronization": {"didSave": True},
        "publishDiagnostics": {"versionSupport": True, "relatedInformation": True, "codeDescriptionSupport": True, "dataSupport": True},
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix", "refactor", "source"]}},
            "dataSupport": True,
            "isPreferredSupport": True,
            "resolveSupport": {"properties": ["edit", "command"]},
        },
        "codeLens": {},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
    },
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "general": {"positionEncodings": ["utf-16"]},
}
