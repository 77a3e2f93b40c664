"""What is sent together or apart: the text edits of a file, the creation of a file, an operation on a file.

A piece knows how to write itself for the text as it is now, and how to tell from what follows whether it landed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lsprotocol import types as t

from aigentflow.errors import PathError
from aigentflow.lsp.delivery.batches import Entry, before_final_line_end, text_entry
from aigentflow.lsp.delivery.echo import Echo, Landed, Misplaced, NotSeen, Sent, Unclear, Verdict
from aigentflow.lsp.documents import Document
from aigentflow.workspace.diff import edits
from aigentflow.workspace.merge import merge3
from aigentflow.workspace.proposal import TextEdit

_REPAIRS = 8


@dataclass(frozen=True)
class Outcome:
    """How a piece ended."""

    kind: Literal["landed", "refused", "unknown"]
    """`unknown`: sent, and nothing tells whether it is there; it may not be sent again."""
    reason: str = ""


@dataclass(frozen=True)
class Live:
    """A file's text as it is now: of its open document, else of the disk."""

    uri: str
    text: str
    document: Document | None = None

    @property
    def version(self) -> int | None:
        """LSP version of the open document."""
        return None if self.document is None else self.document.version


LookUp = Callable[[], Live | None]
"""Returns the live text, None where there is no such file; raises PathError where it cannot be read."""


@dataclass
class Piece:
    """Text edits of one existing file: `aim` says what the live text is to become."""

    path: str
    """Absolute."""
    look_up: LookUp
    aim: Callable[[str], str]
    outcome: Outcome | None = None
    tries: int = 0
    sent: Sent | None = None
    echo: Echo | None = None
    latest: str | None = None
    """Newest text that the client had since the edit was sent, None for none."""
    repairing: bool = False
    """The edit landed at a wrong place; the next one sent repairs it."""
    unclear: bool = False
    """The texts so far can be read both ways."""
    damaged: bool = False
    """The person typed into an edit at a wrong place, so that the repair had to leave some of it."""
    rank = 0

    def write(self, encoding: str, annotation: str | None) -> list[Entry]:
        """Return what to send for the text as it is now; with nothing to send the outcome is set."""
        live = self._live()
        if live is None:
            return []
        target = self.aim(live.text)
        if target == live.text:
            self._landed()
            return []
        made = before_final_line_end(live.text, edits(live.text, target))
        self.send(Sent(live.text, made, live.version, encoding))
        return [text_entry(live.uri, self.expect, annotation)]

    def send(self, sent: Sent) -> None:
        """Remember what is sent, and listen for its echo from now on."""
        self.sent, self.echo, self.latest = sent, Echo(sent), None
        self.repairing = self.unclear = False

    @property
    def expect(self) -> Sent:
        """What was sent last."""
        assert self.sent is not None
        return self.sent

    def hear(self, text: str) -> None:
        """Take a text that the client sent since."""
        self.latest = text
        if self.echo is not None:
            self.echo.hear(text)

    def _live(self) -> Live | None:
        try:
            live = self.look_up()
        except PathError as error:
            self.outcome = Outcome("refused", str(error))
            return None
        if live is None:
            self.outcome = Outcome("refused", "the file is gone")
        return live

    def document(self) -> Document | None:
        """Return the open document that the piece would change."""
        try:
            live = self.look_up()
        except PathError:
            return None
        return None if live is None else live.document

    def judge(self, *, refused: bool) -> Verdict:
        """Return what became of the edit, from the texts so far."""
        return self.echo.verdict(refused=refused) if self.echo is not None else NotSeen()

    def take(self, verdict: Verdict) -> bool:
        """Act on a verdict; False where it says nothing yet."""
        self.unclear = isinstance(verdict, Unclear)
        if isinstance(verdict, NotSeen | Unclear):
            return False
        if isinstance(verdict, Landed):
            self._landed()
            return True
        self.tries += 1
        self.repairing = True
        self._repair(verdict)
        if self.tries > _REPAIRS:
            self.outcome = Outcome(
                "unknown", "the editor put the edit at a wrong place and every repair too: look at this file before saving it"
            )
        return True

    def _landed(self) -> None:
        left = "the editor put it at a wrong place, where you typed on: look at this file before saving it"
        self.outcome = Outcome("unknown", left) if self.damaged else Outcome("landed")

    def _repair(self, misplaced: Misplaced) -> None:
        """Aim from now on at what the client should have had, with what the person typed since."""
        seen, right = misplaced.seen, self.aim(misplaced.stale)

        def aim(live: str) -> str:
            merged = merge3(seen, live, right)
            self.damaged = bool(merged.conflicts)
            return merged.text

        self.aim = aim

    def landed_on_disk(self) -> bool:
        """Return whether a file that the client never opened holds the expected text."""
        if self.sent is None or self.document() is not None:
            return False
        try:
            live = self.look_up()
        except PathError:
            return False
        return live is not None and live.text == self.sent.expected


@dataclass
class Creation(Piece):
    """A new file with its text; `aim` is used once the file is there and still empty."""

    uri: str = ""
    after: str = ""
    options: Callable[[], t.CreateFileOptions] = t.CreateFileOptions
    lines_of_its_own: bool = False
    """The client's empty buffer already has a line end (Neovim), which the first edit is to replace."""
    rank = 1

    def write(self, encoding: str, annotation: str | None) -> list[Entry]:
        """Return the creation with its text, or only the text where an empty file is there already."""
        try:
            live = self.look_up()
        except PathError as error:
            self.outcome = Outcome("refused", str(error))
            return []
        if live is None:
            return self._new_file(encoding, annotation)
        if live.text == self.after:
            self.outcome = Outcome("landed")
            return []
        if live.text.strip("\r\n"):
            self.outcome = Outcome("refused", "a file of this name is there by now")
            return []
        self.send(Sent(live.text, (TextEdit(0, len(live.text), self.after),), live.version, encoding))
        return [text_entry(live.uri, self.expect, annotation)]

    def _new_file(self, encoding: str, annotation: str | None) -> list[Entry]:
        self.send(Sent("", (TextEdit(0, 0, self.after),), None, encoding))
        entry = text_entry(self.uri, self.expect, annotation)
        if self.lines_of_its_own:
            entry.edits[0].range = t.Range(start=t.Position(line=0, character=0), end=t.Position(line=1, character=0))
        return [t.CreateFile(uri=self.uri, options=self.options(), annotation_id=annotation), entry]

    def hear(self, text: str) -> None:
        """Take a text; the empty line of a fresh buffer counts as nothing."""
        if text.strip("\r\n") or text == self.expect.expected:
            super().hear(text)

    def _repair(self, misplaced: Misplaced) -> None:
        self.outcome = Outcome("landed")


@dataclass
class Operation(Piece):
    """A deletion or rename: no text, only an entry and whether the disk shows it."""

    entry: Callable[[str | None], Entry] | None = None
    is_done: Callable[[], bool] = bool
    rank = 2

    def write(self, encoding: str, annotation: str | None) -> list[Entry]:
        """Return the operation's entry unless it is done already."""
        if self.is_done():
            self.outcome = Outcome("landed")
            return []
        assert self.entry is not None
        return [self.entry(annotation)]

    def judge(self, *, refused: bool) -> Verdict:
        """Return whether the disk shows the operation."""
        return Landed() if self.is_done() else NotSeen()

    def document(self) -> Document | None:
        """Operations have no text, so no document whose version matters."""
        return None

    def landed_on_disk(self) -> bool:
        """Return whether the disk shows the operation."""
        return self.is_done()
