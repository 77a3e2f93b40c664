"""A run in a process of its own: `python -m aigentflow.runtime.host`, spoken to in frames on stdin and stdout.

In: `{"type": "start", "request", "sync"}` (`sync`: the sender answers such frames), `{"type": "cancel"}`, and while the run goes on
`{"type": "rules", "allow", "deny", "granted"}` (what holds beside the request's rules, and the paths that the person opened),
`{"type": "say", "text"}` (to the model, before its next turn), `{"type": "answer", "id", "allowed"}`. Out: `{"type": "ready"}` once
everything heavy is imported, `{"type": "event", "event"}`, `{"type": "ask", "id", "command"}` (may it run unprotected?), `{"type": "sync",
"id"}` (anything new before the calls of a turn are run? answered after the frames that say so), `{"type": "ended", "result"}`. It serves
one run and ends when its stdin ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aigentflow.box.client import Box
from aigentflow.errors import AigentflowError, ConfigurationError, FrameError, NoKeyError
from aigentflow.redaction import Redactor
from aigentflow.runtime.catalogue import load_catalogue
from aigentflow.runtime.events import Event, to_json
from aigentflow.runtime.frames import read_frame
from aigentflow.runtime.journal import Journal
from aigentflow.runtime.model import AnthropicModel
from aigentflow.runtime.pipes import FrameWriter, read_from
from aigentflow.runtime.request import RulesPart, RunRequest
from aigentflow.runtime.result import RunResult
from aigentflow.runtime.run import Kit, execute
from aigentflow.runtime.scripted import ScriptedModel
from aigentflow.runtime.searching import Searcher
from aigentflow.runtime.steering import Steering
from aigentflow.state import state_folder
from aigentflow.workspace.boundary import DenyRule, Rules

Frame = dict[str, Any]
_SYNC_SECONDS = 2.0


async def serve(reader: asyncio.StreamReader, send: Callable[[Frame], None], kit: Kit) -> None:
    """Serve one run; return when it has ended, or when the other side has left."""
    run: asyncio.Task[None] | None = None
    questions = _Questions(send)
    steering = Steering(questions.ask, questions.catch_up)
    try:
        while True:
            frame = await _next(reader, run)
            if frame is None:
                return
            match frame.get("type"):
                case "start" if run is None:
                    questions.syncs = frame.get("sync") is True
                    run = asyncio.create_task(_run(frame.get("request"), send, replace(kit, steering=steering)), name="run")
                case "cancel" if run is not None:
                    run.cancel()
                case "cancel":
                    return
                case "answer":
                    questions.answer(frame)
                case _:
                    _steer(steering, frame)
    finally:
        if run is not None and not run.done():
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run


async def _next(reader: asyncio.StreamReader, run: asyncio.Task[None] | None) -> Frame | None:
    """Return the next frame; None when the other side has left or the run has ended."""
    frame = asyncio.ensure_future(read_frame(reader))
    await asyncio.wait({frame} if run is None else {frame, run}, return_when=asyncio.FIRST_COMPLETED)
    if frame.done():
        return frame.result()
    frame.cancel()
    return None


class _Questions:
    """Asks the server, which asks the person, and waits for the answer; only a plain yes to this very question is one."""

    def __init__(self, send: Callable[[Frame], None]) -> None:
        self._send = send
        self._ids = itertools.count(1)
        self._open: dict[int, asyncio.Future[bool]] = {}
        self.syncs = False
        """Whether the server answers `sync` frames."""

    async def ask(self, command: str) -> bool:
        return await self._answer_to({"type": "ask", "command": command})

    async def catch_up(self) -> None:
        if not self.syncs:
            return
        # A server that is too busy to answer is no reason to stop; what it says later holds from then on.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SYNC_SECONDS):
                await self._answer_to({"type": "sync"})

    async def _answer_to(self, frame: Frame) -> bool:
        number = next(self._ids)
        self._open[number] = answered = asyncio.get_running_loop().create_future()
        try:
            self._send({**frame, "id": number})
            allowed: bool = await answered
            return allowed
        finally:
            del self._open[number]

    def answer(self, frame: Frame) -> None:
        number = frame.get("id")
        answered = self._open.get(number) if isinstance(number, int) else None
        if answered is not None and not answered.done():
            answered.set_result(frame.get("allowed") is True)


def _steer(steering: Steering, frame: Frame) -> None:
    """Take what the person says while the run goes on; a frame of another kind is left alone."""
    if frame.get("type") == "say":
        steering.say(str(frame.get("text", "")))
    elif frame.get("type") == "rules":
        steering.steer(rules_of(RulesPart.model_validate(frame)), [str(path) for path in frame.get("granted", ())])


def rules_of(part: RulesPart) -> Rules:
    """Return the rules of a frame."""
    return Rules(part.allow, tuple(DenyRule(rule.pattern, rule.owner) for rule in part.deny), part.source)


async def _run(given: Any, send: Callable[[Frame], None], kit: Kit) -> None:
    def on_event(event: Event) -> None:
        send({"type": "event", "event": to_json(event)})

    redact = Redactor(os.environ).text
    identifier = str(given.get("run", "")) if isinstance(given, dict) else ""
    try:
        result = await execute(RunRequest.model_validate(given), on_event, kit=kit)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        result = _failed(identifier, f"The request cannot be read: {'.'.join(map(str, first['loc']))}: {first['msg']}.", "request")
    except ConfigurationError as error:
        result = _failed(identifier, redact(str(error)), "no-key" if isinstance(error, NoKeyError) else "configuration")
    except AigentflowError as error:
        result = _failed(identifier, redact(str(error)), "failed")
    except Exception as error:  # noqa: BLE001 - the outermost edge: a bug ends the run with a sentence, the traceback goes to the log.
        sys.excepthook(type(error), error, error.__traceback__)
        result = _failed(identifier, redact(f"The run failed on our side: {type(error).__name__}: {error}"), "bug")
    send({"type": "ended", "result": result.model_dump(mode="json")})


def _failed(run: str, reason: str, code: str) -> RunResult:
    return RunResult(run=run, agent="", outcome="failed", reason=reason, code=code)


async def main(output: int) -> None:
    """Make everything ready, say so, and serve; `output` is the descriptor that frames go to."""
    reader, writer = read_from(0), FrameWriter(output)
    model, searcher = AnthropicModel(), Searcher()
    kit, box = Kit(model, load_catalogue(), searcher), Box()
    try:
        # A run that replays a script needs no service, so nothing of the SDK either.
        if not os.environ.get("AIGENTFLOW_SCRIPT"):
            await model.warm()
        await rehearse(kit)
        writer.send({"type": "ready"})
        await box.warm()
        tidying = asyncio.create_task(asyncio.to_thread(_tidy))
        await serve(reader, writer.send, replace(kit, box=box))
        await tidying
    except FrameError as error:
        print(f"aigentflow run host: {error}", file=sys.stderr)
    finally:
        await box.close()
        await searcher.close()
        await model.close()
        await writer.close()


def _tidy() -> None:
    """Drop what the journal has kept long enough; here, since a host that waits has nothing else to do."""
    with contextlib.suppress(ConfigurationError):
        Journal(state_folder(os.environ)).prune()


async def rehearse(kit: Kit) -> None:
    """Go through a scripted run on a small folder of our own, so that the first real one finds every lazy import done."""
    agent = '---\nagent: rehearsal\ndescription: none\ntools: [Read, Grep]\noutput_format: json\n---\n# Role\n\n```json\n{"a": 1}\n```\n'
    # Not a temporary folder: nobody would remove it if this process were killed here.
    folder = Path(__file__).parents[1] / "syntax"
    request = RunRequest(run="rehearsal", agent_path=f"{folder}/rehearsal.md", agent_text=agent, task="none", root=str(folder))
    turns: list[Frame] = [{"tools": [{"name": "Grep", "input": {"pattern": "^nothing of this kind$"}}]}, {"text": '{"a": 1}'}]
    await execute(request, lambda event: None, ScriptedModel(turns), kit=kit)


def take_stdout() -> int:
    """Return a descriptor for the frames, after stdout itself was pointed at stderr: no library can write in between."""
    output = os.dup(1)
    os.dup2(2, 1)
    return output


if __name__ == "__main__":
    asyncio.run(main(take_stdout()))
