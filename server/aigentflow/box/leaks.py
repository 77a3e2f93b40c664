"""The last look at what a command brings out of its box: no value of a secret file, neither printed nor in a file that is kept."""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any

from aigentflow.errors import PathError
from aigentflow.workspace.folders import read_file

from .hidden_mask import Mask

_NOTE = "it holds what stands in a hidden file"


def without_secrets(outcome: Mapping[str, Any], masks: Iterable[Mask], root: str, toppings: Mapping[str, bytes | None]) -> dict[str, Any]:
    """Return the outcome, as JSON, with secrets taken out of its output and without files into which they were written."""
    output, changes, known = outcome["output"], list(outcome["changes"]), dict.fromkeys(masks)
    for mask in known:
        output = mask.masked(output)
    for number, change in enumerate(changes):
        data = change["data"]
        if data is not None and _leaks(b64decode(data["base64"]), change["path"], known, root, toppings):
            changes[number] = {**change, "kind": "other", "data": None, "note": _NOTE}
    return {**outcome, "output": output, "changes": changes}


def _leaks(new: bytes, path: str, masks: Iterable[Mask], root: str, toppings: Mapping[str, bytes | None]) -> bool:
    if not any(mask.brings(new, b"") for mask in masks):
        return False
    before = toppings.get(path) or _on_disk(root, path)
    return any(mask.brings(new, before) for mask in masks)


def _on_disk(root: str, path: str) -> bytes:
    try:
        return read_file(os.fspath(root), path)[0]
    except PathError:
        return b""
