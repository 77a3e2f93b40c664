"""How each client of `tests/clients` behaves where its capabilities do not say it, as found with the real editors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

CLIENTS = Path(__file__).resolve().parents[1] / "clients"


@dataclass(frozen=True)
class Profile:
    """One client."""

    fixture: str
    first_version: int = 1
    checks: Literal["all", "each", "first", "none"] = "all"
    """Which versions are compared: all before anything is applied, each as its turn comes, only the first entry's, none."""
    stale: Literal["false", "true", "reason", "error"] = "false"
    """The answer to an edit refused as stale."""
    send: Literal["at once", "rate", "idle"] = "at once"
    """When changes are sent: at once, at most every so often (Neovim), or after a pause (eglot)."""
    delay: float = 0.0
    buffer_of_lines: bool = False
    """The buffer is a list of lines, each edit is fitted to it (Neovim)."""
    confirms: bool = False
    """Annotated edits that need confirmation start unticked and are skipped; the answer is `applied: true` all the same."""
    create_empties: bool = True
    """Creating a file that is there empties it unless `ignoreIfExists` is given; else it is refused."""
    opens_changed_files: bool = True

    @property
    def recorded(self) -> dict[str, Any]:
        """What the client announced, as recorded."""
        data: dict[str, Any] = json.loads((CLIENTS / f"{self.fixture}.json").read_text("utf-8"))
        return data

    @property
    def encoding(self) -> str:
        """The encoding that is negotiated: the client's first."""
        general = self.recorded["capabilities"].get("general") or {}
        return (general.get("positionEncodings") or ["utf-16"])[0]


VSCODE = Profile("vscode-1.139.1", checks="all", stale="false", confirms=True, create_empties=False)
NEOVIM_10 = Profile("neovim-0.10.4", 0, checks="first", stale="true", send="rate", delay=0.15, buffer_of_lines=True)
NEOVIM_12 = Profile("neovim-0.12.4", 0, checks="first", stale="true", send="rate", delay=0.15, buffer_of_lines=True)
HELIX = Profile("helix-25.07.1", 0, checks="each", stale="reason")
HELIX_01 = Profile("helix-25.01.1", 0, checks="each", stale="reason")
EGLOT = Profile("emacs-eglot-30.1", 0, checks="each", stale="error", send="idle", delay=0.5)
LSP_MODE = Profile("emacs-lsp-mode-10.0.0", 0, checks="each", stale="error", send="idle", delay=0.5)
KATE = Profile("kate-22.12.3", 0, checks="none")
ALE = Profile("vim-ale-3.3.0", 1, checks="none")
YCM = Profile("vim-youcompleteme-2023.01", 1, checks="none")

ALL = {profile.fixture: profile for profile in (VSCODE, NEOVIM_10, NEOVIM_12, HELIX, HELIX_01, EGLOT, LSP_MODE, KATE, ALE, YCM)}
APPLYING = {name: profile for name, profile in ALL.items() if profile not in (KATE, ALE)}
"""Clients that announce `workspace/applyEdit`."""
