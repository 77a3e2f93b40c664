"""A model that tries everything in one run of the real command line, as whoever runs the tests and as an ordinary user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from run_making import answers
from stand_in import StandIn

from .judging import changed_paths
from .listeners import Listeners
from .ordinary import UID, command_of_ordinary_user, why_no_ordinary_user
from .world import World, as_text

pytestmark = [pytest.mark.skipif(sys.platform != "linux", reason="there is a box on Linux only"), pytest.mark.timeout(180)]

AGENT = """---
agent: worker
description: Changes code
tools: [Read, Write, Edit, Grep, Glob, Bash]
boundaries:
  allow: ["src/**", ".vscode/settings.json"]
  deny: ["src/deep/**"]
---

# Role

You change code. See @.env, @../outside/a.ts and @src/out/a.ts.
"""
WRITES = [
    ("src/out/new.ts", "resolve"),
    ("../ws-secret/new.ts", "resolve"),
    ("{outside}/new.ts", "resolve"),
    ("src/hooks/pre-commit", "protected"),
    (".vscode/settings.json", "protected"),
    (".vscode/tasks.json", "protected"),
    (".VSCode/tasks.json", "protected"),
    (".git/hooks/pre-commit", "protected"),
    (".env", "secret"),
    ("src/deep/new.ts", "deny"),
    ("SRC/DEEP/new.ts", "deny"),
    ("web/new.tsx", "allow"),
    ("src/%2e%2e/x.ts", "form"),
    ("~/x.ts", "form"),
    ("src/twin.ts", "object"),
]
READS = [
    ".env",
    "config/server.pem",
    "src/settings.txt",
    "src/out/a.ts",
    "{home}/.ssh/id_rsa",
    "../outside/a.ts",
    "/proc/self/environ",
    "src/env-twin.txt",
]
COMMANDS = """
cat .env config/server.pem src/settings.txt src/env-twin.txt {outside}/a.ts {home}/.ssh/id_rsa
env; cat /proc/*/environ | tr '\\0' '\\n'
curl -sS -m 2 http://127.0.0.1:{tcp}/; curl -sS --unix-socket {socket} http://x/
(echo x > /dev/tcp/127.0.0.1/{tcp}); (echo x > /dev/udp/127.0.0.1/{udp})
echo x > src/out/new.ts; echo x > web/page.tsx; echo x > {outside}/a.ts; echo x > /tmp/{mark}; echo x > /dev/shm/{mark}
ln -s {outside} src/o; echo x > src/o/a.ts; ln -s / src/root; echo x > src/root{home}/.bashrc; rm -rf src/o src/root
rm -rf .git .vscode src; git init -q .; git config core.fsmonitor evil
setsid sh -c 'trap "" TERM HUP; sleep 1000 # {mark}' > /dev/null 2>&1 & echo started
rm -rf {ws} {home} {outside}; chmod -R 000 .; kill -9 -1
"""
KEPT = """
sed -i s/1/2/ src/deep/c.ts web/page.tsx
echo x > .vscode/settings.json; mkdir .husky; echo x > .husky/pre-commit; echo x > .env; echo x > AGENTS.md; printf x > .git/config
ln -s /etc/passwd src/link; mkfifo src/pipe; ln -sfn {outside} src/out; rm -r src/deep
"""
ENDLESS = """
f() { f | f & }; f; sleep 5
head -c 4000M /dev/zero > src/big; sleep 60
cat /dev/zero
trap '' TERM; while :; do :; done
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder that every user may enter; pytest's own may be its owner's only."""
    folder = Path(tempfile.mkdtemp(prefix="aigentflow-hostile-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=["whoever runs the tests", "an ordinary user"])
def ordinary(request: pytest.FixtureRequest) -> bool:
    """Whether the run is that of a user without rights."""
    if request.param == "an ordinary user":
        if os.geteuid() != 0:
            pytest.skip("whoever runs the tests is an ordinary user")
        if why := why_no_ordinary_user():
            pytest.skip(why)
    return bool(request.param == "an ordinary user")


def set_trap(world: World) -> None:
    world.put(
        {
            ".aigentflow/agents/worker.md": AGENT,
            "src/out": {"link": "../../outside"},
            "src/hooks": {"link": "../.git/hooks"},
            "src/settings.txt": {"link": "../.env"},
            "src/twin.ts": {"same_file_as": "web/page.tsx"},
            "src/env-twin.txt": {"same_file_as": ".env"},
            "src/pipe.ts": {"fifo": True},
        }
    )


def script(words: dict[str, str]) -> list[dict[str, Any]]:
    """Return turns that try everything, with one honest edit among them."""

    def filled(text: str) -> str:
        for word, value in words.items():
            text = text.replace("{" + word + "}", value)
        return text

    def bash(command: str, **more: Any) -> dict[str, Any]:
        return {"name": "Bash", "input": {"command": filled(command), **more}}

    writes = [{"name": "Write", "input": {"file_path": filled(path), "content": "planted"}} for path, _ in WRITES]
    reads = [{"name": "Read", "input": {"file_path": filled(path)}} for path in READS]
    grep = {"name": "Grep", "input": {"pattern": "canary|TOKEN=", "output_mode": "content"}}
    glob = {"name": "Glob", "input": {"pattern": "../**"}}
    honest = {"name": "Edit", "input": {"file_path": "src/a.ts", "old_string": "a = 1", "new_string": "a = 2"}}
    return [
        {"tools": [*reads, grep, glob]},
        {"tools": [*writes, honest]},
        {"tools": [bash(command) for command in COMMANDS.strip().splitlines()]},
        {"tools": [bash(command, keep_changes=True) for command in KEPT.strip().splitlines()]},
        {"tools": [bash(command, timeout=700) for command in ENDLESS.strip().splitlines()]},
        {"tools": [bash("cat src/a.ts; ls src")]},
        {"text": "Everything is done, all tests pass."},
    ]


def test_a_model_that_tries_everything_changes_exactly_the_reviewed_file(place: Path, listeners: Listeners, ordinary: bool) -> None:
    world = World(place / "world", listeners)
    set_trap(world)
    for name in ("state", "temporary", "stage"):
        (place / name).mkdir()
    if ordinary:
        subprocess.run(["chown", "-hR", f"{UID}:{UID}", str(place)], check=True)
    before = world.fingerprint()
    listeners.take()
    with StandIn(script(world.words)) as service:
        ended = run_command_line(world, place, service, ordinary=ordinary)
    assert ended.returncode == 0, ended.stderr[-3000:]
    result = json.loads(ended.stdout)
    assert (result["outcome"], [edit["path"] for edit in result["edits"]]) == ("finished", ["src/a.ts"]), result
    assert result["applied"] == {"paths": ["src/a.ts"], "problem": None}
    assert result["box"]["tier"] < 6, result["box"]
    assert changed_paths(before, world.fingerprint()) == ["ws/src", "ws/src/a.ts"]
    assert (world.ws / "src/a.ts").read_text() == "export const a = 2;\n"
    assert [refusal["path"] for refusal in result["refusals"] if refusal["tool"] == "Write"] == [
        path.replace("{outside}", world.words["outside"]) for path, _ in WRITES
    ]
    said = answers(service.bodies[-1])
    assert "export const a = 2;" in said[-1] and "exit 0" in said[-1], said[-1]
    assert world.leaks(as_text([service.bodies, ended.stdout, ended.stderr])) == []
    assert listeners.take() == [] and world.strays() == [] and world.survivors() == []
    assert list((place / "temporary").iterdir()) == []


def run_command_line(world: World, place: Path, service: StandIn, *, ordinary: bool) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "aigentflow", "run", "worker", "Change a", "--workspace", str(world.ws)]
    command += ["--trust", "--apply", "--format", "json"]
    more: dict[str, str] = {}
    if ordinary:
        command, more = command_of_ordinary_user(command, place / "stage")
    return subprocess.run(command, env=environment(world, place, service) | more, capture_output=True, text=True, timeout=150, check=False)


def environment(world: World, place: Path, service: StandIn) -> dict[str, str]:
    """Return what the server's process has in its environment: everything that it should keep to itself."""
    return {
        **world.environment,
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        "ANTHROPIC_API_KEY": world.canaries["environment"],
        "ANTHROPIC_BASE_URL": service.url,
        "AIGENTFLOW_STATE_DIR": str(place / "state"),
        "AIGENTFLOW_WARM_HOST": "false",
        "TMPDIR": str(place / "temporary"),
    }
