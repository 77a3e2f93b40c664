"""What a run begins with: the agent file read, the workspace frozen, the first message put together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from aigentflow.box.git import GitState
from aigentflow.definitions.agentfile import parse_agent
from aigentflow.definitions.context import Resolved, expand_references, fenced
from aigentflow.definitions.prompt import GapLine, PlaceText, Prompt, PromptInputs, build_prompt
from aigentflow.definitions.values import AgentDefinition, DenyEntry
from aigentflow.errors import PathError
from aigentflow.runtime.request import BufferPart, RunRequest
from aigentflow.runtime.tool_schemas import NAMES, WRITING
from aigentflow.workspace.boundary import Boundary, DenyRule, Rules
from aigentflow.workspace.lines import split_lines
from aigentflow.workspace.overlay import Overlay
from aigentflow.workspace.snapshot import Buffer, Snapshot

_FILE_SIZE = 24_000
"""Characters of the file that the run was asked on."""
_LINES_BEFORE = 150


@dataclass(frozen=True)
class Context:
    """The parts of one run that are there before the first turn."""

    request: RunRequest
    definition: AgentDefinition
    boundary: Boundary
    overlay: Overlay
    offered: tuple[str, ...]
    """Tools of the run, in their fixed order."""
    notes: tuple[str, ...]
    """What the person should know before it starts."""

    @property
    def read_only(self) -> bool:
        """Whether the run can change nothing."""
        return not WRITING & set(self.offered)


def open_context(request: RunRequest) -> Context:
    """Return the context of a request; the disk is read only for buffers whose text was left out."""
    definition = parse_agent(request.agent_text, Path(request.agent_path), request.agent_source)
    root = Path(request.root)
    rules = Rules(
        allow=tuple(request.rules.allow),
        deny=tuple(DenyRule(part.pattern, part.owner) for part in request.rules.deny),
        source=request.rules.source,
    )
    boundary = Boundary(root, rules, request.owners)
    snapshot = Snapshot(root, _buffers(root, request.buffers))
    offered, notes = _tools(definition, boundary, request.result)
    return Context(request, definition, boundary, Overlay(snapshot, boundary), offered, notes)


def referenced(context: Context) -> Resolved:
    """Return what the agent's references stand for, and the file the run was asked on; walks and reads the tree."""
    overlay = context.overlay
    return _with_file(expand_references(context.definition, overlay.read, lambda under: _paths(overlay, under)), context)


def first_prompt(context: Context, git: GitState | None, references: Resolved) -> Prompt:
    """Return system prompt and first message."""
    request, overlay = context.request, context.overlay
    selection = request.selection
    inputs = PromptInputs(
        task=request.task,
        result=request.result,
        arguments=request.arguments,
        file=request.file,
        selection=None if selection is None else PlaceText(selection.start_line, selection.end_line, selection.text, selection.symbol),
        gaps=[GapLine(gap.path, gap.line, gap.check, gap.message) for gap in request.gaps],
        git=git_words(git),
        phase=request.project.phase,
        plan=_text_of(overlay, request.project.plan),
        lessons=_text_of(overlay, request.project.lessons),
        allow=() if context.read_only else request.rules.allow,
        deny=[DenyEntry(part.pattern, part.owner) for part in request.rules.deny],
        parallel=request.parallel,
        references=references,
        notes=context.notes,
    )
    return build_prompt(context.definition, inputs)


def git_words(git: GitState | None) -> str:
    """Return the state of the repository in a few lines; empty where there is none."""
    if git is None:
        return ""
    at = git.branch or "no branch (detached head)"
    lines = [f"Branch: {at}{f' at {git.head}' if git.head else ', no commit yet'}", f"Changed files: {git.n_changed}"]
    lines += [f"  {line}" for line in git.changed]
    if git.n_changed > len(git.changed):
        lines.append(f"  and {git.n_changed - len(git.changed)} more")
    if git.diff:
        lines += ["Lines against the last commit:", *(f"  {line}" for line in git.diff.splitlines())]
    return "\n".join(lines)


def _buffers(root: Path, parts: tuple[BufferPart, ...]) -> Iterator[Buffer]:
    disk = Snapshot(root)
    for part in parts:
        if part.text is not None:
            yield Buffer(part.path, part.text, part.version)
            continue
        try:
            yield Buffer(part.path, disk.peek(part.path).text, part.version)
        except PathError:
            # The file went away since the request was made; there is nothing to see of it.
            continue


def _tools(definition: AgentDefinition, boundary: Boundary, result: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tools that are offered, and why some are not."""
    asked = {name.lower(): name for name in definition.tools}
    offered = {name for name in NAMES if name.lower() in asked}
    notes: list[str] = []
    others = [name for lower, name in asked.items() if lower not in {known.lower() for known in NAMES}]
    if others:
        notes.append(f"Tools of the agent file that are not known here: {', '.join(others)}.")
    if offered & WRITING:
        reason = ""
        if definition.read_only:
            reason = "the agent is read-only"
        elif result == "report":
            reason = "this command asks for a report"
        elif boundary.read_only:
            reason = boundary.problems[0] if boundary.problems else "nothing says what it may change"
        if reason:
            offered -= WRITING
            notes.append(f"This run only reads: {reason}.")
    return tuple(name for name in NAMES if name in offered), tuple(notes)


def without_commands(context: Context, reason: str) -> Context:
    """Return the context of a run that can run no commands, and says why."""
    if "Bash" not in context.offered:
        return context
    offered = tuple(name for name in context.offered if name != "Bash")
    return replace(context, offered=offered, notes=(*context.notes, f"Bash is not offered: {reason}."))


def whole_file_shown(context: Context) -> bool:
    """Return whether the first message holds the whole text of the file that the run was asked on."""
    text = _text_of(context.overlay, context.request.file)
    return text is not None and len(text) <= _FILE_SIZE


def _with_file(references: Resolved, context: Context) -> Resolved:
    """Add the text of the file that the run was asked on, as the person sees it; of a large one the part around the place."""
    path, selection = context.request.file, context.request.selection
    text = _text_of(context.overlay, path)
    if text is None or path is None:
        return references
    shown, first = text, 1
    if len(text) > _FILE_SIZE:
        lines = split_lines(text)
        first = max(1, (selection.start_line if selection is not None else 1) - _LINES_BEFORE)
        shown = "".join(lines[first - 1 : first - 1 + 2 * _LINES_BEFORE])[:_FILE_SIZE]
        left_out = (*references.left_out, f"{path}: all but {shown.count(chr(10))} of {len(lines)} lines from line {first} on")
        references = replace(references, left_out=left_out)
    block = f"## {path}{f', from line {first}' if first > 1 else ''}\n\n{fenced(shown)}"
    return replace(references, text="\n\n".join(part for part in (references.text, block) if part))


def _text_of(overlay: Overlay, path: str | None) -> str | None:
    if not path:
        return None
    try:
        return overlay.read(path)
    except PathError:
        return None


def _paths(overlay: Overlay, under: str) -> Iterator[str]:
    try:
        yield from overlay.paths(under)
    except PathError:
        return


def with_note(context: Context, note: str) -> Context:
    """Return the context with one more note; an empty one adds nothing."""
    return replace(context, notes=(*context.notes, note)) if note else context
