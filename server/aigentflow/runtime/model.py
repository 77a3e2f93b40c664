"""Claude through the vendor's SDK. The SDK is imported in here only, and only when a turn or the warm-up needs it: it costs a second
and 60 MiB."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from aigentflow.errors import BrokenTurn, ModelError, ModelRejected, ModelUnavailable, NoKeyError
from aigentflow.redaction import Redactor
from aigentflow.runtime.assembly import Assembly
from aigentflow.runtime.events import Waiting
from aigentflow.runtime.faults import connection_layer, fault_of, retry_after
from aigentflow.runtime.scripted import ScriptedModel
from aigentflow.runtime.sse import EventReader
from aigentflow.runtime.turns import Json, Listener, Model, Reply, TurnRequest

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

__all__ = ["AnthropicModel", "Model", "ScriptedModel", "no_key"]

_QUIET_SECONDS = 15.0
"""After so much silence the person is told that we wait."""
_KEEP_ALIVE_SECONDS = 300.0
_LAST_BYTES_SECONDS = 1.0


def no_key(why: str = "") -> NoKeyError:
    """Return the error of a missing credential."""
    return NoKeyError(
        f"No key for the model service{why}. Set ANTHROPIC_API_KEY in the environment that the editor (or this command) is started from, "
        "and start it again; everything that needs no model works without it."
    )


class AnthropicModel:
    """Streams turns over one kept-alive connection; tries nothing again by itself."""

    def __init__(self, *, api_key: str | None = None, base_url: str | None = None) -> None:
        """Without arguments the SDK takes the credential and the service address from the environment or a profile."""
        self._api_key = api_key
        self._base_url = base_url
        self._client: AsyncAnthropic | None = None
        self._redactor = Redactor({**os.environ, "ANTHROPIC_API_KEY": api_key or os.environ.get("ANTHROPIC_API_KEY", "")})

    async def turn(self, request: TurnRequest, listener: Listener) -> Reply:
        """Return the finished answer; raise ModelError, or NoKeyError before anything is sent."""
        client = self._ready(request)
        assembly = Assembly(listener, taken_ids=_ids(request))
        try:
            with self._faults():
                await self._stream(client, request, assembly, listener)
        except ModelUnavailable:
            # Once the service has said that this was all, nothing that follows can spoil it.
            if not assembly.finished:
                raise
        return assembly.reply()

    async def warm(self) -> None:
        """Import the SDK, build the client, and run one turn in memory, so that the first real one finds everything built."""
        import anyio
        import httpx2
        from anthropic import AsyncAnthropic

        with contextlib.suppress(NoKeyError):
            # A run that needs the key will say so.
            self._open()
        # The first real connection would import the event loop's side of this; the transport in memory below does not.
        anyio.Event()
        transport = httpx2.MockTransport(
            lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=_WARM_STREAM)
        )
        async with AsyncAnthropic(
            api_key="warm-up", base_url="http://warm.invalid", http_client=httpx2.AsyncClient(transport=transport)
        ) as client:
            await self._stream(client, _WARM_REQUEST, Assembly(lambda _: None), lambda _: None)

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _open(self) -> AsyncAnthropic:
        if self._client is None:
            import httpx2
            from anthropic import AsyncAnthropic, CredentialsError, DefaultAsyncHttpxClient

            # The default forgets an idle connection after five seconds, which is shorter than many tool calls.
            limits = httpx2.Limits(max_connections=10, max_keepalive_connections=4, keepalive_expiry=_KEEP_ALIVE_SECONDS)
            transport = DefaultAsyncHttpxClient(limits=limits)
            try:
                self._client = AsyncAnthropic(api_key=self._api_key, base_url=self._base_url, max_retries=0, http_client=transport)
            except CredentialsError as error:
                raise no_key(f" ({self._redactor.text(str(error))})") from None
        return self._client

    def _ready(self, request: TurnRequest) -> AsyncAnthropic:
        client = self._open()
        named = {name.lower() for name in (*request.headers, *client.default_headers)}
        if not (client.api_key or client.auth_token or client.credentials or named & {"authorization", "x-api-key"}):
            raise no_key()
        return client

    async def _stream(self, client: AsyncAnthropic, request: TurnRequest, assembly: Assembly, listener: Listener) -> None:
        import httpx2

        idle = request.idle_seconds
        reader = EventReader()
        async with (
            _idle_limit(idle, listener) as alive,
            client.messages.with_streaming_response.create(
                model=request.model,
                max_tokens=request.max_tokens,
                messages=request.messages,  # type: ignore[arg-type]
                system=request.system,  # type: ignore[arg-type]
                tools=request.tools,  # type: ignore[arg-type]
                stream=True,
                extra_body=dict(request.options) or None,
                extra_headers=dict(request.headers) or None,
                timeout=httpx2.Timeout(idle, connect=min(15.0, idle)),
            ) as response,
        ):
            _require_stream(response.headers.get("content-type", ""))
            async for chunk in response.iter_bytes():
                for event in reader.feed(chunk):
                    assembly.feed(event)
                    if event.get("type") != "ping":
                        # The body is read to its end, or the connection could not be used again.
                        alive(_LAST_BYTES_SECONDS if assembly.finished else idle)

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        import anthropic
        import httpx2

        try:
            yield
        except anthropic.APIStatusError as error:
            words = self._redactor.text(error.api_message or _short(error.response.text if error.response.is_closed else error.message))
            raise fault_of(error.status_code, str(error.type or ""), words, retry_after(error.response.headers)) from None
        except anthropic.APIConnectionError as error:
            raise ModelUnavailable(f"{connection_layer(error)} ({self._host()})") from None
        except httpx2.TransportError as error:
            raise BrokenTurn(f"{connection_layer(error)} in the middle of the answer") from None
        except anthropic.AnthropicError as error:
            raise ModelError(self._redactor.text(str(error))) from None

    def _host(self) -> str:
        return self._client.base_url.host if self._client is not None else ""


@contextlib.asynccontextmanager
async def _idle_limit(seconds: float, listener: Listener) -> AsyncIterator[Callable[[float], None]]:
    """Yield a function that says that something came and how long the next may take; too long a silence is a broken turn."""
    loop = asyncio.get_running_loop()
    last = loop.time()
    ticker: asyncio.TimerHandle | None = None

    def tick() -> None:
        nonlocal ticker
        silent = loop.time() - last
        if silent >= _QUIET_SECONDS:
            listener(Waiting("the service has sent nothing", round(silent, 1)))
        ticker = loop.call_later(_QUIET_SECONDS, tick)

    try:
        async with asyncio.timeout(seconds) as limit:
            ticker = loop.call_later(_QUIET_SECONDS, tick)

            def alive(patience: float) -> None:
                nonlocal last
                last = loop.time()
                limit.reschedule(last + patience)

            yield alive
    except TimeoutError:
        raise BrokenTurn(f"the service sent nothing for {seconds:g} seconds") from None
    finally:
        if ticker is not None:
            ticker.cancel()


def _require_stream(content_type: str) -> None:
    if "text/event-stream" not in content_type:
        words = f"the service answered with {content_type or 'no content type'} instead of an event stream; ANTHROPIC_BASE_URL must be"
        raise ModelRejected(f"{words} the address of a service that speaks the Messages API with streaming", status=200, kind="no-stream")


def _ids(request: TurnRequest) -> frozenset[str]:
    return frozenset(
        str(block.get("id"))
        for message in request.messages
        if message["role"] == "assistant"
        for block in message["content"]
        if isinstance(block, dict) and block.get("type") == "tool_use"
    )


def _short(text: str) -> str:
    return " ".join(text.split())[:300]


def _warm_events() -> Iterator[Json]:
    usage: dict[str, Any] = {"input_tokens": 1, "output_tokens": 1}
    yield {"type": "message_start", "message": {"id": "msg_0", "type": "message", "role": "assistant", "content": [], "usage": usage}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ok"}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
    yield {"type": "message_stop"}


_CACHED = {"cache_control": {"type": "ephemeral"}}
_WARM_REQUEST = TurnRequest(
    model="warm-up",
    system=({"type": "text", "text": "s", **_CACHED},),
    tools=({"name": "t", "description": "d", "input_schema": {"type": "object", "properties": {}}},),
    messages=({"role": "user", "content": [{"type": "text", "text": "u", **_CACHED}]},),
    max_tokens=16,
    options={"thinking": {"type": "adaptive"}},
)
"""Has every kind of part that a real one has: the SDK looks at the types of each kind when it first meets it."""
_WARM_STREAM = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in _warm_events())
