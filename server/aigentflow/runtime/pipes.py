"""Frames over two file descriptors by threads, so that any kind of descriptor works on any platform: the event loop of Windows cannot
wait for the pipes that a child inherits."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from typing import Any

from aigentflow.runtime.frames import encode_frame

_CHUNK = 1 << 16


def read_from(descriptor: int) -> asyncio.StreamReader:
    """Return a reader of the descriptor; the thread behind it ends with the process."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()

    def tell(chunk: bytes) -> None:
        if chunk:
            reader.feed_data(chunk)
        else:
            reader.feed_eof()

    def pump() -> None:
        while True:
            try:
                chunk = os.read(descriptor, _CHUNK)
            except OSError:
                chunk = b""
            try:
                loop.call_soon_threadsafe(tell, chunk)
            except RuntimeError:
                # The loop is closed: nobody listens any more.
                return
            if not chunk:
                return

    threading.Thread(target=pump, name="frames in", daemon=True).start()
    return reader


class FrameWriter:
    """Writes frames in the order they are sent; a reader that is slow, or has left, holds up nobody here."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._pump, name="frames out", daemon=True)
        self._thread.start()

    def send(self, frame: dict[str, Any]) -> None:
        """Queue one frame."""
        self._queue.put(encode_frame(frame))

    async def close(self, seconds: float = 5.0) -> None:
        """Wait until everything is written, at most that long."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, seconds)

    def _pump(self) -> None:
        while (data := self._queue.get()) is not None:
            view = memoryview(data)
            try:
                while view:
                    view = view[os.write(self._descriptor, view) :]
            except OSError:
                # The other side has left; what it does not read is of no use.
                return
