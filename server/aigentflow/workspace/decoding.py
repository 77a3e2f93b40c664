"""From bytes to text and back, so that every byte outside an edit survives.

UTF-8 and UTF-16 are recognised; all else is shown byte for byte as Latin-1, whose encoding gives the same bytes back.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_MARKS = (("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE))

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""What no text holds, and bytes that are no text give sooner or later when they are taken in pairs."""


class BinaryContent(ValueError):
    """The bytes are not text in any encoding that we know."""


@dataclass(frozen=True)
class Decoded:
    """A text and how it is written down."""

    text: str
    encoding: str
    """`utf-8`, `utf-16-le`, `utf-16-be` or `latin-1`."""
    bom: bool
    lossless: bool
    """False: the bytes are not UTF-8 or UTF-16 and are shown byte for byte as Latin-1."""


def decode(data: bytes) -> Decoded:
    """Return the text of the bytes; a byte order mark is taken off. Raises `BinaryContent`."""
    for encoding, mark in _MARKS:
        if data.startswith(mark):
            text = _strict(data[len(mark) :], encoding)
            if text is not None:
                return Decoded(text, encoding, bom=True, lossless=True)
    text = _strict(data, "utf-8")
    wide = _wide_encoding(data)
    if wide is not None and (text is None or "\0" in text):
        wide_text = _strict(data, wide)
        if wide_text is not None and not _CONTROL.search(wide_text):
            return Decoded(wide_text, wide, bom=False, lossless=True)
    if text is not None:
        return Decoded(text, "utf-8", bom=False, lossless=True)
    if b"\0" in data:
        raise BinaryContent("binary content")
    return Decoded(data.decode("latin-1"), "latin-1", bom=False, lossless=False)


def encode(text: str, encoding: str, *, bom: bool) -> bytes:
    """Return the bytes of the text; raises UnicodeEncodeError where the encoding cannot say it."""
    mark = dict(_MARKS)[encoding] if bom and encoding in dict(_MARKS) else b""
    return mark + text.encode(encoding)


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _wide_encoding(data: bytes) -> str | None:
    """Guess UTF-16 without a byte order mark from the zero bytes of mostly-Latin text."""
    head = data[:4096]
    pairs = len(head) // 2
    if len(data) % 2 or pairs < 2:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > pairs * 0.4 and even < pairs * 0.05:
        return "utf-16-le"
    if even > pairs * 0.4 and odd < pairs * 0.05:
        return "utf-16-be"
    return None
