"""`integration-tests`: every endpoint is hit by a test that makes an HTTP request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aigentflow.checks.detectors.detector import Detector
from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.findings import Draft, Evidence, Outcome
from aigentflow.checks.project import Drawn
from aigentflow.checks.records import HttpCall, Route
from aigentflow.checks.routing import VERBS, handlers, is_controller, paths_of, segments, title
from aigentflow.checks.source import Unit

_PREFIX = re.compile(r"^(?:v\d+(?:\.\d+)*|api|rest)$", re.IGNORECASE)


def gate(path: str, text: str, project: ProjectFacts) -> str | None:
    """Any controller can be tested."""
    return None


def detect(unit: Unit, project: ProjectFacts) -> Outcome:
    """Find endpoints that no test requests."""
    subjects = 0
    drafts: list[Draft] = []
    for declaration in unit.classes:
        if not is_controller(declaration):
            continue
        controller = next(decorator for decorator in declaration.decorators if decorator.name == "Controller")
        bases = paths_of(unit.file, controller.arguments)
        for method, verb in handlers(declaration):
            subjects += 1
            routes = [segments(f"{base}/{path}") for base in bases for path in paths_of(unit.file, verb.arguments)]
            known = [Route(declaration.name, method.name, VERBS[verb.name], route, 0) for route in routes]
            if any(covering(route, project.drawn) is not None for route in known):
                continue
            drafts.append(
                Draft(
                    node=method.name_node,
                    message=f"No integration test requests `{title(verb, routes[0])}`: add one that goes through HTTP.",
                    confidence=0.6 if "*" in routes[0] else 0.85,
                    symbol=f"{declaration.name}.{method.name}",
                    evidence=tuple(_neighbours(known[0], project.drawn)),
                )
            )
    return Outcome(subjects, tuple(drafts))


def covering(route: Route, drawn: Drawn) -> HttpCall | None:
    """Return a request of some test that this endpoint answers."""
    for record in drawn.tests:
        for call in record.test.http if record.test is not None else ():
            score = _match(route, call, drawn.prefixes)
            if score is not None and not any((_match(other, call, drawn.prefixes) or 0) > score for other in drawn.routes):
                return call
    return None


def _match(route: Route, call: HttpCall, prefixes: frozenset[str]) -> int | None:
    """How many segments are literally the same, plus one; None where the request does not fit."""
    if route.verb not in (call.verb, "ALL"):
        return None
    extra = len(call.segments) - len(route.segments)
    if extra < 0 or not all(_is_prefix(segment, prefixes) for segment in call.segments[:extra]):
        return None
    score = 1
    for wanted, given in zip(route.segments, call.segments[extra:], strict=True):
        if wanted.startswith(":") or "*" in wanted:
            continue
        if given is None:
            # An unknown segment may be anything, so it is taken for a parameter first.
            return None
        if wanted.lower() != given.lower():
            return None
        score += 1
    return score


def _is_prefix(segment: str | None, prefixes: frozenset[str]) -> bool:
    return segment is None or segment in prefixes or bool(_PREFIX.match(segment))


def _neighbours(route: Route, drawn: Drawn) -> Iterator[Evidence]:
    """Tests that request the same resource in another way."""
    if not route.segments:
        return
    for record in drawn.tests:
        calls = record.test.http if record.test is not None else ()
        near = next((call for call in calls if route.segments[0] in call.segments), None)
        if near is not None:
            yield Evidence(record.path, near.line, f"requests the same resource by {near.verb}")
            return


DETECTOR = Detector("integration-tests", ("@Controller",), gate, detect)
