"""Verification: the project's own checks, really run in the box on the proposed text.

A field is `pass` only if its command ran on exactly the text that is proposed, returned 0, and could have returned something else.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aigentflow.box.values import Outcome
from aigentflow.errors import PathError
from aigentflow.runtime.commanding import Commands
from aigentflow.runtime.events import ToolAnswered, ToolCalled
from aigentflow.runtime.result import VERIFICATIONS, VerificationPart
from aigentflow.runtime.turns import Listener
from aigentflow.runtime.verification.discovery import plan
from aigentflow.runtime.verification.failures import failures, first_lines
from aigentflow.runtime.verification.steps import Plan, Step
from aigentflow.runtime.verification.summaries import ran_nothing
from aigentflow.workspace.overlay import Overlay
from aigentflow.workspace.proposal import Proposal

SECONDS = 300.0
"""How long one command of a verification may take."""
_FRESH = "export TURBO_FORCE=true; "
"""In front of a command: a result that was remembered, of whatever the runner took for the same input, is not replayed."""
NOTHING_CHANGED = "the run changed nothing"
Verification = dict[str, VerificationPart]


def not_verified(reason: str, stated: Mapping[str, str] | None = None) -> Verification:
    """Return all fields as not run; `stated` are the commands of the project file."""
    return {name: VerificationPart(status="not_run", command=(stated or {}).get(name), reason=reason) for name in VERIFICATIONS}


def digest(proposal: Proposal) -> str:
    """Return what tells two proposals with different texts apart."""
    parts = [[change.path, change.kind, change.from_path, change.after, change.executable] for change in proposal.changes]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class _Verified:
    digest: str
    parts: Verification


class Verifier:
    """Verifies what a run proposes; the same text is not verified twice."""

    def __init__(self, commands: Commands, overlay: Overlay, stated: Mapping[str, str], listener: Listener) -> None:
        self._commands = commands
        self._overlay = overlay
        self._stated = stated
        self._listener = listener
        self._last: _Verified | None = None

    async def verify(self) -> Verification:
        """Run what there is to run on the text as it is now."""
        proposal = self._overlay.proposal()
        now = digest(proposal)
        if self._last is None or self._last.digest != now:
            self._last = _Verified(now, await self._run(proposal))
        return self._last.parts

    def of(self, proposal: Proposal, otherwise: str) -> Verification:
        """Return what was measured on exactly this proposal; else every field as not run, for the reason given."""
        if not proposal:
            return not_verified(NOTHING_CHANGED, self._stated)
        if self._last is not None and self._last.digest == digest(proposal):
            return self._last.parts
        return not_verified(otherwise, self._stated)

    async def _run(self, proposal: Proposal) -> Verification:
        if not proposal:
            return not_verified(NOTHING_CHANGED, self._stated)
        changed = sorted({path for change in proposal.changes for path in (change.path, change.from_path) if path is not None})
        plans = await asyncio.to_thread(plan, changed, self._text, self._overlay.exists, self._stated)
        if not any(planned.steps for planned in plans.values()):
            return {name: VerificationPart(status="not_run", reason=plans[name].reason) for name in VERIFICATIONS}
        await self._commands.ready()
        if why := self._commands.why_off():
            return not_verified(why, self._stated)
        parts = await asyncio.gather(*(self._field(name, plans[name]) for name in VERIFICATIONS))
        return dict(zip(VERIFICATIONS, parts, strict=True))

    def _text(self, path: str) -> str | None:
        try:
            return self._overlay.peek(path)
        except PathError:
            return None

    async def _field(self, name: str, planned: Plan) -> VerificationPart:
        if not planned.steps:
            return VerificationPart(status="not_run", reason=planned.reason)
        judged: list[VerificationPart] = []
        for step in planned.steps:
            part = await self._step(name, step)
            judged.append(part)
            if part.status == "fail":
                break
        return _together(judged, planned.steps)

    async def _step(self, name: str, step: Step) -> VerificationPart:
        self._listener(ToolCalled("Verify", step.command, f"{name}:{step.folder}"))
        outcome = await self._commands.execute(_FRESH + step.command, step.folder, seconds=SECONDS)
        part = self._judged(name, step, outcome)
        words = f"{name}: {part.status}" + (f", exit {part.exit}" if part.exit is not None else "")
        self._listener(ToolAnswered("Verify", f"{name}:{step.folder}", part.status != "pass", words))
        return part

    def _judged(self, name: str, step: Step, outcome: Outcome) -> VerificationPart:
        shown = step.command if not step.folder else f"cd {step.folder} && {step.command}"
        make = VerificationPart(command=shown, exit=outcome.exit, seconds=outcome.seconds).model_copy
        if outcome.problem:
            return make(update={"reason": outcome.problem})
        if outcome.exit is None:
            why = f"did not end within {SECONDS:g} s" if outcome.ended_by == "time" else f"was ended ({outcome.ended_by or outcome.signal})"
            return make(update={"reason": f"the command {why}"})
        if why := ran_nothing(name, outcome.output, outcome.exit):
            return make(update={"reason": why})
        if outcome.exit != 0:
            root = self._overlay.boundary.real_root
            found = failures(outcome.output, step.folder, self._overlay.exists, root)
            return make(update={"status": "fail", "reason": first_lines(outcome.output), "failures": found})
        if step.masked:
            return make(update={"reason": f"its exit status proves nothing: {step.masked}"})
        return make(update={"status": "pass"})


def _together(judged: list[VerificationPart], steps: tuple[Step, ...]) -> VerificationPart:
    """Return one verdict over the steps of a field: a failure first; else every step that is not narrow has to have passed."""
    ran = list(zip(steps, judged, strict=False))
    if judged[-1].status == "fail":
        return judged[-1]
    whole = [part for step, part in ran if not step.narrow] or judged
    narrow = next((part.command for step, part in ran if step.narrow and part.status == "pass"), None)
    for part in whole:
        if part.status != "pass":
            also = f" (`{narrow}` passed, which looks at the changed files only)" if narrow else ""
            return part.model_copy(update={"reason": part.reason + also})
    seconds = round(sum(part.seconds or 0.0 for part in judged), 3)
    command = "; ".join(dict.fromkeys(part.command or "" for part in whole))
    return VerificationPart(status="pass", command=command, exit=0, seconds=seconds)


def words_on_failure(parts: Verification) -> str:
    """Return what the model is told when a verification failed; empty where none did."""
    if all(part.status != "fail" for part in parts.values()):
        return ""
    lines = ["Your change was verified in the box, on exactly the text that you propose:"]
    for name, part in parts.items():
        lines.append(f"- {name}: {part.status}" + (f" (`{part.command}`)" if part.command else "") + (", output:" if part.reason else ""))
        if part.reason:
            lines.append(f"```\n{part.reason}\n```" if part.status == "fail" else f"  {part.reason}")
    lines.append(
        "Mend what comes from your change and then give your final answer again. What failed before your change, or lies outside your "
        "boundary, is not to be mended: say so in the final answer. Do not weaken tests or checks."
    )
    return "\n".join(lines)


class FinalAnswer:
    """Asked about each last answer of a run: does it meet the contract, and does what was made hold?"""

    def __init__(self, faults: Callable[[str], str], verifier: Verifier | None, rounds: int = 2) -> None:
        self._faults = faults
        self._verifier = verifier
        self._rounds = rounds
        self._repaired = False

    async def __call__(self, text: str) -> str:
        """Return what is said to the model so that the run goes on; empty where it may end."""
        if not self._repaired and (words := self._faults(text)):
            self._repaired = True
            return words
        if self._verifier is None:
            return ""
        words = words_on_failure(await self._verifier.verify())
        if not words or self._rounds == 0:
            return ""
        self._rounds -= 1
        self._repaired = False
        return words
