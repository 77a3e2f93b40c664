"""The minimal edits between two texts: whole lines first, then trimmed to the characters that differ."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from .alignment import differences
from .lines import split_lines
from .patch import unified
from .proposal import Hunk, TextEdit

__all__ = ["apply_edits", "edits", "hunks", "unified", "word_edits"]

_WORD = re.compile(r"\w+|\r\n|\s|[^\w\s]")
_LONG = 2_000
"""Characters from which a replaced stretch is looked at word by word, so that a minified file is not one hunk."""
_TOO_LONG = 2_000_000


def edits(before: str, after: str) -> tuple[TextEdit, ...]:
    """Return the edits that turn `before` into `after`: ascending, not overlapping, one for each place that differs."""
    return tuple(_line_edits(before, after))


def word_edits(before: str, after: str) -> tuple[TextEdit, ...]:
    """Return the same as `edits`, each place refined to the words that differ."""
    found: list[TextEdit] = []
    for edit in _line_edits(before, after):
        found += _refined(before, edit)
    return tuple(found)


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """Return the text with the edits made; raises ValueError where they overlap or lie outside."""
    pieces: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if not at <= edit.start <= edit.end <= len(text):
            raise ValueError(f"edit [{edit.start}, {edit.end}) overlaps another or lies outside the text")
        pieces += (text[at : edit.start], edit.new)
        at = edit.end
    pieces.append(text[at:])
    return "".join(pieces)


def hunks(path: str, before: str, after: str) -> tuple[Hunk, ...]:
    """Return one hunk for each place that differs."""
    return tuple(Hunk(f"{path}#{number}", edit, before[edit.start : edit.end]) for number, edit in enumerate(edits(before, after), start=1))


def _line_edits(before: str, after: str) -> list[TextEdit]:
    if before == after:
        return []
    a, b = split_lines(before), split_lines(after)
    a_starts, b_starts = _starts(a), _starts(b)
    found: list[TextEdit] = []
    for a_start, a_end, b_start, b_end in differences(a, b):
        edit = TextEdit(a_starts[a_start], a_starts[a_end], after[b_starts[b_start] : b_starts[b_end]])
        if a_start < a_end and b_start < b_end:
            edit = _trimmed(before, edit)
        long = edit.end - edit.start > _LONG and len(edit.new) > _LONG
        found += _refined(before, edit) if long else [edit]
    return found


def _starts(pieces: Sequence[str]) -> list[int]:
    starts = [0]
    for piece in pieces:
        starts.append(starts[-1] + len(piece))
    return starts


def _refined(before: str, edit: TextEdit) -> list[TextEdit]:
    old = before[edit.start : edit.end]
    if not old or not edit.new or len(old) + len(edit.new) > _TOO_LONG:
        return [edit]
    a, b = _WORD.findall(old), _WORD.findall(edit.new)
    a_starts, b_starts = _starts(a), _starts(b)
    return [
        _trimmed(before, TextEdit(edit.start + a_starts[a0], edit.start + a_starts[a1], edit.new[b_starts[b0] : b_starts[b1]]))
        for a0, a1, b0, b1 in differences(a, b)
    ]


def _trimmed(before: str, edit: TextEdit) -> TextEdit:
    """Return the edit without what both sides begin and end with; never cuts `\\r\\n` or a character with its marks."""
    old, new = before[edit.start : edit.end], edit.new
    head = common_prefix(old, new)
    while head and (_inside_cluster(old, head) or _inside_cluster(new, head)):
        head -= 1
    tail = common_suffix(old, new, min(len(old), len(new)) - head)
    while tail and (_inside_cluster(old, len(old) - tail) or _inside_cluster(new, len(new) - tail)):
        tail -= 1
    return TextEdit(edit.start + head, edit.end - tail, new[head : len(new) - tail])


def common_prefix(a: str, b: str) -> int:
    """Return how many characters both texts begin with, by halving, so that the comparing runs at the speed of slices."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def common_suffix(a: str, b: str, most: int) -> int:
    """Return how many characters both texts end with, at most `most`."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _inside_cluster(text: str, at: int) -> bool:
    """Whether the place lies between two characters that belong together."""
    if not 0 < at < len(text):
        return False
    left, right = text[at - 1], text[at]
    if left == "\r" and right == "\n":
        return True
    if right.isascii():
        return False
    return left == "\u200d" or right in "\u200d\ufe0f" or unicodedata.combining(right) != 0
