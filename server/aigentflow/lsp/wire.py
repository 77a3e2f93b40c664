"""LSP base protocol frames over binary streams, read and written in threads of their own.

A busy handler never makes the server deaf, and a client that stops reading never stops the loop
(LSP 3.17, Base Protocol; libraries page, pygls trap 3).
"""

from __future__ import annotations

import os
import queue
import re
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

MAX_BODY = 256 * 1024 * 1024
"""Bytes; a larger frame is refused before it is read."""
_LENGTH = re.compile(rb"(?:^|\n)\s*content-length\s*:\s*(\d+)\s*(?:\r?\n|$)", re.IGNORECASE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = 1 << 16
_DROPPABLE_BACKLOG = 200


class FrameReader:
    """Cuts a byte stream into message bodies; tolerant of header case, extra headers and bare newlines."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._need: int | None = None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the bodies that are complete with this chunk; raise ValueError when the stream cannot be followed."""
        self._buffer += chunk
        while True:
            if self._need is None and not self._read_header():
                return
            need = self._need or 0
            if len(self._buffer) < need:
                return
            body = bytes(self._buffer[:need])
            del self._buffer[:need]
            self._need = None
            yield body

    def _read_header(self) -> bool:
        end = _HEADER_END.search(self._buffer)
        if end is None:
            if len(self._buffer) > _CHUNK:
                raise ValueError("no end of header within 64 KiB")
            return False
        found = _LENGTH.search(self._buffer[: end.end()])
        del self._buffer[: end.end()]
        if found is None:
            return self._read_header()
        self._need = int(found.group(1))
        if self._need > MAX_BODY:
            raise ValueError(f"message of {self._need} bytes is larger than {MAX_BODY}")
        return True


def read_stream(descriptor: int, before: bytes, on_bodies: Callable[[list[bytes]], None], on_end: Callable[[str], None]) -> None:
    """Read frames until the stream ends; bodies that arrive together are handed over together.

    `before` are bytes that were read already. `on_end` gets the reason, empty for an ordinary end. Meant for a thread of its own.
    """
    reader = FrameReader()
    reason = ""
    try:
        chunk = before or os.read(descriptor, _CHUNK)
        while chunk:
            if bodies := list(reader.feed(chunk)):
                on_bodies(bodies)
            chunk = os.read(descriptor, _CHUNK)
    except (OSError, ValueError) as error:
        reason = str(error)
    on_end(reason)


class QueueWriter:
    """Writes in a thread of its own, in order; what may be dropped is dropped when the client does not read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="lsp-writer", daemon=True)
        self._thread.start()
        self.broken = False

    @property
    def backlogged(self) -> bool:
        """Whether so much waits that progress reports should be left out."""
        return self._queue.qsize() > _DROPPABLE_BACKLOG

    def write(self, data: bytes) -> None:
        """Queue bytes that are a whole frame."""
        self._queue.put(data)

    def close(self, seconds: float = 2.0) -> None:
        """Write what waits, then stop."""
        self._queue.put(None)
        self._thread.join(seconds)

    def _work(self) -> None:
        while (data := self._queue.get()) is not None:
            if self.broken:
                continue
            try:
                self._stream.write(data)
                self._stream.flush()
            except (OSError, ValueError):
                self.broken = True
