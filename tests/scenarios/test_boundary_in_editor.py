"""Before a run: what an agent may change here, seen on its file's patterns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from editor.profiles import VSCODE
from editor.wired import Wired, wired

pytestmark = pytest.mark.asyncio

AGENT = ".aigentflow/agents/porter.md"
PROJECT = ".aigentflow/project.yaml"
TEXT = """---
agent: porter
description: Ports services
tools: [Read, Edit]
boundaries:
  allow: [services/**, "shared/*.go", "/etc/**"]
  deny:
    - services/locked/**
    - {pattern: web/**, owner: frontend}
---

# Role

You port services.
"""
OTHER = (
    "---\nagent: painter\ndescription: Paints\ntools: [Edit]\nboundaries: {allow: ['services/ui/**', 'web/**']}\n---\n\n# Role\n\nPaint.\n"
)
FILES = {
    AGENT: TEXT,
    ".aigentflow/agents/painter.md": OTHER,
    "services/a.go": "a",
    "services/b.go": "b",
    "services/.envrc": "export A=1",
    "services/key.pem": "none",
    "services/locked/c.go": "c",
    "services/ui/d.go": "d",
    "shared/e.go": "e",
    "shared/inner/f.go": "f",
    "web/g.ts": "g",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


async def _hover(desk: Wired, name: str, part: str) -> str:
    """Return the hover on the first occurrence, as soon as the files are counted."""
    text = desk.editor.text(name)
    offset = text.index(part)
    line = text[:offset].count("\n")
    position = {"line": line, "character": offset - (text.rfind("\n", 0, offset) + 1) + 1}
    params = {"textDocument": {"uri": (desk.root / name).as_uri()}, "position": position}
    for _ in range(500):
        await desk.settled()
        answer = (await desk.client.request("textDocument/hover", params))["result"]
        said = "" if answer is None else str(answer["contents"]["value"])
        if "being counted" not in said:
            return said
    raise AssertionError("never counted")


async def test_a_pattern_says_what_it_matches_now(root: Path) -> None:
    async with wired(VSCODE, root, {}) as desk:
        desk.editor.open(AGENT)
        services = await _hover(desk, AGENT, "services/**")
        assert "`services/**` (allow) – 6 of 11 files" in services
        assert "2 of them protected or secret, so not changed" in services and "1 of them denied" in services
        assert "1 also match allow of painter" in services and "`services/a.go`" in services
        assert "1 of 11 files" in await _hover(desk, AGENT, "shared/*.go")
        absolute = await _hover(desk, AGENT, "/etc/**")
        assert "no file of 11 matches now" in absolute and "absolute" in absolute
        assert "(restriction) – 1 of 11 files" in await _hover(desk, AGENT, "web/**")
        whole = await _hover(desk, AGENT, "boundaries:")
        assert "may change 4 files once trusted · read-only elsewhere" in whole and "(frontend)" in whole


async def test_the_numbers_follow_the_files_and_the_text(root: Path) -> None:
    async with wired(VSCODE, root, {}) as desk:
        desk.editor.open(AGENT)
        assert "6 of 11 files" in await _hover(desk, AGENT, "services/**")
        desk.editor.type(AGENT, "web/none/**, ", lambda text: text.index("services/**"))
        assert "no file of 11 matches now" in await _hover(desk, AGENT, "web/none/**")


async def test_the_project_file_gets_the_same(root: Path) -> None:
    text = "boundaries:\n  porter:\n    allow: [shared/**]\n    deny: ['[']\n  nobody: {allow: [web/**]}\n"
    (root / PROJECT).write_text(text, encoding="utf-8")
    async with wired(VSCODE, root, {}) as desk:
        desk.editor.open(PROJECT)
        assert "`shared/**` (allow) – 2 of 12 files" in await _hover(desk, PROJECT, "shared/**")
        assert "there is no agent `nobody` here" in await _hover(desk, PROJECT, "web/**")
        assert "may change 0 files" in await _hover(desk, PROJECT, "porter")
        answer = await desk.client.request("textDocument/diagnostic", {"textDocument": {"uri": (root / PROJECT).as_uri()}})
        found: list[Any] = answer["result"]["items"]
        assert [(item["code"], item["severity"]) for item in found] == [("restriction.unclear", 1)]


async def test_the_whole_boundary_is_told_on_demand(root: Path) -> None:
    async with wired(VSCODE, root, {}) as desk:
        desk.editor.open(AGENT)
        await _hover(desk, AGENT, "boundaries:")
        arguments = [{"agent": "porter", "uri": (root / AGENT).as_uri(), "boundary": True}]
        await desk.client.request("workspace/executeCommand", {"command": "aigentflow.checklist", "arguments": arguments})
        said = await desk.said("may change 4 files")
        assert "Never: `services/locked/**`" in said and "`web/**` (frontend)" in said


async def test_a_lens_says_how_many_files_the_agent_may_change(root: Path) -> None:
    async with wired(VSCODE, root, {}) as desk:
        desk.editor.open(AGENT)
        await _hover(desk, AGENT, "boundaries:")
        answer = await desk.client.request("textDocument/codeLens", {"textDocument": {"uri": (root / AGENT).as_uri()}})
        lenses = {lens["command"]["title"]: lens for lens in answer["result"]}
        lens = lenses["may change 4 files once trusted · read-only elsewhere"]
        assert lens["range"]["start"]["line"] == TEXT.split("\n").index("boundaries:")
        await desk.client.request("workspace/executeCommand", lens["command"])
        assert "Allowed: `services/**`" in await desk.said("may change 4 files")
