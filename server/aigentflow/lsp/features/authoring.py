"""Agent files and the project file as documents: problems, hover, trust, the way to the checklist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as t

from aigentflow.lsp.convert import path_of, to_offset, to_range, uri_of
from aigentflow.lsp.features.boundaries import Boundaries
from aigentflow.workspace.lines import LineIndex

if TYPE_CHECKING:
    from aigentflow.definitions.values import AgentDefinition, Problem
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.features.diagnostics import Diagnostics
    from aigentflow.lsp.features.gaps import Gaps
    from aigentflow.lsp.session import Session
    from aigentflow.runtime.catalogue import Catalogue

_SEVERITY = {
    "error": t.DiagnosticSeverity.Error,
    "warning": t.DiagnosticSeverity.Warning,
    "info": t.DiagnosticSeverity.Information,
    "hint": t.DiagnosticSeverity.Hint,
}


class Authoring:
    """What helps whoever writes an agent file."""

    def __init__(self, session: Session, gaps: Gaps, diagnostics: Diagnostics) -> None:
        self._session = session
        self._gaps = gaps
        self._diagnostics = diagnostics
        self._models: Catalogue | None = None
        self._boundaries = Boundaries(session)
        diagnostics.add_source(self.diagnostics_of)

    def document_changed(self, document: Document) -> None:
        """Read an open agent file from its buffer at once."""
        if self._session.started and document.path is not None and self._configures(document.path):
            if self._session.library.holds(Path(document.path)):
                self._session.library.set_buffer(Path(document.path), document.text)
            self._boundaries.opened(document, self._definition(document))
            self._diagnostics.everything_changed()

    def document_closed(self, document: Document) -> None:
        """Read a closed agent file from disk again."""
        if self._session.started and document.path is not None and self._session.library.holds(Path(document.path)):
            self._session.library.set_buffer(Path(document.path), None)
            self._diagnostics.everything_changed()

    def files_changed(self, uris: Iterable[str]) -> None:
        """The client saw files change on disk."""
        paths = [Path(path) for uri in uris if (path := path_of(uri)) is not None]
        self._boundaries.files_changed([str(path) for path in paths])
        if self._session.started and any(self._configures(str(path)) for path in paths):
            self._session.library.invalidate(paths)
            self._diagnostics.everything_changed()

    def _configures(self, path: str) -> bool:
        from aigentflow.definitions.project import PROJECT_FILE

        return self._session.library.holds(Path(path)) or Path(path).as_posix().endswith(f"/{PROJECT_FILE}")

    def diagnostics_of(self, document: Document) -> list[t.Diagnostic]:
        """Return the problems of an agent file or a project file, where they can be mended."""
        return [self._diagnostic(document, problem) for problem in self._problems(document)]

    def _problems(self, document: Document) -> Iterable[Problem]:
        from aigentflow.definitions.project import PROJECT_FILE, parse_project

        place = self._session.relative(document)
        if place is not None and place[1] == PROJECT_FILE:
            return (*parse_project(document.text)[1], *self._boundaries.problems(document, None))
        definition = self._definition(document)
        if definition is None:
            return ()
        own = self._boundaries.problems(document, definition)
        return (*definition.problems, *own, *self._unresolved(definition), *self._model(definition))

    def _unresolved(self, definition: AgentDefinition) -> Iterable[Problem]:
        from aigentflow.definitions.context import reference_problems

        root = self._session.root_of(definition.path)
        return () if root is None else reference_problems(definition, self._gaps.facts.tree(root).paths)

    def _model(self, definition: AgentDefinition) -> Iterator[Problem]:
        """Yield what a run would do with a model that is not known by the name in the file."""
        from aigentflow.definitions.values import Problem, Span

        if definition.model is None or not definition.runnable:
            return
        note = self._catalogue().choose(definition.model, base_url=self._session.environment.get("ANTHROPIC_BASE_URL")).note
        if note:
            yield Problem(note, definition.spans.get("model", Span(0, 1)), "info", "model.unknown")

    def _catalogue(self) -> Catalogue:
        from aigentflow.runtime.catalogue import load_catalogue

        if self._models is None:
            self._models = load_catalogue(self._session.user_config.models)
        return self._models

    def _definition(self, document: Document) -> AgentDefinition | None:
        if document.path is None or not self._session.library.holds(Path(document.path)):
            return None
        root = self._session.root_of(document.path)
        return next((agent for agent in self._session.library.agents(root) if agent.path == Path(document.path)), None)

    def _diagnostic(self, document: Document, problem: Problem) -> t.Diagnostic:
        return t.Diagnostic(
            range=to_range(document.index, problem.span.start, problem.span.end, self._session.encoding),
            message=problem.message,
            severity=_SEVERITY[problem.severity],
            source="aigentflow",
            code=problem.code or None,
        )

    def hover(self, document: Document, position: t.Position) -> str | None:
        """Return what a pattern of a boundary, a checklist item or a variable of an agent file means here."""
        definition = self._definition(document)
        offset = to_offset(document.index, position, self._session.encoding)
        if (bounds := self._boundaries.hover(document, definition, offset)) is not None or definition is None:
            return bounds
        for bound in self._gaps.bound_items(definition):
            if bound.item.span.start <= offset <= bound.item.span.end:
                check = f"decided by `{bound.check}`" if bound.check else "*manual*: no check decides it"
                return f"Checklist item, {check}.\n\n{self._gaps.about(bound.check) if bound.check else ''}".strip()
        for variable in definition.variables:
            if variable.span.start <= offset <= variable.span.end:
                return f"`${variable.name}` is filled when a run begins."
        return None

    def lenses(self, document: Document) -> list[t.CodeLens]:
        """Return, for agent files and the project file, how many files each agent may change."""
        return list(self._boundaries.lenses(document, self._definition(document)))

    def actions(self, document: Document) -> list[t.CodeAction]:
        """Return the trust action for an agent file of an untrusted workspace."""
        definition = self._definition(document)
        root = self._session.root_of(document.path) if definition is not None else None
        if definition is None or root is None or definition.source != "workspace" or self._session.trusted(root, definition.sha256):
            return []
        title = "Trust this workspace's agents"
        command = t.Command(title=title, command="aigentflow.trust", arguments=[{"folder": str(root)}])
        return [t.CodeAction(title=title, kind="source.aigentflow", command=command)]

    def trust(self, folder: object) -> dict[str, bool]:
        """Trust the agent files and the project file of a folder as they are on disk now."""
        roots = [root for root in self._session.roots if folder in (None, str(root))]
        for root in roots:
            self._session.trust_workspace(root)
            self._session.client.show_message(f"Aigentflow: the agent files of {root.name} are trusted as they are now.", "info")
        self._diagnostics.everything_changed()
        return {"trusted": bool(roots)}

    async def show_checklist(self, given: dict[str, Any]) -> dict[str, bool]:
        """Open an agent file at its checklist, or, with `boundary`, say what the agent may change."""
        uri = given.get("uri")
        root = self._session.root_of(path_of(uri)) if isinstance(uri, str) else None
        if given.get("boundary"):
            folder = root or next(iter(self._session.roots), None)
            said = self._boundaries.explanation(str(given.get("agent")), folder) if folder is not None else []
            self._session.client.show_message(" ".join(said) or "Aigentflow: no workspace folder is open.", "info")
            return {"shown": True}
        definition = self._session.agent(str(given.get("agent")), root)
        if definition is None or not definition.checklist:
            return {"shown": False}
        span = definition.checklist[0].span
        where = to_range(LineIndex(definition.text), span.start, span.end, self._session.encoding)
        shown = await self._session.client.show_document(uri_of(definition.path), where)
        if not shown:
            self._session.client.show_message(f"The checklist of {definition.id} is in {definition.path}.", "info")
        return {"shown": shown}
