"""The secrets that stand in hidden files, found by the shapes in which such files hold them."""

from __future__ import annotations

import binascii
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

SHORTEST = 8
_HEAD = 64 << 10
_LONGEST = 16 << 10
_MOST_FILES = 200
_MOST_LEVELS = 4
_MOST_NESTED = 40

_ASSIGNMENT = re.compile(
    r"""^[^\S\n]*(?:(?:export|set)[^\S\n]+|-[^\S\n]+)?["']?(?P<key>[A-Za-z_/][\w.:/@-]{0,200}?)["']?[^\S\n]*(?:=|:(?=[\s"']))[^\S\n]*"""
    r"""(?:"(?P<double>(?:[^"\\]|\\.){0,4096})"(?=[^\S\n]*[,;]?[^\S\n]*(?:\#[^\n]*)?$)"""
    r"""|'(?P<single>[^']{0,4096})'(?=[^\S\n]*[,;]?[^\S\n]*(?:\#[^\n]*)?$)|(?P<plain>[^\n]*))""",
    re.M | re.S,
)
_COMMENT = re.compile(r"\s+#.*\Z", re.S)
_NETRC = re.compile(r"\bpassword\s+(\S+)")
_CREDENTIALS_IN_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s/:@]{0,200}:([^\s@]{1,500})@[\w.\[-]")
_XML = re.compile(r"<(?:\w*(?:password|passphrase|token|secret|key)\w*)>([^<]{1,4096})</", re.I)
_PUBLIC_BLOCK = re.compile(
    r"-----BEGIN (?:[A-Z0-9 ]{0,30}CERTIFICATE[A-Z ]{0,10}|[A-Z ]{0,20}PUBLIC KEY|[A-Z ]{0,20}PARAMETERS)-----[^-]*-----END[^-]*-----"
)
_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]{1,60}-----([^-]+)")
_BASE64_LINE = re.compile(r"^[A-Za-z0-9+/]{40,}={0,2}$", re.M)
_ESCAPE = re.compile(r"\\(.)", re.S)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_SECRET_KEY = re.compile(r"key|token|secret|pass|pwd|credential|auth|dsn|salt|signature|cookie|private|webhook", re.I)
_HOST = r"(?:[\w-]{1,24}\.){0,6}[a-z][a-z-]{1,20}(?::\d{1,5})?"
_PLAIN = re.compile(
    rf"[A-Za-z]+(?:[ _./:@+-][A-Za-z]*)*|[~.]{{0,2}}/[\w./@ -]*|[\w.+-]{{1,40}}@{_HOST}|{_HOST}(?:/[\w.~-]{{0,20}})*|\*+"
    r"|[\w./-]{1,40}\.[a-z]{2,4}"
)
_NUMBER = re.compile(r"[\d.,:_+/-]+[A-Za-z]{0,3}")
_REFERENCE = re.compile(r"\$\{?\w+\}?|\$\(.*\)|\{\{.*\}\}|<[\w -]+>")
_PLAIN_URL = re.compile(
    rf"[a-z][a-z0-9+.-]{{0,20}}://(?:(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\])(?::\d+)?(?:[/?#][^\s@]*)?|{_HOST}(?:/[a-z0-9.-]{{0,15}}){{0,4}})",
    re.I,
)
_COMMON = frozenset(
    (
        "undefined",
        "development",
        "production",
        "localhost",
        "password",
        "changeme",
        "change-me",
        "change_me",
        "disabled",
        "required",
        "postgres",
    )
)
GIT_CONFIG = ".git/config"
"""Not hidden, since git needs it, but addresses and headers in it may hold credentials."""
_HEADER = re.compile(r"^\s*extraheader\s*=\s*[\"']?[\w-]+:\s*(?:(?:basic|bearer|token)\s+)?(\S{8,})", re.M | re.I)
_USER_IN_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,20}://([^\s/:@]{16,500})(?::[^\s@]{0,500})?@")
_NAMED_LINES = re.compile(r"\.pgpass|\.htpasswd")


@dataclass(frozen=True)
class SecretFile:
    """The head of one hidden file, the secrets in it, and by what a change of it is seen."""

    path: str
    stamp: tuple[int, ...]
    data: bytes
    values: tuple[str, ...]


def read_secrets(root: str, paths: Iterable[str], known: tuple[SecretFile, ...]) -> tuple[SecretFile, ...]:
    """Return the hidden files below a folder, those of the project before those of packages; `known` itself where nothing changed."""
    by_path = {file.path: file for file in known}
    ordered = sorted(paths, key=lambda path: ("node_modules" in path.split("/"), path.count("/"), path))
    found: list[SecretFile] = []
    for path, stamp in _files(root, ordered):
        before = by_path.get(path)
        if before is not None and before.stamp == stamp:
            found.append(before)
        elif (data := _head(os.path.join(root, path))) is not None:
            secrets = _of_git_config(data) if path == GIT_CONFIG else secrets_in(path.rpartition("/")[2], data)
            found.append(SecretFile(path, stamp, data if path != GIT_CONFIG else b"", tuple(dict.fromkeys(secrets))))
        if len(found) >= _MOST_FILES:
            break
    now = tuple(found)
    same = len(now) == len(known) and all(new is old for new, old in zip(now, known, strict=True))
    return known if same else now


