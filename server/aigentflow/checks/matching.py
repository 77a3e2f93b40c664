"""Which endpoint answers a request: the one that says most of its path literally."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aigentflow.checks.records import HttpCall, Route

_PREFIX = re.compile(r"^(?:v\d+(?:\.\d+)*|api|rest)$", re.IGNORECASE)


def answers_any(route: Route, calls: Sequence[HttpCall], routes: Sequence[Route], prefixes: frozenset[str]) -> bool:
    """Return whether an endpoint answers one of the requests, and no other endpoint answers it better."""
    for call in calls:
        score = match(route, call, prefixes)
        if score is not None and not any((match(other, call, prefixes) or 0) > score for other in routes):
            return True
    return False


def match(route: Route, call: HttpCall, prefixes: frozenset[str]) -> int | None:
    """Return how many segments are literally the same, plus one; None where the request does not fit."""
    if route.verb not in (call.verb, "ALL"):
        return None
    extra = len(call.segments) - len(route.segments)
    if extra < 0 or not all(_is_prefix(segment, prefixes) for segment in call.segments[:extra]):
        return None
    score = 1
    for wanted, given in zip(route.segments, call.segments[extra:], strict=True):
        if wanted.startswith(":") or "*" in wanted:
            continue
        # An unknown segment may be anything, so it is taken for a parameter.
        if given is None or wanted.lower() != given.lower():
            return None
        score += 1
    return score


def _is_prefix(segment: str | None, prefixes: frozenset[str]) -> bool:
    return segment is None or segment in prefixes or bool(_PREFIX.match(segment))
