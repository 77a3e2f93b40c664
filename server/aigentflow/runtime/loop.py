"""Turns until the run ends: ask, run the tools, answer, ask again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from aigentflow.errors import ModelRejected
from aigentflow.runtime.asking import Asker
from aigentflow.runtime.catalogue import ModelInfo
from aigentflow.runtime.conversation import Conversation
from aigentflow.runtime.events import Noted, Refused, ToolAnswered, ToolCalled, TurnStarted
from aigentflow.runtime.faults import is_too_long, named_output_limit
from aigentflow.runtime.ledger import Ledger, estimate
from aigentflow.runtime.result import Outcome
from aigentflow.runtime.tools import Toolbox, ToolResult
from aigentflow.runtime.turns import Listener, Reply, ToolCall, TurnRequest

_CALLS_PER_TURN = 50
_REPEATS = 5
_INVALID_IN_A_ROW = 3
_GOOD_ENDS = frozenset({"end_turn", "stop_sequence"})


@dataclass(frozen=True)
class Ending:
    """How the turns ended; `text` is the last answer."""

    outcome: Outcome
    reason: str = ""
    code: str = ""
    text: str = ""


@dataclass(frozen=True)
class Frame:
    """What stays the same in every request of a run."""

    model: ModelInfo
    headers: dict[str, str]
    idle_seconds: float


async def _always(_text: str) -> str:
    return ""


class Loop:
    """One run's conversation with the model. The conversation is the state; this only drives it."""

    def __init__(
        self,
        conversation: Conversation,
        toolbox: Toolbox,
        asker: Asker,
        ledger: Ledger,
        frame: Frame,
        listener: Listener,
        take_words: Callable[[], str] = str,
        catch_up: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._conversation = conversation
        self._toolbox = toolbox
        self._asker = asker
        self._ledger = ledger
        self._frame = frame
        self._listener = listener
        self._take_words = take_words
        self._catch_up = catch_up
        self._max_tokens = frame.model.max_tokens
        self._most_tokens = frame.model.max_output
        self._shortened = False
        self._guard = _Guard()
        self.refusals: list[Refused] = []

    async def run_turns(self, may_end: Callable[[str], Awaitable[str]] = _always) -> Ending:
        """Return how it ended. `may_end` is asked about each last answer; what it returns is said to the model, and the run goes on."""
        while True:
            reply, ending = await self._next()
            if reply is None:
                return ending
            if reply.calls:
                if stop := await self._answer_calls(reply):
                    return stop
            elif reply.stop_reason == "pause_turn":
                self._conversation.add_reply(reply)
            elif words := self._take_words() or await may_end(reply.text):
                # What the person said during the last answer gets a turn of its own.
                self._conversation.add_reply(reply)
                self._conversation.add_words(words)
            else:
                return Ending("finished", text=reply.text)

    async def _next(self) -> tuple[Reply | None, Ending]:
        """Return the next usable answer, or how the run ends without one."""
        while True:
            if reason := self._ledger.exceeded():
                return None, Ending("limit", reason, "limit")
            allowed, reason = self._ledger.allowance(self._max_tokens, estimate(self._conversation.characters))
            if not allowed:
                return None, Ending("limit", reason, "limit")
            reply = await self._ask(allowed)
            if reply is None:
                continue
            if reply.stop_reason == "max_tokens" and self._may_grow(allowed):
                continue
            if reply.stop_reason == "model_context_window_exceeded" and self._shorten():
                continue
            ending = self._bad_ending(reply)
            return (reply, Ending("finished")) if ending is None else (None, ending)

    async def _ask(self, max_tokens: int) -> Reply | None:
        """Return the answer; None: the service wants a smaller request, and the next one is."""
        self._ledger.turns += 1
        self._listener(TurnStarted(self._ledger.turns))
        conversation = self._conversation
        request = TurnRequest(
            model=self._frame.model.id,
            system=conversation.system(),
            tools=conversation.tools,
            messages=conversation.messages(),
            max_tokens=max_tokens,
            options=self._frame.model.options,
            headers=self._frame.headers,
            idle_seconds=self._frame.idle_seconds,
        )
        try:
            reply = await self._asker.ask(request)
        except ModelRejected as error:
            if self._adapt(error, max_tokens):
                return None
            if is_too_long(error):
                raise ModelRejected(f"{_does_not_fit(conversation)} ({error})", status=error.status, kind="context") from error
            raise
        answer = 0 if reply.usage is not None else len(json.dumps(reply.blocks))
        self._listener(self._ledger.add(reply.usage, conversation.characters, answer))
        return reply

    def _adapt(self, error: ModelRejected, asked: int) -> bool:
        """Make the next request smaller where that is what the service wants; return whether that was possible."""
        limit = named_output_limit(error)
        if limit is not None and 0 < limit < asked:
            self._max_tokens = self._most_tokens = limit
            return True
        return is_too_long(error) and self._shorten()

    def _may_grow(self, allowed: int) -> bool:
        """Raise the answer's limit after an answer that was cut; the turn is then asked again and its calls are not run."""
        if allowed < self._max_tokens or self._max_tokens >= self._most_tokens:
            return False
        self._max_tokens = min(self._max_tokens * 2, self._most_tokens)
        self._listener(Noted(f"The answer was cut at its length limit; the turn is asked again with room for {self._max_tokens:,} tokens."))
        return True

    def _shorten(self) -> bool:
        if self._shortened or not self._conversation.shorten():
            return False
        self._shortened = True
        self._listener(Noted("The conversation was too long for the model: the text of older tool results was left out."))
        return True

    def _bad_ending(self, reply: Reply) -> Ending | None:
        """Return how the run ends where the answer cannot be gone on from."""
        reason = reply.stop_reason
        if reason in _GOOD_ENDS or reason == "pause_turn" or (reply.calls and reason in ("tool_use", "max_tokens")):
            return None
        match reason:
            case "refusal":
                why = f": {reply.stop_details}" if reply.stop_details else ""
                return Ending("refused", f"The model declined{why}.", "refusal", reply.text)
            case "model_context_window_exceeded":
                return Ending("failed", _does_not_fit(self._conversation), "context", reply.text)
            case "max_tokens":
                return Ending("limit", "The answer was cut at its length limit.", "limit", reply.text)
            case "tool_use":
                return Ending("failed", "The service announced a tool call and sent none.", "service", reply.text)
        words = f"The service ended the answer for a reason that is not known here: {reason!r}."
        return Ending("failed", words, "stop-reason", reply.text)

    async def _answer_calls(self, reply: Reply) -> Ending | None:
        """Run the calls of a turn in their order and append all answers in one message."""
        self._conversation.add_reply(reply)
        if self._catch_up is not None:
            await self._catch_up()
        results: list[tuple[str, str, bool]] = []
        ending: Ending | None = None
        for at, call in enumerate(reply.calls):
            if ending is not None:
                break
            result = await self._one(at, call, reply)
            text, ending = self._guard.judge(call, result)
            results.append((call.id, text, result.is_error))
        if ending is None:
            if results and (words := self._take_words()):
                # Said with the last answer, since the turn after it is the model's.
                identifier, text, is_error = results[-1]
                results[-1] = (identifier, f"{text}\n[from the person: {words}]", is_error)
            self._conversation.add_results(results)
        elif ending.code == "loop":
            self._listener(Noted(ending.reason))
        return ending

    async def _one(self, at: int, call: ToolCall, reply: Reply) -> ToolResult:
        self._listener(ToolCalled(call.name, _subject(call), call.id))
        if reply.stop_reason == "max_tokens":
            why = "the answer was cut at its length limit. Make smaller steps, such as one Edit at a time"
            result = ToolResult(f"The call was not run: {why}.", is_error=True)
        elif at >= _CALLS_PER_TURN:
            result = ToolResult(f"The call was not run: at most {_CALLS_PER_TURN} calls are run in one turn. Call again.", is_error=True)
        else:
            result = await self._toolbox.call(call if call.complete else replace(call, fault="it was cut"))
        for refused in (result.refused, *result.also_refused):
            if refused is not None:
                self.refusals.append(refused)
                self._listener(refused)
        self._listener(ToolAnswered(call.name, call.id, result.is_error, result.text.partition("\n")[0][:200]))
        return result


class _Guard:
    """Sees when a run goes in circles: the same call with the same answer again and again, or call after call that cannot be read."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._warned = False
        self._invalid = 0

    def judge(self, call: ToolCall, result: ToolResult) -> tuple[str, Ending | None]:
        """Return the answer, with a warning where one is due, and the ending where it is time to stop."""
        self._invalid = self._invalid + 1 if result.invalid else 0
        if self._invalid >= _INVALID_IN_A_ROW:
            reason = f"The model sent {_INVALID_IN_A_ROW} tool calls in a row that cannot be run. The last: {result.text}"
            return result.text, Ending("failed", reason, "invalid-calls")
        # The answer is part of the key: reading a file again after changing it is no circle.
        key = json.dumps([call.name, call.input, hash(result.text)], sort_keys=True, default=str)
        self._seen[key] += 1
        if self._seen[key] < _REPEATS:
            return result.text, None
        if not self._warned:
            self._warned = True
            warning = f"[The same call had the same answer {_REPEATS} times. Do something else, or give your final answer.]"
            return f"{result.text}\n{warning}", None
        if self._seen[key] == _REPEATS:
            return result.text, None
        times = f"{call.name} {_subject(call)} was called {self._seen[key]} times"
        reason = f"The run went in circles: {times} with the same arguments and the same answer."
        return result.text, Ending("limit", reason, "loop")


def _does_not_fit(conversation: Conversation) -> str:
    return f"The conversation does not fit into the model's context. The largest part is {conversation.largest()}."


def _subject(call: ToolCall) -> str:
    arguments = call.input or {}
    for name in ("file_path", "pattern", "command", "path"):
        if isinstance(arguments.get(name), str):
            return str(arguments[name])[:200]
    return ""
