"""Searches texts by regular expression, in a process of its own: Python's engine can take forever on some patterns and cannot be stopped
from within. Standard library only, run as a script; it ends itself when the time of a batch is over.

In: a job object, then objects `{"files": [[path, text], ...]}`. Out: `{}` or `{"error"}` for the job, and for each
batch `{"found": [[path, count, [[line number, text, is match], ...]], ...]}`; frames as in `frames.py`.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import struct
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

_LONGEST_LINE = 500
_WHOLE_TEXT_ANCHOR = re.compile(r"\\[AZ]|\(\?")


class Job:
    """One search."""

    def __init__(self, job: dict[str, Any]) -> None:
        flags = (re.IGNORECASE if job["ignore_case"] else 0) | re.MULTILINE
        self.multiline = bool(job["multiline"])
        self.regex = re.compile(job["pattern"], flags | (re.DOTALL if self.multiline else 0))
        self.before, self.after = int(job["before"]), int(job["after"])
        self.mode = str(job["mode"])
        self.room = int(job["room"])
        self.seconds = float(job["seconds"])
        # A pattern that looks at its surroundings may match a line and not the whole text.
        self.may_skip = _WHOLE_TEXT_ANCHOR.search(job["pattern"]) is None

    def search(self, path: str, text: str) -> list[Any] | None:
        """Return `[path, count, shown lines]`, or None where nothing matches."""
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if self.may_skip and self.regex.search(text) is None:
            return None
        lines = text.split("\n")
        if lines and not lines[-1]:
            lines.pop()
        hits = self._spans(text) if self.multiline else [at for at, line in enumerate(lines) if self.regex.search(line) is not None]
        if not hits:
            return None
        return [path, len(hits), list(self._shown(lines, hits)) if self.mode == "content" else []]

    def _spans(self, text: str) -> list[int]:
        """Return the numbers of the lines that matches touch."""
        touched: set[int] = set()
        at = line = 0
        for match in self.regex.finditer(text):
            line += text.count("\n", at, match.start())
            at = match.start()
            end = max(match.start(), match.end() - 1)
            touched.update(range(line, line + text.count("\n", match.start(), end) + 1))
        return sorted(touched)

    def _shown(self, lines: list[str], hits: list[int]) -> Iterator[list[Any]]:
        matching = set(hits)
        last = -1
        for hit in hits:
            for at in range(max(last + 1, hit - self.before), min(len(lines), hit + self.after + 1)):
                if self.room <= 0:
                    return
                self.room -= 1
                last = at
                yield [at + 1, _cut(lines[at], self.regex), at in matching]


def _cut(line: str, regex: re.Pattern[str]) -> str:
    if len(line) <= _LONGEST_LINE:
        return line
    match = regex.search(line)
    start = max(0, match.start() - 100) if match else 0
    return f"{'…' if start else ''}{line[start : start + _LONGEST_LINE]}… [line of {len(line):,} characters]"


def _read(stream: BinaryIO) -> dict[str, Any] | None:
    head = stream.read(4)
    if len(head) < 4:
        return None
    body = stream.read(struct.unpack(">I", head)[0])
    value = json.loads(body)
    return value if isinstance(value, dict) else None


def _write(stream: BinaryIO, value: dict[str, Any]) -> None:
    body = json.dumps(value).encode()
    stream.write(struct.pack(">I", len(body)) + body)
    stream.flush()


def _serve(source: BinaryIO, out: BinaryIO, nowhere: Any) -> None:
    job: Job | None = None
    while (frame := _read(source)) is not None:
        if "pattern" in frame:
            try:
                job = Job(frame)
                _write(out, {})
            except (re.error, OverflowError, RecursionError) as error:
                _write(out, {"error": f"{error}"})
        elif "files" in frame and job is not None:
            # The watchdog is a thread in C, so it fires while the engine holds the interpreter.
            faulthandler.dump_traceback_later(job.seconds, exit=True, file=nowhere)
            found = [hit for path, text in frame["files"] if (hit := job.search(path, text)) is not None]
            faulthandler.cancel_dump_traceback_later()
            _write(out, {"found": found})


if __name__ == "__main__":
    with open(os.devnull, "w") as nowhere:
        _serve(sys.stdin.buffer, sys.stdout.buffer, nowhere)
