"""What `aigentflow run` prints of a result, and the exit code it makes of it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from aigentflow.command_line import run as run_command
from aigentflow.command_line.run_output import text_lines
from aigentflow.runtime.result import (
    BoxPart,
    ClaimPart,
    CommandPart,
    FailurePart,
    Outcome,
    RefusalPart,
    RunResult,
    Status,
    VerificationPart,
    WeakeningPart,
)

RESULT = RunResult(
    run="r1",
    agent="backend_dev",
    outcome="finished",
    box=BoxPart(tier=1, name="namespaces", words="no network, secrets hidden", limits=("slower with many files",)),
    commands=(
        CommandPart(command="npm test", exit=1, seconds=12.3),
        CommandPart(command="sleep 999", ended="ended after 120 s", seconds=120.0),
        CommandPart(command="gen", exit=0, changes_kept=("src/gen.ts",)),
    ),
    verification={
        "typecheck": VerificationPart(status="pass", command="tsc", exit=0, seconds=2.0),
        "tests": VerificationPart(
            status="fail",
            command="vitest run",
            exit=1,
            reason="2 failed\nmore",
            failures=(FailurePart(path="a.spec.ts", line=3, column=5, message="expected 1", code="E1"), FailurePart(path="b.ts")),
        ),
        "lint": VerificationPart(reason="there is no linter"),
    },
    claims=(
        ClaimPart(claim="modify a.ts", verdict="confirmed"),
        ClaimPart(claim="docs updated", verdict="unwitnessed"),
        ClaimPart(claim="tests: pass", verdict="contradicted", why="they fail"),
    ),
    weakenings=(WeakeningPart(path="a.spec.ts", line=9, kind="test-skipped", message="it() became it.skip()"),),
    refusals=(RefusalPart(tool="Edit", path="web/x.ts", reason="outside the boundary", owner="frontend"),),
)


def test_the_text_says_what_was_measured_beside_what_was_claimed() -> None:
    assert list(text_lines(RESULT))[:-1] == [
        "backend_dev: finished",
        "  weakens checks: a.spec.ts:9: it() became it.skip() (test-skipped)",
        "  typecheck  pass     tsc (exit 0, 2.0 s)",
        "  tests      fail     (claimed pass) vitest run (exit 1): 2 failed",
        "    a.spec.ts:3:5: expected 1 (E1)",
        "    b.ts",
        "  lint       not run  there is no linter",
        "  refused: Edit web/x.ts: outside the boundary (belongs to frontend)",
        "  commands: tier 1 (namespaces): no network, secrets hidden",
        "    limit: slower with many files",
        "    exit   1    12.3 s  npm test",
        "    exit   –   120.0 s  sleep 999 (ended after 120 s)",
        "    exit   0     0.0 s  gen (kept src/gen.ts)",
        "  contradicted: tests: pass – they fail",
        "  unwitnessed: docs updated",
        "  1 claim confirmed by the record",
    ]


@pytest.mark.parametrize("text", ["a\nbackend_dev: finished", "a\rb", "\x1b[2Jx", "a\u202eb", "x" * 9000])
def test_what_is_said_stays_on_its_line_and_obeys_nobody(text: str) -> None:
    failure = FailurePart(path=text, line=1, message=text, code=text)
    result = RunResult(
        run="r1",
        agent="a",
        outcome="failed",
        reason=text,
        commands=(CommandPart(command=text, ended=text),),
        verification={"tests": VerificationPart(status="fail", command=text, reason=text, failures=(failure,))},
        claims=(ClaimPart(claim=text, verdict="contradicted", why=text),),
        weakenings=(WeakeningPart(path=text, line=1, kind=text, message=text),),
        refusals=(RefusalPart(tool="Bash", path=text, reason=text),),
        box=BoxPart(tier=6, name="none", words=text, limits=(text,)),
    )
    lines = list(text_lines(result))
    assert len(lines) == 10 and all(line.isprintable() and len(line) < 450 for line in lines)


def _result(outcome: Outcome, *statuses: Status) -> RunResult:
    names = ("typecheck", "tests", "lint")
    measured = {name: VerificationPart(status=status) for name, status in zip(names, statuses, strict=False)}
    return RunResult(run="r1", agent="a", outcome=outcome, verification=measured)


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (_result("finished"), 0),
        (_result("finished", "pass", "not_run", "not_run"), 0),
        (_result("finished", "not_run", "not_run", "not_run"), 0),
        (_result("finished", "pass", "fail", "pass"), 1),
        (_result("finished", "pass", "pass", "fail"), 1),
        (_result("limit", "pass", "pass", "pass"), 1),
        (_result("cancelled"), 1),
    ],
)
@pytest.mark.parametrize("form", ["text", "json", "patch"])
def test_a_failed_verification_is_exit_code_1(
    result: RunResult, code: int, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def ran(_request: Any, _agent: str) -> RunResult:
        return result

    monkeypatch.setattr(run_command, "_run", ran)
    monkeypatch.setattr(run_command, "prepare", lambda _workspace, _options: (None, None))
    assert run_command.main(argparse.Namespace(agent="worker", workspace=str(tmp_path), format=form, apply=False)) == code
    out = capsys.readouterr().out
    assert form != "json" or json.loads(out)["outcome"] == result.outcome
