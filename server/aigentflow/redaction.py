"""Takes secrets out of what is written to disk, to a log or to a screen.

It knows the shapes of common keys and the values of the environment variables whose names say that they are secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MARK = "[redacted]"

_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSW(?:OR)?D|PASSPHRASE|CREDENTIALS?|AUTH)(?:_?\d+)?$", re.I)
_HEADERS_NAME = re.compile(r"HEADERS$", re.I)
_SHORTEST = 8
_SHAPES = re.compile(
    r"""
    (?P<keep>
        \b(?:proxy-)?authorization["']?\s{0,4}[:=]\s{0,4}["']?(?:bearer|basic|token)\s{1,4}
      | \bx-api-key["']?\s{0,4}[:=]\s{0,4}["']?
      | \bbearer\s{1,4}(?=[A-Za-z0-9._~+/-]{20})
      | \b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,64}:(?=[^\s/@]{1,256}@)
    )(?P<value>[^\s"',;@]{1,4096})
    | \bsk-(?:ant-|proj-|live-|test-)?[A-Za-z0-9_-]{16,}
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
    | \bgh[pousr]_[A-Za-z0-9]{30,}
    | \bgithub_pat_[A-Za-z0-9_]{30,}
    | \bglpat-[A-Za-z0-9_-]{20,}
    | \bnpm_[A-Za-z0-9]{30,}
    | \bpypi-[A-Za-z0-9_-]{40,}
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}
    | \bAIza[A-Za-z0-9_-]{35}
    | \beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}
    | -----BEGIN\ [A-Z ]{0,30}PRIVATE\ KEY-----(?:[A-Za-z0-9+/=\s\\:,]|-(?!-)){0,20000}(?:-----END\ [A-Z ]{0,30}PRIVATE\ KEY-----)?
    """,
    re.X | re.I,
)


def secret_values(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of the variables that hold secrets, longest first."""
    values = {value for name, value in env.items() if _SECRET_NAME.search(name)}
    for name, value in env.items():
        if _HEADERS_NAME.search(name):
            values |= {line.partition(":")[2].strip() for line in value.splitlines()}
    return _longest_first(values)


class Redactor:
    """Replaces secrets in texts and JSON values; built once from an environment and secrets known otherwise."""

    def __init__(self, env: Mapping[str, str], secrets: Iterable[str] = ()) -> None:
        values = _longest_first({*secret_values(env), *secrets})
        self._values = re.compile("|".join(re.escape(value) for value in values)) if values else None

    def text(self, text: str) -> str:
        """Return the text with each secret replaced by a mark."""
        if self._values is not None:
            text = self._values.sub(MARK, text)
        return _SHAPES.sub(_replacement, text)

    def value(self, value: Any) -> Any:
        """Return the JSON value with each secret in its strings, keys included, replaced by a mark."""
        try:
            return self._value(value)
        except RecursionError:
            return "[nested too deeply]"

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(item) for item in value]
        return value


def _replacement(match: re.Match[str]) -> str:
    return (match["keep"] or "") + MARK


def _longest_first(values: Iterable[str]) -> tuple[str, ...]:
    # Short values (`true`, `1234`) are no secrets, and redacting them would hide plain text.
    return tuple(sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True))
