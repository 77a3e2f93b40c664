"""Server-sent events out of bytes (WHATWG HTML, 9.2): any line end, any split of the bytes, comments and byte order mark.

Own, as the events are wanted as JSON objects the way they were sent, pings included, and not as the SDK's models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from aigentflow.errors import BrokenTurn

_LONGEST_EVENT = 64 * 1024 * 1024


class EventReader:
    """Takes bytes as they come and yields the JSON object of each finished event."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._after_return = False
        self._first = True

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """Yield the events that this chunk completes; raise BrokenTurn for one that is not a JSON object."""
        if self._after_return and chunk:
            self._after_return = False
            chunk = chunk.removeprefix(b"\n")
        self._after_return = chunk.endswith(b"\r")
        for piece in chunk.splitlines(keepends=True):
            self._line += piece
            if piece.endswith((b"\n", b"\r")):
                line = bytes(self._line).rstrip(b"\r\n")
                self._line.clear()
                if (event := self._take(line)) is not None:
                    yield event
            elif len(self._line) > _LONGEST_EVENT:
                raise BrokenTurn("the service sent an event that is larger than 64 MB")

    def _take(self, line: bytes) -> dict[str, Any] | None:
        if self._first:
            self._first = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            self._size += len(line)
            if self._size > _LONGEST_EVENT:
                raise BrokenTurn("the service sent an event that is larger than 64 MB")
        if line or not self._data:
            return None
        data, self._data, self._size = b"\n".join(self._data), [], 0
        return _parse(data)


def _parse(data: bytes) -> dict[str, Any] | None:
    if not data.strip() or data.strip() == b"[DONE]":
        return None
    try:
        event = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BrokenTurn("the service sent an event that is not JSON") from error
    if not isinstance(event, dict):
        raise BrokenTurn("the service sent an event that is not a JSON object")
    return event
