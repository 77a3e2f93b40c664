"""Takes known secrets out of a text, also where they were written in base64, in hexadecimal, for a URL or for JSON."""

from __future__ import annotations

import binascii
import json
from collections.abc import Iterable, Iterator

from .hidden_values import SHORTEST

MARK = "[hidden]"
_MOST_FORMS = 3000
_WHOLE = 8 << 10
"""Bytes of a file up to which its own base64 is looked for."""
_WIDTHS = (76, 64)
"""Characters after which the usual programs break a line of base64."""
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")


class Mask:
    """Replaces secrets, in all the forms of them that are known, by a mark; a text takes time linear in its length per form."""

    def __init__(self, values: Iterable[str], files: Iterable[bytes] = ()) -> None:
        forms: dict[str, None] = {}
        for value in values:
            forms |= dict.fromkeys(_forms(value))
        for data in files:
            if SHORTEST <= len(data) <= _WHOLE:
                forms |= dict.fromkeys(_base64(data))
        usable = [form for form in forms if len(form) >= SHORTEST]
        self._forms = tuple(sorted(usable[:_MOST_FORMS], key=len, reverse=True))

    def masked(self, text: str) -> str:
        """Return the text with `[hidden]` in place of each secret."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MARK)
        return text

    def brings(self, new: bytes, before: bytes) -> bool:
        """Whether the new content of a file holds a secret that its former content did not."""
        text, known = new.decode("utf-8", "replace"), before.decode("utf-8", "replace")
        return any(form in text and form not in known for form in self._forms)


def _forms(value: str) -> Iterator[str]:
    data = value.encode("utf-8", "surrogateescape")
    yield value
    yield data.decode("utf-8", "replace")
    for ascii_only in (True, False):
        yield json.dumps(value, ensure_ascii=ascii_only)[1:-1]
    for safe in (_SAFE, _SAFE | {"/"}):
        quoted = "".join(chr(byte) if chr(byte) in safe else f"%{byte:02X}" for byte in data)
        yield quoted
        yield quoted.replace("%20", "+")
    yield "".join(chr(byte) if chr(byte) in _SAFE else f"%{byte:02x}" for byte in data)
    yield data.hex()
    yield from _base64(data)


def _base64(data: bytes) -> Iterator[str]:
    """Yield the base64 of the data, whole and broken into lines, with and without its end, which a line end behind the data changes."""
    whole = binascii.b2a_base64(data, newline=False).decode("ascii")
    stable = whole[: len(data) // 3 * 4]
    for text in (whole, stable):
        yield text
        yield text.replace("+", "-").replace("/", "_").rstrip("=")
    for width in _WIDTHS:
        if len(stable) > width:
            yield from (stable[start : start + width] for start in range(0, len(stable), width))
