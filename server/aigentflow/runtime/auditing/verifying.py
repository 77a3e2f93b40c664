"""Claims that something passed, failed or ran, held against what was measured and against the commands that the agent ran."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from aigentflow.runtime.auditing.evidence import Evidence, Run
from aigentflow.runtime.auditing.programs import TEST_FILE, is_narrow
from aigentflow.runtime.auditing.wording import Stance, clean
from aigentflow.runtime.result import VERIFICATIONS, ClaimPart, VerificationPart

Verdict = Literal["confirmed", "contradicted", "unwitnessed"]
_NAMES = {"typecheck": "type check", "tests": "tests", "lint": "lint", "build": "build"}
_PASSED = re.compile(
    r"(\d+)\s+(?:\w+\s+)?pass(?:ed|ing)\b|\bpass(?:ed)?\s*[:=]?\s*(\d+)\b|^\s*ok\s+(\d+)\s+tests", re.IGNORECASE | re.MULTILINE
)
_TOTAL = re.compile(r"Tests:?\s[^\n]*?(\d+)\s+passed", re.IGNORECASE)
_COVERED = re.compile(r"(?:All files|TOTAL|Statements|Lines)\D[^\n]*?(\d+(?:\.\d+)?)\s*(?:%|\|)", re.IGNORECASE)


@dataclass(frozen=True)
class Judged:
    """A verdict and what the record says."""

    verdict: Verdict
    why: str = ""


@dataclass(frozen=True)
class Scope:
    """What of the tests a claim speaks of."""

    everything: bool = False
    """Whether it says that all of them passed."""
    qualifier: str = ""
    """Such as `e2e`: other tests than the plain ones."""
    file: str = ""
    """The one test file that it speaks of."""


_PLAIN = Scope()


def claim(text: str, judged: Judged) -> ClaimPart:
    """Return the claim, shortened and cleaned."""
    return ClaimPart(claim=clean(text), verdict=judged.verdict, why=clean(judged.why))


def judge(evidence: Evidence, kind: str | None, said: Stance, scope: Scope = _PLAIN) -> Judged:
    """Return what the record says of a check that is said to have passed, failed, or not run; kind None: of all checks together."""
    if kind is None:
        return _all(evidence, said)
    if said == "not_run":
        return _not_run(evidence, kind)
    actual = _actual(evidence, kind, scope)
    if said == "pass" or actual.verdict == "unwitnessed":
        return actual
    return Judged("contradicted" if actual.verdict == "confirmed" else "confirmed", actual.why)


def judge_run(evidence: Evidence, kind: str | None, scope: Scope = _PLAIN) -> Judged:
    """Return what the record says where the agent says that it ran a check; kind None: some check."""
    if kind is None:
        kind = next((name for name in VERIFICATIONS if evidence.runs(name)), "tests")
    runs = evidence.runs(kind)
    if sound := [run for run in runs if not run.flaw]:
        return Judged("confirmed", f"{sound[-1].words} ended with {sound[-1].command.exit}")
    if runs:
        return Judged("unwitnessed", runs[-1].flaw)
    part = evidence.record.verification.get(kind)
    if part is not None and part.status != "not_run":
        return _server_ran(part, scope)
    if not evidence.record.commands:
        return Judged("contradicted", "the agent ran no command in this run")
    return Judged("unwitnessed", f"none of the agent's commands is known to run the {_NAMES.get(kind, kind)}")


def _server_ran(part: VerificationPart, scope: Scope) -> Judged:
    if part.status == "fail":
        return Judged("contradicted", f"the server ran it and it failed: {_measured(part)}")
    flaw = _scope_flaw(part.command or "", scope)
    return Judged("unwitnessed", flaw) if flaw else Judged("confirmed", f"the server ran it: {_measured(part)}")


def judge_command(evidence: Evidence, command: str, said: Stance) -> Judged:
    """Return what the record says of a command line that is said to have ended well or badly."""
    run = evidence.run_of(command)
    if run is None:
        return _unseen_command(evidence, command, said)
    if said == "not_run":
        return Judged("contradicted", f"{run.words} was run")
    ended = f"{run.words} ended with {run.command.exit}"
    if said == "pass" and run.command.exit not in (0, None):
        return Judged("contradicted", ended)
    if run.flaw:
        return Judged("unwitnessed", run.flaw)
    return Judged("confirmed" if (run.command.exit == 0) == (said == "pass") else "contradicted", ended)


def _unseen_command(evidence: Evidence, command: str, said: Stance) -> Judged:
    measured = next((part for part in evidence.record.verification.values() if part.command == command), None)
    if measured is not None and measured.status != "not_run":
        right = (measured.status == "pass") == (said == "pass")
        return Judged("confirmed" if right else "contradicted", _measured(measured))
    if said == "not_run":
        return Judged("confirmed")
    if not evidence.record.commands:
        return Judged("contradicted", "the agent ran no command in this run")
    return Judged("unwitnessed", "no such command is among those that the agent ran")


def _all(evidence: Evidence, said: Stance) -> Judged:
    if said == "not_run":
        return Judged("unwitnessed" if evidence.record.commands else "confirmed")
    found = {
        kind: _actual(evidence, kind, Scope(everything=kind == "tests"))
        for kind in dict.fromkeys((*VERIFICATIONS, *evidence.record.verification))
    }
    failed = next((f"{_NAMES.get(kind, kind)}: {judged.why}" for kind, judged in found.items() if judged.verdict == "contradicted"), "")
    if failed:
        return Judged("contradicted" if said == "pass" else "confirmed", failed)
    if open_kinds := [_NAMES.get(kind, kind) for kind, judged in found.items() if judged.verdict == "unwitnessed"]:
        return Judged("unwitnessed", f"not measured: {', '.join(open_kinds)}")
    return Judged(
        "confirmed" if said == "pass" else "contradicted", f"measured: {', '.join(_NAMES.get(kind, kind) for kind in found)} passed"
    )


def _not_run(evidence: Evidence, kind: str) -> Judged:
    if runs := evidence.runs(kind):
        return Judged("contradicted", f"{runs[-1].words} was run")
    part = evidence.record.verification.get(kind)
    if part is not None and part.status != "not_run":
        return Judged("confirmed", f"the agent did not; the server did: {_measured(part)}")
    return Judged("confirmed", "")


def _actual(evidence: Evidence, kind: str, scope: Scope) -> Judged:
    """Return `confirmed` where the check passed, `contradicted` where it failed, `unwitnessed` where nothing shows either."""
    part = evidence.record.verification.get(kind)
    if part is not None and part.status == "fail":
        if scope.qualifier and scope.qualifier not in (part.command or ""):
            return Judged("unwitnessed", f"only the plain {_NAMES.get(kind, kind)} were measured: {_measured(part)}")
        return Judged("contradicted", _measured(part))
    if part is not None and part.status == "pass":
        flaw = _scope_flaw(part.command or "", scope)
        return Judged("unwitnessed", flaw) if flaw else Judged("confirmed", _measured(part))
    return _by_commands(evidence, kind, scope, part)


def _by_commands(evidence: Evidence, kind: str, scope: Scope, part: VerificationPart | None) -> Judged:
    runs = evidence.runs(kind)
    sound = [run for run in runs if not run.flaw]
    if failed := next((run for run in reversed(sound) if run.command.exit != 0 and not _passed_later(run, sound)), None):
        return Judged("contradicted", f"{failed.words} ended with {failed.command.exit}")
    passed = [run for run in sound if run.command.exit == 0]
    fitting = [run for run in passed if not _scope_flaw(run.command.command, scope)]
    if fitting:
        return Judged("confirmed", f"{fitting[-1].words} ended with 0 after the last edit")
    if passed:
        return Judged("unwitnessed", _scope_flaw(passed[-1].command.command, scope))
    if runs:
        last = runs[-1]
        ended = f" and ended with {last.command.exit}" if last.command.exit not in (0, None) else ""
        return Judged("unwitnessed", last.flaw + ended)
    reason = f": {part.reason}" if part is not None and part.reason else ""
    return Judged("unwitnessed", f"nothing ran the {_NAMES.get(kind, kind)}{reason}")


def _passed_later(run: Run, runs: list[Run]) -> bool:
    """Whether the same command passed after it; another one may look at less."""
    return any(later.command.exit == 0 and later.command.command == run.command.command for later in runs[runs.index(run) + 1 :])


def _scope_flaw(command: str, scope: Scope) -> str:
    """Return why a command that passed does not show what a claim says."""
    shown = f"`{clean(command, 100)}`"
    if scope.qualifier and scope.qualifier not in command.lower():
        return f"{shown} is not known to run the {scope.qualifier} tests"
    named = [match.group().strip(" '\"=") for match in TEST_FILE.finditer(command)]
    if scope.file and named and not any(scope.file.endswith(name.split("::")[0].removeprefix("./")) for name in named):
        return f"{shown} does not run this file"
    if scope.everything and is_narrow(command):
        return f"{shown} runs only a part of them"
    return ""


def _measured(part: VerificationPart) -> str:
    command = f"`{clean(part.command or 'the command', 80)}`"
    ended = f"ended with {part.exit}" if part.exit is not None else {"pass": "passed", "fail": "failed"}.get(part.status, "was not run")
    return f"measured: {command} {ended}" + (f": {part.reason}" if part.reason and part.status == "fail" else "")


def judge_count(evidence: Evidence, number: int) -> Judged:
    """Return what the output of the agent's own sound test runs says of a number of passed tests."""
    for run in reversed(evidence.runs("tests")):
        counts = _counts(run.command.output) if not run.flaw else set()
        if number in counts:
            return Judged("confirmed", f"{run.words} printed that number")
        if counts:
            return Judged("contradicted", f"{run.words} printed {', '.join(str(count) for count in sorted(counts))} passed")
    return Judged("unwitnessed", "the number of tests that ran was not measured")


def judge_coverage(evidence: Evidence, percent: float) -> Judged:
    """Return what the output of the agent's own sound test runs says of a coverage figure."""
    for run in reversed(evidence.runs("tests")):
        shown = [float(match) for match in _COVERED.findall(run.command.output)] if not run.flaw else []
        if any(abs(figure - percent) <= 1 for figure in shown):
            return Judged("confirmed", f"{run.words} printed that figure")
        if shown:
            return Judged("contradicted", f"{run.words} printed {', '.join(f'{figure:g} %' for figure in shown[:4])}")
    return Judged("unwitnessed", "coverage was not measured")


def _counts(output: str) -> set[int]:
    return {int(number) for match in _PASSED.finditer(output) for number in match.groups() if number} | {
        int(number) for number in _TOTAL.findall(output)
    }


def flags(text: str) -> Iterator[str]:
    """Yield the words of a claim that widen it to everything."""
    yield from re.findall(r"\b(?:all|every|whole|entire|full|complete)\b", text.lower())
