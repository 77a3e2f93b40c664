"""What a tsconfig says about which files `tsc` looks at."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from aigentflow.runtime.verification.scripts import json_object, upwards, within
from aigentflow.runtime.verification.steps import Read

_NOT_DATA = re.compile(r'("(?:\\.|[^"\\])*")|/\*.*?\*/|//[^\n]*', re.S)
_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')
_BUILDS = ("-b", "--build", "-build")
_PROJECT = ("-p", "--project", "-project")
_SOURCE = re.compile(r"\.[cm]?[tj]sx?$")
_LONGEST_CHAIN = 8


def has_references(text: str | None) -> bool:
    """Whether a tsconfig refers to other projects, so that `tsc -p` would check nothing or miss what they build."""
    return bool((_settings(text) or {}).get("references"))


def looks_at_nothing(arguments: Sequence[str], folder: str, read: Read) -> str:
    """Return why `tsc` with these arguments looks at no file and passes all the same, '' where it looks at some."""
    if any(text in _BUILDS or _SOURCE.search(text) for text in arguments):
        return ""
    path = _project(arguments, folder, read)
    if not path or not has_references(read(path)):
        return ""
    files, include = _stated(path, "files", read), _stated(path, "include", read)
    if files or include or (files is None and include is None):
        # Without either list it looks at everything below.
        return ""
    return f"{path} names no files of its own but other projects, which `tsc` checks only with `-b`"


def _settings(text: str | None) -> Mapping[str, Any] | None:
    bare = _NOT_DATA.sub(lambda match: match[1] or "", text or "")
    return json_object(_COMMA.sub(lambda match: match[1] or "", bare))


def _project(arguments: Sequence[str], folder: str, read: Read) -> str:
    """Return the path of the tsconfig that is meant, '' where none is found."""
    stated = next((value for name, value in pairwise(arguments) if name in _PROJECT), None)
    if stated is None:
        found = (within(parent, "tsconfig.json") for parent in upwards(folder))
        return next((path for path in found if read(path) is not None), "")
    path = posixpath.normpath(within(folder, stated))
    return next((name for name in (path, posixpath.normpath(f"{path}/tsconfig.json")) if read(name) is not None), "")


def _stated(path: str, name: str, read: Read) -> Any:
    """Return a list of files as the tsconfig states it, or one that it extends; None where none does."""
    for _ in range(_LONGEST_CHAIN):
        settings = _settings(read(path)) or {}
        if name in settings:
            return settings[name]
        extended = settings.get("extends")
        if not isinstance(extended, str) or not extended.startswith("."):
            return None
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), extended))
        path = path if read(path) is not None else f"{path}.json"
    return None
