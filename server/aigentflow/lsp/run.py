"""One run as the editor sees it: asked for, checked, handed to a run host, shown, delivered, ended once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from aigentflow.errors import AigentflowError, ConfigurationError, FrameError
from aigentflow.lsp.approval import approve
from aigentflow.lsp.convert import uri_of
from aigentflow.lsp.features.preflight import Preflight
from aigentflow.lsp.hosts import CANCEL_SECONDS, Host
from aigentflow.lsp.page import render
from aigentflow.lsp.progress import Progress
from aigentflow.lsp.request import run_request
from aigentflow.lsp.run_boundary import RunBoundary
from aigentflow.redaction import Redactor
from aigentflow.runtime.approval import shown
from aigentflow.state import write_private
from aigentflow.workspace.proposal import Proposal

if TYPE_CHECKING:
    from aigentflow.lsp.delivering import DeliveryRecord
    from aigentflow.lsp.features.refusals import Refusals
    from aigentflow.lsp.features.reports import Reports
    from aigentflow.lsp.features.review import Review
    from aigentflow.lsp.order import RunOrder
    from aigentflow.lsp.session import Session

_LINE_LENGTH = 100
_KEPT_EVENTS = 2000
_NOTED = 500
"""Characters of a command on the run's page."""


class Run:
    """One execution of an agent on a task; ends in exactly one outcome."""

    def __init__(
        self,
        run_id: str,
        order: RunOrder,
        session: Session,
        *,
        granted: Sequence[str],
        parallel: list[str],
        changed: Callable[[], None],
        reports: Reports,
        refusals: Refusals,
    ) -> None:
        self.id = run_id
        self.order = order
        self.agent = order.agent
        self.title = order.title
        self.outcome: str | None = None
        """None while it goes on."""
        self.reason = ""
        self.result: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.review: Review | None = None
        self.proposal = Proposal()
        self._journal: DeliveryRecord | None = None
        self._session = session
        self._parallel = parallel
        self._changed = changed
        self._reports = reports
        self._refusals = refusals
        self.bounds = RunBoundary(session, order, granted)
        self._host: Host | None = None
        self._asking: asyncio.Task[dict[str, Any] | None] | None = None
        self._cancelled = False
        self._said = ""
        self.bases: dict[str, tuple[str, int | None]] = {}
        """Text and version of each open document when the run began."""

    @property
    def going_on(self) -> bool:
        """Whether the run has no outcome yet."""
        return self.outcome is None

    @property
    def has_pending(self) -> bool:
        """Whether parts of its proposal wait for the person."""
        return self.review is not None and self.review.has_pending

    async def live(self) -> None:
        """Go from the first check to the delivered proposal; always end in one outcome."""
        progress = Progress(self._session.client, f"{self.agent.id}: {self.title}")
        self._session.progress.on_cancel(progress.token, self.cancel)
        try:
            await self._prepare_and_run(progress)
        except AigentflowError as error:
            self._end("cancelled" if self._cancelled else "failed", str(error))
        finally:
            self._end("failed" if not self._cancelled else "cancelled", "it ended before it was done; the log has the details")
            self._session.progress.forget(progress.token)
            progress.end(self.line())
            self._changed()
        await self._release_host()
        await self._deliver()

    async def _prepare_and_run(self, progress: Progress) -> None:
        boundary = await self._settle(self.bounds.preflight)
        if boundary is None or self._cancelled:
            self._end("cancelled" if self._cancelled else "failed", self.bounds.preflight.reason)
            return
        bar = self._session.spawn(progress.begin())
        request = {**run_request(self, self._session, self._parallel), **boundary}
        self.bounds.settled(boundary)
        self._host = host = await self._session.hosts.take()
        self.bounds.attach(host)
        self._changed()
        try:
            if not self._cancelled:
                self.result = await host.run(request, lambda event: self._on_event(event, progress), self._on_ask)
        except FrameError as error:
            self._end("cancelled" if self._cancelled else "failed", "" if self._cancelled else str(error))
        finally:
            await bar
        self._end(self.result.get("outcome", "cancelled"), self.result.get("reason") or "")

    async def _settle(self, preflight: Preflight) -> dict[str, Any] | None:
        """Wait for what the person is asked; cancelling the run ends the waiting."""
        # Owned by this run, which awaits it: what it raises is told once, as the run's end.
        self._asking = asyncio.get_running_loop().create_task(preflight.check())
        try:
            settled: dict[str, Any] | None = await self._asking
        except asyncio.CancelledError:
            if not self._cancelled:
                raise
            return None
        return settled

    def _end(self, outcome: str, reason: str) -> None:
        if self.outcome is None:
            self.outcome, self.reason = outcome, reason

    async def _release_host(self) -> None:
        if self._host is not None:
            host, self._host = self._host, None
            self.bounds.attach(None)
            await self._session.hosts.release(host)
        if self._session.settings.warm_host:
            self._session.spawn(self._session.hosts.warm())

    def cancel(self) -> None:
        """End the run: asked first, killed when it does not listen."""
        if not self.going_on or self._cancelled:
            return
        self._cancelled = True
        if self._asking is not None:
            self._asking.cancel()
        if self._host is not None:
            self._host.cancel()
            self._session.spawn(self._kill_later(self._host))

    async def _kill_later(self, host: Host) -> None:
        await asyncio.sleep(CANCEL_SECONDS)
        host.kill()

    def _on_event(self, event: dict[str, Any], progress: Progress) -> None:
        if len(self.events) < _KEPT_EVENTS or event.get("kind") not in ("text", "thinking"):
            self.events.append(event)
        if event.get("kind") == "refused":
            self._refusals.take(self, event)
        line = self._progress_line(event)
        if line and line != self._said:
            self._said = line
            progress.report(line)

    def _on_ask(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "ask":
            self._session.spawn(self._answer(frame.get("id"), str(frame.get("command", ""))))
        elif self._host is not None:
            # Looked at now also for what nobody told us of: a file saved elsewhere, trust taken back in a terminal.
            self.bounds.steer()
            self._host.tell({"type": "answer", "id": frame.get("id")})

    async def _answer(self, number: Any, command: str) -> None:
        try:
            allowed = await approve(self._session, self, command)
        except OSError:
            allowed = False
        if self.going_on and not self._cancelled and self._host is not None:
            self._host.tell({"type": "answer", "id": number, "allowed": allowed})
            await self.note(f"A command was {'allowed' if allowed else 'not allowed'} to run unprotected: {shown(command[:_NOTED])}")

    async def note(self, text: str) -> None:
        """Put a sentence on the run's page and into its journal."""
        from aigentflow.lsp.delivering import note_event

        event = {"kind": "noted", "text": text}
        self.events.append(event)
        await asyncio.to_thread(note_event, self._session.state, self._session.environment, self.id, event)

    def _progress_line(self, event: dict[str, Any]) -> str:
        kind = event.get("kind")
        if kind == "tool_called":
            return f"{event['tool']} {event.get('subject', '')}".strip()[:_LINE_LENGTH]
        if kind == "turn_started":
            return f"turn {event['turn']}"
        if kind == "waiting":
            return f"waiting: {event.get('reason', '')}"[:_LINE_LENGTH]
        if kind == "refused":
            return f"refused: {event.get('path', '')}"[:_LINE_LENGTH]
        return ""

    async def _deliver(self) -> None:
        from aigentflow.lsp.delivering import DeliveryRecord, review_of

        if self.result.get("changes") and self.bounds.boundary is not None:
            self.bounds.steer()
            self.review = review_of(self, self._session, self.bounds.boundary)
            self._journal = DeliveryRecord(self, self._session)
            # What an unfinished run has made is kept for the person to take or drop, and never applied by itself.
            if await self._kept_before() and self.outcome == "finished":
                await self.review.deliver()
                await self._journal.after("delivered")
            self._changed()
        self._reports.ended(self)
        if self.order.command is not None and self.order.command.result == "report" and self.outcome == "finished":
            self._reports.take(self)
            self._changed()
            await self.show()
        self._tell()

    async def _kept_before(self) -> bool:
        """Keep the texts before the first edit goes out; without them everything stays pending and the person is told."""
        assert self._journal is not None
        try:
            await self._journal.before()
        except (OSError, ConfigurationError) as error:
            self._session.client.show_message(
                f"Aigentflow: the texts before the run could not be kept ({error}); its changes wait for you to accept them.", "error"
            )
            return False
        return True

    async def reviewed(self, verb: str) -> None:
        """Note and tell what accepting, rejecting or undoing led to."""
        if self._journal is not None:
            await self._journal.after(verb)
        if self.review is not None and (text := self.review.message()):
            self._session.client.show_message(f"Aigentflow, {self.agent.id}: {text}", "info")

    def _tell(self) -> None:
        """Say how it ended, once."""
        severity = "info" if self.outcome in ("finished", "cancelled") else "error"
        parts = [f"Aigentflow, {self.agent.id}: {self.line().rstrip('.')}."]
        if self.review is not None:
            parts.append(self.review.message())
        if self.result.get("refusals"):
            parts.append(f"{len(self.result['refusals'])} refused; the run's page says why.")
        self._session.client.show_message(" ".join(part for part in parts if part), severity)

    async def show(self) -> bool:
        """Open the run's page: as a virtual document, else as a file of the state folder, else say where it is."""
        client = self._session.client
        if client.capabilities.content_provider and await client.show_document(f"aigentflow:/runs/{self.id}.md"):
            return True
        path = self._session.state / "pages" / f"{self.id}.md"
        text = Redactor(self._session.environment).text(render(self))
        write_private(path, text.encode("utf-8", "replace"))
        if await client.show_document(uri_of(path)):
            return True
        client.show_message(f"Aigentflow: the page of this run is {path}", "info")
        return False

    def close(self) -> None:
        """Stop following the buffers."""
        if self.review is not None:
            self.review.close()

    def line(self) -> str:
        """Return one line that says how it stands."""
        standing = self.outcome or "running"
        return f"{standing}: {self.reason}" if self.reason else standing
