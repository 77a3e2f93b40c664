"""The messages of a run. They only grow at the end, so that every request begins with the bytes of the one before; cache marks are
laid on a copy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aigentflow.runtime.turns import Json, Reply

_CUT = "[left out to make room; call the tool again if you need it]"
_KEPT_MESSAGES = 4
"""The first message and the newest ones are never shortened."""


class Conversation:
    """System prompt, tools and messages of one run."""

    def __init__(self, system: Sequence[str], tools: Sequence[Json], first: str, cache_ttl: str | None) -> None:
        self.cache_ttl = cache_ttl
        """Of the mark at the end of the system prompt; None: no marks."""
        self.tools = tuple(tools)
        self._system = tuple(text for text in system if text)
        self._messages: list[Json] = [{"role": "user", "content": [{"type": "text", "text": first}]}]
        self._sizes = [len(first)]
        self._fixed = sum(map(len, self._system)) + len(json.dumps(self.tools))

    @property
    def characters(self) -> int:
        """Size of the next prompt."""
        return self._fixed + sum(self._sizes)

    @property
    def ids(self) -> frozenset[str]:
        """Ids of all tool calls so far."""
        return frozenset(
            str(block["id"])
            for message in self._messages
            if message["role"] == "assistant"
            for block in message["content"]
            if block.get("type") == "tool_use"
        )

    def add_reply(self, reply: Reply) -> None:
        """Append the answer as it came."""
        # The service refuses an empty message, and an empty text block in one.
        blocks = [block for block in reply.blocks if block.get("type") != "text" or str(block.get("text", "")).strip()]
        self._append("assistant", blocks or [{"type": "text", "text": "(nothing)"}])

    def add_results(self, results: Sequence[tuple[str, str, bool]]) -> None:
        """Append the answers to all calls of a turn, each as (id, text, is_error), in one message."""
        blocks: list[Json] = []
        for identifier, text, is_error in results:
            block: Json = {"type": "tool_result", "tool_use_id": identifier, "content": text or "(no output)"}
            blocks.append({**block, "is_error": True} if is_error else block)
        self._append("user", blocks)

    def add_words(self, text: str) -> None:
        """Append something that we say to the model."""
        self._append("user", [{"type": "text", "text": text}])

    def system(self) -> tuple[Json, ...]:
        """Return the system blocks; the mark on the last one covers the tools too, as they come first in the prompt."""
        blocks: list[Json] = [{"type": "text", "text": text} for text in self._system]
        if blocks and self.cache_ttl is not None:
            blocks[-1] = {**blocks[-1], "cache_control": _mark(self.cache_ttl)}
        return tuple(blocks)

    def messages(self) -> tuple[Json, ...]:
        """Return the messages with a mark on the last block of the newest user message."""
        if self.cache_ttl is None:
            return tuple(self._messages)
        at = max(index for index, message in enumerate(self._messages) if message["role"] == "user")
        content = list(self._messages[at]["content"])
        content[-1] = {**content[-1], "cache_control": _mark("5m")}
        marked = list(self._messages)
        marked[at] = {**marked[at], "content": content}
        return tuple(marked)

    def shorten(self) -> bool:
        """Drop the text of all but the newest tool results; return whether that made room."""
        saved = 0
        for at, message in enumerate(self._messages[:-_KEPT_MESSAGES]):
            content = [_shortened(block) for block in message["content"]]
            size = _size(content)
            saved += self._sizes[at] - size
            self._messages[at] = {**message, "content": content}
            self._sizes[at] = size
        return saved > 0

    def largest(self) -> str:
        """Return what takes the most room, for a message to the person."""
        parts = {"the system prompt and tools": self._fixed, "the first message (context of the workspace)": self._sizes[0]}
        if len(self._sizes) > 1:
            parts["one answer or tool result"] = max(self._sizes[1:])
        name = max(parts, key=lambda part: parts[part])
        return f"{name}, {parts[name]:,} characters"

    def _append(self, role: str, content: list[Json]) -> None:
        if self._messages[-1]["role"] == role:
            last = self._messages[-1]
            self._messages[-1] = {**last, "content": [*last["content"], *content]}
            self._sizes[-1] += _size(content)
            return
        self._messages.append({"role": role, "content": content})
        self._sizes.append(_size(content))


def _mark(ttl: str) -> dict[str, Any]:
    # Five minutes are the service's default; services that know no `ttl` take the mark without it.
    return {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}


def _shortened(block: Json) -> Json:
    if block.get("type") == "tool_result" and len(str(block.get("content", ""))) > len(_CUT):
        return {**block, "content": _CUT}
    return block


def _size(content: Sequence[Json]) -> int:
    return len(json.dumps(content, ensure_ascii=False))
