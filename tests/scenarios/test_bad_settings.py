"""Settings of wrong types, settings that only the person may set, and keys that are missing or wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bad_input import PROBE, Editor, editor, home_environment, put
from stand_in import StandIn

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "sk-ant-api03-" + "Zq7" * 30


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace whose own settings files would raise limits, if anybody listened."""
    evil = json.dumps({"aigentflow.service.url": "http://127.0.0.1:9", "aigentflow.limits.usd": 1e6})
    return put(
        tmp_path_factory.mktemp("settings"), {"apps/api/package.json": "{}", "apps/api/src/probe.ts": PROBE, ".vscode/settings.json": evil}
    )


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desk(root: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    """One server that began with broken options."""
    options = {"review": 3, "limits": {"turns": "many", "usd": 1.0}, "lenses": True, "gaps": [], "frobnicate": {"a": 1}, "trace": "off"}
    async with editor(root, tmp_path_factory.mktemp("home"), initializationOptions=options) as shared:
        await shared.client.diagnostics(shared.probe, bool)
        yield shared
        await shared.assert_alive()


async def configured(desk: Editor, settings: Any) -> list[str]:
    """Send settings; return the messages that came of them."""
    before = len(desk.client.messages())
    desk.client.notify("workspace/didChangeConfiguration", {"settings": settings})
    for _ in range(2):
        # The first answer may overtake settings that arrived together with the question.
        await desk.lenses(desk.probe)
    return desk.client.messages()[before:]


async def test_broken_options_at_the_start_are_told_one_by_one_and_cost_themselves(desk: Editor) -> None:
    told = desk.client.messages()
    for name in ("aigentflow.review", "aigentflow.limits.turns", "aigentflow.gaps", "aigentflow.frobnicate"):
        assert sum(f"`{name}`" in message for message in told) == 1, name
    assert not any("usd" in message or "lenses" in message or "trace" in message for message in told)
    assert await desk.lenses(desk.probe) != []


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"lenses": "often", "model": "opus"}, "aigentflow.lenses"),
        ({"limits": {"minutes": "soon", "turns": 5}}, "aigentflow.limits.minutes"),
        ({"limits": {"minutes": float("1e999")}}, "aigentflow.limits.minutes"),
        ({"limits": {"tokens": True}}, "aigentflow.limits.tokens"),
        ({"limits": {"turns": -1}}, "aigentflow.limits.turns"),
        ({"gaps": {"minimumConfidence": 7}}, "aigentflow.gaps.minimumConfidence"),
        ({"model": {"a": 1}}, "aigentflow.model"),
        ({"model": ""}, "aigentflow.model"),
        ({"review": ["all"]}, "aigentflow.review"),
        ({"warmHost": None, "lensess": True}, "aigentflow.lensess"),
    ],
    ids=str,
)
async def test_one_message_for_one_wrong_value_and_none_the_second_time(desk: Editor, settings: dict[str, Any], named: str) -> None:
    told = await configured(desk, {"aigentflow": settings})
    assert [message for message in told if f"`{named}`" in message] != [] and len([m for m in told if f"`{named}`" in m]) == 1
    assert not any(f"`{named}`" in message for message in await configured(desk, {"aigentflow": settings}))
    await desk.assert_alive()


@pytest.mark.parametrize("settings", [None, 5, "x", [], {}, {"aigentflow": None}, {"aigentflow": []}, {"aigentflow": "x"}], ids=str)
async def test_settings_that_are_none_leave_everything_as_it_was(desk: Editor, settings: Any) -> None:
    assert await configured(desk, settings) == []
    assert await desk.lenses(desk.probe) != []


async def test_a_wrong_value_falls_back_and_a_right_one_counts_at_once(desk: Editor) -> None:
    await configured(desk, {"aigentflow": {"lenses": False}})
    assert await desk.lenses(desk.probe) == []
    await configured(desk, {"aigentflow": {"lenses": "no"}})
    assert await desk.lenses(desk.probe) != []


