"""`aigentflow run`: one agent on one task; prints the proposal, and writes it only with `--apply`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aigentflow.command_line.opening import open_workspace
from aigentflow.command_line.output import print_json, print_lines, print_text, remark
from aigentflow.command_line.run_request import prepare
from aigentflow.errors import AigentflowError, ConfigurationError
from aigentflow.runtime.journal import Journal
from aigentflow.settings import service_environment
from aigentflow.state import state_folder

if TYPE_CHECKING:
    from aigentflow.runtime.request import RunRequest
    from aigentflow.runtime.result import RunResult
    from aigentflow.workspace.boundary import Boundary


def main(options: argparse.Namespace) -> int:
    """Run, print, apply; 0 where the run finished and no verification failed."""
    workspace = open_workspace(options.workspace, os.environ)
    for problem in workspace.problems:
        remark(f"aigentflow: {problem}")
    request, boundary = prepare(workspace, options)
    # The SDK takes the address from the environment.
    os.environ.update(service_environment(os.environ, workspace.user))
    result = asyncio.run(_run(request, options.agent))
    if result.code == "no-key":
        raise ConfigurationError(result.reason)
    applied = _apply(result, boundary, os.environ) if options.apply else None
    _print(result, options.format, applied)
    Journal(state_folder(os.environ)).prune()
    failed = any(measured.status == "fail" for measured in result.verification.values())
    return 0 if result.outcome == "finished" and not failed and (applied is None or applied["problem"] is None) else 1


async def _run(request: RunRequest, agent: str) -> RunResult:
    from aigentflow.command_line.approval import approve_at_terminal
    from aigentflow.command_line.run_output import show_progress
    from aigentflow.runtime.run import Kit, execute
    from aigentflow.runtime.steering import Steering

    kit = Kit(steering=Steering(lambda command: approve_at_terminal(agent, command)))
    task = asyncio.ensure_future(execute(request, show_progress, kit=kit))
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):
        # Windows has no signal handlers in its loop; there asyncio.run itself cancels us on Ctrl-C.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
    return await task


def _apply(result: RunResult, boundary: Boundary, env: Mapping[str, str]) -> dict[str, Any]:
    """Write the proposal of a finished run and return what was written; a before-image of each file comes first."""
    from aigentflow.workspace.apply import apply_to_disk

    if result.outcome != "finished":
        return {"paths": [], "problem": "nothing was written, because the run did not finish"}
    if not result.proposal:
        return {"paths": [], "problem": None}
    try:
        record = Journal(state_folder(env)).reopen(result.run)
    except (AigentflowError, OSError) as error:
        return {"paths": [], "problem": f"nothing was written, because no before-image can be kept: {error}"}
    with record:
        record.delivered({"state": "applying", "paths": [change.path for change in result.proposal.changes]})
        try:
            paths = apply_to_disk(result.proposal, boundary, record.before_image)
        except (AigentflowError, OSError) as error:
            record.delivered({"state": "failed", "reason": str(error)})
            return {"paths": [], "problem": str(error)}
        record.delivered({"state": "applied", "paths": list(paths)})
    return {"paths": list(paths), "problem": None}


def _print(result: RunResult, form: str, applied: dict[str, Any] | None) -> None:
    from aigentflow.command_line.run_output import patch, text_lines

    if form == "json":
        contract = result.to_contract()
        print_json(contract if applied is None else {**contract, "applied": applied})
        return
    if form == "patch":
        print_text(patch(result))
        remark(f"aigentflow: {result.outcome}{': ' + result.reason if result.reason else ''}")
    else:
        print_text(patch(result))
        print_lines(text_lines(result))
    if applied is not None:
        remark(f"aigentflow: {applied['problem'] or 'wrote ' + (', '.join(applied['paths']) or 'nothing')}")
    elif result.proposal and form == "text":
        remark("aigentflow: nothing was written; --apply writes the proposal")
