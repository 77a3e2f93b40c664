"""What a detector is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.findings import Outcome
from aigentflow.checks.units import Unit


@dataclass(frozen=True)
class Detector:
    """Decides one check for one file."""

    id: str
    literals: tuple[str, ...]
    """A text without any of these is not looked at."""
    gate: Callable[[str, str, ProjectFacts], str | None]
    """Given path and text: None to go on, a reason why this file is not analysed, or "" where the check has no business."""
    detect: Callable[[Unit, ProjectFacts], Outcome]
