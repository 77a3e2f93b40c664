"""Whatever a service streams, a turn ends in a reply or in one of our own errors, and what would go back is fit to send."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aigentflow.errors import ModelError
from aigentflow.runtime.assembly import Assembly, parse_arguments
from aigentflow.runtime.conversation import Conversation
from aigentflow.runtime.sse import EventReader

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3), max_leaves=6
)
KINDS = st.sampled_from(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
        "error",
        "new",
    ]
)
BLOCKS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "thinking", "tool_use", "odd"])},
    optional={"id": ANYTHING, "name": ANYTHING, "text": ANYTHING, "input": ANYTHING},
)
DELTAS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text_delta", "thinking_delta", "signature_delta", "input_json_delta", "citations_delta", "odd"])},
    optional={"text": ANYTHING, "partial_json": ANYTHING, "thinking": ANYTHING, "stop_reason": ANYTHING},
)
ENDS = st.fixed_dictionaries(
    {"stop_reason": st.sampled_from(["end_turn", "tool_use", "max_tokens", None, 7])}, optional={"stop_details": ANYTHING}
)
EVENTS = st.fixed_dictionaries(
    {"type": KINDS},
    optional={
        "index": st.integers(0, 2) | ANYTHING,
        "content_block": BLOCKS | ANYTHING,
        "delta": DELTAS | ENDS | ANYTHING,
        "usage": ANYTHING,
        "message": ANYTHING,
        "error": ANYTHING,
    },
)


@given(st.lists(EVENTS, max_size=12))
def test_any_sequence_of_events_ends_in_a_reply_or_an_error_of_ours(events: list[dict[str, Any]]) -> None:
    assembly = Assembly(lambda _: None)
    try:
        for event in events:
            assembly.feed(event)
        reply = assembly.reply()
    except ModelError:
        return
    conversation = Conversation(["s"], (), "u", "1h")
    conversation.add_reply(reply)
    sent = conversation.messages()[1]["content"]
    assert sent and json.dumps(sent)
    for block in sent:
        if block.get("type") == "tool_use":
            assert isinstance(block["id"], str) and isinstance(block["name"], str) and isinstance(block["input"], dict)


@given(st.binary(max_size=200), st.integers(1, 20))
def test_any_bytes_are_read_or_refused(data: bytes, size: int) -> None:
    reader = EventReader()
    try:
        for at in range(0, len(data), size):
            assert all(isinstance(event, dict) for event in reader.feed(data[at : at + size]))
    except ModelError:
        pass


@given(st.text(max_size=60) | ANYTHING.map(json.dumps))
def test_any_arguments_are_read_or_have_a_fault(raw: str) -> None:
    value, fault = parse_arguments(raw)
    assert (value is None) is bool(fault)
    if value is not None:
        json.dumps(value, ensure_ascii=False).encode()
