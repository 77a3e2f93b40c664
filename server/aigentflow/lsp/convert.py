"""Between our offsets (code points) and the client's positions, and between URIs and paths.

Every conversion clamps: a position that does not exist becomes the nearest one that does.
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import quote, unquote, urlsplit

from lsprotocol import types as t

from aigentflow.workspace.lines import LineIndex

UTF8, UTF16, UTF32 = "utf-8", "utf-16", "utf-32"


def to_position(index: LineIndex, offset: int, encoding: str) -> t.Position:
    """Return the position of the offset in units of the encoding."""
    offset = min(max(0, offset), len(index.text))
    line = index.line_of(offset)
    start, _ = index.line_span(line)
    return t.Position(line=line, character=units(index.text[start:offset], encoding))


def to_range(index: LineIndex, start: int, end: int, encoding: str) -> t.Range:
    """Return the range of `[start, end)` in units of the encoding."""
    return t.Range(start=to_position(index, start, encoding), end=to_position(index, end, encoding))


def to_offset(index: LineIndex, position: t.Position, encoding: str) -> int:
    """Return the offset of the position; inside a character its beginning, beyond a line the line's end."""
    if position.line < 0:
        return 0
    if position.line >= index.n_lines:
        return len(index.text)
    start, stop = index.line_span(position.line)
    if position.character <= 0:
        return start
    return start + column(index.text[start:stop], position.character, encoding)


def to_offsets(index: LineIndex, span: t.Range, encoding: str) -> tuple[int, int]:
    """Return start and end offset of the range, in order even where the client's are reversed."""
    start, end = to_offset(index, span.start, encoding), to_offset(index, span.end, encoding)
    return (start, end) if start <= end else (end, start)


def units(text: str, encoding: str) -> int:
    """Return how many units of the encoding the text takes."""
    if encoding == UTF32 or text.isascii():
        return len(text)
    if encoding == UTF8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def column(line: str, character: int, encoding: str) -> int:
    """Return the code-point column of a column in units of the encoding, clamped to the line."""
    if encoding == UTF32 or line.isascii():
        return min(character, len(line))
    if encoding == UTF8:
        return _column_utf8(line.encode("utf-8", "surrogatepass"), character)
    return _column_utf16(line.encode("utf-16-le", "surrogatepass"), character)


def _column_utf8(data: bytes, character: int) -> int:
    stop = min(character, len(data))
    while 0 < stop < len(data) and data[stop] & 0xC0 == 0x80:
        stop -= 1
    return len(data[:stop].decode("utf-8", "surrogatepass"))


def _column_utf16(data: bytes, character: int) -> int:
    stop = min(character * 2, len(data))
    inside_pair = 0 < stop < len(data) and data[stop - 1] & 0xFC == 0xD8 and data[stop + 1] & 0xFC == 0xDC
    return len(data[: stop - 2 if inside_pair else stop].decode("utf-16-le", "surrogatepass"))


def path_of(uri: str) -> str | None:
    """Return the absolute file-system path of a `file:` URI; None for any other scheme."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme.casefold() != "file" or "%00" in uri or "\0" in uri:
        return None
    # A path may hold `?` and `#` only percent-encoded; some clients forget, so what urlsplit cut off is put back.
    path = unquote(parts.path + (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else ""))
    if parts.netloc and parts.netloc.casefold() != "localhost":
        return str(PureWindowsPath(f"//{parts.netloc}{path}")) if os.name == "nt" else None
    if os.name == "nt":
        return str(PureWindowsPath(path.lstrip("/")))
    return os.path.normpath(path) if path else None


def uri_of(path: str | os.PathLike[str]) -> str:
    """Return the `file:` URI of an absolute path, encoded as most clients do."""
    text = os.fspath(path)
    if os.name == "nt":
        text = "/" + PureWindowsPath(text).as_posix()
    return "file://" + quote(str(PurePosixPath(text)), safe="/!$&'()*+,;=:@~-._")
