"""One real server for many cases of bad input, and how a test sees that it lives and has lost no text."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from wire_client import Json, WireClient, connected

LITERALS: Json = {
    "codeAction": {
        "codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}},
        "resolveSupport": {"properties": ["edit"]},
        "dataSupport": True,
    },
    "publishDiagnostics": {"versionSupport": True, "relatedInformation": True},
}
CAPABILITIES: Json = {
    "general": {"positionEncodings": ["utf-16"]},
    "textDocument": LITERALS,
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}, "workspaceFolders": True},
}
PROBE = "// @backend_dev: probe\nexport class Probe {\n  go(): void {\n    throw new Error('probe');\n  }\n}\n"


def home_environment(home: Path) -> dict[str, str]:
    """Return the environment of a person who has configured nothing."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_CACHE_HOME": str(home / ".cache"),
    }


def put(root: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below a folder and return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


class Editor:
    """A client on one folder whose probe document shows whether the server still answers."""

    def __init__(self, client: WireClient, root: Path) -> None:
        self.client = client
        self.root = root
        self.probe = (root / "apps/api/src/probe.ts").as_uri()
        self._versions = itertools.count(1)

    def open(self, uri: str, text: str, language: str = "typescript", version: int = 1) -> str:
        """Open a document under any URI."""
        item = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.client.notify("textDocument/didOpen", {"textDocument": item})
        return uri

    def change(self, uri: str, version: int, *changes: Json) -> None:
        """Send changes as they are."""
        self.client.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": version}, "contentChanges": list(changes)})

    def close(self, uri: str) -> None:
        """Close a document."""
        self.client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    async def actions(self, uri: str, line: Any = 0, character: Any = 0) -> Json:
        """Return the whole answer to `textDocument/codeAction`."""
        here = {"line": line, "character": character}
        params = {"textDocument": {"uri": uri}, "range": {"start": here, "end": here}, "context": {"diagnostics": []}}
        return await self.client.request("textDocument/codeAction", params)

    async def titles(self, uri: str, line: int = 0, character: int = 0) -> list[str]:
        """Return the titles of what is offered."""
        return [action["title"] for action in (await self.actions(uri, line, character))["result"]]

    async def lenses(self, uri: str) -> list[tuple[str, Json]]:
        """Return title and range of the lenses."""
        answer = await self.client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
        return [(lens["command"]["title"], lens["range"]) for lens in answer["result"]]

    async def hover(self, uri: str, line: Any = 0, character: Any = 0) -> Json:
        """Return the whole answer to `textDocument/hover`."""
        return await self.client.request(
            "textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        )

    async def assert_alive(self) -> None:
        """Fail where the server has ended, is deaf, or has lost the text of the probe."""
        number = next(self._versions)
        marked = PROBE.replace("probe\n", f"probe {number}\n", 1)
        self.change(self.probe, number + 1, {"text": marked})
        assert f"Run backend_dev: probe {number}" in [title for title, _ in await self.lenses(self.probe)]
        assert self.client.process.returncode is None
        assert self.client.strays == []


@asynccontextmanager
async def editor(
    root: Path, home: Path, capabilities: Json | None = None, environment: dict[str, str] | None = None, **extra: Any
) -> AsyncIterator[Editor]:
    """Yield an editor on a folder, its probe open."""
    async with connected({**home_environment(home), **(environment or {})}) as client:
        desk = Editor(client, root)
        await client.initialize(root, CAPABILITIES if capabilities is None else capabilities, **extra)
        desk.open(desk.probe, PROBE)
        yield desk


def positions(text: str, offset: int, encoding: str) -> Json:
    """Return the LSP position of a code-point offset, counted independently of the server."""
    before = re.split(r"\r\n|\n|\r", text[:offset])
    unit = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[encoding]
    return {"line": len(before) - 1, "character": len(before[-1].encode(unit[0])) // unit[1]}


def peak_memory(client: WireClient) -> int:
    """Return the highest resident size of the server so far in MiB, 0 where the system does not say."""
    status = Path(f"/proc/{client.process.pid}/status")
    if os.name != "posix" or not status.exists():
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    return int(found[1]) // 1024 if found else 0
