"""Decides for a path: may it be read, may it be changed, and why not. The one place where that is decided.

The order is form, resolve, protected names, deny, allow, object; it is asked on the asked-for and on the real path.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from ..errors import PathRefused
from .names import folded, literal_only_name, protected_name, secret_name
from .resolve import Resolved, Resolver, Unresolved
from .rules import AllowEntry, DenyEntry, DenyRule, Rules, compile_rules, covering_entry, matching_entry

__all__ = ["MAX_FILE", "Boundary", "Decision", "DenyRule", "Rules", "exact_glob"]

MAX_FILE = 10_000_000
"""Bytes of a file that may be read or changed as text."""

RuleName = Literal["form", "resolve", "protected", "secret", "deny", "allow", "object", ""]
_SPECIAL = re.compile(r"[*?\[\]{}!,\\]")
_NO_OWNERS: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True)
class Decision:
    """One answer of the boundary; it never tells what a file holds."""

    allowed: bool
    path: str
    """The canonical workspace-relative path; the path as asked for where it could not be resolved."""
    rule: RuleName
    """What decided; empty where nothing speaks against it."""
    reason: str
    pattern: str | None = None
    owner: str | None = None


class Boundary:
    """The policy of one agent in one workspace folder."""

    def __init__(self, root: Path, rules: Rules, owners: Mapping[str, Sequence[str]] = _NO_OWNERS) -> None:
        self.root = root
        self.rules = rules
        self._resolver = Resolver(root)
        self.real_root: str = self._resolver.real_root
        """The workspace folder, links followed."""
        compiled = compile_rules(rules, self.real_root)
        self._own = compiled
        self._layers: tuple[tuple[AllowEntry, ...], ...] = (compiled.allow,)
        """Each has to allow a path."""
        self._granted: tuple[AllowEntry, ...] = ()
        self._deny: tuple[DenyEntry, ...] = compiled.deny
        self._owners = tuple(
            (owner, entry)
            for owner, patterns in owners.items()
            for entry in compile_rules(Rules(allow=tuple(patterns)), self._resolver.real_root).allow
        )
        self.problems: tuple[str, ...] = compiled.problems
        """Entries that give nothing, or that fail closed, and why."""
        self.read_only: bool = not compiled.allow

    def steer(self, rules: Rules, granted: Sequence[str] = ()) -> None:
        """Hold from now on what `rules` say beside the rules it was made with, and open exactly the granted paths; replaces the last call.

        So it never allows more than at first, but for the granted paths; names, secrets and every deny list hold for these too.
        """
        now = compile_rules(rules, self.real_root)
        restrictions = tuple(entry for entry in (*self.rules.allow, *rules.allow) if entry.strip().startswith("!"))
        allow = (*map(exact_glob, granted), *restrictions)
        opened = compile_rules(Rules(allow=allow, deny=(*self.rules.deny, *rules.deny)), self.real_root)
        self._layers, self._granted, self._deny = (self._own.allow, now.allow), opened.allow, (*self._own.deny, *now.deny)
        self.problems = tuple(dict.fromkeys((*self._own.problems, *now.problems)))
        self.read_only = not (opened.allow or all(self._layers))

    def relative(self, asked: str) -> str:
        """Return the canonical workspace-relative path (links followed); raises `PathRefused`. The workspace folder itself is ``""``."""
        try:
            return self._resolver.resolve(asked).real
        except Unresolved as error:
            raise PathRefused(_say(asked, error.reason), asked, rule=error.rule) from None

    def asked_path(self, asked: str) -> str:
        """Return the path as asked for, relative to the workspace, links not followed; raises `PathRefused`."""
        try:
            return self._resolver.resolve(asked).asked
        except Unresolved as error:
            raise PathRefused(_say(asked, error.reason), asked, rule=error.rule) from None

    def may_read(self, asked: str) -> Decision:
        """Decide whether the file or folder may be read and searched."""
        try:
            resolved = self._resolver.resolve(asked)
        except Unresolved as error:
            return _unresolved(asked, error)
        for path in _both(resolved):
            name = secret_name(folded(path).split("/"))
            if name is not None:
                return _secret(path, name)
        problem = self._special_file(resolved.real)
        if problem:
            return Decision(False, resolved.real, "object", _say(resolved.real, problem))
        return Decision(True, resolved.real, "", _say(resolved.real, "lies inside the workspace, so it may be read"))

    def may_change(self, asked: str) -> Decision:
        """Decide whether the file may be created, changed, deleted or be an end of a rename."""
        try:
            resolved = self._resolver.resolve(asked)
        except Unresolved as error:
            return _unresolved(asked, error)
        for refusal in (self._name_refusal, self._deny_refusal, self._allow_refusal):
            for path in _both(resolved):
                decision = refusal(path)
                if decision is not None:
                    return decision
        return self._object_decision(resolved, names_folder=asked.endswith("/"))

    def explain(self, asked: str) -> list[Decision]:
        """Return what each step of `may_change` says of the path, up to and with the first refusal."""
        last = self.may_change(asked)
        if last.rule in ("form", "resolve"):
            return [last]
        path = self.relative(asked)
        entry = matching_entry(self._granted, path) or matching_entry(self._layers[-1], path)
        allows = f"{entry.pattern} allows it" if entry is not None else ""
        passed = (
            Decision(True, path, "resolve", _say(path, "lies inside the workspace")),
            Decision(True, path, "protected", _say(path, "not a protected name, not a secret")),
            Decision(True, path, "deny", _say(path, "no deny entry matches")),
            Decision(True, path, "allow", _say(path, allows), None if entry is None else entry.pattern),
        )
        reached = {"protected": 1, "secret": 1, "deny": 2, "allow": 3}.get(last.rule, len(passed))
        return [*passed[:reached], last]

    def _name_refusal(self, path: str) -> Decision | None:
        parts = folded(path).split("/")
        name = secret_name(parts)
        if name is not None:
            return _secret(path, name)
        name = protected_name(parts)
        if name is not None:
            return Decision(False, path, "protected", _say(path, f"{name} is protected: no boundary opens it"), name)
        name = literal_only_name(parts)
        if name is None or all(any(entry.names(path) for entry in layer) for layer in self._layers):
            return None
        reason = f"{name} is changed only where the boundary names this very path"
        return Decision(False, path, "protected", _say(path, reason), name)

    def _deny_refusal(self, path: str) -> Decision | None:
        entry = covering_entry(self._deny, path)
        if entry is None:
            return None
        owner = entry.owner or self._owner_of(path)[0]
        said = f"{entry.pattern} belongs to {owner}" if owner else f"{entry.pattern} is denied"
        return Decision(False, path, "deny", _say(path, said), entry.pattern, owner)

    def _allow_refusal(self, path: str) -> Decision | None:
        closed = next((layer for layer in self._layers if matching_entry(layer, path) is None), None)
        if closed is None or matching_entry(self._granted, path) is not None:
            return None
        owner, pattern = self._owner_of(path)
        belongs = f"; {pattern} belongs to {owner}" if owner else ""
        if self.read_only:
            return Decision(False, path, "allow", _say(path, f"nothing may be changed: {self._why_read_only()}{belongs}"), pattern, owner)
        inside = ", ".join(entry.pattern for entry in closed) or "nothing is inside any more"
        return Decision(False, path, "allow", _say(path, f"outside the boundary ({inside}){belongs}"), pattern, owner)

    def _why_read_only(self) -> str:
        return self.problems[0] if self.problems else "the boundary has no allow entry"

    def _owner_of(self, path: str) -> tuple[str | None, str | None]:
        for owner, entry in self._owners:
            if entry.glob.matches(path):
                return owner, entry.pattern
        return None, None

    def _object_decision(self, resolved: Resolved, *, names_folder: bool) -> Decision:
        problem = "it names a folder, not a file" if names_folder or not resolved.real else self._object_problem(resolved.real)
        if problem:
            return Decision(False, resolved.real, "object", _say(resolved.real or ".", problem))
        return Decision(True, resolved.real, "", _say(resolved.real, "may be changed"))

    def _object_problem(self, path: str) -> str | None:
        full = os.path.join(self._resolver.real_root, path)
        try:
            status = os.lstat(full)
        except FileNotFoundError:
            return self._parent_problem(full)
        except OSError as error:
            return f"it cannot be looked at ({error.strerror})"
        return _kind_problem(status) or _file_problem(full, status)

    def _parent_problem(self, full: str) -> str | None:
        folder = os.path.dirname(full)
        while len(folder) > len(self._resolver.real_root) and not os.path.lexists(folder):
            folder = os.path.dirname(folder)
        if not os.path.isdir(folder):
            return "a folder in the path is a file"
        return None if os.access(folder, os.W_OK) else "its folder is read-only"

    def _special_file(self, path: str) -> str | None:
        try:
            mode = os.lstat(os.path.join(self._resolver.real_root, path)).st_mode
        except OSError:
            return None
        return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "it is not a regular file"


def exact_glob(path: str) -> str:
    """Return the allow entry that matches the workspace-relative path and no other."""
    return "./" + _SPECIAL.sub(r"\\\g<0>", path)


def _kind_problem(status: os.stat_result) -> str | None:
    if stat.S_ISDIR(status.st_mode):
        return "it is a folder, not a file"
    return None if stat.S_ISREG(status.st_mode) else "it is not a regular file"


def _file_problem(full: str, status: os.stat_result) -> str | None:
    if status.st_nlink > 1:
        return f"the same file has {status.st_nlink} names (hard links); it is not edited"
    if status.st_size > MAX_FILE:
        return f"it has {status.st_size:,} bytes; files above {MAX_FILE:,} are not edited"
    if not status.st_mode & 0o222 or not os.access(full, os.W_OK):
        return "it is marked read-only or belongs to somebody else"
    return None


def _both(resolved: Resolved) -> tuple[str, ...]:
    return (resolved.asked,) if resolved.asked == resolved.real else (resolved.asked, resolved.real)


def _unresolved(asked: str, error: Unresolved) -> Decision:
    rule: RuleName = "form" if error.rule == "form" else "resolve"
    return Decision(False, asked, rule, _say(asked, error.reason))


def _secret(path: str, name: str) -> Decision:
    return Decision(False, path, "secret", _say(path, f"{name} holds secrets, which are neither read nor changed"), name)


def _say(path: str, reason: str) -> str:
    """Return the reason behind the path as it can be shown: control characters escaped, length bounded."""
    shown = path if path.isprintable() else path.encode("unicode_escape").decode("ascii")
    shown = shown if len(shown) <= 200 else shown[:200] + "…"
    return f"{shown or '(empty)'}: {reason}"
