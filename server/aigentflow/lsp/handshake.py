"""Answers `initialize` before anything heavy is imported: the editor goes on while pygls loads.

Standard library only. The table of server capabilities is here and nowhere else; a test compares it with what pygls
would announce for the features that are registered.
"""

from __future__ import annotations

import json
import os
from typing import Any

from aigentflow import __version__

ENCODINGS = ("utf-8", "utf-16", "utf-32")
COMMANDS = ("run", "cancel", "show", "accept", "reject", "undo", "trust", "checklist", "allow", "handover", "decline")
"""What `workspace/executeCommand` knows, without the prefix `aigentflow.`."""
CODE_ACTION_KINDS = ("quickfix", "refactor.rewrite.aigentflow", "source.fixAll.aigentflow", "source.aigentflow")
PAGE_SCHEME = "aigentflow"
_MAX_BODY = 64 * 1024 * 1024


def read_first(descriptor: int) -> tuple[bytes | None, bytes]:
    """Return the body of the first message and the bytes that came after it; None where the stream ended or is no LSP."""
    received = b""
    while True:
        head, separator, rest = received.partition(b"\r\n\r\n")
        if separator:
            length = _length(head)
            if length is None:
                return None, received
            if len(rest) >= length:
                return rest[:length], rest[length:]
        elif len(received) > _MAX_BODY:
            return None, received
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            return None, received
        received += chunk


def _length(head: bytes) -> int | None:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return min(int(value), _MAX_BODY)
    return None


def answer(body: bytes) -> bytes | None:
    """Return the framed answer to an `initialize` request, None for anything else."""
    try:
        message = json.loads(body)
        if message["method"] != "initialize" or not isinstance(message["params"]["capabilities"], dict):
            return None
        answered = {"jsonrpc": "2.0", "id": message["id"], "result": result(message["params"])}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    encoded = json.dumps(answered).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(encoded), encoded)


def result(params: dict[str, Any]) -> dict[str, Any]:
    """Return the `InitializeResult` for these parameters, as JSON."""
    return {"capabilities": server_capabilities(params["capabilities"]), "serverInfo": {"name": "aigentflow", "version": __version__}}


def server_capabilities(client: dict[str, Any]) -> dict[str, Any]:
    """Return what the server announces to a client with these capabilities."""
    capabilities: dict[str, Any] = {
        "positionEncoding": position_encoding(client),
        "textDocumentSync": {"openClose": True, "change": 2, "save": {}},
        "hoverProvider": True,
        "codeActionProvider": {"codeActionKinds": list(CODE_ACTION_KINDS), "resolveProvider": True},
        "codeLensProvider": {"resolveProvider": False},
        "executeCommandProvider": {"commands": [f"aigentflow.{name}" for name in COMMANDS]},
        "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}},
    }
    if pulls(client):
        capabilities["diagnosticProvider"] = {
            "identifier": "aigentflow",
            "interFileDependencies": True,
            "workspaceDiagnostics": False,
        }
    if _at(client, "workspace", "textDocumentContent") is not None:
        capabilities["workspace"]["textDocumentContent"] = {"schemes": [PAGE_SCHEME]}
    return capabilities


def position_encoding(client: dict[str, Any]) -> str:
    """Return the client's first encoding that we know, `utf-16` where it names none (LSP 3.17, PositionEncodingKind)."""
    offered = _at(client, "general", "positionEncodings")
    known = [encoding for encoding in offered if encoding in ENCODINGS] if isinstance(offered, list) else []
    return str(known[0]) if known else "utf-16"


def pulls(client: dict[str, Any]) -> bool:
    """Return whether this client is to pull its diagnostics: it can, and it can be told to do so again."""
    can = isinstance(_at(client, "textDocument", "diagnostic"), dict)
    return can and _at(client, "workspace", "diagnostics", "refreshSupport") is True


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
