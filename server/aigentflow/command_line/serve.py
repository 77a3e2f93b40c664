"""`aigentflow serve`: the language server; nothing but protocol on standard output."""

from __future__ import annotations

import argparse

from aigentflow.errors import ConfigurationError


def main(options: argparse.Namespace) -> int:
    """Serve one client and return the exit code."""
    from aigentflow.lsp.serving import serve

    return serve(_address(options.tcp))


def _address(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _colon, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65_535:
        raise ConfigurationError(f"--tcp {text!r} is not HOST:PORT; try 127.0.0.1:2087.")
    return host.strip("[]") or "127.0.0.1", int(port)
