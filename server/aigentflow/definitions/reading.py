"""Reads typed values out of nodes; what does not fit becomes a problem at its place and the value is left out."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from aigentflow.definitions.nodes import Entry, Fields, Items, Node, Scalar
from aigentflow.definitions.values import Problem, Severity, Span

_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_MOST_PROBLEMS = 100


class Reader:
    """Collects the problems of one file while its fields are read."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, message: str, span: Span, severity: Severity = "warning", code: str = "front-matter.type") -> None:
        """Note a problem; beyond a hundred nobody reads them."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(message, span, severity, code))

    def string(self, entry: Entry | None, *, severity: Severity = "warning") -> str | None:
        """Return the text of the entry; dates, numbers and words such as `no` stay as written."""
        if entry is None:
            return None
        value = entry.value
        if isinstance(value, Scalar) and not value.is_empty:
            return value.text
        self.problem(f"{entry.key.text!r} has to be a text", place_of(entry), severity)
        return None

    def flag(self, entry: Entry) -> bool | None:
        """Return the entry as yes or no; None where it is neither."""
        value = entry.value
        if isinstance(value, Scalar) and not value.raw:
            word = value.text.strip().lower()
            if word in _TRUE or word in _FALSE:
                return word in _TRUE
        return None

    def unknown_keys(self, fields: Fields, known: Collection[str], quiet: Collection[str] = ()) -> tuple[tuple[Entry, str], ...]:
        """Warn of keys that look misspelt and return them with what they were meant to be; others are none of our business."""
        misspelt = []
        for entry in fields.entries:
            name = entry.key.text
            if name in known or name in quiet or not name:
                continue
            meant = close_to(name, known)
            if meant is not None:
                self.problem(f"Unknown field {name!r}; did you mean {meant!r}?", entry.key.span, code="front-matter.unknown")
                misspelt.append((entry, meant))
        return tuple(misspelt)

    def repeated_keys(self, fields: Fields) -> tuple[str, ...]:
        """Warn of keys that stand there twice and return them; the last one counts."""
        seen: set[str] = set()
        twice = []
        for entry in fields.entries:
            name = entry.key.text
            if name in seen:
                self.problem(f"{name!r} stands here twice; this one counts", entry.key.span, code="front-matter.repeated")
                twice.append(name)
            seen.add(name)
        return tuple(twice)


def strings(node: Node) -> list[Scalar] | None:
    """Return the texts of a list, or of a comma-separated text; None where it is anything else."""
    if isinstance(node, Scalar):
        return None if node.is_empty or node.raw else split_commas(node)
    if not isinstance(node, Items):
        return None
    found = [item for item in node.items if isinstance(item, Scalar) and not item.is_empty and item.text.strip()]
    return found if len(found) == len(node.items) else None


def split_commas(scalar: Scalar) -> list[Scalar]:
    """Return the parts of a text between the commas that stand in no bracket, blank ones left out."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(scalar.text + ","):
        if char in "({[":
            depth += 1
        elif char in ")}]":
            depth = max(0, depth - 1)
        elif (char == "," and depth == 0) or at == len(scalar.text):
            parts.append(scalar.text[start:at].strip())
            start = at + 1
    return [Scalar(part, scalar.span, scalar.plain, scalar.raw) for part in parts if part]


def place_of(entry: Entry) -> Span:
    """Return where the entry's value stands, or its key where it has none."""
    span = entry.value.span
    return span if span.end > span.start else entry.key.span


def close_to(name: str, known: Collection[str]) -> str | None:
    """Return the known name that this one is probably a misspelling of."""
    folded = {_folded(word): word for word in known}
    exact = folded.get(_folded(name))
    if exact is not None:
        return exact
    close = difflib.get_close_matches(_folded(name)[:60], folded, n=1, cutoff=0.75)
    return folded[close[0]] if close else None


def _folded(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
