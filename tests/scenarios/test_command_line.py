"""The command line as a person or a script uses it: exit codes, the JSON that others rely on, and what is never written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aigentflow import __version__
from aigentflow.cli import main
from stand_in import StandIn

AGENT = """---
agent: porter
description: Ports Go services
tools: [Read, Edit, Write, Grep, Glob]
boundaries:
  allow: [services/**]
  deny: [services/locked/**]
commands:
  - {id: port, title: "Port {symbol}", task: "Port it", on: [function], languages: [go]}
---

# Role

You port services. The plan is $IMPLEMENTATION_PLAN. See @docs/guide.md.

## Checklist

- [ ] Typed domain errors (no plain strings)
- [ ] Somebody has read it
"""
EDITS = [
    {
        "text": "I will look.",
        "tools": [{"name": "Read", "input": {"file_path": "services/main.go"}}],
        "usage": {"input_tokens": 100, "output_tokens": 10},
    },
    {
        "tools": [
            {"name": "Edit", "input": {"file_path": "services/main.go", "old_string": "one", "new_string": "two"}},
            {"name": "Write", "input": {"file_path": "elsewhere/x.txt", "content": "no"}},
            {"name": "Write", "input": {"file_path": "services/locked/x.txt", "content": "no"}},
            {"name": "Bash", "input": {"command": "touch services/bash"}},
        ]
    },
    {"text": "Done."},
]
RUN_KEYS = {"schema", "run", "agent", "outcome", "reason", "edits", "refusals"}
RUN_KEYS |= {"verification", "gaps", "report", "claims", "usage", "turns"}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    for name, text in {
        ".aigentflow/agents/porter.md": AGENT,
        "services/main.go": 'package main\n\nvar name = "one"\n',
        "services/go.mod": "module x\n",
        "docs/guide.md": "Guide: be kind.\n",
        "docs/plan.md": "Step 1: port.\n",
        ".aigentflow/project.yaml": "plan: docs/plan.md\n",
    }.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


class Shell:
    """Runs the command line in this process."""

    def __init__(self, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._workspace = workspace
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Return exit code, standard output and standard error."""
        self._capsys.readouterr()
        where = [] if words[0] in ("trust", "journal") else ["--workspace", str(self._workspace)]
        try:
            code = main([*words, *where])
        except SystemExit as exit:
            code = int(exit.code or 0)
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    def json(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, out, _err = self(*words, "--format", "json")
        value = json.loads(out)
        assert next(iter(value)) == "schema" and value["schema"] == 1
        return code, value


@pytest.fixture
def shell(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(workspace, capsys)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Any:
    with StandIn(EDITS) as stand_in:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", stand_in.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-0123456789")
        yield stand_in


def files(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in root.rglob("*") if path.is_file()}


def python(*words: str, **env: str) -> list[str]:
    return [sys.executable, "-m", "aigentflow", *words]


def test_a_run_proposes_and_writes_nothing(shell: Shell, service: StandIn, workspace: Path) -> None:
    before = files(workspace)
    code, result = shell.json("run", "porter", "Say two", "--trust", "--file", "services/main.go", "--range", "3:3")
    assert code == 0
    assert result.keys() >= RUN_KEYS
    assert (result["agent"], result["outcome"], result["turns"]) == ("porter", "finished", 3)
    (edit,) = result["edits"]
    assert (edit["path"], edit["kind"], edit["from"]) == ("services/main.go", "modify", None)
    assert '+var name = "two"' in edit["diff"]
    assert [refusal["tool"] for refusal in result["refusals"]] == ["Write", "Write", "Bash"]
    assert {name: entry["status"] for name, entry in result["verification"].items()} == dict.fromkeys(
        ("typecheck", "tests", "lint"), "not_run"
    )
    assert result["usage"]["input_tokens"] >= 100
    assert files(workspace) == before


def test_the_request_has_the_agents_words_and_only_its_tools(shell: Shell, service: StandIn) -> None:
    shell("run", "porter", "Say two", "--trust", "--file", "services/main.go", "--range", "3:3")
    first = service.bodies[0]
    assert [tool["name"] for tool in first["tools"]] == ["Read", "Write", "Edit", "Grep", "Glob"]
    asked = json.dumps(first, ensure_ascii=False)
    for words in ("You port services", "Say two", "Step 1: port.", "Guide: be kind.", 'var name = \\\\\\"one'):
        assert words in asked or words.replace("\\\\\\", "\\") in asked, words
    assert "test-key-0123456789" not in asked


def test_apply_writes_what_is_allowed_and_keeps_a_before_image(shell: Shell, service: StandIn, workspace: Path, home: Path) -> None:
    before = files(workspace)
    code, result = shell.json("run", "porter", "Say two", "--trust", "--apply")
    assert code == 0 and result["applied"] == {"paths": ["services/main.go"], "problem": None}
    assert files(workspace) == {**before, "services/main.go": 'package main\n\nvar name = "two"\n'}
    images = [path.read_text() for path in (home / ".local/state/aigentflow/runs").rglob("before/*")]
    assert images == [before["services/main.go"]]


def test_without_a_journal_the_proposal_is_shown_and_not_written(
    shell: Shell, service: StandIn, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("aigentflow.runtime.journal.Appender", full)
    before = files(workspace)
    code, result = shell.json("run", "porter", "Say two", "--trust", "--apply")
    assert (code, result["outcome"], len(result["edits"])) == (1, "finished", 1)
    assert "before-image" in result["applied"]["problem"]
    assert files(workspace) == before


def test_an_agent_without_edit_and_write_only_reads(shell: Shell, service: StandIn, workspace: Path) -> None:
    file = workspace / ".aigentflow/agents/porter.md"
    file.write_text(AGENT.replace("Edit, Write, ", ""))
    code, result = shell.json("run", "porter", "Say two", "--trust", "--apply")
    assert [tool["name"] for tool in service.bodies[0]["tools"]] == ["Read", "Grep", "Glob"]
    assert (code, result["edits"]) == (0, [])


def test_the_command_line_replaces_the_allow_list_and_adds_to_the_deny_lists(shell: Shell, service: StandIn) -> None:
    _code, result = shell.json("run", "porter", "x", "--trust", "--allow", "**", "--deny", "services/main.go")
    assert {edit["path"] for edit in result["edits"]} == {"elsewhere/x.txt"}
    assert {refusal["path"] for refusal in result["refusals"]} >= {"services/main.go", "services/locked/x.txt"}


def test_the_patch_can_be_applied_by_git(shell: Shell, service: StandIn, workspace: Path) -> None:
    _code, patch, _err = shell("run", "porter", "Say two", "--trust", "--format", "patch")
    subprocess.run(["git", "init", "-q"], cwd=workspace, check=True)
    subprocess.run(["git", "apply", "-"], cwd=workspace, input=patch, text=True, check=True)
    assert "two" in (workspace / "services/main.go").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "porter", "x"], "aigentflow trust"),
        (["run", "portr", "x", "--trust"], "did you mean 'porter'"),
        (["run", "porter", "  ", "--trust"], "task is empty"),
        (["run", "porter", "x", "--trust", "--file", "nope.go"], "no 'nope.go'"),
        (["run", "porter", "x", "--trust", "--file", "/etc/hostname"], "outside the workspace"),
        (["run", "porter", "x", "--trust", "--range", "1:2"], "needs --file"),
        (["run", "porter", "x", "--trust", "--file", "services/main.go", "--range", "9:2"], "is not A:B"),
        (["run", "porter", "x", "--trust", "--file", "services/main.go", "--range", "90:99"], "beyond the end"),
        (["run", "porter", "x", "--max-turns", "0"], "above 0"),
        (["run", "porter", "x", "--max-usd", "nan"], "above 0"),
        (["check", "--agent", "nobody"], "no agent 'nobody'"),
        (["journal", "show"], "Which run"),
        (["journal", "show", "nope"], "no run 'nope'"),
        (["trust", "/does/not/exist"], "no folder"),
    ],
)
def test_wrong_use_is_2_says_what_to_do_and_sends_nothing(shell: Shell, service: StandIn, words: list[str], told: str) -> None:
    code, out, err = shell(*words)
    assert (code, out) == (2, "")
    assert told in err
    assert service.requests == []


def test_without_a_key_nothing_begins(shell: Shell, service: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    code, _out, err = shell("run", "porter", "x", "--trust")
    assert code == 2 and "ANTHROPIC_API_KEY" in err
    assert service.requests == []


def test_without_a_boundary_it_names_the_folders_to_allow(shell: Shell, service: StandIn, workspace: Path) -> None:
    (workspace / ".aigentflow/agents/porter.md").write_text("---\nagent: porter\ntools: [Read, Edit]\n---\n# Role\nPort.\n")
    code, _out, err = shell("run", "porter", "x", "--trust")
    assert code == 2 and "--allow 'services/**'" in err
    assert service.requests == []


def test_trust_holds_for_exactly_this_content(shell: Shell, service: StandIn, workspace: Path) -> None:
    assert shell("trust", str(workspace))[0] == 0
    assert shell("run", "porter", "x")[0] == 0
    (workspace / ".aigentflow/agents/porter.md").write_text(AGENT.replace("You port services", "You port services and more"))
    assert shell("run", "porter", "x")[0] == 2
    shell("trust", str(workspace))
    shell("trust", "--revoke", str(workspace))
    assert shell("run", "porter", "x")[0] == 2


def test_the_projects_boundary_counts_when_it_is_trusted(shell: Shell, service: StandIn, workspace: Path) -> None:
    (workspace / ".aigentflow/project.yaml").write_text("boundaries: {porter: {allow: [elsewhere/**]}}\n")
    shell("trust", str(workspace))
    _code, result = shell.json("run", "porter", "x")
    assert [edit["path"] for edit in result["edits"]] == ["elsewhere/x.txt"]
    (workspace / ".aigentflow/project.yaml").write_text("boundaries: {porter: {allow: [elsewhere/**, more/**]}}\n")
    _code, answer = shell.json("agents", "--explain", "elsewhere/x.txt")
    assert not any(entry["may_change"] for entry in answer["agents"])


def test_a_run_that_hits_its_limit_is_1(shell: Shell, service: StandIn) -> None:
    code, result = shell.json("run", "porter", "x", "--trust", "--max-turns", "1", "--apply")
    assert (code, result["outcome"]) == (1, "limit")
    assert result["applied"]["paths"] == []


def test_recorded_turns_need_no_key(shell: Shell, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = workspace.parent / "turns.json"
    script.write_text(json.dumps(EDITS))
    monkeypatch.setenv("AIGENTFLOW_SCRIPT", str(script))
    code, out, err = shell("run", "porter", "x", "--trust")
    assert code == 0 and '+var name = "two"' in out and "porter: finished" in out
    assert "refused" in err and "--apply" in err


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_ends_a_run_as_cancelled(workspace: Path) -> None:
    with StandIn([{"text": "hm", "fault": {"silence": 2, "pings": True}}]) as stand_in:
        env = {**os.environ, "ANTHROPIC_BASE_URL": stand_in.url, "ANTHROPIC_API_KEY": "test-key-0123456789"}
        words = python("run", "porter", "x", "--trust", "--format", "json", "--workspace", str(workspace))
        with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            with stand_in.changed:
                assert stand_in.changed.wait_for(lambda: bool(stand_in.requests), timeout=30)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert json.loads(out)["outcome"] == "cancelled"
    assert "Traceback" not in err


def test_the_journal_knows_the_run(shell: Shell, service: StandIn) -> None:
    assert shell("journal")[:2] == (0, "No runs yet.\n")
    _code, result = shell.json("run", "porter", "Say two", "--trust")
    _code, listed = shell.json("journal", "list")
    (run,) = listed["runs"]
    assert (run["run"], run["outcome"], run["meta"]["task"]) == (result["run"], "finished", "Say two")
    code, shown, _err = shell("journal", "show", result["run"][:-1])
    assert code == 0 and "elsewhere/x.txt" in shown


def test_agents_says_what_each_may_do(shell: Shell) -> None:
    _code, listed = shell.json("agents")
    agents = {agent["id"]: agent for agent in listed["agents"]}
    porter, backend = agents["porter"], agents["backend_dev"]
    assert (porter["source"], porter["path"], porter["tools"]) == (
        "workspace",
        ".aigentflow/agents/porter.md",
        ["Read", "Edit", "Write", "Grep", "Glob"],
    )
    assert porter["boundary"]["allow"] == ["services/**"] and porter["boundary"]["deny"] == ["services/locked/**"]
    assert [(item["text"], item["check"]) for item in porter["checklist"]] == [
        ("Typed domain errors (no plain strings)", "typed-domain-errors"),
        ("Somebody has read it", None),
    ]
    assert [command["id"] for command in porter["commands"]] == ["port"]
    assert (porter["trusted"], porter["runnable"], porter["shadowed_by"]) == (False, True, None)
    assert (backend["source"], len(backend["checklist"]), len(backend["commands"])) == ("built-in", 7, 4)


def test_explain_names_who_may_change_a_path(shell: Shell, workspace: Path) -> None:
    shell("trust", str(workspace))
    _code, answer = shell.json("agents", "--explain", "services/main.go")
    by_id = {entry["id"]: entry for entry in answer["agents"]}
    assert by_id["porter"]["may_change"] and not by_id["backend_dev"]["may_change"]
    assert "services/**" in by_id["backend_dev"]["reason"]
    _code, out, _err = shell("agents", "--explain", "../x")
    assert "yes" not in out


TYPESCRIPT = "export class Store {\n  take(): void {\n    throw 'nothing left';\n  }\n}\n"


@pytest.fixture
def gap(workspace: Path) -> str:
    file = workspace / "apps/api/src/store.ts"
    file.parent.mkdir(parents=True)
    file.write_text(TYPESCRIPT)
    (workspace / "apps/api/package.json").write_text('{"name": "api"}')
    return "apps/api/src/store.ts"


def test_check_finds_a_gap(shell: Shell, gap: str) -> None:
    code, report = shell.json("check", gap)
    assert code == 1
    assert set(report) >= {"schema", "workspace", "agents", "files", "seconds", "items", "findings"}
    (finding,) = [finding for finding in report["findings"] if finding["check"] == "typed-domain-errors"]
    assert (finding["path"], finding["line"], finding["column"]) == (gap, 3, 5)
    assert sorted(finding["agents"]) == ["backend_dev", "porter"]
    statuses = {(item["agent"], item["text"]): item["status"] for item in report["items"]}
    assert statuses["porter", "Somebody has read it"] == "manual"
    assert statuses["porter", "Typed domain errors (no plain strings)"] == "gap"


@pytest.mark.parametrize(("words", "code"), [(["--fail-on", "never"], 0), (["--fail-on", "error"], 0), (["docs"], 0), (["apps"], 1)])
def test_the_threshold_and_the_paths_decide_the_exit_code(shell: Shell, gap: str, words: Sequence[str], code: int) -> None:
    assert shell("check", *words)[0] == code


def test_check_speaks_sarif_and_github(shell: Shell, gap: str) -> None:
    sarif = json.loads(shell("check", "--format", "sarif")[1])
    assert sarif["version"] == "2.1.0" and sarif["runs"][0]["results"]
    assert f"::warning file={gap},line=3" in shell("check", "--format", "github")[1]


def test_fix_writes_inside_a_boundary_only(shell: Shell, gap: str, workspace: Path) -> None:
    (workspace / "apps/api/src/errors.ts").write_text(
        "export class DomainError extends Error {\n  constructor(message: string, readonly code: string) {\n    super(message);\n  }\n}\n"
    )
    other = workspace / "libs/src/store.ts"
    other.parent.mkdir(parents=True)
    other.write_text(TYPESCRIPT)
    before = files(workspace)
    code, out, err = shell("check", "--fix", "--agent", "backend_dev", "--fail-on", "never", "--format", "json")
    assert code == 0
    changed = {name for name, text in files(workspace).items() if before.get(name) != text}
    assert changed == {gap} == {entry["path"] for entry in json.loads(out)["fixed"]}
    assert "new DomainError(" in (workspace / gap).read_text()
    assert f"repaired {gap}" in err


def test_doctor_names_the_key_and_never_shows_it(shell: Shell, service: StandIn) -> None:
    code, report = shell.json("doctor")
    found = {finding["what"]: finding for finding in report["findings"]}
    assert code == 0
    assert found["key"]["found"] == "from ANTHROPIC_API_KEY"
    assert found["service"]["found"] == service.url
    assert "not trusted" in found["agent porter"]["found"]
    assert "test-key" not in json.dumps(report)


def test_doctor_says_which_request_field_a_service_refused(shell: Shell, service: StandIn) -> None:
    refusal = {"status": 400, "type": "invalid_request_error", "message": "output_config: Extra inputs are not permitted"}
    service.script = [{"fault": refusal}, {"text": "Done."}]
    assert shell("run", "porter", "x", "--trust")[0] == 0
    _code, report = shell.json("doctor")
    assert any(entry["what"] == "refused field" and "output_config" in entry["found"] for entry in report["findings"])


def test_doctor_reports_a_broken_configuration(shell: Shell, home: Path) -> None:
    file = home / ".config/aigentflow/config.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("limits: [")
    code, out, _err = shell("doctor")
    assert code == 1 and "BROKEN  configuration" in out and "line 1" in out


def test_the_version_costs_nothing() -> None:
    heavy = "{'pydantic', 'yaml', 'pygls', 'lsprotocol', 'anthropic', 'asyncio', 'tree_sitter'}"
    script = f"import sys\nfrom aigentflow.cli import main\ntry: main(['--version'])\nexcept SystemExit: print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"aigentflow {__version__}", "set()"]


def test_a_bug_becomes_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(options: object) -> int:
        raise RuntimeError("sk-ant-" + "x" * 30)

    monkeypatch.setattr("aigentflow.command_line.doctor.main", broken)
    assert main(["doctor"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("aigentflow: unexpected RuntimeError") and "AIGENTFLOW_DEBUG=1" in err
    assert "Traceback" not in err and "xxxxx" not in err
    monkeypatch.setenv("AIGENTFLOW_DEBUG", "1")
    main(["doctor"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_reader_that_has_enough_is_no_fault(workspace: Path) -> None:
    words = python("agents", "--format", "json", "--workspace", str(workspace))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (0, b"")
