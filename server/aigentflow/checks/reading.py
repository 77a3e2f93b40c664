"""Reads from one file what it contributes to the project's facts."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from aigentflow.checks import events, routing, testreading
from aigentflow.checks.declarations import ClassDeclaration, Method, base_name
from aigentflow.checks.packages import role_of
from aigentflow.checks.records import ClassRecord, DtoKind, ErrorParameter, FileRecord, MethodRecord, Table
from aigentflow.checks.source import FUNCTION_NODES, SETS_TENANT, Call, SourceFile, ancestors
from aigentflow.checks.units import units_of

if TYPE_CHECKING:
    import tree_sitter as ts

# A file without any of these words adds nothing to the facts, and is not parsed.
_WORDS = re.compile(
    r"table\(|\bclass |\btype |\binterface |\bexport |set_config|SET LOCAL|useGlobalPipes|APP_PIPE|setGlobalPrefix", re.IGNORECASE
)
_TABLE_MAKERS = frozenset({"pgTable", "mysqlTable", "sqliteTable", "singlestoreTable", "table", "createTable", "pgTableCreator"})
_VALIDATORS = re.compile(
    r"^(?:Is[A-Z]\w*|Min|Max|MinLength|MaxLength|Length|Matches|ValidateNested|Validate|Allow|ArrayMinSize|ArrayMaxSize)$"
)
_MIXINS = re.compile(r"\b(?:PartialType|PickType|OmitType|IntersectionType|extendZodDto)\s*\(")
_MIXIN_CLASSES = re.compile(r"\b[A-Z]\w*\b(?!\s*\()")
_DECORATORS = re.compile(r"\bapplyDecorators\s*\(|\bApi[A-Z]\w*\s*\(")
_RESPONSES = re.compile(r"\bApi\w*Response\s*\(")
_INFERRED = re.compile(r"\b(?:z|zod)\.(?:infer|output|input)\b|\binfer\s*<")
_PARSE = frozenset({"parse", "safeParse", "parseAsync", "safeParseAsync", "validate"})
_MODULES = re.compile(r"""export\s+(?:type\s+)?(\*|\{[^}]*\})(?:\s+as\s+\w+)?\s+from\s+['"]([^'"]+)['"]""")


def worth_reading(path: str, text: str) -> bool:
    """Return whether a file can contribute anything."""
    return role_of(path) == "test" or bool(_WORDS.search(text))


def read_record(file: SourceFile) -> Generator[None, None, FileRecord]:
    """Return the facts of one file, in steps for those who have to do other things in between."""
    text = file.text
    units_of(file)
    yield from file.capture()
    classes = yield from _classes(file)
    if role_of(file.path) == "test":
        return FileRecord(file.path, test=testreading.read_test(file), classes=classes)
    relative = [imported.module for imported in file.imports.values() if imported.module.startswith(".")]
    aliases = _aliases(file)
    tables = tuple(_tables(file))
    yield
    groups = tuple(_column_groups(file)) if "Table" in text or "drizzle" in text else ()
    yield
    helpers = frozenset(_tenant_helpers(file)) if file.sets_tenant else frozenset()
    wrappers = tuple(_wrappers(file)) if "@nestjs/swagger" in text else ()
    yield
    return FileRecord(
        path=file.path,
        tables=tables,
        column_groups=groups,
        classes=classes,
        tenant_helpers=helpers,
        swagger_wrappers=wrappers,
        schema_types=frozenset(name for name, value in aliases if _INFERRED.search(value)),
        types=frozenset(name for name, _ in aliases),
        routes=tuple(routing.routes(file)),
        prefixes=frozenset(routing.prefixes(file)),
        zod_pipe=_registers_zod(text),
        relative_imports=(len(relative), sum(bool(re.search(r"\.[cm]?js$", module)) for module in relative)),
        exports_from=tuple(_exports(text)),
    )


def _aliases(file: SourceFile) -> list[tuple[str, str]]:
    """Type aliases and interfaces with what they stand for."""
    aliases = []
    for node in file.places("type"):
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None:
            aliases.append((file.tree.source_of(name), file.tree.source_of(value) if value is not None else ""))
    return aliases


def _exports(text: str) -> Iterator[tuple[str, frozenset[str] | None]]:
    for names, module in _MODULES.findall(text):
        listed = (
            None if names == "*" else frozenset(part.split(" as ")[-1].strip().removeprefix("type ") for part in names[1:-1].split(","))
        )
        yield module, listed


def _registers_zod(text: str) -> bool:
    if "useGlobalPipes" not in text and "APP_PIPE" not in text:
        return False
    registered = re.search(
        r"useGlobalPipes\([^;]*?\bnew\s+\w*Zod\w*|useGlobalPipes\([^;]*?\bzod\w*\b|APP_PIPE[^}]*?\w*Zod\w*", text, re.DOTALL
    )
    return bool(registered)


def _tables(file: SourceFile) -> Iterator[Table]:
    tree = file.tree
    for call in file.calls(tree.root):
        declarator = call.node.parent
        if declarator is None or declarator.type != "variable_declarator" or len(call.arguments) < 2:
            continue
        made = call.name in _TABLE_MAKERS or call.name.endswith("Table")
        name, columns = declarator.child_by_field_name("name"), call.arguments[1]
        if not made or name is None:
            continue
        if columns.type == "arrow_function":
            body = columns.child_by_field_name("body")
            columns = body.named_children[0] if body is not None and body.type == "parenthesized_expression" else body or columns
        if columns.type == "object":
            keys, spreads = _keys(file, columns)
            yield Table(tree.source_of(name), file.line_of(declarator), keys, spreads)


def _keys(file: SourceFile, node: ts.Node) -> tuple[frozenset[str], tuple[str, ...]]:
    keys, spreads = set(), []
    for child in node.named_children:
        key = child.child_by_field_name("key")
        if child.type == "pair" and key is not None:
            keys.add(file.tree.source_of(key).strip("'\"[]"))
        elif child.type == "shorthand_property_identifier":
            keys.add(file.tree.source_of(child))
        elif child.type == "spread_element" and child.named_child_count:
            spreads.append(base_name(file.tree.source_of(child.named_children[0])))
    return frozenset(keys), tuple(spreads)


def _column_groups(file: SourceFile) -> Iterator[tuple[str, frozenset[str]]]:
    query = "(variable_declarator name: (identifier) @name value: [(object) (arrow_function) (as_expression)] @value)"
    found = file.tree.captures(query)
    for value in found.get("value", []):
        declarator = value.parent
        name = declarator.child_by_field_name("name") if declarator is not None else None
        body = value
        if value.type == "as_expression":
            body = value.named_children[0]
        elif value.type == "arrow_function":
            returned = value.child_by_field_name("body")
            body = returned.named_children[0] if returned is not None and returned.named_child_count else value
        if name is not None and body.type == "object":
            yield file.tree.source_of(name), _keys(file, body)[0]


def _classes(file: SourceFile) -> Generator[None, None, tuple[ClassRecord, ...]]:
    found = []
    for declaration in file.classes:
        yield
        methods = yield from _methods(file, declaration)
        mixin = bool(_MIXINS.search(declaration.extends))
        found.append(
            ClassRecord(
                name=declaration.name,
                line=file.line_of(declaration.name_node),
                base=base_name(declaration.extends),
                decorators=frozenset(decorator.name for decorator in declaration.decorators),
                exported=declaration.exported,
                abstract=declaration.abstract,
                fields=tuple(declaration.fields.items()),
                methods=methods,
                parameters=_error_parameters(declaration),
                dto=_dto(declaration),
                has_code=_has_code(declaration),
                from_mixin=tuple(_MIXIN_CLASSES.findall(declaration.extends)) if mixin else (),
            )
        )
    return tuple(found)


def _dto(declaration: ClassDeclaration) -> DtoKind | None:
    if re.search(r"\b[Zz]od\w*\s*\(|\w+Zod\w*\s*\(|\bz\.\w+\s*\(", declaration.extends):
        return "zod"
    if any(_VALIDATORS.match(name) for name in declaration.field_decorators):
        return "class-validator"
    return None


def _has_code(declaration: ClassDeclaration) -> bool:
    constructor = next((method for method in declaration.methods if method.kind == "constructor"), None)
    named = constructor is not None and any(parameter.name == "code" for parameter in constructor.parameters)
    return named or "code" in declaration.fields


def _error_parameters(declaration: ClassDeclaration) -> tuple[ErrorParameter, ...] | None:
    constructor = next((method for method in declaration.methods if method.kind == "constructor"), None)
    if constructor is None:
        return None
    return tuple(ErrorParameter(p.name, p.type, p.optional) for p in constructor.parameters)


def _methods(file: SourceFile, declaration: ClassDeclaration) -> Generator[None, None, tuple[MethodRecord, ...]]:
    found = []
    for method in declaration.methods:
        if method.kind != "method" or method.body is None:
            continue
        calls = file.calls(method.body)
        found.append(
            MethodRecord(
                name=method.name,
                parses=parsed_parameters(file, method, calls),
                emits=events.emits(file, declaration, method, calls),
                writes=events.writes(file, calls),
                calls=tuple(dict.fromkeys(_hops(file, declaration, calls))),
                public=method.access == "public",
            )
        )
        yield
    return tuple(found)


def _hops(file: SourceFile, declaration: ClassDeclaration, calls: list[Call]) -> Iterator[tuple[str, str]]:
    """Calls of the class's own methods and of those of its injected objects."""
    for call in calls:
        if call.receiver is None:
            continue
        receiver = file.tree.source_of(call.receiver)
        if receiver == "this":
            yield "", call.name
        elif receiver.startswith("this.") and (held := declaration.fields.get(receiver[5:].rstrip("!?"))):
            yield held, call.name


