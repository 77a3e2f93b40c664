"""What was verified. A field is `pass` only if that command ran on the proposed text and returned 0; nothing runs commands yet."""

from __future__ import annotations

from collections.abc import Mapping

from aigentflow.runtime.result import VERIFICATIONS, VerificationPart

NO_BOX = "commands run from the boundary-and-box release on"


def not_verified(commands: Mapping[str, str], reason: str = NO_BOX) -> dict[str, VerificationPart]:
    """Return all fields as not run; `commands` are those of the project file."""
    return {name: VerificationPart(status="not_run", command=commands.get(name), reason=reason) for name in VERIFICATIONS}
