"""A run's page in Markdown: task, outcome, hunks, refusals, verification, claims, notes, cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aigentflow.lsp.run import Run

_NARRATIVE_LINES = 60


def render(run: Run) -> str:
    """Return the page as it stands now."""
    parts = [_head(run), *_sections(run)]
    return "\n".join(part.rstrip() + "\n" for part in parts if part.strip())


def _head(run: Run) -> str:
    where = f" on `{run.order.path}`" if run.order.path else ""
    return f"# {run.agent.id}: {run.title}\n\nRun `{run.id}`{where} – **{run.line()}**\n\n> " + run.order.task.strip().replace("\n", "\n> ")


def _sections(run: Run) -> Iterator[str]:
    result = run.result
    if run.going_on:
        yield _section("So far", _narrative(run.events))
    yield _section("Changes", _changes(run))
    yield _section("Refused", _refusals(result.get("refusals") or ()))
    yield _section("Verification (measured)", _verification(result.get("verification") or {}))
    yield _section("Claims of the agent", _claims(result.get("claims") or ()))
    yield _section("Gaps", _gap_counts(result.get("gaps") or {}))
    yield _section("Report", _report(result.get("report")))
    yield _section("Cost", _cost(result))
    if not run.going_on:
        yield _section("What happened", _narrative(run.events))


def _section(title: str, lines: Iterator[str]) -> str:
    body = "\n".join(lines)
    return f"## {title}\n\n{body}" if body.strip() else ""


def _changes(run: Run) -> Iterator[str]:
    from aigentflow.workspace.diff import unified

    if run.review is None:
        return
    for file in run.review.state().files:
        standing = ", ".join(dict.fromkeys(f"{hunk.status} ({hunk.reason})" if hunk.reason else hunk.status for hunk in file.hunks))
        yield f"- `{file.path}` ({file.kind}): {standing}"
    yield ""
    for change in run.proposal.changes:
        yield fenced(unified(change), "diff")


def _refusals(refusals: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for refusal in refusals:
        yield f"- {refusal.get('tool', '')} `{refusal.get('path', '')}`: {refusal.get('reason', '')}"


def _verification(fields: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, field in fields.items():
        detail = field.get("reason") or field.get("command") or ""
        yield f"- {name}: **{field.get('status', '')}**" + (f" – {detail}" if detail else "")


def _claims(claims: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for claim in claims:
        yield f"- {claim.get('claim', '')}: *{claim.get('verdict', '')}*"


def _gap_counts(gaps: Mapping[str, Any]) -> Iterator[str]:
    if gaps.get("before") is not None:
        yield f"{gaps['before']} before, {gaps.get('after')} in the proposed text of the files that it touches."


def _report(report: Any) -> Iterator[str]:
    import json

    if report is None:
        return
    yield report if isinstance(report, str) else fenced(json.dumps(report, indent=2, ensure_ascii=False), "json")


def _cost(result: Mapping[str, Any]) -> Iterator[str]:
    usage = result.get("usage") or {}
    if not usage:
        return
    usd = usage.get("usd")
    price = "price unknown" if usd is None else f"{usd:.4f} USD"
    read, written = usage.get("cache_read_input_tokens", 0), usage.get("cache_creation_input_tokens", 0)
    yield (
        f"{result.get('turns', 0)} turns, {usage.get('input_tokens', 0)} tokens in ({read} more from the cache, {written} into it), "
        f"{usage.get('output_tokens', 0)} out, {price}."
    )


def _narrative(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    lines = [line for event in events if (line := _event_line(event))]
    if len(lines) > _NARRATIVE_LINES:
        yield f"({len(lines) - _NARRATIVE_LINES} earlier lines left out; `aigentflow journal show` has them)"
    yield from lines[-_NARRATIVE_LINES:]


def _event_line(event: Mapping[str, Any]) -> str:
    kind = event.get("kind")
    if kind == "tool_called":
        return f"- {event.get('tool', '')} `{event.get('subject', '')}`"
    if kind == "tool_answered" and event.get("is_error"):
        return f"  - answered: {event.get('summary', '')}"
    if kind in ("noted", "waiting"):
        return f"- {event.get('text') or event.get('reason') or ''}"
    return ""


def fenced(text: str, language: str = "") -> str:
    """Return the text in a fence that is longer than any inside."""
    longest = max((len(run) for run in _backtick_runs(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _backtick_runs(text: str) -> list[str]:
    import re

    return re.findall(r"`+", text)
