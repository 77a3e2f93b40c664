"""The result of a run, put together from what it left: proposal, measured verification, claims beside the record, usage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aigentflow.errors import PathError
from aigentflow.redaction import Redactor
from aigentflow.runtime.auditing.claims import audit
from aigentflow.runtime.auditing.record import Record
from aigentflow.runtime.auditing.weakening import weakenings
from aigentflow.runtime.commanding import Commands
from aigentflow.runtime.context import Context
from aigentflow.runtime.events import Refused
from aigentflow.runtime.ledger import Ledger
from aigentflow.runtime.loop import Ending
from aigentflow.runtime.report import report_of
from aigentflow.runtime.result import ChangePart, ClaimPart, CommandPart, GapCountPart, RefusalPart, RunResult, UsagePart
from aigentflow.runtime.telling import Teller
from aigentflow.runtime.turns import Usage
from aigentflow.runtime.verify import Verifier, not_verified
from aigentflow.workspace.overlay import Overlay


@dataclass(frozen=True)
class Remains:
    """What a run leaves."""

    context: Context
    ending: Ending
    gaps: GapCountPart
    schema: Mapping[str, Any] | None
    refusals: tuple[Refused, ...]
    ledger: Ledger
    model: str
    left_out_fields: tuple[str, ...]
    seconds: float
    commands: Commands | None
    verifier: Verifier | None


def summarize(remains: Remains, teller: Teller, redactor: Redactor) -> RunResult:
    """Return the result; nothing secret and no control character is in it."""
    context, ending, ledger = remains.context, remains.ending, remains.ledger
    proposal = context.overlay.proposal()
    otherwise = f"the run did not finish ({ending.outcome})" if ending.outcome != "finished" else "nothing was verified on this text"
    verification = remains.verifier.of(proposal, otherwise) if remains.verifier is not None else not_verified(otherwise)
    commands = remains.commands
    ran = tuple(commands.records) if commands is not None else ()
    report = report_of(ending.text, remains.schema, proposal)
    record = Record(
        proposal, verification, ran, commands.edits if commands is not None else 0, context.overlay.exists, _reader(context.overlay)
    )
    return RunResult(
        run=context.request.run,
        agent=context.definition.id,
        outcome=ending.outcome,
        reason=teller.words(ending.reason),
        code=ending.code,
        changes=tuple(ChangePart.of(change) for change in proposal.changes),
        refusals=tuple(RefusalPart.model_validate(asdict(teller.cleaned(refused))) for refused in remains.refusals),
        verification={name: part.model_copy(update={"reason": teller.words(part.reason)}) for name, part in verification.items()},
        gaps=remains.gaps,
        report=redactor.value(report.value),
        report_format=report.format,
        claims=tuple(_clean_claim(claim, teller) for claim in audit(report.said, record)),
        weakenings=weakenings(proposal),
        box=commands.part() if commands is not None else None,
        commands=tuple(_clean(part, teller) for part in ran),
        notes=tuple(teller.notes),
        left_out_fields=remains.left_out_fields,
        usage=_usage(ledger.usage, ledger.usd, ledger.estimated),
        turns=ledger.turns,
        model=remains.model,
        seconds=remains.seconds,
    )


def _reader(overlay: Overlay) -> Callable[[str], str | None]:
    def read(path: str) -> str | None:
        try:
            return overlay.peek(path)
        except PathError:
            return None

    return read


def _clean_claim(claim: ClaimPart, teller: Teller) -> ClaimPart:
    return claim.model_copy(update={"claim": teller.words(claim.claim), "why": teller.words(claim.why)})


def _clean(part: CommandPart, teller: Teller) -> CommandPart:
    return part.model_copy(update={"command": teller.words(part.command), "output": teller.words(part.output)})


def _usage(usage: Usage, usd: float | None, estimated: bool) -> UsagePart:
    return UsagePart(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_input_tokens=usage.cache_read_input_tokens,
        cache_creation_input_tokens=usage.cache_creation_input_tokens,
        usd=usd,
        estimated=estimated,
    )
