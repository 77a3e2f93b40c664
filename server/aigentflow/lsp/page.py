"""A run's page in Markdown: task, outcome, weakened checks, hunks, verification, refusals, commands, claims, cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aigentflow.lsp import page_parts as parts
from aigentflow.lsp.page_text import code, fenced, inline, quoted

if TYPE_CHECKING:
    from aigentflow.lsp.run import Run

_NARRATIVE_LINES = 60


def render(run: Run) -> str:
    """Return the page as it stands now."""
    sections = [_head(run), *_sections(run)]
    return "\n".join(section.rstrip() + "\n" for section in sections if section.strip())


def _head(run: Run) -> str:
    where = f" on {code(run.order.path)}" if run.order.path else ""
    return f"# {inline(run.agent.id)}: {inline(run.title)}\n\nRun `{run.id}`{where} – **{inline(run.line())}**\n\n{quoted(run.order.task)}"


def _sections(run: Run) -> Iterator[str]:
    result, root = run.result, run.order.root
    yield _section("This change weakens checks", parts.weakenings(result, root))
    if run.going_on:
        yield _section("So far", _narrative(run.events))
    yield _section("Changes", _changes(run))
    yield _section("Verification (measured)", parts.verification(result, root))
    yield _section("Refused", parts.refusals(result))
    yield _section("Commands", parts.commands(result))
    yield _section("Claims of the agent", parts.claims(result))
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
        standing = ", ".join(dict.fromkeys(f"{hunk.status} ({inline(hunk.reason)})" if hunk.reason else hunk.status for hunk in file.hunks))
        yield f"- {code(file.path)} ({file.kind}): {standing}"
    yield ""
    for change in run.proposal.changes:
        yield fenced(unified(change), "diff")


def _gap_counts(gaps: Mapping[str, Any]) -> Iterator[str]:
    if gaps.get("before") is not None:
        yield f"{gaps['before']} before, {gaps.get('after')} in the proposed text of the files that it touches."


def _report(report: Any) -> Iterator[str]:
    import json

    if report is None:
        return
    yield fenced(report, "text") if isinstance(report, str) else fenced(json.dumps(report, indent=2, ensure_ascii=False), "json")


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
        yield ""
    yield from lines[-_NARRATIVE_LINES:]


def _event_line(event: Mapping[str, Any]) -> str:
    kind = event.get("kind")
    if kind == "tool_called":
        return f"- {inline(str(event.get('tool', '')))} {code(str(event.get('subject', '')))}".rstrip()
    if kind == "tool_answered" and event.get("is_error"):
        return f"  - answered: {inline(str(event.get('summary', '')))}"
    if kind in ("noted", "waiting"):
        return f"- {inline(str(event.get('text') or event.get('reason') or ''))}"
    return ""
