"""One run from request to result; the same for the run host and for the command line. It writes no workspace file."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aigentflow.box.client import Box
from aigentflow.box.git import GitState, git_state
from aigentflow.definitions.contract import REPORT_SCHEMA
from aigentflow.errors import ConfigurationError, ModelCredentialsError, ModelError, ModelRejected
from aigentflow.redaction import Redactor
from aigentflow.runtime.asking import Asker, RetryPolicy
from aigentflow.runtime.catalogue import Catalogue, Choice, load_catalogue
from aigentflow.runtime.commanding import Commands, Permissions
from aigentflow.runtime.context import Context, first_prompt, open_context, referenced, whole_file_shown, with_note, without_commands
from aigentflow.runtime.conversation import Conversation
from aigentflow.runtime.events import Event, Noted, RunStarted, to_json
from aigentflow.runtime.gaps import count_gaps
from aigentflow.runtime.journal import Journal, RunRecord
from aigentflow.runtime.ledger import Ledger, Limits
from aigentflow.runtime.loop import Ending, Frame, Loop
from aigentflow.runtime.model import AnthropicModel
from aigentflow.runtime.report import faults, repair_request
from aigentflow.runtime.request import RunRequest
from aigentflow.runtime.result import GapCountPart, RunResult
from aigentflow.runtime.scripted import load_script
from aigentflow.runtime.searching import Searcher
from aigentflow.runtime.steering import Steering
from aigentflow.runtime.summary import Remains, summarize
from aigentflow.runtime.telling import Teller
from aigentflow.runtime.tools import Toolbox
from aigentflow.runtime.turns import Model, TurnRequest
from aigentflow.runtime.verify import FinalAnswer, Verifier

_GAP_SECONDS = 10.0


@dataclass(frozen=True)
class Kit:
    """What can be made ready before a request comes."""

    model: Model | None = None
    catalogue: Catalogue | None = None
    searcher: Searcher | None = None
    box: Box | None = None
    steering: Steering | None = None


async def execute(
    request: RunRequest, on_event: Callable[[Event], None], model: Model | None = None, *, kit: Kit | None = None
) -> RunResult:
    """Return how the run ended, also when the task is cancelled; raise ConfigurationError when it cannot begin."""
    redactor = Redactor({**os.environ, **{f"HEADER_{n}_KEY": value for n, value in enumerate(request.service.headers.values())}})
    run = _Run(request, on_event, redactor, kit or Kit(), model)
    try:
        return await run.run()
    finally:
        await run.close()


class _Run:
    """The state of one run while it goes on."""

    def __init__(self, request: RunRequest, on_event: Callable[[Event], None], redactor: Redactor, kit: Kit, model: Model | None) -> None:
        self._request = request
        self._on_event = on_event
        self._teller = Teller(self._tell, redactor)
        self._redactor = redactor
        self._kit = kit
        self._model = model or (kit.model if request.script is None else None)
        self._own_model: Model | None = None
        self._searcher = kit.searcher or Searcher()
        self._box = kit.box or Box()
        self._steering = kit.steering or Steering()
        self._commands: Commands | None = None
        self._verifier: Verifier | None = None
        self._record: RunRecord | None = None
        self._git: asyncio.Task[GitState | None] | None = None
        self._started = time.monotonic()
        self._loop: Loop | None = None
        self._asker: Asker | None = None

    async def run(self) -> RunResult:
        # Git is asked while the agent file is read: together they are most of what comes before the first request.
        self._git = asyncio.create_task(git_state(Path(self._request.root)), name="git")
        try:
            context = await asyncio.to_thread(open_context, self._request)
        except asyncio.CancelledError:
            _stay()
            return RunResult(run=self._request.run, agent="", outcome="cancelled", reason="It was cancelled.", code="cancelled")
        choice = self._choose(context)
        context = with_note(context, choice.note)
        part = self._request.limits
        self._ledger = Ledger(Limits(part.turns, part.tokens, part.usd, part.seconds), choice.model.price)
        try:
            ending = await self._guarded(context, choice)
        except ConfigurationError as error:
            self._close_record("failed", {"reason": str(error)})
            raise
        self._teller.flush()
        gaps = await self._gaps(context) if ending.outcome != "cancelled" else GapCountPart()
        result = self._result(context, choice, ending, gaps)
        written = result.model_dump(mode="json")
        if self._record is not None and result.changes:
            # Before the end is written, so that a crash from here on loses nothing of the work.
            self._record.proposal({"changes": written["changes"]})
        self._close_record(result.outcome, {name: value for name, value in written.items() if name != "changes"})
        return result

    def _choose(self, context: Context) -> Choice:
        """Return the model; raise ConfigurationError for a file that is no runnable agent."""
        definition, own = context.definition, self._request.service.models
        if not definition.runnable:
            raise ConfigurationError(f"{definition.path.name} is a {definition.dialect} file, which cannot be run in this version.")
        catalogue = self._kit.catalogue if self._kit.catalogue is not None and not own else load_catalogue(own or None)
        wanted = self._request.model if self._request.model != definition.model else None
        return catalogue.choose(definition.model, wanted, base_url=os.environ.get("ANTHROPIC_BASE_URL"))

    async def close(self) -> None:
        """Give back what the run itself opened; a record that has no outcome by now is that of a bug."""
        self._close_record("failed", {"reason": "The run ended in a bug; the log has the traceback."})
        if self._git is not None:
            self._git.cancel()
            await asyncio.wait({self._git})
        await self._box.close()
        if self._kit.searcher is None:
            await self._searcher.close()
        if self._own_model is not None:
            await self._own_model.close()

    async def _guarded(self, context: Context, choice: Choice) -> Ending:
        """Return the ending, whatever happens on the way to it; bugs and wrong configuration leave as exceptions."""
        seconds = self._request.limits.seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._go(context, choice)
        except TimeoutError:
            return Ending("limit", f"the limit of {seconds:g} seconds was reached", "limit")
        except asyncio.CancelledError:
            _stay()
            return Ending("cancelled", "It was cancelled.", "cancelled")
        except ModelCredentialsError as error:
            return Ending("failed", str(error), "credentials")
        except ModelRejected as error:
            return self._rejected(error, context, choice)
        except ModelError as error:
            return Ending("failed", f"The model service did not answer: {error}. Start the run again.", "service")

    def _rejected(self, error: ModelRejected, context: Context, choice: Choice) -> Ending:
        if error.status == 404:
            file = context.definition.path.name
            words = f"The service does not know the model {choice.model.id!r} ({error})."
            return Ending("failed", f"{words} Change `model:` in {file}, or set another model in the settings.", "model-unknown")
        if error.kind == "context":
            return Ending("failed", str(error), "context")
        return Ending("failed", f"The service refused the request (status {error.status}): {error}", "rejected")

    async def _go(self, context: Context, choice: Choice) -> Ending:
        assert self._git is not None
        # Git, the disk and the tree are asked at the same time; walking a large tree must not hold up a cancel.
        reading = asyncio.to_thread(referenced, context)
        git, _, references, context = await asyncio.gather(self._git, self._open_record(context), reading, self._with_commands(context))
        prompt = await asyncio.to_thread(first_prompt, context, git, references)
        for note in context.notes:
            self._teller(Noted(note))
        if choice.model.price is None and self._request.limits.usd is not None:
            self._teller(Noted(f"The price of {choice.model.id} is not known: the limit in USD cannot be kept, the one in tokens is."))
        toolbox = Toolbox(context.overlay, context.boundary, context.offered, self._searcher, self._commands)
        if self._request.file is not None and whole_file_shown(context):
            toolbox.note_seen(self._request.file)
        conversation = Conversation(prompt.system, toolbox.schemas, prompt.user, choice.cache_ttl)
        service = self._request.service
        self._asker = Asker(
            self._model_for(),
            RetryPolicy(tries=max(1, service.tries), first_pause=service.first_pause),
            self._teller,
            on_broken=self._book_broken,
        )
        frame = Frame(choice.model, dict(service.headers), service.idle_seconds)
        words = self._steering.take_words
        self._loop = Loop(conversation, toolbox, self._asker, self._ledger, frame, self._teller, words, self._steering.catch_up)
        self._teller(RunStarted(self._request.run, context.definition.id, choice.model.id, context.offered, context.read_only))
        schema = self._schema(context)

        def unmet(text: str) -> str:
            problems = faults(text, schema)
            return repair_request(problems, schema) if problems and schema is not None else ""

        return await self._loop.run_turns(FinalAnswer(unmet, self._verifier))

    async def _with_commands(self, context: Context) -> Context:
        """Return the context with what the box makes possible, and what it does not; a box that nothing asks for is not started."""
        request = self._request
        self._steering.attach(context.boundary)
        self._commands = Commands(
            self._box,
            context.overlay,
            Permissions(request.commands.box, request.trusted, not context.read_only, request.commands.unprotected),
            self._steering.approve,
        )
        if not context.read_only:
            self._verifier = Verifier(self._commands, context.overlay, request.project.verification, self._teller)
        if "Bash" not in context.offered:
            return context
        await self._commands.ready()
        why = self._commands.why_not_offered()
        return without_commands(context, why) if why else context

    def _schema(self, context: Context) -> Mapping[str, object] | None:
        if self._request.result == "report":
            return REPORT_SCHEMA
        return context.definition.contract if context.definition.output_format == "json" else None

    def _model_for(self) -> Model:
        if self._model is not None:
            return self._model
        script = self._request.script
        self._own_model = AnthropicModel() if script is None else load_script(Path(script), {"file": self._request.file or ""})
        return self._own_model

    def _book_broken(self, request: TurnRequest) -> None:
        """Book a turn that broke off: its prompt was paid for, by our own estimate."""
        size = sum(len(str(block)) for block in (*request.system, *request.tools, *request.messages))
        self._teller(self._ledger.add(None, size, 0))

    async def _open_record(self, context: Context) -> None:
        request = self._request
        if request.journal is None:
            return
        meta = {
            "agent": context.definition.id,
            "task": request.task,
            "title": request.command_title,
            "root": request.root,
            "file": request.file,
            "agent_sha256": context.definition.sha256,
        }
        try:
            self._record = await asyncio.to_thread(Journal(Path(request.journal), self._redactor).open_run, request.run, meta)
        except OSError as error:
            self._teller(Noted(f"The journal cannot be written ({error.strerror}); the run goes on without it."))

    def _tell(self, event: Event) -> None:
        if self._record is not None:
            self._record.event(to_json(event))
        self._on_event(event)

    def _close_record(self, outcome: str, result: Mapping[str, object]) -> None:
        record, self._record = self._record, None
        if record is not None:
            record.close(outcome, result)

    async def _gaps(self, context: Context) -> GapCountPart:
        try:
            async with asyncio.timeout(_GAP_SECONDS):
                return await asyncio.to_thread(count_gaps, context)
        except TimeoutError:
            self._teller(Noted("Counting the gaps took too long and was given up."))
        except asyncio.CancelledError:
            # The run itself is over; what it made is kept.
            _stay()
            self._teller(Noted("The gaps were not counted."))
        except Exception as error:  # noqa: BLE001 - a bug in a check must not cost the person the run's work.
            self._teller(Noted(f"The gaps could not be counted ({type(error).__name__}: {error})."))
        return GapCountPart()

    def _result(self, context: Context, choice: Choice, ending: Ending, gaps: GapCountPart) -> RunResult:
        remains = Remains(
            context=context,
            ending=ending,
            gaps=gaps,
            schema=self._schema(context),
            refusals=tuple(self._loop.refusals) if self._loop is not None else (),
            ledger=self._ledger,
            model=choice.model.id,
            left_out_fields=self._asker.dropped if self._asker is not None else (),
            seconds=round(time.monotonic() - self._started, 3),
            commands=self._commands,
            verifier=self._verifier,
        )
        return summarize(remains, self._teller, self._redactor)


def _stay() -> None:
    """Take back the cancel of this task, so that it can still hand over its result."""
    if (task := asyncio.current_task()) is not None:
        task.uncancel()
