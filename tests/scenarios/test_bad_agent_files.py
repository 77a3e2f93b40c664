"""Agent files and the project file as people write them while they write them: told at the place, that thing degraded, the rest goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bad_input import PROBE, Editor, editor, put
from stand_in import StandIn
from wire_client import Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGENT = """---
agent: porter
description: Ports services 😀
model: sonnet
tools: [Read, Edit, Grep]
boundaries:
  allow: [apps/**]
  deny: [apps/web/**]
commands:
  - {id: port, title: "Port {file}", task: "Port it", on: [file]}
---
# Role
😀 See @apps/api/ and $TASK_DESCRIPTION.
## Checklist
- [ ] Typed domain errors (no plain strings)
"""
PLACE = ".aigentflow/agents/porter.md"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    """One server whose workspace has good and bad agent files; the good one is open."""
    folder = tmp_path_factory.mktemp("agents")
    agents: dict[str, str | bytes] = {
        PLACE: AGENT,
        ".aigentflow/agents/latin.md": AGENT.replace("porter", "latin").replace("😀", "é").encode("latin-1"),
        ".aigentflow/agents/wide16.md": AGENT.replace("porter", "wide16").encode("utf-16"),
        ".aigentflow/agents/marked.md": b"\xef\xbb\xbf" + AGENT.replace("porter", "marked").replace("\n", "\r\n").encode(),
        ".aigentflow/agents/returns.md": AGENT.replace("porter", "returns").replace("\n", "\r"),
        ".aigentflow/agents/README.md": "# What lies here\n",
        ".claude/agents/reviewer.md": "---\nname: reviewer\ndescription: Use it: always\ntools: Read, Grep\n---\nYou review.\n",
        "apps/api/package.json": "{}",
        "apps/api/src/probe.ts": PROBE,
    }
    root = put(folder / "w ü", agents)
    if os.name == "posix":
        (root / ".aigentflow/agents/out.md").symlink_to("/etc/hostname")
        (root / ".aigentflow/agents/loop.md").symlink_to("loop.md")
        (root / ".aigentflow/agents/again").symlink_to(root / ".aigentflow/agents")
        os.mkfifo(root / ".aigentflow/agents/pipe.md")
    async with editor(root, folder / "home") as shared:
        shared.open((root / PLACE).as_uri(), AGENT, "markdown")
        yield shared
        await shared.assert_alive()


@pytest.fixture
def uri(desk: Editor) -> str:
    """Return the URI of the open agent file."""
    return (desk.root / PLACE).as_uri()


_version = iter(range(2, 10_000))


async def typed(desk: Editor, uri: str, text: str) -> list[Json]:
    """Put a text into the open file and return the diagnostics of exactly this version."""
    version = next(_version)
    desk.change(uri, version, {"text": text})

    def newest() -> list[list[Json]]:
        notes = [note["params"] for note in desk.client.notifications if note["method"] == "textDocument/publishDiagnostics"]
        return [note["diagnostics"] for note in notes if note["uri"] == uri and note.get("version") == version][:1]

    found: list[Json] = (await desk.client.wait_for(newest))[0]
    return found


def marked(text: str, diagnostic: Json) -> str:
    """Return the text that a diagnostic of one line is about."""
    start, end = diagnostic["range"]["start"], diagnostic["range"]["end"]
    line = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[start["line"]]
    units = line.encode("utf-16-le")
    return units[2 * start["character"] : 2 * end["character"] if end["line"] == start["line"] else None].decode("utf-16-le")


async def test_every_readable_file_offers_its_commands_and_no_other(desk: Editor, uri: str) -> None:
    await typed(desk, uri, AGENT)
    titles = await desk.titles(desk.probe, 0, 0)
    assert titles.count("Port apps/api/src/probe.ts") == 3, "porter, marked and returns"
    assert not any("latin" in title or "wide16" in title or "reviewer" in title for title in titles)


async def test_commands_and_title_follow_the_buffer_at_once(desk: Editor, uri: str) -> None:
    for title in ("Bring {file} over 😀", "Port {file} \\u2028 twice"):
        assert await typed(desk, uri, AGENT.replace("Port {file}", title)) == []
        assert any("apps/api/src/probe.ts" in found and ("over" in found or "twice" in found) for found in await desk.titles(desk.probe))


CASES = [
    ("tools: [Read, Edit, Grep]", "tools: {a: b, c}", 1, "{a: b, c}", "read-only"),
    ("tools: [Read, Edit, Grep]", "tools: [Read, Edti, Grep]", 3, "Edti", "did you mean 'Edit'"),
    ("tools: [Read, Edit, Grep]", "tools: [Read, Edit, Frobnicate]", 3, "Frobnicate", "not offered"),
    ("model: sonnet", "model: gpt-99-turbo", 3, "gpt-99-turbo", "is not known"),
    ("model: sonnet", "model: [a, b]", 2, "[a, b]", "text"),
    ("agent: porter", "agent: [1, 2]", 1, "[1, 2]", "text"),
    ("agent: porter", "agent: two words", 1, "two words", "cannot name an agent"),
    ("description: Ports services 😀", "description: {a: b}", 2, "{a: b}", "text"),
    ("  allow: [apps/**]", "  allow: 3.5: x", 3, None, "YAML"),
    ("  allow: [apps/**]", "  allow: {a: b}", 1, "{a: b}", "read-only"),
    ("  allow: [apps/**]", "  allow: [apps/**, ../other/**]", 2, "../other/**", "gives nothing"),
    ("  allow: [apps/**]", "  allow: [apps/**, /etc]", 2, "/etc", "gives nothing"),
    ("  allow: [apps/**]", "  allow: [apps/**, '$SRC/**']", 2, "'$SRC/**'", "gives nothing"),
    ("  deny: [apps/web/**]", "  deny: ['[']", 1, "'['", "read-only"),
    ("boundaries:", "bundaries:", 1, "bundaries", "read-only"),
    ("on: [file]", "on: [fil]", 2, "fil", "did you mean 'file'"),
    ("on: [file]", "on: [file], files: ['{']", 2, "['{']", "matches no file"),
    ("on: [file]", "on: [file], kind: '?'", 2, "'?'", "no kind"),
    ('task: "Port it", ', "", 2, None, "no 'task'"),
    ("@apps/api/", "@apps/nothing/", 2, "@apps/nothing/", "no such file"),
    ("@apps/api/", "@../outside.md", 2, "@../outside.md", "out of the workspace"),
    ("@apps/api/", "@/etc/passwd", 2, "@/etc/passwd", "out of the workspace"),
    ("@apps/api/", "@apps/**/*.zig", 2, "@apps/**/*.zig", "nothing matches"),
    ("---\n# Role", "# Role", 1, None, "not closed"),
]


