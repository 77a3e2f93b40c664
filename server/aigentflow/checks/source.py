"""One file as checks see it: imports, classes, calls, throws, assignments."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from aigentflow.checks.declarations import ClassDeclaration, read_class
from aigentflow.syntax.trees import Tree

if TYPE_CHECKING:
    import tree_sitter as ts

_PLACES = """
[(class_declaration) (abstract_class_declaration)] @class
(import_statement) @import
(throw_statement) @throw
(call_expression) @call
[(type_alias_declaration) (interface_declaration)] @type
"""


_IMPORTS = "(import_statement) @import"
CLASS_NODES = ("class_declaration", "abstract_class_declaration")
SETS_TENANT = re.compile(r"set_config\s*\(|\bSET\s+(?:LOCAL|SESSION)\b|\bset\s+(?:local|session)\b")
"""SQL that sets a variable of the session, which is how row policies learn the tenant."""
_TENANT_WORDS = ("set_config", "LOCAL", "SESSION", "local ", "session ")


@dataclass(frozen=True)
class Import:
    """Where a local name comes from; `imported` is `default` or `*` for those forms."""

    module: str
    imported: str
    type_only: bool
    node: ts.Node


@dataclass(frozen=True)
class Call:
    """`receiver.name(arguments)`; receiver None for a plain function."""

    node: ts.Node
    name: str
    receiver: ts.Node | None

    @cached_property
    def arguments(self) -> tuple[ts.Node, ...]:
        """The arguments, in order."""
        listed = self.node.child_by_field_name("arguments")
        return () if listed is None else tuple(child for child in listed.named_children if child.type != "comment")


class _Region:
    """A stretch of a file whose places are captured together, when one of them is first asked for."""

    def __init__(self, tree: Tree, start_byte: int, end_byte: int, nodes: Sequence[ts.Node]) -> None:
        self._tree = tree
        self._nodes = nodes
        self.start_byte = start_byte
        self.end_byte = end_byte

    @cached_property
    def captured(self) -> dict[str, list[ts.Node]]:
        found: dict[str, list[ts.Node]] = {}
        for node in self._nodes:
            for name, places in self._tree.captures(_PLACES, node).items():
                found.setdefault(name, []).extend(places)
        return {name: sorted(places, key=lambda node: node.start_byte) for name, places in found.items()}

    @cached_property
    def _starts(self) -> dict[str, list[int]]:
        return {name: [node.start_byte for node in nodes] for name, nodes in self.captured.items()}

    @cached_property
    def _calls(self) -> list[Call | None]:
        return [read_call(self._tree, node) for node in self.captured.get("call", [])]

    def between(self, name: str, start_byte: int, end_byte: int) -> slice:
        starts = self._starts.get(name, [])
        return slice(bisect_left(starts, start_byte), bisect_left(starts, end_byte))

    def places(self, name: str, start_byte: int, end_byte: int) -> list[ts.Node]:
        return self.captured.get(name, [])[self.between(name, start_byte, end_byte)]

    def calls(self, start_byte: int, end_byte: int) -> list[Call]:
        found = self._calls[self.between("call", start_byte, end_byte)]
        return [call for call in found if call is not None]


class SourceFile:
    """A parsed file; everything is read from the tree when it is first asked for."""

    def __init__(self, path: str, tree: Tree) -> None:
        self.path = path
        self.tree = tree
        self._whole = _Region(tree, 0, len(tree.source) + 1, (tree.root,))
        self._regions: list[_Region] = []
        self._starts: list[int] = []
        self._apart: Sequence[ts.Node] = ()
        self._apart_starts: list[int] = []

    @property
    def text(self) -> str:
        """The file's text."""
        return self.tree.text

    def line_of(self, node: ts.Node) -> int:
        """Return the 1-based line where a node begins."""
        return node.start_point[0] + 1

    def divide(self, parts: Iterable[tuple[int, int, Sequence[ts.Node]]], classes: Sequence[ts.Node]) -> None:
        """Let questions be answered from these stretches, in ascending order, each by itself; `classes` are those that were taken apart."""
        self._regions = [_Region(self.tree, *part) for part in parts]
        self._starts = [region.start_byte for region in self._regions]
        self._apart = classes
        self._apart_starts = [node.start_byte for node in classes]

    def capture(self) -> Iterator[None]:
        """Capture all places, one stretch per step."""
        for region in self._regions:
            if region.captured:
                yield

    def _among(self, start_byte: int, end_byte: int) -> list[_Region]:
        """The stretches that a range touches; the file as a whole where it was not divided."""
        if not self._regions:
            return [self._whole]
        first = max(0, bisect_right(self._starts, start_byte) - 1)
        return self._regions[first : max(first + 1, bisect_left(self._starts, end_byte))]

    def places(self, name: str, start_byte: int = 0, end_byte: int | None = None) -> list[ts.Node]:
        """Return the captured nodes (`class`, `import`, `throw`, `call`, `type`) that begin in `[start_byte, end_byte)`."""
        end = self._whole.end_byte if end_byte is None else end_byte
        found = [node for region in self._among(start_byte, end) for node in region.places(name, start_byte, end)]
        if name != "class":
            return found
        apart = self._apart[bisect_left(self._apart_starts, start_byte) : bisect_left(self._apart_starts, end)]
        return sorted((*found, *apart), key=lambda node: node.start_byte) if apart else found

    @cached_property
    def imports(self) -> dict[str, Import]:
        """Imports by local name."""
        found: dict[str, Import] = {}
        for node in self.import_nodes:
            found.update(_imports(self.tree, node))
        return found

    @cached_property
    def import_nodes(self) -> tuple[ts.Node, ...]:
        """The import statements at the top of the file, those in what could not be parsed included."""
        found: list[ts.Node] = []
        for node in self.tree.root.children:
            if node.type == "import_statement":
                found.append(node)
            elif node.type == "ERROR":
                found.extend(sorted(self.tree.captures(_IMPORTS, node).get("import", []), key=lambda inner: inner.start_byte))
        return tuple(found)

    @cached_property
    def classes(self) -> tuple[ClassDeclaration, ...]:
        """All classes that could be read, nested ones included."""
        read = (read_class(self.tree, node) for node in self.places("class"))
        return tuple(declaration for declaration in read if declaration is not None)

    @cached_property
    def class_names(self) -> frozenset[str]:
        """Names of the classes at the top of the file."""
        tops = (class_of(node) for node in self.tree.root.children)
        names = (node.child_by_field_name("name") for node in tops if node is not None)
        return frozenset(self.tree.source_of(name) for name in names if name is not None)

    @cached_property
    def sets_tenant(self) -> bool:
        """Whether a session's tenant is set anywhere in the file."""
        return any(word in self.text for word in _TENANT_WORDS) and SETS_TENANT.search(self.text) is not None

    def calls(self, node: ts.Node) -> list[Call]:
        """Return the calls inside a node, outer calls of a chain first."""
        return self.calls_between(node.start_byte, node.end_byte)

    def calls_between(self, start_byte: int, end_byte: int) -> list[Call]:
        """Return the calls that begin in `[start_byte, end_byte)`."""
        return [call for region in self._among(start_byte, end_byte) for call in region.calls(start_byte, end_byte)]

    @cached_property
    def _assignments(self) -> dict[int, list[tuple[ts.Node, ts.Node]]]:
        return {}

    def assignments(self, node: ts.Node) -> list[tuple[ts.Node, ts.Node]]:
        """Return the names (or patterns) that get a value inside a node, with the value."""
        if node.id not in self._assignments:
            found = self.tree.captures("[(variable_declarator) (assignment_expression)] @place", node).get("place", [])
            pairs = []
            for place in found:
                name = place.child_by_field_name("name") or place.child_by_field_name("left")
                value = place.child_by_field_name("value") or place.child_by_field_name("right")
                if name is not None and value is not None:
                    pairs.append((name, value))
            self._assignments[node.id] = pairs
        return self._assignments[node.id]


