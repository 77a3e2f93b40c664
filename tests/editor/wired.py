"""The fake editor in front of the real server: two processes, real time, the recorded capabilities."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from wire_client import Json, WireClient, connected

from .fake_editor import LATENCY, FakeEditor
from .profiles import Profile
from .timeline import LoopTime


class Wired:
    """One client and the server it has started on a folder."""

    def __init__(self, client: WireClient, profile: Profile, root: Path) -> None:
        self.client = client
        self.root = root
        self.profile = profile
        self.editor = FakeEditor(profile, root, LoopTime(), client.notify)
        client.any_request = self._asked
        client.any_notification = self.editor.notified

    def _asked(self, method: str, params: Any) -> asyncio.Future[Json]:
        answered: asyncio.Future[Json] = asyncio.get_running_loop().create_future()

        def answer(result: Any, error: dict[str, Any] | None) -> None:
            if not answered.done():
                answered.set_result({"result": result} if error is None else {"error": error})

        if method == "workspace/configuration":
            answer([None], None)
        elif method == "window/showMessageRequest":
            answer(None, None)
        else:
            self.editor.asked(method, params, answer)
        return answered

    async def start(self) -> Json:
        """Do the handshake as this client does."""
        recorded = self.profile.recorded
        return await self.client.initialize(self.root, recorded["capabilities"], clientInfo=recorded["clientInfo"])

    async def actions(self, name: str, line: int, character: int = 0) -> list[Json]:
        """Return the code actions (or bare commands) at a 0-based position."""
        await self.settled()
        here = {"line": line, "character": character}
        where = {"start": here, "end": here}
        uri = (self.root / name).as_uri()
        params = {"textDocument": {"uri": uri}, "range": where, "context": {"diagnostics": [], "triggerKind": 1}}
        answer = await self.client.request("textDocument/codeAction", params)
        return list(answer["result"])

    async def settled(self) -> None:
        """Let what was typed reach the server first, as clients do before they ask."""
        for buffer in self.editor.buffers.values():
            self.editor.flush(buffer)
        passed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        LoopTime().after(2 * LATENCY, lambda: passed.set_result(None))
        await passed

    async def choose(self, actions: list[Json], part: str) -> Json:
        """Run the first action whose title has this part; return the answer of the command."""
        action = next((action for action in actions if part in action["title"]), None)
        assert action is not None, [action["title"] for action in actions]
        command = action["command"] if isinstance(action["command"], dict) else action
        answer = await self.client.request("workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]})
        assert "error" not in answer, answer
        return dict(answer["result"])

    async def said(self, part: str) -> str:
        """Return the first message with this part."""
        return str(await self.client.wait_for(lambda: next((said for said in self.editor.messages if part in said), None)))

    async def text_has(self, name: str, part: str) -> str:
        """Return the buffer's text as soon as it has this part."""
        await self.client.wait_for(lambda: part in self.editor.text(name))
        return self.editor.text(name)

    def line_of(self, name: str, part: str) -> int:
        """Return the 0-based line of the first occurrence in the buffer."""
        text = self.editor.text(name)
        return text[: text.index(part)].count("\n")


@asynccontextmanager
async def wired(profile: Profile, root: Path, environment: Mapping[str, str]) -> AsyncIterator[Wired]:
    """Yield a started editor on a folder; the server is ended at the end. No spare run host, so that each test starts one only."""
    async with connected({"AIGENTFLOW_WARM_HOST": "false", **environment}) as client:
        desk = Wired(client, profile, root)
        await desk.start()
        yield desk
