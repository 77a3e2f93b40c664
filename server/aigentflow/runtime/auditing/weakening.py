"""Places of a proposal that make the project's tests or checks weaker. They are shown, not refused: some have good reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from aigentflow.runtime.auditing.lint_loosened import loosened_lint
from aigentflow.runtime.auditing.runs_loosened import loosened_runs
from aigentflow.runtime.auditing.scripts_weakened import weakened_scripts
from aigentflow.runtime.auditing.shifts import Moves, Shift
from aigentflow.runtime.auditing.snapshots import rewritten_snapshots
from aigentflow.runtime.auditing.suppressed import suppressions
from aigentflow.runtime.auditing.tests_weakened import weakened_tests
from aigentflow.runtime.auditing.types_loosened import loosened_types
from aigentflow.runtime.result import WeakeningPart
from aigentflow.workspace.proposal import Proposal

MOST_PARTS = 200
_LARGEST_SETTINGS = 100_000
"""Code points up to which a file may be one of settings."""
_GUARDS: tuple[Callable[[Shift], Iterator[WeakeningPart]], ...] = (
    weakened_tests,
    rewritten_snapshots,
    suppressions,
    loosened_types,
    loosened_lint,
    loosened_runs,
    weakened_scripts,
)


def weakenings(proposal: Proposal) -> tuple[WeakeningPart, ...]:
    """Return the places of a proposal that make tests or checks weaker, by path and line, at most 200."""
    moves = Moves(proposal.changes)
    found: dict[tuple[str, int, str], WeakeningPart] = {}
    for lines in moves.files:
        shift = Shift(lines, moves)
        for guard in _GUARDS if max(len(lines.before), len(lines.after)) < _LARGEST_SETTINGS else _GUARDS[:3]:
            for part in guard(shift):
                found.setdefault((part.path, part.line, part.kind), part)
    return tuple(sorted(found.values(), key=lambda part: (part.path, part.line, part.kind)))[:MOST_PARTS]
