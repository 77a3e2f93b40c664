"""The parts of a run's page that hold what was measured: the box, commands, verification, claims, weakened checks, refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aigentflow.lsp.page_text import cell, code, fenced, file_link, inline

Part = Mapping[str, Any]
"""A part of a run's result as JSON (`runtime/result.py`)."""
_MOST_LISTED = 60
_MOST_FAILURES = 40
_OUTPUT_LINES = 12
_TIER_OFF = 6


def box(result: Part) -> Iterator[str]:
    """Yield where commands ran, in words, with what does not hold there."""
    place = result.get("box")
    if not isinstance(place, Mapping):
        return
    tier, name = place.get("tier"), inline(str(place.get("name", "")))
    words = inline(str(place.get("words", "")))
    ran = any(command.get("exit") is not None for command in result.get("commands") or ())
    told = words.removeprefix("commands ")
    if ran and tier == _TIER_OFF:
        yield f"Commands **ran unprotected** (tier {tier}, {name}), each allowed by its very text{': ' + words if words else '.'}"
    elif words != told:
        yield f"Commands, tier {tier} ({name}), {told}"
    else:
        lead = f"Commands are off (tier {tier}, {name})" if tier == _TIER_OFF else f"Commands ran in a box of tier {tier} ({name})"
        yield f"{lead}: {words}" if words else f"{lead}."
    yield ""
    limits = [inline(str(limit)) for limit in place.get("limits") or ()]
    yield from (f"- limit: {limit}" for limit in limits)
    if limits:
        yield ""


def commands(result: Part) -> Iterator[str]:
    """Yield the commands that the agent ran, each with its first lines of output."""
    yield from box(result)
    ran: Sequence[Part] = result.get("commands") or ()
    for command in ran[:_MOST_LISTED]:
        yield f"- {code(str(command.get('command', '')))} – {_ending(command)}"
        if output := str(command.get("output") or "").strip():
            yield from ("", _indented(fenced(_head(output))), "")
    if len(ran) > _MOST_LISTED:
        yield f"- and {len(ran) - _MOST_LISTED} more"


def _ending(command: Part) -> str:
    status, ended = command.get("exit"), inline(str(command.get("ended") or ""))
    parts = [f"exit {status}" if status is not None else ended or "did not end by itself"]
    if status is not None and ended:
        parts.append(ended)
    parts.append(_seconds(command.get("seconds")))
    parts.append(_changes(command))
    return ", ".join(part for part in parts if part)


def _changes(command: Part) -> str:
    kept = [code(str(path)) for path in command.get("changes_kept") or ()]
    made = command.get("n_changes") or 0
    if kept:
        return f"kept {', '.join(kept[:8])}{' …' if len(kept) > 8 else ''}"
    return f"{made} changed {'path' if made == 1 else 'paths'} in the box, dropped" if made else ""


def _seconds(value: Any) -> str:
    return f"{value:.1f} s" if isinstance(value, int | float) else ""


def _head(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([*lines[:_OUTPUT_LINES], "…"] if len(lines) > _OUTPUT_LINES else lines)


def _indented(block: str) -> str:
    """Return a block as part of the list item before it."""
    return "\n".join(f"  {line}" for line in block.split("\n"))


def verification(result: Part, root: Path) -> Iterator[str]:
    """Yield what was measured beside what was claimed, and the places that failed."""
    from aigentflow.runtime.claimed import said_of_verification

    fields: Mapping[str, Part] = result.get("verification") or {}
    if not fields:
        return
    claimed = said_of_verification(str(claim.get("claim", "")) for claim in result.get("claims") or ())
    yield "| field | measured | claimed | command | why |"
    yield "|---|---|---|---|---|"
    for name, field in fields.items():
        measured = "**" + str(field.get("status", "")).replace("_", " ") + "**"
        said = inline(claimed.get(name, "")) or "–"
        yield f"| {inline(name)} | {measured} | {said} | {_command(field)} | {inline(_first_line(field))} |"
    for name, field in fields.items():
        yield from _failures(name, field, root)


def _command(field: Part) -> str:
    shown = cell(code(str(field.get("command") or ""))) or "–"
    details = [f"exit {field['exit']}"] if field.get("exit") is not None else []
    details += [seconds] if (seconds := _seconds(field.get("seconds"))) else []
    return f"{shown} ({', '.join(details)})" if details else shown


def _first_line(field: Part) -> str:
    lines = str(field.get("reason") or "").strip().splitlines()
    return lines[0] if lines else ""


def _failures(name: str, field: Part, root: Path) -> Iterator[str]:
    failures: Sequence[Part] = field.get("failures") or ()
    reason = str(field.get("reason") or "").strip()
    if field.get("status") != "fail" or not (failures or "\n" in reason):
        return
    yield from ("", f"**{inline(name)}** fails:", "")
    for failure in failures[:_MOST_FAILURES]:
        own = f" ({inline(str(failure['code']))})" if failure.get("code") else ""
        yield f"- {file_link(root, str(failure.get('path', '')), failure.get('line'))} – {inline(str(failure.get('message', '')))}{own}"
    if len(failures) > _MOST_FAILURES:
        yield f"- and {len(failures) - _MOST_FAILURES} more"
    if "\n" in reason:
        yield from ("", fenced(reason))


def claims(result: Part) -> Iterator[str]:
    """Yield what the agent says and the record does not bear out; what it bears out is counted."""
    told: Sequence[Part] = result.get("claims") or ()
    for verdict, words in (("contradicted", "**contradicted**"), ("unwitnessed", "*unwitnessed*")):
        of_kind = [claim for claim in told if claim.get("verdict") == verdict]
        for claim in of_kind[:_MOST_LISTED]:
            why = inline(str(claim.get("why") or ""))
            yield f"- {words}: {inline(str(claim.get('claim', '')))}{' – ' + why if why else ''}"
        if len(of_kind) > _MOST_LISTED:
            yield f"- and {len(of_kind) - _MOST_LISTED} more {verdict}"
    confirmed = sum(claim.get("verdict") == "confirmed" for claim in told)
    if confirmed:
        yield f"- {confirmed} confirmed by the record"


def weakenings(result: Part, root: Path) -> Iterator[str]:
    """Yield where the proposal makes tests or checks weaker."""
    found: Sequence[Part] = result.get("weakenings") or ()
    for place in found[:_MOST_LISTED]:
        where = file_link(root, str(place.get("path", "")), place.get("line"))
        yield f"- {where} – {inline(str(place.get('message', '')))} ({inline(str(place.get('kind', '')))})"
    if len(found) > _MOST_LISTED:
        yield f"- and {len(found) - _MOST_LISTED} more"


def refusals(result: Part) -> Iterator[str]:
    """Yield what the agent asked for and did not get, with the owner of the place."""
    found: Sequence[Part] = result.get("refusals") or ()
    for refusal in found[:_MOST_LISTED]:
        reason, owner = str(refusal.get("reason", "")), str(refusal.get("owner") or "")
        belongs = f" – belongs to {inline(owner)}" if owner and owner not in reason else ""
        yield f"- {inline(str(refusal.get('tool', '')))} {code(str(refusal.get('path', '')))}: {inline(reason)}{belongs}"
    if len(found) > _MOST_LISTED:
        yield f"- and {len(found) - _MOST_LISTED} more"
