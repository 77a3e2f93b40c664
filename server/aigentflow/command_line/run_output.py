"""How a run is shown on the command line: progress while it goes on, then the result as text, patch or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aigentflow.command_line.output import plain, remark
from aigentflow.runtime import events
from aigentflow.runtime.claimed import said_of_verification
from aigentflow.workspace.diff import unified

if TYPE_CHECKING:
    from aigentflow.runtime.result import FailurePart, RunResult, VerificationPart

_WIDTH = 110
_LONGEST = 400
_MOST_LISTED = 20


def show_progress(event: events.Event) -> None:
    """Say on standard error what the run is doing."""
    line = _progress(event)
    if line:
        remark(plain(line[:_WIDTH]))


def _progress(event: events.Event) -> str:  # noqa: PLR0911 - one line per kind of event
    match event:
        case events.RunStarted():
            tools = f"{', '.join(event.tools) or 'none'}{' (read-only)' if event.read_only else ''}"
            return f"run {event.run}: {event.agent} on {event.model}, tools {tools}"
        case events.TurnStarted():
            return f"turn {event.turn}"
        case events.ToolCalled():
            return f"  {event.tool} {event.subject}"
        case events.ToolAnswered(is_error=True):
            return f"    {event.summary}"
        case events.Refused():
            return f"  refused: {event.tool} {event.path}: {event.reason}"
        case events.Waiting():
            return f"  waiting: {event.reason}"
        case events.Noted():
            return f"  note: {event.text}"
        case _:
            return ""


def patch(result: RunResult) -> str:
    """Return the proposal as a patch."""
    return "".join(unified(change) for change in result.proposal.changes)


def text_lines(result: RunResult) -> Iterator[str]:
    """Yield the result for a person to read."""
    yield _line(0, f"{result.agent}: {result.outcome}{': ' + result.reason if result.reason else ''}")
    for place in result.weakenings:
        yield _line(1, f"weakens checks: {place.path}:{place.line}: {place.message} ({place.kind})")
    for change in result.proposal.changes:
        moved = f" (was {change.from_path})" if change.from_path else ""
        yield _line(1, f"{change.kind} {change.path}{moved}, {len(change.hunks)} hunks")
    yield from _verification(result)
    for refusal in result.refusals:
        owner = f" (belongs to {refusal.owner})" if refusal.owner and refusal.owner not in refusal.reason else ""
        yield _line(1, f"refused: {refusal.tool} {refusal.path}: {refusal.reason}{owner}")
    yield from _commands(result)
    if result.gaps.before is not None and result.gaps.after is not None:
        yield f"  gaps: {result.gaps.before} before, {result.gaps.after} after"
    yield from _claims(result)
    for note in result.notes:
        yield _line(1, f"note: {note}")
    yield from _report(result)
    yield _usage(result)


def _verification(result: RunResult) -> Iterator[str]:
    """Yield what was measured beside what was claimed, in columns, with the places that failed below."""
    claimed = said_of_verification(claim.claim for claim in result.claims)
    width = max((len(name) for name in result.verification), default=0)
    for name, measured in result.verification.items():
        status = measured.status.replace("_", " ")
        said = f"(claimed {claimed[name]})" if claimed.get(name, measured.status) != measured.status else ""
        yield _line(1, f"{name:<{width}}  {status:<7}  {said}{' ' if said else ''}{_measure(measured)}")
        for failure in measured.failures[:_MOST_LISTED]:
            own = f" ({failure.code})" if failure.code else ""
            yield _line(2, ": ".join(part for part in (_place(failure), failure.message + own) if part))
        if len(measured.failures) > _MOST_LISTED:
            yield f"    and {len(measured.failures) - _MOST_LISTED} more"


def _measure(measured: VerificationPart) -> str:
    ended = [f"exit {measured.exit}"] if measured.exit is not None else []
    ended += [f"{measured.seconds:.1f} s"] if measured.seconds is not None else []
    command = (measured.command or "") + (f" ({', '.join(ended)})" if ended else "")
    why = next(iter(measured.reason.strip().splitlines()), "")
    return ": ".join(part for part in (command, why) if part)


def _place(failure: FailurePart) -> str:
    column = f":{failure.column}" if failure.column is not None else ""
    return failure.path if failure.line is None else f"{failure.path}:{failure.line}{column}"


def _commands(result: RunResult) -> Iterator[str]:
    """Yield where commands ran and each of them: exit status, seconds, the command, what was kept of its changes."""
    if result.box is not None:
        box = result.box
        words = box.words.removeprefix("commands ")
        yield _line(1, f"commands: tier {box.tier} ({box.name}){': ' + words if words else ''}")
        for limit in box.limits:
            yield _line(2, f"limit: {limit}")
    for command in result.commands[:_MOST_LISTED]:
        status = "–" if command.exit is None else str(command.exit)
        notes = [command.ended] if command.ended else []
        notes += [f"kept {', '.join(command.changes_kept)}"] if command.changes_kept else []
        yield _line(2, f"exit {status:>3}  {command.seconds:6.1f} s  {command.command}{' (' + '; '.join(notes) + ')' if notes else ''}")
    if len(result.commands) > _MOST_LISTED:
        yield f"    and {len(result.commands) - _MOST_LISTED} more"


def _claims(result: RunResult) -> Iterator[str]:
    for verdict in ("contradicted", "unwitnessed"):
        for claim in (claim for claim in result.claims if claim.verdict == verdict):
            yield _line(1, f"{verdict}: {claim.claim}{' – ' + claim.why if claim.why else ''}")
    if confirmed := sum(claim.verdict == "confirmed" for claim in result.claims):
        yield f"  {confirmed} {'claim' if confirmed == 1 else 'claims'} confirmed by the record"


def _line(depth: int, text: str) -> str:
    """Return a text as one line of bounded length; line ends inside it could look like lines of ours."""
    flat = plain(text.replace("\r", " ").replace("\n", " ").replace("\t", " ")).rstrip()
    return "  " * depth + (flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…")


def _report(result: RunResult) -> Iterator[str]:
    if result.report is None:
        return
    yield ""
    text = result.report if isinstance(result.report, str) else json.dumps(result.report, ensure_ascii=False, indent=2)
    yield from (plain(line) for line in text.splitlines())
    yield ""


def _usage(result: RunResult) -> str:
    usage = result.usage
    cost = "price not known" if usage.usd is None else f"{usage.usd:.4f} USD"
    read = usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens
    return f"{result.turns} turns, {read} tokens in ({usage.cache_read_input_tokens} from the cache), {usage.output_tokens} out, {cost}"
