"""The start of the server: answered at once, from a table that is true, with nothing heavy imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as t
from pygls.capabilities import ServerCapabilitiesBuilder

from aigentflow.lsp import capabilities as client_capabilities
from aigentflow.lsp import handshake
from aigentflow.lsp.protocol import lenient_converter
from aigentflow.lsp.server import Server
from editor.profiles import ALL, Profile
from wire_client import connected

HEAVY = (
    *("pydantic", "yaml", "tree_sitter", "sqlite3", "multiprocessing", "anthropic", "httpx2", "ast_grep_py"),
    *("pygls", "lsprotocol", "asyncio"),
)
NEVER = ("anthropic", "httpx2", "ast_grep_py", "sqlite3", "multiprocessing")


def _imported_until_answer(root: Path) -> set[str]:
    """Start the server with an import log, ask `initialize`, and return what was imported before the answer was written."""
    body = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"processId": None, "rootUri": root.as_uri(), "capabilities": {}}}
    ).encode()
    probe = (
        "import sys, aigentflow.lsp.serving as s\n"
        "real = s.answer\n"
        "def answer(body):\n"
        "    reply = real(body)\n"
        "    sys.stderr.write('LOADED ' + ' '.join(sorted({name.partition('.')[0] for name in sys.modules})) + '\\n')\n"
        "    return reply\n"
        "s.answer = answer\n"
        "from aigentflow.cli import main\n"
        "main(['serve'])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-P", "-c", probe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        process.stdin.flush()
        assert process.stdout.readline().lower().startswith(b"content-length")
        process.stdin.close()
        loaded = next(line for line in process.stderr.read().decode().splitlines() if line.startswith("LOADED "))
    return set(loaded.split()[1:])


def test_nothing_heavy_is_imported_before_the_initialize_answer(tmp_path: Path) -> None:
    assert not _imported_until_answer(tmp_path) & set(HEAVY)


@pytest.mark.asyncio
async def test_the_server_process_never_imports_the_models_client(tmp_path: Path) -> None:
    probe = (
        "import atexit, sys, os\n"
        "import aigentflow.lsp.serving as s\n"
        "def leave(code):\n"
        "    sys.stderr.write('LOADED ' + ' '.join(sorted({name.partition('.')[0] for name in sys.modules})) + '\\n')\n"
        "    sys.stderr.flush()\n"
        "    real(code)\n"
        "real, os._exit = os._exit, leave\n"
        "s.serve()\n"
    )
    (tmp_path / "a.service.ts").write_text("export class A {}\n// @backend_dev: do it\n", encoding="utf-8")
    log = tmp_path / "log"
    command = (sys.executable, "-P", "-c", probe)
    with log.open("wb") as stderr:
        saved = os.dup(2)
        os.dup2(stderr.fileno(), 2)
        try:
            async with connected({"ANTHROPIC_API_KEY": "nobody", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}, command) as client:
                await client.initialize(tmp_path)
                uri = client.open(tmp_path / "a.service.ts")
                await client.diagnostics(uri)
                here = {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 4}}
                answer = await client.request(
                    "textDocument/codeAction", {"textDocument": {"uri": uri}, "range": here, "context": {"diagnostics": []}}
                )
                command_ = answer["result"][0]
                await client.request("workspace/executeCommand", {"command": command_["command"], "arguments": command_["arguments"]})
                await client.leave()
        finally:
            os.dup2(saved, 2)
            os.close(saved)
    loaded = next(line for line in log.read_text().splitlines() if line.startswith("LOADED "))
    assert not set(loaded.split()[1:]) & set(NEVER)


@pytest.mark.parametrize("profile", ALL.values(), ids=lambda profile: profile.fixture)
def test_the_table_says_what_pygls_would_announce_for_the_features_that_are_there(profile: Profile) -> None:
    announced = profile.recorded["capabilities"]
    ours = handshake.server_capabilities(announced)
    converter = lenient_converter()
    params = converter.structure({"capabilities": announced, "processId": None, "rootUri": None}, t.InitializeParams)
    server = Server()
    features = server.protocol.fm
    built = ServerCapabilitiesBuilder(
        params.capabilities,
        {**features.features, **features.builtin_features}.keys(),
        features.feature_options,
        list(features.commands),
        t.TextDocumentSyncKind.Incremental,
        None,
        client_capabilities.resolve(params).position_encoding,
    ).build()
    theirs: dict[str, Any] = converter.unstructure(built)
    for name in ("hoverProvider", "codeActionProvider", "codeLensProvider", "positionEncoding"):
        assert ours[name] == theirs[name], name
    assert set(ours["executeCommandProvider"]["commands"]) == set(theirs["executeCommandProvider"]["commands"])
    assert ours["textDocumentSync"]["change"] == 2 and ours["textDocumentSync"]["openClose"]
    if "diagnosticProvider" in ours:
        assert ours["diagnosticProvider"] == theirs["diagnosticProvider"]
