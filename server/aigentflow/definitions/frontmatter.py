"""Front matter of a Markdown file: strict YAML first, then key by key, so that one bad line costs that line only.

One file in five that people use every day is not valid YAML; their own tools read it, so we do too.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from aigentflow.definitions.nodes import Entry, Fields, NotYaml, Scalar, compose
from aigentflow.definitions.reading import close_to
from aigentflow.definitions.values import Problem, Span

LARGEST = 64 * 1024
"""Code points of front matter that are still read."""

_MOST_KEYS = 1_000

_OPENING = re.compile(r"\ufeff?(?:[ \t]*(?:\r\n|\n|\r))*---[ \t]*(?:\r\n|\n|\r|\Z)")
_CLOSING = re.compile(r"(?<=[\r\n])(?:---|\.\.\.)[ \t]*(?=[\r\n]|\Z)")
_KEY = re.compile(r"(?:\A|(?<=[\r\n\ufeff]))([A-Za-z_][\w-]*)[ \t]*:(?=[ \t\r\n]|\Z)")
_HEADING = re.compile(r"(?<=[\r\n])#{1,6}[ \t]+\S")
_LINE_END = re.compile(r"\r\n|\n|\r")
_INDENT = re.compile(r"^[ \t]*\t[ \t]*", re.MULTILINE)


@dataclass(frozen=True)
class FrontMatter:
    """The fields of a file's head; `present` is False where the file has none."""

    fields: Fields
    body: Span
    problems: tuple[Problem, ...] = ()
    present: bool = True


def read_front_matter(text: str, known: Collection[str]) -> FrontMatter:
    """Return the front matter; `known` are the keys that the line-by-line reading believes in."""
    opening = _OPENING.match(text)
    if opening is None:
        start = 1 if text.startswith("\ufeff") else 0
        return FrontMatter(Fields((), Span(start, start)), Span(start, len(text)), present=False)
    start = opening.end()
    closing = _CLOSING.search(text, start)
    if closing is None:
        return _unclosed(text, start, known, len(text))
    stop, body = closing.start(), _after_line(text, closing.end())
    if stop - start > LARGEST:
        problem = Problem("The front matter is too large and was not read", Span(start, start + 1), "error", "front-matter.size")
        return FrontMatter(Fields((), Span(start, start)), Span(body, len(text)), (problem,))
    fields, problems = read_fields(text, Span(start, stop), known)
    is_odd = bool(problems) or any(" " in entry.key.text for entry in fields.entries)
    if is_odd and _swallowed_body(text, start, stop, known) is not None:
        return _unclosed(text, start, known, stop)
    return FrontMatter(fields, Span(body, len(text)), problems)


def read_fields(text: str, inner: Span, known: Collection[str]) -> tuple[Fields, tuple[Problem, ...]]:
    """Return the top-level fields of the YAML in `inner`; on bad YAML those of the `known` keys, with a problem that says so."""
    chunk = text[inner.start : inner.end]
    try:
        root = compose(chunk, inner.start)
    except NotYaml as error:
        fields, problem = _line_by_line(text, inner, known, error)
        return fields, (problem,)
    if root is None or (isinstance(root, Scalar) and root.is_empty):
        return Fields((), inner), ()
    if isinstance(root, Fields):
        return root, ()
    problem = Problem("Expected `key: value` lines here", root.span, "error", "front-matter.shape")
    return Fields((), inner), (problem,)


def _line_by_line(text: str, inner: Span, known: Collection[str], error: NotYaml) -> tuple[Fields, Problem]:
    at = min(max(error.offset, inner.start), max(inner.end - 1, inner.start))
    problem = Problem(f"Not valid YAML ({error}); read line by line instead", Span(at, at + 1), "info", "front-matter.yaml")
    keys = _known_keys(text, inner, known)
    stops = [*(match.start() for match in keys[1:]), inner.end]
    entries = tuple(_entry(text, match, stop) for match, stop in zip(keys, stops, strict=False))
    return Fields(entries, inner), problem


def _known_keys(text: str, inner: Span, known: Collection[str]) -> list[re.Match[str]]:
    """Return the keys that are known or look like a misspelling of a known one: what restricts may not vanish in another value."""
    found = [match for match in _KEY.finditer(text, inner.start, inner.end)][:_MOST_KEYS]
    names = {match.group(1) for match in found}
    meant = {name for name in names if name in known or close_to(name, known) is not None}
    return [match for match in found if match.group(1) in meant]


def _entry(text: str, key: re.Match[str], stop: int) -> Entry:
    """Return one key with everything up to the next known key: as YAML where it is some, else as raw text."""
    alone = _alone(text[key.start() : stop], key.start())
    if alone is not None:
        return alone
    raw = text[key.end() : stop]
    value = raw.strip()
    start = key.end() + len(raw) - len(raw.lstrip()) if value else key.end()
    return Entry(
        Scalar(key.group(1), Span(*key.span(1))),
        Scalar(_unquoted(value), Span(start, start + len(value)), plain=False, raw=True),
    )


def _alone(chunk: str, shift: int) -> Entry | None:
    # A tab becomes one space: offsets stay, and YAML accepts the indentation.
    for attempt in dict.fromkeys((chunk, _INDENT.sub(lambda match: " " * len(match.group()), chunk))):
        try:
            root = compose(attempt, shift)
        except NotYaml:
            continue
        if isinstance(root, Fields) and len(root.entries) == 1:
            return root.entries[0]
    return None


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return " ".join(value.split()) if "\n" in value or "\r" in value else value


def _unclosed(text: str, start: int, known: Collection[str], limit: int) -> FrontMatter:
    stop = _swallowed_body(text, start, limit, known)
    if stop is None:
        stop = _last_field_end(text, _last_key(text, start, limit, known), limit)
    stop = min(stop, start + LARGEST)
    fields, problems = read_fields(text, Span(start, stop), known)
    problem = Problem("The front matter is not closed: a line `---` is missing here", Span(stop, stop), "error", "front-matter.unclosed")
    return FrontMatter(fields, Span(stop, len(text)), (*problems, replace(problem, span=_visible(text, stop))))


def _swallowed_body(text: str, start: int, stop: int, known: Collection[str]) -> int | None:
    """Return where a heading begins that no known key follows: there the body had begun before the marker came."""
    heading = _HEADING.search(text, _last_key(text, start, stop, known), stop)
    return heading.start() if heading else None


def _last_key(text: str, start: int, stop: int, known: Collection[str]) -> int:
    keys = _known_keys(text, Span(start, min(stop, start + LARGEST)), known)
    return keys[-1].start() if keys else start


def _last_field_end(text: str, start: int, limit: int) -> int:
    """Return the end of the lines from `start` that look like fields: the first blank line or the end."""
    at = start
    while at < limit:
        match = _LINE_END.search(text, at, limit)
        end = match.end() if match else limit
        if not text[at:end].strip():
            return at
        at = end
    return limit


def _after_line(text: str, at: int) -> int:
    match = _LINE_END.match(text, at)
    return match.end() if match else at


def _visible(text: str, at: int) -> Span:
    """Return a span of at least one character at or before the offset, where the text has any."""
    return Span(at, at + 1) if at < len(text) else Span(max(0, at - 1), at)
