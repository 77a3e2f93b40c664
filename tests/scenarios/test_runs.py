"""Whole runs, from request to result: with a scripted model, and with the real client against a stand-in of the service that fails."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from aigentflow.errors import ConfigurationError
from aigentflow.runtime.events import Event, Noted, Refused, RunStarted, Text, ToolAnswered, TurnStarted, Waiting
from aigentflow.runtime.journal import Journal
from aigentflow.runtime.model import AnthropicModel
from aigentflow.runtime.request import RunRequest
from aigentflow.runtime.result import RunResult
from aigentflow.runtime.run import execute
from aigentflow.runtime.scripted import ScriptedModel
from run_making import KEY, agent_text, answers, dumped, edit, json_agent, of_kind, read, request, run, run_against, write, write_files
from stand_in import StandIn

FILES = {"src/a.ts": "const a = 1;\nconst b = 2;\n", "web/page.ts": "const page = 1;\n", "README.md": "# Read me\n"}
DONE = {"text": "Done."}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_files(tmp_path / "workspace", FILES)


def untouched(root: Path) -> bool:
    return {path: (root / path).read_text() for path in FILES} == FILES


# What a run makes


def test_a_run_reads_edits_and_ends_with_one_proposal(root: Path) -> None:
    turns = [{"tools": [read("src/a.ts")]}, {"tools": [edit("src/a.ts", "a = 1", "a = 3"), write("src/new.ts", "export {};\n")]}, DONE]
    result, events = run(request(root), turns)
    assert (result.outcome, result.reason, result.turns, result.report) == ("finished", "", 3, "Done.")
    assert [(change.path, change.kind) for change in result.proposal.changes] == [("src/a.ts", "modify"), ("src/new.ts", "create")]
    assert result.proposal.changes[0].after == "const a = 3;\nconst b = 2;\n"
    assert result.proposal.changes[0].base is not None and result.proposal.changes[0].base.text == FILES["src/a.ts"]
    assert of_kind(events, RunStarted)[0].tools == ("Read", "Write", "Edit", "Grep", "Glob")
    assert [event.is_error for event in of_kind(events, ToolAnswered)] == [False, False, False]
    assert untouched(root)


def test_a_result_survives_json(root: Path) -> None:
    result, _ = run(request(root), [{"tools": [edit("src/a.ts", "a = 1", "a = 3")]}, DONE])
    again = RunResult.model_validate_json(result.model_dump_json())
    assert again.proposal == result.proposal and again == result


def test_the_contract_of_the_command_line_is_kept(root: Path) -> None:
    out = run(request(root), [{"tools": [edit("src/a.ts", "a = 1", "a = 3")]}, DONE])[0].to_contract()
    named = {
        "schema",
        "run",
        "agent",
        "outcome",
        "reason",
        "edits",
        "refusals",
        "verification",
        "gaps",
        "report",
        "claims",
        "usage",
        "turns",
    }
    assert named <= out.keys() and out["schema"] == 1
    assert out["edits"][0] | {"diff": ""} == {"path": "src/a.ts", "kind": "modify", "from": None, "diff": ""}
    assert "-const a = 1;\n+const a = 3;" in out["edits"][0]["diff"]
    assert {name: field["status"] for name, field in out["verification"].items()} == dict.fromkeys(
        ("typecheck", "tests", "lint"), "not_run"
    )
    json.dumps(out)


def test_a_change_outside_the_boundary_is_refused_recorded_and_the_run_goes_on(root: Path) -> None:
    result, events = run(request(root), [{"tools": [edit("web/page.ts", "1", "2"), edit("src/a.ts", "a = 1", "a = 3")]}, DONE])
    assert [(refusal.tool, refusal.path, refusal.owner) for refusal in result.refusals] == [("Edit", "web/page.ts", "frontend_dev")]
    assert [change.path for change in result.proposal.changes] == ["src/a.ts"]
    assert result.outcome == "finished" and len(of_kind(events, Refused)) == 1


# Which tools there are


def tool_names(service: StandIn) -> list[str]:
    return [tool["name"] for tool in service.bodies[0]["tools"]]


def test_only_the_tools_of_the_agent_file_are_offered_and_others_are_refused(root: Path) -> None:
    turns = [{"tools": [{"name": "Write", "input": {"file_path": "src/a.ts", "content": "x"}}]}, DONE]
    with StandIn(turns) as service:
        result, _ = run_against(service, request(root, agent=agent_text(tools="[Read, Grep]")))
    assert tool_names(service) == ["Read", "Grep"]
    assert [refusal.tool for refusal in result.refusals] == ["Write"] and not result.changes


@pytest.mark.parametrize(
    ("agent", "fields", "why"),
    [
        (agent_text(more="read_only: true\n"), {}, ""),
        (agent_text(), {"result": "report"}, "report"),
        (agent_text(), {"allow": ()}, "nothing says what it may change"),
    ],
)
def test_a_run_that_may_change_nothing_is_offered_nothing_that_could(root: Path, agent: str, fields: dict[str, Any], why: str) -> None:
    with StandIn([{"text": "{}"}, {"text": "{}"}]) as service:
        result, _ = run_against(service, request(root, agent=agent, **fields))
    assert tool_names(service) == ["Read", "Grep", "Glob"]
    assert not why or any("only reads" in note and why in note for note in result.notes)


def test_without_a_box_bash_is_left_out_and_that_is_said(root: Path) -> None:
    result, events = run(request(root, agent=agent_text(tools="[Read, Bash, LSP]"), commands={"box": "none"}), [DONE])
    assert of_kind(events, RunStarted)[0].tools == ("Read",)
    assert any("Bash" in note for note in result.notes) and any("LSP" in note for note in result.notes)


# What the model is told


def test_the_request_holds_unsaved_text_variables_and_references(root: Path) -> None:
    body = (
        "# Role\n\nYou change code.\n\n# State\n\nPhase $CURRENT_PHASE, see @README.md\n\n# Task\n\n$TASK_DESCRIPTION\n\n$FILE_BOUNDARIES\n"
    )
    given = request(
        root,
        agent=agent_text(body),
        task="Rename it",
        file="src/a.ts",
        buffers=[{"path": "README.md", "text": "# Not saved yet\n", "version": 4}, {"path": "src/a.ts", "version": 2}],
        project={"phase": "seven"},
    )
    with StandIn([{"tools": [read("src/a.ts"), read("README.md")]}, DONE]) as service:
        result, _ = run_against(service, given)
    first = dumped(service.bodies[0]["messages"])
    for expected in ("Not saved yet", "Phase seven", "Rename it", "src/**", "On the file `src/a.ts`"):
        assert expected in first
    assert "Read me" not in first and "$CURRENT_PHASE" not in dumped(service.bodies[0])
    assert "const a = 1" in answers(service.bodies[1])[0] and "Not saved yet" in answers(service.bodies[1])[1]
    assert result.outcome == "finished"


def test_the_file_that_was_asked_on_is_shown_as_the_person_sees_it(root: Path) -> None:
    buffers = [{"path": "src/a.ts", "text": "// typed just now\n", "version": 3}]
    model = ScriptedModel([{"tools": [write("src/a.ts", "// replaced\n")]}, DONE])
    result, _ = run(request(root, file="src/a.ts", buffers=buffers), model)
    assert "// typed just now" in str(model.requests[0].messages)
    assert [change.after for change in result.proposal.changes] == ["// replaced\n"], "it counts as read"


def test_of_a_large_file_the_part_around_the_place_is_shown_and_that_is_said(root: Path) -> None:
    write_files(root, {"src/big.ts": "".join(f"const line{n} = {n};\n" for n in range(1, 9_000))})
    model = ScriptedModel([DONE])
    place = {"start_line": 5_000, "end_line": 5_000, "text": "const line5000 = 5000;"}
    run(request(root, file="src/big.ts", selection=place), model)
    first = str(model.requests[0].messages)
    assert "line4900 =" in first and "line5100 =" in first and "line1 =" not in first and "Left out for size: src/big.ts" in first


def test_the_base_of_an_open_buffer_is_its_version(root: Path) -> None:
    given = request(root, buffers=[{"path": "src/a.ts", "text": "const a = 1; // typed\n", "version": 9}])
    result, _ = run(given, [{"tools": [edit("src/a.ts", "a = 1", "a = 3")]}, DONE])
    base = result.proposal.changes[0].base
    assert base is not None and (base.version, base.text) == (9, "const a = 1; // typed\n")


def test_system_and_tools_are_the_same_bytes_on_every_turn_and_in_every_run(root: Path) -> None:
    turns = [{"thinking": "hm", "tools": [read("src/a.ts")]}, {"tools": [edit("src/a.ts", "a = 1", "a = 3")]}, DONE]
    with StandIn(lambda _, number: turns[(number - 1) % 3]) as service:
        run_against(service, request(root, task="one thing"))
        run_against(
            service, request(root, task="another thing", run="run-2", gaps=[{"path": "src/a.ts", "line": 1, "check": "c", "message": "m"}])
        )
    fixed = {dumped([body["system"], body["tools"], body["model"], body["thinking"]]) for body in service.bodies}
    assert len(fixed) == 1 and len(fixed.pop()) <= 16_384
    for before, after in zip(service.bodies[:2], service.bodies[1:3], strict=True):
        earlier = [without_marks(message) for message in before["messages"]]
        assert [without_marks(message) for message in after["messages"]][: len(earlier)] == earlier
    assert service.bodies[0]["system"][-1]["cache_control"]["ttl"] == "1h"
    assert "cache_control" in service.bodies[2]["messages"][-1]["content"][-1]
    assert service.bodies[1]["messages"][1]["content"][0] == {"type": "thinking", "thinking": "hm", "signature": "sig-1"}


def without_marks(message: dict[str, Any]) -> dict[str, Any]:
    content = [{key: value for key, value in block.items() if key != "cache_control"} for block in message["content"]]
    return {**message, "content": content}


def test_headers_of_the_persons_configuration_are_sent(root: Path) -> None:
    with StandIn([DONE]) as service:
        run_against(service, request(root, service={"headers": {"X-Team": "blue"}}))
    assert service.requests[0].headers["x-team"] == "blue"


def test_one_connection_serves_the_whole_run(root: Path) -> None:
    with StandIn([{"tools": [read("src/a.ts", limit=n)]} for n in (1, 2, 3)] + [DONE]) as service:
        run_against(service, request(root))
    assert len({recorded.connection for recorded in service.requests}) == 1


# The final answer

REPORT = {"summary": "done", "files": [{"path": "src/a.ts", "action": "modify", "linesChanged": 99}], "verification": {"tests": "pass"}}


def test_the_answer_is_held_against_its_contract_and_against_the_record(root: Path) -> None:
    said = REPORT | {"files": [*REPORT["files"], {"path": "src/ghost.ts", "action": "create"}]}
    turns = [
        {"tools": [edit("src/a.ts", "a = 1", "a = 3"), write("src/silent.ts", "1\n")]},
        {"text": f"Here:\n```json\n{dumped(said)}\n```"},
    ]
    result, _ = run(request(root, agent=json_agent()), turns)
    assert result.report_format == "json"
    assert result.report == {
        "summary": "done",
        "files": [
            {"path": "src/a.ts", "action": "modify", "linesChanged": 1},
            {"path": "src/ghost.ts", "action": "create", "linesChanged": 0},
        ],
    }
    assert {claim.claim: claim.verdict for claim in result.claims} == {
        "tests: pass": "unwitnessed",
        "modify src/a.ts": "confirmed",
        "src/a.ts: 99 lines changed": "contradicted",
        "create src/ghost.ts": "contradicted",
        "files: leaves out src/silent.ts, which changed": "contradicted",
    }
    assert result.verification["tests"].status == "not_run" and result.verification["tests"].reason


@pytest.mark.parametrize("first", ["All done!", '{"summary": "cut', '{"summary": 7, "files": []}', "{}", ""])
def test_an_answer_without_its_form_is_asked_for_once_more(root: Path, first: str) -> None:
    with StandIn([{"text": first}, {"text": dumped(REPORT)}]) as service:
        result, _ = run_against(service, request(root, agent=json_agent()))
    assert result.report_format == "json" and result.report["summary"] == "done"
    said = service.bodies[1]["messages"][-1]["content"][-1]["text"]
    assert "JSON" in said and "summary" in said


def test_an_answer_that_stays_without_form_is_kept_with_the_work(root: Path) -> None:
    turns = [{"tools": [edit("src/a.ts", "a = 1", "a = 3")]}, {"text": "All done!"}, {"text": "I said: done!"}]
    result, _ = run(request(root, agent=json_agent()), turns)
    assert (result.outcome, result.report_format, result.report) == ("finished", "unstructured", "I said: done!")
    assert len(result.changes) == 1


def test_a_report_command_has_the_report_shape(root: Path) -> None:
    found = {"summary": "one", "findings": [{"path": "src/a.ts", "line": 1, "message": "m"}]}
    result, _ = run(request(root, result="report"), [{"text": dumped(found)}])
    assert result.report == found and result.report_format == "json"


# The service fails (fault list, part C)


def test_c1_a_rate_limit_waits_as_told_and_says_so(root: Path) -> None:
    fault = {"fault": {"status": 429, "type": "rate_limit_error", "message": "slow down", "headers": {"retry-after": "0.2"}}}
    with StandIn([fault, DONE]) as service:
        result, events = run_against(service, request(root))
    assert result.outcome == "finished"
    waited = service.requests[1].received - service.requests[0].answered
    assert waited >= 0.19 and of_kind(events, Waiting)[0].seconds == pytest.approx(0.2, rel=0.1)


def test_c1_cancel_works_during_the_wait(root: Path) -> None:
    fault = {"fault": {"status": 429, "headers": {"retry-after": "50"}}}
    with StandIn([fault]) as service:
        result = cancelled_when(service, request(root), lambda event: isinstance(event, Waiting))
    assert result.outcome == "cancelled"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
def test_c2_tries_are_bounded_and_the_end_is_clear(root: Path, status: int) -> None:
    with StandIn([{"fault": {"status": status, "message": "busy"}}] * 9) as service:
        result, _ = run_against(service, request(root))
    assert len(service.requests) == 3
    assert result.outcome == "failed" and result.code == "service" and "Start the run again" in result.reason


BROKEN: dict[str, dict[str, Any]] = {
    "error event": {"error_event": "overloaded_error", "after": 4},
    "reset at once": {"drop": 0},
    "reset after one event": {"drop": 1},
    "reset in the middle": {"drop": 4},
    "reset before the last": {"drop": 6},
    "clean end in the middle": {"end": 4},
    "clean end at once": {"end": 0},
    "not JSON": {"insert": [3, "event: x\ndata: {oops\n\n"]},
    "silence": {"silence": 3, "pings": True},
}


@pytest.mark.parametrize("name", BROKEN)
def test_c3_c8_c9_c10_a_broken_turn_is_repeated_and_tools_run_once(root: Path, name: str) -> None:
    broken = {"text": "WRONG", "tools": [edit("src/a.ts", "b = 2", "b = 9")], "fault": BROKEN[name]}
    turns = [{"tools": [edit("src/a.ts", "a = 1", "a = 3")]}, broken, {"tools": [read("src/a.ts")]}, DONE]
    given = request(root, service={"first_pause": 0.001, "idle_seconds": 0.3, "tries": 3})
    with StandIn(turns) as service:
        result, events = run_against(service, given)
    assert (result.outcome, result.report) == ("finished", "Done.")
    assert result.proposal.changes[0].after == "const a = 3;\nconst b = 2;\n"
    assert dumped(service.bodies[2]["messages"]) == dumped(service.bodies[1]["messages"]), "the turn is repeated from its start"
    assert len(of_kind(events, ToolAnswered)) == 2 and "WRONG" not in dumped(service.bodies[3])


@pytest.mark.parametrize("fault", [{"chunk": 1}, {"line_end": "\r\n"}, {"line_end": "\r"}, {"prefix": ": hello\n\n"}])
def test_c10_odd_framing_changes_nothing(root: Path, fault: dict[str, Any]) -> None:
    turns = [{"text": "ä👋", "tools": [edit("src/a.ts", "a = 1", "ä = '👋'")], "fault": fault}, DONE]
    with StandIn(turns) as service:
        result, _ = run_against(service, request(root))
    assert result.proposal.changes[0].after == "const ä = '👋';\nconst b = 2;\n"


def test_c4_a_conversation_that_is_too_long_is_shortened_once(root: Path) -> None:
    write_files(root, {"src/big.ts": "// filler line\n" * 3_000})
    too_long = {"fault": {"status": 400, "type": "invalid_request_error", "message": "prompt is too long: 300000 tokens > 200000 maximum"}}
    reads = [{"tools": [read("src/big.ts", offset=n)]} for n in (1, 2, 3)]
    with StandIn([*reads, too_long, DONE]) as service:
        result, _ = run_against(service, request(root))
    assert result.outcome == "finished" and any("left out" in note for note in result.notes)
    assert len(service.requests[4].raw) < len(service.requests[3].raw) - 10_000


def test_c4_what_cannot_be_shortened_ends_and_names_the_largest_part(root: Path) -> None:
    too_long = {"fault": {"status": 400, "type": "invalid_request_error", "message": "prompt is too long"}}
    with StandIn([too_long] * 3) as service:
        result, _ = run_against(service, request(root, task="x" * 50_000))
    assert len(service.requests) == 1
    assert result.outcome == "failed" and result.code == "context" and "first message" in result.reason


@pytest.mark.parametrize("status", [401, 403])
def test_c5_a_refused_key_ends_at_once_and_is_named_but_never_shown(root: Path, tmp_path: Path, status: int) -> None:
    fault = {"fault": {"status": status, "type": "authentication_error", "message": f"invalid key {KEY}"}}
    with StandIn([{"tools": [edit("src/a.ts", "a = 1", "a = 3")]}, fault]) as service:
        result, events = run_against(service, request(root, journal=str(tmp_path / "state")))
    assert result.outcome == "failed" and result.code == "credentials" and "ANTHROPIC_API_KEY" in result.reason
    assert len(service.requests) == 2 and len(result.changes) == 1
    everything = result.model_dump_json() + repr(events) + "".join(file.read_text("utf-8", "replace") for file in tmp_path.rglob("*.jsonl"))
    assert KEY not in everything


def test_a_key_in_an_answer_is_in_no_result(root: Path) -> None:
    secret = "token-value-of-the-team"
    turns = [{"tools": [write(f"{secret}.ts", "x")]}, {"text": f"I saw {secret}."}]
    result, events = run(request(root, service={"headers": {"X-Team-Token": secret}}), turns)
    assert secret not in repr(events) + result.model_dump_json() and result.report == "I saw [redacted]."


def test_c6_an_unknown_model_names_the_line_to_change(root: Path) -> None:
    with StandIn([{"fault": {"status": 404, "type": "not_found_error", "message": "model: claude-nope"}}]) as service:
        result, _ = run_against(service, request(root, agent=agent_text(model="claude-nope")))
    assert (result.outcome, result.code) == ("failed", "model-unknown")
    assert "claude-nope" in result.reason and "`model:`" in result.reason and "worker.md" in result.reason


def test_c7_a_refused_connection_names_its_layer(root: Path) -> None:
    with StandIn([]) as service:
        address = service.url

    async def go() -> RunResult:
        model = AnthropicModel(api_key=KEY, base_url=address)
        try:
            return await execute(request(root), lambda _: None, model)
        finally:
            await model.close()

    result = asyncio.run(go())
    assert result.outcome == "failed" and "the connection was refused (127.0.0.1)" in result.reason


@pytest.mark.parametrize(
    "raw", ['{"file_path": ', '{"file_path": "src/a.ts"}{}', "", '{"file_path": 7}', '{"file_path": "src/a.ts", "x": 1}', '{"a": NaN}']
)
def test_c11_arguments_that_cannot_be_used_are_answered_and_three_in_a_row_end_the_run(root: Path, raw: str) -> None:
    bad = {"tools": [{"name": "Read", "input": raw}]}
    with StandIn([bad, bad, {"tools": [read("src/a.ts")]}, bad, bad, bad, DONE]) as service:
        result, _ = run_against(service, request(root))
    assert "was not run" in answers(service.bodies[1])[0]
    assert result.outcome == "failed" and result.code == "invalid-calls" and len(service.requests) == 6


def test_c12_an_answer_cut_in_a_tool_call_runs_nothing_and_is_asked_again_with_more_room(root: Path) -> None:
    cut = {"tools": [edit("src/a.ts", "a = 1", "a = 9"), {"name": "Write", "input": '{"file_path": "src/a'}], "stop_reason": "max_tokens"}
    with StandIn([cut, {"tools": [edit("src/a.ts", "a = 1", "a = 3")]}, DONE]) as service:
        result, _ = run_against(service, request(root))
    assert [body["max_tokens"] for body in service.bodies] == [32_000, 64_000, 64_000]
    assert service.bodies[1]["messages"][0] == service.bodies[0]["messages"][0] and len(service.bodies[1]["messages"]) == 1
    assert result.proposal.changes[0].after == "const a = 3;\nconst b = 2;\n" and any("cut" in note for note in result.notes)


def test_c12_at_the_models_own_limit_the_model_is_told_to_make_smaller_steps(root: Path) -> None:
    cut = {"tools": [{"name": "Write", "input": '{"file_path": "src/a'}], "stop_reason": "max_tokens"}
    with StandIn([cut, cut, cut, DONE]) as service:
        result, _ = run_against(service, request(root))
    assert [body["max_tokens"] for body in service.bodies] == [32_000, 64_000, 128_000, 128_000]
    assert "smaller steps" in answers(service.bodies[3])[0] and result.outcome == "finished" and not result.changes


@pytest.mark.parametrize(
    ("turn", "outcome", "words"),
    [
        ({"text": "I will not.", "stop_reason": "refusal"}, "refused", "declined"),
        ({"text": "Hm", "stop_reason": "solar_flare"}, "failed", "solar_flare"),
        ({"text": "Hm", "stop_reason": "model_context_window_exceeded"}, "failed", "does not fit"),
        ({"text": "Hm", "stop_reason": "tool_use"}, "failed", "no"),
    ],
)
def test_c13_each_way_to_stop_is_shown_as_such(root: Path, turn: dict[str, Any], outcome: str, words: str) -> None:
    result, _ = run(request(root), [{"tools": [edit("src/a.ts", "a = 1", "a = 3")]}, turn])
    assert result.outcome == outcome and words in result.reason and len(result.changes) == 1


def test_c13_a_pause_is_sent_back_and_goes_on(root: Path) -> None:
    with StandIn([{"text": "One moment", "stop_reason": "pause_turn"}, DONE]) as service:
        result, _ = run_against(service, request(root))
    assert service.bodies[1]["messages"][-1] == {"role": "assistant", "content": [{"type": "text", "text": "One moment"}]}
    assert result.outcome == "finished" and result.report == "Done."


def test_c14_odd_calls_are_answered_one_by_one(root: Path) -> None:
    calls = [
        read("src/a.ts") | {"id": "same"},
        read("README.md") | {"id": "same"},
        {"name": None, "input": {}},
        {"name": "Nope", "input": {}},
    ]
    many = [read("src/a.ts", limit=n) for n in range(1, 61)]
    with StandIn([{"tools": calls}, {"tools": many}, DONE]) as service:
        result, _ = run_against(service, request(root))
    blocks = service.bodies[1]["messages"][-1]["content"]
    assert len({block["tool_use_id"] for block in blocks}) == 4 and [block.get("is_error", False) for block in blocks] == [
        False,
        False,
        True,
        True,
    ]
    assert sum("at most 50 calls" in text for text in answers(service.bodies[2])) == 10
    assert result.outcome == "finished"


def test_c15_a_run_in_circles_is_warned_once_and_then_stopped(root: Path) -> None:
    with StandIn(lambda _, number: {"tools": [read("src/a.ts")]}) as service:
        result, _ = run_against(service, request(root))
    assert "5 times" in answers(service.bodies[5])[4]
    assert (result.outcome, result.code) == ("limit", "loop") and len(service.requests) == 6 and "circles" in result.reason


def test_c15_going_back_and_forth_is_a_circle_too(root: Path) -> None:
    there, back = edit("src/a.ts", "a = 1", "a = 2"), edit("src/a.ts", "a = 2", "a = 1")
    result, _ = run(request(root), [{"tools": [there if n % 2 == 0 else back]} for n in range(40)])
    assert result.code == "loop" and result.turns <= 13


def test_c15_reading_again_after_a_change_is_no_circle(root: Path) -> None:
    turns: list[dict[str, Any]] = []
    for n in range(8):
        turns += [{"tools": [read("src/a.ts")]}, {"tools": [edit("src/a.ts", f"a = {n + 1}", f"a = {n + 2}")]}]
    assert run(request(root), [*turns, DONE])[0].outcome == "finished"


def test_c18_what_is_shown_holds_no_control_characters(root: Path) -> None:
    nasty = "ok\x1b[31mred\x1b]8;;http://x\x07 \u202eevil\u202c \x00end"
    result, events = run(request(root), [{"text": nasty}])
    assert "".join(event.text for event in of_kind(events, Text)) == "okred evil end"
    assert result.report == nasty


def test_c20_missing_counts_are_estimated_and_the_limit_still_holds(root: Path) -> None:
    given = request(root, limits={"tokens": 3_000, "turns": 50})
    with StandIn(lambda _, n: {"tools": [read("src/a.ts", limit=n)], "usage": {"input_tokens": -1}}) as service:
        result, _ = run_against(service, given)
    assert result.outcome == "limit" and result.usage.estimated and "3,000 tokens" in result.reason


def test_c22_a_service_that_does_not_stream_is_named(root: Path) -> None:
    with StandIn([{"fault": {"status": 200, "body": '{"content": []}'}}]) as service:
        result, _ = run_against(service, request(root))
    assert result.outcome == "failed" and "event stream" in result.reason and len(service.requests) == 1


def test_an_optional_field_that_is_refused_is_left_out_and_that_is_shown(root: Path) -> None:
    refusal = {"fault": {"status": 400, "type": "invalid_request_error", "message": "thinking.display: Extra inputs are not permitted"}}
    with StandIn([refusal, {"tools": [read("src/a.ts")]}, DONE]) as service:
        result, _ = run_against(service, request(root))
    assert [body["thinking"].get("display") for body in service.bodies] == ["summarized", None, None]
    assert result.left_out_fields == ("thinking.display",) and any("thinking.display" in note for note in result.notes)


def test_a_model_with_short_answers_is_asked_for_short_ones(root: Path) -> None:
    refusal = {"fault": {"status": 400, "type": "invalid_request_error", "message": "max_tokens: 32000 > 8192, which is the maximum"}}
    with StandIn([refusal, {"text": "cut", "stop_reason": "max_tokens"}]) as service:
        result, _ = run_against(service, request(root))
    assert [body["max_tokens"] for body in service.bodies] == [32_000, 8_192] and result.outcome == "limit"


def test_a_file_of_another_dialect_is_not_run(root: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be run"):
        run(request(root, agent="---\nname: other\ndescription: x\n---\nHello\n"), [DONE])


# Limits and cancel


def test_each_limit_ends_the_run_with_the_work_kept(root: Path) -> None:
    turns = [{"tools": [edit("src/a.ts", f"a = {n}", f"a = {n + 1}")], "usage": {"input_tokens": 100_000}} for n in range(1, 30)]
    for limits, words in (({"turns": 3}, "3 turns"), ({"usd": 0.5}, "0.5 USD"), ({"tokens": 250_000}, "250,000 tokens")):
        result, _ = run(request(root, limits=limits), turns)
        assert result.outcome == "limit" and words in result.reason and len(result.changes) == 1, limits


def test_the_time_limit_ends_a_turn_that_does_not_end(root: Path) -> None:
    with StandIn([{"tools": [edit("src/a.ts", "a = 1", "a = 3")]}, {"text": "x", "fault": {"silence": 2, "pings": True}}]) as service:
        result, _ = run_against(service, request(root, limits={"seconds": 1.5}))
    assert result.outcome == "limit" and "1.5 seconds" in result.reason and len(result.changes) == 1


def test_an_unknown_price_is_null(root: Path) -> None:
    result, _ = run(request(root, agent=agent_text(model="claude-sonnet-9")), [DONE])
    assert result.usage.usd is None and any("price" in note for note in result.notes)


def cancelled_when(service: StandIn, given: RunRequest, moment: Any) -> RunResult:
    async def go() -> RunResult:
        reached = asyncio.Event()
        model = AnthropicModel(api_key=KEY, base_url=service.url)
        await model.warm()
        task = asyncio.create_task(execute(given, lambda event: reached.set() if moment(event) else None, model))
        await reached.wait()
        started = asyncio.get_running_loop().time()
        task.cancel()
        result = await task
        assert asyncio.get_running_loop().time() - started < 1.0
        await model.close()
        return result

    return asyncio.run(go())


def test_cancel_while_the_answer_comes_closes_the_stream_and_keeps_the_work(root: Path) -> None:
    turns = [{"tools": [edit("src/a.ts", "a = 1", "a = 3")]}, {"text": "never " * 50, "fault": {"silence": 4}}]
    with StandIn(turns) as service:
        result = cancelled_when(service, request(root), lambda event: isinstance(event, TurnStarted) and event.turn == 2)
        service.wait_for(lambda requests: len(requests) < 2 or requests[1].left)
    assert result.outcome == "cancelled" and [change.path for change in result.proposal.changes] == ["src/a.ts"]


def test_cancel_in_the_middle_of_a_tool_call_does_not_run_it(root: Path) -> None:
    turn = {"text": "x" * 9_000, "tools": [edit("src/a.ts", "a = 1", "a = 3")], "fault": {"silence": 230}}
    with StandIn([turn]) as service:
        result = cancelled_when(service, request(root), lambda event: isinstance(event, Text))
    assert result.outcome == "cancelled" and not result.changes


# Gaps


def test_gaps_are_counted_in_the_text_as_it_was_and_as_it_is_proposed(root: Path) -> None:
    service = "export class Orders {\n  find(id: string) {\n    throw new Error('no ' + id);\n  }\n}\n"
    write_files(root, {"src/orders.service.ts": service, "package.json": '{"name": "api", "dependencies": {"@nestjs/common": "1"}}'})
    body = "# Role\n\nYou repair.\n\n# Checklist\n\n- [ ] Typed domain errors <!-- check: typed-domain-errors -->\n"
    repair = edit("src/orders.service.ts", "new Error('no ' + id)", "new OrderMissing('ORDER_MISSING', id)")
    result, _ = run(request(root, agent=agent_text(body), file="src/orders.service.ts"), [{"tools": [repair]}, DONE])
    assert (result.gaps.before, result.gaps.after) == (1, 0)
    assert run(request(root), [DONE])[0].gaps.before is None


# The journal


def test_a_run_is_recorded_from_begin_to_end(root: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    result, _ = run(request(root, journal=str(state)), [{"tools": [edit("src/a.ts", "a = 1", "a = 3")]}, DONE])
    history = Journal(state).show("run-1")
    assert history is not None and history.summary.outcome == "finished" and history.summary.meta["agent"] == "worker"
    kinds = [record["event"]["kind"] for record in history.of("event")]
    assert kinds[0] == "run_started" and "tool_called" in kinds and result.outcome == "finished"


def test_a_state_folder_that_cannot_be_written_costs_only_the_record(root: Path, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in the way")
    result, _ = run(request(root, journal=str(tmp_path / "state")), [DONE])
    assert result.outcome == "finished" and any("journal" in note for note in result.notes)


# Scripts


def test_a_script_file_replays_with_the_file_filled_in(root: Path, tmp_path: Path) -> None:
    script = tmp_path / "turns.json"
    script.write_text(dumped([{"tools": [edit("${file}", "a = 1", "a = 3")], "usage": {"input_tokens": 1000, "output_tokens": 100}}, DONE]))
    events: list[Event] = []
    result = asyncio.run(execute(request(root, file="src/a.ts", script=str(script)), events.append))
    assert [change.path for change in result.proposal.changes] == ["src/a.ts"] and result.usage.usd == pytest.approx(0.003)


def test_a_second_agent_in_another_role_needs_no_code(root: Path) -> None:
    write_files(root, {"infra/main.tf": 'region = "eu"\n'})
    agent = "---\nagent: platform\ndescription: Cloud\nmodel: haiku\ntools: Read, Edit\n---\nYou write Terraform.\n"
    with StandIn([{"tools": [edit("infra/main.tf", "eu", "us"), edit("src/a.ts", "a", "b")]}, DONE]) as service:
        result, _ = run_against(service, request(root, agent=agent, allow=("infra/**",)))
    assert tool_names(service) == ["Read", "Edit"] and service.bodies[0]["model"] == "claude-haiku-5-5"
    assert [change.path for change in result.proposal.changes] == ["infra/main.tf"] and result.agent == "platform"
    assert [refusal.path for refusal in result.refusals] == ["src/a.ts"]


def test_a_bug_in_a_tool_is_told_to_the_model_and_the_run_goes_on(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> str:
        raise ZeroDivisionError("bug")

    monkeypatch.setattr("aigentflow.runtime.tools.Toolbox._read", explode)
    model = ScriptedModel([{"tools": [read("src/a.ts")]}, DONE])
    result, _ = run(request(root), model)
    assert result.outcome == "finished" and "ZeroDivisionError" in str(model.requests[1].messages)


def test_a_note_tells_when_another_model_is_used(root: Path) -> None:
    result, events = run(request(root, agent=agent_text(model="GPT-4.1 (copilot)")), [DONE])
    assert result.model == "claude-opus-5-5" and any("GPT-4.1" in event.text for event in of_kind(events, Noted))
