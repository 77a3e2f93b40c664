"""What the demo prints of a run's result: commands, refusals, what was measured beside what was claimed, cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aigentflow.runtime.claimed import said_of_verification

_OUTPUT_LINES = 8
_WIDTH = 160


class Shown:
    """One result, as the journal holds it, in lines for a person."""

    def __init__(self, result: Mapping[str, Any]) -> None:
        self._result = result

    @property
    def finished(self) -> bool:
        """Whether the run came to its own end."""
        return bool(self._result.get("outcome") == "finished")

    @property
    def boxed(self) -> bool:
        """Whether there was a box for commands."""
        return bool((self._result.get("box") or {}).get("name", "none") != "none")

    @property
    def refused(self) -> list[Mapping[str, Any]]:
        """What the agent asked for and did not get."""
        return list(self._result.get("refusals") or ())

    @property
    def statuses(self) -> list[str]:
        """How the verifications ended."""
        return [str(field["status"]) for field in (self._result.get("verification") or {}).values()]

    def commands(self) -> Iterator[str]:
        """Yield where commands ran, and each with the first lines of its output."""
        box = self._result.get("box")
        yield f"box: tier {box['tier']} ({box['name']}): {box['words']}" if box else "No box was asked for."
        for command in self._result.get("commands") or ():
            ended = command["ended"] or f"exit {command['exit']}"
            yield f"$ {command['command']}"
            lines = [line for line in str(command["output"]).splitlines() if line.strip()]
            yield from (f"    {line[:_WIDTH]}" for line in lines[:_OUTPUT_LINES])
            yield from (["    …"] if len(lines) > _OUTPUT_LINES else [])
            yield f"  ({ended}, {command['seconds']:.1f} s; {_changes(command)})"

    def refusals(self) -> Iterator[str]:
        """Yield what was refused, and why."""
        yield from (f"- {refusal['tool']}: {refusal['reason']}" for refusal in self.refused)

    def verification(self) -> Iterator[str]:
        """Yield what was measured beside what the agent claims."""
        claimed = said_of_verification(str(claim["claim"]) for claim in self._result.get("claims") or ())
        for name, field in (self._result.get("verification") or {}).items():
            measured = f"{name:<9}  measured: {field['status']:<7}  claimed: {claimed.get(name, '–'):<7}"
            yield f"{measured}  {field.get('command') or '–'}{_ending(field)}"

    def claims(self) -> Iterator[str]:
        """Yield the claims that the record does not bear out, and how many it does."""
        claims = self._result.get("claims") or ()
        for claim in claims:
            if claim["verdict"] != "confirmed":
                yield f"- {claim['verdict']}: {claim['claim']}{' – ' + claim['why'] if claim['why'] else ''}"
        yield f"- {sum(claim['verdict'] == 'confirmed' for claim in claims)} confirmed by the record"

    def cost(self) -> str:
        """Return turns, tokens and money."""
        usage = self._result["usage"]
        price = "price unknown" if usage["usd"] is None else f"{usage['usd']:.4f} USD"
        return f"{self._result['turns']} turns, {usage['input_tokens']} tokens in, {usage['output_tokens']} out, {price}"


def _changes(command: Mapping[str, Any]) -> str:
    if command["changes_kept"]:
        return f"part of the proposal now: {', '.join(command['changes_kept'])}"
    changed = command["n_changes"]
    return f"{changed} {'path' if changed == 1 else 'paths'} changed in the box, nothing of it kept" if changed else "nothing changed"


def _ending(field: Mapping[str, Any]) -> str:
    ended = [f"{field['seconds']:.1f} s"] if field.get("seconds") is not None else []
    ended += [f"exit {field['exit']}"] if field.get("exit") is not None else []
    why = f" – {field['reason'].splitlines()[0]}" if field.get("reason") else ""
    return (f" ({', '.join(ended)})" if ended else "") + why
