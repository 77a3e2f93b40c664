"""`unit-tests`: every public method of a service is called by a test on a real instance."""

from __future__ import annotations

from aigentflow.checks.detectors.detector import Detector
from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.findings import Draft, Evidence, Outcome
from aigentflow.checks.records import FileRecord
from aigentflow.checks.services import is_service, public_methods
from aigentflow.checks.units import Unit


def gate(path: str, text: str, project: ProjectFacts) -> str | None:
    """User interfaces have no services in this sense."""
    return "" if project.package_of(path).is_browser else None


def detect(unit: Unit, project: ProjectFacts) -> Outcome:
    """Find methods that no test calls."""
    subjects = 0
    drafts: list[Draft] = []
    for declaration in unit.classes:
        if not is_service(declaration):
            continue
        tests, called = project.drawn.tests_of(declaration.name)
        for method in public_methods(declaration):
            subjects += 1
            if method.name in called:
                continue
            drafts.append(
                Draft(
                    node=method.name_node,
                    message=f"No unit test calls `{method.name}` on a `{declaration.name}`: add a test for what it does.",
                    confidence=0.9 if not tests else 0.85,
                    symbol=f"{declaration.name}.{method.name}",
                    evidence=tuple(Evidence(test.path, None, _what(test, declaration.name)) for test in tests[:3]),
                )
            )
    return Outcome(subjects, tuple(drafts))


def _what(record: FileRecord, name: str) -> str:
    test = record.test
    if test is None or name not in test.constructs:
        return f"imports {name}, but makes no real instance of it"
    own = [method for owner, method in test.calls if owner == name]
    return f"tests other methods of {name}" if own else f"constructs {name}, but calls none of its methods"


DETECTOR = Detector("unit-tests", ("@Injectable",), gate, detect)
