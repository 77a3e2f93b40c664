"""Starts a program as a user without rights, whoever runs the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import aigentflow

UID = 54321
_OPENED = """
set -e
uid=$1; stage=$2; closed=$3; shift 3
if [ -n "$closed" ]; then
  # The interpreter lies in a folder that only its owner may enter: in a mount namespace of our own it stands in an open one.
  mount --make-rprivate /
  mount -t tmpfs -o mode=755 tmpfs "$stage"
  for path in $KEPT; do
    mkdir -p "$stage/${path#"$closed"/}"
    mount --bind "$path" "$stage/${path#"$closed"/}"
  done
  mount --rbind "$stage" "$closed"
fi
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"
"""


def command_of_ordinary_user(command: Sequence[str], stage: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command line that runs the command as an ordinary user, and what to add to its environment; `stage` is an empty folder."""
    if os.geteuid() != 0:
        return list(command), {}
    product, tests = Path(aigentflow.__file__).parents[1], Path(__file__).parents[1]
    needed = sorted({os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, product, tests)})
    closed = {_closed(path) for path in needed} - {""}
    assert len(closed) < 2, f"more than one folder is in the way: {closed}"
    way = next(iter(closed), "")
    kept = [path for path in needed if way and path.startswith(way + "/")]
    return ["unshare", "--mount", "sh", "-c", _OPENED, "sh", str(UID), str(stage), way, *command], {"KEPT": " ".join(kept)}


def _closed(path: str) -> str:
    """Return the topmost folder of the path that others may not enter; empty where there is none."""
    ancestors = [str(folder) for folder in reversed(Path(path).parents)] + [path]
    return next((folder for folder in ancestors if not os.stat(folder).st_mode & 0o001), "")


@cache
def why_no_ordinary_user() -> str:
    """Return why no program can be started as an ordinary user here, found by trying; empty where it can."""
    if os.geteuid() == 0 and (shutil.which("unshare") is None or shutil.which("setpriv") is None):
        return "there is no unshare and setpriv here"
    stage = Path("/tmp") / f"aigentflow-stage-{os.getpid()}"
    stage.mkdir(mode=0o755)
    try:
        command, more = command_of_ordinary_user([sys.executable, "-c", "import aigentflow.cli, os; print(os.getuid())"], stage)
        tried = subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True, timeout=60, check=False)
    finally:
        stage.rmdir()
    return "" if tried.returncode == 0 and tried.stdout.strip() not in ("", "0") else f"no ordinary user: {tried.stderr[-300:]}"
