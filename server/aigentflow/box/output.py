"""The output of a command: its head and tail kept, and cleaned of everything that a terminal or a reader could be fooled with."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]+[0-~]|[0-~])"
    r"|\x9b[0-?]*[ -/]*[@-~]|[\x90\x9d\x98\x9e\x9f][^\x07\x1b\x9c]*[\x07\x9c]?"
)
_BACKSPACES = re.compile(r"[^\n\x08]\x08")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)


class HeadAndTail:
    """Takes any number of bytes and keeps the first and the last of them."""

    def __init__(self, limit: int) -> None:
        self._room = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.size = 0
        """Bytes that were taken."""

    def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.size += len(chunk)
        fits = self._room - len(self._head)
        if fits > 0:
            self._head += chunk[:fits]
            chunk = chunk[fits:]
        self._tail += chunk
        if len(self._tail) > 2 * self._room:
            del self._tail[: len(self._tail) - self._room]

    def text(self) -> str:
        """Return what was kept, cleaned, with a line that says how much was left out between head and tail."""
        tail = bytes(self._tail[-self._room :]) if self._room else b""
        left_out = self.size - len(self._head) - len(tail)
        if left_out <= 0:
            return clean(bytes(self._head) + tail)
        return f"{clean(bytes(self._head)).rstrip()}\n[{left_out:,} bytes of the output were left out here]\n{clean(tail).lstrip()}"


def clean(data: bytes) -> str:
    """Return the bytes as text: escape sequences, control, direction and tag characters out, overwritten lines as last seen."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    text = _ESCAPES.sub("", text)
    if "\x08" in text:
        text = _BACKSPACES.sub("", text)
    if "\r" in text:
        text = "\n".join(_last_seen(line) for line in text.split("\n"))
    return _INVISIBLE.sub("", text)


def _last_seen(line: str) -> str:
    """Return what a terminal shows of a line that was written over, as progress bars do."""
    parts = [part for part in line.split("\r") if part]
    return parts[-1] if parts else ""
