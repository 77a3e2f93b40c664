"""The check worker: reads the facts of a whole tree in a process of its own, so that the server neither waits nor grows.

Frames carry a length: four bytes, big-endian. In: one JSON object, `{"root": folder, "paths": [path, ...] or null}`; null means all files.
Out: batches of readings, pickled; an empty batch is the last. Pickle is safe here, since both ends are this program and the pipe has no
other writer, and it is the quickest way to bring back thousands of small values. The worker ends when its stdin does.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import struct
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic
from typing import BinaryIO

from aigentflow.checks.facts import Reading, contributes, read_text
from aigentflow.workspace.live import LiveTree
from aigentflow.workspace.snapshot import Snapshot

_BATCH_BYTES = 6_000
"""Unpickling a batch of this size takes one or two milliseconds, which the server can spare between two keystrokes."""
_NICE = 10


def encode_job(root: Path, paths: Sequence[str] | None) -> bytes:
    """Return the frame that tells a worker what to read."""
    return _framed(json.dumps({"root": str(root), "paths": paths}).encode("utf-8"))


def decode_batch(body: bytes) -> list[Reading]:
    """Return the readings of a frame's body; empty: the worker is done. Only for what our own worker wrote."""
    readings: list[Reading] = pickle.loads(body)
    return readings


def read_batches(root: Path, paths: Iterable[str] | None, out: BinaryIO) -> None:
    """Read files as they lie on disk and write what they contribute."""
    tree = LiveTree(root, lambda _: None, monotonic)
    waiting: list[Reading] = []
    size = 0
    for path in Snapshot(root).paths() if paths is None else paths:
        if not contributes(path):
            continue
        reading = read_text(path, tree.read(path))
        waiting.append(reading)
        size += len(pickle.dumps(reading))
        if size > _BATCH_BYTES:
            out.write(_framed(pickle.dumps(waiting)))
            waiting, size = [], 0
    for batch in (waiting, []) if waiting else ([],):
        out.write(_framed(pickle.dumps(batch)))
    out.flush()


def _framed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def _end_with(stdin: BinaryIO) -> None:
    """The server is gone, or wants no more."""
    stdin.read()
    os._exit(0)


def _main() -> None:
    stdin, out = sys.stdin.buffer, sys.stdout.buffer
    if hasattr(os, "nice"):
        os.nice(_NICE)
    head = stdin.read(4)
    if len(head) < 4:
        return
    job = json.loads(stdin.read(struct.unpack(">I", head)[0]))
    threading.Thread(target=_end_with, args=(stdin,), daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        read_batches(Path(job["root"]), job["paths"], out)
    # The interpreter would wait for the thread's hold on stdin.
    os._exit(0)


if __name__ == "__main__":
    _main()
