"""What an agent asked for and did not get, as the person sees it: a diagnostic at the foreign file, and what can be done about it.

The model is the stand-in of the service on loopback; a turn that waits is held by the test, not by the clock.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aigentflow.runtime.journal import Journal
from editor.profiles import ALE, EGLOT, HELIX, NEOVIM_10, NEOVIM_12, VSCODE, Profile
from editor.wired import Wired, wired
from stand_in import StandIn

pytestmark = pytest.mark.asyncio

Json = dict[str, Any]
SERVICE, WEB, TABLE = "apps/api/src/greet.ts", "apps/web/src/app.ts", "docs/table.json"
FILES = {
    SERVICE: "// @backend_dev: greet by name\nexport const greet = 'hello';\n",
    WEB: "#!/usr/bin/env node\n// Copyright 2026 the shop\nexport const secretPlan = 1;\n",
    TABLE: '{"a": 1}\n',
    ".env": "TOKEN=not-for-anybody\n",
    "package.json": '{"name": "shop", "private": true}\n',
}
CLIENTS = [VSCODE, NEOVIM_10, NEOVIM_12, HELIX, EGLOT, ALE]


def _call(name: str, **arguments: Any) -> Json:
    return {"name": name, "input": arguments}


def _edit(path: str, old: str, new: str) -> Json:
    return _call("Edit", file_path=path, old_string=old, new_string=new)


TRIES = {"text": "Trying.", "tools": [_call("Read", file_path=WEB), _edit(WEB, "= 1", "= 2")]}
REPORT = {
    "implementation": {"summary": "Nothing yet", "approach": "It belongs to somebody else"},
    "files": [],
    "database": {"schemaChanges": False, "migrationRequired": False, "migrationDescription": ""},
    "tests": [],
    "dependencies": {"added": [], "reason": ""},
    "notes": [],
}
DONE = {"text": json.dumps(REPORT)}


class Held:
    """A script whose turns from some number on wait until the test lets them go."""

    def __init__(self, turns: list[Json], held: int) -> None:
        self.turns = turns
        self.held = held
        self.gate = threading.Event()

    def __call__(self, body: Json, number: int) -> Json:
        if number >= self.held:
            self.gate.wait(20)
        return self.turns[min(number, len(self.turns)) - 1]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "my shop"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def service() -> Iterator[StandIn]:
    with StandIn([TRIES, DONE]) as stand_in:
        yield stand_in


def _environment(service: StandIn) -> dict[str, str]:
    return {"ANTHROPIC_API_KEY": "test-key-of-nobody", "ANTHROPIC_BASE_URL": service.url}


async def _start(desk: Wired) -> str:
    desk.editor.open(SERVICE)
    answer = await desk.choose(await desk.actions(SERVICE, 0, 4), "Run backend_dev: greet by name")
    return str(answer["run"])


async def _shown(desk: Wired, name: str) -> list[Json]:
    """Return our boundary diagnostics of a file, pulled or pushed, as this client gets them."""
    uri = (desk.root / name).as_uri()
    recorded = desk.profile.recorded["capabilities"]
    pulls = "diagnostic" in recorded["textDocument"] and (recorded["workspace"].get("diagnostics") or {}).get("refreshSupport")
    if pulls and str(desk.root / name) in desk.editor.buffers:
        await desk.settled()
        found = (await desk.client.request("textDocument/diagnostic", {"textDocument": {"uri": uri}}))["result"]["items"]
    else:
        pushed = [params["diagnostics"] for method, params in desk.editor.log if method.endswith("publishDiagnostics") and params["uri"] == uri]
        found = pushed[-1] if pushed else []
    return [one for one in found if str(one.get("code", "")).endswith("/boundary")]


async def _until(desk: Wired, name: str, count: int) -> list[Json]:
    """Return the boundary diagnostics of a file once there are that many; each message of the server is a reason to look again."""
    while len(found := await _shown(desk, name)) != count:
        seen = len(desk.editor.log)
        await desk.client.wait_for(lambda seen=seen: len(desk.editor.log) != seen)
    return found


async def _decide(desk: Wired, name: str, part: str, line: int = 0) -> Json:
    return await desk.choose(await desk.actions(name, line), part)


def _text_of_results(body: Json) -> str:
    return json.dumps(body["messages"][-1])


@pytest.mark.parametrize("profile", CLIENTS, ids=lambda profile: profile.fixture)
async def test_a_refusal_stands_at_the_foreign_file_and_goes_when_it_is_declined(shop: Path, service: StandIn, profile: Profile, home: Path) -> None:
    async with wired(profile, shop, _environment(service)) as desk:
        desk.editor.open(WEB)
        run = await _start(desk)
        await desk.said("backend_dev: finished")
        (found,) = await _until(desk, WEB, 1)
        assert found["message"] == "backend_dev wanted to change this file (Edit) and may not: apps/web/** belongs to frontend."
        assert (found["code"], found["source"], found["severity"]) == ("backend_dev/boundary", "aigentflow", 3)
        assert found["range"]["start"] == {"line": 0, "character": 0} and found["range"]["end"]["line"] == 0
        assert "secretPlan" not in json.dumps(found)
        actions = [action for action in await desk.actions(WEB, 0) if action.get("kind") == "quickfix"]
        assert [action["title"].split(":")[0] for action in actions] == ["Hand to frontend in a task comment", "Decline"]
        assert all(action["diagnostics"][0]["message"] == found["message"] for action in actions)
        assert await desk.actions(WEB, 2) == await desk.actions(WEB, 2) and not any(
            "Decline" in action["title"] for action in await desk.actions(WEB, 2)
        ), "the quick fixes stand where the diagnostic stands"
        assert await _decide(desk, WEB, "Decline") == {"done": True}
        await _until(desk, WEB, 0)
    history = Journal(home / ".local" / "state" / "aigentflow").show(run)
    assert history is not None
    assert any("You declined the change to apps/web/src/app.ts" in json.dumps(dict(record)) for record in history.records)