@pytest.mark.parametrize(("old", "new", "severity", "where", "words"), CASES, ids=[case[1].strip()[:40] for case in CASES])
async def test_what_is_wrong_is_told_where_it_stands(
    desk: Editor, uri: str, old: str, new: str, severity: int, where: str | None, words: str
) -> None:
    text = AGENT.replace(old, new, 1)
    found = [entry for entry in await typed(desk, uri, text) if words in entry["message"]]
    assert len(found) == 1 and found[0]["severity"] == severity and found[0]["source"] == "aigentflow", found
    if where is not None:
        assert marked(text, found[0]) == where
    await desk.assert_alive()
    assert await typed(desk, uri, AGENT) == []
    assert "Port apps/api/src/probe.ts" in await desk.titles(desk.probe)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---\n",
        "---\n---\n",
        "\ufeff",
        "\0" * 100,
        "---\nagent: porter\n" + "x: [" * 5000,
        AGENT + "x" * 300_000,
        "# Only a body\n",
        "- a\n" * 9000,
    ],
    ids=range(9),
)
async def test_a_file_that_is_none_is_told_and_comes_back(desk: Editor, uri: str, text: str) -> None:
    found = await typed(desk, uri, text)
    assert found and all(entry["message"] for entry in found)
    await desk.assert_alive()
    assert await typed(desk, uri, AGENT) == []


@pytest.mark.parametrize("end", ["\r\n", "\r"])
async def test_line_ends_and_a_mark_move_no_diagnostic(desk: Editor, uri: str, end: str) -> None:
    text = AGENT.replace("@apps/api/", "@missing.md").replace("Edit, Grep", "Edit, Gerp")
    plain = await typed(desk, uri, text)
    other = await typed(desk, uri, text.replace("\n", end))
    assert [entry["range"] for entry in other] == [entry["range"] for entry in plain]
    assert len(plain) == 2


async def test_references_in_a_circle_and_thousands_of_them_are_read_once(desk: Editor, uri: str) -> None:
    many = " ".join(f"@apps/api/missing{n}.ts" for n in range(3_000))
    found = await typed(desk, uri, f"{AGENT}\n@{PLACE} @.aigentflow/agents/marked.md @{'a/' * 4000}x.md\n{many}\n")
    assert 0 < len(found) <= 200
    await desk.assert_alive()


