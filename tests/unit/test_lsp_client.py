"""Whatever the editor answers, the server gets a plain value, and asks only for what was announced."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from lsprotocol import types as t
from pygls.exceptions import JsonRpcException

from aigentflow.lsp.capabilities import Capabilities
from aigentflow.lsp.client import Applied, EditorClient

pytestmark = pytest.mark.asyncio

ALL = Capabilities(
    apply_edit=True, show_document=True, ask=True, lens_refresh=True, diagnostic_refresh=True, configuration=True, watched_files=True
)
EDIT = t.WorkspaceEdit(changes={})


class Editor:
    """Answers every request with the same value and remembers what it was sent."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.seen: list[tuple[str, Any]] = []

    async def request(self, method: str, params: Any) -> Any:
        self.seen.append((method, params))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def notify(self, method: str, params: Any) -> None:
        self.seen.append((method, params))


def client(answer: Any = None, capabilities: Capabilities = ALL) -> tuple[EditorClient, Editor]:
    editor = Editor(answer)
    return EditorClient(capabilities, editor.request, editor.notify), editor


@pytest.mark.parametrize(
    ("answer", "applied"),
    [
        (t.ApplyWorkspaceEditResult(applied=True), Applied(True)),
        (t.ApplyWorkspaceEditResult(applied=False, failure_reason="stale", failed_change=2), Applied(False, "stale", 2)),
        ({"applied": False, "failureReason": "two\n lines"}, Applied(False, "two lines")),
        ({"applied": "yes"}, Applied(None, "the editor's answer could not be read")),
        (None, Applied(None, "the editor's answer could not be read")),
        (17, Applied(None, "the editor's answer could not be read")),
        (JsonRpcException(message="boom", code=-32603), Applied(False, "boom")),
    ],
)
async def test_every_answer_to_an_edit_is_understood(answer: Any, applied: Applied) -> None:
    assert await client(answer)[0].apply_edit(EDIT, "label") == applied


async def test_nothing_is_asked_that_was_not_announced() -> None:
    quiet, editor = client(capabilities=Capabilities())
    assert (await quiet.apply_edit(EDIT, "x")).applied is None
    assert await quiet.ask("which?", ["a"]) is None
    assert not await quiet.show_document("file:///a")
    assert await quiet.configuration("aigentflow") is None
    assert not await quiet.register_watchers()
    quiet.refresh_diagnostics()
    quiet.refresh_lenses()
    assert editor.seen == []


async def test_only_an_offered_option_is_an_answer() -> None:
    assert await client(t.MessageActionItem(title="Yes"))[0].ask("?", ["Yes", "No"]) == "Yes"
    assert await client({"title": "Maybe"})[0].ask("?", ["Yes", "No"]) is None
    assert await client(None)[0].ask("?", ["Yes"]) is None
    assert await client(JsonRpcException(message="no", code=1))[0].ask("?", ["Yes"]) is None


async def test_refresh_requests_do_not_wait_for_the_client() -> None:
    asked, editor = client()
    asked.refresh_lenses()
    asked.refresh_diagnostics()
    await asyncio.sleep(0)
    assert [method for method, _ in editor.seen] == ["workspace/codeLens/refresh", "workspace/diagnostic/refresh"]
    asked.close()


async def test_versions_of_diagnostics_are_sent_only_where_understood() -> None:
    plain, editor = client()
    plain.publish_diagnostics("file:///a", 3, [])
    understanding, other = client(capabilities=replace(ALL, push_version=True))
    understanding.publish_diagnostics("file:///a", 3, [])
    assert editor.seen[0][1].version is None and other.seen[0][1].version == 3
