"""One detector per check. A detector looks at one top-level declaration at a time and asks the project's facts for the rest."""

from __future__ import annotations

from aigentflow.checks.detectors import errors, events, integration_tests, openapi, rls, unit_tests, zod
from aigentflow.checks.detectors.detector import Detector

DETECTORS: tuple[Detector, ...] = (
    zod.DETECTOR,
    rls.DETECTOR,
    errors.DETECTOR,
    openapi.DETECTOR,
    unit_tests.DETECTOR,
    integration_tests.DETECTOR,
    events.DETECTOR,
)

__all__ = ["DETECTORS", "Detector"]
