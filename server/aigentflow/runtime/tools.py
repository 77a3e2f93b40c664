"""The tools of a run: Read, Write, Edit, Grep, Glob and Bash over overlay, boundary and box. A failure is an answer to the model."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from aigentflow.errors import AigentflowError, PathError, PathRefused, ToolError
from aigentflow.redaction import Redactor
from aigentflow.runtime.commanding import Commands
from aigentflow.runtime.events import Refused
from aigentflow.runtime.searching import Findings, Query, Searcher
from aigentflow.runtime.tool_schemas import NAMES, WRITING, misuse, schemas
from aigentflow.runtime.turns import Json, ToolCall
from aigentflow.workspace.boundary import Boundary
from aigentflow.workspace.globs import Glob, GlobError
from aigentflow.workspace.lines import split_lines
from aigentflow.workspace.overlay import Overlay

_LINES = 2000
_LONGEST_LINE = 2000
_LONGEST_ANSWER = 100_000
"""Characters of one answer; what is left out is always said."""
_GLOB_LIMIT = 300
_SEARCH_LIMIT = 2000


@dataclass(frozen=True)
class ToolResult:
    """The answer to one call."""

    text: str
    is_error: bool = False
    refused: Refused | None = None
    """Set where the boundary, or the agent's own tool list, said no."""
    also_refused: tuple[Refused, ...] = ()
    """Further ones, where one call asked for several files."""
    invalid: bool = False
    """The call itself was malformed."""


