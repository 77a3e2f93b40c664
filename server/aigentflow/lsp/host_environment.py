"""The variables that a run host gets: what Python, the model's client, the state folder and the search for toolchains need, no more."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAMES = frozenset(
    name
    for group in (
        ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "LANG", "LANGUAGE", "TZ", "VIRTUAL_ENV"),
        ("LD_LIBRARY_PATH", "GOROOT", "GOPATH"),
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NIX_SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"),
        ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "USERNAME", "HOMEDRIVE", "HOMEPATH"),
        ("APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "__CF_USER_TEXT_ENCODING"),
    )
    for name in group
)
_BEGINNINGS = ("ANTHROPIC_", "AIGENTFLOW_", "PYTHON", "LC_", "XDG_")
_NOT = frozenset({"AIGENTFLOW_TRUST_TOKEN", "XDG_RUNTIME_DIR"})
"""The token proves that the editor speaks, which a host never has to; the folder is that of the person's sockets."""
_PLACES = re.compile(r"[A-Z0-9_]+_(?:HOME|ROOT|DIR|PREFIX|PATH|INSTALL)")
"""Names of variables that say where a toolchain lives; they count where the value is an absolute path."""


def host_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a run host."""
    return {name: value for name, value in env.items() if _is_needed(name.upper(), value)}


def _is_needed(name: str, value: str) -> bool:
    if name in _NOT:
        return False
    return name in _NAMES or name.startswith(_BEGINNINGS) or (_PLACES.fullmatch(name) is not None and _is_place(value))


def _is_place(value: str) -> bool:
    return value.startswith("/") or re.match(r"[A-Za-z]:[\\/]", value) is not None
