"""The form of a path that was asked for, judged before the disk is looked at: what may not even be resolved, and why."""

from __future__ import annotations

import os
import re
import unicodedata

MAX_PATH = 4_096
"""Bytes of a whole path in UTF-8."""
MAX_NAME = 255
"""Bytes of one component in UTF-8."""

_PLAIN = re.compile(r"[A-Za-z0-9_@+()\[\],=!#-]+(?:[ .]+[A-Za-z0-9_@+()\[\],=!#-]+)*")
_NOTATIONS = (
    (re.compile(r"\\"), "the path has a backslash; write '/'"),
    (re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:"), "the path has a scheme or drive; write it relative to the workspace"),
    (re.compile(r":"), "the path has a colon"),
    (re.compile(r"\$(?:[A-Z_0-9{(`'\"]|/|$)|`|^\$"), "the path has a '$' or backquote that nobody resolves; write the name itself"),
    (re.compile(r"//"), "the path has an empty folder name ('//')"),
    (
        re.compile(r"%(?:[01][0-9a-f]|2e|2f|5c|25|24|7e|3a|7f|c0|c1|e0%80|u[0-9a-f]{4})", re.IGNORECASE),
        "the path has an encoded separator; write the character itself",
    ),
)
_MARKS = re.compile(r"[\\:$`%]|//")
"""One of these is in every notation above, so that most paths are through after one look."""
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)", re.IGNORECASE)
_SHORT_NAME = re.compile(r"~\d")
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_OTHER = re.compile(r"[^\x00-\x7f]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\ufff0-\uffff\U000e0000-\U000e0fff]")


def form_problem(path: str) -> str | None:
    """Return why the path cannot be accepted as it is written, None if it can."""
    if not path:
        return "the path is empty"
    if len(path) > MAX_PATH:
        return "the path is too long"
    parts = path.split("/")
    if all(_PLAIN.fullmatch(part) for part in parts):
        return _reserved(parts)
    problem = _invisible(path) or _notation(path)
    if problem:
        return problem
    for part in parts:
        problem = _component_problem(part)
        if problem:
            return problem
    return _reserved(parts) or _compatibility(path)


def _invisible(path: str) -> str | None:
    control = _CONTROL.search(path)
    if control is not None:
        return _names_character(control.group())
    for character in _OTHER.findall(path):
        if unicodedata.category(character) in _INVISIBLE_CATEGORIES or _INVISIBLE.match(character):
            return _names_character(character)
    return None


def _names_character(character: str) -> str:
    return f"the path has an invisible or control character (U+{ord(character):04X})"


def _notation(path: str) -> str | None:
    if _MARKS.search(path) is None:
        return None
    return next((problem for pattern, problem in _NOTATIONS if pattern.search(path)), None)


def _component_problem(part: str) -> str | None:
    if part in ("", ".", ".."):
        return None
    if part.startswith("~") or _SHORT_NAME.search(part):
        return "the path has a '~' that nobody resolves; write the name itself"
    if part[-1] in ". ":
        return "a name in the path ends with a dot or a space"
    if len(part.encode("utf-8")) > MAX_NAME:
        return "a name in the path is too long"
    return None


def _reserved(parts: list[str]) -> str | None:
    for part in parts:
        name = part.split(".")[0].rstrip(" ") if os.name == "nt" else part
        if len(name) <= 7 and _DEVICE.fullmatch(name):
            return f"{name} is the name of a device"
        if len(part) > MAX_NAME:
            return "a name in the path is too long"
    return None


def _compatibility(path: str) -> str | None:
    """Return why the path would be another one for whoever folds compatibility characters (full-width dots, slashes, …)."""
    if path.isascii():
        return None
    parts = path.split("/")
    alike = unicodedata.normalize("NFKC", path).split("/")
    if len(parts) != len(alike) or any("\\" in part for part in alike):
        return "the path has a character that stands for a separator"
    for part, other in zip(parts, alike, strict=True):
        if part != other and other not in ("", part) and (other in (".", "..") or other[-1] in ". "):
            return "the path has a character that stands for a dot or a space"
    return None
