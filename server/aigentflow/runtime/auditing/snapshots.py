"""Stored snapshots that are rewritten or deleted, so that a test agrees with whatever the code does now."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aigentflow.runtime.auditing.shifts import Shift
from aigentflow.runtime.result import WeakeningPart

_SNAPSHOT = re.compile(
    r"\.(?:snap|shot|ambr)$|(?:^|/)__(?:image_)?snapshots__/|(?:^|/)(?:goldens?|testdata/golden)/|\.golden(?:\.\w+)?$|\.approved\.\w+$"
)
_ENTRY = re.compile(r"^(?:exports\[|# name:|=== )", re.MULTILINE)


def rewritten_snapshots(shift: Shift) -> Iterator[WeakeningPart]:
    """Yield a snapshot file of which at least half is other than before, or that is gone while its test stays."""
    lines, change = shift.lines, shift.lines.change
    if not _SNAPSHOT.search(shift.old_path) or change.base is None:
        return
    if change.after is None:
        owner = re.sub(r"__snapshots__/", "", shift.path).removesuffix(".snap")
        moved = {other.change.from_path or other.path for other in shift.moves.files if other.change.kind in ("delete", "rename")}
        if owner not in moved:
            yield shift.part(0, "snapshot-rewritten", "the stored snapshots are deleted: the next run writes what the code does then")
        return
    n_old, n_removed, n_added = len(lines.old), len(lines.removed), len(lines.added)
    n_entries = len(_ENTRY.findall(lines.before))
    if n_removed and n_removed * 2 >= n_old and (n_old > 12 or n_entries > 1 or n_removed > 5):
        yield shift.part(
            lines.places[0][2],
            "snapshot-rewritten",
            f"{n_removed} of {n_old} lines of the stored snapshots are replaced by {n_added} others",
        )
