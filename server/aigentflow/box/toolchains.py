"""What of the machine a command in the box sees, read-only and at its own path: the system, and the person's toolchains.

Of the home folder that is the installations that PATH, the person's variables and the project name, and nothing else.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence

from .toolchain_gathering import Gathering
from .toolchain_project import add_environment, add_project
from .toolchain_rules import BIN_NAMES, find_ground, follow, is_folder, within
from .toolchain_system import add_system
from .toolchain_variables import Variables, is_shown
from .values import Toolchains

_SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")
_WINDOWS = re.compile(r"/mnt/[a-z](?:/.*)?")


def find_toolchains(root: str, env: Mapping[str, str], home: str, packages: Sequence[str] = ()) -> Toolchains:
    """Return what a command in the workspace `root` is shown; `env` is the person's environment, `packages` folders of the workspace."""
    ground = find_ground(root, env, home)
    gathering = Gathering(ground)
    add_system(gathering)
    path, left_out = _add_path(gathering, env)
    variables = Variables(gathering, env)
    variables.add()
    variables.need(add_project(gathering, env, packages))
    binds = gathering.binds()
    shown = {bind.path for bind in binds}
    kept = tuple(folder for folder in path if within(folder, ground.root) or is_shown(folder, shown))
    lost = tuple((folder, "it is not shown") for folder in path if folder not in kept)
    rest = tuple(
        dict.fromkeys(
            real for real in map(os.path.realpath, _SYSTEM_PATH) if real not in kept and is_shown(real, shown) and is_folder(real)
        )
    )
    return Toolchains(binds, gathering.links(binds), kept + rest, tuple(variables.found(shown)), (*left_out, *lost))


def _add_path(gathering: Gathering, env: Mapping[str, str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Add the folders of PATH; returns those that are there, links followed, and the others with the reason."""
    path: dict[str, None] = {}
    left_out: dict[str, str] = {}
    for entry in env.get("PATH", "").split(":"):
        if entry in left_out:
            continue
        trail = follow(entry) if entry.startswith("/") and not _WINDOWS.fullmatch(entry) else None
        refused = _path_problem(entry, trail.real if trail else "")
        if trail and not refused and trail.real not in path:
            refused = _add_path_folder(gathering, trail.real)
        if not trail or refused:
            left_out[entry or "."] = refused
            continue
        gathering.link(*trail.links)
        path[trail.real] = None
    return list(path), list(left_out.items())


def _path_problem(entry: str, real: str) -> str:
    if not entry.startswith("/"):
        return "it is not an absolute path"
    if _WINDOWS.fullmatch(entry):
        return "programs of Windows do not run in a box"
    if within(entry, "/snap"):
        return "programs of snap need a service that a box does not have"
    if not real or not is_folder(real):
        return "there is no such folder"
    try:
        found = os.stat(real)
    except OSError:
        return "it cannot be read"
    return "anyone may write to it" if found.st_mode & stat.S_IWOTH else ""


def _add_path_folder(gathering: Gathering, real: str) -> str:
    prefix = os.path.dirname(real)
    if within(real, gathering.ground.root):
        # An environment that is switched on may have any name; it is tested like those that are looked for.
        add_environment(gathering, prefix)
        return ""
    refused = gathering.programs(real, f"PATH: {_short(prefix if os.path.basename(real) in BIN_NAMES else real)}")
    if not refused and os.path.basename(real) in BIN_NAMES:
        add_environment(gathering, prefix)
    return refused


def _short(path: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in os.path.basename(path)) or path
