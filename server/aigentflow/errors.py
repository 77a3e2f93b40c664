"""The exceptions of this package, on one page.

AigentflowError
├── ConfigurationError        wrong use, settings, key, boundary or trust; the command line exits with 2
│   ├── NoKeyError            no credential for the model service
│   ├── NoBoundaryError       nothing says what the agent may change
│   └── NotTrustedError       an agent or project file of a workspace that nobody has trusted
├── PathError                 a path that cannot be read or changed
│   ├── PathRefused           the boundary said no
│   ├── PathMissing           no such file, or not a regular file
│   └── PathUnreadable        the file is there, but its text cannot be had
├── EditError                 an edit whose place in the text is not exactly one
├── StaleBaseError            the text moved on since the edit was computed
├── ToolError                 a tool call that cannot be answered otherwise; told to the model
├── ModelError                the model service
│   ├── ModelUnavailable      a passing fault: the turn may be tried again
│   │   └── BrokenTurn        the answer had begun and did not end well
│   ├── ModelRejected         the service refuses this request: trying again is of no use
│   └── ModelCredentialsError the key was refused
└── FrameError                a broken frame between server and run host
"""

from __future__ import annotations


class AigentflowError(Exception):
    """Base of all exceptions that this package raises on purpose."""


class ConfigurationError(AigentflowError):
    """Wrong use or configuration; the message ends with the one next thing to do."""


class NoKeyError(ConfigurationError):
    """No credential for the model service was found."""


class NoBoundaryError(ConfigurationError):
    """No source of a boundary says what the agent may change."""


class NotTrustedError(ConfigurationError):
    """The file comes from a workspace that nobody has trusted yet."""


class PathError(AigentflowError):
    """A path that cannot be read or changed."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path
        """As it was asked for."""


class PathRefused(PathError):
    """The boundary refused; `pattern` and `owner` name the rule where there is one."""

    def __init__(self, message: str, path: str, *, rule: str, pattern: str | None = None, owner: str | None = None) -> None:
        super().__init__(message, path)
        self.rule = rule
        self.pattern = pattern
        self.owner = owner


class PathMissing(PathError):
    """No such file, or not a regular file."""


class PathUnreadable(PathError):
    """The file exists, but its text cannot be had (permission, size, input/output error)."""


class EditError(AigentflowError):
    """The old text of an edit was not found exactly once; the message shows the nearest match."""


class StaleBaseError(AigentflowError):
    """The text on disk or in the buffer is not the one the edit was computed from."""


class ToolError(AigentflowError):
    """A tool call that failed; the message is the answer to the model."""


class ModelError(AigentflowError):
    """The model service did not give a usable answer."""


class ModelUnavailable(ModelError):
    """A passing fault; `retry_after` is in seconds where the service named it."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BrokenTurn(ModelUnavailable):
    """The answer had begun, so its prompt is paid for, and did not end well."""


class ModelRejected(ModelError):
    """The service refuses this request; `status` is the HTTP status, `kind` the service's error type."""

    def __init__(self, message: str, *, status: int, kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class ModelCredentialsError(ModelError):
    """The credential was refused."""


class FrameError(AigentflowError):
    """A broken frame between server and run host."""
