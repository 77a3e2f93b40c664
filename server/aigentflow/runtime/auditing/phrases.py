"""Paths, actions and numbers in what an agent writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aigentflow.runtime.auditing.wording import vocabulary

_EXTENSION = re.compile(r"\.[A-Za-z][\w]{0,11}$|\.(?:7z|3)$")
_SUFFIXES = vocabulary(
    "ts tsx mts cts js jsx mjs cjs vue svelte astro py pyi go rs rb java kt kts cs fs php ex exs swift scala dart c h cc cpp hpp m "
    "mm sql prisma graphql gql proto json jsonc json5 yaml yml toml ini cfg conf env xml html css scss less md mdx txt rst csv tsv "
    "sh bash ps1 bat tf hcl lock snap svg png feature bats lua r jl hs clj erl zig nim sol ipynb hbs ejs j2 mk gradle properties "
    "editorconfig gitignore dockerfile patch diff log"
)
_BARE = vocabulary("dockerfile makefile license readme jenkinsfile procfile gemfile rakefile justfile vagrantfile codeowners changelog")
_LINE_SUFFIX = re.compile(r"(?::\d+){1,2}(?:-\d+)?$|#L\d+(?:-L?\d+)?$")
_NUMBER = re.compile(r"[-+]?\d[\d,_]*")
PATH_KEYS = ("path", "file", "filename", "filepath", "file_path", "filePath", "fileName", "target", "location", "uri", "name")
_ACTIONS: dict[str, str] = {
    **dict.fromkeys(
        vocabulary("create creates created creating add adds added new write writes written wrote generate generated introduce introduced"),
        "create",
    ),
    **dict.fromkeys(vocabulary("scaffold scaffolded a + initial"), "create"),
    **dict.fromkeys(
        vocabulary("modify modifies modified modifying update updates updated change changes changed edit edits edited refactor"),
        "modify",
    ),
    **dict.fromkeys(
        vocabulary("refactored extend extended fix fixed patch patched improve improved rewrite rewrote rewritten adjust adjusted"),
        "modify",
    ),
    **dict.fromkeys(
        vocabulary("replace replaced amend amended m ~ touched enhanced enhance overwritten overwrite reworked rework altered"),
        "modify",
    ),
    **dict.fromkeys(
        vocabulary("delete deletes deleted deleting remove removes removed d - drop dropped erased erase unlinked"),
        "delete",
    ),
    **dict.fromkeys(vocabulary("rename renames renamed move moves moved relocate relocated r"), "rename"),
    **dict.fromkeys(vocabulary("unchanged untouched none"), "none"),
    **dict.fromkeys(vocabulary("read reviewed review inspected analysed analyzed checked referenced viewed kept unmodified"), "look"),
}
_FILLERS = vocabulary("file files newly was been has have the completely and fully partially is were path paths list")
_LEADING = re.compile(r"^(?:\[?([A-Za-z]+|[+~-])\]?\s*[:\s]\s*)")
_TRAILING = re.compile(r"\s*[(\[–—-]+\s*([A-Za-z ]{1,40}?)\s*[)\]]?\s*(?:[:,–—].*)?$")


def path_of(text: Any, *, sure: bool = False) -> str:
    """Return the workspace-relative path that a text is, '' where it is none; `sure`: whatever stands there is meant as a path."""
    if not isinstance(text, str) or not 0 < len(text) <= 1_000 or "\n" in text:
        return ""
    plain = text.strip().strip("`'\"*").strip().replace("\\", "/").removeprefix("file://")
    plain = _LINE_SUFFIX.sub("", plain)
    while plain.startswith("./"):
        plain = plain[2:]
    spaced = " " in plain and not (sure and "/" in plain and _EXTENSION.search(plain) and plain.count(" ") < 4)
    if "://" in plain or not plain or spaced:
        return ""
    name = plain.rstrip("/").rsplit("/", 1)[-1]
    likely = bool(_EXTENSION.search(name)) or name.lower() in _BARE or (name.startswith(".") and len(name) > 2)
    if sure:
        return plain if likely or "/" in plain else ""
    known = "/" in plain or name.lower() in _BARE or name.startswith(".") or name.rpartition(".")[2].lower() in _SUFFIXES
    return plain if likely and known and not re.fullmatch(r"v?\d+(?:\.\d+)*\w*", plain) else ""


def action_of(text: Any) -> str | None:
    """Return `create`, `modify`, `delete`, `rename`, `none`, `look`; 'either' for more than one; None for words that are no action."""
    if not isinstance(text, str) or len(text) > 80:
        return None
    head = re.split(r"[(:–—]", text.strip().strip("`*[]"), maxsplit=1)[0] or text.strip()
    pieces = [piece for piece in re.split(r"[\s|/,_]+", head.lower()) if piece and piece not in _FILLERS]
    found = [_ACTIONS.get(piece) for piece in pieces]
    if not found or None in found:
        return None
    kinds = {kind for kind in found if kind}
    return kinds.pop() if len(kinds) == 1 else "either"


def action_in_key(words: list[str]) -> str | None:
    """Return the action that a key such as `filesCreated` names; `changes` and `edits` name none in particular."""
    found = [_ACTIONS[word] for word in words if word in _ACTIONS and len(word) > 2]
    if any(word in ("changed", "changes", "touched", "edits", "change", "affected") for word in words):
        return "any"
    return found[0] if len(set(found)) == 1 else ("any" if found else None)


def entry_of(text: str) -> tuple[str, str | None]:
    """Return path and action of a line such as `M src/a.ts`, `src/a.ts (created)` or `- Created: src/a.ts`; ('', None) for none."""
    plain = text.strip().lstrip("*•").strip()
    if path := path_of(plain):
        return path, None
    if (match := _LEADING.match(plain.removeprefix("- "))) and (action := action_of(match[1])):
        rest = plain.removeprefix("- ")[match.end() :]
        path = path_of(rest) or path_of(re.split(r"\s+", rest.strip(), maxsplit=1)[0]) or path_of(re.split(r"\s+", rest.strip())[-1])
        return (path, action) if path else ("", None)
    first, _, rest = plain.removeprefix("- ").partition(" ")
    if (path := path_of(first.rstrip(":,"))) and rest:
        match = _TRAILING.search(" " + rest)
        return path, action_of(match[1]) if match else None
    return "", None


def number_of(value: Any) -> int | None:
    """Return the first whole number of a value; None for none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return int(value) if abs(value) < 10**9 else None
    if isinstance(value, str) and (match := _NUMBER.search(value[:60])):
        digits = re.sub(r"[^\d]", "", match.group())
        return int(digits[:9]) if digits else None
    return None


def first_of(entry: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    """Return the value of the first of these keys that is there, letter case and separators put aside; None for none."""
    folded = {re.sub(r"[^a-z]", "", key.lower()): value for key, value in entry.items() if isinstance(key, str)}
    return next((folded[name] for key in keys if (name := re.sub(r"[^a-z]", "", key.lower())) in folded), None)
