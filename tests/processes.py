"""Looks for processes from outside, by a word on their command line."""

from __future__ import annotations

from pathlib import Path


def running(mark: str) -> bool:
    """Return whether some process has the word among its arguments."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if mark.encode() in (process / "cmdline").read_bytes().split(b"\0"):
                    return True
            except OSError:
                continue
    return False
