"""Did the edit land, and where: the texts that come after it decide, never the client's answer.

The person may have typed before the edit was applied, between, and after, and the client may tell of all that in one message or in many.
So the explanation is looked for that leaves the person the least to have typed; an edit whose place was wrong is then found and can be
repaired, and one that is already there is never sent a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, product, zip_longest

from lsprotocol import types as t

from aigentflow.lsp.convert import column, to_offsets, to_range
from aigentflow.lsp.delivery.rebase import Moved, near_edits
from aigentflow.lsp.documents import shortest
from aigentflow.workspace.diff import apply_edits, edits, word_edits
from aigentflow.workspace.lines import LineIndex, split_lines
from aigentflow.workspace.merge import merge3
from aigentflow.workspace.proposal import TextEdit

_TELLING = 6
"""Length from which a line is not typed by chance."""
_COMBINED = 6
"""Edits up to which all combinations of what they may have replaced are tried."""
_PLACE = 8
"""What going to another place counts, in characters: people type on where they are."""


@dataclass(frozen=True)
class Sent:
    """An edit on its way: computed on `base`, which the client had under `version`."""

    base: str
    edits: tuple[TextEdit, ...]
    version: int | None
    encoding: str

    @cached_property
    def expected(self) -> str:
        """Text that the client has if it applies the edit to `base`."""
        return apply_edits(self.base, self.edits)

    @cached_property
    def ranges(self) -> tuple[t.Range, ...]:
        """Where the edits go, as the client is told."""
        index = LineIndex(self.base)
        return tuple(to_range(index, edit.start, edit.end, self.encoding) for edit in self.edits)

    @cached_property
    def size(self) -> int:
        """How many characters the edit takes and gives."""
        return sum(edit.end - edit.start + len(edit.new) for edit in self.edits)


@dataclass(frozen=True)
class Landed:
    """The edit is in the text, once, at its place."""


@dataclass(frozen=True)
class Misplaced:
    """The client applied the edit's positions to a text they were not made for."""

    seen: str
    stale: str
    """The text without the edit that they were applied to."""


@dataclass(frozen=True)
class NotSeen:
    """No text so far shows the edit."""


@dataclass(frozen=True)
class Unclear:
    """The texts can be explained with the edit and without it about equally well: it may not be sent again."""


Verdict = Landed | Misplaced | NotSeen | Unclear


class Echo:
    """Hears the texts that follow an edit, one by one, and keeps what they say of it."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._before = sent.base
        self._verdict: Verdict = NotSeen()
        self._exact = False

    def hear(self, text: str) -> None:
        """Take the next text that the client sent."""
        if text == self._before or isinstance(self._verdict, Misplaced):
            return
        verdict = self._step(self._before, text)
        if not isinstance(self._verdict, Landed) and not isinstance(verdict, NotSeen):
            self._verdict = verdict
        self._before = text

    def verdict(self, *, refused: bool) -> Verdict:
        """Return what became of the edit; after a refusal only a text that is exactly right shows that it is there all the same."""
        if refused:
            return Landed() if self._exact else NotSeen()
        return self._verdict

    def _step(self, before: str, text: str) -> Verdict:
        sent, typed = self._sent, shortest(before, text)
        blind = before != sent.base and text == at_positions(sent, before)
        if not blind and text != sent.expected and typed.end - typed.start + len(typed.new) < sent.size // 4:
            # Too little happened for this edit to be part of it; saves the comparing while the person types.
            return NotSeen()
        right = sent.expected if before == sent.base else merge3(sent.base, before, sent.expected).text
        if blind and text != right:
            return Misplaced(text, before)
        if text in (right, sent.expected):
            self._exact = True
            return Landed()
        return _likeliest(sent, before, right, text)


def judge(sent: Sent, texts: Iterable[str], *, refused: bool = False) -> Verdict:
    """Return what these texts, in order, say of an edit."""
    echo = Echo(sent)
    for text in texts:
        echo.hear(text)
    return echo.verdict(refused=refused)


def _likeliest(sent: Sent, before: str, right: str, text: str) -> Verdict:
    """Return the explanation of a step that holds typing and perhaps the edit, by how much the person must have typed."""
    without, landed, margin = cost(before, text), cost(right, text), max(1, cost(before, right) // 2)
    stale = _typed_first(sent, before, text)
    if stale is not None and cost(before, stale) + margin <= min(without, landed):
        repaired = merge3(sent.base, stale, sent.expected).text
        return Landed() if repaired == text else Misplaced(text, stale)
    if landed + margin <= without:
        return Landed()
    return NotSeen() if without + margin <= landed else Unclear()


def cost(before: str, after: str) -> int:
    """Return how much typing leads from one text to the other: characters taken and given, and places gone to."""
    return sum(edit.end - edit.start + len(edit.new) + _PLACE for edit in near_edits(before, after, word_edits))


def has_traces(sent: Sent, text: str) -> bool:
    """Return whether a line that only the edit can have brought is in the text: then it may not be sent again unseen."""
    lines = (line.strip() for edit in sent.edits for line in split_lines(edit.new))
    return any(len(line) >= _TELLING and line not in sent.base and line in text for line in lines)


def at_positions(sent: Sent, text: str) -> str:
    """Return what a client makes of `text` that applies the edit's positions without looking at the version."""
    index = LineIndex(text)
    spans = [to_offsets(index, span, sent.encoding) for span in sent.ranges]
    return apply_edits(text, [TextEdit(start, end, edit.new) for (start, end), edit in zip(spans, sent.edits, strict=True)])


