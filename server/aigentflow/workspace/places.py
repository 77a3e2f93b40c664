"""Where the old text of an edit stands, and what to say where that is not exactly one place.

The model writes `\\n`; the file keeps its own line ends, so both sides are compared without the difference.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from ..errors import EditError
from .diff import apply_edits, edits
from .lines import LineIndex, line_end_of
from .proposal import TextEdit

_LINE_END = re.compile(r"\r\n|\r")
_SPACE = re.compile(r"\s+")
_SHOWN_LINES = 8
_SHOWN_CHARACTERS = 200
_WINDOWS = 4_000
_PLACES_NAMED = 10


class PlainText:
    """A text with `\\n` for every line end, which knows where its offsets lie in the text itself."""

    def __init__(self, original: str) -> None:
        self.original = original
        self.text = plain(original)
        self._pairs = _pair_places(original) if len(self.text) != len(original) else []

    def offset(self, at: int) -> int:
        """Return where the offset of the plain text lies in the original."""
        return at + bisect_left(self._pairs, at)

    def replaced(self, places: Sequence[int], length: int, new: str) -> list[TextEdit]:
        """Return the edits of the original that put `new` in places of one and the same text; what stays keeps its line ends."""
        start = places[0]
        relative = edits(self.text[start : start + length], plain(new))
        style = line_end_of(self.original)
        return [
            TextEdit(self.offset(at + edit.start), self.offset(at + edit.end), edit.new.replace("\n", style))
            for at in places
            for edit in relative
        ]


def plain(text: str) -> str:
    """Return the text with `\\n` for every line end."""
    return _LINE_END.sub("\n", text) if "\r" in text else text


def _pair_places(original: str) -> list[int]:
    """Return where the line ends that were `\\r\\n` stand in the plain text."""
    return [match.start() - number for number, match in enumerate(re.finditer(r"\r\n", original))]


def _find_places(text: str, old: str) -> list[int]:
    """Return where `old` begins, overlapping occurrences included, up to a bound that is enough to name them."""
    found: list[int] = []
    at = text.find(old)
    while at >= 0 and len(found) < 10_001:
        found.append(at)
        at = text.find(old, at + 1)
    return found


def replace_text(path: str, text: str, old: str, new: str, *, replace_all: bool) -> tuple[str, int]:
    """Return the changed text and how many places were changed."""
    if plain(old) == plain(new):
        places = _places(path, text, old, replace_all=replace_all)
        return apply_edits(text, [TextEdit(at, at + len(old), new) for at in places]), len(places)
    view, wanted = PlainText(text), plain(old)
    places = _places(path, view.text, wanted, replace_all=replace_all)
    return apply_edits(text, view.replaced(places, len(wanted), new)), len(places)


def _places(path: str, text: str, old: str, *, replace_all: bool) -> list[int]:
    places = _find_places(text, old)
    if not places:
        raise _not_found(path, plain(text), plain(old))
    if replace_all:
        return _without_overlap(text, old)
    if len(places) > 1:
        raise _many_found(path, text, places)
    return places


def _without_overlap(text: str, old: str) -> list[int]:
    found: list[int] = []
    at = text.find(old)
    while at >= 0:
        found.append(at)
        at = text.find(old, at + len(old))
    return found


def _not_found(path: str, text: str, old: str) -> EditError:
    """Return the error for an old text that occurs nowhere; it quotes the nearest lines with their numbers."""
    lines = text.split("\n")
    wanted = old.strip("\n").split("\n")
    start, only_space = _nearest(lines, wanted)
    if start is None:
        return EditError(f"{path}: the old text does not occur, nor does anything like it. Read the file again.")
    hint = "; it differs from these lines only in white space" if only_space else ""
    quoted = "\n".join(_quote(lines, start, min(len(wanted), _SHOWN_LINES), wanted))
    return EditError(f"{path}: the old text does not occur{hint}. Nearest match:\n{quoted}")


def _many_found(path: str, text: str, places: list[int]) -> EditError:
    """Return the error for an old text that occurs more than once."""
    index = LineIndex(text)
    named = ", ".join(str(index.line_of(at) + 1) for at in places[:_PLACES_NAMED])
    more = ", …" if len(places) > _PLACES_NAMED else ""
    count = "more than 10,000" if len(places) > 10_000 else str(len(places))
    return EditError(
        f"{path}: the old text occurs {count} times (lines {named}{more}). Add lines around it until it occurs once, or use replace_all."
    )


def _nearest(lines: list[str], wanted: list[str]) -> tuple[int | None, bool]:
    """Return the line where the best match begins, and whether only white space differs there."""
    squeezed = [_squeeze(line) for line in wanted]
    offsets: dict[str, list[int]] = {}
    for number, line in enumerate(squeezed):
        if len(line) > 2:
            offsets.setdefault(line, []).append(number)
    votes: dict[int, int] = {}
    for at, text in enumerate(lines):
        line = _squeeze(text)
        for number in offsets.get(line, ()):
            if at >= number:
                votes[at - number] = votes.get(at - number, 0) + len(line)
    best = max(votes, key=lambda start: (votes[start], -start)) if votes else None
    if best is not None and [_squeeze(line) for line in lines[best : best + len(wanted)]] == squeezed:
        return best, True
    if best is not None and votes[best] * 3 > sum(map(len, squeezed)):
        return best, False
    alike = _most_alike(lines, squeezed)
    return (best if alike is None else alike), False


def _most_alike(lines: list[str], wanted: list[str]) -> int | None:
    """Return where the line stands that is most like the longest wanted one, if any is like it at all."""
    number, target = max(enumerate(wanted), key=lambda pair: len(pair[1]))
    target = target[:_SHOWN_CHARACTERS]
    inside = next((at for at, line in enumerate(lines) if target and target in _squeeze(line)), None)
    if inside is not None:
        return max(0, inside - number)
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(target)
    best, best_ratio = None, 0.5
    for at, line in _candidates(lines, target):
        matcher.set_seq1(line)
        if matcher.real_quick_ratio() > best_ratio and matcher.quick_ratio() > best_ratio and matcher.ratio() > best_ratio:
            best, best_ratio = at, matcher.ratio()
    return None if best is None else max(0, best - number)


def _candidates(lines: list[str], target: str) -> Iterator[tuple[int, str]]:
    """Yield lines of about the length of the target, at most as many as can be compared in time."""
    count = 0
    for at, line in enumerate(lines):
        if len(line) * 3 < len(target) or not line.strip():
            continue
        count += 1
        if count > _WINDOWS:
            return
        yield at, _squeeze(line[: _SHOWN_CHARACTERS * 2])[:_SHOWN_CHARACTERS]


def _squeeze(line: str) -> str:
    return _SPACE.sub(" ", line.strip())


def _quote(lines: list[str], start: int, count: int, wanted: list[str]) -> Iterator[str]:
    for at in range(start, min(len(lines), start + count)):
        yield f"{at + 1:>6}\t{_excerpt(lines[at], wanted[0].strip())}"


def _excerpt(line: str, wanted: str) -> str:
    """Return the line, or of a long one the part around the longest beginning of `wanted` in it."""
    if len(line) <= _SHOWN_CHARACTERS:
        return line
    low, high = 0, min(len(wanted), _SHOWN_CHARACTERS)
    while low < high:
        middle = (low + high + 1) // 2
        if wanted[:middle] in line:
            low = middle
        else:
            high = middle - 1
    at = max(0, line.find(wanted[:low]) - 20)
    return ("…" if at else "") + line[at : at + _SHOWN_CHARACTERS] + "…"
