"""The model table, prices, limits, and the shape of a conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aigentflow.runtime.catalogue import Catalogue, load_catalogue
from aigentflow.runtime.conversation import Conversation
from aigentflow.runtime.ledger import Ledger, Limits
from aigentflow.runtime.turns import Json, Reply, Usage

OPUS, SONNET, HAIKU = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"


@pytest.mark.parametrize(
    ("written", "identifier", "noted"),
    [
        (None, OPUS, False),
        ("", OPUS, False),
        ("sonnet", SONNET, False),
        ("Opus", OPUS, False),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929", False),
        ("claude-something-new", "claude-something-new", False),
        ("us.anthropic.claude-sonnet-5-5-v1:0", "us.anthropic.claude-sonnet-5-5-v1:0", False),
        ("anthropic/claude-haiku-5-5", HAIKU, True),
        ("Claude Sonnet 4.5 (copilot)", SONNET, True),
        ("GPT-4.1 (copilot)", OPUS, True),
        ("gpt-4.1", OPUS, True),
        ("inherit", OPUS, True),
        ("GPT-5 | 'haiku' | 'Claude'", HAIKU, True),
        ("sonnet or opus from Claude", OPUS, True),
        ("$MODEL", OPUS, True),
    ],
)
def test_what_an_agent_file_says_is_resolved_and_never_refused(written: str | None, identifier: str, noted: bool) -> None:
    choice = load_catalogue().choose(written)
    assert (choice.model.id, bool(choice.note)) == (identifier, noted)
    if noted:
        assert repr(written) in choice.note and identifier in choice.note


def test_the_persons_own_choice_wins_and_is_not_doubted() -> None:
    assert load_catalogue().choose("sonnet", "qwen3-coder").model.id == "qwen3-coder"
    assert load_catalogue().choose("sonnet", "haiku").model.id == HAIKU


def test_another_service_has_its_own_model_names() -> None:
    assert load_catalogue().choose("qwen3-coder", base_url="http://localhost:1234").model.id == "qwen3-coder"


def test_every_alias_leads_to_a_model_with_price_and_options() -> None:
    catalogue = load_catalogue()
    for alias in ("default", "best", "opus", "sonnet", "haiku", "fable"):
        model = catalogue.choose(alias).model
        assert model.price is not None and model.options["thinking"] == {"type": "adaptive", "display": "summarized"}
        assert model.options["output_config"]["effort"] in ("low", "medium", "high")


def test_prices_count_each_kind_of_token() -> None:
    price = load_catalogue().info(OPUS).price
    assert price is not None
    million = 1_000_000
    assert price.usd(Usage(million, 0)) == 4 and price.usd(Usage(0, million)) == 20
    assert price.usd(Usage(0, 0, million, 0)) == pytest.approx(0.2)
    assert price.usd(Usage(0, 0, 0, million)) == 5 and price.usd(Usage(0, 0, 0, million, million)) == 8


def test_long_prompts_cost_more_where_the_table_says_so() -> None:
    price = load_catalogue().info(HAIKU).price
    assert price is not None
    assert price.usd(Usage(100_000, 0)) == pytest.approx(0.01) and price.usd(Usage(200_000, 0)) == pytest.approx(0.1)


def test_own_entries_lie_over_the_table() -> None:
    catalogue = load_catalogue({"my-model": {"price": {"input": 1, "output": 2}, "max_tokens": 500, "options": {"thinking": None}}})
    model = catalogue.choose(None, "my-model").model
    assert model.price is not None and model.price.output == 2 and model.max_tokens == 500
    assert "thinking" not in model.options


def test_a_service_may_take_no_marks_and_not_all_options() -> None:
    table = {
        "defaults": {"options": {"thinking": {}, "output_config": {}}},
        "services": {"*": {"cache_ttl": None, "without": ["thinking"]}},
    }
    choice = Catalogue(table).choose("claude-x", base_url="http://127.0.0.1:9")
    assert choice.cache_ttl is None and dict(choice.model.options) == {"output_config": {}}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_limit_says_which_it_is() -> None:
    clock = Clock()
    price = load_catalogue().info(SONNET).price
    ledger = Ledger(Limits(turns=2, tokens=1000, usd=0.01, seconds=60), price, clock)
    assert ledger.exceeded() == ""
    ledger.turns = 2
    assert "2 turns" in ledger.exceeded()
    ledger.turns = 0
    ledger.add(Usage(0, 990), 0, 0)
    assert ledger.exceeded() == "" and ledger.usd == pytest.approx(0.0099)
    ledger.add(Usage(0, 20), 0, 0)
    assert "1,000 tokens" in ledger.exceeded()
    clock.now += 61
    assert Ledger(Limits(None, None, 0.0, None), price, clock).exceeded() == "the limit of 0 USD was reached"


def test_time_is_counted_by_the_given_clock() -> None:
    clock = Clock()
    ledger = Ledger(Limits(None, None, None, 60), None, clock)
    clock.now += 59
    assert ledger.exceeded() == ""
    clock.now += 1
    assert "60 seconds" in ledger.exceeded()


def test_an_unknown_price_is_unknown_and_keeps_the_token_limit() -> None:
    ledger = Ledger(Limits(tokens=100, usd=0.01), None)
    assert ledger.add(Usage(60, 60), 0, 0).usd is None and ledger.usd is None
    assert "tokens" in ledger.exceeded()


def test_an_answer_may_be_no_longer_than_what_is_left() -> None:
    ledger = Ledger(Limits(tokens=10_000, usd=None), None)
    assert ledger.allowance(32_000, 2_000) == (8_000, "")
    assert ledger.allowance(32_000, 9_500) == (0, "the next turn would pass the limit of 10,000 tokens")
    dear = Ledger(Limits(tokens=None, usd=0.1), load_catalogue().info(OPUS).price)
    assert dear.allowance(32_000, 0)[0] == 5_000


def test_missing_counts_are_estimated() -> None:
    ledger = Ledger(Limits(), None)
    ledger.add(None, 4_000, 400)
    assert ledger.estimated and ledger.usage == Usage(1001, 101)


TOOLS: tuple[Json, ...] = ({"name": "Read", "input_schema": {}},)


def reply(*blocks: Json) -> Reply:
    return Reply(blocks, (), "tool_use", None)


def unmarked(value: Any) -> str:
    if isinstance(value, dict):
        value = {key: json.loads(unmarked(item)) for key, item in value.items() if key != "cache_control"}
    elif isinstance(value, list | tuple):
        value = [json.loads(unmarked(item)) for item in value]
    return json.dumps(value)


def test_every_request_begins_with_the_bytes_of_the_one_before() -> None:
    conversation = Conversation(["role", "rules"], TOOLS, "task", "1h")
    before: list[str] = []
    systems = set()
    for n in range(4):
        systems.add(json.dumps([conversation.system(), conversation.tools]))
        messages = [unmarked(message) for message in conversation.messages()]
        assert messages[: len(before)] == before
        before = messages
        conversation.add_reply(
            reply({"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {}})
        )
        conversation.add_results([(f"t{n}", "text", False)])
    assert len(systems) == 1


def test_marks_lie_on_the_end_of_the_system_prompt_and_on_the_newest_user_block() -> None:
    conversation = Conversation(["role", "rules"], TOOLS, "task", "1h")
    conversation.add_reply(
        reply({"type": "tool_use", "id": "a", "name": "Read", "input": {}}, {"type": "tool_use", "id": "b", "name": "Read", "input": {}})
    )
    conversation.add_results([("a", "1", False), ("b", "", True)])
    system, messages = conversation.system(), conversation.messages()
    assert system[-1]["cache_control"] == {"type": "ephemeral", "ttl": "1h"} and "cache_control" not in system[0]
    assert messages[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "1"},
        {"type": "tool_result", "tool_use_id": "b", "content": "(no output)", "is_error": True, "cache_control": {"type": "ephemeral"}},
    ]
    assert json.dumps(messages).count("cache_control") == 1


def test_a_service_without_marks_gets_none() -> None:
    conversation = Conversation(["role"], TOOLS, "task", None)
    assert "cache_control" not in json.dumps([conversation.system(), conversation.messages()])


def test_shortening_drops_old_results_and_keeps_the_newest_and_the_first_message() -> None:
    conversation = Conversation(["role"], TOOLS, "task", None)
    for n in range(5):
        conversation.add_reply(reply({"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {}}))
        conversation.add_results([(f"t{n}", f"{n}" * 5_000, False)])
    size = conversation.characters
    assert conversation.shorten() and conversation.characters < size - 10_000
    texts = [block.get("content", "") for message in conversation.messages() for block in message["content"]]
    assert "4" * 5_000 in texts and "0" * 5_000 not in texts and any("call the tool again" in text for text in texts)
    assert not conversation.shorten()


def test_empty_answers_are_not_sent_back_empty() -> None:
    conversation = Conversation(["role"], TOOLS, "task", None)
    conversation.add_reply(reply({"type": "text", "text": " "}))
    assert conversation.messages()[1]["content"] == [{"type": "text", "text": "(nothing)"}]