def _typed_first(sent: Sent, before: str, text: str) -> str | None:
    """Return the unseen text to which the client applied the edit's positions to get `text`, None if there is none.

    What the edit replaced is gone from `text`; it is taken from `before`, where the kept text around it lies.
    """
    kept = _kept_pieces(sent, text)
    if kept is None:
        return None
    gone = list(_replaced(sent, before, kept))
    choices = product(*gone) if len(gone) <= _COMBINED else zip(*gone, strict=True)
    found = ("".join(chain.from_iterable(zip_longest(kept, chosen, fillvalue=""))) for chosen in choices)
    fitting = {stale for stale in found if at_positions(sent, stale) == text}
    return min(fitting, key=lambda stale: cost(before, stale), default=None)


def _replaced(sent: Sent, before: str, kept: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield for each edit what it may have replaced: text behind the piece to its left, or before the piece to its right."""
    index, moved, at = LineIndex(before), Moved(edits("".join(kept), before)), 0
    for span, piece in zip(sent.ranges, kept, strict=False):
        at += len(piece)
        left, right = moved.end(at) if span.start == span.end else moved.start_of_change(at), moved.start(at)
        onward = before[left : _advance(index, left, span.start, span.end, sent.encoding)]
        line = max(0, index.line_of(right) - (span.end.line - span.start.line))
        start, stop = index.line_span(line)
        backward = before[min(right, start + column(before[start:stop], span.start.character, sent.encoding)) : right]
        yield onward, ("" if span.start == span.end else backward)


def _kept_pieces(sent: Sent, text: str) -> list[str] | None:
    """Return what lies before, between and behind the edit's new texts, if these stand where blind positions put them."""
    index = LineIndex(text)
    pieces: list[str] = []
    at = 0
    previous = t.Position(line=0, character=0)
    for span, edit in zip(sent.ranges, sent.edits, strict=True):
        start = _place_of(index, edit.new, _advance(index, at, previous, span.start, sent.encoding))
        if start is None or start < at:
            return None
        pieces.append(text[at:start])
        at, previous = start + len(edit.new), span.end
    return [*pieces, text[at:]]


def _place_of(index: LineIndex, new: str, start: int) -> int | None:
    """Return where the new text stands: at `start`, or before it where the line it was put into was shorter than that."""
    if index.text.startswith(new, start):
        return start
    begin, stop = index.line_span(index.line_of(start))
    clamped = stop - len(split_lines(new)[0].rstrip("\r\n")) if new else stop
    return clamped if begin <= clamped <= start and index.text.startswith(new, clamped) else None


def _advance(index: LineIndex, at: int, from_: t.Position, to: t.Position, encoding: str) -> int:
    """Return the offset that lies as far behind `at` as `to` lies behind `from_`, clamped to the line as clients do."""
    line = index.line_of(at)
    if to.line == from_.line:
        return at + column(index.text[at : index.line_span(line)[1]], to.character - from_.character, encoding)
    line += to.line - from_.line
    if line >= index.n_lines:
        return len(index.text)
    start, stop = index.line_span(line)
    return start + column(index.text[start:stop], to.character, encoding)
