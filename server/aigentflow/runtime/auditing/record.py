"""What a run's claims are compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aigentflow.runtime.result import CommandPart, VerificationPart
from aigentflow.workspace.proposal import Proposal


@dataclass(frozen=True)
class Record:
    """What was measured in a run."""

    proposal: Proposal
    verification: Mapping[str, VerificationPart]
    commands: Sequence[CommandPart]
    """What the agent ran, in order."""
    n_edits: int
    """How many edits the run made."""
    exists: Callable[[str], bool]
    """Whether a workspace-relative path is there after the run."""
    read: Callable[[str], str | None]
    """Text of a workspace-relative path after the run, None where there is none that may be read."""
