"""Which faults are tried again, after which pauses, and which end the run at once."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from typing import Any

import pytest

from aigentflow.errors import BrokenTurn, ModelCredentialsError, ModelError, ModelRejected, ModelUnavailable
from aigentflow.runtime.asking import Asker, RetryPolicy, refused_field, without_field
from aigentflow.runtime.events import Event, Noted, Waiting
from aigentflow.runtime.faults import connection_layer, fault_of, is_too_long, retry_after
from aigentflow.runtime.scripted import ScriptedModel
from aigentflow.runtime.turns import Reply, TurnRequest

SYSTEM = {"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
MESSAGE = {"role": "user", "content": [{"type": "text", "text": "u", "cache_control": {"type": "ephemeral"}}]}
OPTIONS = {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}}
REQUEST = TurnRequest("m", (SYSTEM,), (), (MESSAGE,), 100, OPTIONS)
QUICK = RetryPolicy(tries=3, first_pause=0.0001)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "86400"}, 60.0),
        ({"retry-after": "1e400"}, 60.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": formatdate(1_000_030, usegmt=True)}, 30.0),
        ({"retry-after": formatdate(900_000, usegmt=True)}, 0.0),
        ({"retry-after": "Thu, 01 Jan 9999 00:00:00 GMT"}, 60.0),
    ],
)
def test_what_the_service_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=lambda: 1_000_000.0) == seconds


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (429, "rate_limit_error", ModelUnavailable),
        (529, "overloaded_error", ModelUnavailable),
        (500, "api_error", ModelUnavailable),
        (503, "", ModelUnavailable),
        (408, "", ModelUnavailable),
        (200, "overloaded_error", BrokenTurn),
        (401, "authentication_error", ModelCredentialsError),
        (403, "permission_error", ModelCredentialsError),
        (400, "invalid_request_error", ModelRejected),
        (404, "not_found_error", ModelRejected),
        (402, "billing_error", ModelRejected),
    ],
)
def test_each_status_is_one_error(status: int, kind: str, error: type[ModelError]) -> None:
    assert type(fault_of(status, kind, "words")) is error


def test_a_refused_key_names_the_setting() -> None:
    assert "ANTHROPIC_API_KEY" in str(fault_of(401, "authentication_error", "invalid key"))


@pytest.mark.parametrize(
    ("message", "long"),
    [
        ("prompt is too long: 210000 tokens > 200000 maximum", True),
        ("input length and `max_tokens` exceed context limit: 199000 + 64000 > 200000", True),
        ("thinking.display: Extra inputs are not permitted", False),
    ],
)
def test_a_conversation_that_does_not_fit_is_recognised(message: str, long: bool) -> None:
    assert is_too_long(ModelRejected(message, status=400)) is long


@pytest.mark.parametrize(
    ("words", "layer"),
    [
        ("[Errno -2] Name or service not known", "DNS"),
        ("All connection attempts failed: [Errno 111] Connection refused", "refused"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED]", "TLS"),
        ("407 Proxy Authentication Required", "proxy"),
    ],
)
def test_a_failed_connection_names_its_layer(words: str, layer: str) -> None:
    error = RuntimeError("Connection error.")
    error.__cause__ = OSError(words)
    assert layer in connection_layer(error)


def test_pauses_grow_are_bounded_and_differ_between_clients() -> None:
    policy = RetryPolicy(first_pause=0.5, longest_pause=16.0)
    assert [policy.pause(n, None, 1.0) for n in (1, 2, 3, 10)] == [0.5, 1.0, 2.0, 16.0]
    clients = [policy.pause(3, None, n / 20) for n in range(20)]
    assert max(clients) - min(clients) > 0.9
    assert policy.pause(1, 30.0, 0.5) == pytest.approx(30.0, rel=0.1)
    assert policy.pause(1, 900.0, 1.0) <= 66.0


def ask(turns: list[dict[str, Any]], request: TurnRequest = REQUEST) -> tuple[Reply, Asker, ScriptedModel, list[Event], list[TurnRequest]]:
    events: list[Event] = []
    broken: list[TurnRequest] = []
    model = ScriptedModel(turns)
    asker = Asker(model, QUICK, events.append, on_broken=broken.append)
    return asyncio.run(asker.ask(request)), asker, model, events, broken


def test_a_passing_fault_is_tried_again_and_told() -> None:
    reply, _, model, events, broken = ask([{"error": {"status": 529, "message": "busy"}}, {"error": "broken"}, {"text": "done"}])
    assert reply.text == "done" and len(model.requests) == 3
    assert [type(event) for event in events[:2]] == [Waiting, Waiting]
    assert broken == [REQUEST], "only the answer that had begun is paid for"


def test_tries_are_bounded() -> None:
    with pytest.raises(ModelUnavailable, match="tried 3 times"):
        ask([{"error": {"status": 503, "message": "down"}}] * 10)


@pytest.mark.parametrize("status", [400, 401, 404])
def test_what_cannot_pass_is_not_tried_again(status: int) -> None:
    model = ScriptedModel([{"error": {"status": status, "message": "no"}}, {"text": "done"}])
    with pytest.raises(ModelError):
        asyncio.run(Asker(model, QUICK, lambda _: None, on_broken=lambda _: None).ask(REQUEST))
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("message", "dropped"),
    [
        ("thinking.display: Extra inputs are not permitted", "thinking.display"),
        ("Unknown field: display", "thinking.display"),
        ("adaptive thinking is not supported on this model", "thinking"),
        ("output_config: Extra inputs are not permitted", "output_config"),
        ("This model does not support effort", "output_config.effort"),
        ("system.0.cache_control.ttl: unknown", "cache_control.ttl"),
        ("cache_control is not supported", "cache_control"),
    ],
)
def test_a_refused_optional_field_is_left_out_for_the_rest_of_the_run(message: str, dropped: str) -> None:
    refusal = {"error": {"status": 400, "message": message}}
    reply, asker, model, events, _ = ask([refusal, {"text": "done"}])
    assert reply.text == "done" and asker.dropped == (dropped,)
    assert model.requests[1] == without_field(REQUEST, dropped) != REQUEST
    assert any(isinstance(event, Noted) and dropped in event.text for event in events)


def test_a_field_that_is_refused_again_ends_the_run() -> None:
    refusal = {"error": {"status": 400, "message": "thinking: not here"}}
    with pytest.raises(ModelRejected):
        ask([refusal, refusal, {"text": "done"}])


def test_a_refusal_that_names_no_optional_field_is_final() -> None:
    assert refused_field("messages.0.content: too short", ["thinking", "output_config"]) is None
    assert refused_field("rethinking_it is wrong", ["thinking"]) is None


def test_leaving_a_field_out_changes_nothing_else() -> None:
    assert without_field(REQUEST, "thinking.display").options == {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}
    assert without_field(REQUEST, "output_config.effort").options == {"thinking": OPTIONS["thinking"]}
    plain = without_field(REQUEST, "cache_control")
    assert plain.system == ({"type": "text", "text": "s"},) and "cache_control" not in str(plain.messages)
    assert without_field(REQUEST, "cache_control.ttl").system[0]["cache_control"] == {"type": "ephemeral"}
