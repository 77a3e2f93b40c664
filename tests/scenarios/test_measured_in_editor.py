"""From a run to what its verification measured: really run in the box, shown in the buffers and on the page, over the real server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from aigentflow.box.ladder import choose_tier
from editor.profiles import HELIX, NEOVIM_12, VSCODE, Profile
from editor.wired import Wired, wired
from stand_in import StandIn

pytestmark = pytest.mark.asyncio

FILE = "apps/api/src/a.ts"
TEXT = "export const a = 1;\nexport const b = 2;\nexport const c = 3;\n"
CHECK = """import re, sys
lines = open("apps/api/src/a.ts").read().splitlines()
wrong = [number for number, line in enumerate(lines, 1) if "wrong" in line]
for number in wrong:
    print(f"apps/api/src/a.ts({number},18): error TS2304: Cannot find name 'wrong'.")
sys.exit(2 if wrong else 0)
"""
PROJECT = f"verification:\n  typecheck: {Path(sys.executable).name} check.py\n"
FILES = {FILE: TEXT, "check.py": CHECK, ".aigentflow/project.yaml": PROJECT, "package.json": '{"name": "shop"}\n'}
EDIT = {"name": "Edit", "input": {"file_path": FILE, "old_string": "b = 2", "new_string": "b = wrong"}}
REPORT = {
    "implementation": {"summary": "b", "approach": "b"},
    "files": [{"path": FILE, "action": "modify", "description": "b"}],
    "database": {"schemaChanges": False, "migrationRequired": False, "migrationDescription": ""},
    "tests": [],
    "dependencies": {"added": [], "reason": ""},
    "notes": [],
    "verification": {"typecheck": "pass"},
}


@pytest.fixture(scope="module")
def _box() -> None:
    report = choose_tier()
    if report.tier not in ("namespaces", "bubblewrap"):
        pytest.skip(f"no box of the first two tiers here: {report.missed}")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


async def _found(desk: Wired) -> list[tuple[int, str, str]]:
    """Return line, code and message of what the client has of us for the file: pulled, or pushed last."""
    uri = (desk.root / FILE).as_uri()
    announced = desk.profile.recorded["capabilities"]
    refreshes = ((announced.get("workspace") or {}).get("diagnostics") or {}).get("refreshSupport")
    if refreshes and "diagnostic" in announced["textDocument"]:
        answer = await desk.client.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})
        items = answer["result"]["items"]
    else:
        pushed = [params for method, params in desk.editor.log if method == "textDocument/publishDiagnostics" and params["uri"] == uri]
        items = pushed[-1]["diagnostics"] if pushed else []
    return [(item["range"]["start"]["line"], item["code"], item["message"]) for item in items if "/typecheck" in str(item["code"])]


async def _until(desk: Wired, expected: list[tuple[int, str]]) -> list[Any]:
    for _ in range(500):
        await desk.settled()
        found = await _found(desk)
        if [(line, code) for line, code, _message in found] == expected:
            return found
    raise AssertionError(found)


@pytest.mark.usefixtures("_box")
@pytest.mark.parametrize("profile", [VSCODE, NEOVIM_12, HELIX], ids=lambda profile: profile.fixture)
async def test_a_failure_of_the_box_stands_in_the_buffer_until_the_line_is_mended(shop: Path, profile: Profile) -> None:
    turns = [{"tools": [EDIT]}] + [{"text": json.dumps(REPORT)}] * 4
    with StandIn(turns) as service:
        async with wired(profile, shop, {"ANTHROPIC_API_KEY": "nobody", "ANTHROPIC_BASE_URL": service.url}) as desk:
            await desk.client.request("workspace/executeCommand", {"command": "aigentflow.trust", "arguments": [{}]})
            desk.editor.open(FILE)
            desk.editor.type(FILE, "// unsaved\n", 0)
            await desk.settled()
            argument = {"agent": "backend_dev", "uri": (shop / FILE).as_uri(), "task": "make b wrong"}
            started = await desk.client.request("workspace/executeCommand", {"command": "aigentflow.run", "arguments": [argument]})
            await desk.said("backend_dev: finished")
            await desk.text_has(FILE, "b = wrong")
            ((line, _code, message),) = await _until(desk, [(2, "backend_dev/typecheck")])
            assert message == "TS2304: Cannot find name 'wrong'. (measured in the box on the proposed text)"
            assert desk.editor.text(FILE).split("\n")[line] == "export const b = wrong;"
            page = await _page(desk, started["result"]["run"])
            assert "| typecheck | **fail** | pass |" in page and "tier" in page
            desk.editor.type(FILE, "// above\n", 0)
            await _until(desk, [(3, "backend_dev/typecheck")])
            desk.editor.type(FILE, "not so ", lambda text: text.index("wrong"))
            await _until(desk, [])
    assert (shop / FILE).read_text() == TEXT


async def _page(desk: Wired, run: str) -> str:
    """Return the page, as a document of ours or as the file that is shown instead."""
    answer = await desk.client.request("workspace/textDocumentContent", {"uri": f"aigentflow:/runs/{run}.md"})
    return str(answer["result"]["text"])
