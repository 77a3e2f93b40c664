"""Did the edit land, and where: the texts that come after it decide, never the client's answer.

The person may have typed before the edit was applied, between, and after, and the client may tell of all that in one message or in many.
So the explanation is looked for that leaves the person the least to have typed; an edit whose place was wrong is then found and can be
repaired, and one that is already there is never sent a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lsprotocol import types as t

from aigentflow.lsp.convert import column, to_offsets, to_range
from aigentflow.lsp.delivery.rebase import Moved
from aigentflow.lsp.documents import shortest
from aigentflow.workspace.diff import apply_edits, edits, word_edits
from aigentflow.workspace.lines import LineIndex
from aigentflow.workspace.merge import merge3
from aigentflow.workspace.proposal import TextEdit


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
        """How much the edit changes, in characters taken and given."""
        return cost(self.base, self.expected)


@dataclass(frozen=True)
class Landed:
    """The edit is in the text, once, at its place."""


@dataclass(frozen=True)
class Misplaced:
    """The client applied the edit's positions to a text they were not made for."""

    seen: str
    right: str
    """What the client should have instead of `seen`."""


@dataclass(frozen=True)
class NotSeen:
    """No text so far shows the edit."""


Verdict = Landed | Misplaced | NotSeen


def judge(sent: Sent, texts: Sequence[str]) -> Verdict:
    """Return what became of the edit, from the texts that the client sent since, in order."""
    before = sent.base
    for text in texts:
        if text != before and not isinstance(verdict := _step(sent, before, text), NotSeen):
            return verdict
        before = text
    return NotSeen()


def _step(sent: Sent, before: str, text: str) -> Verdict:
    """Judge one step from a text without the edit to the next text."""
    if text == sent.expected:
        return Landed()
    if before != sent.base:
        right = merge3(sent.base, before, sent.expected).text
        if text == right:
            return Landed()
        if text == at_positions(sent, before):
            return Misplaced(text, right)
    else:
        right = sent.expected
    typed = shortest(before, text)
    if typed.end - typed.start + len(typed.new) < sent.size // 4:
        # Too little happened for this edit to be part of it; saves the comparing while the person types.
        return NotSeen()
    return _likeliest(sent, before, right, text)


def _likeliest(sent: Sent, before: str, right: str, text: str) -> Verdict:
    """Return the explanation of a step that holds typing and perhaps the edit, by how much the person must have typed."""
    without, landed = cost(before, text), cost(right, text)
    stale = _typed_first(sent, before, text)
    if stale is not None and cost(before, stale) < min(without, landed):
        repaired = merge3(sent.base, stale, sent.expected).text
        return Landed() if repaired == text else Misplaced(text, repaired)
    if landed < without:
        return Landed()
    merged = merge3(sent.base, text, sent.expected)
    return Landed() if not merged.conflicts and merged.text == text else NotSeen()


def cost(before: str, after: str) -> int:
    """Return how many characters have to be taken and given to get from one text to the other."""
    return sum(edit.end - edit.start + len(edit.new) for edit in word_edits(before, after))


def at_positions(sent: Sent, text: str) -> str:
    """Return what a client makes of `text` that applies the edit's positions without looking at the version."""
    index = LineIndex(text)
    spans = [to_offsets(index, span, sent.encoding) for span in sent.ranges]
    return apply_edits(text, [TextEdit(start, end, edit.new) for (start, end), edit in zip(spans, sent.edits, strict=True)])


def _typed_first(sent: Sent, before: str, text: str) -> str | None:
    """Return the unseen text to which the client applied the edit's positions to get `text`, None if there is none.

    What the edit replaced is gone from `text`; it is taken from `before`, where the kept text around it lies.
    """
    walked = _kept_pieces(sent, text)
    if walked is None:
        return None
    kept = "".join(walked)
    moved = Moved(edits(kept, before))
    rebuilt, at = [walked[0]], len(walked[0])
    for span, piece in zip(sent.ranges, walked[1:], strict=True):
        rebuilt.append(_stretch(before, moved.start(at), span, sent.encoding))
        rebuilt.append(piece)
        at += len(piece)
    stale = "".join(rebuilt)
    return stale if at_positions(sent, stale) == text else None


def _kept_pieces(sent: Sent, text: str) -> list[str] | None:
    """Return what lies before, between and behind the edit's new texts, if these stand where blind positions put them."""
    index = LineIndex(text)
    pieces: list[str] = []
    at = 0
    previous = t.Position(line=0, character=0)
    for span, edit in zip(sent.ranges, sent.edits, strict=True):
        start = _advance(index, at, previous, span.start, sent.encoding)
        if not text.startswith(edit.new, start):
            return None
        pieces.append(text[at:start])
        at, previous = start + len(edit.new), span.end
    return [*pieces, text[at:]]


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


def _stretch(text: str, at: int, span: t.Range, encoding: str) -> str:
    """Return as much of the text from `at` on as the range holds."""
    return text[at : _advance(LineIndex(text), at, span.start, span.end, encoding)]
