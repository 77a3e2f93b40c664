"""Lessons of a team ranked against a task (BM25 over plain words)."""

from __future__ import annotations

import math
import re
from collections import Counter

from aigentflow.definitions.markdown import Markdown
from aigentflow.definitions.scanner import scan
from aigentflow.definitions.values import Span

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")
_NOISE = frozenset(
    (
        *(
            "a",
            "an",
            "and",
            "are",
            "as",
            "at",
            "be",
            "but",
            "by",
            "do",
            "for",
            "from",
            "has",
            "have",
            "if",
            "in",
            "into",
            "is",
            "it",
            "its",
        ),
        *("no", "not", "of", "on", "or", "so", "that", "the", "their", "them", "then", "this", "to", "was", "we", "when", "with", "you"),
    )
)
_LARGEST = 256 * 1024
_SATURATION, _LENGTH_WEIGHT = 1.5, 0.75


def rank_lessons(lessons_text: str, task: str, limit: int = 5) -> tuple[str, ...]:
    """Return at most `limit` lessons that share words with the task, the most telling first; none where none does."""
    lessons = split_lessons(lessons_text[:_LARGEST])
    words = [Counter(_words(lesson)) for lesson in lessons]
    if not lessons:
        return ()
    average = sum(counter.total() for counter in words) / len(words) or 1.0
    holding = Counter(word for counter in words for word in counter)
    asked = set(_words(task))

    def score(counter: Counter[str]) -> float:
        length = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * counter.total() / average
        return sum(
            math.log(1 + (len(words) - holding[word] + 0.5) / (holding[word] + 0.5))
            * counter[word]
            * (_SATURATION + 1)
            / (counter[word] + _SATURATION * length)
            for word in sorted(asked & counter.keys())
        )

    scores = [score(counter) for counter in words]
    best = sorted((n for n, value in enumerate(scores) if value > 0), key=lambda n: (-scores[n], n))
    return tuple(lessons[n] for n in best[:limit])


def split_lessons(text: str) -> list[str]:
    """Return the single lessons of a file: its sections, else its list items, else its paragraphs."""
    markdown = scan(text, Span(0, len(text)))
    return _sections(markdown) or _items(markdown) or [part.strip() for part in re.split(r"\n[ \t]*\n", text) if part.strip()]


def _sections(markdown: Markdown) -> list[str]:
    """Return the sections of the deepest level that occurs at least twice and has text, when most of the file is made of them."""
    counts = Counter(section.level for section in markdown.sections)
    levels = [level for level in sorted(counts, reverse=True) if counts[level] > 1]
    if not levels:
        return []
    sections = [section for section in markdown.sections if section.level == levels[0]]
    listed = [section for section in sections if len(markdown.items_in(section.body)) > 1]
    if len(listed) * 2 > len(sections):
        # Headings only sort the lessons; the lessons are the items.
        return []
    return [markdown.text[section.heading.start : section.body.end].strip() for section in sections]


def _items(markdown: Markdown) -> list[str]:
    least = min((item.indent for item in markdown.items), default=0)
    starts = [item.text.start for item in markdown.items if item.indent == least]
    ends = [*starts[1:], markdown.body.end]
    found = []
    for start, end in zip(starts, ends, strict=False):
        nested = [item for item in markdown.items_in(Span(start, end)) if item.text.start < end]
        lines = ["  - " * (item.indent > least) + " ".join(markdown.text[item.text.start : item.text.end].split()) for item in nested]
        found.append("\n".join(lines))
    return [lesson for lesson in found if lesson]


def _words(text: str) -> list[str]:
    folded = (word.lower() for word in _WORD.findall(text))
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in folded if word not in _NOISE and len(word) > 1]
