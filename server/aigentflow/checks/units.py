"""A file taken apart into what is judged on its own: top-level statements, and of classes each member.

What a detector makes of a unit depends on the unit's text, its class without the other methods, the imports and the project's facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from aigentflow.checks.declarations import ClassDeclaration, may_have_fields, read_class, with_members
from aigentflow.checks.source import Call, SourceFile, class_of

if TYPE_CHECKING:
    import tree_sitter as ts


@dataclass(frozen=True)
class Owner:
    """The class at the top of a file that members belong to."""

    declaration: ClassDeclaration
    """Without methods."""
    signature: tuple[object, ...]
    """All that a member can learn of its class."""


@dataclass(frozen=True)
class Unit:
    """One stretch `[start_byte, end_byte)` of a file that is judged on its own: some sibling nodes."""

    file: SourceFile
    start_byte: int
    end_byte: int
    nodes: tuple[ts.Node, ...]
    owner: Owner | None = None
    heads: ts.Node | None = None
    """The class whose beginning this is."""

    @cached_property
    def classes(self) -> tuple[ClassDeclaration, ...]:
        """The classes of this unit; for a member its class with this member only, then those inside of it."""
        tree = self.file.tree
        around = () if self.owner is None else (with_members(tree, self.owner.declaration, self.nodes),)
        # What heads a class is a unit without it.
        inside = (read_class(tree, node) for node in self.places("class") if node.end_byte <= self.end_byte)
        return (*around, *(declaration for declaration in inside if declaration is not None))

    @property
    def calls(self) -> list[Call]:
        """The calls of this unit."""
        return self.file.calls_between(self.start_byte, self.end_byte)

    def places(self, name: str) -> list[ts.Node]:
        """Return captured nodes of this unit, see `SourceFile.places`."""
        return self.file.places(name, self.start_byte, self.end_byte)

    def class_around(self, byte: int) -> ClassDeclaration | None:
        """Return the innermost class of this unit that holds a place."""
        holding = [c for c in self.classes if c.node.start_byte <= byte < c.node.end_byte]
        return max(holding, key=lambda c: c.node.start_byte, default=None)

    @cached_property
    def identity(self) -> tuple[str, bytes] | None:
        """What tells the unit from others of the same owner; None where its tree depends on more than its text."""
        if any(node.has_error for node in self.nodes):
            return None
        return ",".join(node.type for node in self.nodes), self.file.tree.source[self.start_byte : self.end_byte]


def units_of(file: SourceFile) -> list[Unit]:
    """Return the units of a file, in its order, and let the file answer questions unit by unit."""
    units = [unit for node in file.tree.root.children for unit in _units(file, node)]
    heads = [unit.heads for unit in units if unit.heads is not None]
    file.divide(((unit.start_byte, unit.end_byte, unit.nodes) for unit in units), heads)
    return units


def _units(file: SourceFile, node: ts.Node) -> Iterator[Unit]:
    declared = class_of(node)
    body = declared.child_by_field_name("body") if declared is not None else None
    members = body.named_children if body is not None else []
    head = _head(node, declared, body)
    owner = _owner(file, declared, body, members) if declared is not None and body is not None else None
    if owner is None or body is None:
        yield Unit(file, node.start_byte, node.end_byte, (node,))
        return
    yield Unit(file, node.start_byte, body.start_byte, head, heads=declared)
    waiting: list[ts.Node] = []
    for member in members:
        if member.type == "comment":
            continue
        waiting.append(member)
        if member.type != "decorator":
            yield Unit(file, waiting[0].start_byte, member.end_byte, tuple(waiting), owner)
            waiting = []
    if waiting:
        yield Unit(file, waiting[0].start_byte, waiting[-1].end_byte, tuple(waiting), owner)


def _head(node: ts.Node, declared: ts.Node | None, body: ts.Node | None) -> tuple[ts.Node, ...]:
    """All of a class but its body."""
    around = node.named_children if declared != node else []
    inside = declared.named_children if declared is not None else []
    return tuple(child for child in (*around, *inside) if child not in (declared, body))


def _owner(file: SourceFile, declared: ts.Node, body: ts.Node, members: list[ts.Node]) -> Owner | None:
    declaration = read_class(file.tree, declared, [member for member in members if may_have_fields(file.tree, member)])
    if declaration is None:
        return None
    head = file.tree.source[declaration.node.start_byte : body.start_byte]
    return Owner(declaration, (head, tuple(declaration.fields.items()), declaration.field_decorators))
