"""Whether bubblewrap holds on this machine, found by running a command in it that does what commands do."""

from __future__ import annotations

import os
import stat
import subprocess

from aigentflow.box.bubblewrap import LINKED_AT, PROGRAM, Inside, Overlay, arguments, options, why_unusable, write_etc
from aigentflow.box.comparing import collect_copy
from aigentflow.box.copied import Copied
from aigentflow.box.copying import copy_tree
from aigentflow.box.scratch import make_scratch, remove_scratch
from aigentflow.box.seccomp import filter_program
from aigentflow.box.values import Toolchains

_SECONDS = 5.0
_HOME = "/home/box"
_FILES = ("kept", "gone", "moved", "folder/inside")
_WORDS = """
echo new > kept && rm -r folder && mkdir folder && echo new > folder/new && mv moved there && rm gone || exit 1
test ! -e "$1" || { echo "a file outside is seen"; exit 1; }
while read -r line; do case $line in lo:*|*\\|*) ;; *) echo "there is a network"; exit 1 ;; esac; done < /proc/net/dev
"""
_EXPECTED = {
    *(("folder/inside", "delete"), ("folder/new", "create"), ("gone", "delete"), ("kept", "modify")),
    *(("moved", "delete"), ("there", "create")),
}


def probe(parent: str, toolchains: Toolchains, *, overlay: bool = False, program: str = PROGRAM) -> str:
    """Return why commands cannot run under bubblewrap, on a copy or on an overlay of its making; empty where they can.

    `parent` is the folder of private folders. To be called as the user who will run the commands.
    """
    reason = why_unusable(program)
    known = frozenset() if reason else options(program)
    if not reason and overlay and not {"--overlay", "--overlay-src"} <= known:
        reason = f"{program} makes no overlays"
    if reason:
        return reason
    try:
        scratch = make_scratch(parent)
        try:
            return _try(scratch.path, toolchains, overlay=overlay, program=program, known=known)
        finally:
            remove_scratch(scratch)
    except (OSError, subprocess.SubprocessError) as error:
        return f"trying {program} failed: {error}"


def _try(place: str, toolchains: Toolchains, *, overlay: bool, program: str, known: frozenset[str]) -> str:
    root = f"{place}/real"
    for folder in (root, f"{root}/folder", f"{place}/copy", f"{place}/upper", f"{place}/work"):
        os.mkdir(folder, 0o700)
    for name in _FILES:
        with open(f"{root}/{name}", "w", encoding="utf-8") as file:
            file.write(name)
    view = Overlay(root, f"{place}/upper", f"{place}/work") if overlay else _copy(root, f"{place}/copy")
    write_etc(f"{place}/etc", os.geteuid(), os.getegid(), _HOME)
    # The private folder itself is the file outside: it holds the real tree, the copy and all of /etc.
    if reason := _run(view, toolchains, Inside(root, _HOME, f"{place}/etc", 1 << 20), program, known, outside=f"{place}/copy"):
        return reason
    if any(_text(f"{root}/{name}") != name for name in _FILES):
        return "the trial command changed the real folder"
    return "" if _found(view) else "what the trial command changed was not found rightly"


def _copy(root: str, target: str) -> Copied:
    return copy_tree(root, target, hidden=(), toppings=(), seen_as=root, linked_at=LINKED_AT)


def _run(view: Copied | Overlay, toolchains: Toolchains, inside: Inside, program: str, known: frozenset[str], *, outside: str) -> str:
    filter_fd = os.memfd_create("filter", 0)
    try:
        os.write(filter_fd, filter_program(sockets=True))
        os.lseek(filter_fd, 0, os.SEEK_SET)
        words = arguments(view, toolchains, inside, filter_fd=filter_fd, known=known, program=program)
        done = subprocess.run(
            [*words, "/bin/sh", "-c", _WORDS, "sh", outside],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={"PATH": ":".join(toolchains.path) or "/usr/bin:/bin"},
            pass_fds=(filter_fd,),
            timeout=_SECONDS,
            check=False,
        )
    finally:
        os.close(filter_fd)
    told = (done.stdout + done.stderr).decode("utf-8", "replace").strip()[:300]
    return f"the trial command failed (exit {done.returncode}): {told}" if done.returncode != 0 else ""


def _found(view: Copied | Overlay) -> bool:
    if isinstance(view, Copied):
        return {(change.path, change.kind) for change in collect_copy(view, contents=False).changes} == _EXPECTED
    gone = os.lstat(f"{view.upper}/gone")
    return stat.S_ISCHR(gone.st_mode) and gone.st_rdev == 0 and _text(f"{view.upper}/kept") == _text(f"{view.upper}/folder/new") == "new\n"


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