def class_of(node: ts.Node) -> ts.Node | None:
    """Return the class that a top-level statement declares, exported or not."""
    inner = node.child_by_field_name("declaration") if node.type == "export_statement" else node
    return inner if inner is not None and inner.type in CLASS_NODES else None


def read_call(tree: Tree, node: ts.Node) -> Call | None:
    """Return the call of a call node; None where what is called has no name."""
    called = node.child_by_field_name("function")
    if called is None:
        return None
    receiver: ts.Node | None = None
    if called.type == "member_expression":
        receiver = called.child_by_field_name("object")
        called = called.child_by_field_name("property")
    elif called.type != "identifier":
        return None
    if called is None:
        return None
    return Call(node, tree.source_of(called), receiver)


def string_value(tree: Tree, node: ts.Node | None) -> str | None:
    """Return the value of a string literal or of a template without substitutions; None for other nodes."""
    if node is None or node.type not in ("string", "template_string"):
        return None
    if any(child.type == "template_substitution" for child in node.named_children):
        return None
    return tree.source_of(node)[1:-1]


def ancestors(node: ts.Node) -> Iterator[ts.Node]:
    """Yield the nodes around a node, innermost first."""
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


FUNCTION_NODES = (
    "method_definition",
    "function_declaration",
    "generator_function_declaration",
    "arrow_function",
    "function_expression",
    "generator_function",
)


def symbol_of(file: SourceFile, node: ts.Node) -> str | None:
    """Return the names of the classes and functions around a node: `OrdersService.create`."""
    names: list[str] = []
    for around in ancestors(node):
        name = around.child_by_field_name("name")
        if name is not None and (around.type in FUNCTION_NODES or around.type.endswith("class_declaration")):
            names.insert(0, file.tree.source_of(name))
    return ".".join(names) or None


def _imports(tree: Tree, node: ts.Node) -> Iterator[tuple[str, Import]]:
    module = string_value(tree, node.child_by_field_name("source"))
    if module is None:
        return
    type_only = any(child.type == "type" for child in node.children)
    for clause in node.named_children:
        if clause.type != "import_clause":
            continue
        for part in clause.named_children:
            if part.type == "identifier":
                yield tree.source_of(part), Import(module, "default", type_only, node)
            elif part.type == "namespace_import" and part.named_child_count:
                yield tree.source_of(part.named_children[0]), Import(module, "*", type_only, node)
            elif part.type == "named_imports":
                yield from _named(tree, part, Import(module, "", type_only, node))


def _named(tree: Tree, part: ts.Node, common: Import) -> Iterator[tuple[str, Import]]:
    for specifier in part.named_children:
        name, alias = specifier.child_by_field_name("name"), specifier.child_by_field_name("alias")
        if name is None:
            continue
        type_only = common.type_only or any(child.type == "type" for child in specifier.children)
        imported = tree.source_of(name)
        yield (tree.source_of(alias) if alias is not None else imported), Import(common.module, imported, type_only, common.node)
