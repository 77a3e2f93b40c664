"""Code actions and code lenses: what can be done at a place. Listing is cheap and never starts a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsprotocol import types as t

from aigentflow.lsp.convert import to_offset, to_range
from aigentflow.lsp.features.gaps import Gap
from aigentflow.lsp.order import selection_label

if TYPE_CHECKING:
    from aigentflow.definitions.values import AgentCommand, AgentDefinition
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.features.authoring import Authoring
    from aigentflow.lsp.features.decisions import Decisions
    from aigentflow.lsp.features.gaps import Gaps
    from aigentflow.lsp.features.runs import Runs
    from aigentflow.lsp.session import Session
    from aigentflow.syntax.comments import TaskComment
    from aigentflow.syntax.symbols import Symbol

REWRITE = "refactor.rewrite.aigentflow"
FIX_ALL = "source.fixAll.aigentflow"
SOURCE_KIND = "source.aigentflow"
_TITLE_LENGTH = 90
_SYMBOL_PLACES = ("function", "method", "class")


@dataclass(frozen=True)
class Place:
    """Where the client asks for offers; offsets are code points."""

    document: Document
    path: str
    start: int
    end: int
    symbol: Symbol | None

    @property
    def selected(self) -> bool:
        """Whether something is selected."""
        return self.end > self.start


class Offers:
    """Everything the menu and the lenses show."""

    def __init__(self, session: Session, gaps: Gaps, runs: Runs, authoring: Authoring, decisions: Decisions) -> None:
        self._session = session
        self._gaps = gaps
        self._runs = runs
        self._authoring = authoring
        self._decisions = decisions
        self._found: dict[str, tuple[tuple[int, str, tuple[str, ...]], Sequence[TaskComment]]] = {}
        session.documents.on_close.append(self._forget)

    def _forget(self, document: Document) -> None:
        self._found.pop(document.uri, None)

    def actions(self, params: t.CodeActionParams) -> list[t.CodeAction | t.Command]:
        """Answer `textDocument/codeAction`; nothing for a document that is not open or outside every folder."""
        document = self._session.documents.get(params.text_document.uri)
        if document is None or not self._session.started:
            return []
        only = tuple(str(getattr(kind, "value", kind)) for kind in params.context.only or ())
        found = [action for action in self._all(document, params.range) if _wanted(action, only)]
        if self._session.capabilities.code_action_literals:
            return list(found)
        return [action.command for action in found if action.command is not None]

    def _all(self, document: Document, asked: t.Range) -> Iterator[t.CodeAction]:
        yield from self._authoring.actions(document)
        place = self._place(document, asked)
        if place is None:
            return
        yield from self._decisions.actions(document, place.start, place.end)
        gaps = self._gaps.at(document, place.start, place.end)
        yield from self._runs.review_actions(document, place.start, place.end)
        for gap in gaps:
            yield from self._gap_actions(document, gap)
        relative = self._session.relative(document)
        root = relative[0] if relative is not None else None
        agents = [agent for agent in self._session.agents(root) if agent.runnable]
        for comment in self._comments(document, agents):
            if (comment.start <= place.end and comment.end >= place.start) or self._same_line(document, comment, place):
                yield self._comment_action(document, comment, agents)
        for agent in agents:
            yield from self._command_actions(agent, place)
        yield from self._runs.control_actions()
        yield from self._fix_all(document)
        yield from self._checklist_actions(document, gaps)

    def _place(self, document: Document, asked: t.Range) -> Place | None:
        from aigentflow.syntax.symbols import enclosing_symbol

        relative = self._session.relative(document)
        if relative is None:
            return None
        start = to_offset(document.index, asked.start, self._session.encoding)
        end = max(start, to_offset(document.index, asked.end, self._session.encoding))
        symbol = enclosing_symbol(document.text, relative[1], start, self._gaps.tree_of(document))
        return Place(document, relative[1], start, end, symbol)

    def _comments(self, document: Document, agents: Sequence[AgentDefinition]) -> Sequence[TaskComment]:
        from aigentflow.syntax.comments import task_comments

        ids = tuple(agent.id for agent in agents)
        stamp = (document.version, document.text, ids)
        cached = self._found.get(document.uri)
        if cached is not None and cached[0] == stamp:
            return cached[1]
        relative = self._session.relative(document)
        tree = self._gaps.tree_of(document)
        found = () if relative is None else tuple(task_comments(document.text, relative[1], ids, tree))
        self._found[document.uri] = (stamp, found)
        return found

    def _same_line(self, document: Document, comment: TaskComment, place: Place) -> bool:
        first, last = document.index.line_of(comment.start), document.index.line_of(comment.end)
        return first <= document.index.line_of(place.end) and last >= document.index.line_of(place.start)

    def _gap_actions(self, document: Document, gap: Gap) -> Iterator[t.CodeAction]:
        diagnostic = self._gaps.diagnostic(document, gap)
        title = self._gaps.fix_title(gap) if gap.finding.fixable else ""
        if title:
            data = {"uri": document.uri, "fix": gap.finding.key, "version": document.version}
            action = t.CodeAction(title=title, kind="quickfix", diagnostics=[diagnostic], is_preferred=True)
            yield self._lazy(action, data)
        for agent, _ in gap.items:
            if not agent.runnable or agent.read_only:
                continue
            command = next((command for command in agent.commands if "gap" in command.on), None)
            title = (
                f"Fix with {agent.id}: {gap.finding.message}"
                if command is None
                else self._fill(command.title, {"gap": gap.finding.message})
            )
            arguments = {"agent": agent.id, "command": command.id if command else None, "uri": document.uri, "gap": gap.finding.key}
            yield self._run_action(title, "quickfix", arguments, [diagnostic])

    def _fix_all(self, document: Document) -> Iterator[t.CodeAction]:
        fixable = [gap for gap in self._gaps.of(document) if gap.finding.fixable]
        if fixable:
            what = f"all {len(fixable)} checklist gaps that need" if len(fixable) > 1 else "the checklist gap that needs"
            action = t.CodeAction(title=f"Fix {what} no model", kind=FIX_ALL)
            yield self._lazy(action, {"uri": document.uri, "fix": "*", "version": document.version})

    def _lazy(self, action: t.CodeAction, data: dict[str, Any]) -> t.CodeAction:
        if self._session.capabilities.resolve_edit and self._session.capabilities.data:
            action.data = data
        else:
            action.edit = self._gaps.fix_edit(data)
        return action

    def resolve(self, action: t.CodeAction) -> t.CodeAction:
        """Answer `codeAction/resolve` for any action; one that needs nothing comes back as it is."""
        if action.edit is None and isinstance(action.data, dict) and "fix" in action.data:
            action.edit = self._gaps.fix_edit(action.data)
        return action

    def _comment_action(self, document: Document, comment: TaskComment, agents: Sequence[AgentDefinition]) -> t.CodeAction:
        commands = (command for agent in agents if agent.id == comment.agent for command in agent.commands)
        command = next((command.id for command in commands if "todo" in command.on), None)
        where = to_range(document.index, comment.start, comment.end, self._session.encoding)
        arguments = {
            "agent": comment.agent,
            "command": command,
            "uri": document.uri,
            "task": comment.task,
            "range": _range_json(where),
            "todo": True,
        }
        return self._run_action(f"Run {comment.agent}: {comment.task}", REWRITE, arguments)

    def _command_actions(self, agent: AgentDefinition, place: Place) -> Iterator[t.CodeAction]:
        for command in agent.commands:
            if not self._fits(agent, command, place):
                continue
            symbol = place.symbol.name if place.symbol is not None else ""
            index = place.document.index
            lines = (index.line_of(place.start) + 1, index.line_of(place.end) + 1) if place.selected else None
            selection = selection_label(place.path, lines)
            title = self._fill(command.title, {"symbol": symbol, "file": place.path, "selection": selection})
            where = to_range(place.document.index, place.start, place.end, self._session.encoding)
            arguments = {
                "agent": agent.id,
                "command": command.id,
                "uri": place.document.uri,
                "range": _range_json(where),
                "ask": command.ask,
            }
            yield self._run_action(title, command.kind, arguments)

    def _fits(self, agent: AgentDefinition, command: AgentCommand, place: Place) -> bool:
        if command.languages and place.document.language_id not in command.languages and not _suffix_of(place.path, command.languages):
            return False
        if not self._runs.covers(agent, command, place.path):
            return False
        on = command.on
        if "file" in on or "workspace" in on or ("selection" in on and place.selected):
            return True
        symbol = place.symbol
        return symbol is not None and symbol.name != "constructor" and symbol.kind in _SYMBOL_PLACES and symbol.kind in on

    def _checklist_actions(self, document: Document, gaps: Sequence[Gap]) -> Iterator[t.CodeAction]:
        for agent_id in dict.fromkeys(gap.agent.id for gap in gaps):
            title = f"Show the checklist of {agent_id}"
            command = t.Command(title=title, command="aigentflow.checklist", arguments=[{"agent": agent_id, "uri": document.uri}])
            yield t.CodeAction(title=title, kind=SOURCE_KIND, command=command)

    def _run_action(self, title: str, kind: str, arguments: dict[str, Any], diagnostics: list[t.Diagnostic] | None = None) -> t.CodeAction:
        short = _shorten(title)
        command = t.Command(
            title=short, command="aigentflow.run", arguments=[{key: value for key, value in arguments.items() if value is not None}]
        )
        return t.CodeAction(title=short, kind=kind, command=command, diagnostics=diagnostics)

    def _fill(self, template: str, values: dict[str, str]) -> str:
        from aigentflow.definitions.commands import fill

        return fill(template, values, {})

    def lenses(self, uri: str) -> list[t.CodeLens]:
        """Answer `textDocument/codeLens`: task comments, and how many gaps the file has."""
        document = self._session.documents.get(uri)
        if document is None or not self._session.started or not self._session.settings.lenses:
            return []
        relative = self._session.relative(document)
        root = relative[0] if relative is not None else None
        agents = [agent for agent in self._session.agents(root) if agent.runnable]
        lenses = [t.CodeLens(range=action_range, command=command) for action_range, command in self._comment_lenses(document, agents)]
        return [*self._authoring.lenses(document), *self._count_lenses(document), *lenses]

    def _comment_lenses(self, document: Document, agents: Sequence[AgentDefinition]) -> Iterator[tuple[t.Range, t.Command]]:
        for comment in self._comments(document, agents):
            where = to_range(document.index, comment.start, comment.end, self._session.encoding)
            command = self._comment_action(document, comment, agents).command
            if command is not None:
                yield where, command

    def _count_lenses(self, document: Document) -> Iterator[t.CodeLens]:
        counts: dict[str, int] = {}
        for gap in self._gaps.of(document):
            counts[gap.agent.id] = counts.get(gap.agent.id, 0) + 1
        top = t.Range(start=t.Position(line=0, character=0), end=t.Position(line=0, character=0))
        for agent_id, count in counts.items():
            title = f"{agent_id}: {count} checklist gap{'s' if count > 1 else ''}"
            command = t.Command(title=title, command="aigentflow.checklist", arguments=[{"agent": agent_id, "uri": document.uri}])
            yield t.CodeLens(range=top, command=command)


def _wanted(action: t.CodeAction, only: Sequence[str]) -> bool:
    kind = str(getattr(action.kind, "value", action.kind) or "")
    return not only or any(kind == wanted or kind.startswith(wanted + ".") or not wanted for wanted in only)


def _suffix_of(path: str, languages: Sequence[str]) -> bool:
    """Clients disagree on language ids (`typescriptreact`, `tsx`, a server's own name), so the suffix counts too."""
    suffixes = {
        "typescript": (".ts", ".mts", ".cts", ".tsx"),
        "typescriptreact": (".tsx",),
        "javascript": (".js", ".mjs", ".cjs", ".jsx"),
        "javascriptreact": (".jsx",),
        "python": (".py", ".pyi"),
        "markdown": (".md",),
        "yaml": (".yml", ".yaml"),
    }
    return any(path.endswith(suffixes.get(language, (f".{language}",))) for language in languages)


def _shorten(title: str) -> str:
    flat = " ".join(title.split())
    return flat if len(flat) <= _TITLE_LENGTH else flat[: _TITLE_LENGTH - 1].rstrip() + "…"


def _range_json(where: t.Range) -> dict[str, Any]:
    return {
        "start": {"line": where.start.line, "character": where.start.character},
        "end": {"line": where.end.line, "character": where.end.character},
    }
