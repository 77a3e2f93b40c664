"""What the output of a failed verification names: places in the project's own files, and the first lines that say something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from aigentflow.runtime.result import FailurePart
from aigentflow.runtime.verification.places import MOST_MESSAGE, Hit, Places, plain_lines
from aigentflow.runtime.verification.python_tests import python_tests
from aigentflow.runtime.verification.reported import reported
from aigentflow.runtime.verification.script_tests import script_tests
from aigentflow.runtime.verification.steps import Exists
from aigentflow.runtime.verification.streams import Stream, streams

MOST = 100
"""Failures that are returned at most."""
_NOISE = re.compile(
    r"""^\s*(?:$
    |>\s|\$\s|npm\s(?:notice|warn|WARN)\b|npm\s(?:error|ERR!)\s(?:A\scomplete\slog|path|workspace|location|command|Lifecycle|code\s\d|errno\s\d)
    |npm\s(?:error|ERR!)\s*$|RUN\s+v\d|(?:✓|√|·|PASS\b|ok\s\d|---|\.\.\.$|\#\sSubtest)|yarn\s(?:run|install)\sv\d|Done\sin\s|info\sVisit\s
    |[.xsFE·-]+\s*(?:\[\s*\d+%\])?$|platform\s|rootdir:|configfile:|plugins:|testpaths:|asyncio:|cachedir:|collect(?:ed|ing)\s\d*
    |={5,}\stest\ssession\sstarts|TAP\sversion|duration_ms|Start\sat\s|Duration\s|ELIFECYCLE|ERR_PNPM_RECURSIVE_RUN_FIRST_FAIL
    |error\sCommand\sfailed\swith\sexit\scode|⎯+\s*(?:\[\d+/\d+\]⎯)?$|debugger\sattached)""",
    re.X | re.I,
)
_TELLING = re.compile(
    r"""\berror\b(?!s?:\s*0)|\b\w*Error\b|^\s*FAIL|\bfailed\b|✖|×|●|^E\s|^not\sok|Traceback|AssertionError|\bnot\sfound\b|Missing\sscript
    |\bFAILURES\b|:\d+:\d+|\(\d+,\d+\)|━━━|\bCannot\b|\bproblems?\b""",
    re.X | re.I,
)
_LONGEST = 300


def failures(output: str, folder: str, exists: Exists, root: str = "") -> tuple[FailurePart, ...]:
    """Return what the output names, in its order; `folder` is where the command ran, `root` the absolute path of the workspace there."""
    lines = plain_lines(output)
    hits = sorted((hit for stream in streams(lines, folder, exists, root) for hit in _told(stream, folder, exists, root)), key=_order)
    if not all(hit.warning for hit in hits):
        # Warnings do not make a linter fail, unless there is nothing else.
        hits = [hit for hit in hits if not hit.warning]
    found: dict[tuple[str, int | None, int | None, str], FailurePart] = {}
    for hit in hits:
        found.setdefault((hit.place.path, hit.place.line, hit.place.column, hit.code or hit.message), _part(hit))
        if len(found) >= MOST:
            break
    return tuple(found.values())


def _told(stream: Stream, folder: str, exists: Exists, root: str) -> Iterator[Hit]:
    """Yield what the lines of one package tell, by the numbers that they have in the whole output."""
    places = Places(folder, root, exists, stream.lines, stream.bases)
    for reader in (reported, script_tests, python_tests):
        for hit in reader(stream.lines, places):
            yield replace(hit, at=stream.numbers[hit.at])


def _order(hit: Hit) -> int:
    return hit.at


def _part(hit: Hit) -> FailurePart:
    message = re.sub(r"\s+", " ", hit.message).strip()
    message = message if len(message) <= MOST_MESSAGE else message[: MOST_MESSAGE - 1] + "…"
    return FailurePart(path=hit.place.path, line=hit.place.line, column=hit.place.column, message=message, code=hit.code)


def first_lines(output: str, limit: int = 30) -> str:
    """Return the first lines that say what is wrong; banners, progress and passed tests are left out."""
    lines = plain_lines(output)
    useful = [line[:_LONGEST] for line in lines if not _NOISE.match(line)]
    start = next((at for at, line in enumerate(useful) if _TELLING.search(line)), 0)
    # One line before it: linters put the file there.
    start = max(0, start - 1)
    chosen = useful[start : start + limit] or [line[:_LONGEST] for line in lines if line.strip()][-limit:]
    return "\n".join(chosen)
