"""The main job over the real server, as each recorded client does it: gap, action, run, edit in the buffers while somebody types, undo.

The model is the stand-in of the service on loopback; everything else is the product.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from aigentflow.runtime.journal import Journal
from editor.profiles import ALE, EGLOT, HELIX, NEOVIM_10, NEOVIM_12, VSCODE, Profile
from editor.wired import wired
from stand_in import StandIn

pytestmark = pytest.mark.asyncio

SERVICE = "apps/api/src/users/users.service.ts"
ERRORS = "apps/api/src/users/errors.ts"
NEW = "apps/api/src/users/users.events.ts"
FILES = {
    SERVICE: """import { Injectable } from '@nestjs/common';
import { DomainError } from './errors';

@Injectable()
export class UsersService {
  // @backend_dev: greet by name
  greet(name: string): string {
    if (!name) {
      throw new Error('a name is needed');
    }
    return 'hello';
  }
}
""",
    ERRORS: """export class DomainError extends Error {
  constructor(message: string, public readonly code: string) {
    super(message);
  }
}
""",
    "apps/web/src/app.ts": "export const app = 1;\n",
    "package.json": '{"name": "shop", "private": true}\n',
    "apps/api/package.json": '{"name": "api", "dependencies": {"@nestjs/common": "11.0.0"}}\n',
}


def _call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "input": arguments}


TURNS = [
    {"text": "Reading.", "tools": [_call("Read", file_path=SERVICE), _call("Read", file_path=ERRORS)]},
    {
        "text": "Editing.",
        "tools": [
            _call("Edit", file_path=SERVICE, old_string="return 'hello';", new_string="return `hello, ${name}`;"),
            _call(
                "Edit", file_path=SERVICE, old_string="new Error('a name is needed')", new_string="new DomainError('no name', 'NO_NAME')"
            ),
            _call("Edit", file_path=ERRORS, old_string="super(message);", new_string="super(message);\n    this.name = 'DomainError';"),
            _call("Edit", file_path="apps/web/src/app.ts", old_string="1", new_string="2"),
            _call("Bash", command="touch owned"),
            _call("Write", file_path=NEW, content="export const USER_GREETED = 'user.greeted';\n"),
        ],
    },
    {
        "text": json.dumps(
            {
                "implementation": {"summary": "Greets by name", "approach": "A template"},
                "files": [{"path": SERVICE, "action": "modify", "description": "greets"}],
                "database": {"schemaChanges": False, "migrationRequired": False, "migrationDescription": ""},
                "tests": [],
                "dependencies": {"added": [], "reason": ""},
                "notes": [],
            }
        )
    },
]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "my shop ü"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


@pytest.fixture
def service() -> Iterator[StandIn]:
    with StandIn(TURNS) as stand_in:
        yield stand_in


def _environment(service: StandIn) -> dict[str, str]:
    return {"ANTHROPIC_API_KEY": "test-key-of-nobody", "ANTHROPIC_BASE_URL": service.url}


def _mark(number: int) -> str:
    return f"/* mark {number} 😀 */"


CLIENTS = [VSCODE, NEOVIM_10, NEOVIM_12, HELIX, EGLOT, ALE]


@pytest.mark.parametrize("profile", CLIENTS, ids=lambda profile: profile.fixture)
async def test_from_task_comment_to_edit_while_somebody_types_and_back(shop: Path, service: StandIn, profile: Profile) -> None:
    async with wired(profile, shop, _environment(service)) as desk:
        editor = desk.editor
        editor.open(SERVICE)
        editor.open(ERRORS)
        editor.before_apply = [
            lambda: editor.type(SERVICE, _mark(1), lambda text: text.index("export class")),
            lambda: editor.type(ERRORS, _mark(2), 0),
            lambda: editor.type(SERVICE, _mark(3), 0),
        ]
        editor.after_apply = [lambda: editor.type(SERVICE, _mark(4), len), lambda: editor.type(ERRORS, _mark(5), len)]

        actions = await desk.actions(SERVICE, desk.line_of(SERVICE, "@backend_dev"), 6)
        answer = await desk.choose(actions, "Run backend_dev: greet by name")
        assert set(answer) == {"run"}
        message = await desk.said("backend_dev: finished")

        if profile is ALE:
            await _accept_literally(desk)
        text = await desk.text_has(SERVICE, "hello, ${name}")
        errors = await desk.text_has(ERRORS, "this.name = 'DomainError'")
        assert "throw new DomainError('no name', 'NO_NAME')" in text
        assert "@backend_dev" not in text, "the comment's removal is part of the proposal"
        assert text.count("hello, ${name}") == 1 and errors.count("this.name") == 1
        typed = [number for number in range(1, 6) if _mark(number) in text + errors]
        assert len(typed) == 5 - len(editor.before_apply) - len(editor.after_apply)
        assert "refused" in message
        assert {name: (shop / name).read_text("utf-8") for name in FILES} == FILES, "only the editor saves"
        assert not (shop / "owned").exists()
        if profile is ALE:
            return

        editor.before_apply.clear()
        editor.after_apply.clear()
        await desk.choose(await desk.actions(SERVICE, 0), "Undo run")
        await desk.client.wait_for(lambda: "hello, ${name}" not in editor.text(SERVICE))
        await desk.client.wait_for(lambda: "this.name" not in editor.text(ERRORS))
        left = editor.text(SERVICE) + editor.text(ERRORS)
        assert [number for number in range(1, 6) if _mark(number) in left] == typed
        assert "throw new Error('a name is needed')" in editor.text(SERVICE) and "@backend_dev: greet" in editor.text(SERVICE)


async def _accept_literally(desk: Any) -> None:
    """A client without `applyEdit` takes each pending hunk as the literal edit of a code action."""
    for name in (SERVICE, ERRORS):
        while True:
            actions = [action for line in range(14) for action in await desk.actions(name, line) if action.get("edit")]
            mine = [action for action in actions if action["title"].startswith("Accept this change")]
            if not mine:
                break
            desk.editor.apply(mine[0]["edit"])
            await desk.client.request("textDocument/codeLens", {"textDocument": {"uri": (desk.root / name).as_uri()}})


async def test_the_model_sees_unsaved_text_variables_references_and_only_the_agents_tools(shop: Path, service: StandIn) -> None:
    (shop / "ARCHITECTURE.md").write_text("The greeting lives in the users module.\n", encoding="utf-8")
    async with wired(VSCODE, shop, _environment(service)) as desk:
        desk.editor.open(SERVICE)
        desk.editor.type(SERVICE, "// never saved\n", 0)
        await desk.choose(await desk.actions(SERVICE, desk.line_of(SERVICE, "@backend_dev"), 6), "Run backend_dev")
        await desk.said("backend_dev: finished")
    first = "\n".join(part["text"] for part in service.bodies[0]["messages"][0]["content"])
    assert "// never saved" in first
    assert "The greeting lives in the users module." in first
    assert "greet by name" in first and "$TASK_DESCRIPTION" not in first
    assert {tool["name"] for tool in service.bodies[0]["tools"]} == {"Read", "Write", "Edit", "Grep", "Glob", "Bash"}
    answers = {
        part["tool_use_id"]: part
        for message in service.bodies[2]["messages"]
        for part in message["content"]
        if part["type"] == "tool_result"
    }
    refused = [str(part["content"]) for part in answers.values() if part.get("is_error")]
    assert any("frontend" in text for text in refused), "the owner of the path is named"
    prefix = json.dumps([service.bodies[0]["system"], service.bodies[0]["tools"]])
    assert all(json.dumps([body["system"], body["tools"]]) == prefix for body in service.bodies)


async def test_an_agent_without_edit_and_write_proposes_nothing(shop: Path, service: StandIn) -> None:
    agents = shop / ".aigentflow" / "agents"
    agents.mkdir(parents=True)
    (agents / "reader.md").write_text("---\nagent: reader\ndescription: reads\ntools: [Read]\n---\n# Role\nYou read.\n", encoding="utf-8")
    async with wired(VSCODE, shop, _environment(service)) as desk:
        await desk.client.request("workspace/executeCommand", {"command": "aigentflow.trust", "arguments": [{}]})
        desk.editor.open(SERVICE)
        answer = await desk.client.request(
            "workspace/executeCommand",
            {"command": "aigentflow.run", "arguments": [{"agent": "reader", "uri": (shop / SERVICE).as_uri(), "task": "look"}]},
        )
        assert "result" in answer
        await desk.said("reader: finished")
        assert desk.editor.text(SERVICE) == FILES[SERVICE]
    assert {tool["name"] for tool in service.bodies[0]["tools"]} == {"Read"}


async def test_without_a_key_the_server_says_once_what_to_do_and_goes_on(shop: Path) -> None:
    async with wired(VSCODE, shop, {}) as desk:
        desk.editor.open(SERVICE)
        for _ in range(2):
            await desk.choose(await desk.actions(SERVICE, desk.line_of(SERVICE, "@backend_dev"), 6), "Run backend_dev: greet")
            await desk.said("ANTHROPIC_API_KEY")
        actions = await desk.actions(SERVICE, desk.line_of(SERVICE, "throw new"), 8)
        assert any(action["title"].startswith("Fix with backend_dev") for action in actions)
        assert sum("Set ANTHROPIC_API_KEY" in said for said in desk.editor.messages) == 1


async def test_a_cancelled_run_ends_at_once_and_changes_nothing(shop: Path) -> None:
    with StandIn([{"text": "thinking for ever", "fault": {"silence": 2, "pings": True}}]) as service:
        async with wired(NEOVIM_12, shop, _environment(service)) as desk:
            desk.editor.open(SERVICE)
            run = await desk.choose(await desk.actions(SERVICE, desk.line_of(SERVICE, "@backend_dev"), 6), "Run backend_dev: greet")
            await desk.client.wait_for(lambda: _progress(desk, "turn 1"))
            await desk.choose(await desk.actions(SERVICE, 0), "Cancel run")
            await desk.said("backend_dev: cancelled")
            assert desk.editor.text(SERVICE) == FILES[SERVICE]
            assert _progress(desk, "cancelled")
            assert run["run"]


def _progress(desk: Any, part: str) -> bool:
    values = [params["value"] for method, params in desk.editor.log if method == "$/progress"]
    return any(part in (value.get("message") or "") for value in values)


async def test_what_a_stopped_run_has_made_waits_for_the_person(shop: Path) -> None:
    turns = [TURNS[0], TURNS[1], {"text": "never comes", "fault": {"silence": 2, "pings": True}}]
    with StandIn(turns) as service:
        async with wired(VSCODE, shop, _environment(service)) as desk:
            desk.editor.open(SERVICE)
            await desk.choose(await desk.actions(SERVICE, desk.line_of(SERVICE, "@backend_dev"), 6), "Run backend_dev: greet")
            await desk.client.wait_for(lambda: _progress(desk, "turn 3"))
            await desk.choose(await desk.actions(SERVICE, 0), "Cancel run")
            await desk.said("backend_dev: cancelled")
            assert desk.editor.text(SERVICE) == FILES[SERVICE]
            await desk.choose(await desk.actions(SERVICE, desk.line_of(SERVICE, "return 'hello'"), 6), "Accept this change")
            text = await desk.text_has(SERVICE, "hello, ${name}")
            assert "throw new Error('a name is needed')" in text, "only the accepted hunk was taken"


async def test_the_journal_keeps_texts_before_and_what_became_of_them(shop: Path, service: StandIn, home: Path) -> None:
    async with wired(VSCODE, shop, _environment(service)) as desk:
        desk.editor.open(SERVICE)
        desk.editor.type(SERVICE, "// unsaved\n", 0)
        run = await desk.choose(await desk.actions(SERVICE, desk.line_of(SERVICE, "@backend_dev"), 6), "Run backend_dev: greet")
        await desk.said("backend_dev: finished")
        before = desk.editor.text(SERVICE)
        assert "hello, ${name}" in before
    journal = Journal(home / ".local" / "state" / "aigentflow")
    history = journal.show(run["run"])
    assert history is not None and history.summary.outcome == "finished"
    images = {record["path"]: record["sha256"] for record in history.of("before")}
    assert journal.before_image(run["run"], images[SERVICE]) == ("// unsaved\n" + FILES[SERVICE]).encode()
    kept = journal.proposal(run["run"])
    assert kept is not None and SERVICE in [change["path"] for change in kept["changes"]]
    states = [record["delivery"]["state"] for record in history.of("delivered")]
    assert states == ["sending", "delivered"]
    assert "test-key-of-nobody" not in json.dumps([dict(record) for record in history.records])


@pytest.mark.parametrize("profile", [VSCODE, NEOVIM_10], ids=lambda profile: profile.fixture)
async def test_the_page_of_a_run_says_what_happened(shop: Path, service: StandIn, profile: Profile, home: Path) -> None:
    async with wired(profile, shop, _environment(service)) as desk:
        desk.editor.open(SERVICE)
        run = await desk.choose(await desk.actions(SERVICE, desk.line_of(SERVICE, "@backend_dev"), 6), "Run backend_dev: greet")
        await desk.said("backend_dev: finished")
        assert await desk.choose(await desk.actions(SERVICE, 0), "Show run") == {"shown": True}
        uri = next(params["uri"] for method, params in reversed(desk.editor.log) if method == "window/showDocument")
        if profile is VSCODE:
            assert uri == f"aigentflow:/runs/{run['run']}.md"
            page = (await desk.client.request("workspace/textDocumentContent", {"uri": uri}))["result"]["text"]
        else:
            page = Path(unquote(urlsplit(uri).path)).read_text("utf-8")
            assert not Path(unquote(urlsplit(uri).path)).is_relative_to(shop)
    assert "**finished**" in page and "greet by name" in page
    assert "- Edit `apps/web/src/app.ts`: " in page and "belongs to frontend" in page
    assert "| tests | **not run**" in page
    assert f"`{SERVICE}` (modify): delivered" in page and "+    return `hello, ${name}`;" in page
    assert "3 turns" in page
