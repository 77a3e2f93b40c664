"""Swaps names under whoever works with them, as fast as the machine can, in a process of its own."""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

_EXCHANGE = 2
_HERE = -100
_SCRIPT = """
import ctypes, itertools, mmap, os, struct, sys
counter, pairs = sys.argv[1], [os.fsencode(path) for path in sys.argv[2:]]
exchange = ctypes.CDLL(None, use_errno=True).renameat2
with open(counter, "r+b") as file:
    shared = mmap.mmap(file.fileno(), 8)
number = 0
os.set_blocking(0, False)
for tries in itertools.count():
    for at in range(0, len(pairs), 2):
        number += exchange(-100, pairs[at], -100, pairs[at + 1], 2) == 0
    shared[:] = struct.pack("<Q", number)
    if not tries % 64:
        try:
            if not os.read(0, 1):
                break
        except BlockingIOError:
            pass
"""


class Swapper:
    """Exchanges the two names of each pair over and over until it is left."""

    def __init__(self, pairs: Sequence[tuple[Path, Path]]) -> None:
        self._pairs = pairs
        self._file = tempfile.NamedTemporaryFile()  # noqa: SIM115 - it lives as long as the swapper
        self._file.write(bytes(8))
        self._file.flush()
        self._shared = mmap.mmap(self._file.fileno(), 8)

    def __enter__(self) -> Swapper:
        first, second = self._pairs[0]
        exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
        if exchange is None or exchange(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) != 0:
            pytest.skip("names cannot be exchanged in one step here")
        exchange(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE)
        paths = [str(path) for pair in self._pairs for path in pair]
        self._process = subprocess.Popen([sys.executable, "-Sc", _SCRIPT, self._file.name, *paths], stdin=subprocess.PIPE)
        while not self.count() and self._process.poll() is None:
            pass
        return self

    def count(self) -> int:
        """Return how many exchanges there were."""
        return int.from_bytes(self._shared[:], "little")

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.poll() is None, "the swapper ended by itself"
        self._process.stdin.close()
        self._process.wait(10)
        self._shared.close()
        self._file.close()
