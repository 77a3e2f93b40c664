"""What a run proposes is verified in the box: by the project's own commands, on the proposed text, whatever the agent says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aigentflow.box.client import examine
from aigentflow.runtime.events import ToolCalled
from aigentflow.runtime.result import RunResult
from run_making import agent_text, json_agent, of_kind, request, run, write_files

SAYS_PASS = {"text": json.dumps({"summary": "All tests pass.", "files": [], "verification": {"tests": "pass"}})}
CHECK = """# Passes while no file below src holds the word bug.
import pathlib, sys
found = [f"{path}:{n}:{line}" for path in pathlib.Path("src").rglob("*.ts") for n, line in enumerate(path.open(), 1) if "bug" in line]
print(*found, "3 passed", sep="\\n")
sys.exit(bool(found))
"""
PROJECT = {"verification": {"tests": "python3 check.py"}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    import asyncio

    folder = write_files(tmp_path / "workspace", {"src/a.ts": "export const a = 1;\n", "check.py": CHECK})
    report, _ = asyncio.run(examine(str(folder), {"PATH": "/usr/bin:/bin"}, str(tmp_path)))
    if report.tier == "none":
        pytest.skip(f"no box here: {report.missed}")
    return folder


def write(text: str) -> dict[str, Any]:
    return {"tools": [{"name": "Write", "input": {"file_path": "src/new.ts", "content": text}}]}


def measured(result: RunResult) -> tuple[str, int | None]:
    part = result.verification["tests"]
    return part.status, part.exit


def verdicts(result: RunResult) -> set[str]:
    return {claim.verdict for claim in result.claims if "test" in claim.claim.lower()}


def test_pass_is_what_the_command_returned_on_the_proposed_text(root: Path) -> None:
    result, events = run(request(root, agent=json_agent(), project=PROJECT), [write("fine\n"), SAYS_PASS])
    assert measured(result) == ("pass", 0)
    assert result.verification["tests"].command == "python3 check.py"
    assert [called.subject for called in of_kind(events, ToolCalled) if called.tool == "Verify"] == ["python3 check.py"]
    assert result.box is not None and result.box.tier in (1, 2, 3)
    assert not (root / "src/new.ts").exists()
    assert verdicts(result) == {"confirmed"}


def test_results_that_a_runner_remembers_do_not_count(root: Path) -> None:
    (root / "check.py").write_text('import os, sys\nprint("1 passed")\nsys.exit(os.environ.get("TURBO_FORCE") != "true")\n')
    result, _ = run(request(root, agent=json_agent(), project=PROJECT), [write("fine\n"), SAYS_PASS])
    assert measured(result) == ("pass", 0) and result.verification["tests"].command == "python3 check.py"


def test_fail_is_told_to_the_model_which_may_mend_it(root: Path) -> None:
    turns = [
        write("bug\n"),
        SAYS_PASS,
        {"tools": [{"name": "Edit", "input": {"file_path": "src/new.ts", "old_string": "bug", "new_string": "ok"}}]},
    ]
    result, events = run(request(root, agent=json_agent(), project=PROJECT), [*turns, SAYS_PASS])
    assert measured(result) == ("pass", 0)
    assert len([called for called in of_kind(events, ToolCalled) if called.tool == "Verify"]) == 2


def test_a_failure_that_stays_is_a_failure_whatever_the_agent_says(root: Path) -> None:
    result, events = run(request(root, agent=json_agent(), project=PROJECT), [write("a bug\n"), SAYS_PASS, SAYS_PASS, SAYS_PASS])
    assert measured(result) == ("fail", 1)
    assert "src/new.ts:1:a bug" in result.verification["tests"].reason
    assert verdicts(result) == {"contradicted"}
    # The same text is not verified again.
    assert len([called for called in of_kind(events, ToolCalled) if called.tool == "Verify"]) == 1


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("python3 check.py || true", "hides its exit status"),
        ("python3 check.py; echo done", "proves nothing"),
        ("python3 check.py | cat", "proves nothing"),
        ("no-such-runner --all", "not installed"),
    ],
)
def test_an_exit_status_that_proves_nothing_is_no_pass(root: Path, command: str, why: str) -> None:
    result, _ = run(request(root, agent=json_agent(), project={"verification": {"tests": command}}), [write("a bug\n"), SAYS_PASS])
    assert result.verification["tests"].status == "not_run"
    assert why in result.verification["tests"].reason
    assert verdicts(result) == {"unwitnessed"}


def test_what_the_team_itself_states_as_its_check_may_be_plain(root: Path) -> None:
    project = {"verification": {"tests": "! test -e src/new.ts || grep -q fine src/new.ts", "lint": "grep -q fine src/new.ts"}}
    result, _ = run(request(root, agent=json_agent(), project=project), [write("fine\n"), SAYS_PASS])
    assert result.verification["lint"].status == "pass" and result.verification["tests"].status == "not_run"
    failed, _ = run(request(root, agent=json_agent(), project=project), [write("bad\n"), SAYS_PASS, SAYS_PASS, SAYS_PASS])
    assert (failed.verification["lint"].status, failed.verification["lint"].exit) == ("fail", 1)


def test_without_a_box_without_a_change_and_without_a_command_nothing_is_claimed_to_have_run(root: Path) -> None:
    off, _ = run(request(root, agent=json_agent(), project=PROJECT, commands={"box": "none"}), [write("fine\n"), SAYS_PASS])
    assert off.verification["tests"].status == "not_run" and "off" in off.verification["tests"].reason
    unchanged, _ = run(request(root, agent=json_agent(), project=PROJECT), [SAYS_PASS])
    assert unchanged.verification["tests"].reason == "the run changed nothing"
    unknown, _ = run(request(root, agent=json_agent()), [write("fine\n"), SAYS_PASS])
    assert unknown.verification["lint"].status == "not_run" and unknown.verification["lint"].reason
    for result in (off, unchanged, unknown):
        assert verdicts(result) == {"unwitnessed"}


def test_what_a_command_changed_joins_the_proposal_only_where_asked_and_within_the_boundary(root: Path) -> None:
    command = "sed -i 's/1/2/' src/a.ts; mkdir -p web; echo x > web/x.ts; printf 'new' > src/made.ts; chmod +x src/made.ts"
    agent = agent_text(tools="[Read, Bash, Write]")
    dropped, _ = run(request(root, agent=agent), [{"tools": [{"name": "Bash", "input": {"command": command}}]}, {"text": "done"}])
    assert not dropped.changes
    call = {"name": "Bash", "input": {"command": command, "keep_changes": True}}
    kept, _ = run(request(root, agent=agent), [{"tools": [call]}, {"text": "done"}])
    assert {change.path: change.after for change in kept.changes} == {"src/a.ts": "export const a = 2;\n", "src/made.ts": "new"}
    assert [(refusal.tool, refusal.path, refusal.owner) for refusal in kept.refusals] == [("Bash", "web/x.ts", "frontend_dev")]
    assert kept.commands[0].changes_kept == ("src/a.ts", "src/made.ts") and kept.commands[0].exit == 0
    assert (root / "src/a.ts").read_text() == "export const a = 1;\n"


def test_a_command_sees_what_the_run_has_changed_and_a_rename_stays_one(root: Path) -> None:
    agent = agent_text(tools="[Read, Bash, Write]")
    look = {"tools": [{"name": "Bash", "input": {"command": "cat src/new.ts; mv src/a.ts src/b.ts", "keep_changes": True}}]}
    result, _ = run(request(root, agent=agent), [write("made by the run\n"), look, {"text": "done"}])
    assert result.commands[0].output == "made by the run\n"
    assert {(change.path, change.kind, change.from_path) for change in result.changes} == {
        ("src/new.ts", "create", None),
        ("src/b.ts", "rename", "src/a.ts"),
    }


def test_a_run_that_only_reads_keeps_nothing(root: Path) -> None:
    call = {"name": "Bash", "input": {"command": "echo x > src/x.ts", "keep_changes": True}}
    result, _ = run(request(root, agent=agent_text(tools="[Read, Bash]"), result="report"), [{"tools": [call]}, {"text": "done"}])
    assert not result.changes and result.commands[0].exit == 0


def test_in_an_untrusted_workspace_commands_need_one_of_the_first_two_tiers(root: Path) -> None:
    agent = json_agent(tools="[Read, Write, Bash]")
    given = request(root, agent=agent, project=PROJECT, commands={"box": "landlock"})
    result, _ = run(given, [write("fine\n"), SAYS_PASS])
    if result.box is not None and result.box.name != "landlock":
        pytest.skip("no Landlock here")
    assert result.verification["tests"].status == "not_run" and "not trusted" in result.verification["tests"].reason
    trusted, _ = run(given.model_copy(update={"trusted": True}), [write("fine\n"), SAYS_PASS])
    assert measured(trusted) == ("pass", 0)
