"""What an agent asked for and did not get, as the person sees it: a diagnostic at the foreign file, and what can be done about it.

The model is the stand-in of the service on loopback; a turn that waits is held by the test, not by the clock.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aigentflow.runtime.journal import Journal
from editor.profiles import ALE, HELIX, NEOVIM_10, VSCODE, Profile
from editor.wired import Wired, wired
from stand_in import StandIn

pytestmark = pytest.mark.asyncio

Json = dict[str, Any]
SERVICE, WEB, OTHER, TABLE = "apps/api/src/greet.ts", "apps/web/src/app.ts", "apps/web/src/other.ts", "docs/table.json"
FRONTEND = """---
agent: frontend
description: Builds the web client
tools: [Read, Edit]
boundaries:
  allow: [apps/web/**]
---
# Role

You build the web client.
"""
FILES = {
    SERVICE: "// @backend_dev: greet by name\nexport const greet = 'hello';\n",
    WEB: "#!/usr/bin/env node\n// Copyright 2026 the shop\nexport const secretPlan = 1;\n",
    OTHER: "export const secretPlan = 1;\n",
    TABLE: '{"rows": 1}\n',
    ".env": "TOKEN=not-for-anybody\n",
    "package.json": '{"name": "shop", "private": true}\n',
    ".aigentflow/agents/frontend.md": FRONTEND,
}
CLIENTS = [VSCODE, NEOVIM_10, HELIX, ALE]


def _call(name: str, **arguments: Any) -> Json:
    return {"name": name, "input": arguments}


def _edit(path: str, old: str, new: str) -> Json:
    return _call("Edit", file_path=path, old_string=old, new_string=new)


TRIES = {
    "text": "Trying.",
    "tools": [
        _edit(WEB, "= 1", "= 2"),
        _edit(OTHER, "= 1", "= 2"),
        _edit(TABLE, "1", "2"),
        _call("Write", file_path="docs/new.md", content="x"),
    ],
}
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
        pushed = [
            params["diagnostics"] for method, params in desk.editor.log if method.endswith("publishDiagnostics") and params["uri"] == uri
        ]
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


@pytest.mark.parametrize("profile", CLIENTS, ids=lambda profile: profile.fixture)
async def test_a_refusal_stands_at_the_foreign_file_and_each_way_out_leads_somewhere(shop: Path, profile: Profile) -> None:
    with StandIn([TRIES, DONE, TRIES, DONE]) as service:
        async with wired(profile, shop, _environment(service)) as desk:
            for name in (WEB, OTHER, TABLE):
                desk.editor.open(name)
            first = await _start(desk)
            await desk.said("backend_dev: finished")
            await _sees_the_refusal(desk)
            await _hands_over(desk)
            await _declines(desk, first)
            await _allows_and_starts_again(desk, service)


async def _sees_the_refusal(desk: Wired) -> None:
    (found,) = await _until(desk, WEB, 1)
    assert found["message"] == "backend_dev wanted to change this file (Edit) and may not: apps/web/** belongs to frontend."
    assert (found["code"], found["source"], found["severity"]) == ("backend_dev/boundary", "aigentflow", 3)
    assert found["range"]["start"] == {"line": 0, "character": 0} and found["range"]["end"]["line"] == 0
    assert "secretPlan" not in json.dumps(found)
    assert await _titles(desk, WEB) == ["Hand to frontend in a task comment", "Decline"]
    assert await _titles(desk, WEB, line=2) == [], "the quick fixes stand where the diagnostic stands"
    elsewhere = [action["title"] for action in await desk.actions(SERVICE, 1) if "docs/new.md" in action["title"]]
    assert [title.split(":")[0] for title in elsewhere] == ["Allow for this run and start it again", "Decline"], (
        "it has no place of its own"
    )


async def _hands_over(desk: Wired) -> None:
    action = next(action for action in await desk.actions(WEB, 0) if action["title"].startswith("Hand to frontend"))
    assert "command" not in action, "an edit that every client can take"
    if desk.profile is not ALE and desk.profile.recorded["capabilities"]["workspace"]["workspaceEdit"].get("documentChanges"):
        version = action["edit"]["documentChanges"][0]["textDocument"]["version"]
        assert version == desk.editor.open(WEB).told_version
    desk.editor.apply(action["edit"])
    task = 'backend_dev needs a change here for its task "greet by name" and may not make it (apps/web/** belongs to frontend)'
    head, body = FILES[WEB].split("export")
    assert desk.editor.text(WEB) == f"{head}// @frontend: {task}\nexport{body}", "below shebang and licence"
    await _until(desk, WEB, 0)
    runs = [action["title"] for action in await desk.actions(WEB, 2, 4) if action["title"].startswith("Run frontend: backend_dev needs")]
    assert len(runs) == 1, "the task comment has an action of its own"


async def _declines(desk: Wired, run: str) -> None:
    await _until(desk, OTHER, 1)
    assert await _decide(desk, OTHER, "Decline") == {"done": True}
    await _until(desk, OTHER, 0)
    history = Journal(Path(os.environ["XDG_STATE_HOME"]) / "aigentflow").show(run)
    assert history is not None
    assert any("You declined the change to apps/web/src/other.ts" in json.dumps(dict(record)) for record in history.records)


async def _allows_and_starts_again(desk: Wired, service: StandIn) -> None:
    (found,) = await _until(desk, TABLE, 1)
    assert "outside the boundary (apps/api/**, packages/database/**)" in found["message"]
    assert await _titles(desk, TABLE) == ["Allow for this run and start it again", "Decline"], "JSON has no comments"
    answer = await _decide(desk, TABLE, "Allow for this run")
    assert answer["done"] is True
    await desk.client.wait_for(lambda: sum("backend_dev: finished" in said for said in desk.editor.messages) == 2)
    results = _results(service.bodies[3])
    assert "Changed 1 place in docs/table.json" in results[2]
    assert "frontend" in results[0] and "outside the boundary" in results[3], "nothing else was opened"
    await _until(desk, OTHER, 1)
    await _until(desk, TABLE, 0)
    if desk.profile is not ALE:
        await desk.text_has(TABLE, '{"rows": 2}')


async def _titles(desk: Wired, name: str, line: int = 0) -> list[str]:
    actions = await desk.actions(name, line)
    return [action["title"].split(":")[0] for action in actions if action.get("kind") == "quickfix"]


def _results(body: Json) -> list[str]:
    return [str(part["content"]) for part in body["messages"][-1]["content"] if part["type"] == "tool_result"]


SCRIBE = """---
agent: scribe
description: Writes
tools: [Read, Write, Edit]
boundaries:
  allow: [notes/**]
---
# Role

You write.
"""
STRAYS = {
    "tools": [
        _call("Write", file_path="docs/new.md", content="x"),
        _call("Read", file_path=".env"),
        _edit(WEB, "= 1", "= 2"),
        _edit("package.json", "shop", "shops"),
    ]
}


@pytest.mark.parametrize("profile", [VSCODE, NEOVIM_10], ids=lambda profile: profile.fixture)
async def test_files_that_nobody_has_open_new_files_and_secrets(shop: Path, profile: Profile) -> None:
    agent = ".aigentflow/agents/scribe.md"
    (shop / agent).write_text(SCRIBE, encoding="utf-8")
    with StandIn([STRAYS, {"text": "Done."}]) as service:
        async with wired(profile, shop, _environment(service)) as desk:
            await desk.client.request("workspace/executeCommand", {"command": "aigentflow.trust", "arguments": [{}]})
            desk.editor.open(agent)
            order = {"agent": "scribe", "task": "write\n it */ down", "uri": (shop / agent).as_uri()}
            run = await _command(desk, "run", order)
            await desk.said("scribe: finished")
            (created,) = await _until(desk, agent, 1)
            assert created["message"] == "scribe wanted to change docs/new.md (Write) and may not: outside the boundary (notes/**)."
            assert created["range"]["start"]["line"] == SCRIBE[: SCRIBE.index("allow:")].count("\n")
            (secret,) = await _until(desk, ".env", 1)
            assert "wanted to read this file (Read)" in secret["message"] and "not-for-anybody" not in json.dumps(desk.editor.log)
            (closed,) = await _until(desk, WEB, 1)
            assert closed["code"] == "scribe/boundary" and "belongs to frontend" in closed["message"]
            desk.editor.open(".env")
            await _until(desk, ".env", 1)
            assert await _titles(desk, ".env") == ["Decline"]
            assert await _command(desk, "handover", {"run": run["run"], "path": WEB}) == {"done": True}
            assert '// @frontend: scribe needs a change here for its task "write it */ down"' in await desk.text_has(WEB, "@frontend")
            await _until(desk, WEB, 0)
            for path in ("package.json", ".env", "docs/none.md"):
                assert await _command(desk, "handover", {"run": run["run"], "path": path}) == {"done": False}
                assert (await _command(desk, "allow", {"run": run["run"], "path": path}))["done"] is (path == "package.json")


async def _command(desk: Wired, name: str, argument: Json) -> Json:
    answer = await desk.client.request("workspace/executeCommand", {"command": f"aigentflow.{name}", "arguments": [argument]})
    assert "error" not in answer, answer
    return dict(answer["result"])
