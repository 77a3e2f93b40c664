"""Writes the repairs that need no model, like a run does: inside a boundary, from compared bases, with before-images."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.fixes import fix_file
from aigentflow.command_line.output import remark
from aigentflow.errors import PathError, StaleBaseError
from aigentflow.runtime.journal import Journal
from aigentflow.state import state_folder
from aigentflow.workspace.apply import apply_to_disk
from aigentflow.workspace.diff import hunks
from aigentflow.workspace.proposal import Base, FileChange, Proposal
from aigentflow.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from aigentflow.command_line.opening import Workspace
    from aigentflow.definitions.values import AgentDefinition


def write_fixes(
    workspace: Workspace, agent: AgentDefinition, paths: list[str], checks: Collection[str], facts: ProjectFacts
) -> tuple[list[dict[str, Any]], list[str]]:
    """Repair the files that this agent may change; return what was written and the paths that are left."""
    from aigentflow.command_line.run_request import new_id

    boundary = workspace.boundary(agent, workspace.rules(agent, trusted=False))
    mine = [path for path in paths if boundary.may_change(path).allowed]
    left = [path for path in paths if path not in mine]
    repaired = list(_repaired(Snapshot(workspace.root), mine, checks, facts))
    if not repaired:
        return [], left
    meta = {"agent": agent.id, "task": "check --fix", "root": str(workspace.root)}
    record = Journal(state_folder(workspace.env)).open_run(new_id(), meta)
    written: list[dict[str, Any]] = []
    for change, settled in repaired:
        # File by file: that one has changed meanwhile is no reason to leave the others.
        try:
            apply_to_disk(Proposal((change,)), boundary, record.before_image)
        except (PathError, StaleBaseError, OSError) as error:
            remark(f"aigentflow: {change.path} was not repaired: {error}")
            continue
        written.append({"path": change.path, "checks": settled})
    record.close("finished", {"written": written})
    return written, left


def _repaired(snapshot: Snapshot, paths: list[str], checks: Collection[str], facts: ProjectFacts) -> Iterator[tuple[FileChange, list[str]]]:
    for path in paths:
        file = snapshot.read(path)
        after, settled = fix_file(path, file.text, checks, facts)
        if after == file.text:
            continue
        change = FileChange(
            path=path,
            kind="modify",
            base=Base(file.text, file.sha256, None),
            after=after,
            hunks=hunks(path, file.text, after),
            bom=file.bom,
            encoding=file.encoding,
        )
        yield change, [finding.check for finding in settled]
