"""A file's change as text that `git apply` takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .alignment import differences
from .proposal import FileChange

_CONTEXT = 3
_NO_NEWLINE = "\\ No newline at end of file\n"


def unified(change: FileChange) -> str:
    """Return the change in git's extended unified format, with three lines of context."""
    before = "" if change.base is None else change.base.text
    after = change.after or ""
    mark = "\ufeff" if change.bom else ""
    body = "".join(
        _hunks(_lines(mark + before if change.base is not None else ""), _lines(mark + after if change.after is not None else ""))
    )
    old = change.from_path or change.path
    names = (
        "/dev/null" if change.kind == "create" else _name("a/" + old),
        "/dev/null" if change.kind == "delete" else _name("b/" + change.path),
    )
    heading = f"diff --git {_quoted('a/' + old)} {_quoted('b/' + change.path)}\n{_extended(change, old, same=before == after)}"
    return f"{heading}--- {names[0]}\n+++ {names[1]}\n{body}" if body else heading


def _extended(change: FileChange, old: str, *, same: bool) -> str:
    mode = "100755" if change.executable else "100644"
    match change.kind:
        case "create":
            return f"new file mode {mode}\n"
        case "delete":
            return f"deleted file mode {mode}\n"
        case "rename":
            share = 100 if same else 90
            return f"similarity index {share}%\nrename from {_quoted(old)}\nrename to {_quoted(change.path)}\n"
        case _:
            return ""


def _lines(text: str) -> list[str]:
    """Return the lines as git counts them: only `\\n` ends one."""
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


def _hunks(a: Sequence[str], b: Sequence[str]) -> Iterator[str]:
    for group in _groups(differences(a, b)):
        a_start, a_end = max(0, group[0][0] - _CONTEXT), min(len(a), group[-1][1] + _CONTEXT)
        b_start = group[0][2] - (group[0][0] - a_start)
        b_end = group[-1][3] + (a_end - group[-1][1])
        yield f"@@ -{_range(a_start, a_end)} +{_range(b_start, b_end)} @@\n"
        at = a_start
        for a0, a1, b0, b1 in group:
            yield from (_line(" ", line) for line in a[at:a0])
            yield from (_line("-", line) for line in a[a0:a1])
            yield from (_line("+", line) for line in b[b0:b1])
            at = a1
        yield from (_line(" ", line) for line in a[at:a_end])


def _groups(places: Sequence[tuple[int, int, int, int]]) -> list[list[tuple[int, int, int, int]]]:
    """Return the places in groups whose contexts would touch."""
    groups: list[list[tuple[int, int, int, int]]] = []
    for place in places:
        if groups and place[0] - groups[-1][-1][1] <= 2 * _CONTEXT:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _range(start: int, end: int) -> str:
    count = end - start
    first = start + 1 if count else start
    return str(first) if count == 1 else f"{first},{count}"


def _line(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else f"{sign}{line}\n{_NO_NEWLINE}"


def _name(path: str) -> str:
    """Return the name for a `---` or `+++` line; a space in it needs a tab behind it."""
    quoted = _quoted(path)
    return quoted + "\t" if " " in path and quoted == path else quoted


def _quoted(path: str) -> str:
    if not any(character in '"\\' or ord(character) < 32 or ord(character) == 127 for character in path):
        return path
    escaped = "".join(_escaped(character) for character in path)
    return f'"{escaped}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return f"\\{ord(character):03o}" if ord(character) < 32 or ord(character) == 127 else character
