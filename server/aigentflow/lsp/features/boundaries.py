"""The boundary before a run: what each pattern of an agent file or the project file matches now, and how many files may be changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types as t

from aigentflow.lsp.boundary_patterns import Head, Written, oddities, patterns_of_agent, patterns_of_project
from aigentflow.lsp.census import Census, Counting, Matches, Question
from aigentflow.lsp.convert import to_range
from aigentflow.lsp.page_text import code, inline

if TYPE_CHECKING:
    from aigentflow.definitions.values import AgentDefinition, Problem
    from aigentflow.lsp.documents import Document
    from aigentflow.lsp.session import Session
    from aigentflow.workspace.boundary import Rules

COUNTING = "the files are being counted; look again in a moment"


@dataclass(frozen=True)
class Bounds:
    """The boundaries that stand in one document."""

    root: Path
    heads: tuple[Head, ...]
    patterns: tuple[Written, ...]


class Boundaries:
    """Hover, lens and problems for the patterns of boundaries."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._counting = Counting(session.spawn, session.client.refresh_lenses)

    def files_changed(self, paths: Sequence[str]) -> None:
        """Files came, went or changed."""
        self._counting.files_changed({root for path in paths if (root := self._session.root_of(path)) is not None})

    def opened(self, document: Document, definition: AgentDefinition | None) -> None:
        """Begin to count for a document that was opened, so that the numbers are there when somebody looks."""
        bounds = self._bounds(document, definition)
        if bounds is None:
            return
        for head in bounds.heads:
            if not self._counting.knows(bounds.root, head.agent):
                self._ask(bounds, head.agent)

    def hover(self, document: Document, definition: AgentDefinition | None, offset: int) -> str | None:
        """Return what the pattern, or the boundary, under the offset means now."""
        bounds = self._bounds(document, definition)
        if bounds is None:
            return None
        for written in bounds.patterns:
            if written.span.start <= offset <= written.span.end:
                return self._about(bounds, written)
        for head in bounds.heads:
            if head.span.start <= offset <= head.span.end:
                return "\n\n".join(self.explanation(head.agent, bounds.root, bounds))
        return None

    def lenses(self, document: Document, definition: AgentDefinition | None) -> Iterator[t.CodeLens]:
        """Yield, above each boundary, how many files the agent may change."""
        bounds = self._bounds(document, definition)
        if bounds is None:
            return
        for head in bounds.heads:
            agent = self._session.agent(head.agent, bounds.root)
            census = self._ask(bounds, head.agent)
            if agent is None or census is None:
                continue
            arguments = [{"agent": head.agent, "uri": document.uri, "boundary": True}]
            command = t.Command(title=self._summary(agent, bounds.root, census), command="aigentflow.checklist", arguments=arguments)
            yield t.CodeLens(range=to_range(document.index, head.span.start, head.span.end, self._session.encoding), command=command)

    def problems(self, document: Document, definition: AgentDefinition | None) -> Iterator[Problem]:
        """Yield what is wrong with patterns beyond what reading the file says."""
        from aigentflow.definitions.values import Problem
        from aigentflow.workspace.rules import entry_problem

        bounds = self._bounds(document, definition)
        for written in bounds.patterns if bounds is not None else ():
            yield from oddities(written)
            if definition is not None or (reason := entry_problem(written.pattern, restricts=written.restricts)) is None:
                continue
            if written.restricts:
                message = f"The restriction {written.pattern!r} cannot be understood ({reason}); {written.agent} may change nothing"
                yield Problem(message, written.span, "error", "restriction.unclear")
            else:
                yield Problem(f"The allow entry {written.pattern!r} gives nothing: {reason}", written.span, "warning", "boundary.entry")

    def explanation(self, agent_id: str, root: Path, bounds: Bounds | None = None) -> list[str]:
        """Return the whole boundary of an agent in sentences."""
        agent = self._session.agent(agent_id, root)
        if agent is None:
            return [f"There is no agent {code(agent_id)} here, so this boundary holds for nobody."]
        bounds = bounds or Bounds(root, (), patterns_of_agent(agent)[1])
        census = self._ask(bounds, agent_id)
        if census is None:
            return [f"{agent_id}: {COUNTING}."]
        rules = self._rules(agent, root)
        allowed = ", ".join(code(pattern) for pattern in rules.allow) or "nothing"
        denied = ", ".join(code(rule.pattern) + (f" ({inline(rule.owner)})" if rule.owner else "") for rule in rules.deny)
        source = f"The boundary comes from: {inline(rules.source)}. Allowed: {allowed}.{' Never: ' + denied + '.' if denied else ''}"
        return [f"{agent_id} {self._summary(agent, root, census)}.", source]

    def _bounds(self, document: Document, definition: AgentDefinition | None) -> Bounds | None:
        from aigentflow.definitions.project import PROJECT_FILE

        place = self._session.relative(document)
        if definition is not None:
            root = place[0] if place is not None else next(iter(self._session.roots), None)
            head, patterns = patterns_of_agent(definition)
            return None if root is None else Bounds(root, () if head is None else (head,), patterns)
        if place is None or place[1] != PROJECT_FILE:
            return None
        heads, patterns = patterns_of_project(document.text)
        return Bounds(place[0], heads, patterns)

    def _ask(self, bounds: Bounds, agent_id: str) -> Census | None:
        from aigentflow.permissions import owners

        agent = self._session.agent(agent_id, bounds.root)
        if agent is None:
            return None
        others = owners(self._session.agents(bounds.root), self._session.project(bounds.root), agent_id)
        patterns = dict.fromkeys((written.pattern, written.restricts) for written in bounds.patterns if written.agent == agent_id)
        question = Question(bounds.root, agent_id, self._rules(agent, bounds.root), tuple(sorted(others.items())), tuple(patterns))
        return self._counting.ask(question)

    def _rules(self, agent: AgentDefinition, root: Path) -> Rules:
        from aigentflow.permissions import boundary_rules

        session = self._session
        project = session.project(root)
        return boundary_rules(agent, root, project, project_trusted=True, agent_trusted=True, user_config=session.user_config)

    def _summary(self, agent: AgentDefinition, root: Path, census: Census) -> str:
        if agent.read_only:
            return "changes nothing: it has neither Write nor Edit, or a restriction is unclear"
        trusted = agent.source != "workspace" or self._session.trusted(root, agent.sha256)
        files = f"{census.changeable:,} {'file' if census.changeable == 1 else 'files'}"
        most = f" of the first {census.files:,}" if census.cut else ""
        return f"may change {files}{most}{'' if trusted else ' once trusted'} · read-only elsewhere"

    def _about(self, bounds: Bounds, written: Written) -> str:
        kind = "restriction" if written.restricts else "allow"
        census = self._ask(bounds, written.agent)
        if census is None:
            known = self._session.agent(written.agent, bounds.root) is not None
            why = COUNTING if known else f"there is no agent {code(written.agent)} here"
            return f"{code(written.pattern)} ({kind}) – {why}"
        matches = census.matches.get((written.pattern, written.restricts), Matches())
        lead = f"{code(written.pattern)} ({kind}) – {_counted(matches, census)}"
        parts = [lead, "\n".join(f"- {code(path)}" for path in matches.examples)]
        parts += [inline(matches.problem)] if matches.problem else []
        parts += [inline(problem.message) for problem in oddities(written)]
        return "\n\n".join(part for part in parts if part)


def _counted(matches: Matches, census: Census) -> str:
    total = f"more than {census.files:,}" if census.cut else f"{census.files:,}"
    parts = [f"{matches.files:,} of {total} files" if matches.files else f"no file of {total} matches now"]
    if matches.protected:
        parts.append(f"{matches.protected:,} of them protected or secret, so not changed")
    if matches.denied:
        parts.append(f"{matches.denied:,} of them denied")
    parts += [f"{count:,} also match allow of {inline(owner)}" for owner, count in matches.shared]
    return "; ".join(parts)
