"""Reading settings of checkers: JSON with comments, lists and numbers in any notation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from aigentflow.definitions.shape import Choice, NotAShape, Shape, Word, read_shape

_STRING = re.compile(r"'((?:\\.|[^'\\\n])*)'|\"((?:\\.|[^\"\\\n])*)\"|`([^`]*)`")
BUILT = re.compile(
    r"(?:^|[/!*{,(])\.?(?:node_modules|dist|build|out|output|coverage|\.next|\.nuxt|\.turbo|\.cache|\.git|\.venv|venv|vendor|generated|__generated__|__pycache__"
    r"|storybook-static|public|tmp|temp|target|lib|\.output|\.svelte-kit|\.astro|\.tox|\.eggs|htmlcov|site-packages)(?:$|[/*,})])|\.d\.ts$|\.min\.\w+$|\.generated\.|\.gen\.\w+$|\.snap$|lock"
)
"""Folders and files that checks leave out everywhere, as nobody writes them by hand."""


def jsonc(text: str) -> Any:
    """Return the value of JSON with comments and trailing commas; None where it cannot be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return _plain(read_shape(text, len(text) - len(text.lstrip("\ufeff \t\r\n")))[0])
    except (NotAShape, RecursionError, IndexError):
        return None


def _plain(shape: Shape) -> Any:
    if isinstance(shape, dict):
        return {key: _plain(value) for key, value in shape.items()}
    if isinstance(shape, list):
        return [_plain(value) for value in shape]
    return None if isinstance(shape, (Choice, Word)) else shape


def at(value: Any, *keys: str) -> Any:
    """Return what stands below the keys; None where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def line_of_key(text: str, key: str, start: int = 0) -> int:
    """Return the 0-based line on which a key first stands; 0 where it does not."""
    match = re.compile(rf"(?<![\w-])['\"]?{re.escape(key)}['\"]?\s*[:=]").search(text, start) or re.compile(re.escape(key)).search(
        text, start
    )
    return text.count("\n", 0, match.start()) if match else 0


def entries(text: str, key: str) -> list[tuple[int, str]]:
    """Return line (0-based) and text of each string in the lists under a key, whatever notation the file has."""
    found: list[tuple[int, str]] = []
    for match in re.finditer(rf"(?<![\w-])['\"]?{re.escape(key)}['\"]?\s*[:=]\s*(\[|['\"`])", text):
        stop = _closing(text, match.start(1)) if match[1] == "[" else text.find("\n", match.start(1))
        for string in _STRING.finditer(text, match.start(1), stop if stop >= 0 else len(text)):
            found.append((text.count("\n", 0, string.start()), next((group for group in string.groups() if group is not None), "")))
    return found


def _closing(text: str, start: int) -> int:
    depth, place, stop = 0, start, min(len(text), start + 20_000)
    while place < stop:
        if string := _STRING.match(text, place):
            place = string.end()
            continue
        depth += {"[": 1, "]": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
        place += 1
    return stop


def numbers(text: str, key: str) -> list[tuple[int, float]]:
    """Return line (0-based) and value of each number under a key."""
    pattern = re.compile(rf"(?<![\w-])['\"]?{re.escape(key)}['\"]?\s*[:=]\s*(-?\d+(?:\.\d+)?)")
    return [(text.count("\n", 0, match.start()), float(match[1])) for match in pattern.finditer(text)]


def switches(text: str, key: str) -> list[tuple[int, bool]]:
    """Return line (0-based) and value of each truth value under a key."""
    pattern = re.compile(rf"(?<![\w-])['\"]?{re.escape(key)}['\"]?\s*[:=]\s*['\"]?(true|false|True|False)\b")
    return [(text.count("\n", 0, match.start()), match[1].lower() == "true") for match in pattern.finditer(text)]
