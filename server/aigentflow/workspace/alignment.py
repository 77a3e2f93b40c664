"""Which elements of two sequences belong together: unique common elements first, a bounded Myers search between them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

_MAX_DISTANCE = 400
"""Insertions and deletions that one search may need."""
_BUDGET = 1_500_000
"""Steps that all searches of one alignment may take together."""

Block = tuple[int, int, int]
"""`a[i:i+n] == b[j:j+n]` as `(i, j, n)`."""


def align(a: Sequence[str], b: Sequence[str]) -> list[Block]:
    """Return the equal blocks, ascending, not touching; what is beyond the budget counts as different."""
    return _joined(sorted(_Alignment(a, b).run()))


def differences(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """Return the places where the sequences differ as `(a_start, a_end, b_start, b_end)`, ascending."""
    found: list[tuple[int, int, int, int]] = []
    at_a = at_b = 0
    for i, j, n in [*align(a, b), (len(a), len(b), 0)]:
        if i > at_a or j > at_b:
            found.append((at_a, i, at_b, j))
        at_a, at_b = i + n, j + n
    return found


class _Alignment:
    def __init__(self, a: Sequence[str], b: Sequence[str]) -> None:
        self.a = a
        self.b = b
        self.budget = _BUDGET

    def run(self) -> list[Block]:
        blocks: list[Block] = []
        waiting = [(0, len(self.a), 0, len(self.b))]
        while waiting:
            a_start, a_end, b_start, b_end = self._trimmed(*waiting.pop(), blocks)
            if a_start == a_end or b_start == b_end or a_end - a_start == b_end - b_start == 1:
                continue
            anchors = self._unique_common(a_start, a_end, b_start, b_end)
            if not anchors:
                blocks += self._shortest(a_start, a_end, b_start, b_end)
                continue
            for i, j in anchors:
                if a_start < i and b_start < j:
                    waiting.append((a_start, i, b_start, j))
                blocks.append((i, j, 1))
                a_start, b_start = i + 1, j + 1
            waiting.append((a_start, a_end, b_start, b_end))
        return blocks

    def _trimmed(self, a_start: int, a_end: int, b_start: int, b_end: int, blocks: list[Block]) -> tuple[int, int, int, int]:
        a, b = self.a, self.b
        head = 0
        room = min(a_end - a_start, b_end - b_start)
        while head < room and a[a_start + head] == b[b_start + head]:
            head += 1
        tail = 0
        room -= head
        while tail < room and a[a_end - 1 - tail] == b[b_end - 1 - tail]:
            tail += 1
        if head:
            blocks.append((a_start, b_start, head))
        if tail:
            blocks.append((a_end - tail, b_end - tail, tail))
        return a_start + head, a_end - tail, b_start + head, b_end - tail

    def _unique_common(self, a_start: int, a_end: int, b_start: int, b_end: int) -> list[tuple[int, int]]:
        """Return the longest rising chain of elements that occur exactly once on both sides."""
        in_a = _once(self.a, a_start, a_end)
        in_b = _once(self.b, b_start, b_end)
        pairs = [(i, in_b[element]) for element, i in in_a.items() if element in in_b]
        tops: list[int] = []
        chain_ends: list[int] = []
        before: list[int] = []
        for number, (_, j) in enumerate(pairs):
            place = bisect_left(tops, j)
            before.append(chain_ends[place - 1] if place else -1)
            if place == len(tops):
                tops.append(j)
                chain_ends.append(number)
            else:
                tops[place] = j
                chain_ends[place] = number
        chain: list[tuple[int, int]] = []
        number = chain_ends[-1] if chain_ends else -1
        while number >= 0:
            chain.append(pairs[number])
            number = before[number]
        return chain[::-1]

    def _shortest(self, a_start: int, a_end: int, b_start: int, b_end: int) -> list[Block]:
        """Return the equal blocks of a shortest edit script (Myers' greedy search), none where it costs too much."""
        a, b = self.a, self.b
        n, m = a_end - a_start, b_end - b_start
        reach = {1: 0}
        trail: list[dict[int, int]] = []
        for distance in range(min(n + m, _MAX_DISTANCE) + 1):
            trail.append(reach.copy())
            self.budget -= distance + 1
            if self.budget < 0:
                return []
            for k in range(-distance, distance + 1, 2):
                down = k == -distance or (k != distance and reach.get(k - 1, -1) < reach.get(k + 1, -1))
                x = reach[k + 1] if down else reach[k - 1] + 1
                y = x - k
                while x < n and y < m and a[a_start + x] == b[b_start + y]:
                    x += 1
                    y += 1
                reach[k] = x
                if x >= n and y >= m:
                    return _backtrack(trail, n, m, a_start, b_start)
        return []


def _backtrack(trail: list[dict[int, int]], x: int, y: int, a_start: int, b_start: int) -> list[Block]:
    blocks: list[Block] = []
    for distance in range(len(trail) - 1, -1, -1):
        reach = trail[distance]
        k = x - y
        down = k == -distance or (k != distance and reach.get(k - 1, -1) < reach.get(k + 1, -1))
        from_k = k + 1 if down else k - 1
        from_x = reach[from_k]
        from_y = from_x - from_k
        start = from_x if down else from_x + 1
        if distance == 0:
            start = 0
        if x > start:
            blocks.append((a_start + start, b_start + start - k, x - start))
        x, y = from_x, from_y
    return blocks


def _once(elements: Sequence[str], start: int, end: int) -> dict[str, int]:
    """Return where each element stands that occurs exactly once, in order."""
    places: dict[str, int] = {}
    for number in range(start, end):
        element = elements[number]
        places[element] = -1 if element in places else number
    return {element: place for element, place in places.items() if place >= 0}


def _joined(blocks: list[Block]) -> list[Block]:
    joined: list[Block] = []
    for i, j, n in blocks:
        if joined:
            last_i, last_j, last_n = joined[-1]
            if last_i + last_n == i and last_j + last_n == j:
                joined[-1] = (last_i, last_j, last_n + n)
                continue
        joined.append((i, j, n))
    return joined
