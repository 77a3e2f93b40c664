"""A raw JSON-RPC client over a real server process: sends whatever bytes a test wants, sees every byte that comes back."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Handler = Callable[[Any], Any]
SERVE = (sys.executable, "-P", "-m", "aigentflow", "serve")
SECONDS = 30.0


class WireClient:
    """One connection; `answers` says how the client answers the server's requests, everything else is recorded."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.notifications: list[Json] = []
        self.requests: list[Json] = []
        self.answers: dict[str, Handler] = {}
        self.strays: list[bytes] = []
        self.any_request: Callable[[str, Any], Awaitable[Json]] | None = None
        """Answers every request of the server instead of `answers`: `result` or `error` as an object."""
        self.any_notification: Callable[[str, Any], None] = lambda method, params: None
        self._ids = itertools.count(1)
        self._pending: dict[Any, asyncio.Future[Json]] = {}
        self._arrived = asyncio.Event()
        self._pump = asyncio.create_task(self._read())

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def send(self, message: Any) -> None:
        """Send one framed message."""
        body = json.dumps(message).encode()
        self.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: Any) -> tuple[int, asyncio.Future[Json]]:
        """Send a request; return its id and the future of the whole answer."""
        number = next(self._ids)
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number, future

    async def request(self, method: str, params: Any) -> Json:
        """Send a request and return the whole answer, `result` or `error` included."""
        _, future = self.ask(method, params)
        async with asyncio.timeout(SECONDS):
            return await future

    async def initialize(self, root: Path, capabilities: Mapping[str, Any] | None = None, **extra: Any) -> Json:
        """Do the handshake for one workspace folder and return the `initialize` result."""
        folders = [{"uri": root.as_uri(), "name": root.name}]
        params = {"processId": os.getpid(), "rootUri": root.as_uri(), "workspaceFolders": folders, "capabilities": capabilities or {}}
        answer = await self.request("initialize", {**params, **extra})
        self.notify("initialized", {})
        return answer["result"]

    def open(self, path: Path, text: str | None = None, language: str = "typescript", version: int = 1) -> str:
        """Open a document and return its URI."""
        uri = path.as_uri()
        content = path.read_text(encoding="utf-8") if text is None else text
        self.notify("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": language, "version": version, "text": content}})
        return uri

    async def wait_for(self, what: Callable[[], Any]) -> Any:
        """Return the first true value of `what`, which is asked again whenever a message has arrived."""
        async with asyncio.timeout(SECONDS):
            while not (value := what()):
                self._arrived.clear()
                await self._arrived.wait()
        return value

    async def diagnostics(self, uri: str, until: Callable[[list[Json]], bool] = lambda found: True) -> list[Json]:
        """Return the first pushed diagnostics of a document for which `until` holds."""

        def newest() -> list[list[Json]]:
            found = [note["params"]["diagnostics"] for note in self.notifications if _is_push(note, uri)]
            return [found[-1]] if found and until(found[-1]) else []

        return (await self.wait_for(newest))[0]

    def messages(self) -> list[str]:
        """Return the texts of all `window/showMessage` so far."""
        return [note["params"]["message"] for note in self.notifications if note["method"] == "window/showMessage"]

    async def leave(self) -> int:
        """Shut the server down in order and return its exit code."""
        await self.request("shutdown", None)
        self.notify("exit", None)
        async with asyncio.timeout(SECONDS):
            return await self.process.wait()

    async def close(self) -> None:
        """End the server whatever it is doing."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        self._pump.cancel()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while (body := await self._body(self.process.stdout)) is not None:
            await self._take(json.loads(body))
            self._arrived.set()

    async def _body(self, stream: asyncio.StreamReader) -> bytes | None:
        length = None
        while line := await stream.readline():
            if line == b"\r\n" and length is not None:
                return await stream.readexactly(length)
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() != b"content-type":
                self.strays.append(line)
        return None

    async def _take(self, message: Json) -> None:
        if "method" not in message:
            future = self._pending.pop(message["id"], None)
            if future is not None and not future.done():
                future.set_result(message)
            else:
                self.notifications.append({"method": "(answer without a question)", "params": message})
        elif "id" in message:
            self.requests.append(message)
            if self.any_request is not None:
                asyncio.get_running_loop().create_task(
                    self._pass_on(message["id"], self.any_request(message["method"], message.get("params")))
                )
                return
            handler = self.answers.get(message["method"], lambda params: None)
            asyncio.get_running_loop().create_task(self._answer(message["id"], handler(message.get("params"))))
        else:
            self.notifications.append(message)
            self.any_notification(message["method"], message.get("params"))

    async def _pass_on(self, number: Any, answer: Awaitable[Json]) -> None:
        self.send({"jsonrpc": "2.0", "id": number, **await answer})
        self._arrived.set()

    async def _answer(self, number: Any, answer: Any) -> None:
        result = await answer if isinstance(answer, Awaitable) else answer
        self.send({"jsonrpc": "2.0", "id": number, "result": result})


def _is_push(note: Json, uri: str) -> bool:
    return note["method"] == "textDocument/publishDiagnostics" and note["params"]["uri"] == uri


@asynccontextmanager
async def connected(environment: Mapping[str, str] | None = None, command: tuple[str, ...] = SERVE) -> AsyncIterator[WireClient]:
    """Yield a client of a fresh server process; the process is ended at the end, whatever happened."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **(environment or {})},
        limit=1 << 26,
    )
    client = WireClient(process)
    try:
        yield client
    finally:
        await client.close()
