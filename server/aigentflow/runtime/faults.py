"""Which answer of the service is which error, in words that say what to do next."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from aigentflow.errors import BrokenTurn, ModelCredentialsError, ModelError, ModelRejected, ModelUnavailable

_PASSING_KINDS = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error", "internal_server_error"})
_PASSING_STATUS = frozenset({408, 409, 425, 429})
_CREDENTIAL_KINDS = frozenset({"authentication_error", "permission_error"})
_TOO_LONG = re.compile(
    r"prompt is too long|context (?:window|length|limit)|too many (?:input )?tokens|input is too long|exceeds? .{0,40}\bcontext", re.I
)
_OUTPUT_LIMIT = re.compile(r"max_tokens\W{0,4}\s*\d{1,9}\s*>\s*(\d{1,9})")
LONGEST_WAIT = 60.0
"""Seconds; a longer `retry-after` is cut to this."""


def fault_of(status: int, kind: str, message: str, retry_after: float | None = None) -> ModelError:
    """Return the error of an HTTP status, or of an in-stream error, whose status is 200."""
    message = message.strip() or f"status {status}"
    if status in (401, 403) or kind in _CREDENTIAL_KINDS:
        return ModelCredentialsError(
            f"The model service refused the key ({status if status != 200 else kind}: {message}). "
            "Check ANTHROPIC_API_KEY in the environment the server is started with, then start the run again."
        )
    if status == 200 and kind in _PASSING_KINDS:
        return BrokenTurn(f"the service broke the answer off: {message}", retry_after)
    if status in _PASSING_STATUS or status >= 500:
        return ModelUnavailable(f"{_name_of(status)}: {message}", retry_after)
    return ModelRejected(message, status=status, kind=kind)


def is_too_long(error: ModelError) -> bool:
    """Return whether the request was refused because the conversation does not fit."""
    return isinstance(error, ModelRejected) and (error.status == 413 or (error.status == 400 and bool(_TOO_LONG.search(str(error)))))


def named_output_limit(error: ModelError) -> int | None:
    """Return the largest answer that the service says the model can give, where it refused a request for a larger one."""
    match = _OUTPUT_LIMIT.search(str(error)) if isinstance(error, ModelRejected) and error.status == 400 else None
    return int(match[1]) if match else None


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds that the headers ask to wait, at most LONGEST_WAIT; None where they say nothing that makes sense."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return min(milliseconds / 1000, LONGEST_WAIT)
    value = headers.get("retry-after")
    if value is None:
        return None
    if (seconds := _number(value)) is not None:
        return min(seconds, LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, at - now()), LONGEST_WAIT)


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else -1.0
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else (LONGEST_WAIT if number == float("inf") else None)


def _name_of(status: int) -> str:
    names = {
        429: "the service limits the rate",
        529: "the service is overloaded",
        503: "the service is unavailable",
        504: "the service timed out",
    }
    return names.get(status, f"the service answered with status {status}")


def connection_layer(error: BaseException) -> str:
    """Return which layer failed, out of a chain of exceptions."""
    words = ""
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            break
        words += f" {type(seen).__name__} {seen}"
        seen = seen.__cause__ or seen.__context__
    for pattern, layer in _LAYERS:
        if re.search(pattern, words, re.I):
            return layer
    return "the connection failed"


_LAYERS = (
    (r"proxy|407", "the proxy refused the connection"),
    (r"certificate|ssl|tls", "the encrypted connection (TLS) failed"),
    (r"gaierror|name or service|nodename|getaddrinfo|name resolution", "the host name of the service was not found (DNS)"),
    (r"refused", "the connection was refused"),
    (r"unreachable", "the network is not reachable"),
    (r"timeout|timed out", "the service did not answer in time"),
    (r"reset|disconnected|closed|incomplete|eof|broken", "the connection broke"),
)