def parsed_parameters(file: SourceFile, method: Method, calls: list[Call]) -> tuple[int, ...]:
    """Return which parameters go whole through a schema's `parse` or a like call."""
    given = [a for call in calls if call.name in _PARSE and call.receiver is not None for a in call.arguments]
    if not given:
        return ()
    names = {parameter.name: position for position, parameter in enumerate(method.parameters)}
    found = (names.get(file.tree.source_of(argument)) for argument in given)
    return tuple(sorted({position for position in found if position is not None}))


def _tenant_helpers(file: SourceFile) -> Iterator[tuple[str, str]]:
    """Functions that set the tenant of the session and then call a function they were given."""
    for node in file.tree.captures("[(string) (template_string)] @text").get("text", []):
        if not SETS_TENANT.search(file.tree.source_of(node)):
            continue
        for around in ancestors(node):
            named = _named_function(file, around)
            if named is not None:
                yield named


def _named_function(file: SourceFile, node: ts.Node) -> tuple[str, str] | None:
    if node.type not in FUNCTION_NODES:
        return None
    name = node.child_by_field_name("name")
    if name is None and node.parent is not None and node.parent.type in ("variable_declarator", "public_field_definition"):
        name = node.parent.child_by_field_name("name")
    parameters = node.child_by_field_name("parameters")
    if name is None or parameters is None or "=>" not in file.tree.source_of(parameters):
        return None
    owner = next((around.child_by_field_name("name") for around in ancestors(node) if around.type.endswith("class_declaration")), None)
    return (file.tree.source_of(owner) if owner is not None else ""), file.tree.source_of(name)


def _wrappers(file: SourceFile) -> Iterator[tuple[str, bool, bool]]:
    """Functions that give back Swagger's decorators, on their own or put together."""
    for node in file.tree.captures("[(function_declaration) (variable_declarator)] @made").get("made", []):
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body") or node.child_by_field_name("value")
        if name is not None and body is not None and body.type in ("statement_block", "arrow_function", "function_expression"):
            text = file.tree.source_of(body)
            if _DECORATORS.search(text):
                yield file.tree.source_of(name), "ApiOperation" in text, bool(_RESPONSES.search(text))
