"""One detector per check. A detector looks at one top-level declaration at a time and asks the project's facts for the rest."""

from __future__ import annotations

from aigentflow.checks.detectors import errors, openapi
from aigentflow.checks.detectors.detector import Detector

DETECTORS: tuple[Detector, ...] = (errors.DETECTOR, openapi.DETECTOR)

__all__ = ["DETECTORS", "Detector"]
