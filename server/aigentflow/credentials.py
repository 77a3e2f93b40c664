"""Where a credential for the model service would come from; never what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from aigentflow.state import config_home

_VARIABLES = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE", "ANTHROPIC_IDENTITY_TOKEN", "ANTHROPIC_IDENTITY_TOKEN_FILE")
_HEADERS = frozenset({"authorization", "x-api-key"})
SCRIPT = "AIGENTFLOW_SCRIPT"


def credential_source(env: Mapping[str, str], headers: Iterable[str] = ()) -> str | None:
    """Return the name of what a credential would be taken from, None where there is none; `headers` are the person's own."""
    for name in _VARIABLES:
        if env.get(name):
            return name
    for header in headers:
        if header.lower() in _HEADERS:
            return f"the header {header} in config.yaml"
    if any(line.partition(":")[0].strip().lower() in _HEADERS for line in env.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines()):
        return "ANTHROPIC_CUSTOM_HEADERS"
    folder = Path(env.get("ANTHROPIC_CONFIG_DIR") or config_home(env) / "anthropic")
    return f"the profile in {folder}" if folder.is_dir() else None
