"""Makes workspaces, agent files and run requests for tests of the runtime."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from aigentflow.runtime.events import Event
from aigentflow.runtime.model import AnthropicModel
from aigentflow.runtime.request import RunRequest
from aigentflow.runtime.result import RunResult
from aigentflow.runtime.run import execute
from aigentflow.runtime.scripted import ScriptedModel
from aigentflow.runtime.turns import Model
from stand_in import StandIn

T = TypeVar("T")
KEY = "sk-ant-a-key-that-no-output-may-hold"
ALL_TOOLS = "[Read, Write, Edit, Grep, Glob]"
CONTRACT = """
# Output

```json
{"summary": "what was done", "files": [{"path": "a.ts", "action": "create|modify"}], "verification": {"tests": "pass|fail"}}
```
"""


def agent_text(body: str = "# Role\n\nYou change code.\n", *, tools: str = ALL_TOOLS, model: str = "sonnet", more: str = "") -> str:
    """Return an agent file."""
    return f"---\nagent: worker\ndescription: Changes code\nmodel: {model}\ntools: {tools}\n{more}---\n\n{body}"


def json_agent(**options: str) -> str:
    """Return an agent file whose final answer has a contract."""
    return agent_text("# Role\n\nYou change code.\n" + CONTRACT, more="output_format: json\n", **options)


def write_files(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write the files below the folder and return it."""
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def request(root: Path, *, agent: str | None = None, allow: tuple[str, ...] = ("src/**",), **fields: Any) -> RunRequest:
    """Return a request on the folder, with retries that do not wait."""
    given: dict[str, Any] = {
        "run": "run-1",
        "agent_path": str(root / ".aigentflow/agents/worker.md"),
        "agent_text": agent or agent_text(),
        "agent_source": "built-in",
        "task": "Change a.ts",
        "root": str(root),
        "rules": {"allow": allow, "deny": [{"pattern": "web/**", "owner": "frontend_dev"}], "source": "test"},
        "service": {"first_pause": 0.001, "idle_seconds": 5.0, "tries": 3},
    }
    return RunRequest.model_validate(given | fields)


def run(given: RunRequest, turns: list[dict[str, Any]] | Model) -> tuple[RunResult, list[Event]]:
    """Run it with a scripted model and return the result and the events."""
    events: list[Event] = []
    model = ScriptedModel(turns) if isinstance(turns, list) else turns
    return asyncio.run(execute(given, events.append, model)), events


def run_against(service: StandIn, given: RunRequest) -> tuple[RunResult, list[Event]]:
    """Run it with the real client against a stand-in of the service."""
    events: list[Event] = []

    async def go() -> RunResult:
        model = AnthropicModel(api_key=KEY, base_url=service.url)
        try:
            return await execute(given, events.append, model)
        finally:
            await model.close()

    return asyncio.run(go()), events


def of_kind(events: list[Event], kind: type[T]) -> list[T]:
    """Return the events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def read(path: str, **more: Any) -> dict[str, Any]:
    """Return a Read call."""
    return {"name": "Read", "input": {"file_path": path, **more}}


def edit(path: str, old: str, new: str) -> dict[str, Any]:
    """Return an Edit call."""
    return {"name": "Edit", "input": {"file_path": path, "old_string": old, "new_string": new}}


def write(path: str, content: str) -> dict[str, Any]:
    """Return a Write call."""
    return {"name": "Write", "input": {"file_path": path, "content": content}}


def answers(body: Mapping[str, Any]) -> list[str]:
    """Return the texts of all tool results in a request body."""
    return [block["content"] for message in body["messages"] for block in message["content"] if block["type"] == "tool_result"]


def dumped(value: object) -> str:
    """Return the JSON text of a value."""
    return json.dumps(value, ensure_ascii=False)
