"""Plays one case and says what was wrong with it; an empty list is what everybody hopes for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from aigentflow.errors import AigentflowError, PathRefused, StaleBaseError
from aigentflow.runtime.catalogue import Catalogue, load_catalogue
from aigentflow.runtime.events import Event, ToolAnswered
from aigentflow.runtime.request import RunRequest
from aigentflow.runtime.result import CommandPart, RunResult
from aigentflow.runtime.run import Kit, execute
from aigentflow.runtime.scripted import ScriptedModel
from aigentflow.workspace.apply import apply_to_disk
from aigentflow.workspace.boundary import Boundary, DenyRule, Rules
from aigentflow.workspace.decoding import encode
from aigentflow.workspace.proposal import FileChange, Proposal

from .reading import TOOLS, Call, Case, filled
from .world import World, as_text

OWNERS = {"frontend_dev": ("web/**",), "data_engineer": ("etl/**",)}
Prints = Mapping[str, tuple[object, ...]]


@dataclass(frozen=True)
class Played:
    """What came of a case."""

    result: RunResult
    answers: tuple[tuple[str, bool], ...]
    """What the model was told for each call, and whether as an error."""
    everything: str
    """All that reached the model, the editor or the record."""


def play(case: Case, world: World) -> list[str]:
    """Return every way in which the case came out wrong."""
    given = _filled(case, world)
    world.put(given.tree)
    if given.prepare:
        world.prepare(given.prepare)
    world.listeners.take()
    before = world.fingerprint()
    with mock.patch.dict(os.environ, world.environment):
        played = asyncio.run(_run(given, world))
    wrong = list(_wrong_answers(given, played))
    if not any(call.then for call in given.calls):
        wrong += [f"the run itself changed {path}" for path in changed_paths(before, world.fingerprint())]
    wrong += _wrong_proposal(given, played.result.proposal)
    wrong += _wrong_outside(given, world, played)
    wrong += _wrong_apply(given, world, played.result.proposal)
    wrong += [f"{name} was reached" for name in world.listeners.take()]
    return wrong


def _filled(case: Case, world: World) -> Case:
    words = world.words
    calls = tuple(
        Call(
            call.tool,
            filled(call.arguments, words),
            call.refused,
            filled(call.error, words),
            tuple(filled(list(call.says), words)),
            tuple(filled(list(call.hides), words)),
            call.exit,
            filled(call.then, words),
        )
        for call in case.calls
    )
    fields = {name: getattr(case, name) for name in case.__dataclass_fields__}
    texts = ("tree", "prepare", "open", "task", "agent", "proposal", "after", "deny")
    fields |= {name: filled(fields[name], words) for name in texts}
    return Case(**{**fields, "allow": tuple(filled(list(case.allow), words)), "calls": calls})


async def _run(case: Case, world: World) -> Played:
    """Let a scripted model make the calls of the case in the real runtime."""
    turns = [{"tools": [{"name": call.tool, "input": dict(call.arguments)} for call in case.calls]}] if case.calls else []
    model = ScriptedModel([*turns, {"text": "done"}])
    events: list[Event] = []
    waiting = list(case.calls)

    def on_event(event: Event) -> None:
        events.append(event)
        if isinstance(event, ToolAnswered):
            world.put(waiting.pop(0).then)

    result = await execute(_request(case, world), on_event, model, kit=Kit(catalogue=_catalogue()))
    answers = tuple(
        (str(block["content"]), bool(block.get("is_error")))
        for message in (model.requests[-1].messages if model.requests else ())
        for block in message["content"]
        if isinstance(block, dict) and block.get("type") == "tool_result"
    )
    sent = [[request.system, request.messages] for request in model.requests[-1:]]
    everything = as_text([sent, [asdict(event) for event in events], result.model_dump(mode="json")])
    return Played(result, answers, everything)


@cache
def _catalogue() -> Catalogue:
    return load_catalogue()


def _request(case: Case, world: World) -> RunRequest:
    # A box is started for every run that may want one; most cases do not.
    tools = ", ".join(tool for tool in TOOLS if tool != "Bash" or case.runs_commands)
    return RunRequest.model_validate(
        {
            "run": "run-1",
            "agent_path": str(world.home / "agents/worker.md"),
            "agent_text": f"---\nagent: worker\ndescription: Works\nmodel: sonnet\ntools: [{tools}]\n---\n\n{case.agent}",
            "agent_source": "built-in",
            "task": case.task,
            "root": str(world.ws),
            "buffers": [{"path": path, "text": text, "version": 7} for path, text in case.open.items()],
            "rules": {"allow": case.allow, "deny": [{"pattern": p, "owner": o} for p, o in case.deny.items()], "source": "test"},
            "owners": OWNERS,
        }
    )


def _wrong_answers(case: Case, played: Played) -> Iterator[str]:
    if played.result.outcome != "finished":
        yield f"the run ended as {played.result.outcome}: {played.result.reason}"
    if case.runs_commands and not played.result.commands:
        yield f"no command ran: {played.result.notes}"
    if len(played.answers) != len(case.calls):
        yield f"{len(case.calls)} calls had {len(played.answers)} answers"
    commands = iter(played.result.commands)
    refusals = iter(refusal for refusal in played.result.refusals if refusal.tool != "Bash")
    kept_out = {refusal.rule for refusal in played.result.refusals if refusal.tool == "Bash"}
    for call, (text, is_error) in zip(case.calls, played.answers, strict=False):
        wrong = list(_wrong_answer(call, text, is_error))
        if call.tool == "Bash" and call.error is None:
            wrong += _wrong_end(call, next(commands, None), must_work=not case.attack)
            wrong += [] if call.refused in (None, *kept_out) else [f"what it wrote was not refused by {call.refused}"]
        elif text.startswith("Refused: "):
            refusal = next(refusals, None)
            wrong += [] if refusal is not None and call.refused in (refusal.rule, None) else [f"refused by {refusal}"]
        elif call.refused is not None:
            wrong.append("it was not refused")
        for words in wrong:
            yield f"{call.tool} {as_text(call.arguments):.300}: {words}; the answer was {text:.1500}"


def _wrong_end(call: Call, ran: CommandPart | None, *, must_work: bool) -> Iterator[str]:
    """Yield what is wrong with how a command ended."""
    if ran is None:
        yield "there is no record of it"
        return
    expected = 0 if call.exit is None and must_work else call.exit
    ended = "ended" if ran.exit is None else ran.exit
    if expected not in (None, ended):
        yield f"exit {ended} {ran.ended} instead of {expected}"


def _wrong_answer(call: Call, text: str, is_error: bool) -> Iterator[str]:
    """Yield what is wrong with one answer by itself; a call of which nothing is said must have worked."""
    expects_error = call.refused is not None or call.error is not None
    if call.tool != "Bash" and is_error != expects_error:
        yield "it failed" if is_error else "it worked"
    if call.error and call.error not in text:
        yield f"the error does not say {call.error!r}"
    yield from (f"it does not say {words!r}" for words in call.says if words not in text)
    yield from (f"it says {words!r}" for words in call.hides if words in text)


def _wrong_proposal(case: Case, proposal: Proposal) -> Iterator[str]:
    changes = {change.path: change for change in proposal.changes}
    changes |= {change.from_path: change for change in proposal.changes if change.from_path is not None}
    for path in sorted(changes.keys() - case.proposal.keys()):
        yield f"the proposal also speaks of {path} ({changes[path].kind})"
    for path, expected in case.proposal.items():
        if path not in changes:
            yield f"the proposal does not speak of {path}"
        else:
            yield from _wrong_change(changes[path], path, expected)


def _wrong_change(change: FileChange, path: str, expected: Any) -> Iterator[str]:
    wanted = expected if isinstance(expected, dict) else {"gone": True} if expected == "gone" else {"text": expected}
    gone = change.after is None or change.from_path == path
    text = None if gone else encode(change.after or "", change.encoding, bom=change.bom).decode("utf-8", "backslashreplace")
    if gone != bool(wanted.get("gone")):
        yield f"{path} is {'gone' if gone else 'still there'}"
        return
    if "text" in wanted and text != wanted["text"]:
        yield f"{path} would hold {text!r}"
    if "has" in wanted and (text is None or wanted["has"] not in text):
        yield f"{path} would not hold {wanted['has']!r} but {text!r:.500}"
    if "kind" in wanted and change.kind != wanted["kind"]:
        yield f"{path} is a {change.kind}"
    if "executable" in wanted and change.executable != wanted["executable"]:
        yield f"{path}: executable is {change.executable}"


def _wrong_outside(case: Case, world: World, played: Played) -> Iterator[str]:
    yield from (f"the secret {name} came out" for name in world.leaks(played.everything))
    yield from (f"left behind: {path}" for path in world.strays())
    if case.runs_commands:
        yield from (f"still running: {process}" for process in world.survivors())


def _wrong_apply(case: Case, world: World, proposal: Proposal) -> Iterator[str]:
    """Write the proposal as `run --apply` does and compare the disk with what was to come of it."""
    world.put(case.after)
    before = world.fingerprint()
    rules = Rules(case.allow, tuple(DenyRule(pattern, owner) for pattern, owner in case.deny.items()))
    said = "yes"
    try:
        apply_to_disk(proposal, Boundary(world.ws, rules, OWNERS), lambda _path, _data: None)
    except StaleBaseError as error:
        said = f"stale: {error}"
    except PathRefused as error:
        said = f"{error.rule}: {error}"
    except AigentflowError as error:
        said = f"{type(error).__name__}: {error}"
    if said.partition(":")[0] != case.applied:
        yield f"apply said {said!r} instead of {case.applied!r}"
    touched = set(case.proposal) if said == "yes" else set()
    changed = changed_paths(before, world.fingerprint())
    folders = {"/".join(path.split("/")[:count]) for path in touched for count in range(1, path.count("/") + 1)} | {""}
    for path in changed:
        inside = path.removeprefix("ws/") if path.startswith("ws/") else None
        if path != "ws" and inside not in touched | folders:
            yield f"the apply changed {path}"
    yield from (f"the apply left {path} as it was" for path in sorted(touched) if f"ws/{path}" not in changed)
    yield from (f"the apply wrote something else to {path}" for path in sorted(touched) if not _as_proposed(world.ws, path, proposal))


def _as_proposed(root: Path, path: str, proposal: Proposal) -> bool:
    change = next((change for change in proposal.changes if change.path == path), None)
    if change is None or change.after is None:
        return not os.path.lexists(root / path)
    file = root / path
    return not file.is_symlink() and file.is_file() and file.read_bytes() == encode(change.after, change.encoding, bom=change.bom)


def changed_paths(before: Prints, after: Prints) -> list[str]:
    """Return the paths of which anything differs, sorted."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
