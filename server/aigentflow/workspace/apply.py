"""The one function that writes workspace files to disk.

Every base is compared and every new content staged before the first file is replaced; a link is never followed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ..errors import PathMissing, PathRefused, PathUnreadable, StaleBaseError
from .boundary import MAX_FILE, Boundary
from .decoding import BinaryContent, decode, encode
from .folders import Folder, open_folder, read_file
from .proposal import Base, FileChange, Proposal

BeforeImage = Callable[[str, bytes], None]
"""Keeps the bytes of a file, durably, before it is touched."""


@dataclass
class _Staged:
    """One change, ready to be put in place by renames alone."""

    change: FileChange
    folder: Folder
    temporary: str | None
    identity: tuple[int, int, int, int] | None
    """Device, inode, size and mtime of the file that is to be replaced, moved or deleted."""
    source: Folder | None = None


@dataclass
class _Work:
    root: str
    folders: list[Folder] = field(default_factory=list)
    staged: list[_Staged] = field(default_factory=list)
    made: list[tuple[Folder, str]] = field(default_factory=list)
    """Folders that were created, with the folder above each."""


def apply_to_disk(proposal: Proposal, boundary: Boundary, before_image: BeforeImage) -> tuple[str, ...]:
    """Write the proposal and return the paths it touched; raises PathRefused or StaleBaseError with nothing written.

    A file that changes while the others are being put in place ends the work with StaleBaseError, which names what was written.
    """
    for change in proposal.changes:
        for path in _ends(change):
            _ask(boundary, path)
    root = boundary.real_root
    for change in proposal.changes:
        _check_base(root, change, before_image)
    written: list[str] = []
    with _work(root) as work:
        for change in proposal.changes:
            with _explained(change, written):
                work.staged.append(_stage(work, change))
        for staged in work.staged:
            for path in _ends(staged.change):
                _ask(boundary, path)
            with _explained(staged.change, written):
                _place(staged, written)
        work.made.clear()
    return tuple(written)


@contextmanager
def _explained(change: FileChange, written: list[str]) -> Iterator[None]:
    """Turn what the disk says into our exceptions."""
    try:
        yield
    except FileExistsError:
        raise StaleBaseError(f"{change.path} exists by now; it was not there when the run looked{_so_far(written)}") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENOENT):
            raise StaleBaseError(f"a folder of {change.path} was replaced meanwhile{_so_far(written)}") from None
        said = error.strerror or type(error).__name__
        raise PathRefused(f"{change.path} cannot be written ({said}){_so_far(written)}", change.path, rule="object") from None


def _ends(change: FileChange) -> tuple[str, ...]:
    return (change.path,) if change.from_path is None else (change.path, change.from_path)


def _ask(boundary: Boundary, path: str) -> None:
    decision = boundary.may_change(path)
    if not decision.allowed:
        raise PathRefused(decision.reason, path, rule=decision.rule, pattern=decision.pattern, owner=decision.owner)
    if decision.path != path:
        raise PathRefused(f"{path} goes through a link to {decision.path}", path, rule="resolve")


def _check_base(root: str, change: FileChange, before_image: BeforeImage) -> None:
    """Compare what is there with what the change was computed from, and keep the before-image."""
    fresh = change.base is None or change.kind == "rename"
    if fresh and _there(root, change.path) and not _same_file(root, change):
        raise StaleBaseError(f"{change.path} exists by now; it was not there when the run looked")
    if change.base is None:
        return
    path = change.from_path or change.path
    try:
        data, _ = read_file(root, path)
    except PathMissing:
        raise StaleBaseError(f"{path} is gone; it was there when the run read it") from None
    _compare(path, data, change.base)
    before_image(path, data)


def _compare(path: str, data: bytes, base: Base) -> None:
    if base.version is None:
        same = hashlib.sha256(data).hexdigest() == base.sha256
    else:
        try:
            same = decode(data).text == base.text
        except BinaryContent:
            same = False
    if not same:
        raise StaleBaseError(f"{path} has changed since the run read it")


def _there(root: str, path: str) -> bool:
    return os.path.lexists(os.path.join(root, path))


def _same_file(root: str, change: FileChange) -> bool:
    """Whether both ends of a rename are one file, as for a change of case on a disk that does not tell case apart."""
    if change.from_path is None or change.from_path.casefold() != change.path.casefold():
        return False
    with suppress(OSError):
        return os.path.samestat(os.lstat(os.path.join(root, change.path)), os.lstat(os.path.join(root, change.from_path)))
    return False


@contextmanager
def _work(root: str) -> Iterator[_Work]:
    """Hold what staging opened; whatever was not put in place is taken away again."""
    work = _Work(root)
    try:
        yield work
    finally:
        for staged in work.staged:
            if staged.temporary is not None:
                with suppress(OSError):
                    staged.folder.unlink(staged.temporary)
        for above, name in reversed(work.made):
            with suppress(OSError):
                above.remove_folder(name)
        for folder in work.folders:
            folder.close()


def _stage(work: _Work, change: FileChange) -> _Staged:
    folder = _held_folder(work, change.path, create=change.kind in ("create", "rename"))
    source = _held_folder(work, change.from_path, create=False) if change.from_path is not None else None
    status = None
    if change.base is not None:
        old_name = (change.from_path or change.path).rpartition("/")[2]
        status = (source or folder).stat(old_name)
    staged = _Staged(change, folder, None, None if status is None else _identity(status), source)
    if change.after is not None:
        data = _content(change)
        staged.temporary = f".aigentflow-{secrets.token_hex(8)}"
        work.staged.append(staged)
        _write_temporary(folder, staged.temporary, data, status, executable=change.executable)
        work.staged.pop()
    return staged


def _content(change: FileChange) -> bytes:
    data = encode(change.after or "", change.encoding, bom=change.bom)
    if len(data) > MAX_FILE:
        raise PathUnreadable(f"{change.path} would have {len(data):,} bytes", change.path)
    return data


def _held_folder(work: _Work, path: str, *, create: bool) -> Folder:
    """Open the folder of the path and hold it; folders that are not there are made if `create`."""
    with open_folder(work.root, ()) as top:
        folder = top.duplicate()
    work.folders.append(folder)
    for part in path.split("/")[:-1]:
        try:
            below = folder.child(part)
        except FileNotFoundError:
            if not create:
                raise StaleBaseError(f"{path} is gone") from None
            folder.make(part)
            work.made.append((folder, part))
            below = folder.child(part)
        work.folders.append(below)
        folder = below
    return folder


def _write_temporary(folder: Folder, name: str, data: bytes, status: os.stat_result | None, *, executable: bool) -> None:
    new_mode = 0o777 if executable else 0o666
    descriptor = folder.open_new(name, new_mode if status is None else 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        if status is not None and hasattr(os, "fchmod"):
            if (status.st_uid, status.st_gid) != (os.fstat(descriptor).st_uid, os.fstat(descriptor).st_gid):
                with suppress(PermissionError):
                    os.fchown(descriptor, status.st_uid, status.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _place(staged: _Staged, written: list[str]) -> None:
    """Put one change in place by a rename or removal."""
    change = staged.change
    name = change.path.rpartition("/")[2]
    old_name = (change.from_path or change.path).rpartition("/")[2]
    home = staged.source or staged.folder
    for folder in {staged.folder, home}:
        if not folder.still_there():
            raise StaleBaseError(f"a folder of {change.path} was replaced meanwhile{_so_far(written)}")
    if staged.identity is not None:
        _still_the_same(home, old_name, staged, written)
    match change.kind:
        case "modify":
            _consume(staged, Folder.replace, name)
        case "create":
            _consume(staged, Folder.place, name)
        case "rename":
            _rename(staged, home, old_name, name)
        case "delete":
            home.unlink(old_name)
    staged.folder.sync()
    if staged.source is not None:
        staged.source.sync()
    written += _ends(change)


def _rename(staged: _Staged, home: Folder, old_name: str, name: str) -> None:
    one_file = _same_entry(staged, home, old_name, name)
    if one_file:
        _consume(staged, Folder.replace, old_name)
        home.replace(old_name, name)
        return
    _consume(staged, Folder.place, name)
    home.unlink(old_name)


def _same_entry(staged: _Staged, home: Folder, old_name: str, name: str) -> bool:
    if old_name.casefold() != name.casefold() or home.path != staged.folder.path:
        return False
    with suppress(OSError):
        return os.path.samestat(home.stat(old_name), staged.folder.stat(name))
    return False


def _consume(staged: _Staged, move: Callable[[Folder, str, str], None], name: str) -> None:
    if staged.temporary is not None:
        move(staged.folder, staged.temporary, name)
        staged.temporary = None


def _still_the_same(home: Folder, name: str, staged: _Staged, written: list[str]) -> None:
    try:
        same = _identity(home.stat(name)) == staged.identity
    except FileNotFoundError:
        same = False
    if not same:
        path = staged.change.from_path or staged.change.path
        raise StaleBaseError(f"{path} changed while the proposal was written{_so_far(written)}")


def _so_far(written: list[str]) -> str:
    return f"; already written: {', '.join(written)}" if written else "; nothing was written"
