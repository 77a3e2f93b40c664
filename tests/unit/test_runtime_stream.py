"""From bytes of the service to a reply: every split of the bytes, every kind of damage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aigentflow.errors import BrokenTurn, ModelRejected
from aigentflow.runtime.assembly import Assembly, parse_arguments
from aigentflow.runtime.events import Event, Text, Thinking
from aigentflow.runtime.sse import EventReader
from aigentflow.runtime.turns import Reply
from stand_in import events as service_events

TURN: dict[str, Any] = {
    "text": "Grüße 👋",
    "tools": [{"name": "Read", "input": {"file_path": "src/ä.ts"}}],
}


def stream(turn: dict[str, Any], end: str = "\n") -> bytes:
    text = "".join(f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n" for event in service_events(turn, "m", 1))
    return text.replace("\n", end).encode()


def assembled(chunks: list[bytes]) -> Reply:
    reader, assembly = EventReader(), Assembly(lambda _: None)
    for chunk in chunks:
        for event in reader.feed(chunk):
            assembly.feed(event)
    return assembly.reply()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_split_of_the_bytes_gives_the_same_reply(end: str) -> None:
    data = stream(TURN, end)
    whole = assembled([data])
    assert [call.input for call in whole.calls] == [{"file_path": "src/ä.ts"}]
    for at in range(len(data)):
        assert assembled([data[:at], data[at:]]) == whole
    assert assembled([data[at : at + 1] for at in range(len(data))]) == whole


def test_mark_comments_and_unknown_events_are_passed_over() -> None:
    noise = b'\xef\xbb\xbf: hello\n\nevent: ping\ndata: {"type": "ping"}\n\ndata: {"type": "brand_new", "x": 1}\n\nretry: 3\n\n'
    assert assembled([noise + stream(TURN)]) == assembled([stream(TURN)])


def test_a_value_over_several_data_lines_is_one_event() -> None:
    assert list(EventReader().feed(b'data: {"type":\ndata: "ping"}\n\n')) == [{"type": "ping"}]


@pytest.mark.parametrize("line", ["data: {oops", "data: [1]", 'data: "text"', "data: " + "[" * 100_000])
def test_an_event_that_is_no_json_object_breaks_the_turn(line: str) -> None:
    with pytest.raises(BrokenTurn):
        list(EventReader().feed(line.encode() + b"\n\n"))


def fed(*events: dict[str, Any]) -> Assembly:
    assembly = Assembly(lambda _: None)
    for event in events:
        assembly.feed(event)
    return assembly


STOP = {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 3}}


def tool(index: int, raw: str, *, name: Any = "Read", identifier: Any = "t1", closed: bool = True) -> list[dict[str, Any]]:
    block = {"type": "tool_use", "id": identifier, "name": name, "input": {}}
    events: list[dict[str, Any]] = [
        {"type": "content_block_start", "index": index, "content_block": block},
        {"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": raw}},
    ]
    return [*events, {"type": "content_block_stop", "index": index}] if closed else events


def test_a_stream_that_ends_early_is_broken_wherever_it_ends() -> None:
    events = list(service_events(TURN, "m", 1))
    for n in range(len(events) - 2):
        with pytest.raises(BrokenTurn, match="broke off"):
            fed(*events[:n]).reply()
    assert fed(*events[:-1]).reply() == fed(*events).reply()


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_stop", "index": "0"},
        {"type": "content_block_start", "content_block": {"type": "text"}},
        {"type": "content_block_start", "index": 0, "content_block": "text"},
    ],
)
def test_a_stream_that_contradicts_itself_is_broken(event: dict[str, Any]) -> None:
    with pytest.raises(BrokenTurn):
        fed(event)


def test_a_tool_call_that_was_never_closed_is_broken() -> None:
    with pytest.raises(BrokenTurn, match="never closed"):
        fed(*tool(0, "{", closed=False), STOP).reply()


def test_unknown_blocks_and_deltas_go_back_as_they_came() -> None:
    block = {"type": "server_thing", "payload": {"a": [1]}}
    odd = {"type": "content_block_delta", "index": 0, "delta": {"type": "odd_delta", "odd": 1}}
    start = {"type": "content_block_start", "index": 0, "content_block": block}
    reply = fed(
        start, odd, {"type": "content_block_stop", "index": 0}, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    ).reply()
    assert reply.blocks == (block,)


def test_thinking_goes_back_with_its_signature() -> None:
    reply = fed(*service_events({"thinking": "hm", "text": "so"}, "m", 1)).reply()
    assert reply.blocks[0] == {"type": "thinking", "thinking": "hm", "signature": "sig-1"}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ('{"a": ', "not valid JSON"),
        ('{"a": 1}{"a": 1}', "not valid JSON"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": "\\ud800"}', "surrogate"),
        ("[1]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_arguments_that_cannot_be_read_say_why(raw: str, why: str) -> None:
    value, fault = parse_arguments(raw)
    assert value is None and why in fault


def test_broken_arguments_are_a_fault_of_the_call_and_not_of_the_turn() -> None:
    reply = fed(*tool(0, '{"file_path": '), STOP).reply()
    assert reply.calls[0].input is None and "not valid JSON" in reply.calls[0].fault
    assert reply.blocks[0]["input"] == {}


def test_arguments_of_megabytes_are_a_fault_of_the_call() -> None:
    reply = fed(*tool(0, '{"file_path": "' + "x" * 5_000_000 + '"}'), STOP).reply()
    assert "longer than" in reply.calls[0].fault


def test_no_arguments_at_all_are_an_empty_object() -> None:
    assert fed(*tool(0, ""), STOP).reply().calls[0].input == {}


def test_ids_are_made_unique_and_names_acceptable() -> None:
    events = [*tool(0, "{}"), *tool(1, "{}"), *tool(2, "{}", identifier=None), *tool(3, "{}", name=None), *tool(4, "{}", name="a b"), STOP]
    reply = fed(*events).reply()
    ids = [block["id"] for block in reply.blocks]
    assert len(set(ids)) == 5 and ids == [call.id for call in reply.calls]
    assert "no tool name" in reply.calls[3].fault
    assert [block["name"] for block in reply.blocks] == ["Read", "Read", "Read", "unnamed", "unnamed"]


@pytest.mark.parametrize(
    "usage", [{}, {"input_tokens": -1, "output_tokens": 5}, {"input_tokens": "many", "output_tokens": 5}, {"input_tokens": 5}]
)
def test_counts_that_make_no_sense_are_no_counts(usage: dict[str, Any]) -> None:
    start = {"type": "message_start", "message": {"usage": usage}}
    assert fed(start, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}).reply().usage is None


def test_the_last_counts_are_the_ones_that_hold() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": 9}}}
    usage = fed(start, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 40}}).reply().usage
    assert usage is not None and (usage.input_tokens, usage.output_tokens, usage.prompt_tokens) == (5, 40, 14)


@pytest.mark.parametrize(
    ("kind", "error"), [("overloaded_error", BrokenTurn), ("api_error", BrokenTurn), ("invalid_request_error", ModelRejected)]
)
def test_an_error_inside_the_stream_is_raised(kind: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="Overloaded"):
        fed({"type": "error", "error": {"type": kind, "message": "Overloaded"}})


def test_pieces_are_told_as_they_come() -> None:
    told: list[Event] = []
    assembly = Assembly(told.append)
    for event in service_events({"thinking": "hm", "text": "a" * 50}, "m", 1):
        assembly.feed(event)
    assert told == [Thinking("hm"), Text("a" * 40), Text("a" * 10)]