def values_of(files: Iterable[SecretFile], limit: int) -> tuple[str, ...]:
    """Return the secrets of the files, longest first, not more than `limit` and those of the first files before others."""
    values = dict.fromkeys(value for file in files for value in file.values)
    return tuple(sorted(list(values)[:limit], key=lambda value: (-len(value), value)))


def _files(root: str, paths: Iterable[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the regular files among the paths and in the folders among them, no links followed, with what tells their changes."""
    waiting = [(path, 0) for path in paths][::-1]
    while waiting:
        path, level = waiting.pop()
        full = os.path.join(root, path)
        try:
            status = os.lstat(full)
            if stat.S_ISREG(status.st_mode):
                yield path, (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            elif stat.S_ISDIR(status.st_mode) and level < _MOST_LEVELS:
                waiting += [(f"{path}/{name}", level + 1) for name in sorted(os.listdir(full), reverse=True)[-_MOST_FILES:]]
        except OSError:
            continue


def _head(full: str) -> bytes | None:
    try:
        handle = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(handle, _HEAD) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    except OSError:
        return None
    finally:
        os.close(handle)


def secrets_in(name: str, data: bytes) -> Iterator[str]:
    """Yield the secrets in a hidden file of that name; a plain word, number or address of no one is none."""
    if b"\0" in data:
        return
    text = data.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n")
    parsed = _json(text)
    if parsed is not None:
        yield from _of_json(parsed, "", 0)
        return
    text = _PUBLIC_BLOCK.sub("", text)
    assignments = list(_ASSIGNMENT.finditer(text))
    for match in assignments:
        yield from _of_assignment(match)
    for pattern in (_NETRC, _CREDENTIALS_IN_URL, _XML):
        for match in pattern.finditer(text):
            yield from _of_value("password", match[1])
    for match in _BLOCK.finditer(text):
        yield from (line.strip() for line in match[1].splitlines() if len(line.strip()) >= 16)
    yield from _BASE64_LINE.findall(text)
    yield from _of_lines(name, text, single=not assignments)


def _of_git_config(data: bytes) -> Iterator[str]:
    """Yield the credentials in the configuration of a repository: in addresses, and in headers as CI systems write them."""
    text = data.decode("utf-8", "surrogateescape")
    for pattern in (_CREDENTIALS_IN_URL, _USER_IN_URL):
        yield from (match[1] for match in pattern.finditer(text) if len(match[1]) >= SHORTEST)
    for match in _HEADER.finditer(text):
        yield match[1]
        yield from (part for part in _decoded(match[1].rstrip("\"'")).split(":") if len(part) >= 16)


def _of_lines(name: str, text: str, *, single: bool) -> Iterator[str]:
    """Yield what stands in files whose lines, or whose only line, are secrets."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if _NAMED_LINES.fullmatch(name.lower()):
        yield from (value for line in lines for value in _of_value("password", re.split(r"(?<!\\):", line)[-1]))
    elif single and len(lines) == 1 and " " not in lines[0]:
        yield from _of_value("token", lines[0])


def _of_assignment(match: re.Match[str]) -> Iterator[str]:
    key = match["key"]
    if match["double"] is not None:
        yield from _of_value(key, match["double"])
        yield from _of_value(key, _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), match["double"]))
    elif match["single"] is not None:
        yield from _of_value(key, match["single"])
    else:
        plain = match["plain"].strip()
        for text in (plain, _COMMENT.sub("", plain)):
            yield from _of_value(key, text.rstrip(",;").strip("\"'"))


def _of_value(key: str, value: str) -> Iterator[str]:
    if SHORTEST <= len(value) <= _LONGEST and not _is_plain(key, value):
        yield value
        if "\n" in value:
            yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= 16 and not line.startswith("-----"))
        for match in _CREDENTIALS_IN_URL.finditer(value):
            if len(match[1]) >= SHORTEST and match[1].lower() not in _COMMON:
                yield match[1]
        if key in ("auth", "_auth"):
            yield from _of_value("password", _decoded(value).partition(":")[2])


def _is_plain(key: str, value: str) -> bool:
    """Whether a value is of the kind that is printed everywhere and is no secret."""
    if value.lower() in _COMMON or any(pattern.fullmatch(value) for pattern in (_NUMBER, _REFERENCE, _PLAIN_URL)):
        return True
    return not _SECRET_KEY.search(key) and _PLAIN.fullmatch(value) is not None


def _decoded(value: str) -> str:
    try:
        return binascii.a2b_base64(value.encode("ascii")).decode("utf-8")
    except (ValueError, UnicodeError):
        return ""


def _json(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _of_json(value: Any, key: str, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield from _of_value(key, value)
    elif isinstance(value, dict) and depth < _MOST_NESTED:
        for name, item in value.items():
            yield from _of_json(item, name, depth + 1)
    elif isinstance(value, list) and depth < _MOST_NESTED:
        for item in value:
            yield from _of_json(item, key, depth + 1)
