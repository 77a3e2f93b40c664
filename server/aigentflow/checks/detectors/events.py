"""`event-emission`: a service that changes data tells others."""

from __future__ import annotations

from aigentflow.checks.detectors.detector import Detector
from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.findings import Draft, Evidence, Outcome
from aigentflow.checks.records import MethodRecord
from aigentflow.checks.services import is_service, public_methods
from aigentflow.checks.units import Unit


def gate(path: str, text: str, project: ProjectFacts) -> str | None:
    """Without anything to emit events with, nobody listens."""
    package = project.package_of(path)
    if package.is_browser:
        return ""
    return None if package.has_events or project.drawn.emits(package) else ""


def detect(unit: Unit, project: ProjectFacts) -> Outcome:
    """Find public methods that write and do not emit, one call away included."""
    subjects = 0
    drafts: list[Draft] = []
    drawn = project.drawn
    path = unit.file.path

    def writes(record: MethodRecord) -> bool:
        return any(name in drawn.tables for name in record.writes)

    for declaration in unit.classes:
        if not is_service(declaration):
            continue
        for method in public_methods(declaration):
            record = drawn.method(declaration.name, method.name, path)
            if record is None or not drawn.reaches(declaration.name, record, writes, path):
                continue
            subjects += 1
            if drawn.reaches(declaration.name, record, lambda called: called.emits, path):
                continue
            table = next((drawn.tables[name][0] for name in record.writes if name in drawn.tables), None)
            evidence = (Evidence(table.path, table.table.line, f"it writes to `{table.table.name}`"),) if table is not None else ()
            drafts.append(
                Draft(
                    node=method.name_node,
                    message=f"`{method.name}` changes data and emits no event: publish one if other services need to know.",
                    confidence=0.6,
                    symbol=f"{declaration.name}.{method.name}",
                    evidence=evidence,
                )
            )
    return Outcome(subjects, tuple(drafts))


DETECTOR = Detector("event-emission", ("@Injectable",), gate, detect)
