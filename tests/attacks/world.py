"""The place where a case plays: a workspace with neighbours, a home folder with secrets, and what looks at all of it from outside."""

from __future__ import annotations

import base64
import codecs
import hashlib
import json
import os
import secrets
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .listeners import Listeners

_STANDARD: dict[str, Any] = {
    "src/a.ts": "export const a = 1;\n",
    "src/b.ts": "export const b = 1;\n",
    "src/deep/c.ts": "export const c = 1;\n",
    "web/page.tsx": "export const page = 1;\n",
    "docs/guide.md": "# Guide\n",
    "README.md": "# Project\n",
    "AGENTS.md": "# Agents\n",
    "package.json": '{"name": "project", "version": "1.0.0"}\n',
    ".env": "TOKEN={env_file}\n",
    ".env.example": "TOKEN=put-yours-here\n",
    "config/server.pem": "-----BEGIN KEY-----\n{pem_file}\n",
    ".vscode/settings.json": "{}\n",
    ".mcp.json": "{}\n",
    ".github/workflows/ci.yml": "on: push\n",
    ".git/HEAD": "ref: refs/heads/main\n",
    ".git/config": "[core]\n\trepositoryformatversion = 0\n\tbare = false\n",
    ".git/hooks": {"folder": True},
    ".git/objects": {"folder": True},
    ".git/refs/heads": {"folder": True},
    "../ws-secret/x.ts": "the sibling's {sibling}\n",
    "../outside/a.ts": "{outside_file}\n",
    "../home/.ssh/id_rsa": "{home_file}\n",
    "../home/.aws/credentials": "key = {home_file}\n",
    "../home/.npmrc": "token={home_file}\n",
    "../home/.bashrc": "# mine\n",
}
_CANARIES = ("env_file", "pem_file", "sibling", "outside_file", "home_file", "environment")
_SHARED = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/")


class World:
    """One workspace and its surroundings; every secret in it is a random text that no answer may hold."""

    def __init__(self, top: Path, listeners: Listeners) -> None:
        self.top = top
        self.ws = top / "ws"
        self.home = top / "home"
        self.listeners = listeners
        self.mark = "mark" + secrets.token_hex(6)
        self.canaries = {name: f"canary{secrets.token_hex(12)}" for name in _CANARIES}
        self.ws.mkdir(parents=True)
        self.words = {
            "ws": str(self.ws),
            "top": str(top),
            "outside": str(top / "outside"),
            "home": str(self.home),
            "mark": self.mark,
            **listeners.words,
        }
        self.put({path: _with_canaries(entry, self.canaries) for path, entry in _STANDARD.items()})

    @property
    def environment(self) -> dict[str, str]:
        """What the server's own process has in its environment."""
        secret = self.canaries["environment"]
        return {"HOME": str(self.home), "DATABASE_PASSWORD": secret, "ANTHROPIC_AUTH_TOKEN": secret, "GITHUB_TOKEN": secret}

    def put(self, tree: Mapping[str, Any]) -> None:
        """Make the entries; what stood in their place is taken away first. `{canary}` names of secrets are filled in."""
        for path, entry in tree.items():
            target = Path(os.path.normpath(self.ws / path))
            _remove(target)
            if entry != "gone":
                target.parent.mkdir(parents=True, exist_ok=True)
                self._make(target, _with_canaries(entry, self.canaries))

    def _make(self, target: Path, entry: Any) -> None:
        if isinstance(entry, str):
            target.write_bytes(entry.encode("utf-8", "surrogatepass"))
            return
        match next(iter(entry)):
            case "text":
                target.write_bytes(entry["text"].encode())
            case "hex":
                target.write_bytes(bytes.fromhex(entry["hex"]))
            case "link":
                target.symlink_to(entry["link"])
            case "same_file_as":
                os.link(os.path.normpath(self.ws / entry["same_file_as"]), target)
            case "moved_from":
                os.rename(os.path.normpath(self.ws / entry["moved_from"]), target)
            case "folder":
                target.mkdir()
            case "fifo":
                os.mkfifo(target)
            case "socket":
                self.listeners.listen_at(target)
            case "size":
                with open(target, "wb") as file:
                    file.truncate(entry["size"])
            case other:
                raise AssertionError(f"{target}: nobody knows how to make {other!r}")
        if "mode" in entry:
            target.chmod(int(entry["mode"], 8))

    def prepare(self, script: str) -> None:
        """Run shell text of the test itself in the workspace."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.top), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
        subprocess.run(["/bin/sh", "-euc", script], cwd=self.ws, env=environment, check=True, capture_output=True, timeout=30)

    def fingerprint(self) -> dict[str, tuple[object, ...]]:
        """Return everything that can be seen of every entry, by its path relative to the workspace's neighbours."""
        return dict(_entries(self.top, ""))

    def leaks(self, text: str) -> list[str]:
        """Return the names of the secrets that the text holds, plainly or in a common encoding."""
        return [name for name, secret in self.canaries.items() if any(form in text for form in _disguises(secret))]

    def strays(self) -> list[str]:
        """Return files of shared folders that carry the mark of this case."""
        return [f"{folder}/{name}" for folder in _SHARED if os.path.isdir(folder) for name in os.listdir(folder) if self.mark in name]

    def survivors(self, seconds: float = 2.0) -> list[str]:
        """Return processes that still have to do with this case after the time that they have to end."""
        end = time.monotonic() + seconds
        while (found := list(self._processes())) and time.monotonic() < end:
            time.sleep(0.01)
        return found

    def _processes(self) -> Iterator[str]:
        tokens = (self.mark.encode(), os.fsencode(self.top))
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if int(pid) == os.getpid():
                continue
            words = _bytes(f"/proc/{pid}/cmdline")
            # A process of the kernel has no words.
            seen = words and words + _bytes(f"/proc/{pid}/mountinfo")
            if any(token in seen for token in tokens):
                yield f"{pid}: {words[:200]!r}"


def _with_canaries(entry: Any, canaries: Mapping[str, str]) -> Any:
    if isinstance(entry, str):
        for name, text in canaries.items():
            entry = entry.replace("{" + name + "}", text)
    elif isinstance(entry, dict) and "text" in entry:
        return {**entry, "text": _with_canaries(entry["text"], canaries)}
    return entry


def _remove(target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    elif os.path.lexists(target):
        target.unlink()


def _entries(folder: Path, prefix: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            kind = stat.S_IFMT(status.st_mode)
            content: object = None
            if kind == stat.S_IFREG:
                content = hashlib.sha256(Path(entry.path).read_bytes()).hexdigest() if status.st_size < 50_000_000 else status.st_size
            elif kind == stat.S_IFLNK:
                content = os.readlink(entry.path)
            times = (status.st_mtime_ns,)
            yield prefix + entry.name, (kind, status.st_mode, status.st_uid, status.st_ino, status.st_nlink, content, times)
            if kind == stat.S_IFDIR:
                yield from _entries(Path(entry.path), prefix + entry.name + "/")


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def _disguises(secret: str) -> Iterator[str]:
    yield from (secret, secret[::-1], secret.encode().hex(), codecs.encode(secret, "rot13"), secret.upper(), " ".join(secret))
    for shift in range(3):
        # The characters at both ends depend on what stands beside the secret.
        yield base64.b64encode(b"x" * shift + secret.encode()).decode()[4:-4]


def as_text(value: object) -> str:
    """Return the value as one text to search in."""
    return json.dumps(value, ensure_ascii=False, default=str)
