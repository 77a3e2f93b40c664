"""Assertions that are gone, that accept more than before, or that nothing waits for."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator

from aigentflow.runtime.auditing.assertions import Assertion, assertions_of
from aigentflow.runtime.auditing.counting import declared, language_of, rows
from aigentflow.runtime.auditing.shifts import Shift
from aigentflow.runtime.result import WeakeningPart

_ABOVE = 30
"""Lines above a changed place at which an assertion over it may begin."""
_NOT_AWAITED = re.compile(r"(?<!await )(?<!return )\bexpect\(.*\.(?:rejects|resolves)\b")
_LOOSE_VALUE = re.compile(r"\bexpect\.any(?:thing)?\(|\bmock\.ANY\b|(?<![\w.])ANY\b")


def weakened_assertions(shift: Shift, told: set[int]) -> Iterator[WeakeningPart]:
    """Yield each place of a changed test file where assertions became fewer or looser; `told` are lines that were marked already."""
    before, after = _assertions(shift)
    loosened = list(_loosened(shift, before, after))
    yield from loosened
    yield from _lost_assertions(shift, before, after, {*told, *(part.line for part in loosened)})
    yield from _not_awaited(shift)


def _assertions(shift: Shift) -> tuple[list[Assertion], list[Assertion]]:
    """Return the assertions before and after, as far as they lie at lines that changed or shortly above them."""
    lines = shift.lines
    windows: list[list[tuple[int, int]]] = [[], []]
    for place in lines.places:
        for side, (first, end) in enumerate((place[:2], place[2:])):
            start = max(0, first - _ABOVE)
            joined = windows[side] and start <= windows[side][-1][1]
            windows[side][-1:] = [(windows[side][-1][0], end + 1)] if joined else [*windows[side][-1:], (start, end + 1)]
    return (
        assertions_of(lines.before, "".join(shift.code[0]), shift.old_path, windows[0]),
        assertions_of(lines.after, "".join(shift.code[1]), shift.path, windows[1]),
    )


def _placed(assertions: list[Assertion], spans: list[tuple[int, int]]) -> list[list[Assertion]]:
    """Return for each span of lines the assertions that lie in it, at least in part; the spans ascend."""
    found: list[list[Assertion]] = [[] for _ in spans]
    ends = [end for _, end in spans]
    for assertion in assertions:
        at = bisect_right(ends, assertion.first)
        while at < len(spans) and spans[at][0] <= assertion.last:
            found[at].append(assertion)
            at += 1
    return found


def _changed(shift: Shift, before: list[Assertion], after: list[Assertion]) -> tuple[list[Assertion], list[Assertion]]:
    """Return the assertions that are gone and those that are new, by their text."""
    kept = Counter(assertion.text for assertion in before) & Counter(assertion.text for assertion in after)
    gone: list[Assertion] = []
    new: list[Assertion] = []
    for assertions, chosen in ((before, gone), (after, new)):
        left = kept.copy()
        for assertion in assertions:
            if left[assertion.text]:
                left[assertion.text] -= 1
            else:
                chosen.append(assertion)
    return gone, new


def _loosened(shift: Shift, before: list[Assertion], after: list[Assertion]) -> Iterator[WeakeningPart]:
    gone, new = _changed(shift, before, after)
    told: set[int] = set()
    was, now = _ranks(gone), _ranks(new)
    for assertion in new:
        if assertion.subject and 0 < assertion.rank == now[assertion.subject] < was.get(assertion.subject, 0):
            told.add(assertion.first)
            yield shift.part(assertion.first, "assertion-loosened", f"`{assertion.text}` accepts more than what stood there before")
    for (old_start, old_end, new_start, new_end), olds, news in _by_place(shift, gone, new):
        if olds and news and len(news) <= len(olds) and not told & {other.first for other in news} and _looser(olds, news):
            told.add(news[0].first)
            yield shift.part(news[0].first, "assertion-loosened", f"`{news[0].text}` accepts more than what stood there before")
        if old_start < old_end and new_start < new_end:
            yield from _loose_values(shift, (old_start, old_end), (new_start, new_end), told)


def _looser(olds: list[Assertion], news: list[Assertion]) -> bool:
    """Whether the assertions that took the place of others look at the same and state less of it."""
    best = max(other.rank for other in news)
    if not all(other.rank for other in news) or best >= max(old.rank for old in olds):
        return False
    if best == 1:
        return bool({old.root for old in olds if old.rank >= 2} & {other.root for other in news})
    return any(len(old.subject) > 1 and old.subject in other.text for old in olds if old.rank == 3 for other in news)


def _by_place(
    shift: Shift, gone: list[Assertion], new: list[Assertion]
) -> Iterator[tuple[tuple[int, int, int, int], list[Assertion], list[Assertion]]]:
    """Yield each place that differs with the assertions that are gone from it and those that are new in it."""
    places = shift.lines.places
    yield from zip(places, _placed(gone, [place[:2] for place in places]), _placed(new, [place[2:] for place in places]), strict=True)


def _ranks(assertions: list[Assertion]) -> dict[str, int]:
    """Return the strictest rank by subject."""
    found: dict[str, int] = {}
    for assertion in assertions:
        found[assertion.subject] = max(assertion.rank, found.get(assertion.subject, 0))
    return found


def _loose_values(shift: Shift, old: tuple[int, int], new: tuple[int, int], told: set[int]) -> Iterator[WeakeningPart]:
    n_old = sum(len(_LOOSE_VALUE.findall(line)) for line in shift.code[0][slice(*old)])
    found = [line for line in range(*new) for _ in _LOOSE_VALUE.findall(shift.code[1][line])]
    if (
        len(found) > n_old
        and found[0] not in told
        and re.search(r"[\d'\"`]|true|false|expect|assert", "".join(shift.lines.old[slice(*old)]))
    ):
        yield shift.part(found[0], "assertion-loosened", "any value is accepted where one was stated before")


def _lost_assertions(shift: Shift, before: list[Assertion], after: list[Assertion], told: set[int]) -> Iterator[WeakeningPart]:
    gone, new = _changed(shift, before, after)
    gone = [assertion for assertion in gone if not shift.moves.went_elsewhere(shift.path, shift.lines.old[assertion.first])]
    loss = len(gone) - len(new)
    if loss <= 0 or sum(a.weight for a in gone) <= sum(a.weight for a in new):
        return
    more_rows = rows(shift.lines.after, shift.path, loops=True) - rows(shift.lines.before, shift.old_path, loops=True)
    if more_rows > 0:
        loss -= more_rows * max(1, len(new))
    tests = declared(shift.lines.before, shift.old_path)
    kept = {name for _, name in declared(shift.lines.after, shift.path)}
    starts = [line for line, _ in tests]
    for _, olds, news in _by_place(shift, gone, new):
        n = len(olds) - len(news)
        if loss <= 0 or n <= 0:
            continue
        loss -= n
        at = bisect_right(starts, olds[0].first)
        owner = tests[at - 1][1] if at else ""
        if owner in kept or not owner:
            line = shift.stood(olds[0].first)
            if line not in told:
                yield shift.gone(
                    olds[0].first, "assertion-removed", f"{n} {'assertion' if n == 1 else 'assertions'} gone: `{olds[0].text}`"
                )


def _not_awaited(shift: Shift) -> Iterator[WeakeningPart]:
    if language_of(shift.path) != "js":
        return
    awaited = re.compile(r"\b(?:await|return)\s+expect\b")
    for old_start, old_end, new_start, new_end in shift.lines.places:
        n_old = sum(len(awaited.findall(line)) for line in shift.code[0][old_start:old_end])
        n_new = sum(len(awaited.findall(line)) for line in shift.code[1][new_start:new_end])
        loose = [line for line in range(new_start, new_end) if n_new < n_old and _NOT_AWAITED.search(shift.code[1][line][:4_000])]
        if loose:
            yield shift.part(
                loose[0], "assertion-not-awaited", "nothing waits for this assertion any more, so that it cannot fail the test"
            )
