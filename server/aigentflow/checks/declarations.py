"""Classes of a tree with their methods, parameters and decorators, as values that still know their nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from aigentflow.syntax.trees import Tree

if TYPE_CHECKING:
    import tree_sitter as ts

Access = Literal["public", "protected", "private"]


@dataclass(frozen=True)
class Decorator:
    """`@name(arguments)`; of `@a.b()` the name is `b`."""

    name: str
    arguments: tuple[ts.Node, ...]
    node: ts.Node


@dataclass(frozen=True)
class Parameter:
    """One parameter; `type_name` is the bare name of its type (`Dto` of `Dto<X>`), None for other shapes."""

    name: str
    type: str
    type_name: str | None
    decorators: tuple[Decorator, ...]
    node: ts.Node
    is_field: bool
    optional: bool


@dataclass(frozen=True)
class Method:
    """A method, accessor, constructor, or a field that holds a function."""

    name: str
    name_node: ts.Node
    node: ts.Node
    kind: Literal["method", "get", "set", "constructor"]
    access: Access
    decorators: tuple[Decorator, ...]
    tree: Tree
    function: ts.Node
    """The node that has parameters and body; `node` itself unless a field holds the function."""

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, in order."""
        listed = self.function.child_by_field_name("parameters")
        return tuple(_parameters(self.tree, listed)) if listed is not None else ()

    @cached_property
    def body(self) -> ts.Node | None:
        """The body; None for a declaration without one."""
        return self.function.child_by_field_name("body")

    @property
    def return_type(self) -> str:
        """The text of the return type, empty where there is none."""
        returned = self.function.child_by_field_name("return_type")
        return _type_text(self.tree, returned) if returned is not None else ""


@dataclass(frozen=True)
class ClassDeclaration:
    """A class; `fields` gives the type name of properties and constructor properties."""

    name: str
    name_node: ts.Node
    node: ts.Node
    decorators: tuple[Decorator, ...]
    extends: str
    """The text of the `extends` clause, empty where there is none."""
    implements: tuple[str, ...]
    exported: bool
    abstract: bool
    methods: tuple[Method, ...]
    fields: Mapping[str, str]
    field_decorators: frozenset[str]
    """Names of the decorators that stand on its properties."""
    body: ts.Node


def read_class(tree: Tree, node: ts.Node, members: Sequence[ts.Node] | None = None) -> ClassDeclaration | None:
    """Return the class of a class node, with some of its members if they are given; None where it has no name or no body."""
    name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    if name is None or body is None:
        return None
    outer = node.parent if node.parent is not None and node.parent.type == "export_statement" else node
    decorators = [*outer.children_by_field_name("decorator"), *(node.children_by_field_name("decorator") if outer != node else ())]
    extends, implements = _heritage(tree, node)
    methods, fields, field_decorators = _members(tree, body.named_children if members is None else members)
    return ClassDeclaration(
        name=tree.source_of(name),
        name_node=name,
        node=outer,
        decorators=tuple(_decorator(tree, decorator) for decorator in decorators),
        extends=extends,
        implements=implements,
        exported=outer != node,
        abstract=node.type == "abstract_class_declaration",
        methods=tuple(methods),
        fields=fields,
        field_decorators=frozenset(field_decorators),
        body=body,
    )


def with_members(tree: Tree, declaration: ClassDeclaration, members: Sequence[ts.Node]) -> ClassDeclaration:
    """Return a class with the methods among these members, and all that the class has else."""
    methods, _, _ = _members(tree, members)
    return replace(declaration, methods=tuple(methods))


def may_have_fields(tree: Tree, member: ts.Node) -> bool:
    """Return whether a member can declare a field: a property, or a constructor with its parameters."""
    if member.type in ("public_field_definition", "field_definition", "decorator"):
        return True
    name = member.child_by_field_name("name")
    return name is not None and name.end_byte - name.start_byte == len("constructor") and tree.source_of(name) == "constructor"


def base_name(type_text: str) -> str:
    """Return the bare name of a type's text: `Repository` of `orm.Repository<Order>`; the text itself for other shapes."""
    return type_text.split("<", 1)[0].split("(", 1)[0].rsplit(".", 1)[-1].strip()


def _heritage(tree: Tree, node: ts.Node) -> tuple[str, tuple[str, ...]]:
    extends, implements = "", []
    for child in node.named_children:
        clauses = child.named_children if child.type == "class_heritage" else []
        for clause in clauses:
            if clause.type == "implements_clause":
                implements = [base_name(tree.source_of(entry)) for entry in clause.named_children]
            elif clause.type == "extends_clause":
                extends = tree.source_of(clause).removeprefix("extends").strip()
            else:
                # The JavaScript side of the TSX grammar has the expression itself here.
                extends = tree.source_of(clause)
    return extends, tuple(implements)


