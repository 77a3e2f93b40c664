"""YAML as nodes that know where they stand. Values stay text: what is a flag or a number is decided by the field that reads it.

Built from parser events without recursion, so that deep nesting and alias bombs cost nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from aigentflow.definitions.values import Span

if TYPE_CHECKING:
    from yaml import Event

_DEEPEST = 24
_MOST_NODES = 5_000
_BRACKETS = re.compile(r"(?:[\[{][ \t\r\n]*){24}")
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True)
class Scalar:
    """One value as it was written, quotes resolved."""

    text: str
    span: Span
    plain: bool = True
    """Written without quotes."""
    raw: bool = False
    """Taken from a line that is not valid YAML."""

    @property
    def is_empty(self) -> bool:
        """Whether YAML calls this null."""
        return self.plain and self.text in _NOTHING


@dataclass(frozen=True)
class Items:
    """A sequence."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True)
class Entry:
    """One `key: value`."""

    key: Scalar
    value: Node


@dataclass(frozen=True)
class Fields:
    """A mapping; keys may repeat."""

    entries: tuple[Entry, ...]
    span: Span

    def get(self, name: str) -> Entry | None:
        """Return the last entry of that name."""
        return next((entry for entry in reversed(self.entries) if entry.key.text == name), None)


Node: TypeAlias = Scalar | Items | Fields


class NotYaml(ValueError):
    """The text is not YAML, or more of it than anybody writes by hand; `offset` is in the text of the file."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def compose(text: str, shift: int = 0) -> Node | None:
    """Return the root node of one YAML document, spans moved by `shift`; None for an empty document."""
    import yaml  # Not before it is needed: the server answers `initialize` without it.

    if (brackets := _BRACKETS.search(text)) is not None:
        # Each would be refused below as well; the scanner needs quadratic time to get there.
        raise NotYaml("nested too deeply", shift + brackets.start())
    builder = _Builder(text, shift)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotYaml(error.problem or error.context or "not valid YAML", shift + (mark.index if mark else 0)) from error
    except yaml.reader.ReaderError as error:
        raise NotYaml("a character that YAML does not allow", shift + min(int(error.position), len(text))) from error
    except (yaml.YAMLError, ValueError, OverflowError, IndexError) as error:
        if isinstance(error, NotYaml):
            raise
        raise NotYaml("not valid YAML", shift) from error
    return builder.root


@dataclass
class _Open:
    """A collection whose end has not come yet."""

    mapping: bool
    start: int
    anchor: str | None
    children: list[Node] = field(default_factory=list)


class _Builder:
    def __init__(self, text: str, shift: int) -> None:
        self.root: Node | None = None
        self._text = text
        self._shift = shift
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._n_nodes = 0

    def take(self, event: Event) -> None:
        import yaml

        if isinstance(event, yaml.ScalarEvent):
            span = self._trimmed(_start(event), _end(event))
            self._add(Scalar(str(event.value), span, plain=not event.style), event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise NotYaml(f"undefined alias {event.anchor!r}", self._shift + _start(event))
            self._add(self._anchors[event.anchor], None)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if len(self._open) >= _DEEPEST:
                raise NotYaml("nested too deeply", self._shift + _start(event))
            self._open.append(_Open(isinstance(event, yaml.MappingStartEvent), _start(event), event.anchor))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close(event)

    def _close(self, event: Event) -> None:
        done = self._open.pop()
        span = self._trimmed(done.start, _end(event))
        if not done.mapping:
            self._add(Items(tuple(done.children), span), done.anchor)
            return
        pairs = zip(done.children[::2], done.children[1::2], strict=True)
        entries = tuple(Entry(_as_key(key), value) for key, value in pairs)
        self._add(Fields(entries, span), done.anchor)

    def _add(self, node: Node, anchor: str | None) -> None:
        self._n_nodes += 1
        if self._n_nodes > _MOST_NODES:
            raise NotYaml("too many values", node.span.start)
        if anchor is not None:
            self._anchors[anchor] = node
        if self._open:
            self._open[-1].children.append(node)
        elif self.root is None:
            self.root = node
        else:
            raise NotYaml("a second document", node.span.start)

    def _trimmed(self, start: int, end: int) -> Span:
        while end > start and self._text[end - 1 : end].isspace():
            end -= 1
        return Span(start + self._shift, end + self._shift)


def _as_key(node: Node) -> Scalar:
    return node if isinstance(node, Scalar) else Scalar("", node.span, plain=False)


def _start(event: Event) -> int:
    return event.start_mark.index if event.start_mark is not None else 0


def _end(event: Event) -> int:
    return event.end_mark.index if event.end_mark is not None else 0
