"""Which workspace content a person has trusted: a folder by its real path, each file by the hash of its bytes.

Changing an agent file or the project file ends the trust in that file, and in no other.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aigentflow.state import write_private


@dataclass(frozen=True)
class TrustedFolder:
    """What is trusted in one folder."""

    root: Path
    files: Mapping[str, str]
    """Name of the file, as shown to the person, to the SHA-256 of its bytes."""
    seconds: float
    """When it was recorded, seconds since 1970."""


class TrustStore:
    """The record of trust in the state folder; one file per trusted folder, so that two servers do not undo each other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "trust"

    def is_trusted(self, root: Path, content_sha256: str) -> bool:
        """Whether a file with exactly this content is trusted in this folder."""
        entry = self._read(self._file(root))
        return entry is not None and entry.root == _real(root) and content_sha256 in entry.files.values()

    def record(self, root: Path, files: Mapping[str, str]) -> None:
        """Trust exactly these files (name to SHA-256) in this folder, and no others that were trusted before."""
        entry = {"schema": 1, "root": str(_real(root)), "files": dict(sorted(files.items())), "seconds": time.time()}
        write_private(self._file(root), json.dumps(entry, ensure_ascii=False, indent=1).encode())

    def revoke(self, root: Path) -> bool:
        """Forget the folder; whether anything was trusted in it."""
        file = self._file(root)
        known = file.is_file()
        file.unlink(missing_ok=True)
        return known

    def folder(self, root: Path) -> TrustedFolder | None:
        """Return what is trusted in the folder, None where nothing is."""
        return self._read(self._file(root))

    def folders(self) -> tuple[TrustedFolder, ...]:
        """Return all trusted folders, ordered by path."""
        entries = [entry for file in self._folder.glob("*.json") if (entry := self._read(file)) is not None]
        return tuple(sorted(entries, key=lambda entry: str(entry.root)))

    def _file(self, root: Path) -> Path:
        return self._folder / (hashlib.sha256(os.fsencode(_real(root))).hexdigest()[:32] + ".json")

    def _read(self, file: Path) -> TrustedFolder | None:
        # A record that cannot be read is no trust.
        try:
            raw = json.loads(file.read_bytes())
            files = {str(name): str(digest) for name, digest in raw["files"].items()}
            return TrustedFolder(Path(raw["root"]), files, float(raw["seconds"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def content_sha256(data: bytes) -> str:
    """Return the hash that trust is bound to."""
    return hashlib.sha256(data).hexdigest()


def _real(root: Path) -> Path:
    return Path(os.path.realpath(root))
