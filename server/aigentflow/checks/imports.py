"""Adds names to the imports of a file, in the style that the file has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aigentflow.checks.source import SourceFile, string_value
from aigentflow.workspace.lines import line_end_of
from aigentflow.workspace.proposal import TextEdit

if TYPE_CHECKING:
    import tree_sitter as ts


def quote_of(file: SourceFile) -> str:
    """Return the quote that the imports of a file use; a single one where there are none."""
    sources = [node.child_by_field_name("source") for node in file.places("import")]
    counted = Counter(file.tree.source_of(source)[:1] for source in sources if source is not None)
    return counted.most_common(1)[0][0] if counted else "'"


def import_edit(file: SourceFile, module: str, names: tuple[str, ...]) -> Iterator[TextEdit]:
    """Yield the edits that import names from a module; nothing for those that are imported already."""
    wanted = sorted(name for name in names if name not in file.imports or file.imports[name].type_only)
    if not wanted:
        return
    listed = _named_imports(file, module)
    if listed is not None:
        yield from _merge(file, listed, wanted)
        return
    quote, end = quote_of(file), line_end_of(file.text)
    imports = file.places("import")
    ends_plainly = bool(imports) and not file.tree.source_of(imports[-1]).endswith(";")
    statement = f"import {{ {', '.join(wanted)} }} from {quote}{module}{quote}{'' if ends_plainly else ';'}"
    if imports:
        at = file.tree.to_offset(imports[-1].end_byte)
        yield TextEdit(at, at, end + statement)
    else:
        at = _top(file)
        yield TextEdit(at, at, statement + end)


def _named_imports(file: SourceFile, module: str) -> ts.Node | None:
    """The braces of an import of values from a module."""
    for node in file.places("import"):
        if string_value(file.tree, node.child_by_field_name("source")) != module or any(child.type == "type" for child in node.children):
            continue
        for clause in node.named_children:
            braces = [part for part in clause.named_children if part.type == "named_imports"] if clause.type == "import_clause" else []
            if braces:
                return braces[0]
    return None


def _merge(file: SourceFile, braces: ts.Node, names: list[str]) -> Iterator[TextEdit]:
    listed = [part for part in braces.named_children if part.type == "import_specifier"]
    if not listed:
        start, end = file.tree.span(braces)
        yield TextEdit(start, end, "{ " + ", ".join(names) + " }")
        return
    present = [file.tree.source_of(part).removeprefix("type ").strip() for part in listed]
    gap = " "
    if listed[0].start_point[0] != braces.start_point[0]:
        line = file.tree.source.rfind(b"\n", 0, listed[0].start_byte) + 1
        gap = line_end_of(file.text) + file.tree.source[line : listed[0].start_byte].decode("utf-8", "replace")
    in_order = present == sorted(present, key=str.lower)
    places: dict[int, list[str]] = {}
    for name in names:
        following = next((n for n, other in enumerate(present) if other.lower() > name.lower()), None) if in_order else None
        places.setdefault(len(listed) if following is None else following, []).append(name)
    for place, added in sorted(places.items()):
        if place < len(listed):
            at = file.tree.to_offset(listed[place].start_byte)
            yield TextEdit(at, at, "".join(f"{name},{gap}" for name in added))
        else:
            at = file.tree.to_offset(listed[-1].end_byte)
            yield TextEdit(at, at, "".join(f",{gap}{name}" for name in added))


def _top(file: SourceFile) -> int:
    """Where the first import goes: behind a `#!` line, comments at the top and directives."""
    at = 0
    for child in file.tree.root.children:
        directive = child.type == "expression_statement" and child.named_child_count == 1 and child.named_children[0].type == "string"
        if child.type not in ("comment", "hash_bang_line") and not directive:
            break
        line_end = file.text.find("\n", file.tree.to_offset(child.end_byte))
        at = len(file.text) if line_end < 0 else line_end + 1
    return at
