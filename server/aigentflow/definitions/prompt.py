"""The words a run begins with. What only the agent file decides goes into the system prompt, byte for byte the same in every run;
what this workspace and this run decide goes into the first message, in a fixed order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from aigentflow.definitions import wording
from aigentflow.definitions.body import VARIABLES, leaf_blocks
from aigentflow.definitions.context import Resolved, fenced, substitute
from aigentflow.definitions.lessons import rank_lessons, split_lessons
from aigentflow.definitions.markdown import Markdown
from aigentflow.definitions.scanner import scan
from aigentflow.definitions.values import AgentDefinition, DenyEntry, Section, Span

_PLAN_SIZE, _LESSONS_SIZE, _GIT_SIZE, _SELECTION_SIZE = 12_000, 6_000, 4_000, 24_000
_MOST_GAPS, _MOST_LESSONS = 50, 5


@dataclass(frozen=True)
class PlaceText:
    """What the run was asked on; lines count from 1, the end included."""

    start_line: int
    end_line: int
    text: str
    symbol: str | None = None


@dataclass(frozen=True)
class GapLine:
    """A gap that the agent is to know of; the line counts from 1."""

    path: str
    line: int
    check: str
    message: str


@dataclass(frozen=True)
class PromptInputs:
    """What this workspace and this run put into the first message."""

    task: str
    result: Literal["edit", "report"] = "edit"
    arguments: str = ""
    file: str | None = None
    selection: PlaceText | None = None
    gaps: Sequence[GapLine] = ()
    git: str = ""
    """Branch, status and diff summary."""
    phase: str | None = None
    plan: str | None = None
    """Text of the plan."""
    lessons: str | None = None
    """Text of the lessons file; ranked against the task here."""
    allow: Sequence[str] = ()
    deny: Sequence[DenyEntry] = ()
    parallel: Sequence[str] = ()
    references: Resolved = field(default_factory=Resolved)
    notes: Sequence[str] = ()
    """What else the agent has to know, one sentence each."""


@dataclass(frozen=True)
class Prompt:
    """System blocks that stay the same between runs of one agent file, and the first message."""

    system: tuple[str, ...]
    user: str


def build_prompt(definition: AgentDefinition, inputs: PromptInputs) -> Prompt:
    """Return the prompt of one run."""
    markdown = scan(definition.text, definition.body)
    blocks = [_Block(section, span, _depends(definition, span)) for section, span in leaf_blocks(markdown)]
    return Prompt(_system(definition, markdown, blocks), _sendable(_First(definition, inputs, markdown, blocks).text()))


@dataclass(frozen=True)
class _Block:
    section: Section | None
    span: Span
    depends: bool
    """On this run: it holds a variable or a reference."""


def _depends(definition: AgentDefinition, span: Span) -> bool:
    known = (variable.span for variable in definition.variables if variable.name in VARIABLES)
    references = (reference.span for reference in definition.references)
    return any(span.start <= other.start < span.end for other in (*known, *references))


def _system(definition: AgentDefinition, markdown: Markdown, blocks: list[_Block]) -> tuple[str, ...]:
    parts = []
    for block in blocks:
        if not block.depends:
            parts.append(_shown(markdown, block.span))
        elif block.section is not None:
            heading = definition.text[block.section.heading.start : block.section.heading.end].strip()
            parts.append(f"{heading}\n\n(first message)")
    role = "\n\n".join(part for part in parts if part)
    answer = wording.ANSWER_JSON if definition.output_format == "json" else wording.ANSWER_TEXT
    return tuple(_sendable(block) for block in (wording.HOW, role, answer) if block)


def _shown(markdown: Markdown, span: Span, values: Sequence[tuple[Span, str]] = ()) -> str:
    """Return the text of the span without thematic breaks and comments, `values` put in where they belong."""
    hidden = ((_hidden(markdown.text, place), "") for place in (*markdown.rules, *markdown.comments))
    parts, at = [], span.start
    for place, value in sorted((*hidden, *values), key=lambda change: change[0].start):
        if at <= place.start < span.end:
            parts += [markdown.text[at : place.start], value]
            at = min(place.end, span.end)
    return "".join((*parts, markdown.text[at : span.end])).replace("\r\n", "\n").strip()


def _hidden(text: str, place: Span) -> Span:
    """Return the place with the blanks before it, and with the line ends behind it where it fills its lines."""
    start, end = place.start, place.end
    while start > 0 and text[start - 1] in " \t":
        start -= 1
    if start == 0 or text[start - 1] in "\r\n":
        while end < len(text) and text[end] in "\r\n":
            end += 1
    return Span(start, end)


class _First:
    """Puts the first message together: material first, then the agent's own sections, the task last."""

    def __init__(self, definition: AgentDefinition, inputs: PromptInputs, markdown: Markdown, blocks: list[_Block]) -> None:
        self._definition = definition
        self._inputs = inputs
        self._markdown = markdown
        self._blocks = [block for block in blocks if block.depends]
        self._used = {variable.name for variable in definition.variables} | set(re.findall(r"\$([A-Z_]+)", inputs.task))
        self._left_out = list(inputs.references.left_out)
        self._lessons = self._chosen_lessons()

    def text(self) -> str:
        material = [part for part in self._material() if part]
        sections = [self._section(block) for block in self._blocks]
        closing = [part for part in self._closing() if part]
        notes = self._notes()
        return "\n\n".join((*material, *([notes] if notes else []), *sections, *closing))

    def _material(self) -> Iterator[str]:
        inputs = self._inputs
        if inputs.git.strip():
            yield self._data("State of the repository", inputs.git, _GIT_SIZE)
        if inputs.plan and "IMPLEMENTATION_PLAN" in self._used:
            yield self._data("Implementation plan", inputs.plan, _PLAN_SIZE)
        yield self._lessons
        if inputs.references.text:
            yield "# Referenced files\n\n" + inputs.references.text
        if inputs.file:
            yield self._place(inputs.file)
        if inputs.gaps:
            lines = [f"{gap.path}:{gap.line}: [{gap.check}] {' '.join(gap.message.split())}" for gap in inputs.gaps[:_MOST_GAPS]]
            if len(inputs.gaps) > _MOST_GAPS:
                self._left_out.append(f"{len(inputs.gaps) - _MOST_GAPS} further gaps")
            yield "# Checklist gaps found here\n\n" + fenced("\n".join(lines))

    def _chosen_lessons(self) -> str:
        text = self._inputs.lessons
        if not text or "RELEVANT_LESSONS" not in self._used:
            return ""
        chosen = rank_lessons(text, self._inputs.task, _MOST_LESSONS)
        more = len(split_lessons(text)) - len(chosen)
        if more > 0:
            self._left_out.append(f"lessons: {more} that have less to do with the task")
        return self._data("Relevant lessons", "\n\n".join(chosen), _LESSONS_SIZE) if chosen else ""

    def _place(self, file: str) -> str:
        selection = self._inputs.selection
        if selection is None:
            return f"# Where it was asked\n\nOn the file `{_inline(file)}`."
        what = f"`{_inline(selection.symbol)}`, " if selection.symbol else ""
        title = f"# Where it was asked\n\n{what}lines {selection.start_line} to {selection.end_line} of `{_inline(file)}`:\n\n"
        return title + fenced(self._kept("the selection", selection.text, _SELECTION_SIZE))

    def _section(self, block: _Block) -> str:
        """Return one section of the agent file with its variables filled."""
        text = self._markdown.text
        inside = [
            variable
            for variable in self._definition.variables
            if block.span.start <= variable.span.start < block.span.end and variable.name in VARIABLES
        ]
        values = [(variable.span, self._value(variable.name, alone=_is_alone(text, variable.span))) for variable in inside]
        return _shown(self._markdown, block.span, values)

    def _value(self, name: str, *, alone: bool) -> str:
        """Return what the variable stands for; on a line of its own a list may take several lines."""
        inputs = self._inputs
        if name == "TASK_DESCRIPTION":
            return self._task()
        if name == "FILE_BOUNDARIES":
            return self._boundary(alone=alone)
        values = {
            "ARGUMENTS": inputs.arguments,
            "CURRENT_PHASE": " ".join((inputs.phase or "not stated").split())[:200],
            "IMPLEMENTATION_PLAN": '(see "Implementation plan" above)' if inputs.plan else "none",
            "RELEVANT_LESSONS": '(see "Relevant lessons" above)' if self._lessons else "none",
            "PARALLEL_AGENTS": _listed([" ".join(line.split()) for line in inputs.parallel], alone=alone) or "none",
        }
        return values[name]

    def _boundary(self, *, alone: bool) -> str:
        if not self._inputs.allow or self._inputs.result == "report":
            return "none: this run may change nothing"
        allowed = _listed([f"`{_inline(glob)}`" for glob in self._inputs.allow], alone=alone)
        known = {entry.pattern for entry in self._definition.deny}
        more = [entry for entry in self._inputs.deny if entry.pattern not in known]
        if not more:
            return allowed
        forbidden = [f"`{_inline(entry.pattern)}`" + (f" ({_inline(entry.owner)})" if entry.owner else "") for entry in more]
        return f"{allowed}{chr(10) * 2 if alone else '; '}but not:{chr(10) if alone else ' '}{_listed(forbidden, alone=alone)}"

    def _task(self) -> str:
        names = set(VARIABLES) - {"TASK_DESCRIPTION"}
        return substitute(self._inputs.task.strip(), {name: self._value(name, alone=False) for name in names & self._used})

    def _closing(self) -> Iterator[str]:
        in_sections = {variable.name for variable in self._definition.variables}
        if "FILE_BOUNDARIES" not in in_sections:
            yield f"# Boundary\n\nYou may change:\n{self._boundary(alone=True)}"
        if self._inputs.parallel and "PARALLEL_AGENTS" not in in_sections:
            yield f"# Other runs going on now\n\n{self._value('PARALLEL_AGENTS', alone=True)}"
        if "TASK_DESCRIPTION" not in in_sections:
            yield f"# Task\n\n{self._task()}"
        if self._inputs.result == "report":
            yield wording.REPORT
        elif self._definition.output_format == "json":
            yield "End with the JSON object of your instructions and nothing around it."

    def _notes(self) -> str:
        lines = [*self._inputs.notes]
        lines += [f"Left out for size: {what}." for what in dict.fromkeys(self._left_out)]
        lines += [f"Not found: {what}." for what in self._inputs.references.unresolved]
        return "# Notes\n\n" + "\n".join(f"- {' '.join(line.split())}" for line in lines) if lines else ""

    def _data(self, title: str, text: str, size: int) -> str:
        return f"# {title}\n\n" + fenced(self._kept(title.lower(), text, size))

    def _kept(self, what: str, text: str, size: int) -> str:
        if len(text) <= size:
            return text
        self._left_out.append(f"{what}: {len(text) - size} of {len(text)} characters")
        return text[:size]


def _listed(items: Sequence[str], *, alone: bool) -> str:
    return "\n".join(f"- {item}" for item in items) if alone else ", ".join(items)


def _is_alone(text: str, span: Span) -> bool:
    before = text[max(text.rfind("\n", 0, span.start), text.rfind("\r", 0, span.start)) + 1 : span.start]
    ends = [at for at in (text.find("\n", span.end), text.find("\r", span.end)) if at >= 0]
    return not (before + text[span.end : min(ends, default=len(text))]).strip()


def _inline(text: str) -> str:
    """Return the text fit for one line between backticks."""
    return " ".join(text.replace("`", "'").split())


def _sendable(text: str) -> str:
    """Return the text without halves of surrogate pairs, which no request can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")