class Toolbox:
    """The tools that one agent has in one run."""

    def __init__(
        self, overlay: Overlay, boundary: Boundary, offered: Collection[str], searcher: Searcher, commands: Commands | None = None
    ) -> None:
        self.offered = tuple(name for name in NAMES if name in offered)
        self._overlay = overlay
        self._boundary = boundary
        self._searcher = searcher
        self._commands = commands
        self._seen: set[str] = set()

    @property
    def schemas(self) -> tuple[Json, ...]:
        """What the model is told."""
        return schemas(self.offered)

    async def call(self, call: ToolCall) -> ToolResult:
        """Answer one call; only a cancel leaves this function."""
        if call.name and call.name not in self.offered:
            return self._unknown(call.name)
        fault = call.fault or ("it has no arguments" if call.input is None else misuse(call.name, call.input))
        if fault or call.input is None:
            return ToolResult(f"The call was not run: {fault}.", is_error=True, invalid=True)
        try:
            return await self._answer(call.name, call.input)
        except PathRefused as error:
            refused = Refused(call.name, error.path, str(error), error.rule, error.pattern, error.owner)
            return ToolResult(_refusal_text(error), is_error=True, refused=refused)
        except (AigentflowError, GlobError) as error:
            return ToolResult(str(error), is_error=True)
        except Exception as error:  # noqa: BLE001 - a bug in a tool must not end the run (faults.md A6); the model is told.
            return ToolResult(f"{call.name} failed: {type(error).__name__}: {error}", is_error=True)

    def note_seen(self, path: str) -> None:
        """Take a file as read whose whole text the first message holds."""
        self._seen.add(path)

    async def _answer(self, name: str, arguments: Json) -> ToolResult:
        return await self._bash(arguments) if name == "Bash" else ToolResult(_bounded(await self._run(name, arguments)))

    async def _run(self, name: str, arguments: Json) -> str:
        match name:
            case "Read":
                return self._read(arguments)
            case "Write":
                return self._write(arguments)
            case "Edit":
                return self._edit(arguments)
            case "Grep":
                return await self._grep(arguments)
            case _:
                return await asyncio.to_thread(self._glob, arguments)

    async def _bash(self, arguments: Json) -> ToolResult:
        if self._commands is None:
            return ToolResult("Commands are off in this run.", is_error=True)
        answer = await self._commands.bash(arguments)
        first, *others = answer.refused or (None,)
        return ToolResult(_bounded(answer.text), answer.is_error, first, also_refused=tuple(filter(None, others)))

    def _edited(self) -> None:
        if self._commands is not None:
            self._commands.edits += 1

    def _unknown(self, name: str) -> ToolResult:
        offered = ", ".join(self.offered) or "none"
        if name in WRITING and "Read" in self.offered:
            reason = f"{name} is not offered: this run only reads; describe the change in your answer"
        else:
            reason = f"there is no tool {name!r} in this run; the tools are: {offered}"
        return ToolResult(f"Refused: {reason}.", is_error=True, refused=Refused(name, "", reason, "tool"))

    def _read(self, arguments: Json) -> str:
        path = self._readable(arguments["file_path"])
        text = self._overlay.read(path)
        self._seen.add(path)
        if ".git" in path.split("/"):
            # Addresses of remotes may hold a password; nothing there is ever edited, so nothing has to match.
            text = Redactor({}).text(text)
        lines = split_lines(text)
        if not lines:
            return f"{path} is empty."
        first = max(1, arguments.get("offset", 1))
        if first > len(lines):
            raise ToolError(f"{path} has {len(lines):,} lines; there is no line {first:,}")
        return _numbered(path, lines, first, arguments.get("limit", _LINES) or _LINES)

    def _write(self, arguments: Json) -> str:
        asked, content = arguments["file_path"], arguments["content"]
        path = self._boundary.relative(asked)
        existed = self._overlay.exists(path)
        if existed and path not in self._seen and self._boundary.may_change(asked).allowed:
            raise ToolError(f"{path} exists and was not read in this run: read it first, so that nothing in it is lost, or use Edit")
        self._overlay.write(asked, content)
        self._edited()
        self._seen.add(path)
        done = "Replaced the text of" if existed else "Created"
        return f"{done} {path} ({len(split_lines(content)):,} lines). It is part of the proposal; nothing is on disk yet."

    def _edit(self, arguments: Json) -> str:
        asked = arguments["file_path"]
        count = self._overlay.edit(asked, arguments["old_string"], arguments["new_string"], replace_all=arguments.get("replace_all", False))
        self._edited()
        return f"Changed {count} place{'s' if count != 1 else ''} in {self._boundary.relative(asked)}."

    def _glob(self, arguments: Json) -> str:
        base = self._folder(arguments.get("path"))
        pattern = Glob(_inside(arguments["pattern"]), anywhere=False)
        found: list[str] = []
        for path in self._searchable(base):
            if pattern.matches(path.removeprefix(base + "/") if base else path):
                if len(found) == _GLOB_LIMIT:
                    return "\n".join([*found, f"[only the first {_GLOB_LIMIT} files are shown; use a narrower pattern or path]"])
                found.append(path)
        return "\n".join(found) or f"No file matches {arguments['pattern']!r} in {base or 'the workspace'}."

    async def _grep(self, arguments: Json) -> str:
        around: int = arguments.get("-C", 0)
        query = Query(
            pattern=arguments["pattern"],
            mode=arguments.get("output_mode", "files_with_matches"),
            ignore_case=arguments.get("-i", False),
            multiline=arguments.get("multiline", False),
            before=min(arguments.get("-B", around), 100),
            after=min(arguments.get("-A", around), 100),
            limit=min(arguments.get("head_limit", 200) or _SEARCH_LIMIT, _SEARCH_LIMIT),
        )
        files = await asyncio.to_thread(lambda: list(self._chosen(arguments.get("path"), arguments.get("glob"))))
        findings = await self._searcher.search(query, self._texts(files))
        for found in findings.files:
            if query.mode == "content":
                # What was shown must stay what it was: an edit is computed from it.
                self._overlay.read(found.path)
        return _search_text(findings, query, arguments.get("-n", True), len(files))

    def _chosen(self, path: str | None, glob: str | None) -> Iterator[str]:
        """Yield the files to search."""
        matches = Glob(glob, anywhere=True).matches if glob else None
        if path and self._overlay.exists(self._boundary.relative(path)):
            yield self._readable(path)
            return
        base = self._folder(path)
        for file in self._searchable(base):
            if matches is None or matches(file.removeprefix(base + "/") if base else file):
                yield file

    def _texts(self, paths: list[str]) -> Iterator[tuple[str, str]]:
        # The listing left out what may not be read and followed no link, so the boundary need not be asked for each file again.
        changed, snapshot = set(self._overlay.changed), self._overlay.snapshot
        for path in paths:
            try:
                yield path, self._overlay.peek(path) if path in changed else snapshot.peek(path).text
            except PathError:
                # Binary, too large, or gone since it was listed.
                continue

    def _searchable(self, base: str) -> Iterator[str]:
        return self._overlay.paths(base)

    def _readable(self, asked: str) -> str:
        decision = self._boundary.may_read(asked)
        if not decision.allowed:
            raise PathRefused(decision.reason, asked, rule=decision.rule, pattern=decision.pattern, owner=decision.owner)
        return decision.path

    def _folder(self, asked: str | None) -> str:
        if not asked or asked in (".", "./"):
            return ""
        path = self._readable(asked.rstrip("/") or asked)
        if path and self._overlay.exists(path):
            raise ToolError(f"{path} is a file, not a folder")
        return path


