"""Length-prefixed JSON: four bytes, big-endian, then that many bytes of UTF-8."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

from aigentflow.errors import FrameError

LARGEST = 512 * 1024 * 1024


def encode_frame(value: dict[str, Any]) -> bytes:
    """Return the frame of a JSON object; half surrogate pairs, which buffers can hold, survive."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if len(body) > LARGEST:
        raise FrameError(f"a frame of {len(body):,} bytes is too large")
    return struct.pack(">I", len(body)) + body


async def read_frame(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """Return the next frame, None at the end of the stream; raise FrameError for a broken one."""
    try:
        (size,) = struct.unpack(">I", await reader.readexactly(4))
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise FrameError("the stream ended inside a frame") from error
        return None
    if size > LARGEST:
        raise FrameError(f"a frame of {size:,} bytes is too large")
    try:
        value = json.loads((await reader.readexactly(size)).decode("utf-8", "surrogatepass"))
    except asyncio.IncompleteReadError as error:
        raise FrameError("the stream ended inside a frame") from error
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame is not JSON") from error
    if not isinstance(value, dict):
        raise FrameError("a frame is not a JSON object")
    return value


async def write_frame(writer: asyncio.StreamWriter, value: dict[str, Any]) -> None:
    """Send one frame."""
    writer.write(encode_frame(value))
    await writer.drain()
