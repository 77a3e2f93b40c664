"""Starts serving: the handshake first, with the standard library only, then the server.

Standard output is moved away at the start, so that no library can write into the protocol.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any, NoReturn

from aigentflow.lsp.handshake import answer, read_first


def serve(tcp: tuple[str, int] | None = None) -> NoReturn:
    """Serve one client, then leave the process with its exit code, without waiting for the interpreter to take itself apart."""
    code = _serve_stdio() if tcp is None else _serve_tcp(*tcp)
    sys.stderr.flush()
    os._exit(code)


def _serve_stdio() -> int:
    stdin, stdout = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    body, rest = read_first(stdin)
    reply = answer(body) if body is not None else None
    with os.fdopen(stdout, "wb") as output:
        if reply is not None:
            output.write(reply)
            output.flush()
        elif body is not None:
            rest = b"Content-Length: %d\r\n\r\n%s%s" % (len(body), body, rest)
        _log_to_stderr()
        _keep_little_memory()
        _without_tls()
        _with_lean_types()
        from aigentflow.lsp.server import serve_pipes

        return serve_pipes(stdin, output, rest, body if reply is not None else None)


def _serve_tcp(host: str, port: int) -> int:
    _log_to_stderr()
    from aigentflow.lsp.server import serve_tcp

    return serve_tcp(host, port)


def _keep_little_memory() -> None:
    """Ask glibc to return freed memory above 64 KiB at once: a scan frees much more than the server needs afterwards."""
    if sys.platform != "linux":
        return
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-1, 64 * 1024)


def _without_tls() -> None:
    """Import asyncio as on a Python that was built without TLS, which it supports: the server speaks to pipes, and OpenSSL costs 4 MiB."""
    if "ssl" in sys.modules:
        return
    missing: dict[str, ModuleType | None] = {"ssl": None}
    sys.modules.update(missing)  # type: ignore[arg-type]
    import asyncio  # noqa: F401

    del sys.modules["ssl"]


def _with_lean_types() -> None:
    """Import the protocol's 550 generated classes without `__repr__` and `__eq__`: a third of the time and 3 MiB.

    Nothing in the server prints or compares them; who changes that has to leave this out.
    """
    import attrs

    namespace: Any = attrs
    define = namespace.define

    def define_lean(cls: Any = None, **options: Any) -> Any:
        return define(cls, **{**options, "repr": False, "eq": False})

    namespace.define = define_lean
    try:
        import lsprotocol.types  # noqa: F401
    finally:
        namespace.define = define


def _log_to_stderr() -> None:
    import logging

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
