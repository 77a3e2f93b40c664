"""Passes on what a run tells: secrets out, control characters out, and small pieces of text put together."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from aigentflow.redaction import Redactor
from aigentflow.runtime.events import Event, Noted, Refused, Text, Thinking, ToolAnswered, ToolCalled, Waiting

_PIECE = 2000
"""Characters after which text is passed on at once."""
_SECONDS = 0.08
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f\ud800-\udfff]")


def for_display(text: str) -> str:
    """Return the text without escape codes, control, direction and tag characters; line ends and tabs stay."""
    return _HIDDEN.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))


class Teller:
    """The listener that everything below `execute` is given."""

    def __init__(self, on_event: Callable[[Event], None], redactor: Redactor, clock: Callable[[], float] = time.monotonic) -> None:
        self._on_event = on_event
        self._redactor = redactor
        self._clock = clock
        self._kind: type[Text] | type[Thinking] = Text
        self._pieces: list[str] = []
        self._size = 0
        self._since = 0.0
        self.notes: list[str] = []
        """The sentences that were noted, each once."""

    def __call__(self, event: Event) -> None:
        """Take an event; text may wait a moment for more of its kind."""
        if isinstance(event, Text | Thinking):
            self._gather(event)
            return
        self.flush()
        cleaned = self.cleaned(event)
        if isinstance(cleaned, Noted) and cleaned.text not in self.notes:
            self.notes.append(cleaned.text)
        self._on_event(cleaned)

    def flush(self) -> None:
        """Pass on the text that waits."""
        if self._pieces:
            text, self._pieces, self._size = "".join(self._pieces), [], 0
            self._on_event(self._kind(self.words(text)))

    def words(self, text: str) -> str:
        """Return the text as it may be shown and written down."""
        return self._redactor.text(for_display(text))

    def _gather(self, event: Text | Thinking) -> None:
        now = self._clock()
        if type(event) is not self._kind:
            self.flush()
            self._kind = type(event)
        if not self._pieces:
            self._since = now
        self._pieces.append(event.text)
        self._size += len(event.text)
        if self._size >= _PIECE or now - self._since >= _SECONDS:
            self.flush()

    def cleaned(self, event: Event) -> Event:
        """Return the event as it may be shown and written down."""
        match event:
            case Noted(text):
                return Noted(self.words(text))
            case Waiting(reason, seconds):
                return Waiting(self.words(reason), seconds)
            case ToolCalled(tool, subject, identifier):
                return ToolCalled(self.words(tool), self.words(subject), identifier)
            case ToolAnswered(tool, identifier, is_error, summary):
                return ToolAnswered(self.words(tool), identifier, is_error, self.words(summary))
            case Refused(tool, path, reason, rule, pattern, owner):
                return Refused(self.words(tool), self.words(path), self.words(reason), rule, pattern, owner)
            case _:
                return event
