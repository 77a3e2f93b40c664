"""Recorded turns instead of a model: each becomes the same stream events that the service would send, so the loop cannot tell.

A script is a JSON list of turns: `{"text", "thinking", "tools": [{"name", "input"}], "stop_reason", "error", "usage", "delay_ms"}`,
all optional; `${file}` in any string stands for the file that the run was asked on. `error` is `{"status", "type", "message",
"retry_after"}`, or the word `"broken"`: that try fails and the next one goes on with the next turn of the script.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aigentflow.errors import BrokenTurn, ConfigurationError, ModelRejected
from aigentflow.runtime.assembly import Assembly
from aigentflow.runtime.faults import fault_of
from aigentflow.runtime.turns import Json, Listener, Reply, TurnRequest

_PIECE = 24
"""Characters of one delta."""


class ScriptedModel:
    """Replays turns in their order."""

    def __init__(self, turns: Sequence[Json], variables: dict[str, str] | None = None) -> None:
        self._turns = [_filled(turn, variables or {}) for turn in turns]
        self._next = 0
        self.requests: list[TurnRequest] = []
        """What was asked, for whoever wants to look."""

    async def turn(self, request: TurnRequest, listener: Listener) -> Reply:
        """Return the next turn of the script."""
        self.requests.append(request)
        if self._next >= len(self._turns):
            raise ModelRejected(f"the script has only {len(self._turns)} turns", status=400, kind="script")
        turn = self._turns[self._next]
        self._next += 1
        if turn.get("delay_ms"):
            await asyncio.sleep(turn["delay_ms"] / 1000)
        if (error := turn.get("error")) is not None:
            raise _error(error)
        assembly = Assembly(listener)
        for event in events_of(turn, self._next):
            assembly.feed(event)
            # As on a real stream, others run between two pieces, and a cancel is seen there.
            await asyncio.sleep(0)
        return assembly.reply()

    async def close(self) -> None:
        """Nothing is held."""


def load_script(path: Path, variables: dict[str, str] | None = None) -> ScriptedModel:
    """Return the model of a script file; raise ConfigurationError when it is not one."""
    try:
        turns = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the script {path} cannot be read: {error}") from error
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise ConfigurationError(f"the script {path} is not a list of turns")
    return ScriptedModel(turns, variables)


def events_of(turn: Json, number: int) -> Iterator[Json]:
    """Yield the stream events of a scripted turn; the text comes in pieces."""
    usage = {"input_tokens": 0, "output_tokens": 0, **turn.get("usage", {})}
    yield {
        "type": "message_start",
        "message": {"id": f"msg_{number}", "type": "message", "role": "assistant", "content": [], "usage": usage},
    }
    for index, (block, kind, text) in enumerate(_parts(turn, number)):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        field = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}[kind]
        for at in range(0, len(text), _PIECE):
            yield {"type": "content_block_delta", "index": index, "delta": {"type": kind, field: text[at : at + _PIECE]}}
        yield {"type": "content_block_stop", "index": index}
    stop = turn.get("stop_reason", "tool_use" if turn.get("tools") else "end_turn")
    yield {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage}
    yield {"type": "message_stop"}


def _parts(turn: Json, number: int) -> Iterator[tuple[Json, str, str]]:
    if turn.get("thinking"):
        yield {"type": "thinking", "thinking": "", "signature": f"scripted-{number}"}, "thinking_delta", str(turn["thinking"])
    if turn.get("text"):
        yield {"type": "text", "text": ""}, "text_delta", str(turn["text"])
    for at, tool in enumerate(turn.get("tools", ())):
        raw = tool["input"] if isinstance(tool.get("input"), str) else json.dumps(tool.get("input", {}), ensure_ascii=False)
        block = {"type": "tool_use", "id": tool.get("id", f"toolu_{number}_{at}"), "name": tool.get("name", ""), "input": {}}
        yield block, "input_json_delta", raw


def _error(error: Any) -> Exception:
    if not isinstance(error, dict):
        return BrokenTurn("the answer broke off before its end")
    status, kind = int(error.get("status", 200)), str(error.get("type", ""))
    return fault_of(status, kind, str(error.get("message", "")), error.get("retry_after"))


def _filled(value: Any, variables: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in variables.items():
            value = value.replace(f"${{{name}}}", text)
        return value
    if isinstance(value, dict):
        return {key: _filled(item, variables) for key, item in value.items()}
    return [_filled(item, variables) for item in value] if isinstance(value, list) else value
