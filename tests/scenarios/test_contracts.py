"""The JSON of the command line, key by key, and the exit codes: what scripts rely on."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aigentflow.cli import main
from bad_input import home_environment, put
from stand_in import StandIn

PROGRAM = (sys.executable, "-P", "-m", "aigentflow")
NUMBER = (int, float)
OPTIONAL_TEXT = (str, type(None))
FILE = "apps/api/src/cats/cats.service.ts"
SERVICE = """import { Injectable } from '@nestjs/common';

@Injectable()
export class CatsService {
  /* 😀😀 */ find(name: string) { if (!name) { throw new Error('😀'); } return name; }
}
"""
AGENT = """---
agent: porter
description: Ports services
model: GPT-4.1 (copilot)
tools: [Read, Edit, Write, Grep, Glob]
output_format: json
boundaries:
  allow: [apps/api/**]
  deny: [{pattern: apps/api/locked/**, owner: vault}]
---
# Role
You port.
## Before you finish
- [ ] Typed domain errors (no plain strings)
- [ ] Somebody has read it
# Output Format
```json
{"summary": "what", "done": true|false}
```
"""


@dataclass
class Shell:
    """The command line on one workspace: as a process of its own, or in this one, where only the words matter."""

    root: Path
    env: dict[str, str]
    alone: bool = True

    def __call__(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        where = () if command in ("journal", "trust") else ("--workspace", str(self.root))
        line = [command, *words, *where]
        if self.alone:
            done = subprocess.run([*PROGRAM, *line], env={**os.environ, **self.env}, capture_output=True, timeout=60, check=False)
            return subprocess.CompletedProcess(line, done.returncode, done.stdout.decode(), done.stderr.decode())
        out, err = io.StringIO(newline=""), io.StringIO(newline="")
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            for name, value in self.env.items():
                patch.setenv(name, value)
            try:
                code = main(line)
            except SystemExit as error:
                code = int(str(error.code))
        return subprocess.CompletedProcess(line, code, out.getvalue(), err.getvalue())

    def json(self, command: str, *words: str) -> tuple[int, dict[str, Any]]:
        """Return exit code and the one object on standard output, whose first key is its schema."""
        done = self(command, *words, "--format", "json")
        assert done.stdout, done.stderr
        value: dict[str, Any] = json.loads(done.stdout)
        assert next(iter(value.items())) == ("schema", 1)
        return done.returncode, value


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """Return a call of a tool as a model makes it."""
    return {"name": name, "input": arguments}


TURNS = [
    {"text": "Reading.", "tools": [call("Read", file_path=FILE)]},
    {
        "tools": [
            call("Edit", file_path=FILE, old_string="return name;", new_string="return `${name} 😀`;"),
            call("Write", file_path="apps/api/src/new file ü.ts", content="export const one = 1;\n"),
            call("Write", file_path="apps/web/page.ts", content="no"),
            call("Write", file_path="apps/api/locked/x.ts", content="no"),
            call("Write", file_path="apps/api/.git/hooks/x", content="no"),
            call("Write", file_path="../outside.ts", content="no"),
            call("Bash", command="touch owned"),
        ]
    },
    {"text": '{"summary": "greets", "done": true, "verification": {"tests": "pass"}}'},
]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return the command line as a process, on a small workspace."""
    files: dict[str, str | bytes] = {
        FILE: SERVICE,
        "apps/api/package.json": '{"name": "api", "dependencies": {"@nestjs/common": "11.0.0"}}',
        "apps/web/package.json": '{"name": "web", "dependencies": {"react": "19.0.0"}}',
        "apps/api/src/returns.ts": b"export const a = 1;\r\nexport const b = '\xe2\x80\xa8';\r\nexport function f() { throw 'x'; }\r\n",
        ".aigentflow/agents/porter.md": AGENT,
        ".claude/agents/other.md": "---\nname: other\ndescription: x\ntools: Read\n---\nText\n",
    }
    return Shell(put(tmp_path / "w ü", files), home_environment(tmp_path / "home"))


@pytest.fixture
def quick(shell: Shell) -> Shell:
    """Return the same command line in this process."""
    shell.alone = False
    return shell


@pytest.fixture
def service(shell: Shell) -> Iterator[StandIn]:
    """Yield a service that answers with the turns above."""
    with StandIn(TURNS) as stand_in:
        shell.env |= {"ANTHROPIC_API_KEY": "test-key-of-nobody", "ANTHROPIC_BASE_URL": stand_in.url}
        yield stand_in


def tree(root: Path) -> dict[str, tuple[bytes, int]]:
    """Return every file below the folder with its bytes and permission bits."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) for path in files}


def assert_shape(value: Any, shape: Any, where: str = "$") -> None:
    """Fail where a value has not the keys and types of the shape: a dict of keys, a list of one element shape, a type, or a test."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        assert shape.keys() - value.keys() == set(), f"{where} lacks keys"
        for key, inner in shape.items():
            assert_shape(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for n, entry in enumerate(value):
            assert_shape(entry, shape[0], f"{where}[{n}]")
    elif isinstance(shape, type | tuple):
        assert isinstance(value, shape) and not (isinstance(value, bool) and shape is int), f"{where}: {value!r} is no {shape}"
    else:
        assert shape(value), f"{where}: {value!r}"


def one_of(*words: str | None) -> Callable[[Any], bool]:
    """Return a test for one of the words."""
    return lambda value: value in words


def relative(value: Any) -> bool:
    """Whether the value is a workspace-relative path with slashes."""
    return isinstance(value, str) and value != "" and not value.startswith("/") and "\\" not in value and ".." not in value.split("/")


MEASURED = {"status": one_of("pass", "fail", "not_run"), "command": OPTIONAL_TEXT, "exit": (int, type(None)), "reason": OPTIONAL_TEXT}
RUN = {
    "run": str,
    "agent": str,
    "outcome": one_of("finished", "cancelled", "failed", "limit", "refused", "interrupted"),
    "reason": OPTIONAL_TEXT,
    "edits": [{"path": relative, "kind": one_of("modify", "create", "delete", "rename"), "from": OPTIONAL_TEXT, "diff": str}],
    "refusals": [{"tool": str, "path": OPTIONAL_TEXT, "reason": str}],
    "verification": {"typecheck": MEASURED, "tests": MEASURED, "lint": MEASURED},
    "gaps": {"before": (int, type(None)), "after": (int, type(None))},
    "report": dict,
    "claims": [{"claim": str, "verdict": str}],
    "usage": {
        "input_tokens": int,
        "output_tokens": int,
        "cache_read_input_tokens": int,
        "cache_creation_input_tokens": int,
        "usd": (int, float, type(None)),
    },
    "turns": int,
}
CHECK = {
    "workspace": str,
    "agents": [str],
    "files": int,
    "seconds": NUMBER,
    "items": [
        {
            "agent": str,
            "id": str,
            "text": str,
            "status": one_of("met", "gap", "manual", "not_applicable"),
            "check": OPTIONAL_TEXT,
            "gaps": int,
            "reason": OPTIONAL_TEXT,
        }
    ],
    "findings": [
        {
            "agents": [str],
            "path": relative,
            "line": int,
            "end_line": int,
            "column": int,
            "end_column": int,
            "item": OPTIONAL_TEXT,
            "check": str,
            "severity": one_of("error", "warning", "info", "hint"),
            "confidence": NUMBER,
            "message": str,
            "evidence": list,
            "fixable": bool,
        }
    ],
}
AGENTS = {
    "agents": [
        {
            "id": str,
            "description": str,
            "dialect": str,
            "source": one_of("workspace", "user", "built-in"),
            "path": str,
            "tools": [str],
            "model": OPTIONAL_TEXT,
            "read_only": bool,
            "boundary": {"allow": [str], "deny": [str]},
            "checklist": [{"text": str, "group": OPTIONAL_TEXT, "check": OPTIONAL_TEXT}],
            "commands": list,
            "runnable": bool,
            "problems": [{"line": int, "severity": one_of("error", "warning", "info", "hint"), "message": str}],
            "shadowed_by": OPTIONAL_TEXT,
        }
    ]
}


def test_run_has_every_key_and_changes_nothing(shell: Shell, service: StandIn) -> None:
    before = tree(shell.root)
    code, result = shell.json("run", "porter", "greet", "--trust", "--file", FILE)
    assert_shape(result, RUN)
    assert (code, result["outcome"], result["agent"], result["turns"]) == (0, "finished", "porter", 3)
    assert [(edit["path"], edit["kind"]) for edit in result["edits"]] == [(FILE, "modify"), ("apps/api/src/new file ü.ts", "create")]
    assert "+" in result["edits"][0]["diff"] and "😀`" in result["edits"][0]["diff"]
    assert [refusal["tool"] for refusal in result["refusals"]] == ["Write", "Write", "Write", "Write", "Bash"]
    assert {entry["status"] for entry in result["verification"].values()} == {"not_run"}, "what the model says is no verification"
    assert result["report"]["summary"] == "greets" and "verification" not in result["report"]
    assert any("tests" in claim["claim"] for claim in result["claims"])
    assert result["gaps"]["before"] is not None and result["usage"]["input_tokens"] > 0
    assert tree(shell.root) == before
    assert not (shell.root.parent / "outside.ts").exists() and not (shell.root / "owned").exists()


def test_apply_changes_what_is_allowed_and_keeps_modes(shell: Shell, service: StandIn) -> None:
    (shell.root / FILE).chmod(0o755)
    before = tree(shell.root)
    code, result = shell.json("run", "porter", "greet", "--trust", "--apply")
    assert_shape(result, RUN)
    assert code == 0
    after = tree(shell.root)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed == {FILE, "apps/api/src/new file ü.ts"} == {edit["path"] for edit in result["edits"]}
    assert after[FILE][1] == before[FILE][1] and "return `${name} 😀`" in after[FILE][0].decode()


@pytest.mark.parametrize(
    ("tools", "read_only"), [("[Read, Grep, Glob]", True), ("Read", True), ("[Read, Edit]", False), ("[Read, Wriet]", True)]
)
def test_the_agent_file_says_what_the_model_may_use(quick: Shell, service: StandIn, tools: str, read_only: bool) -> None:
    text = AGENT.replace("[Read, Edit, Write, Grep, Glob]", tools)
    (quick.root / ".aigentflow/agents/porter.md").write_text(text, encoding="utf-8")
    before = tree(quick.root)
    code, result = quick.json("run", "porter", "greet", "--trust", "--apply")
    offered = {tool["name"] for tool in service.bodies[0]["tools"]}
    assert code == 0 and offered <= {"Read", "Edit", "Grep", "Glob"} and ("Edit" in offered) is not read_only
    assert bool(result["edits"]) is not read_only
    assert (tree(quick.root) == before) is read_only
    if read_only:
        assert {refusal["tool"] for refusal in result["refusals"]} >= {"Edit", "Write", "Bash"}


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        (["--allow", "apps/web/**"], ["apps/web/page.ts"]),
        (["--allow", "**"], [FILE, "apps/api/src/new file ü.ts", "apps/web/page.ts"]),
        (["--allow", "**", "--deny", "apps/api/src/cats/**"], ["apps/api/src/new file ü.ts", "apps/web/page.ts"]),
        (["--deny", "*.ts"], []),
        (["--allow", FILE, "--allow", "apps/api/locked/**", "--allow", "apps/api/.git/**"], [FILE]),
    ],
)
def test_allow_replaces_and_deny_adds(quick: Shell, service: StandIn, words: list[str], paths: list[str]) -> None:
    _code, result = quick.json("run", "porter", "greet", "--trust", *words)
    assert [edit["path"] for edit in result["edits"]] == paths


@pytest.mark.parametrize("entry", ["../w/**", "/etc/**", "$HOME/**", "", "["])
def test_an_allow_that_gives_nothing_is_2_before_anything_is_sent(quick: Shell, service: StandIn, entry: str) -> None:
    done = quick("run", "porter", "greet", "--trust", "--allow", entry)
    if entry:
        assert (done.returncode, done.stdout) == (2, "") and "--allow" in done.stderr
        assert service.requests == []


@pytest.mark.skipif(shutil.which("git") is None, reason="git")
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_git_takes_the_patch(quick: Shell, service: StandIn, ends: str) -> None:
    (quick.root / FILE).write_bytes(SERVICE.replace("\n", ends).rstrip().encode())
    done = quick("run", "porter", "greet", "--trust", "--format", "patch")
    assert done.returncode == 0
    subprocess.run(["git", "init", "-q"], cwd=quick.root, check=True)
    for words in (["--check"], []):
        subprocess.run(["git", "apply", *words, "-"], cwd=quick.root, input=done.stdout.encode(), check=True)
    assert "return `${name} 😀`".encode() in (quick.root / FILE).read_bytes()
    assert (quick.root / FILE).read_bytes().count(b"\r\n") == (SERVICE.count("\n") - 1 if ends == "\r\n" else 0)
    assert (quick.root / "apps/api/src/new file ü.ts").exists()


def test_check_has_every_key_with_places_in_code_points(shell: Shell) -> None:
    code, report = shell.json("check")
    assert_shape(report, CHECK)
    assert code == 1 and report["agents"] == ["porter", "backend_dev"] and report["workspace"] == str(shell.root)
    assert {(item["agent"], item["text"]): item["status"] for item in report["items"]}["porter", "Somebody has read it"] == "manual"
    by_place = {(found["path"], found["check"]): found for found in report["findings"]}
    assert len(by_place) == len(report["findings"]), "one finding per place and check"
    thrown = by_place[FILE, "typed-domain-errors"]
    line = SERVICE.splitlines()[4]
    assert sorted(thrown["agents"]) == ["backend_dev", "porter"]
    assert (thrown["line"], thrown["end_line"]) == (5, 5)
    assert line[thrown["column"] - 1 : thrown["end_column"] - 1] == "throw new Error('😀');"
    text = by_place["apps/api/src/returns.ts", "typed-domain-errors"]
    assert (text["line"], text["column"]) == (3, 23), "U+2028 ends no line, CRLF ends one"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 1),
        (["--fail-on", "warning"], 1),
        (["--fail-on", "info"], 1),
        (["--fail-on", "error"], 0),
        (["--fail-on", "never"], 0),
        (["apps/web"], 0),
        (["apps/api/src/cats"], 1),
        (["--agent", "porter"], 1),
        (["--agent", "other"], 2),
        (["--agent", "nobody"], 2),
        (["../elsewhere"], 2),
        (["nothing/there"], 2),
    ],
    ids=str,
)
def test_exit_codes_of_check(quick: Shell, words: list[str], code: int) -> None:
    done = quick("check", *words)
    assert done.returncode == code, done.stderr
    assert bool(done.stdout) == (code != 2) and bool(done.stderr) == (code == 2)


def test_every_format_of_check_is_what_it_says(quick: Shell) -> None:
    sarif = json.loads(quick("check", "--format", "sarif").stdout)
    region = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert sarif["version"] == "2.1.0" and region["startLine"] >= 1 and region["startColumn"] >= 1
    lines = quick("check", "--format", "github").stdout.splitlines()
    assert lines and all(line.startswith(("::warning file=", "::error file=", "::notice file=")) for line in lines)
    assert "\x1b" not in quick("check").stdout


def test_agents_has_every_key(shell: Shell) -> None:
    code, listed = shell.json("agents")
    assert_shape(listed, AGENTS)
    assert code == 0
    agents = {agent["id"]: agent for agent in listed["agents"]}
    porter, other = agents["porter"], agents["other"]
    assert (porter["path"], porter["model"], porter["read_only"]) == (".aigentflow/agents/porter.md", "GPT-4.1 (copilot)", False)
    assert porter["boundary"]["deny"] == ["apps/api/locked/**"]
    assert [(item["text"], item["group"], item["check"]) for item in porter["checklist"]] == [
        ("Typed domain errors (no plain strings)", "Role / Before you finish", "typed-domain-errors"),
        ("Somebody has read it", "Role / Before you finish", None),
    ]
    assert (other["dialect"], other["runnable"], other["tools"], other["read_only"]) == ("claude-code", False, ["Read"], True)
    assert agents["backend_dev"]["source"] == "built-in"


def test_the_journal_has_schema_and_the_run(quick: Shell, service: StandIn) -> None:
    code, empty = quick.json("journal", "list")
    assert (code, empty["runs"]) == (0, [])
    _code, result = quick.json("run", "porter", "greet", "--trust")
    code, listed = quick.json("journal", "list")
    assert code == 0
    assert_shape(listed["runs"], [{"run": str, "outcome": OPTIONAL_TEXT}])
    assert [run["run"] for run in listed["runs"]] == [result["run"]]
    code, shown = quick.json("journal", "show", result["run"])
    assert code == 0 and result["run"] in json.dumps(shown)
    assert quick("journal", "show", "nope").returncode == 2


OUTCOMES = [
    ([{"fault": {"status": 400, "type": "invalid_request_error", "message": "no"}}], (), "failed", 1),
    ([{"text": "", "stop_reason": "refusal"}], (), "refused", 1),
    (TURNS, ("--max-turns", "1"), "limit", 1),
    (TURNS, ("--max-usd", "0.0000001"), "limit", 1),
    (TURNS, (), "finished", 0),
]


@pytest.mark.parametrize(("turns", "words", "outcome", "code"), OUTCOMES, ids=["failed", "refused", "turns", "usd", "finished"])
def test_exit_codes_of_run(quick: Shell, service: StandIn, turns: Any, words: tuple[str, ...], outcome: str, code: int) -> None:
    service.script = turns
    before = tree(quick.root)
    returned, result = quick.json("run", "porter", "greet", "--trust", *words, *(("--apply",) if outcome != "finished" else ()))
    assert_shape({**result, "report": result["report"] or {}}, RUN)
    assert (returned, result["outcome"]) == (code, outcome), result["reason"]
    assert tree(quick.root) == before
    assert outcome == "finished" or result["reason"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nobody", "x"), "no agent 'nobody'"),
        (("other", "x", "--trust"), "cannot be run"),
        (("porter", "x"), "aigentflow trust"),
        (("porter", " "), "task is empty"),
        (("porter", "x", "--trust", "--file", "nope.ts"), "nope.ts"),
        (("porter", "x", "--trust", "--range", "1:2"), "--file"),
        (("porter", "x", "--trust", "--max-turns", "none"), "whole number"),
    ],
    ids=str,
)
def test_wrong_use_is_2_and_sends_nothing(quick: Shell, service: StandIn, words: tuple[str, ...], told: str) -> None:
    done = quick("run", *words, "--format", "json")
    assert (done.returncode, done.stdout) == (2, "") and told in done.stderr and "Traceback" not in done.stderr
    assert service.requests == []