async def test_a_file_that_is_deleted_lives_as_long_as_its_buffer(desk: Editor, uri: str) -> None:
    path = desk.root / PLACE
    await typed(desk, uri, AGENT.replace("Port {file}", "Only this {file}"))
    path.unlink()
    desk.client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri, "type": 3}]})
    assert "Only this apps/api/src/probe.ts" in await desk.titles(desk.probe)
    desk.close(uri)
    assert not any("Only this" in title for title in await desk.titles(desk.probe))
    path.write_text(AGENT.replace("Port {file}", "Again {file}"), encoding="utf-8")
    desk.client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri, "type": 1}]})
    assert "Again apps/api/src/probe.ts" in await desk.titles(desk.probe)
    path.write_text(AGENT, encoding="utf-8")
    desk.open(uri, AGENT, "markdown")


PROJECT = [
    ("phase: [1]\n", "[1]", 2),
    ("plan: {a: b}\n", "{a: b}", 2),
    ("boundaries: 3\n", "3", 1),
    ("boundaries: {porter: {alow: [x]}}\n", None, 1),
    ("bondaries: {}\n", "bondaries", 1),
    ("verification: {deploy: x}\n", "x", 2),
    ("phase: one\n\t: [\n", None, 3),
    ("- a\n- b\n", None, 1),
    ("x" * 70_000, None, 1),
    ("!!python/object:os.system ls\n", None, 1),
]


@pytest.mark.parametrize(("text", "where", "severity"), PROJECT, ids=range(len(PROJECT)))
async def test_a_broken_project_file_is_told_and_costs_the_value(desk: Editor, text: str, where: str | None, severity: int) -> None:
    uri = desk.open((desk.root / ".aigentflow/project.yaml").as_uri(), text, "yaml")
    found = await desk.client.diagnostics(uri, bool)
    assert severity in [entry["severity"] for entry in found], found
    if where is not None:
        assert where in [marked(text, entry) for entry in found]
    await desk.assert_alive()
    desk.close(uri)
    assert await desk.client.diagnostics(uri, lambda left: not left) == []


async def test_all_agent_files_may_go_at_once(tmp_path: Path) -> None:
    root = put(tmp_path / "w", {PLACE: AGENT, "apps/api/package.json": "{}"})
    async with editor(root, tmp_path / "home") as own:
        assert "Port apps/api/src/probe.ts" in await own.titles(own.probe)
        shutil.rmtree(root / ".aigentflow")
        own.client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": (root / PLACE).as_uri(), "type": 3}]})
        titles = await own.titles(own.probe, 0, 5)
        assert "Port apps/api/src/probe.ts" not in titles and "Run backend_dev: probe" in titles


def call(name: str, given: Any) -> Json:
    """Return a call of a tool; a text stands for broken JSON."""
    return {"name": name, "input": given}


ANSWERS = [
    {"tools": [call("Read", "{broken json"), call("Frobnicate", {"a": 1}), call("Edit", {"file_path": 5})]},
    {"tools": [call("Edit", {"file_path": "apps/api/src/probe.ts", "old_string": "", "new_string": "x"}), call("Grep", {"pattern": "("})]},
    {"tools": [call("Write", {"file_path": "../../etc/x", "content": "x"})], "fault": {"insert": [1, "event: strange\ndata: {oops\n\n"]}},
    {"text": '{"implementation": 3, "files": "none", "notes": {}}'},
    {"text": "{ this is: [not json"},
    {"blocks": [{"type": "telepathy", "thought": 1}, {"type": "text", "text": "{}"}]},
    {"blocks": [{"type": "text", "text": "\ud800\u0000 half a pair"}]},
    {"text": ""},
]


async def test_whatever_the_model_says_a_run_ends_and_nothing_is_changed(tmp_path: Path) -> None:
    root = put(tmp_path / "w", {"apps/api/package.json": "{}", "apps/api/src/probe.ts": PROBE})
    turns = iter(ANSWERS)
    with StandIn(lambda body, number: next(turns, {"text": "{}"})) as service:
        environment = {"ANTHROPIC_API_KEY": "test-key-of-nobody", "ANTHROPIC_BASE_URL": service.url}
        async with editor(root, tmp_path / "home", environment=environment) as own:
            for number in range(3):
                order = {"agent": "backend_dev", "uri": own.probe, "task": f"try {number}"}
                answer = await own.client.request("workspace/executeCommand", {"command": "aigentflow.run", "arguments": [order]})
                assert set(answer["result"]) == {"run"}
                await own.client.wait_for(lambda wanted=number: len(endings(own)) > wanted)
            assert next(turns, None) is None, "every answer was given"
            assert all(any(word in said for word in ("finished", "failed")) for said in endings(own)), endings(own)
            assert [ask for ask in own.client.requests if ask["method"] == "workspace/applyEdit"] == []
            await own.assert_alive()
    assert (root / "apps/api/src/probe.ts").read_text(encoding="utf-8") == PROBE


def endings(own: Editor) -> list[str]:
    """Return the messages that tell how runs ended."""
    return [said for said in own.client.messages() if said.startswith("Aigentflow, backend_dev: ")]