@pytest.mark.parametrize(
    "settings",
    [
        {"service": {"url": "http://127.0.0.1:9"}},
        {"apiKey": KEY},
        {"baseUrl": "http://127.0.0.1:9"},
        {"trusted": True},
        {"boundaries": {"backend_dev": {"allow": ["**"]}}},
        {"models": {"x": {}}},
        {"limits.usd": 1_000_000, "limits": {"turns": 100_000}},
        {"box": "none", "service": {"headers": {"x-api-key": KEY}}},
    ],
    ids=lambda settings: next(iter(settings)),
)
async def test_what_only_the_person_may_set_is_refused_and_never_repeated(desk: Editor, settings: dict[str, Any]) -> None:
    told = await configured(desk, {"aigentflow": settings})
    assert any("aigentflow/config.yaml" in message for message in told), told
    assert KEY not in "".join(told)


@pytest.fixture
def refusing() -> Iterator[StandIn]:
    """Yield a service that refuses every key, and repeats it."""
    refusal = {"status": 401, "type": "authentication_error", "message": f"invalid x-api-key: {KEY}"}
    with StandIn(lambda body, number: {"fault": refusal}) as service:
        yield service


async def test_a_wrong_key_names_the_setting_and_is_shown_nowhere(root: Path, refusing: StandIn, tmp_path: Path) -> None:
    environment = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": refusing.url}
    async with editor(root, tmp_path, environment=environment, initializationOptions={"warmHost": False}) as own:
        order = {"agent": "backend_dev", "uri": own.probe, "task": f"look, do not write down {KEY}"}
        await own.client.request("workspace/executeCommand", {"command": "aigentflow.run", "arguments": [order]})
        await own.client.wait_for(lambda: any("failed" in message for message in own.client.messages()))
        await own.client.request("workspace/executeCommand", {"command": "aigentflow.show", "arguments": [{}]})
        await own.assert_alive()
        titles = await own.titles(own.probe, 3, 5)
        assert any(title.startswith("Fix with backend_dev") for title in titles), "everything else goes on"
        said = own.client.messages()
    assert any("ANTHROPIC_API_KEY" in message for message in said)
    assert len(refusing.requests) == 1, "a refused key is not tried again"
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".jsonl" for path in kept) and any(path.suffix == ".md" for path in kept)
    leaks = [path.parent.name for path in kept if KEY.encode() in path.read_bytes()]
    assert leaks == []
    assert KEY not in "".join(said)


def run_cli(*words: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    env = {**os.environ, **home_environment(home), **environment}
    return subprocess.run(
        [sys.executable, "-P", "-m", "aigentflow", *words], check=False, env=env, capture_output=True, text=True, timeout=60
    )


async def test_a_wrong_key_on_the_command_line_is_1_and_shown_nowhere(root: Path, refusing: StandIn, tmp_path: Path) -> None:
    words = ("run", "backend_dev", "x", "--workspace", str(root), "--format", "json")
    done = run_cli(*words, home=tmp_path, ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=refusing.url, AIGENTFLOW_DEBUG="1")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert result["outcome"] == "failed" and "ANTHROPIC_API_KEY" in result["reason"]
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["run", "check", "agents", "doctor", "journal"])
async def test_without_a_key_only_a_run_needs_one(root: Path, tmp_path: Path, command: str) -> None:
    words = {"run": ["run", "backend_dev", "x", "--workspace", str(root)], "journal": ["journal"]}
    done = run_cli(*words.get(command, [command, "--workspace", str(root)]), home=tmp_path)
    if command == "run":
        assert (done.returncode, done.stdout) == (2, "") and "ANTHROPIC_API_KEY" in done.stderr
    else:
        assert done.returncode in (0, 1) and done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "text", ["limits: [", "- a\n", "limits: {usd: lots}\n", "boundaries: 5\n", "\0", "service: {url: 5, speed: 9}\n"], ids=range(6)
)
async def test_a_broken_configuration_of_the_person_is_told_and_opens_nothing(root: Path, tmp_path: Path, text: str) -> None:
    put(tmp_path, {".config/aigentflow/config.yaml": text})
    done = run_cli("agents", "--workspace", str(root), "--format", "json", home=tmp_path)
    assert done.returncode == 0 and "config.yaml" in done.stderr and "Traceback" not in done.stderr
    assert json.loads(done.stdout)["agents"]
