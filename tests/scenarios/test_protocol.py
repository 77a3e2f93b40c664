"""The server survives what real clients and broken ones send: one answer for each request, and the next request works."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from wire_client import WireClient, connected

pytestmark = pytest.mark.asyncio


async def _alive(client: WireClient) -> bool:
    answer = await client.request("textDocument/codeLens", {"textDocument": {"uri": "file:///nowhere.ts"}})
    return answer.get("result") == []


async def test_shutdown_then_exit_is_0_and_nothing_but_protocol_was_printed(tmp_path: Path) -> None:
    async with connected() as client:
        await client.initialize(tmp_path)
        assert await client.leave() == 0
        assert client.strays == []


async def test_exit_without_shutdown_is_1(tmp_path: Path) -> None:
    async with connected() as client:
        await client.initialize(tmp_path)
        client.notify("exit", None)
        assert await client.process.wait() == 1


async def test_the_end_of_input_ends_the_server(tmp_path: Path) -> None:
    async with connected() as client:
        await client.initialize(tmp_path)
        assert client.process.stdin is not None
        client.process.stdin.close()
        async with asyncio.timeout(30):
            assert await client.process.wait() == 0


async def test_unknown_enum_values_do_not_hang_the_handshake(tmp_path: Path) -> None:
    capabilities = {
        "workspace": {"symbol": {"symbolKind": {"valueSet": [1, 99]}}, "workspaceEdit": {"failureHandling": "someday"}},
        "textDocument": {"codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["x.y"]}}}},
        "general": {"positionEncodings": ["ebcdic", "utf-8"]},
    }
    async with connected() as client:
        result = await client.initialize(tmp_path, capabilities, trace="compact")
        assert result["capabilities"]["positionEncoding"] == "utf-8"
        assert await _alive(client)


async def test_an_unknown_trigger_kind_is_answered(tmp_path: Path) -> None:
    async with connected() as client:
        await client.initialize(tmp_path)
        uri = client.open(tmp_path / "a.ts", "const a = 1;\n")
        where = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
        context = {"diagnostics": [], "triggerKind": 77}
        answer = await client.request("textDocument/codeAction", {"textDocument": {"uri": uri}, "range": where, "context": context})
        assert isinstance(answer["result"], list)


async def test_json_rpc_inside_parameters_is_just_data(tmp_path: Path) -> None:
    async with connected() as client:
        await client.initialize(tmp_path, initializationOptions={"inner": {"jsonrpc": "2.0", "id": 1, "method": "x"}})
        answer = await client.request("workspace/executeCommand", {"command": "aigentflow.show", "arguments": [{"jsonrpc": "2.0"}]})
        assert "result" in answer


@pytest.mark.parametrize(
    "body",
    [b"{not json", b"[" * 100_000, b'"text"', b"{}", b'{"jsonrpc":"2.0","method":5}', b'{"jsonrpc":"2.0","id":7,"method":"initialize"}'],
    ids=["broken", "deep", "string", "empty", "number as method", "no parameters"],
)
async def test_a_broken_message_costs_only_itself(tmp_path: Path, body: bytes) -> None:
    async with connected() as client:
        await client.initialize(tmp_path)
        client.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        assert await _alive(client)


async def test_a_request_with_wrong_parameters_is_answered_with_an_error(tmp_path: Path) -> None:
    async with connected() as client:
        await client.initialize(tmp_path)
        answer = await client.request("textDocument/codeAction", {"range": "everywhere"})
        assert answer["error"]["code"] == -32602
        assert await _alive(client)


async def test_an_unknown_request_is_refused_at_once(tmp_path: Path) -> None:
    async with connected() as client:
        await client.initialize(tmp_path)
        assert (await client.request("no/such", {}))["error"]["code"] == -32601
        assert (await client.request("workspace/executeCommand", {"command": "no.such"}))["error"]["code"] == -32602


async def test_headers_may_be_lower_case_come_in_any_order_and_in_pieces(tmp_path: Path) -> None:
    async with connected() as client:
        await client.initialize(tmp_path)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        client._pending["ü"] = future
        body = json.dumps(
            {"jsonrpc": "2.0", "id": "ü", "method": "textDocument/codeLens", "params": {"textDocument": {"uri": "x:y"}}}, ensure_ascii=False
        )
        encoded = body.encode()
        frame = b"content-type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length: %d\r\n\r\n%s" % (len(encoded), encoded)
        for byte in frame:
            client.write(bytes([byte]))
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            assert (await future)["result"] == []


async def test_batches_are_answered_one_by_one(tmp_path: Path) -> None:
    async with connected() as client:
        await client.initialize(tmp_path)
        futures = []
        batch = []
        for number in ("a", "b"):
            client._pending[number] = asyncio.get_running_loop().create_future()
            futures.append(client._pending[number])
            batch.append({"jsonrpc": "2.0", "id": number, "method": "textDocument/codeLens", "params": {"textDocument": {"uri": "x:y"}}})
        client.send(batch)
        async with asyncio.timeout(30):
            assert [answer["result"] for answer in await asyncio.gather(*futures)] == [[], []]


async def test_cancelling_a_command_ends_it_and_an_unknown_id_is_ignored(tmp_path: Path) -> None:
    async with connected() as client:
        asked = asyncio.Event()
        never = asyncio.Event()

        async def hold(params: Any) -> None:
            asked.set()
            await never.wait()

        client.answers["window/showDocument"] = hold
        await client.initialize(tmp_path, {"window": {"showDocument": {"support": True}}})
        number, future = client.ask(
            "workspace/executeCommand", {"command": "aigentflow.checklist", "arguments": [{"agent": "backend_dev"}]}
        )
        async with asyncio.timeout(30):
            await asked.wait()
            client.notify("$/cancelRequest", {"id": number})
            client.notify("$/cancelRequest", {"id": 4711})
            assert (await future)["error"]["code"] == -32800
        assert await _alive(client)


async def test_requests_for_documents_that_are_not_open_are_empty(tmp_path: Path) -> None:
    async with connected() as client:
        await client.initialize(tmp_path)
        place = {"textDocument": {"uri": (tmp_path / "no.ts").as_uri()}, "position": {"line": 9, "character": 9}}
        assert (await client.request("textDocument/hover", place))["result"] is None
        assert (await client.request("textDocument/diagnostic", place))["result"]["items"] == []
        client.notify("textDocument/didChange", {"textDocument": {"uri": "file:///no.ts", "version": 3}, "contentChanges": []})
        client.notify("textDocument/didClose", {"textDocument": {"uri": "file:///no.ts"}})
        assert await _alive(client)


async def test_a_change_at_a_negative_position_is_clamped_and_the_texts_stay_together(tmp_path: Path) -> None:
    async with connected() as client:
        await client.initialize(tmp_path)
        uri = client.open(tmp_path / "a.ts", "// @backend_dev: one\n")
        where = {"start": {"line": -1, "character": -5}, "end": {"line": 0, "character": 0}}
        change = {"range": where, "text": "\n"}
        client.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [change]})
        lenses = (await client.request("textDocument/codeLens", {"textDocument": {"uri": uri}}))["result"]
        assert [lens["range"]["start"]["line"] for lens in lenses] == [1]
