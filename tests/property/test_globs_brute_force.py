"""Globs against brute force, from patterns that are built as parts and only then written out: what the text means is known beforehand.

`SEED=n` repeats a run; the seed stands in every failure.
"""

from __future__ import annotations

import itertools
import os
import random
import time
from dataclasses import dataclass

import pytest

from aigentflow.workspace.globs import Glob

COUNT = 15_000
LETTERS = "abAB.-é*]{,"
SPECIAL = "*?[]{}!,\\"


@dataclass(frozen=True)
class Letter:
    """One character that stands for itself."""

    value: str

    def written(self) -> str:
        return "\\" + self.value if self.value in SPECIAL else self.value


@dataclass(frozen=True)
class Star:
    """Any number of characters."""

    def written(self) -> str:
        return "*"


@dataclass(frozen=True)
class Class:
    """One character that is, or is not, in the ranges; without ranges any character."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def written(self) -> str:
        if not self.ranges:
            return "?"
        body = "".join(low if low == high else f"{low}-{high}" for low, high in self.ranges)
        return f"[{'!' if self.negated else ''}{body}]"

    def holds(self, character: str) -> bool:
        return not self.ranges or any(low <= character <= high for low, high in self.ranges) != self.negated


Part = Letter | Star | Class
Component = tuple[Part, ...]
"""An empty one is `**`."""


def some_part(chance: random.Random) -> Part:
    kind = chance.random()
    if kind < 0.6:
        return Letter(chance.choice(LETTERS))
    if kind < 0.8:
        return Star()
    ranges = tuple(chance.choice([("a", "a"), ("b", "b"), ("a", "b"), ("A", "B"), (".", ".")]) for _ in range(chance.choice((0, 1, 2))))
    return Class(ranges, chance.random() < 0.4)


def some_component(chance: random.Random) -> Component:
    if chance.random() < 0.25:
        return ()
    while True:
        component = tuple(some_part(chance) for _ in range(chance.choice((1, 1, 2, 3, 4))))
        # Two stars side by side would be the other sign, and `.` and `..` are no names.
        twins = any(isinstance(a, Star) and isinstance(b, Star) for a, b in itertools.pairwise(component))
        if not twins and written(component) not in (".", ".."):
            return component


def written(component: Component) -> str:
    return "".join(part.written() for part in component) if component else "**"


def name_matches(component: Component, name: str) -> bool:
    if not component:
        return not name
    first, rest = component[0], component[1:]
    if isinstance(first, Star):
        return any(name_matches(rest, name[cut:]) for cut in range(len(name) + 1))
    if not name:
        return False
    fits = first.value == name[0] if isinstance(first, Letter) else first.holds(name[0])
    return fits and name_matches(rest, name[1:])


def path_matches(pattern: tuple[Component, ...], path: tuple[str, ...]) -> bool:
    if not pattern:
        return not path
    if not pattern[0]:
        least = 1 if len(pattern) == 1 else 0
        return any(path_matches(pattern[1:], path[cut:]) for cut in range(least, len(path) + 1))
    return bool(path) and name_matches(pattern[0], path[0]) and path_matches(pattern[1:], path[1:])


def some_name(chance: random.Random) -> str:
    name = "".join(chance.choice(LETTERS) for _ in range(chance.choice((1, 1, 2, 3, 4))))
    return name if name.strip(".") else name + "a"


def some_path(chance: random.Random, pattern: tuple[Component, ...]) -> tuple[str, ...]:
    """Return a path that the pattern may well match: a pattern of many parts matches hardly any other."""
    path: list[str] = []
    for component in pattern:
        if not component or chance.random() < 0.1:
            path += [some_name(chance) for _ in range(chance.choice((0, 1, 2)))]
            continue
        letters = ""
        for part in component:
            match part:
                case Letter():
                    letters += part.value
                case Star():
                    letters += "".join(chance.choice(LETTERS) for _ in range(chance.choice((0, 1, 2))))
                case Class():
                    letters += next((letter for letter in chance.sample(LETTERS, len(LETTERS)) if part.holds(letter)), "a")
        path.append(letters if letters.strip(".") else some_name(chance))
    return tuple(path) or (some_name(chance),)


@pytest.mark.parametrize("chunk", range(2))
def test_a_pattern_matches_what_its_parts_match(chunk: int) -> None:
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32))) + chunk
    chance = random.Random(seed)
    hits = 0
    for _ in range(COUNT):
        pattern = tuple(some_component(chance) for _ in range(chance.choice((1, 1, 2, 3, 4))))
        contents = chance.random() < 0.15 and bool(pattern[-1])
        text = "/".join(map(written, pattern)) + ("/" if contents else "")
        full = (((),) if "/" not in text and pattern[0] else ()) + pattern + (((),) if contents else ())
        path = some_path(chance, full)
        where = f"SEED={seed - chunk}: {text!r} on {'/'.join(path)!r}"
        expected = path_matches(full, path)
        assert Glob(text).matches("/".join(path)) == expected, where
        covered = any(path_matches(full, path[:count]) for count in range(1, len(path) + 1))
        assert Glob(text).covers("/".join(path)) == covered, where
        other = "/".join(path).swapcase()
        assert Glob(text, fold_case=True).matches(other) >= expected or any(isinstance(p, Class) for c in full for p in c), where
        hits += expected
    assert COUNT // 20 < hits < COUNT * 19 // 20, "both answers have to come up"


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 200 + "b", "a" * 255),
        ("a*" * 200 + "b", "a" * 255),
        ("?*" * 100 + "[!a]", "a" * 255),
        ("**/a/" * 60 + "b", "a/" * 500 + "c"),
        ("**/*a*/" * 40 + "b", "aa/" * 500 + "c"),
        ("{a,b}" * 8 + "/**", "a" * 8 + "/x" * 500),
    ],
)
def test_no_pattern_takes_long(pattern: str, path: str) -> None:
    glob = Glob(pattern)
    started = time.process_time()
    glob.matches(path)
    glob.covers(path)
    assert time.process_time() - started < 0.5
