r"""A stand-in of the Messages API on loopback: replays scripted turns as a real event stream, records requests, and fails on demand.

In a test: `with StandIn(turns) as service: AnthropicModel(api_key="test", base_url=service.url)`; then look at `service.requests`.
By itself: `python tests/stand_in.py --script turns.json --record DIR --ready-file F` (the ready file receives the port).

A turn is what `ScriptedModel` takes (`text`, `thinking`, `tools`, `stop_reason`, `usage`), or `blocks` (raw content blocks).
It may carry a `fault`:

    {"status": 429, "type": "rate_limit_error", "message": "slow down", "headers": {"retry-after": "1"}}
    {"error_event": "overloaded_error", "after": 2}      an error event inside the 200 stream, after n events
    {"drop": 2}            the connection is reset after n events
    {"end": 2}             the stream ends cleanly after n events
    {"silence": 2, "pings": true}     after n events nothing but pings comes, until the client leaves
    {"chunk": 1}           the bytes come in pieces of that size
    {"line_end": "\r\n"}   other line ends; {"prefix": ": hello\n\n"} bytes before the first event
    {"insert": [2, "event: x\ndata: {oops\n\n"]}     raw text before the n-th event
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

Json = dict[str, Any]
Script = Sequence[Json] | Callable[[Json, int], Json]


@dataclass
class Request:
    """One recorded request."""

    path: str
    headers: dict[str, str]
    raw: bytes
    received: float
    """Monotonic seconds."""
    answered: float = 0.0
    """When the last byte of the answer went out, or the client left."""
    connection: int = 0
    left: bool = False
    """Whether the client closed before the answer was complete."""
    body: Json = field(default_factory=dict)


class StandIn:
    """The service, in a thread of this process."""

    def __init__(self, script: Script, *, record: Path | None = None) -> None:
        self.script = script
        self.record = record
        self.requests: list[Request] = []
        self.changed = threading.Condition()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stand_in = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Address of the service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def bodies(self) -> list[Json]:
        """The JSON bodies of all requests so far."""
        return [request.body for request in self.requests]

    def wait_for(self, condition: Callable[[list[Request]], bool], seconds: float = 10.0) -> None:
        """Wait until the recorded requests are as wanted."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self.requests), timeout=seconds):
                raise TimeoutError(f"after {seconds} s: {[request.path for request in self.requests]}")

    def start(self) -> StandIn:
        self._thread.start()
        return self

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> StandIn:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self, request: Request) -> Json:
        """Record the request and return the turn that answers it."""
        with self.changed:
            self.requests.append(request)
            number = len(self.requests)
            self.changed.notify_all()
        if callable(self.script):
            return self.script(request.body, number)
        if number > len(self.script):
            return {"fault": {"status": 400, "type": "invalid_request_error", "message": f"the script has only {len(self.script)} turns"}}
        return self.script[number - 1]

    def done(self, request: Request) -> None:
        """Note that the answer is over: just before its last bytes, so that a client that has them finds the record."""
        if request.answered:
            return
        with self.changed:
            request.answered = time.monotonic()
            self.changed.notify_all()
        if self.record is not None:
            self.record.mkdir(parents=True, exist_ok=True)
            line = {"path": request.path, "headers": _without_key(request.headers), "body": request.body, "bytes": len(request.raw)}
            times = {"t_first": request.received, "t_done": request.answered, "left": request.left, "kind": "main"}
            with (self.record / "requests.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({**line, **times}) + "\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stand_in: StandIn

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    request_record: Request
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        stand_in = cast(_Server, self.server).stand_in
        raw = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.request_record = request = Request(
            self.path, headers, raw, time.monotonic(), connection=self.client_address[1], body=json.loads(raw)
        )
        turn = stand_in.take(request)
        try:
            self._answer(turn, turn.get("fault") or {}, request)
        except OSError:
            with stand_in.changed:
                request.left = True
                stand_in.changed.notify_all()
            self.close_connection = True
        finally:
            stand_in.done(request)

    def _answer(self, turn: Json, fault: Json, request: Request) -> None:
        if "status" in fault:
            return self._refuse(fault)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        if "prefix" in fault:
            self._write(fault["prefix"].encode(), fault)
        for number, event in enumerate(events(turn, str(request.body.get("model", "")), len(cast(_Server, self.server).stand_in.requests))):
            if self._faulty(number, fault):
                return None
            self._event(event, fault)
        self._end()
        return None

    def _faulty(self, number: int, fault: Json) -> bool:
        if "error_event" in fault and number >= fault.get("after", 0):
            self._event({"type": "error", "error": {"type": fault["error_event"], "message": fault.get("message", "Overloaded")}}, fault)
            self._end()
            return True
        if "drop" in fault and number >= fault["drop"]:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return True
        if "end" in fault and number >= fault["end"]:
            self._end()
            return True
        if "silence" in fault and number >= fault["silence"]:
            self._wait_in_silence(fault)
            return True
        if "insert" in fault and number == fault["insert"][0]:
            self._write(fault["insert"][1].encode(), fault)
        return False

    def _wait_in_silence(self, fault: Json) -> None:
        stand_in = cast(_Server, self.server).stand_in
        self.connection.settimeout(0.02)
        while not stand_in.closing.is_set():
            if fault.get("pings"):
                self._event({"type": "ping"}, fault)
            with contextlib.suppress(TimeoutError):
                if self.connection.recv(1) == b"":
                    raise ConnectionAbortedError

    def _refuse(self, fault: Json) -> None:
        error = {"type": fault.get("type", "api_error"), "message": fault.get("message", "no")}
        body = fault["body"].encode() if "body" in fault else json.dumps({"type": "error", "error": error}).encode()
        self.send_response(fault["status"])
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in fault.get("headers", {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _event(self, event: Json, fault: Json) -> None:
        text = f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n"
        self._write(text.replace("\n", fault.get("line_end", "\n")).encode("utf-8", "surrogatepass"), fault)

    def _write(self, data: bytes, fault: Json) -> None:
        size = fault.get("chunk", len(data)) or 1
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()

    def _end(self) -> None:
        cast(_Server, self.server).stand_in.done(self.request_record)
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()


def events(turn: Json, model: str, number: int) -> Iterator[Json]:
    """Yield the stream events of a turn, as the service sends them."""
    zero = {"input_tokens": 100, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1}
    head = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": None}
    yield {"type": "message_start", "message": head | {"stop_sequence": None, "usage": zero | turn.get("usage", {})}}
    for index, block in enumerate(_blocks(turn, number)):
        yield from _block_events(index, block)
    stop = turn.get("stop_reason", "tool_use" if turn.get("tools") else "end_turn")
    out = {"output_tokens": turn.get("usage", {}).get("output_tokens", 25)}
    yield {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": out}
    yield {"type": "message_stop"}


def _blocks(turn: Json, number: int) -> list[Json]:
    if "blocks" in turn:
        return list(turn["blocks"])
    blocks: list[Json] = []
    if turn.get("thinking"):
        blocks.append({"type": "thinking", "thinking": turn["thinking"], "signature": f"sig-{number}"})
    if turn.get("text"):
        blocks.append({"type": "text", "text": turn["text"]})
    for at, tool in enumerate(turn.get("tools", ())):
        call = {"type": "tool_use", "id": f"toolu_{number}_{at}", "name": None, "input": {}}
        blocks.append(call | tool)
    return blocks


def _block_events(index: int, block: Json) -> Iterator[Json]:
    kind = block["type"]
    deltas: list[Json] = []
    empty = dict(block)
    if kind == "text":
        empty["text"] = ""
        deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
    elif kind == "thinking":
        empty |= {"thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    elif kind == "tool_use":
        empty["input"] = {}
        raw = block["input"] if isinstance(block["input"], str) else json.dumps(block["input"], ensure_ascii=False)
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in _pieces(raw)]
    yield {"type": "content_block_start", "index": index, "content_block": empty}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _pieces(text: str, size: int = 40) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def _without_key(headers: dict[str, str]) -> dict[str, str]:
    return {name: "[key]" if name in ("authorization", "x-api-key") else value for name, value in headers.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--script", type=Path, required=True, help="JSON list of turns")
    parser.add_argument("--record", type=Path, help="folder that receives requests.jsonl")
    parser.add_argument("--ready-file", type=Path, help="file that receives the port")
    options = parser.parse_args()
    with StandIn(json.loads(options.script.read_text(encoding="utf-8")), record=options.record) as service:
        if options.ready_file is not None:
            partial = options.ready_file.with_suffix(".partial")
            partial.write_text(str(service.port), encoding="utf-8")
            partial.replace(options.ready_file)
        print(service.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
