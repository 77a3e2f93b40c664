"""`aigentflow trust [--revoke] DIR`: the agents and the project file of a workspace, exactly as they are now."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from aigentflow.command_line.opening import Workspace, open_workspace
from aigentflow.command_line.output import plain, print_lines
from aigentflow.definitions.project import PROJECT_FILE
from aigentflow.state import state_folder
from aigentflow.trust import TrustStore


def main(options: argparse.Namespace) -> int:
    """Record or revoke trust."""
    workspace = open_workspace(options.folder, os.environ)
    store = TrustStore(state_folder(os.environ))
    if options.revoke:
        known = store.revoke(workspace.root)
        print_lines([f"{workspace.root} is trusted no longer." if known else f"{workspace.root} was not trusted."])
        return 0
    files = trusted_files(workspace)
    store.record(workspace.root, files)
    if not files:
        print_lines([f"{workspace.root} has no agents or project file of its own; nothing needs trust."])
        return 0
    print_lines([f"Trusted in {workspace.root}, until one of them changes:", *(f"  {plain(name)}" for name in sorted(files))])
    return 0


def trusted_files(workspace: Workspace) -> dict[str, str]:
    """Return what trusting this workspace means: the hash of each agent file and of the project file, by name."""
    files = {
        Path(os.path.relpath(agent.path, workspace.root)).as_posix(): agent.sha256
        for agent in workspace.agents
        if agent.source == "workspace" and agent.runnable
    }
    if workspace.project_sha256 is not None:
        files[PROJECT_FILE] = workspace.project_sha256
    return files