def _members(tree: Tree, members: Sequence[ts.Node]) -> tuple[list[Method], dict[str, str], set[str]]:
    methods: list[Method] = []
    fields: dict[str, str] = {}
    field_decorators: set[str] = set()
    waiting: list[Decorator] = []
    for member in members:
        if member.type == "decorator":
            waiting.append(_decorator(tree, member))
        elif member.type in ("method_definition", "abstract_method_signature", "method_signature"):
            method = _method(tree, member, tuple(waiting))
            waiting = []
            if method is not None:
                methods.append(method)
                if method.kind == "constructor":
                    fields.update({p.name: base_name(p.type) for p in method.parameters if p.is_field})
        elif member.type in ("public_field_definition", "field_definition"):
            decorators = [*waiting, *(_decorator(tree, child) for child in member.children_by_field_name("decorator"))]
            waiting = []
            field_decorators.update(decorator.name for decorator in decorators)
            held = _field(tree, member, tuple(decorators), fields)
            if held is not None:
                methods.append(held)
        elif member.type != "comment":
            waiting = []
    return methods, fields, field_decorators


def _field(tree: Tree, member: ts.Node, decorators: tuple[Decorator, ...], fields: dict[str, str]) -> Method | None:
    name, value = member.child_by_field_name("name"), member.child_by_field_name("value")
    if name is None:
        return None
    annotation = member.child_by_field_name("type")
    if annotation is not None:
        fields[tree.source_of(name)] = base_name(_type_text(tree, annotation))
    elif value is not None and value.type == "new_expression" and (made := value.child_by_field_name("constructor")) is not None:
        fields[tree.source_of(name)] = base_name(tree.source_of(made))
    if value is None or value.type not in ("arrow_function", "function_expression"):
        return None
    return _callable(tree, member, name, value, decorators)


def _method(tree: Tree, node: ts.Node, decorators: tuple[Decorator, ...]) -> Method | None:
    name = node.child_by_field_name("name")
    return None if name is None else _callable(tree, node, name, node, decorators)


def _callable(tree: Tree, node: ts.Node, name: ts.Node, function: ts.Node, decorators: tuple[Decorator, ...]) -> Method:
    text = tree.source_of(name)
    modifiers = tree.source[node.start_byte : name.start_byte].split()
    access: Access = "protected" if b"protected" in modifiers else "public"
    if b"private" in modifiers or text.startswith("#"):
        access = "private"
    kind: Literal["method", "get", "set", "constructor"] = "constructor" if text == "constructor" else "method"
    if b"get" in modifiers or b"set" in modifiers:
        kind = "get" if b"get" in modifiers else "set"
    return Method(text, name, node, kind, access, decorators, tree, function)


def _parameters(tree: Tree, node: ts.Node) -> Iterator[Parameter]:
    for child in node.named_children:
        pattern = child.child_by_field_name("pattern")
        if pattern is None:
            continue
        annotation = child.child_by_field_name("type")
        text = _type_text(tree, annotation) if annotation is not None else ""
        inner = annotation.named_children[0] if annotation is not None and annotation.named_child_count else None
        named = inner is not None and inner.type in ("type_identifier", "generic_type", "nested_type_identifier")
        modifiers = {grandchild.type for grandchild in child.children}
        yield Parameter(
            name=tree.source_of(pattern),
            type=text,
            type_name=base_name(text) if named else None,
            decorators=tuple(_decorator(tree, decorator) for decorator in child.children_by_field_name("decorator")),
            node=child,
            is_field=bool(modifiers & {"accessibility_modifier", "readonly", "override_modifier"}),
            optional=child.type == "optional_parameter" or child.child_by_field_name("value") is not None,
        )


def _type_text(tree: Tree, annotation: ts.Node) -> str:
    return tree.source_of(annotation).lstrip(":").strip()


def _decorator(tree: Tree, node: ts.Node) -> Decorator:
    inner = node.named_children[0] if node.named_child_count else node
    arguments: tuple[ts.Node, ...] = ()
    called = inner
    if inner.type == "call_expression":
        called = inner.child_by_field_name("function") or inner
        listed = inner.child_by_field_name("arguments")
        arguments = tuple(child for child in listed.named_children if child.type != "comment") if listed is not None else ()
    return Decorator(base_name(tree.source_of(called)).lstrip("@"), arguments, node)
