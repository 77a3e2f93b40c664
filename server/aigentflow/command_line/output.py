"""What subcommands print: JSON objects and lines on standard output, remarks on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object; what cannot be written as UTF-8 is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    _write(sys.stdout, text + "\n")


def print_lines(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        _write(sys.stdout, line + "\n")


def print_text(text: str) -> None:
    """Print a text as it is."""
    _write(sys.stdout, text)


def remark(text: str) -> None:
    """Say something beside the answer, on standard error."""
    _write(sys.stderr, text + "\n")


def plain(text: str) -> str:
    """Return the text without control characters that a terminal would obey."""
    return "".join(char if char.isprintable() or char in "\t" else "\N{REPLACEMENT CHARACTER}" for char in text)


def _write(stream: Any, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
