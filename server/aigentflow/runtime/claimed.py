"""What an agent says of the verifications, to stand beside what was measured."""

from __future__ import annotations

from collections.abc import Iterable

from aigentflow.runtime.result import VERIFICATIONS


def said_of_verification(claims: Iterable[str]) -> dict[str, str]:
    """Return what was said of each verification by its name, from claims such as `tests: pass` or `verification.lint: pass`."""
    said: dict[str, str] = {}
    for claim in claims:
        name, colon, value = claim.partition(":")
        field = name.strip().rpartition(".")[2].lower()
        if colon and field in VERIFICATIONS:
            said.setdefault(field, value.strip())
    return said
