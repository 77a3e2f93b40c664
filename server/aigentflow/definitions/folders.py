"""Agent files on disk: which files of a folder count, and how they are read. Only regular files, no links out of the workspace."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from aigentflow.definitions.agentfile import LARGEST, parse_agent, unreadable
from aigentflow.definitions.dialects import is_document
from aigentflow.definitions.values import AgentDefinition, Problem, Source, Span

_DEEPEST = 6
_MOST_FILES = 500


@dataclass(frozen=True)
class Found:
    """One agent file as it was last seen; equal as long as nothing about it changed."""

    key: str
    path: Path
    folder: Path
    size: int
    stamp: tuple[int, ...]
    refused: str = ""
    """Why it is not read, where it is not."""


def agent_files(folder: Path, root: Path | None, *, nested: bool = True) -> Iterator[Found]:
    """Yield the `.md` files of the folder; with a root, links that leave it are not followed."""
    inside = os.path.realpath(root) if root is not None else None
    if inside is not None and not _is_inside(os.path.realpath(folder), inside):
        return
    for n, path in enumerate(_walk(folder, 0 if nested else _DEEPEST, inside)):
        if n >= _MOST_FILES:
            return
        found = _look(path, folder, inside)
        if found is not None:
            yield found


def load(found: Found, source: Source) -> AgentDefinition | None:
    """Return what the file defines; None where it only explains its folder."""
    if found.refused:
        return unreadable(found.path, source, Problem(found.refused, Span(0, 0), "error", "file.refused"))
    try:
        raw = _read(found.path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return unreadable(found.path, source, Problem(f"The agent file cannot be read: {reason}", Span(0, 0), "error", "file.unreadable"))
    digest = hashlib.sha256(raw).hexdigest()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = raw.decode("utf-8", "replace")
        at = min(error.start, max(0, len(text) - 1))
        problem = Problem("The agent file is not UTF-8 and is not run", Span(at, min(at + 1, len(text))), "error", "file.encoding")
        return unreadable(found.path, source, problem, text, digest)
    if is_document(found.path, text):
        return None
    return replace(parse_agent(text, found.path, source), sha256=digest)


def key_of(path: Path) -> str:
    """Return what identifies the file however its folder is spelt."""
    return os.path.normcase(os.path.join(os.path.realpath(path.parent), path.name))


def _walk(folder: Path, depth: int, inside: str | None) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in names:
        try:
            is_folder = entry.is_dir(follow_symlinks=inside is None)
        except OSError:
            continue
        if is_folder and depth < _DEEPEST and not entry.name.startswith("."):
            yield from _walk(Path(entry.path), depth + 1, inside)
        elif not is_folder and entry.name.lower().endswith(".md") and not entry.name.startswith("."):
            yield Path(entry.path)


def _look(path: Path, folder: Path, inside: str | None) -> Found | None:
    key = key_of(path)
    try:
        seen = os.lstat(path)
        if stat.S_ISLNK(seen.st_mode):
            if inside is not None and not _is_inside(os.path.realpath(path), inside):
                return Found(
                    key, path, folder, 0, (seen.st_mtime_ns, seen.st_ino), "The link leads out of the workspace and is not followed"
                )
            seen = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(seen.st_mode):
        return None
    refused = "The file is too large for an agent file and was not read" if seen.st_size > 4 * LARGEST else ""
    return Found(key, path, folder, seen.st_size, (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino), refused)


def _read(path: Path) -> bytes:
    # Opened without waiting: between the look and the opening the file may have become a pipe.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "not a regular file")
        return file.read(4 * LARGEST + 1)


def _is_inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