def _inside(pattern: str) -> str:
    parts = pattern.replace("\\", "/").split("/")
    if pattern.startswith("/") or ".." in parts:
        raise PathRefused(f"{pattern}: the pattern leads outside; give a pattern relative to the workspace root", pattern, rule="form")
    return pattern.removeprefix("./")


def _numbered(path: str, lines: list[str], first: int, limit: int) -> str:
    shown: list[str] = []
    size, cut, last = 0, False, first - 1
    for number in range(first, min(len(lines), first + limit - 1) + 1):
        line = lines[number - 1].rstrip("\r\n")
        if len(line) > _LONGEST_LINE:
            line, cut = f"{line[:_LONGEST_LINE]}… [line of {len(line):,} characters]", True
        size += len(line) + 8
        if size > _LONGEST_ANSWER and shown:
            break
        shown.append(f"{number:>6}\t{line}")
        last = number
    if last < len(lines):
        shown.append(f"[lines {first:,} to {last:,} of {len(lines):,}; go on with offset {last + 1}]")
    if cut:
        shown.append(f"[long lines were cut after {_LONGEST_LINE:,} characters; Grep with mode content shows the part around a match]")
    return "\n".join(shown)


def _search_text(findings: Findings, query: Query, numbers: bool, n_searched: int) -> str:
    late = "[the search ran out of time before all files were searched; narrow it by path or glob]"
    if not findings.files:
        return f"No match so far.\n{late}" if findings.late else f"No match in {n_searched:,} files."
    out: list[str] = []
    for found in findings.files:
        if query.mode == "files_with_matches":
            out.append(found.path)
        elif query.mode == "count":
            out.append(f"{found.path}:{found.count}")
        else:
            before = 0
            for number, text, hit in found.lines:
                if (query.before or query.after) and out and (before == 0 or number > before + 1):
                    out.append("--")
                before = number
                mark = ":" if hit else "-"
                out.append(f"{found.path}{mark}{number}{mark}{text}" if numbers else f"{found.path}{mark}{text}")
    if findings.cut:
        out.append(f"[only the first {query.limit} are shown; raise head_limit, or narrow the search by path or glob]")
    if findings.late:
        out.append(late)
    return "\n".join(out)


def _bounded(text: str) -> str:
    # Half a surrogate pair, as a buffer or the name of a file can hold it, cannot be sent.
    text = text if text.isascii() else text.encode("utf-8", "replace").decode()
    if len(text) <= _LONGEST_ANSWER + 1000:
        return text
    return f"{text[:_LONGEST_ANSWER]}\n[{len(text) - _LONGEST_ANSWER:,} more characters were left out; ask for a smaller part]"


def _refusal_text(error: PathRefused) -> str:
    text = f"Refused: {error}."
    if error.owner:
        text += f" The rule is {error.pattern!r}, and the owner is {error.owner}."
    elif error.pattern and error.pattern not in text:
        text += f" The rule is {error.pattern!r}."
    if error.rule in ("deny", "allow", "protected"):
        text += " Do not try other ways to that file: say under `notes` what has to change there, and go on with the rest."
    return text
