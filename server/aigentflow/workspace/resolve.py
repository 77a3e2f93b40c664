"""From a path that was asked for to the file it reaches: components, links and the deepest existing parent."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from .forms import form_problem


@dataclass(frozen=True)
class Resolved:
    """A path inside the workspace; all paths are relative to it with `/`."""

    asked: str
    """As asked for, `.` and `..` taken out."""
    real: str
    """Where it lies, links followed; the canonical path."""


class Unresolved(Exception):
    """Why a path leads nowhere inside the workspace; `rule` is `form` or `resolve`."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason


class Resolver:
    """Resolves paths against one workspace folder."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))
        self.real_root = os.path.realpath(self.root)
        self._prefixes = tuple(dict.fromkeys((_with_slash(os.fspath(self.root)), _with_slash(self.real_root))))

    def resolve(self, asked: str) -> Resolved:
        """Return the path inside the workspace; raises `Unresolved`."""
        inside = self._strip_root(asked)
        problem = form_problem(inside)
        if problem:
            raise Unresolved("form", problem)
        if inside.startswith("/"):
            inside = self._inside(inside)
        lexical = self._lexical(inside)
        if not lexical:
            return Resolved("", "")
        return Resolved("/".join(lexical), self._real(lexical))

    def _strip_root(self, asked: str) -> str:
        """Take the workspace folder off an absolute path; its own name is not subject to the form of paths."""
        text = asked.replace("\\", "/") if os.name == "nt" and Path(asked).is_absolute() else asked
        for prefix in self._prefixes:
            if text + "/" == prefix:
                return "."
            if text.startswith(prefix) and not text.startswith("/", len(prefix)):
                return text[len(prefix) :] or "."
        return asked

    def _inside(self, absolute: str) -> str:
        """Return what follows the ancestor that is the workspace folder under another name (through a link)."""
        parts = absolute.split("/")
        for count in range(len(parts), 0, -1):
            ancestor = "/".join(parts[:count]) or "/"
            if ".." in parts[:count]:
                continue
            try:
                if os.path.samefile(ancestor, self.real_root):
                    return "/".join(parts[count:]) or "."
            except (OSError, ValueError):
                continue
        raise Unresolved("resolve", "the path lies outside the workspace")

    def _lexical(self, inside: str) -> list[str]:
        parts: list[str] = []
        for part in inside.split("/"):
            if part in ("", "."):
                continue
            if part != "..":
                parts.append(part)
                continue
            if not parts:
                raise Unresolved("resolve", "the path leads out of the workspace")
            if os.path.islink(os.path.join(self.real_root, *parts)):
                raise Unresolved("resolve", "'..' behind a link; write the path without it")
            parts.pop()
        return parts

    def _real(self, parts: list[str]) -> str:
        full = os.path.join(self.real_root, *parts)
        try:
            real = os.path.realpath(full)
        except (OSError, ValueError) as error:
            raise Unresolved("resolve", f"the path cannot be resolved ({_reason(error)})") from None
        try:
            circle = stat.S_ISLNK(os.lstat(real).st_mode)
        except FileNotFoundError:
            if os.path.islink(full):
                raise Unresolved("resolve", "the path is a link that leads nowhere") from None
            circle = False
        except NotADirectoryError:
            raise Unresolved("resolve", "a folder in the path is a file") from None
        except OSError as error:
            raise Unresolved("resolve", f"the path cannot be resolved ({_reason(error)})") from None
        if circle:
            raise Unresolved("resolve", "the path runs through links that lead in a circle")
        return self._relative_to_root(real)

    def _relative_to_root(self, real: str) -> str:
        real_parts = Path(real).parts
        root_parts = Path(self.real_root).parts
        if real_parts[: len(root_parts)] != root_parts:
            raise Unresolved("resolve", "the path leads out of the workspace through a link")
        rest = real_parts[len(root_parts) :]
        return "/".join(rest)


def _with_slash(path: str) -> str:
    text = path.replace("\\", "/") if os.name == "nt" else path
    return text if text.endswith("/") else text + "/"


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
