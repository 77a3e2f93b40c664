"""Checklist gaps of open documents: found as the person types, shown where the repair belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as t

from aigentflow.lsp.convert import to_range, uri_of
from aigentflow.lsp.facts import Facts

if TYPE_CHECKING:
    from aigentflow.checks.checklist import BoundItem, Catalogue
    from aigentflow.checks.engine import Finding
    from aigentflow.checks.fixes import Fix
    from aigentflow.definitions.values import AgentDefinition
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.features.diagnostics import Diagnostics
    from aigentflow.lsp.session import Session
    from aigentflow.syntax.trees import Tree
    from aigentflow.workspace.proposal import TextEdit

SOURCE = "aigentflow"
_SEVERITY = {
    "error": t.DiagnosticSeverity.Error,
    "warning": t.DiagnosticSeverity.Warning,
    "info": t.DiagnosticSeverity.Information,
    "hint": t.DiagnosticSeverity.Hint,
}


@dataclass(frozen=True)
class Gap:
    """A finding with the checklist items it leaves open."""

    finding: Finding
    items: tuple[tuple[AgentDefinition, BoundItem], ...]

    @property
    def agent(self) -> AgentDefinition:
        """The first agent whose checklist has the item."""
        return self.items[0][0]


class Gaps:
    """Findings of open documents, computed when first asked for after a change."""

    def __init__(self, session: Session, diagnostics: Diagnostics) -> None:
        self._session = session
        self._diagnostics = diagnostics
        self._found: dict[str, tuple[tuple[int, int], tuple[Gap, ...]]] = {}
        self._items: dict[Path, tuple[int, dict[str, list[tuple[AgentDefinition, BoundItem]]]]] = {}
        self._checklists: dict[tuple[str, int], t.Location] = {}
        self._revision = 0
        self.facts = Facts(session, self.facts_changed)
        diagnostics.add_source(self.diagnostics_of)
        session.documents.on_change.append(self._typed)

    @property
    def catalogue(self) -> Catalogue:
        """The checks that exist, read on first use."""
        from aigentflow.checks.checklist import built_in_catalogue

        return built_in_catalogue()

    def _typed(self, document: Document, before: str, edits: Sequence[TextEdit]) -> None:
        _reparse(document, edits)
        self.facts.typed(document)

    def of(self, document: Document) -> tuple[Gap, ...]:
        """Return the gaps of a document as it is now."""
        if not self._session.started or not self._session.settings.gaps.enabled:
            return ()
        stamp = (document.version, self._revision)
        cached = self._found.get(document.uri)
        if cached is not None and cached[0] == stamp:
            return cached[1]
        gaps = self._find(document)
        self._found[document.uri] = (stamp, gaps)
        return gaps

    def _find(self, document: Document) -> tuple[Gap, ...]:
        from aigentflow.checks.engine import check_file
        from aigentflow.checks.territory import Territory

        place = self._session.relative(document)
        if place is None:
            return ()
        root, path = place
        agents = {id(agent): agent for bound in self._items_of(root).values() for agent, _ in bound}
        foreign = {key for key, agent in agents.items() if not Territory(agent).holds(path)}
        items = {
            check: kept
            for check, bound in self._items_of(root).items()
            if (kept := tuple(entry for entry in bound if id(entry[0]) not in foreign))
        }
        self.facts.catch_up(except_path=path)
        facts = self.facts.of(root) if items else None
        if facts is None:
            return ()
        findings = check_file(path, document.text, tuple(items), facts, tree=self.tree_of(document))
        least = self._session.settings.gaps.minimum_confidence
        return tuple(Gap(finding, items[finding.check]) for finding in findings if finding.confidence >= least)

    def _items_of(self, root: Path) -> dict[str, list[tuple[AgentDefinition, BoundItem]]]:
        from aigentflow.checks.checklist import bind

        agents = self._session.agents(root)
        cached = self._items.get(root)
        if cached is not None and cached[0] == self._session.library.revision:
            return cached[1]
        items: dict[str, list[tuple[AgentDefinition, BoundItem]]] = {}
        for agent in agents:
            for bound in bind(agent, self.catalogue):
                if bound.check is not None:
                    items.setdefault(bound.check, []).append((agent, bound))
        self._items[root] = (self._session.library.revision, items)
        return items

    def tree_of(self, document: Document) -> Tree | None:
        """Return the document's syntax tree, None for a language that has none."""
        if document.tree is None and document.path is not None:
            document.tree = _parse(document)
        tree: Tree | None = document.tree
        return tree

    def document_closed(self, document: Document) -> None:
        """Forget a closed document; its facts are those on disk again."""
        self._found.pop(document.uri, None)
        self.facts.files_changed([document.uri])

    def facts_changed(self) -> None:
        """What findings depend on changed: every open document is looked at again."""
        self._revision += 1
        self._diagnostics.everything_changed()

    def diagnostics_of(self, document: Document) -> list[t.Diagnostic]:
        """Return the document's gaps as diagnostics."""
        return [self.diagnostic(document, gap) for gap in self.of(document)]

    def diagnostic(self, document: Document, gap: Gap) -> t.Diagnostic:
        """Return one gap as a diagnostic."""
        finding = gap.finding
        data = {"check": finding.check, "agents": [agent.id for agent, _ in gap.items], "key": finding.key}
        diagnostic = t.Diagnostic(
            range=to_range(document.index, finding.start, finding.end, self._session.encoding),
            message=finding.message,
            severity=_SEVERITY[finding.severity],
            source=SOURCE,
            code=f"{gap.agent.id}/{finding.check}",
            data=data,
        )
        capabilities = self._session.capabilities
        check = self.catalogue.get(finding.check)
        if capabilities.code_description and check is not None:
            diagnostic.code_description = t.CodeDescription(href=uri_of(check.page))
        if capabilities.related_information:
            diagnostic.related_information = self._related(document, gap)
        return diagnostic

    def _related(self, document: Document, gap: Gap) -> list[t.DiagnosticRelatedInformation]:
        agent, bound = gap.items[0]
        message = f"checklist of {agent.id}: {bound.item.text}"
        related = [t.DiagnosticRelatedInformation(location=self._checklist_place(agent, bound), message=message)]
        relative = self._session.relative(document) if gap.finding.evidence else None
        for evidence in gap.finding.evidence:
            if relative is None:
                break
            start = t.Position(line=max(0, (evidence.line or 1) - 1), character=0)
            location = t.Location(uri=uri_of(relative[0] / evidence.path), range=t.Range(start=start, end=start))
            related.append(t.DiagnosticRelatedInformation(location=location, message=evidence.text))
        return related

    def _checklist_place(self, agent: AgentDefinition, bound: BoundItem) -> t.Location:
        known = self._checklists.get((agent.sha256, bound.item.span.start))
        if known is None:
            from aigentflow.workspace.lines import LineIndex

            where = to_range(LineIndex(agent.text), bound.item.span.start, bound.item.span.end, self._session.encoding)
            known = self._checklists[agent.sha256, bound.item.span.start] = t.Location(uri=uri_of(agent.path), range=where)
        return known

    def at(self, document: Document, start: int, end: int) -> list[Gap]:
        """Return the gaps that touch `[start, end]` (code points), or stand on its lines."""
        index = document.index
        first, _ = index.line_span(index.line_of(start))
        _, last = index.line_span(index.line_of(end))
        return [gap for gap in self.of(document) if gap.finding.start <= last and gap.finding.end >= first]

    def by_key(self, document: Document, key: str) -> Gap | None:
        """Return the gap with this stable key."""
        return next((gap for gap in self.of(document) if gap.finding.key == key), None)

    def hover(self, document: Document, offset: int) -> str | None:
        """Return what the check's page says first, for a gap under the offset."""
        for gap in self.of(document):
            if gap.finding.start <= offset <= gap.finding.end and (about := self.about(gap.finding.check)):
                return f"**{gap.finding.message}**\n\n{about}"
        return None

    def about(self, check_id: str) -> str:
        """Return the first paragraph of a check's page."""
        check = self.catalogue.get(check_id)
        try:
            text = check.page.read_text(encoding="utf-8") if check is not None else ""
        except OSError:
            return ""
        paragraphs = (part.strip() for part in text.split("\n\n"))
        return next((part for part in paragraphs if part and not part.startswith("#")), "")

    def bound_items(self, agent: AgentDefinition) -> tuple[BoundItem, ...]:
        """Return the agent's checklist items with the checks that decide them."""
        from aigentflow.checks.checklist import bind

        return bind(agent, self.catalogue)

    def fix_title(self, gap: Gap) -> str:
        """Return what the deterministic fix of a gap does, empty where there is none."""
        from aigentflow.checks.fixes import fix_title

        return fix_title(gap.finding) or ""

    def _fix(self, document: Document, gap: Gap) -> Fix | None:
        from aigentflow.checks.fixes import fix

        return fix(gap.finding, document.text, self.tree_of(document))

    def fix_edit(self, data: dict[str, Any]) -> t.WorkspaceEdit | None:
        """Return the edit of a fix offered earlier, on the text as it is now; `data` names document and gap key, `*` for all."""
        document = self._session.documents.get(str(data.get("uri")))
        if document is None:
            return None
        gaps = [gap for gap in self.of(document) if gap.finding.fixable and data.get("fix") in ("*", gap.finding.key)]
        edits = _together([fix.edits for gap in gaps if (fix := self._fix(document, gap)) is not None])
        if not edits:
            return None
        changes = [
            t.TextEdit(range=to_range(document.index, edit.start, edit.end, self._session.encoding), new_text=edit.new) for edit in edits
        ]
        if not self._session.capabilities.document_changes:
            return t.WorkspaceEdit(changes={document.uri: changes})
        identifier = t.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=document.version)
        return t.WorkspaceEdit(document_changes=[t.TextDocumentEdit(text_document=identifier, edits=changes)])


