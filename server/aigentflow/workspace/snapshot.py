"""The workspace frozen at a moment: open buffers as they were, disk files frozen at first read.

Paths are canonical: workspace-relative, `/`, links already followed (`Boundary.relative`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..errors import PathError, PathRefused, PathUnreadable
from .decoding import BinaryContent, Decoded, decode
from .folders import read_file
from .ignore import walk_files
from .twins import SecretTwins


@dataclass(frozen=True)
class Buffer:
    """A document that is open in the editor, as the editor has it."""

    path: str
    text: str
    version: int


@dataclass(frozen=True)
class FileText:
    """The text of one file at the moment of the snapshot; a byte order mark is not part of it."""

    path: str
    text: str
    sha256: str
    """Of the bytes on disk; for an open buffer of its text in UTF-8."""
    version: int | None
    """LSP version of an open buffer; None for a closed file."""
    encoding: str
    """How the file on disk is written; `utf-8` where there is none."""
    bom: bool
    lossless: bool
    """False: the bytes are in no known encoding and shown as Latin-1; edits keep the other bytes, and that is to be said."""
    mode: int | None
    """Permission bits; None where there is no file on disk."""


class Snapshot:
    """What one run sees of the workspace."""

    def __init__(self, root: Path, buffers: Iterable[Buffer] = ()) -> None:
        self.root = root
        self._real_root = os.path.realpath(root)
        self._buffers = {buffer.path: buffer for buffer in buffers}
        self._frozen: dict[str, FileText] = {}
        self._twins = SecretTwins(self._real_root)
        self.paths_cut = False
        """Whether some call of `paths` stopped at its limit."""

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """The open documents."""
        return tuple(self._buffers.values())

    def read(self, path: str) -> FileText:
        """Return the file's text, the same at every call; raises PathMissing, PathUnreadable or, of a secret, PathRefused."""
        file = self._frozen.get(path)
        if file is None:
            file = self.peek(path)
            self._frozen[path] = file
        return file

    def peek(self, path: str) -> FileText:
        """Return the file's text without freezing it, for searches; a frozen file is returned as it is frozen."""
        frozen = self._frozen.get(path)
        if frozen is not None:
            return frozen
        buffer = self._buffers.get(path)
        return self._closed_file(path) if buffer is None else self._open_buffer(buffer)

    def exists(self, path: str) -> bool:
        """Whether there is a regular file or an open buffer."""
        if path in self._frozen or path in self._buffers:
            return True
        full = os.path.join(self._real_root, path)
        return bool(path) and os.path.isfile(full) and not os.path.islink(full)

    def names_in(self, folder: str) -> frozenset[str]:
        """Return the names of the folder's entries of every kind, open buffers included; empty where there is no such folder."""
        prefix = folder + "/" if folder else ""
        names = {path[len(prefix) :].split("/")[0] for path in self._buffers if path.startswith(prefix)}
        try:
            names.update(os.listdir(os.path.join(self._real_root, folder)))
        except OSError:
            return frozenset(names)
        return frozenset(names)

    def paths(self, under: str = "", *, limit: int = 200_000) -> Iterator[str]:
        """Yield files that git would not ignore and open buffers, folder by folder in sorted order, up to the limit."""
        under = under.strip("/")
        prefix = under + "/" if under else ""
        seen: set[str] = set()
        for path in self._all_paths(under, prefix, seen):
            if len(seen) >= limit:
                self.paths_cut = True
                return
            seen.add(path)
            yield path

    def _all_paths(self, under: str, prefix: str, seen: set[str]) -> Iterator[str]:
        yield from walk_files(self._real_root, under)
        for path in sorted(self._buffers):
            if path.startswith(prefix) and path not in seen:
                yield path

    def frozen(self) -> Mapping[str, FileText]:
        """Return the files that were read so far."""
        return MappingProxyType(self._frozen)

    def _closed_file(self, path: str) -> FileText:
        data, status = read_file(self._real_root, path)
        if self._twins.holds(status):
            raise PathRefused(f"{path} is one with a secret file (hard link), which is neither read nor changed", path, rule="secret")
        decoded = _decoded(path, data)
        return FileText(
            path,
            decoded.text,
            hashlib.sha256(data).hexdigest(),
            None,
            decoded.encoding,
            decoded.bom,
            decoded.lossless,
            status.st_mode & 0o7777,
        )

    def _open_buffer(self, buffer: Buffer) -> FileText:
        sha256 = hashlib.sha256(buffer.text.encode("utf-8", "surrogatepass")).hexdigest()
        try:
            disk = self._closed_file(buffer.path)
        except PathError:
            return FileText(buffer.path, buffer.text, sha256, buffer.version, "utf-8", False, True, None)
        return FileText(buffer.path, buffer.text, sha256, buffer.version, disk.encoding, disk.bom, disk.lossless, disk.mode)


def _decoded(path: str, data: bytes) -> Decoded:
    try:
        return decode(data)
    except BinaryContent:
        raise PathUnreadable(f"{path} has {len(data):,} bytes of binary content, which is not read as text", path) from None
