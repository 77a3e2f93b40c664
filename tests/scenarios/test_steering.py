"""While a run goes on: the person opens one path, the boundary becomes narrower, a command may run unprotected or not.

The model is the stand-in of the service on loopback; a turn that waits is held by the test, not by the clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from aigentflow.lsp.approval import DO_NOT, RUN
from editor.profiles import ALE, NEOVIM_10, VSCODE, Profile
from editor.wired import Wired, wired
from stand_in import StandIn

pytestmark = pytest.mark.asyncio

Json = dict[str, Any]
SERVICE, TABLE, GUIDE = "apps/api/src/greet.ts", "docs/table.json", "docs/guide.md"
PROJECT = ".aigentflow/project.yaml"
WIDE = "boundaries:\n  backend_dev:\n    allow: [apps/api/**, docs/**]\n"
NARROW = "boundaries:\n  backend_dev:\n    allow: [apps/api/**]\n"
WIDER = "boundaries:\n  backend_dev:\n    allow: [apps/api/**, docs/**, tools/**]\n"
FILES = {
    SERVICE: "// @backend_dev: greet by name\nexport const greet = 'hello';\n",
    TABLE: '{"rows": 1}\n',
    GUIDE: "# Guide 1\n",
    "tools/run.ts": "export const tool = 1;\n",
    "package.json": '{"name": "shop", "private": true}\n',
}


def _edit(path: str, old: str, new: str) -> Json:
    return {"name": "Edit", "input": {"file_path": path, "old_string": old, "new_string": new}}


REPORT = {
    "implementation": {"summary": "Done", "approach": "Edits"},
    "files": [],
    "database": {"schemaChanges": False, "migrationRequired": False, "migrationDescription": ""},
    "tests": [],
    "dependencies": {"added": [], "reason": ""},
    "notes": [],
}
DONE = {"text": json.dumps(REPORT)}


class Held:
    """A script whose second turn waits until the test lets it go."""

    def __init__(self, *turns: Json) -> None:
        self.turns = turns
        self.gate = threading.Event()

    def __call__(self, body: Json, number: int) -> Json:
        if number == 2:
            self.gate.wait(25)
        return self.turns[min(number, len(self.turns)) - 1]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "my shop"
    for name, text in FILES.items():
        _write(root, name, text)
    return root


def _write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def _environment(service: StandIn, **more: str) -> dict[str, str]:
    return {"ANTHROPIC_API_KEY": "test-key-of-nobody", "ANTHROPIC_BASE_URL": service.url, **more}


async def _start(desk: Wired) -> str:
    desk.editor.open(SERVICE)
    answer = await desk.choose(await desk.actions(SERVICE, 0, 4), "Run backend_dev: greet by name")
    return str(answer["run"])


async def _in_turn_two(desk: Wired, service: StandIn) -> None:
    """Wait until the second turn is asked for, which the test holds, and all that came before it is shown."""
    await asyncio.to_thread(service.wait_for, lambda requests: len(requests) == 2, 25.0)
    await desk.settled()


def _results(body: Json) -> list[str]:
    return [str(part["content"]) for part in body["messages"][-1]["content"] if part["type"] == "tool_result"]


@pytest.mark.parametrize("profile", [VSCODE, NEOVIM_10, ALE], ids=lambda profile: profile.fixture)
async def test_a_path_that_the_person_allows_is_open_from_the_next_call_on_and_no_other(shop: Path, profile: Profile) -> None:
    script = Held(
        {"tools": [_edit(TABLE, "1", "2"), _edit(GUIDE, "1", "2")]}, {"tools": [_edit(TABLE, "1", "2"), _edit(GUIDE, "1", "2")]}, DONE
    )
    with StandIn(script) as service:
        async with wired(profile, shop, _environment(service)) as desk:
            desk.editor.open(TABLE)
            run = await _start(desk)
            await _in_turn_two(desk, service)
            actions = await desk.actions(TABLE, 0)
            while not any("Allow" in action["title"] for action in actions):
                actions = await desk.actions(TABLE, 0)
            assert not any("start it again" in action["title"] for action in actions)
            assert await desk.choose(actions, "Allow for this run: backend_dev changes docs/table.json") == {"done": True, "run": run}
            script.gate.set()
            await desk.said("backend_dev: finished")
            first, second = _results(service.bodies[1]), _results(service.bodies[2])
            assert all("outside the boundary" in text for text in first)
            assert "Changed 1 place in docs/table.json" in second[0] and "outside the boundary" in second[1]
            assert "The person now allows changes to docs/table.json in this run." in json.dumps(service.bodies[2]["messages"][-1])
            if profile is not ALE:
                await desk.text_has(TABLE, '{"rows": 2}')
    assert (shop / TABLE).read_text("utf-8") == FILES[TABLE], "only the editor saves"


async def _in_the_buffer(desk: Wired, text: str) -> None:
    desk.editor.open(PROJECT)
    buffer = desk.editor.buffers[str(desk.root / PROJECT)]
    desk.editor._edit(buffer, text)
    await desk.settled()


async def _on_disk(desk: Wired, text: str) -> None:
    _write(desk.root, PROJECT, text)
    desk.client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": (desk.root / PROJECT).as_uri(), "type": 2}]})


async def _in_the_persons_file(desk: Wired, text: str) -> None:
    allow = text.partition("allow: ")[2].strip()
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "aigentflow"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(f"boundaries:\n  {str(desk.root)!r}:\n    backend_dev: {{allow: {allow}}}\n", encoding="utf-8")
    desk.client.notify("workspace/didChangeConfiguration", {"settings": None})


Change = Callable[[Wired, str], Awaitable[None]]


@pytest.mark.parametrize(
    ("change", "text", "held"),
    [(_in_the_buffer, NARROW, True), (_on_disk, NARROW, True), (_in_the_persons_file, NARROW, True), (_on_disk, WIDER, False)],
    ids=["narrower in the buffer", "narrower on disk", "narrower in the person's file", "wider"],
)
async def test_a_narrower_boundary_holds_at_once_and_a_wider_one_for_the_next_run(
    shop: Path, change: Change, text: str, held: bool
) -> None:
    _write(shop, PROJECT, WIDE)
    script = Held({"tools": [_edit(GUIDE, "1", "2")]}, {"tools": [_edit(TABLE, "1", "2"), _edit("tools/run.ts", "1", "2")]}, DONE)
    with StandIn(script) as service:
        async with wired(VSCODE, shop, _environment(service)) as desk:
            await desk.client.request("workspace/executeCommand", {"command": "aigentflow.trust", "arguments": [{}]})
            desk.editor.open(GUIDE)
            await _start(desk)
            await _in_turn_two(desk, service)
            await change(desk, text)
            # Answered in order: the server has taken the change by then, and its frame is on the way before the turn ends.
            await desk.actions(SERVICE, 0)
            script.gate.set()
            message = await desk.said("backend_dev: finished")
            assert "Changed 1 place in docs/guide.md" in _results(service.bodies[1])[0]
            table, tool = _results(service.bodies[2])
            assert ("outside the boundary (apps/api/**)" in table) is held
            assert "outside the boundary" in tool, "no run that goes on gets more than it began with"
            if held:
                assert desk.editor.text(GUIDE) == FILES[GUIDE], "what was changed before is not applied either"
                assert "Waiting: docs/guide.md (docs/guide.md: outside the boundary (apps/api/**))" in message
            else:
                await desk.text_has(GUIDE, "# Guide 2")


class Person:
    """Answers questions about commands as it is told, and remembers them."""

    def __init__(self, desk: Wired, answer: Callable[[], Awaitable[Json]]) -> None:
        self.questions: list[Json] = []
        self._others, self._answer = desk._asked, answer
        desk.client.any_request = self.asked

    def asked(self, method: str, params: Any) -> Awaitable[Json]:
        if method == "window/showMessageRequest" and "runs unprotected" in params["message"]:
            self.questions.append(params)
            return self._answer()
        return self._others(method, params)


ASK = {"AIGENTFLOW_COMMANDS_UNPROTECTED": "ask", "AIGENTFLOW_COMMANDS_BOX": "none"}
ANSWERS: Mapping[str, tuple[Json, bool]] = {
    "no": ({"result": {"title": DO_NOT}}, False),
    "yes": ({"result": {"title": RUN}}, True),
    "dismissed": ({"result": None}, False),
    "another": ({"result": {"title": "run this command unprotected"}}, False),
    "nonsense": ({"result": [RUN]}, False),
    "error": ({"error": {"code": -32601, "message": "no such method"}}, False),
}


def _command(marker: Path) -> str:
    return f"echo one\ntouch '{marker}' # \u202e[safe](command:x)"


def _bash(marker: Path) -> Json:
    return {"name": "Bash", "input": {"command": _command(marker)}}


async def test_a_command_runs_unprotected_only_after_a_plain_yes_to_its_whole_text(shop: Path, tmp_path: Path) -> None:
    answers = iter([given for given, _ in ANSWERS.values()])

    async def answer() -> Json:
        return next(answers)

    with StandIn([{"tools": [_bash(tmp_path / name) for name in ANSWERS]}, DONE]) as service:
        async with wired(VSCODE, shop, _environment(service, **ASK)) as desk:
            person = Person(desk, answer)
            await _start(desk)
            await desk.said("backend_dev: finished")
            assert len(person.questions) == len(ANSWERS), "a yes is for one command"
            for name, question, result in zip(ANSWERS, person.questions, _results(service.bodies[1]), strict=True):
                assert [action["title"] for action in question["actions"]] == [RUN, DO_NOT]
                lines = f"    echo one ⏎\n    touch '{tmp_path / name}' # ⟨U+202E⟩[safe]⟨⟩(command:x)"
                assert lines in question["message"] and "2 lines" in question["message"]
                assert (tmp_path / name).exists() is ANSWERS[name][1], name
                assert ("did not allow" in result) is not ANSWERS[name][1]


async def test_a_run_that_is_cancelled_while_the_question_stands_never_runs_the_command(shop: Path, tmp_path: Path) -> None:
    marker, late = tmp_path / "ran", asyncio.Event()

    async def answer() -> Json:
        await late.wait()
        return {"result": {"title": RUN}}

    with StandIn([{"tools": [_bash(marker)]}, DONE]) as service:
        async with wired(VSCODE, shop, _environment(service, **ASK)) as desk:
            person = Person(desk, answer)
            await _start(desk)
            await desk.client.wait_for(lambda: person.questions)
            await desk.choose(await desk.actions(SERVICE, 0), "Cancel run")
            await desk.said("backend_dev: cancelled")
            late.set()
            await desk.actions(SERVICE, 0)
            assert not marker.exists() and len(service.bodies) == 1


@pytest.mark.parametrize(
    ("profile", "environment", "words"),
    [
        (ALE, ASK, "cannot ask"),
        (VSCODE, {"AIGENTFLOW_COMMANDS_BOX": "none"}, ""),
    ],
    ids=["an editor that cannot ask", "never"],
)
async def test_where_nobody_may_be_asked_no_command_runs(
    shop: Path, tmp_path: Path, profile: Profile, environment: dict[str, str], words: str
) -> None:
    marker = tmp_path / "ran"
    with StandIn([{"tools": [_bash(marker)]}, DONE]) as service:
        async with wired(profile, shop, _environment(service, **environment)) as desk:
            await _start(desk)
            await desk.said("backend_dev: finished")
            assert not any(request["method"] == "window/showMessageRequest" for request in desk.client.requests)
            assert not words or any(words in said for said in desk.editor.messages)
            offered = {tool["name"] for tool in service.bodies[0]["tools"]}
            assert ("Bash" in offered) is ("AIGENTFLOW_COMMANDS_UNPROTECTED" in environment)
    assert not marker.exists()


async def test_a_workspace_cannot_switch_the_question_on(shop: Path) -> None:
    with StandIn([DONE]) as service:
        async with wired(VSCODE, shop, _environment(service, AIGENTFLOW_COMMANDS_BOX="none")) as desk:
            desk.client.notify("workspace/didChangeConfiguration", {"settings": {"aigentflow": {"commands": {"unprotected": "ask"}}}})
            await desk.said("`aigentflow.commands.unprotected` stays never")
            await _start(desk)
            await desk.said("backend_dev: finished")
            assert "Bash" not in {tool["name"] for tool in service.bodies[0]["tools"]}


async def test_a_run_host_has_only_the_variables_that_it_needs(shop: Path) -> None:
    if not Path("/proc/self/environ").exists():
        pytest.skip("/proc does not show the environment of processes here")
    secrets = {"AIGENTFLOW_TRUST_TOKEN": "token-of-the-editor", "GIT" + "HUB_TOKEN": "none-of-our-business", "SSH_AUTH_SOCK": "/tmp/agent"}
    script = Held({"tools": [_edit(SERVICE, "hello", "hi")]}, DONE)
    with StandIn(script) as service:
        async with wired(VSCODE, shop, _environment(service, **secrets)) as desk:
            await _start(desk)
            await _in_turn_two(desk, service)
            environments = [_environment_of(pid) for pid in _children(desk.client.process.pid)]
            script.gate.set()
            await desk.said("backend_dev: finished")
    hosts = [found for found in environments if "ANTHROPIC_API_KEY" in found]
    assert hosts and all(not secrets.keys() & found.keys() for found in environments)
    assert {"PATH", "HOME", "XDG_STATE_HOME", "ANTHROPIC_BASE_URL"} <= hosts[0].keys()


def _children(pid: int) -> list[int]:
    """Return the processes below a process."""
    below: list[int] = []
    # A box comes and goes while one looks.
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            below += [int(child) for child in (task / "children").read_text().split()]
    return [*below, *(deeper for child in below for deeper in _children(child))]


def _environment_of(pid: int) -> dict[str, str]:
    """Return the variables of a process; none where it has ended."""
    lines: list[bytes] = []
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return {name.decode(): value.decode("utf-8", "replace") for name, _, value in (line.partition(b"=") for line in lines if line)}
