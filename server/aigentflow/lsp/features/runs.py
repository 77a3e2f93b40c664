"""Commands that run agents: start, cancel, show, and what is done with their proposals.

`aigentflow.run` answers at once with a run id; the run goes on as a task of the session.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from lsprotocol import types as t

from aigentflow.errors import ConfigurationError
from aigentflow.lsp.convert import path_of
from aigentflow.lsp.features.pending import pending_actions
from aigentflow.lsp.features.preflight import has_credential
from aigentflow.lsp.order import RunOrder, read_order, same_order
from aigentflow.lsp.page import render
from aigentflow.lsp.run import Run
from aigentflow.redaction import Redactor

if TYPE_CHECKING:
    from aigentflow.definitions.values import AgentCommand, AgentDefinition
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.features.gaps import Gaps
    from aigentflow.lsp.features.refusals import Refusals
    from aigentflow.lsp.features.reports import Reports
    from aigentflow.lsp.session import Session
    from aigentflow.workspace.globs import Glob

_KEPT = 50
_DOUBLE_CLICK_SECONDS = 1.0


class Runs:
    """The runs of this session, newest last."""

    def __init__(self, session: Session, gaps: Gaps, reports: Reports, refusals: Refusals, changed: Callable[[], None]) -> None:
        self._session = session
        self._gaps = gaps
        self._reports = reports
        self._refusals = refusals
        self._changed = changed
        self._runs: dict[str, Run] = {}
        self._last_order: tuple[float, dict[str, Any], str] | None = None

    def can_run(self) -> bool:
        """Return whether a model could be asked: a credential or a script is configured."""
        return has_credential(self._session.environment, self._session.user_config.service.headers)

    def start(self, given: dict[str, Any]) -> dict[str, str]:
        """Start a run and return its id at once; raise ConfigurationError for an order that names nothing we have."""
        now = monotonic()
        if self._last_order is not None and self._last_order[1] == given and now - self._last_order[0] < _DOUBLE_CLICK_SECONDS:
            return {"run": self._last_order[2]}
        started = self._launch(self._order(given), ())
        self._last_order = (now, given, started["run"])
        return started

    def start_again(self, run: Run, path: str) -> dict[str, str]:
        """Start a run of the same order once more, with this one path opened for it; the agent file counts as it is now."""
        return self._launch(same_order(run.order, self._order(run.order.given)), (path,))

    def _launch(self, order: RunOrder, granted: tuple[str, ...]) -> dict[str, str]:
        run_id = uuid.uuid4().hex[:8]
        run = Run(
            run_id,
            order,
            self._session,
            granted=granted,
            parallel=self._parallel(),
            changed=self._changed,
            reports=self._reports,
            refusals=self._refusals,
        )
        self._refusals.begin(order.agent.id, order.root)
        self._runs[run_id] = run
        self._forget_old()
        self._session.spawn(run.live())
        return {"run": run_id}

    def files_changed(self, uris: Iterable[str]) -> None:
        """Files were changed, in a buffer or on disk: where one states a boundary, runs hear of it."""
        if any(run.going_on or run.has_pending for run in self._runs.values()) and any(map(self._states_boundary, uris)):
            self.steer()

    def _states_boundary(self, uri: str) -> bool:
        from aigentflow.definitions.project import PROJECT_FILE
        from aigentflow.user_config import ANSWERS_FILE

        path = path_of(uri)
        if path is None:
            return False
        own = Path(path) in (self._session.user_config.path, self._session.user_config.path.with_name(ANSWERS_FILE))
        return own or path.endswith(f"/{PROJECT_FILE}") or self._session.library.holds(Path(path))

    def steer(self) -> None:
        """What boundaries are made of may have changed: runs that go on, and proposals that wait, hear of it."""
        for run in self._runs.values():
            if run.going_on or run.has_pending:
                run.bounds.steer()

    def _order(self, given: dict[str, Any]) -> RunOrder:
        uri = given.get("uri")
        document = self._session.documents.get(uri) if isinstance(uri, str) else None
        path = document.path if document is not None else path_of(uri) if isinstance(uri, str) else None
        if uri is not None and self._session.roots and self._session.root_of(path) is None:
            raise ConfigurationError(f"{uri!r} lies in none of the open folders: open its folder, or run the command on a file of one")
        root = self._session.root_of(path) or (self._session.roots[0] if self._session.roots else None)
        if root is None:
            raise ConfigurationError("no workspace folder is open: open the folder of the project and run the command again")
        agent_id = given.get("agent")
        agent = self._session.agent(agent_id, root) if isinstance(agent_id, str) else None
        if agent is None:
            known = ", ".join(sorted(agent.id for agent in self._session.agents(root) if agent.runnable))
            raise ConfigurationError(f"there is no agent {agent_id!r} here; there are: {known}")
        if not agent.runnable:
            raise ConfigurationError(f"{agent.id!r} is a {agent.dialect} file, which is read in a later version")
        return read_order(given, agent, root, document, self._session, self._gaps)

    def _parallel(self) -> list[str]:
        return [f"{run.agent.id}: {run.title}" for run in self._runs.values() if run.going_on]

    def _forget_old(self) -> None:
        over = [run_id for run_id, run in self._runs.items() if not run.going_on and not run.has_pending]
        for run_id in over[: max(0, len(self._runs) - _KEPT)]:
            self._runs.pop(run_id).close()

    def find(self, run_id: object) -> Run | None:
        """Return the run with this id, or the newest where no id is given."""
        if run_id is None:
            return next(reversed(self._runs.values()), None)
        return self._runs.get(str(run_id))

    def cancel(self, run_id: object = None) -> dict[str, bool]:
        """Cancel a run, or all that go on; cancelling what has ended is quiet."""
        runs = [run for run in self._runs.values() if run.going_on and run_id in (None, run.id)]
        for run in runs:
            run.cancel()
        return {"cancelled": bool(runs)}

    async def show(self, run_id: object = None) -> dict[str, Any]:
        """Open the page of a run."""
        run = self.find(run_id)
        if run is None:
            self._session.client.show_message("Aigentflow: no run to show yet.", "info")
            return {"shown": False}
        return {"shown": await run.show()}

    async def review(self, given: dict[str, Any], verb: str) -> dict[str, Any]:
        """Accept, reject or undo (parts of) a run's proposal."""
        run = self.find(given.get("run"))
        if run is None or run.review is None:
            self._session.client.show_message("Aigentflow: this run has no change to take or leave.", "info")
            return {"done": False}
        run.bounds.steer()
        if verb == "undo":
            await run.review.undo()
        elif verb == "accept":
            await run.review.accept(given.get("path"), given.get("hunk"))
        else:
            await run.review.reject(given.get("path"), given.get("hunk"))
        await run.reviewed(verb)
        self._changed()
        return {"done": True}

    def page_of(self, uri: str) -> str:
        """Return the text of a run's page for its `aigentflow:` URI."""
        name = uri.rsplit("/", 1)[-1].removesuffix(".md")
        run = self._runs.get(name)
        if run is not None:
            return Redactor(self._session.environment).text(render(run))
        return f"No run {name!r} in this session; `aigentflow journal show {name}` may know it.\n"

    def covers(self, agent: AgentDefinition, command: AgentCommand, path: str) -> bool:
        """Return whether the command is meant for the path: its `files`, else the agent's allow list, else everything."""
        return any(glob.matches(path) for glob in _globs(command.files or agent.allow or ("**",)))

    def control_actions(self) -> Iterator[t.CodeAction]:
        """Yield cancel, show and undo for the runs there are."""
        for run in self._runs.values():
            if run.going_on:
                yield _action(f"Cancel run: {run.title}", "aigentflow.cancel", {"run": run.id})
        newest = self.find(None)
        if newest is None:
            return
        yield _action(f"Show run: {newest.title}", "aigentflow.show", {"run": newest.id})
        if newest.review is not None and newest.review.can_undo:
            yield _action(f"Undo run: {newest.title}", "aigentflow.undo", {"run": newest.id})

    def review_actions(self, document: Document, start: int, end: int) -> Iterator[t.CodeAction]:
        """Yield accept and reject for the pending hunks at a place, and for whole proposals."""
        for run in self._runs.values():
            if run.review is not None and run.has_pending:
                can_apply = self._session.capabilities.apply_edit
                yield from pending_actions(run.review, run.title, document, start, end, can_apply=can_apply)

    def close(self) -> None:
        """End all runs; the server is about to leave."""
        for run in self._runs.values():
            run.cancel()
            run.close()


@lru_cache(maxsize=256)
def _globs(patterns: tuple[str, ...]) -> tuple[Glob, ...]:
    """Compile patterns; one that is no glob gives nothing, and is a problem of the agent file."""
    from aigentflow.workspace.globs import Glob, GlobError

    compiled = []
    for pattern in patterns:
        with contextlib.suppress(GlobError):
            compiled.append(Glob(pattern))
    return tuple(compiled)


def _action(title: str, command: str, argument: dict[str, Any]) -> t.CodeAction:
    return t.CodeAction(title=title, kind="source.aigentflow", command=t.Command(title=title, command=command, arguments=[argument]))
