"""Server-initiated work-done progress with cancel (LSP 3.17, Work Done Progress).

Tokens are fresh strings: some clients refuse numbers, and a used one may not come back.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from lsprotocol import types as t
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from aigentflow.lsp.client import EditorClient

CREATE_SECONDS = 3.0
"""How long the client may take to accept the token before we go on without progress."""


class Progress:
    """One progress bar; everything here is quiet where the client has none."""

    def __init__(self, client: EditorClient, title: str) -> None:
        self.token = str(uuid.uuid4())
        self._client = client
        self._title = title
        self._begun = False
        self._ended = False
        self._latest = ""

    async def begin(self) -> bool:
        """Show the bar; return whether the client shows it."""
        if not self._client.capabilities.progress:
            return False
        try:
            async with asyncio.timeout(CREATE_SECONDS):
                await self._client.request("window/workDoneProgress/create", t.WorkDoneProgressCreateParams(token=self.token))
        except (TimeoutError, JsonRpcException):
            return False
        if self._ended:
            return False
        begin = t.WorkDoneProgressBegin(title=self._title, cancellable=True, message=self._latest or None)
        self._client.notify("$/progress", t.ProgressParams(token=self.token, value=begin))
        self._begun = True
        return True

    def report(self, message: str) -> None:
        """Say what goes on; the last report before the bar is up is shown when it is."""
        self._latest = message
        if self._begun and not self._ended and not self._client.backlogged:
            self._client.notify(
                "$/progress", t.ProgressParams(token=self.token, value=t.WorkDoneProgressReport(message=message, cancellable=True))
            )

    def end(self, message: str) -> None:
        """Take the bar away; further calls do nothing."""
        if self._begun and not self._ended:
            self._client.notify("$/progress", t.ProgressParams(token=self.token, value=t.WorkDoneProgressEnd(message=message)))
        self._ended = True


class ProgressTokens:
    """Who is to be told when the person cancels a progress bar."""

    def __init__(self) -> None:
        self._cancels: dict[str, Callable[[], None]] = {}

    def on_cancel(self, token: str, cancel: Callable[[], None]) -> None:
        """Call `cancel` when the bar of this token is cancelled."""
        self._cancels[token] = cancel

    def forget(self, token: str) -> None:
        """Stop listening; cancelling after the end is ignored quietly."""
        self._cancels.pop(token, None)

    def cancelled(self, token: str | int) -> None:
        """The person cancelled this bar."""
        if (cancel := self._cancels.get(str(token))) is not None:
            cancel()
