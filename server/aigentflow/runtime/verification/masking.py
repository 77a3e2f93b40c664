"""Why the exit status of a command line proves nothing, by its text. What cannot be understood proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aigentflow.runtime.verification.judging import Judge
from aigentflow.runtime.verification.scripts import FileScripts, OneFolder, ScriptSource
from aigentflow.runtime.verification.shell_state import ShellState
from aigentflow.runtime.verification.summaries import ran_nothing

__all__ = ["masked_in", "masked_in_files", "masks", "ran_nothing"]

NOTHING_RUN = "it runs no program that checks anything"


def masks(command: str, script: Callable[[str], str | None]) -> str:
    """Return in words why exit 0 of the command proves nothing, '' if it does; `script` gives the package's scripts by name."""
    return masked_in(command, "", OneFolder(script))


def masked_in_files(command: str, folder: str, read: Callable[[str], str | None], packages: Sequence[str] = ()) -> str:
    """Return the same for a command of a workspace folder; `packages` are folders that a command for all packages has to reach."""
    return masked_in(command, folder, FileScripts(read, tuple(packages)))


def masked_in(command: str, folder: str, source: ScriptSource, *, stated: bool = False) -> str:
    """Return the same with scripts and files from `source`; `stated`: the team itself names this command as its check."""
    verdict = Judge(source, stated=stated).line(command, ShellState(folder), 0)
    return verdict.masked or ("" if verdict.checks else NOTHING_RUN)
