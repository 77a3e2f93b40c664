"""What secret files held in the repository of a workspace: in commits, in the index, in stashes.

A command can ask git for them, so what stood in them is taken out of what it prints. Git itself is asked in such a way that nothing in
the repository can run a program, in a process beside, and for a bounded time.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aigentflow.workspace.names import folded, secret_name

from .git import SAFE_OPTIONS, hardened
from .hidden_values import SecretFile, secrets_in
from .libc import Libc

_ALL = ("rev-list", "--objects", "--all", "--reflog", "--indexed-objects")
_SECONDS = 30.0
"""How long git may take to name all that it holds."""
_LOWER = 10
_MOST_FILES = 200
_HEAD = 64 << 10


class History:
    """Asks for the secrets in the past of a workspace; making it does not wait."""

    def __init__(self, root: str) -> None:
        self._files: tuple[SecretFile, ...] = ()
        self._data = bytearray()
        self._pid = self._reader = -1
        git = shutil.which("git", path=os.defpath)
        if git is not None and os.path.lexists(os.path.join(root, ".git")):
            with suppress(OSError):
                self._start(git, root)

    @property
    def process(self) -> int:
        """The process that asks, -1 once it is done."""
        return self._pid if self._reader >= 0 else -1

    def files(self, seconds: float = 0.0) -> tuple[SecretFile, ...]:
        """Return what was found, newest first; waits that long for it, and is empty while it is not known."""
        poll = select.poll()
        while self._reader >= 0:
            poll.register(self._reader, select.POLLIN)
            if not poll.poll(int(seconds * 1000)):
                break
            self._take()
        return self._files

    def close(self) -> None:
        """End the asking."""
        if self._reader >= 0:
            with suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
            self._end()

    def _start(self, git: str, root: str) -> None:
        self._reader, writer = os.pipe2(os.O_CLOEXEC)
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.setsid()
                Libc().die_with_parent()
                os.nice(_LOWER)
                with suppress(OSError, subprocess.SubprocessError, ValueError):
                    _tell(git, Path(root), writer)
            finally:
                os._exit(0)
        os.close(writer)

    def _take(self) -> None:
        chunk = os.read(self._reader, 1 << 20)
        if chunk:
            self._data += chunk
            return
        self._end()
        with suppress(ValueError):
            found = [(path, b64decode(data)) for path, data in json.loads(bytes(self._data))]
            self._files = tuple(SecretFile(path, (), data, tuple(dict.fromkeys(secrets_in(_name(path), data)))) for path, data in found)
        self._data.clear()

    def _end(self) -> None:
        os.close(self._reader)
        self._reader = -1
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _tell(git: str, root: Path, writer: int) -> None:
    found = [(path, b64encode(data).decode("ascii")) for path, data in _contents(git, root)]
    with os.fdopen(writer, "w", encoding="ascii") as out:
        json.dump(found, out)


def _contents(git: str, root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield path and head of every version of a secret file."""
    listed = dict(_versions(_asked(git, root, _ALL)))
    answer = _asked(git, root, ("cat-file", "--batch"), "".join(f"{name}\n" for name in listed).encode())
    at = 0
    for name, path in listed.items():
        end = answer.find(b"\n", at)
        words = answer[at:end].split()
        if end < 0 or len(words) != 3 or words[0].decode("ascii", "replace") != name:
            return
        size = int(words[2])
        if words[1] == b"blob":
            yield path, answer[end + 1 : end + 1 + min(size, _HEAD)]
        at = end + size + 2


def _versions(listed: bytes) -> Iterator[tuple[str, str]]:
    """Yield object and path of the secrets among the lines `object path`."""
    count = 0
    for line in listed.splitlines():
        name, _, raw = line.partition(b" ")
        path = raw.decode("utf-8", "surrogateescape")
        if path and secret_name(folded(path).split("/")) is not None:
            yield name.decode("ascii", "replace"), path
            count += 1
            if count == _MOST_FILES:
                return


def _asked(git: str, root: Path, arguments: tuple[str, ...], given: bytes = b"") -> bytes:
    words, variables = hardened(git, root, SAFE_OPTIONS, arguments)
    done = subprocess.run(
        words,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=variables,
        cwd=root,
        timeout=_SECONDS,
        check=False,
        preexec_fn=Libc().die_with_parent,
    )
    return done.stdout


def _name(path: str) -> str:
    return path.rpartition("/")[2]
