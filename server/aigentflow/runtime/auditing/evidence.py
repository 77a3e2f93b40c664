"""The record as questions ask for it: what lines a file gained and lost, which commands checked what."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from aigentflow.runtime.auditing.counting import is_test_path
from aigentflow.runtime.auditing.programs import changes_first, folder_of, kinds_of
from aigentflow.runtime.auditing.record import Record
from aigentflow.runtime.auditing.wording import clean
from aigentflow.runtime.result import CommandPart
from aigentflow.workspace.alignment import differences
from aigentflow.workspace.lines import split_lines
from aigentflow.workspace.proposal import FileChange

_LARGEST = 2_000_000
"""Code points of a file that is compared line by line."""

_MOST_PROSE = 100_000


class Lines:
    """One file's change, line by line; line numbers are 0-based."""

    def __init__(self, change: FileChange) -> None:
        self.change = change
        self.path = change.path
        self.before = "" if change.base is None else change.base.text[:_LARGEST]
        self.after = (change.after or "")[:_LARGEST]
        self.old = split_lines(self.before)
        self.new = split_lines(self.after)

    @cached_property
    def places(self) -> list[tuple[int, int, int, int]]:
        """Where the lines differ, as `(old_start, old_end, new_start, new_end)`."""
        return differences(self.old, self.new)

    @cached_property
    def added(self) -> list[tuple[int, str]]:
        """The lines that were not there before."""
        return [(line, self.new[line]) for _, _, start, end in self.places for line in range(start, end)]

    @cached_property
    def removed(self) -> list[tuple[int, str]]:
        """The lines that are no longer there."""
        return [(line, self.old[line]) for start, end, _, _ in self.places for line in range(start, end)]


@dataclass(frozen=True)
class Run:
    """A command that the agent ran, and why it proves nothing ('' if it does)."""

    command: CommandPart
    flaw: str

    @property
    def words(self) -> str:
        """The command as it may be shown."""
        return f"`{clean(self.command.command, 100)}`"


class Evidence:
    """What a record says, computed when it is first asked for."""

    def __init__(self, record: Record, masked: Callable[[str], str]) -> None:
        self.record = record
        self._masked = masked
        self.prose_left = _MOST_PROSE
        """Characters of running text that are still read."""
        self.files = {change.path: Lines(change) for change in record.proposal.changes}

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Kind of the change by path; a renamed file stands under its new and its old path."""
        found = {change.from_path: "rename" for change in self.record.proposal.changes if change.from_path}
        return {**found, **{change.path: change.kind for change in self.record.proposal.changes}}

    @cached_property
    def added(self) -> str:
        """All lines that were added, in one text."""
        return "".join(text for lines in self.files.values() for _, text in lines.added)

    @cached_property
    def changed(self) -> str:
        """All lines that were added or taken away, in one text."""
        return self.added + "\n" + "".join(text for lines in self.files.values() for _, text in lines.removed)

    @cached_property
    def after(self) -> str:
        """The texts of all changed files, one after the other."""
        return "\n".join(lines.after for lines in self.files.values())

    def runs(self, kind: str) -> list[Run]:
        """Return the commands that run such checks, in order."""
        return [run for run, kinds in self._runs if kind in kinds]

    @cached_property
    def _runs(self) -> list[tuple[Run, frozenset[str]]]:
        return [(Run(command, self._flaw(command)), kinds_of(command.command, self._script)) for command in self.record.commands]

    def _flaw(self, command: CommandPart) -> str:
        shown = f"`{clean(command.command, 100)}`"
        if command.ended or command.exit is None:
            return f"{shown} {clean(command.ended, 80) or 'did not come to its end'}"
        if command.edits_before < self.record.n_edits:
            n = self.record.n_edits - command.edits_before
            return f"{shown} ran before the last edit ({n} {'edit' if n == 1 else 'edits'} came after it)"
        if why := self._masked(command.command) or changes_first(command.command) or self._elsewhere(command.command):
            return f"{shown} proves nothing: {clean(why, 100)}"
        return ""

    def _elsewhere(self, command: str) -> str:
        """Return where a command ran, if nothing changed there."""
        folder = folder_of(command)
        inside = folder is None or any(path.startswith(folder + "/") for path in self.kinds)
        return "" if inside else f"it looks at {folder}, where nothing changed"

    def _script(self, name: str) -> str | None:
        return self._scripts.get(name)

    @cached_property
    def _scripts(self) -> dict[str, str]:
        try:
            scripts = json.loads(self.record.read("package.json") or "{}").get("scripts", {})
        except (ValueError, AttributeError, RecursionError):
            return {}
        return {name: text for name, text in scripts.items() if isinstance(text, str)} if isinstance(scripts, dict) else {}

    def run_of(self, command: str) -> Run | None:
        """Return the last run of exactly this command line."""
        wanted = " ".join(command.split())
        return next((run for run, _ in reversed(self._runs) if " ".join(run.command.command.split()) == wanted), None)

    def test_files(self) -> list[Lines]:
        """Return the changed files that hold tests by their name, deleted ones too."""
        return [lines for path, lines in self.files.items() if is_test_path(path)]

    def resolved(self, path: str) -> str:
        """Return the path as the proposal has it: of an absolute path or a bare name the one that fits."""
        if path in self.kinds:
            return path
        if path.startswith("/"):
            return next((known for known in self.kinds if path.endswith("/" + known)), path)
        fitting = [known for known in self.kinds if known.endswith("/" + path)] if "/" not in path and not self.record.exists(path) else []
        return fitting[0] if len(fitting) == 1 else path
