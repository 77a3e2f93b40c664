"""A temporary folder that is gone with the process that made it, in whatever way that ends."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


@contextmanager
def vanishing_folder(prefix: str) -> Iterator[str]:
    """Make a private folder; a process of its own waits to remove it. For a process without threads. Raises OSError."""
    path = os.path.join(os.path.realpath(tempfile.gettempdir()), prefix + secrets.token_hex(8))
    reader, writer = os.pipe2(os.O_CLOEXEC)
    remover = os.fork()
    if remover == 0:
        os.close(writer)
        _remove_later(path, reader)
    os.close(reader)
    try:
        os.mkdir(path, 0o700)
        yield path
    finally:
        os.close(writer)
        os.waitpid(remover, 0)
        # Where somebody ended the other process first.
        shutil.rmtree(path, ignore_errors=True)


def _remove_later(path: str, reader: int) -> NoReturn:
    """Wait until nobody holds the other end of the pipe any more, then remove the folder."""
    try:
        os.setsid()
        os.read(reader, 1)
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os._exit(0)
