"""A reply put together from stream events; the blocks stay as the service sent them, so that they can go back unmodified.

Unknown events, deltas and blocks are tolerated; a stream that contradicts itself or ends early is a broken turn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from aigentflow.errors import BrokenTurn
from aigentflow.runtime.events import Text, Thinking
from aigentflow.runtime.faults import fault_of
from aigentflow.runtime.turns import Json, Listener, Reply, ToolCall, Usage

_LONGEST_INPUT = 4 * 1024 * 1024
_LONGEST_TEXT = 16 * 1024 * 1024
_DELTA_FIELDS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


class Assembly:
    """Takes the events of one stream in order."""

    def __init__(self, listener: Listener, *, taken_ids: frozenset[str] = frozenset()) -> None:
        self._listener = listener
        self._blocks: dict[int, Json] = {}
        self._pieces: dict[int, list[str]] = {}
        self._sizes: dict[int, int] = {}
        self._closed: set[int] = set()
        self._usage: dict[str, Any] = {}
        self._stop_reason = ""
        self._stop_details = ""
        self._ids = set(taken_ids)
        self.finished = False
        """Whether the service said that this was all."""

    def feed(self, event: Json) -> None:
        """Take one event; raise BrokenTurn, or what an in-stream error means."""
        match event.get("type"):
            case "message_start":
                self._take_usage(_mapping(event.get("message")).get("usage"))
            case "content_block_start":
                self._start(event.get("index"), event.get("content_block"))
            case "content_block_delta":
                self._extend(event.get("index"), _mapping(event.get("delta")))
            case "content_block_stop":
                self._closed.add(self._known(event.get("index")))
            case "message_delta":
                delta = _mapping(event.get("delta"))
                self._stop_reason = str(delta.get("stop_reason") or "")
                self._stop_details = _details(delta.get("stop_details"))
                self._take_usage(event.get("usage"))
            case "message_stop":
                self.finished = True
            case "error":
                error = _mapping(event.get("error"))
                raise fault_of(200, str(error.get("type", "")), str(error.get("message", "the service reported an error")))

    def reply(self) -> Reply:
        """Return the finished answer; raise BrokenTurn when the stream ended early."""
        if not self._stop_reason:
            raise BrokenTurn("the answer broke off before its end")
        calls: list[ToolCall] = []
        blocks: list[Json] = []
        for index in sorted(self._blocks):
            block = self._finish(index)
            if block.get("type") == "tool_use":
                call, block = self._call(index, block)
                calls.append(call)
            blocks.append(block)
        return Reply(tuple(blocks), tuple(calls), self._stop_reason, _usage(self._usage), self._stop_details)

    def _start(self, index: object, block: object) -> None:
        if not isinstance(index, int) or not isinstance(block, dict):
            _broken("a content block without an index")
        if index in self._blocks:
            _broken(f"content block {index} twice")
        self._blocks[index] = dict(block)
        self._pieces[index] = []
        self._sizes[index] = 0

    def _known(self, index: object) -> int:
        if not isinstance(index, int) or index not in self._blocks:
            _broken(f"a piece of content block {index!r}, which was never begun")
        return index

    def _extend(self, index: object, delta: Mapping[str, Any]) -> None:
        at = self._known(index)
        kind = str(delta.get("type", ""))
        if kind == "signature_delta":
            self._blocks[at]["signature"] = str(self._blocks[at].get("signature") or "") + _text(delta.get("signature"))
        elif kind == "citations_delta":
            citations = self._blocks[at].get("citations")
            self._blocks[at]["citations"] = [*(citations if isinstance(citations, list) else []), delta.get("citation")]
        elif kind in _DELTA_FIELDS:
            self._add(at, kind, _text(delta.get(_DELTA_FIELDS[kind])))

    def _add(self, at: int, kind: str, piece: str) -> None:
        self._sizes[at] += len(piece)
        if kind == "input_json_delta":
            # What is too long is refused later; its characters need not be held.
            if self._sizes[at] <= _LONGEST_INPUT:
                self._pieces[at].append(piece)
            return
        if self._sizes[at] > _LONGEST_TEXT:
            _broken("a block of more than 16 million characters")
        self._pieces[at].append(piece)
        self._listener(Text(piece) if kind == "text_delta" else Thinking(piece))

    def _finish(self, index: int) -> Json:
        block, joined = dict(self._blocks[index]), "".join(self._pieces[index])
        if joined and block.get("type") in ("text", "thinking"):
            field = str(block["type"])
            block[field] = str(block.get(field) or "") + joined
        return block

    def _call(self, index: int, block: Json) -> tuple[ToolCall, Json]:
        name = block.get("name")
        name = name if isinstance(name, str) else ""
        identifier = self._unique(block.get("id"))
        complete = index in self._closed
        value, fault = self._input(index, block)
        if not complete and self._stop_reason == "tool_use":
            _broken("a tool call that was never closed")
        if not name:
            fault = "the call has no tool name"
        # What goes back must be accepted by the service, whatever came.
        sent = {
            **block,
            "id": identifier,
            "name": name if _NAME.fullmatch(name) else "unnamed",
            "input": value if value is not None else {},
        }
        return ToolCall(identifier, name, value, fault, complete), sent

    def _unique(self, asked: object) -> str:
        identifier = asked if isinstance(asked, str) and _NAME.fullmatch(asked) else f"call_{len(self._ids) + 1}"
        base, n = identifier[:100], 2
        while identifier in self._ids:
            identifier, n = f"{base}-{n}", n + 1
        self._ids.add(identifier)
        return identifier

    def _input(self, index: int, block: Json) -> tuple[Json | None, str]:
        if self._sizes[index] > _LONGEST_INPUT:
            return None, f"the arguments are longer than {_LONGEST_INPUT:,} characters; make smaller steps"
        raw = "".join(self._pieces[index])
        if raw.strip():
            return parse_arguments(raw)
        given = block.get("input")
        return (given, "") if isinstance(given, dict) else (None, "the arguments are not a JSON object")

    def _take_usage(self, usage: object) -> None:
        # The counts of `message_delta` are totals of the whole turn, so later ones replace earlier ones.
        self._usage.update({key: value for key, value in _mapping(usage).items() if value is not None})


def parse_arguments(raw: str) -> tuple[Json | None, str]:
    """Return the arguments of a tool call, or None and why they cannot be read."""
    try:
        value = json.loads(raw, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return None, "the arguments hold half of a surrogate pair"
    except RecursionError:
        return None, "the arguments are nested too deeply"
    except ValueError as error:
        return None, f"the arguments are not valid JSON: {error}"
    if not isinstance(value, dict):
        return None, "the arguments are not a JSON object"
    return value, ""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _broken(what: str) -> NoReturn:
    raise BrokenTurn(f"the service sent {what}")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _details(value: object) -> str:
    details = _mapping(value)
    words = [str(details[key]) for key in ("category", "explanation", "reason", "message") if details.get(key)]
    return ": ".join(words)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _usage(raw: Mapping[str, Any]) -> Usage | None:
    read, written = _count(raw.get("cache_read_input_tokens", 0)), _count(raw.get("cache_creation_input_tokens", 0))
    fresh, out = _count(raw.get("input_tokens")), _count(raw.get("output_tokens"))
    if read is None or written is None or fresh is None or out is None:
        return None
    hour = _count(_mapping(raw.get("cache_creation")).get("ephemeral_1h_input_tokens", 0)) or 0
    return Usage(fresh, out, read, written, min(hour, written))
