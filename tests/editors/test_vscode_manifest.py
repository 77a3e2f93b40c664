"""The settings in the manifest of the VS Code extension are the server's own declarations.

`python tests/editors/test_vscode_manifest.py` rewrites them; the test fails while they are stale.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aigentflow.settings import settings_schema

MANIFEST = Path(__file__).resolve().parents[2] / "editors" / "vscode" / "package.json"
OWN = "aigentflow.server."
"""Settings of the extension itself, which the server does not know."""


def expected(manifest: dict[str, Any]) -> dict[str, Any]:
    """The properties as they should be: the extension's own, then the server's."""
    properties = manifest["contributes"]["configuration"]["properties"]
    return {name: declared for name, declared in properties.items() if name.startswith(OWN)} | settings_schema()


def write() -> None:
    """Rewrite the manifest's settings."""
    manifest = json.loads(MANIFEST.read_text("utf-8"))
    manifest["contributes"]["configuration"]["properties"] = expected(manifest)
    MANIFEST.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", "utf-8")


def test_manifest_declares_the_servers_settings() -> None:
    manifest = json.loads(MANIFEST.read_text("utf-8"))
    assert manifest["contributes"]["configuration"]["properties"] == expected(manifest), f"run: python {Path(__file__).name}"


def test_an_untrusted_workspace_cannot_choose_what_is_started() -> None:
    manifest = json.loads(MANIFEST.read_text("utf-8"))
    command = manifest["contributes"]["configuration"]["properties"]["aigentflow.server.command"]
    assert command["scope"] == "machine"
    assert "aigentflow.server.command" in manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]


if __name__ == "__main__":
    write()
