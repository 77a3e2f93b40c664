"""What somebody asked an agent to do, at which place, put into words for the run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as t

from aigentflow.lsp.convert import to_offsets
from aigentflow.lsp.features.gaps import gap_summary

if TYPE_CHECKING:
    from aigentflow.definitions.values import AgentCommand, AgentDefinition
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.features.gaps import Gap, Gaps
    from aigentflow.lsp.session import Session
    from aigentflow.syntax.comments import TaskComment
    from aigentflow.syntax.symbols import Symbol

_TITLE_LENGTH = 60


@dataclass(frozen=True)
class RunOrder:
    """An order with its words; texts and lines are those of the moment it was given."""

    agent: AgentDefinition
    command: AgentCommand | None
    root: Path
    path: str | None
    """Of the document it was given on, workspace-relative."""
    task: str
    title: str
    arguments: str
    selection: dict[str, Any] | None
    """As a run request names it; lines are 1-based."""
    gaps: tuple[dict[str, Any], ...]
    todo: TaskComment | None = None
    """The task comment that the order was read from; its removal is part of the proposal."""
    given: dict[str, Any] = field(default_factory=dict)
    """The argument of the command that it was read from."""

    @property
    def wants_edits(self) -> bool:
        """Whether the run could change files if the boundary allows it."""
        reports = self.command is not None and self.command.result == "report"
        return not reports and not self.agent.read_only and bool({"Edit", "Write"} & set(self.agent.tools))


@dataclass(frozen=True)
class _Place:
    document: Document | None
    path: str | None
    text: str
    start: int
    end: int
    symbol: Symbol | None
    gap: Gap | None

    @property
    def lines(self) -> tuple[int, int]:
        """1-based first and last line."""
        assert self.document is not None
        return self.document.index.line_of(self.start) + 1, self.document.index.line_of(self.end) + 1


def read_order(
    given: dict[str, Any], agent: AgentDefinition, root: Path, document: Document | None, session: Session, gaps: Gaps
) -> RunOrder:
    """Read the argument of `aigentflow.run`; what is of the wrong type counts as not given."""
    from aigentflow.definitions.commands import fill

    command = next((command for command in agent.commands if command.id == given.get("command")), None)
    place = _place(given, document, session, gaps)
    own = _text(given, "task")
    arguments = _text(given, "arguments")
    values = {
        "symbol": place.symbol.name if place.symbol is not None else "",
        "file": place.path or "",
        "selection": selection_label(place.path or "the workspace", place.lines if place.text else None),
        "gap": place.gap.finding.message if place.gap is not None else "",
        "task": own,
    }
    variables = {"TASK_DESCRIPTION": own, "ARGUMENTS": arguments}
    task = fill(command.task, values, variables) if command is not None else own
    if not task.strip():
        task = own or _plain_task(values)
    flat = " ".join((own or (fill(command.title, values, variables) if command is not None else task)).split())
    return RunOrder(
        agent=agent,
        command=command,
        root=root,
        path=place.path,
        task=task,
        title=flat if len(flat) <= _TITLE_LENGTH else flat[: _TITLE_LENGTH - 1].rstrip() + "…",
        arguments=arguments,
        selection=_selection(place),
        gaps=tuple(_gaps(place, gaps)),
        todo=_comment(place, agent.id) if given.get("todo") is True else None,
        given=given,
    )


def same_order(given: RunOrder, now: RunOrder) -> RunOrder:
    """Return an order once more, with the agent as it is now; what pointed into a text that has changed since is left out."""
    todo = now.todo if now.todo is not None and given.todo is not None and now.todo.task == given.todo.task else None
    selection = given.selection if given.selection == now.selection else None
    return replace(given, agent=now.agent, command=now.command, todo=todo, selection=selection)


def selection_label(path: str, lines: tuple[int, int] | None) -> str:
    """Return how a place is named in titles and tasks; lines are 1-based, None for the whole file."""
    if lines is None:
        return path
    first, last = lines
    return f"line {first} of {path}" if first == last else f"lines {first} to {last} of {path}"


def _plain_task(values: dict[str, str]) -> str:
    where = values["file"] or "the workspace"
    if values["gap"]:
        return f"Close this checklist gap in {where}: {values['gap']}"
    symbol = f"{values['symbol']} in " if values["symbol"] else ""
    return f"Work on {symbol}{values['selection'] or where}."


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    return value if isinstance(value, str) else ""


def _place(given: dict[str, Any], document: Document | None, session: Session, gaps: Gaps) -> _Place:
    from aigentflow.syntax.symbols import enclosing_symbol

    relative = session.relative(document) if document is not None else None
    if document is None or relative is None:
        return _Place(None, None, "", 0, 0, None, None)
    gap = gaps.by_key(document, _text(given, "gap")) if _text(given, "gap") else None
    asked = _range(given.get("range"))
    start, end = to_offsets(document.index, asked, session.encoding) if asked is not None else (0, 0)
    if gap is not None and asked is None:
        start, end = gap.finding.start, gap.finding.end
    symbol = enclosing_symbol(document.text, relative[1], start, gaps.tree_of(document)) if asked is not None or gap is not None else None
    return _Place(document, relative[1], document.text[start:end], start, end, symbol, gap)


def _comment(place: _Place, agent_id: str) -> TaskComment | None:
    from aigentflow.syntax.comments import task_comments

    if place.document is None or place.path is None:
        return None
    comments = task_comments(place.document.text, place.path, [agent_id])
    return next((comment for comment in comments if comment.start <= place.end and comment.end >= place.start), None)


def _selection(place: _Place) -> dict[str, Any] | None:
    if place.document is None or (not place.text and place.symbol is None):
        return None
    first, last = place.lines
    text = place.text
    if not text and place.symbol is not None:
        text = place.document.text[place.symbol.start : place.symbol.end]
        first = place.document.index.line_of(place.symbol.start) + 1
        last = place.document.index.line_of(place.symbol.end) + 1
    return {"start_line": first, "end_line": last, "text": text, "symbol": place.symbol.name if place.symbol is not None else None}


def _gaps(place: _Place, gaps: Gaps) -> list[dict[str, Any]]:
    if place.document is None or place.path is None:
        return []
    found = [place.gap] if place.gap is not None else gaps.of(place.document)
    return gap_summary(place.document, place.path, found)


def _range(raw: Any) -> t.Range | None:
    try:
        start, end = raw["start"], raw["end"]
        return t.Range(
            start=t.Position(line=int(start["line"]), character=int(start["character"])),
            end=t.Position(line=int(end["line"]), character=int(end["character"])),
        )
    except (KeyError, TypeError, ValueError):
        return None
