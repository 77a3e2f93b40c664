"""Documents, positions, URIs and messages that no editor should send, over the real server: it answers, lives, and keeps every text."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from aigentflow.lsp.convert import path_of
from bad_input import CAPABILITIES, LITERALS, PROBE, Editor, editor, home_environment, peak_memory, positions, put
from stand_in import StandIn
from wire_client import Json, connected

pytestmark = pytest.mark.asyncio(loop_scope="module")

ODD = "// @backend_dev: odd\nthrow new Error('x');\n"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    """One server for all cases of this file that leave it as they found it."""
    folder = tmp_path_factory.mktemp("bad")
    root = put(
        folder / "my shop ü 😀",
        {
            "package.json": '{"private": true}',
            "apps/api/package.json": '{"name": "api", "dependencies": {"@nestjs/common": "11.0.0"}}',
            "apps/api/src/probe.ts": PROBE,
        },
    )
    async with editor(root, folder / "home") as shared:
        await shared.client.diagnostics(shared.probe, bool)
        yield shared
        await shared.assert_alive()
        assert await shared.client.leave() == 0


ELSEWHERE = [
    "untitled:Untitled-1",
    "vscode-notebook-cell:/w/book.ipynb#W0sZmlsZQ==",
    "vscode-vfs://github/owner/name/a.ts",
    "git:/w/a.ts?%7B%22ref%22%3A%22HEAD%22%7D",
    "file:///C:/Users/me/a.ts",
    "file:///c%3A/Users/me/a.ts",
    "file://server/share/a.ts",
    "file:///%ff%fe.ts",
    "file:///" + "x" * 5000 + ".ts",
    "file:///proc/self/mem",
    "file:///",
    "file:",
    "",
    "not a uri",
]


@pytest.mark.parametrize("uri", ELSEWHERE, ids=lambda uri: uri[:30] or "(empty)")
async def test_a_document_of_another_place_offers_nothing_and_costs_nothing(desk: Editor, uri: str) -> None:
    desk.open(uri, ODD)
    assert (await desk.actions(uri)).get("result") == []
    assert await desk.lenses(uri) == []
    assert (await desk.hover(uri))["result"] is None
    desk.change(uri, 2, {"text": "x"}, {"range": {"start": {"line": 9, "character": 9}, "end": {"line": 0, "character": 0}}, "text": "y"})
    desk.close(uri)
    await desk.assert_alive()


@pytest.mark.parametrize("uri", ["file://[bad/a.ts", "http://[::1", "vscode-remote://ssh-remote+[x/a.ts"])
async def test_a_uri_that_cannot_be_taken_apart_is_no_path(desk: Editor, uri: str) -> None:
    desk.open(uri, ODD)
    try:
        assert (await desk.actions(uri)).get("result") == []
        assert (await desk.hover(uri)).get("result", "failed") is None
    finally:
        desk.close(uri)
        await desk.assert_alive()


async def test_a_zero_byte_makes_no_path() -> None:
    assert path_of("file:///a%00b.ts") is None


@pytest.mark.parametrize(
    "name", ["plain.ts", "with space.ts", "ünïcode 😀.ts", "100%.ts", "a#b?c.ts", "[id].ts", "$id.ts", "e\u0301.ts", "(group)/page.ts"]
)
@pytest.mark.parametrize("encoded", ["as most clients do", "everything", "nothing"])
async def test_a_path_is_the_same_however_it_is_written(desk: Editor, name: str, encoded: str) -> None:
    path = desk.root / "apps/api/src" / name
    uri = {
        "as most clients do": path.as_uri(),
        "everything": "file:///" + "".join(f"%{byte:02x}" if byte != 0x2F else "/" for byte in path.as_posix().encode()).lstrip("/"),
        "nothing": "file://" + path.as_posix().replace("%", "%25").replace("#", "%23").replace("?", "%3F"),
    }[encoded]
    desk.open(uri, ODD)
    assert "Run backend_dev: odd" in await desk.titles(path.as_uri(), 0, 5)
    assert "Run backend_dev: odd" in [title for title, _ in await desk.lenses(uri)]
    desk.close(path.as_uri())
    assert await desk.lenses(uri) == []


@pytest.mark.parametrize(("line", "character"), [(0, 10**9), (10**9, 0), (2**31 - 1, 2**31 - 1), (1, 10**6)])
async def test_positions_beyond_the_end_mean_the_end(desk: Editor, line: int, character: int) -> None:
    assert "result" in await desk.actions(desk.probe, line, character)
    assert "result" in await desk.hover(desk.probe, line, character)


@pytest.mark.parametrize(("line", "character"), [("a", 0), (None, 0), ([], {}), ({"line": 0}, 0)])
async def test_positions_that_are_none_are_refused_as_json_rpc_says(desk: Editor, line: Any, character: Any) -> None:
    assert (await desk.actions(desk.probe, line, character))["error"]["code"] == -32602
    assert (await desk.hover(desk.probe, line, character))["error"]["code"] == -32602
    await desk.assert_alive()


@pytest.mark.parametrize(("line", "character"), [(-1, 0), (0, -5), (2**31, 0), (2**32 - 1, 2**32 - 1), (0, 2**70)])
async def test_a_change_at_an_impossible_position_is_clamped_and_not_lost(desk: Editor, line: int, character: int) -> None:
    uri = desk.open((desk.root / "apps/api/src/clamp.ts").as_uri(), "\n// one\n")
    where = {"line": line, "character": character}
    desk.change(uri, 2, {"range": {"start": where, "end": where}, "text": "\n// @backend_dev: clamped\n"})
    try:
        assert [title for title, _ in await desk.lenses(uri)] == ["Run backend_dev: clamped"]
    finally:
        desk.close(uri)
        await desk.assert_alive()


WIDE = "const a = '😀é'; /* 😀 */\r\nconst b = 'x\u2028y\fz';\rlet 日本 = '👩‍👩‍👧‍👦';\n// end"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_in_every_encoding_the_text_is_what_the_client_has(tmp_path: Path, encoding: str) -> None:
    root = put(tmp_path / "w", {"apps/api/package.json": "{}"})
    async with editor(root, tmp_path / "home", {**CAPABILITIES, "general": {"positionEncodings": [encoding]}}) as own:
        uri = own.open((root / "apps/api/src/wide.ts").as_uri(), WIDE)
        text = WIDE
        for version, at in enumerate(
            [0, 11, 12, 13, 20, text.index("\r"), text.index("y"), text.index("日"), text.index("👦"), len(text)], 2
        ):
            where = positions(text, at, encoding)
            own.change(uri, version, {"range": {"start": where, "end": where}, "text": "ü"})
            text = text[:at] + "ü" + text[at:]
        end = positions(text, len(text), encoding)
        own.change(uri, 20, {"range": {"start": end, "end": end}, "text": "\n/* 😀 */ // @backend_dev: here"})
        text += "\n/* 😀 */ // @backend_dev: here"
        place = positions(text, text.index("// @backend_dev"), encoding), positions(text, len(text), encoding)
        assert await own.lenses(uri) == [("Run backend_dev: here", {"start": place[0], "end": place[1]})]
        for inside in range(1, positions("😀", 1, encoding)["character"]):
            other = own.open((root / f"apps/api/src/inside{inside}.ts").as_uri(), "😀\nend\n")
            where = {"line": 0, "character": inside}
            own.change(other, 2, {"range": {"start": where, "end": where}, "text": "// @backend_dev: before "})
            assert [title for title, _ in await own.lenses(other)] == ["Run backend_dev: before 😀"], "inside a character is before it"


@pytest.mark.parametrize("wide", ["x", "é", "日", "😀"])
async def test_ten_megabytes_on_one_line_are_slow_for_nobody_else(desk: Editor, wide: str) -> None:
    started = time.monotonic()
    uri = desk.open(
        (desk.root / f"apps/api/src/long{ord(wide)}.ts").as_uri(), "const a = '" + wide * (10_000_000 // len(wide.encode())) + "';"
    )
    for version in range(2, 5):
        where = {"line": 0, "character": 1_000_000}
        desk.change(uri, version, {"range": {"start": where, "end": where}, "text": "y"})
        assert "result" in await desk.actions(uri, 0, 1_000_000)
        assert await desk.lenses(uri) == []
        await desk.assert_alive()
    desk.close(uri)
    assert time.monotonic() - started < 15
    assert peak_memory(desk.client) < 600


@pytest.mark.parametrize("piece", ["(", "[{", "`${", "<a>", "@x ", "/*", "\r", "\u2028", "\0", "// @backend_dev:\n"])
async def test_fifty_thousand_times_the_same_is_just_a_text(desk: Editor, piece: str) -> None:
    uri = desk.open((desk.root / "apps/api/src/deep.ts").as_uri(), piece * 50_000)
    assert "result" in await desk.actions(uri, 0, 3)
    await desk.lenses(uri)
    await desk.assert_alive()
    desk.close(uri)


async def test_a_document_that_was_never_opened_is_taken_as_a_whole_or_not_at_all(desk: Editor) -> None:
    path = desk.root / "apps/api/src/never.ts"
    desk.change(path.as_uri(), 5, {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}, "text": "x"})
    assert await desk.lenses(path.as_uri()) == []
    desk.change(path.as_uri(), 6, {"text": ODD})
    assert "Run backend_dev: odd" in [title for title, _ in await desk.lenses(path.as_uri())]
    desk.close(path.as_uri())
    desk.close(path.as_uri())
    await desk.assert_alive()


async def test_opened_twice_out_of_order_and_repeated_versions_keep_the_order_of_arrival(desk: Editor) -> None:
    uri = (desk.root / "apps/api/src/twice.ts").as_uri()
    desk.open(uri, "// @backend_dev: one\n", version=7)
    desk.open(uri, "// @backend_dev: two\n", version=3)
    start = {"line": 0, "character": 0}
    for version in (9, 9, 2):
        desk.change(uri, version, {"range": {"start": start, "end": start}, "text": "\n"})
    ((title, where),) = await desk.lenses(uri)
    assert (title, where["start"]) == ("Run backend_dev: two", {"line": 3, "character": 0})
    desk.close(uri)


@pytest.mark.parametrize("method", ["codeAction", "codeLens", "hover"])
@pytest.mark.parametrize(
    "params", [None, {}, [], {"textDocument": None}, {"textDocument": {"uri": 5}}, {"textDocument": {"uri": "file:///x"}}]
)
async def test_requests_without_what_they_need_are_answered(desk: Editor, method: str, params: Any) -> None:
    answer = await desk.client.request(f"textDocument/{method}", params)
    assert "error" in answer or not answer["result"]
    await desk.assert_alive()


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("run", []),
        ("run", [None]),
        ("run", [{"agent": 5}]),
        ("run", [{"agent": "nobody", "uri": "file:///x.ts"}]),
        ("run", [{"agent": "backend_dev", "uri": "file://[", "range": "x"}]),
        ("cancel", [{"run": {}}]),
        ("show", [{"run": "none"}]),
        ("accept", [{"run": "none", "path": 3, "hunk": "x"}]),
        ("reject", ["x"]),
        ("undo", [{}]),
        ("trust", [{"folder": "/does/not/exist"}]),
        ("checklist", [{"agent": None, "uri": None}]),
        ("nothing", []),
    ],
)
async def test_commands_with_arguments_of_any_kind_are_answered(desk: Editor, command: str, arguments: list[Any]) -> None:
    answer = await desk.client.request("workspace/executeCommand", {"command": f"aigentflow.{command}", "arguments": arguments})
    assert "error" in answer or not any(answer["result"].values())
    await desk.assert_alive()


@pytest.mark.parametrize("data", [None, 5, "x", {"fix": "*"}, {"fix": 3, "uri": 4}, {"fix": "*", "uri": "file:///none.ts", "version": "x"}])
async def test_resolving_an_action_that_is_not_ours_gives_it_back(desk: Editor, data: Any) -> None:
    answer = await desk.client.request("codeAction/resolve", {"title": "Somebody's action", "kind": "strange.kind", "data": data})
    assert answer["result"]["title"] == "Somebody's action" and "edit" not in answer["result"]


CLIENTS: dict[str, Json] = {
    "nothing": {},
    "null": {"general": None, "textDocument": None, "workspace": None, "window": None},
    "later": {
        "general": {"positionEncodings": ["utf-7", "ebcdic"]},
        "future": {"x": 1},
        "textDocument": {
            "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["novel.kind", 5]}}},
            "publishDiagnostics": {"tagSupport": {"valueSet": [1, 99]}},
            "telepathy": {"dynamicRegistration": True},
        },
        "workspace": {"workspaceEdit": {"resourceOperations": ["create", "teleport"], "failureHandling": "hope"}},
    },
    "half": {"general": {"positionEncodings": []}, "textDocument": {**LITERALS, "diagnostic": {}}, "workspace": {"diagnostics": {}}},
}


@pytest.mark.parametrize("name", CLIENTS)
async def test_unknown_and_missing_capabilities_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    root = put(tmp_path / "w", {"apps/api/package.json": "{}"})
    async with editor(root, tmp_path / "home", CLIENTS[name], clientInfo={"name": "Strange 😀"}) as own:
        await own.assert_alive()
        answer = await own.actions(own.probe, 0, 5)
        assert any("Run backend_dev: probe" in entry["title"] for entry in answer["result"])
        assert await own.client.diagnostics(own.probe, bool), "whoever cannot be told to pull is pushed to"


async def test_five_hundred_open_files(tmp_path: Path) -> None:
    root = put(tmp_path / "w", {"apps/api/package.json": "{}"})
    async with editor(root, tmp_path / "home") as own:
        texts = [PROBE if n % 50 == 0 else f"export const number{n} = {n};\n" for n in range(500)]
        uris = [own.open((root / f"apps/api/src/f{n}.ts").as_uri(), text) for n, text in enumerate(texts)]
        assert await own.client.diagnostics(uris[450], bool)
        await own.assert_alive()
        for uri in uris[::100]:
            assert "Run backend_dev: probe" in await own.titles(uri, 0, 5)
        assert peak_memory(own.client) < 250
        for uri in uris[1::5]:
            own.close(uri)
        await own.assert_alive()


async def test_without_any_folder_documents_open_and_commands_say_what_is_missing(tmp_path: Path) -> None:
    async with connected(home_environment(tmp_path / "home")) as client:
        answer = await client.request("initialize", {"processId": None, "rootUri": None, "capabilities": CAPABILITIES})
        assert answer["result"]["capabilities"]["codeActionProvider"]
        client.notify("initialized", {})
        own = Editor(client, tmp_path)
        uri = own.open((tmp_path / "alone.ts").as_uri(), ODD)
        assert await own.titles(uri) == []
        answer = await client.request(
            "workspace/executeCommand", {"command": "aigentflow.run", "arguments": [{"agent": "backend_dev", "uri": uri, "task": "x"}]}
        )
        assert "open the folder of the project" in answer["error"]["message"]
        assert any("open the folder of the project" in message for message in client.messages())
        assert await client.leave() == 0


async def test_a_root_that_is_a_single_file_breaks_nothing(tmp_path: Path) -> None:
    place = tmp_path / "one.ts"
    place.write_text(ODD, encoding="utf-8")
    async with connected(home_environment(tmp_path / "home")) as client:
        await client.initialize(place, CAPABILITIES)
        own = Editor(client, tmp_path)
        uri = own.open(place.as_uri(), ODD)
        assert "result" in await own.actions(uri)
        assert await client.diagnostics(uri) is not None
        assert await client.leave() == 0


async def test_a_folder_that_goes_takes_its_offers_along_and_leaves_the_documents(tmp_path: Path) -> None:
    one, two = (put(tmp_path / name, {"apps/api/package.json": "{}"}) for name in ("one", "two"))
    async with editor(one, tmp_path / "home") as own:
        other = own.open((two / "apps/api/src/a.ts").as_uri(), ODD)
        assert await own.titles(other) == []
        folders = [{"uri": folder.as_uri(), "name": folder.name} for folder in (one, two)]
        own.client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [folders[1]], "removed": []}})
        assert "Run backend_dev: odd" in await own.titles(other)
        own.client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [folders[0], folders[0]]}})
        assert await own.titles(own.probe) == []
        assert "Run backend_dev: odd" in await own.titles(other)
        own.client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [folders[0]], "removed": []}})
        await own.assert_alive()


async def test_an_open_agent_file_survives_a_change_of_folders(tmp_path: Path) -> None:
    root = put(
        tmp_path / "w", {"apps/api/package.json": "{}", "b/x": "", ".aigentflow/agents/porter.md": "---\nagent: porter\n---\n# Role\n"}
    )
    async with editor(root, tmp_path / "home") as own:
        own.open((root / ".aigentflow/agents/porter.md").as_uri(), "---\nagent: renamed\n---\n# Role\n", "markdown")
        assert any("renamed" in title for title in await own.titles(own.probe, 0, 5))
        added = [{"uri": (root / "b").as_uri(), "name": "b"}]
        own.client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": added, "removed": []}})
        assert any("renamed" in title for title in await own.titles(own.probe, 0, 5))


RAW = "// ascii\r\n\ufeff'é😀\u2028\u2029\x0b\x0c\x85'\rmixed\n\ttabs\x00\x1b[31m\n// @backend_dev: last"


def _words(answer: Json) -> str:
    content = answer["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


async def test_the_model_sees_exactly_the_text_of_the_editor_and_no_byte_is_lost_on_disk(tmp_path: Path) -> None:
    encoded: dict[str, str | bytes] = {
        "apps/api/src/latin.ts": "// caf\xe9\n".encode("latin-1"),
        "apps/api/src/wide16.ts": "// wide 😀\n".encode("utf-16"),
        "apps/api/src/mark.ts": b"\xef\xbb\xbf// mark\r\nconst a = 1;\r\n",
        "apps/api/src/returns.ts": b"// one\rconst b = 2;\r",
        "apps/api/src/zeros.bin": b"\0\1\2\xff" * 100,
    }
    root = put(tmp_path / "w", {"apps/api/package.json": "{}", **encoded})
    names = [*encoded, "apps/api/src/gone.ts", "apps/api", "apps/api/src/raw.ts"]
    reads = [{"name": "Read", "input": {"file_path": name}} for name in names]
    edits = [
        ("apps/api/src/latin.ts", "caf\xe9", "th\xe9"),
        ("apps/api/src/wide16.ts", "wide", "narrow"),
        ("apps/api/src/mark.ts", "const a = 1;", "const a = 2;"),
        ("apps/api/src/returns.ts", "const b = 2;", "const b = 3;"),
    ]
    calls = [{"name": "Edit", "input": {"file_path": name, "old_string": old, "new_string": new}} for name, old, new in edits]
    with StandIn([{"tools": reads}, {"tools": calls}, {"text": "{}"}, {"text": "not json at all"}]) as service:
        environment = {"ANTHROPIC_API_KEY": "test-key-of-nobody", "ANTHROPIC_BASE_URL": service.url}
        async with editor(root, tmp_path / "home", environment=environment, initializationOptions={"warmHost": False}) as own:
            uri = own.open((root / "apps/api/src/raw.ts").as_uri(), "")
            for version, letter in enumerate(RAW, 2):
                # The client types one character after the other, each at the end.
                text = RAW[: version - 2]
                end = positions(text, len(text), "utf-16")
                if text.endswith("\r") and letter == "\n":
                    end = positions(text[:-1], len(text) - 1, "utf-16")
                    own.change(uri, version, {"range": {"start": end, "end": {"line": 10**6, "character": 0}}, "text": "\r\n"})
                    continue
                own.change(uri, version, {"range": {"start": end, "end": end}, "text": letter})
            await own.client.request(
                "workspace/executeCommand", {"command": "aigentflow.run", "arguments": [{"agent": "backend_dev", "uri": uri, "task": "x"}]}
            )
            await own.client.wait_for(lambda: any("backend_dev: finished" in message for message in own.client.messages()))
            await own.client.wait_for(lambda: any(ask["method"] == "workspace/applyEdit" for ask in own.client.requests))
            await own.assert_alive()
        answers = [part for part in service.bodies[1]["messages"][-1]["content"] if part["type"] == "tool_result"]
    told = [_words(answer) for answer in answers]
    assert len(told) == len(names) and "caf\xe9" in told[0] and "wide 😀" in told[1] and "mark" in told[2] and "const b" in told[3]
    assert [bool(answer.get("is_error")) for answer in answers][4:] == [True, True, True, False]
    assert [line for line in re.split(r"\r\n|\n|\r", RAW) if line not in _words(answers[-1])] == []
    assert {name: (root / name).read_bytes() for name in encoded} == encoded, "only the editor writes"


async def test_a_server_that_has_shut_down_answers_that_it_has(tmp_path: Path) -> None:
    root = put(tmp_path / "w", {})
    async with editor(root, tmp_path / "home") as own:
        await own.client.request("shutdown", None)
        answer = await asyncio.wait_for(own.actions(own.probe), 1)
        assert "error" in answer or answer["result"] == []
        own.client.notify("exit", None)
        assert await asyncio.wait_for(own.client.process.wait(), 10) == 0
