"""Tier 2: a command under the system's own bubblewrap, for machines where only that program may make namespaces.

The command sees a copy of the workspace at the workspace's own path, or an overlay over it where this bubblewrap can make one and its
upper layer can lie in our private folder. The parts of installed packages that a copy links to are bound beneath another folder, so
that no mount point is ever made in anybody's tree. The order in the forked child is: groups and user given up where this is root,
setsid, limits, descriptors 0 to 2 in place and all others closed, `execute`.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from aigentflow.box.copied import Copied
from aigentflow.box.values import Toolchains

PROGRAM = "/usr/bin/bwrap"
"""Just this one: profiles of the system that allow it to make namespaces are bound to the path."""
LINKED_AT = "/run/workspace"
"""Where a command finds what its copy of the workspace links to: `copy_tree(…, seen_as=root, linked_at=LINKED_AT)`."""
_ASK_SECONDS = 5.0
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")
_NEEDED = {
    *("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "--hostname", "--chdir", "--seccomp"),
    *("--proc", "--dev", "--tmpfs", "--ro-bind", "--bind", "--symlink", "--remount-ro"),
}


@dataclass(frozen=True)
class Overlay:
    """A copy-on-write view made by bubblewrap: the workspace, and two private folders beside each other on one disk."""

    root: str
    upper: str
    work: str


@dataclass(frozen=True)
class Inside:
    """What a command finds besides the workspace and the toolchains."""

    folder: str
    """Where it starts, absolute."""
    home: str
    """Its empty home folder."""
    etc: str
    """A private folder whose files appear in /etc, as `write_etc` makes them."""
    written: int
    """Bytes that fit into each of the folders that are memory."""


def why_unusable(program: str = PROGRAM) -> str:
    """Return why the program is not to be run; empty where it may be tried."""
    try:
        status = os.lstat(program)
    except OSError:
        return f"{program} is not there"
    if not stat.S_ISREG(status.st_mode) or not os.access(program, os.X_OK):
        return f"{program} is no program"
    if status.st_mode & (stat.S_ISUID | stat.S_ISGID) or _has_capabilities(program):
        # Known faults let a command become root through it.
        return f"{program} runs with the rights of its owner"
    if status.st_uid != 0 or status.st_mode & 0o022:
        return f"{program} may be changed by others than the system"
    if missing := sorted(_NEEDED - options(program)):
        return f"{program} is too old: it does not know {missing[0]}"
    return ""


def _has_capabilities(program: str) -> bool:
    try:
        return bool(os.getxattr(program, "security.capability"))
    except OSError:
        return False


def options(program: str = PROGRAM) -> frozenset[str]:
    """Return the options that the program says it has."""
    try:
        words = [program, "--help"]
        told = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, env={}, timeout=_ASK_SECONDS, check=False, text=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return frozenset()
    return frozenset(re.findall(r"^ +(--[a-z-]+)", told.stdout + told.stderr, re.M))


def write_etc(folder: str, uid: int, gid: int, home: str) -> None:
    """Write what programs ask /etc for: one user, the box's own host name, no resolver."""
    name = "root" if uid == 0 else "box"
    others = "" if uid == 0 else "root:x:0:0:root:/:/bin/false\n"
    group = name if gid != 0 else "root"
    files = {
        "passwd": f"{others}{name}:x:{uid}:{gid}:{name}:{home}:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
        "group": f"{'' if gid == 0 else 'root:x:0:' + chr(10)}{group}:x:{gid}:\nnogroup:x:65534:\n",
        "hosts": "127.0.0.1 localhost box\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
        "resolv.conf": "",
        "hostname": "box\n",
    }
    os.makedirs(folder, 0o700, exist_ok=True)
    for file, text in files.items():
        with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
            out.write(text)


def arguments(
    view: Copied | Overlay, toolchains: Toolchains, inside: Inside, *, filter_fd: int, known: Collection[str], program: str = PROGRAM
) -> list[str]:
    """Return the words that start a command, to be followed by its own; `known` are the program's options.

    The environment is that of the caller, so `execve` has to be given the command's own.
    """
    words = [program, "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "box"]
    words += ["--disable-userns"] if "--disable-userns" in known else []
    words += ["--proc", "/proc", "--dev", "/dev"]
    for folder in (*_TEMPORARY, inside.home):
        words += [*(("--size", str(inside.written)) if "--size" in known else ()), "--tmpfs", folder]
    # Where the person is root, bubblewrap leaves the kernel's switches writable.
    words += ["--remount-ro", "/proc", "--remount-ro", "/dev", *_machine(toolchains, view.root)]
    for name in sorted(os.listdir(inside.etc)):
        words += ["--ro-bind", f"{inside.etc}/{name}", f"/etc/{name}"]
    words += _workspace(view)
    return [*words, "--remount-ro", "/", "--chdir", inside.folder, "--seccomp", str(filter_fd), "--"]


def _machine(toolchains: Toolchains, root: str) -> Iterator[str]:
    bound: list[str] = []
    for bind in sorted(toolchains.binds, key=lambda bind: bind.path):
        # What lies in the workspace is seen in its view, and a link where a folder was bound is the folder's business.
        if not _beneath(bind.path, root) and os.path.exists(bind.path):
            yield from ("--ro-bind", bind.path, bind.path)
            bound.append(bind.path)
    for link in toolchains.links:
        if not any(_beneath(link.path, path) for path in (*bound, root)):
            yield from ("--symlink", link.target, link.path)


def _workspace(view: Copied | Overlay) -> Iterator[str]:
    if isinstance(view, Overlay):
        yield from ("--overlay-src", view.root, "--overlay", view.upper, view.work, view.root)
        return
    yield from ("--bind", view.target, view.root)
    for path in sorted(view.linked):
        yield from ("--ro-bind", f"{view.root}/{path}", f"{view.linked_at}/{path}")


def _beneath(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def execute(
    view: Copied | Overlay,
    toolchains: Toolchains,
    inside: Inside,
    command: Sequence[str],
    *,
    variables: Mapping[str, str],
    filter_program: bytes,
    known: Collection[str],
    program: str = PROGRAM,
) -> NoReturn:
    """Replace this process by bubblewrap with the command in it. Raises OSError."""
    filter_fd = os.memfd_create("filter", 0)
    os.write(filter_fd, filter_program)
    os.lseek(filter_fd, 0, os.SEEK_SET)
    words = arguments(view, toolchains, inside, filter_fd=filter_fd, known=known, program=program)
    os.execve(program, [*words, *command], dict(variables))
