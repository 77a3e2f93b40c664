"""Another role in another language brings its own commands, tools, boundary and contract, without a line of code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from editor.profiles import VSCODE
from editor.wired import wired
from stand_in import StandIn

pytestmark = pytest.mark.asyncio

AGENT = Path(__file__).parents[1] / "agents" / "data_engineer.md"
JOB = "jobs/load_orders.py"
MODEL = "warehouse/models/orders.sql"
TEXTS = {
    JOB: "def load(day):\n    # reads one day\n    return fetch(day)\n\n\ndef fetch(day):\n    return []\n",
    MODEL: "-- @data_engineer: describe this model\nselect 1 as id\n",
    "warehouse/seeds/countries.csv": "code\nDE\n",
    "docs/warehouse.md": "Models have owners.\n",
}


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    for name, text in TEXTS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    agents = tmp_path / ".aigentflow" / "agents"
    agents.mkdir(parents=True)
    shutil.copy(AGENT, agents)
    return tmp_path


def _environment(service: StandIn) -> dict[str, str]:
    return {"ANTHROPIC_API_KEY": "nobody", "ANTHROPIC_BASE_URL": service.url}


def _call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "input": arguments}


async def _trust(desk: Any) -> None:
    answer = await desk.client.request("workspace/executeCommand", {"command": "aigentflow.trust", "arguments": [{}]})
    assert answer["result"] == {"trusted": True}


async def test_its_commands_are_offered_where_they_fit(warehouse: Path) -> None:
    async with wired(VSCODE, warehouse, {}) as desk:
        desk.editor.open(JOB)
        desk.editor.open(MODEL)
        in_job = [action["title"] for action in await desk.actions(JOB, 1, 6)]
        in_model = [action["title"] for action in await desk.actions(MODEL, 0, 6)]
    assert "Explain load" in in_job and not any(title.startswith("Document the model") for title in in_job)
    assert f"Document the model {MODEL}" in in_model
    assert "Run data_engineer: describe this model" in in_model


async def test_untrusted_it_does_not_run_and_nothing_is_sent(warehouse: Path) -> None:
    with StandIn([{"text": "hello"}]) as service:
        async with wired(VSCODE, warehouse, _environment(service)) as desk:
            desk.editor.open(MODEL)
            await desk.choose(await desk.actions(MODEL, 0, 6), "Run data_engineer")
            said = await desk.said("not trusted")
            assert "aigentflow trust" in said
            titles = [action["title"] for action in await desk.actions(MODEL, 0, 6)]
            assert not any(title.startswith("Undo") for title in titles)
    assert service.requests == []


async def test_its_boundary_tools_and_contract_hold(warehouse: Path) -> None:
    turns = [
        {
            "text": "Writing.",
            "tools": [
                _call("Edit", file_path=MODEL, old_string="select 1 as id", new_string="select 1 as id -- one row per order"),
                _call("Write", file_path="warehouse/seeds/countries.csv", content="code\n"),
                _call("Write", file_path="src/app.py", content="x = 1\n"),
            ],
        },
        {"text": "not JSON at all"},
        {"text": "still prose"},
    ]
    with StandIn(turns) as service:
        async with wired(VSCODE, warehouse, _environment(service)) as desk:
            await _trust(desk)
            desk.editor.open(MODEL)
            await desk.choose(await desk.actions(MODEL, 0, 6), "Run data_engineer")
            assert "2 refused" in await desk.said("data_engineer: finished")
            await desk.text_has(MODEL, "one row per order")
            assert "@data_engineer" not in desk.editor.text(MODEL)
    assert {tool["name"] for tool in service.bodies[0]["tools"]} == {"Read", "Grep", "Glob", "Edit", "Write"}
    assert service.bodies[0]["model"].startswith("claude-opus")
    assert len(service.bodies) == 3, "the answer that is not JSON is repaired once and then kept as it is"
    assert not (warehouse / "src").exists()


async def test_a_report_becomes_diagnostics_and_changes_nothing(warehouse: Path) -> None:
    report = {"summary": "Loads one day", "findings": [{"path": JOB, "line": 3, "severity": "warning", "message": "no retry"}]}
    with StandIn([{"text": json.dumps(report)}]) as service:
        async with wired(VSCODE, warehouse, _environment(service)) as desk:
            await _trust(desk)
            desk.editor.open(JOB)
            await desk.choose(await desk.actions(JOB, 1, 6), "Explain load")
            await desk.said("data_engineer: finished")
            desk.editor.type(JOB, "# a new first line\n", 0)
            await desk.settled()
            pulled = await desk.client.request("textDocument/diagnostic", {"textDocument": {"uri": (warehouse / JOB).as_uri()}})
            found = [(item["range"]["start"]["line"], item["message"]) for item in pulled["result"]["items"]]
            assert found == [(3, "no retry")], "the finding moves with its line"
            assert desk.editor.text(JOB) == "# a new first line\n" + TEXTS[JOB]
    assert not {"Edit", "Write"} & {tool["name"] for tool in service.bodies[0]["tools"]}


async def test_a_project_file_counts_only_as_it_was_trusted_not_as_it_stands_in_a_buffer(warehouse: Path) -> None:
    project = ".aigentflow/project.yaml"
    (warehouse / project).write_text("boundaries:\n  data_engineer: {allow: [warehouse/models/**]}\n", encoding="utf-8")
    turns = [{"text": "Writing.", "tools": [_call("Write", file_path="src/app.py", content="x = 1\n")]}, {"text": "done"}, {"text": "done"}]
    with StandIn(turns) as service:
        async with wired(VSCODE, warehouse, _environment(service)) as desk:
            await _trust(desk)
            desk.editor.open(MODEL)
            desk.editor.open(project)
            desk.editor.type(project, "src/**, ", lambda text: text.index("warehouse/models"))
            await desk.choose(await desk.actions(MODEL, 0, 6), "Run data_engineer")
            assert "1 refused" in await desk.said("data_engineer: finished")
    assert not (warehouse / "src").exists()
