"""How a run is shown on the command line: progress while it goes on, then the result as text, patch or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aigentflow.command_line.output import plain, remark
from aigentflow.runtime import events
from aigentflow.workspace.diff import unified

if TYPE_CHECKING:
    from aigentflow.runtime.result import RunResult

_WIDTH = 110


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
    yield plain(f"{result.agent}: {result.outcome}{': ' + result.reason if result.reason else ''}")
    for change in result.proposal.changes:
        moved = f" (was {change.from_path})" if change.from_path else ""
        yield plain(f"  {change.kind} {change.path}{moved}, {len(change.hunks)} hunks")
    for refusal in result.refusals:
        yield plain(f"  refused: {refusal.tool} {refusal.path}: {refusal.reason}")
    for name, measured in result.verification.items():
        yield plain(f"  {name}: {measured.status}{' (' + measured.reason + ')' if measured.reason else ''}")
    if result.gaps.before is not None and result.gaps.after is not None:
        yield f"  gaps: {result.gaps.before} before, {result.gaps.after} after"
    for claim in result.claims:
        yield plain(f"  claimed: {claim.claim}: {claim.verdict}")
    for note in result.notes:
        yield plain(f"  note: {note}")
    yield from _report(result)
    yield _usage(result)


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
