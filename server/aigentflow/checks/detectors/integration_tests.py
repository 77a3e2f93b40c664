"""`integration-tests`: every endpoint is hit by a test that makes an HTTP request."""

from __future__ import annotations

from collections.abc import Iterator

from aigentflow.checks.detectors.detector import Detector
from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.findings import Draft, Evidence, Outcome
from aigentflow.checks.project import Drawn
from aigentflow.checks.routing import VERBS, handlers, is_controller, paths_of, segments, title
from aigentflow.checks.units import Unit


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
            if any(project.drawn.is_requested(VERBS[verb.name], route) for route in routes):
                continue
            drafts.append(
                Draft(
                    node=method.name_node,
                    message=f"No integration test requests `{title(verb, routes[0])}`: add one that goes through HTTP.",
                    confidence=0.6 if "*" in routes[0] else 0.85,
                    symbol=f"{declaration.name}.{method.name}",
                    evidence=tuple(_neighbours(routes[0], project.drawn)),
                )
            )
    return Outcome(subjects, tuple(drafts))


def _neighbours(route: tuple[str, ...], drawn: Drawn) -> Iterator[Evidence]:
    """Tests that request the same resource in another way."""
    if not route:
        return
    for record in drawn.tests:
        calls = record.test.http if record.test is not None else ()
        near = next((call for call in calls if route[0] in call.segments), None)
        if near is not None:
            yield Evidence(record.path, near.line, f"requests the same resource by {near.verb}")
            return


DETECTOR = Detector("integration-tests", ("@Controller",), gate, detect)
