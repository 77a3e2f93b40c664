"""One file of a journal: JSON lines that are only ever appended, each with a checksum, so that any prefix of the file is valid.

A writer holds a lock as long as its process lives; that is how a run that was interrupted is told from one that goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

_SEAL = ',"sum":"'
_DIGITS = 16


def encode(record: dict[str, Any]) -> bytes:
    """Return the record as one line with its checksum as the last field."""
    body = json.dumps(record, ensure_ascii=True, separators=(",", ":"))[:-1]
    return f'{body}{_SEAL}{_checksum(body)}"}}\n'.encode("ascii")


def decode(data: bytes) -> tuple[list[dict[str, Any]], int]:
    """Return the whole records and the number of damaged lines; a torn last line is dropped without being counted."""
    records: list[dict[str, Any]] = []
    damaged = 0
    lines = data.split(b"\n")
    for line in lines[:-1]:
        record = _decode_line(line)
        if record is not None:
            records.append(record)
        elif line.strip():
            damaged += 1
    return records, damaged


def _decode_line(line: bytes) -> dict[str, Any] | None:
    text = line.decode("ascii", errors="replace")
    body, seal, rest = text.rpartition(_SEAL)
    if not seal or rest != f'{_checksum(body)}"}}':
        return None
    record = json.loads(text)
    return record if isinstance(record, dict) else None


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode("ascii", errors="replace")).hexdigest()[:_DIGITS]


class Appender:
    """Appends records to a new file; a record is in the file as a whole or not at all."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._descriptor = os.open(path, flags, 0o600)
        self._size = 0
        self._sequence = 0

    def append(self, record: dict[str, Any], *, durable: bool) -> None:
        """Write the record, to the disk itself where it is to be durable; raises OSError with the file as it was."""
        line = encode({"n": self._sequence, **record})
        try:
            written = 0
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError:
            # A full disk may have taken a part; without this the next record would be glued to it.
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(line)
        self._sequence += 1
        if durable:
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file; nothing can be appended afterwards."""
        os.close(self._descriptor)


class Hold:
    """A lock file that is held while the process that made it lives."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        _lock(self._descriptor, wait=True)

    def release(self) -> None:
        """Let go of the lock."""
        os.close(self._descriptor)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(descriptor, wait=False)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Take the lock of the open file; it ends with the descriptor, so with the process at the latest.

    The holder waits, because somebody who only looks has the lock for a moment.
    """
    try:
        if os.name == "nt":
            import msvcrt

            windows: Any = msvcrt
            windows.locking(descriptor, windows.LK_LOCK if wait else windows.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
