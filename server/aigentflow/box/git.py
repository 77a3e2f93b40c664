"""The state of the repository around a workspace, asked from git in such a way that nothing in the repository can run a program.

Everything that a repository may configure to run (file-system monitor, hooks, filters, text conversion, external diff, credential
and transport helpers) is switched off, the environment is fresh, and time and output are bounded. Without git there is no answer,
which is fine.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 1.0
"""A run waits no longer than this for what it can do without."""
_MAX_BYTES = 256 * 1024
_SHOWN = 40
_RUNS_A_PROGRAM = re.compile(
    r"(?P<filter>filter\..+)\.(?:clean|smudge|process|required)|diff\..+\.(?:command|textconv)|merge\..+\.driver|core\.(?:fsmonitor|hookspath|sshcommand|askpass|"
    r"pager|editor|gitproxy|alternaterefscommand)|credential\..*|gpg\..*|uploadpack\..*|diff\.external|interactive\.difffilter|remote\..+\.(?:vcs|uploadpack)",
    re.I,
)
SAFE_OPTIONS = (
    "core.fsmonitor=false",
    "core.hooksPath=" + os.devnull,
    "core.untrackedCache=false",
    "core.pager=cat",
    "core.attributesFile=" + os.devnull,
    "core.excludesFile=" + os.devnull,
    "diff.external=",
    "diff.submodule=short",
    "submodule.recurse=false",
    "status.submoduleSummary=false",
    "protocol.allow=never",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "color.ui=false",
)


@dataclass(frozen=True)
class GitState:
    """What the first message says about the repository."""

    branch: str
    """Name of the branch; empty for a detached head."""
    head: str
    """First characters of the commit; empty before the first one."""
    changed: tuple[str, ...] = ()
    """Lines such as `M apps/api/a.ts`, at most 40."""
    n_changed: int = 0
    diff: str = ""
    """One line per changed file with added and removed lines, against the last commit."""


async def git_state(root: Path, *, seconds: float = SECONDS, program: str | None = None) -> GitState | None:
    """Return the state of the repository that holds the folder; None without git, without a repository, or when it takes too long."""
    real = Path(os.path.realpath(root))  # noqa: ASYNC240 - one call, at the start of a run.
    git = program or find_git(os.environ.get("PATH", os.defpath), real)
    top = top_folder(real)
    if git is None or top is None:
        return None
    try:
        async with asyncio.timeout(seconds):
            return await _ask(git, top, real)
    except (TimeoutError, OSError, ValueError):
        return None


def find_git(path: str, root: Path) -> str | None:
    """Return the first git of a PATH that does not lie in the workspace, where a file of that name may be anybody's."""
    folders = [folder for folder in path.split(os.pathsep) if os.path.isabs(folder)]
    outside = [folder for folder in folders if not Path(os.path.realpath(folder)).is_relative_to(root)]
    found = shutil.which("git", path=os.pathsep.join(outside)) if outside else None
    return None if found is None or Path(os.path.realpath(found)).is_relative_to(root) else found


def hardened(git: str, top: Path, options: Sequence[str], arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return the words and the environment with which git is asked; `options` undo what the repository would run."""
    settings = [part for option in options for part in ("-c", option)]
    return [git, "--no-pager", *settings, *arguments], dict(_environment(top))


async def _ask(git: str, top: Path, root: Path) -> GitState | None:
    options = _overrides(await _run(git, top, (), ["config", "--list", "--name-only", "-z", "--includes"]) or b"")
    under = str(root.relative_to(top))
    plain = ["--ignore-submodules=all", "--no-renames", "-z"]
    status, numbers = await asyncio.gather(
        _run(git, top, options, ["status", "--porcelain=v2", "--branch", *plain, "--", under]),
        _run(git, top, options, ["diff", "--numstat", "--no-ext-diff", "--no-textconv", *plain, "HEAD", "--", under]),
    )
    if status is None:
        return None
    return _state(status, numbers or b"", "" if under == "." else root.relative_to(top).as_posix() + "/")


def top_folder(root: Path) -> Path | None:
    """Return the nearest folder upwards that has a `.git`."""
    for candidate in (root, *root.parents):
        if os.path.lexists(candidate / ".git"):
            return candidate
    return None


def _overrides(names: bytes) -> tuple[str, ...]:
    """Return the settings that undo every setting of the repository that would run a program."""
    undone: dict[str, None] = dict.fromkeys(SAFE_OPTIONS)
    for raw in names.split(b"\0"):
        name = raw.decode("utf-8", "replace")
        if match := _RUNS_A_PROGRAM.fullmatch(name):
            if "=" in name:
                raise ValueError("a setting of the repository cannot be overridden")
            if match["filter"]:
                undone |= {f"{match['filter']}.{end}=": None for end in ("clean", "smudge", "process")}
                undone[f"{match['filter']}.required=false"] = None
            elif not name.lower().startswith(("core.fsmonitor", "core.hookspath")):
                undone[f"{name}="] = None
    return tuple(undone)


def _environment(top: Path) -> Mapping[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_DIR": str(top / ".git"),
        "GIT_WORK_TREE": str(top),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_CEILING_DIRECTORIES": str(top.parent),
        **({"SYSTEMROOT": os.environ["SYSTEMROOT"]} if "SYSTEMROOT" in os.environ else {}),
    }


async def _run(git: str, top: Path, options: Sequence[str], arguments: Sequence[str]) -> bytes | None:
    """Return the output, cut at a bound; None where git reports a failure."""
    words, variables = hardened(git, top, options, arguments)
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=top,
        env=variables,
    )
    assert process.stdout is not None
    try:
        out = bytearray()
        while len(out) < _MAX_BYTES and (chunk := await process.stdout.read(65536)):
            out += chunk
        if len(out) >= _MAX_BYTES:
            return bytes(out[: out.rfind(b"\0") + 1])
        return bytes(out) if await process.wait() == 0 else None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _state(status: bytes, numbers: bytes, prefix: str) -> GitState:
    branch = head = ""
    changed: list[str] = []
    for line in (raw.decode("utf-8", "replace") for raw in status.split(b"\0")):
        if line.startswith("# branch.head "):
            branch = line[14:] if line[14:] != "(detached)" else ""
        elif line.startswith("# branch.oid "):
            head = line[13:25] if line[13:] != "(initial)" else ""
        elif line.startswith("? "):
            changed.append(f"? {_shown_path(line[2:], prefix)}")
        elif line.startswith(("1 ", "u ")):
            fields = line.split(" ", 8 if line.startswith("1 ") else 10)
            changed.append(f"{fields[1].replace('.', '')[:1] or 'M'} {_shown_path(fields[-1], prefix)}")
    return GitState(branch, head, tuple(changed[:_SHOWN]), len(changed), _diff(numbers, prefix))


def _diff(numbers: bytes, prefix: str) -> str:
    lines = []
    for line in (raw.decode("utf-8", "replace") for raw in numbers.split(b"\0") if raw):
        added, removed, path = (*line.split("\t", 2), "", "")[:3]
        lines.append(f"{_shown_path(path, prefix)} +{added} -{removed}")
    more = [f"and {len(lines) - _SHOWN} more files"] if len(lines) > _SHOWN else []
    return "\n".join(lines[:_SHOWN] + more)


def _shown_path(path: str, prefix: str) -> str:
    # A name may hold line ends and escape codes; it goes into a prompt and onto a page.
    return "".join(character if character.isprintable() else "?" for character in path.removeprefix(prefix))