def _together(fixes: Sequence[Sequence[TextEdit]]) -> list[TextEdit]:
    """Join the edits of several fixes; the same edit counts once, and a fix that overlaps an earlier one is left for the next time."""
    taken: list[TextEdit] = []
    for edits in fixes:
        new = [edit for edit in edits if edit not in taken]
        if not any(_overlap(edit, other) for edit in new for other in taken):
            taken.extend(new)
    return sorted(taken, key=lambda edit: (edit.start, edit.end))


def _overlap(a: TextEdit, b: TextEdit) -> bool:
    if a.start == a.end and b.start == b.end:
        return a.start == b.start
    return a.start < b.end and b.start < a.end


def _parse(document: Document) -> Tree | None:
    from aigentflow.syntax.trees import Tree, grammar_of

    # Language ids are not to be trusted (Kate sends the name of the server), so they count only where the name says nothing.
    path = document.path or ""
    grammar = grammar_of(path) if Path(path).suffix else grammar_of(path, document.language_id)
    return None if grammar is None else Tree.parse(document.text, grammar)


def _reparse(document: Document, edits: Sequence[TextEdit]) -> None:
    """Keep a document's syntax tree current, at the price of what was edited."""
    tree = document.tree
    for edit in edits:
        if tree is not None:
            tree = tree.edited(edit.start, edit.end, edit.new)
    document.tree = tree


def gap_summary(document: Document, path: str, gaps: Sequence[Gap]) -> list[dict[str, Any]]:
    """Return gaps as a run request names them; lines are 1-based."""
    return [
        {"path": path, "line": document.index.line_of(gap.finding.start) + 1, "check": gap.finding.check, "message": gap.finding.message}
        for gap in gaps
    ]
