"""What a test file does with the product: which classes it really constructs, which methods and paths it calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aigentflow.checks.declarations import base_name
from aigentflow.checks.records import HttpCall, TestRecord
from aigentflow.checks.routing import segments
from aigentflow.checks.source import FUNCTION_NODES, Call, SourceFile, ancestors, read_call, string_value

if TYPE_CHECKING:
    import tree_sitter as ts

_HTTP = frozenset({"get", "post", "put", "patch", "delete", "del", "head", "options"})
_VERBS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_NAMED_SO = re.compile(r"e2e|(?:^|[./_-])(?:int|integration|itest|api-tests?)(?:[./_-]|$)|(?:^|/)test/", re.IGNORECASE)
_REQUESTS = re.compile(r"supertest|getHttpServer|\.inject\(|\bfetch\(|axios|light-my-request|pactum|undici|\bgot\b|\bky\b|hono/testing")
_ASKS = frozenset({"get", "resolve", "create", "createInstance"})
_NEW = "(new_expression constructor: [(identifier) (member_expression)] @class)"
_MOCKS = re.compile(r"^(?:mock|createMock|mocked|createStubInstance|mockDeep|spyOn|deepMocked)$")


def read_test(file: SourceFile) -> TestRecord:
    """Return what a test file does."""
    calls = file.calls(file.tree.root)
    constructed = {base_name(file.tree.source_of(node)) for node in file.tree.captures(_NEW).get("class", [])}
    receivers = _Receivers(file)
    asked = {name for call in calls if (name := _asked_for(file, call)) is not None}
    requests = bool(_REQUESTS.search(file.text) or _NAMED_SO.search(file.path))
    return TestRecord(
        imports=frozenset(imported.imported for imported in file.imports.values()),
        constructs=frozenset(constructed | asked),
        calls=frozenset(_method_calls(file, calls, receivers)),
        http=tuple(_requests(file, calls)) if requests else (),
        makes_requests=requests,
    )


def _asked_for(file: SourceFile, call: Call) -> str | None:
    """The class in `module.get(OrdersService)` and `mock.resolve<OrdersService>(…)`."""
    if call.name not in _ASKS or call.receiver is None or not call.arguments:
        return None
    name = file.tree.source_of(call.arguments[0])
    return name if re.fullmatch(r"[A-Z]\w*", name) else None


_Scope = tuple[int, int]


class _Receivers:
    """Variables and the classes they hold instances of, scope by scope: every `describe` may have its own `service`."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        self._whole = (0, len(file.tree.source))
        self._scopes: dict[str, list[_Scope]] = {}
        self._held: dict[tuple[str, _Scope], dict[str, None]] = {}
        query = "[(variable_declarator) (assignment_expression) (public_field_definition)] @place"
        places = sorted(file.tree.captures(query).get("place", []), key=lambda node: node.start_byte)
        for node in places:
            name = node.child_by_field_name("name")
            if name is not None and node.type == "variable_declarator":
                self._scopes.setdefault(file.tree.source_of(name), []).append(self._around(node))
        for node in places:
            name = node.child_by_field_name("name") or node.child_by_field_name("left")
            held = _held(file, node)
            if name is not None and held is not None:
                text = file.tree.source_of(name).removeprefix("this.")
                self._held.setdefault((text, self._scope(text, node.start_byte)), {})[held] = None

    def classes(self, name: str, byte: int) -> tuple[str, ...]:
        """Return the classes that a name may hold at a place."""
        text = name.removeprefix("this.")
        return tuple(self._held.get((text, self._scope(text, byte)), ()))

    def _scope(self, name: str, byte: int) -> _Scope:
        """The innermost scope around a place that declares a name; the whole file where none does."""
        around = [scope for scope in self._scopes.get(name, ()) if scope[0] <= byte < scope[1]]
        return min(around, key=lambda scope: scope[1] - scope[0], default=self._whole)

    def _around(self, node: ts.Node) -> _Scope:
        inner = next((around for around in ancestors(node) if around.type in (*FUNCTION_NODES, "statement_block")), None)
        return self._whole if inner is None else (inner.start_byte, inner.end_byte)


def _held(file: SourceFile, node: ts.Node) -> str | None:
    """The class of what a variable is given, or of what it is declared to be."""
    value = node.child_by_field_name("value") or node.child_by_field_name("right")
    held = _class_of(file, value) if value is not None else None
    annotation = node.child_by_field_name("type")
    if held is None and annotation is not None:
        name = base_name(file.tree.source_of(annotation).lstrip(":").strip())
        held = name if re.fullmatch(r"[A-Z]\w*", name) else None
    return held


def _class_of(file: SourceFile, value: ts.Node) -> str | None:
    while (
        value.type in ("await_expression", "parenthesized_expression", "as_expression", "non_null_expression") and value.named_child_count
    ):
        value = value.named_children[0]
    if value.type == "new_expression":
        made = value.child_by_field_name("constructor")
        return base_name(file.tree.source_of(made)) if made is not None else None
    if value.type == "call_expression" and (call := read_call(file.tree, value)) is not None:
        return None if _MOCKS.match(call.name) else _asked_for(file, call)
    return None


def _method_calls(file: SourceFile, calls: list[Call], receivers: _Receivers) -> Iterator[tuple[str, str]]:
    for call in calls:
        if call.receiver is None:
            continue
        receiver = call.receiver
        held = _class_of(file, receiver) if receiver.type in ("new_expression", "call_expression", "parenthesized_expression") else None
        classes = (held,) if held is not None else receivers.classes(file.tree.source_of(receiver), call.node.start_byte)
        for owner in classes or ("",):
            yield owner, call.name


def _requests(file: SourceFile, calls: list[Call]) -> Iterator[HttpCall]:
    yield from _described(file)
    for call in calls:
        line = file.line_of(call.node)
        first, second = (*call.arguments, None, None)[:2]
        spoken = string_value(file.tree, first)
        if spoken is not None and spoken.upper() in _VERBS and second is not None:
            # A function of the test's own: `send('POST', '/orders')`.
            verb, target = spoken.upper(), second
        elif call.name.lower() in _HTTP and first is not None:
            verb, target = "DELETE" if call.name == "del" else call.name.upper(), first
        elif call.name == "fetch" and first is not None:
            given = _pairs(file, second) if second is not None and second.type == "object" else {}
            verb, target = (string_value(file.tree, given.get("method")) or "GET").upper(), first
        else:
            continue
        path = _path(file, target)
        if path is not None:
            yield HttpCall(verb, path, line)


def _described(file: SourceFile) -> Iterator[HttpCall]:
    """Requests that are written down as objects: `inject({ method, url })`, and those that are kept in a variable first."""
    for node in file.tree.captures("(object) @object").get("object", []):
        given = _pairs(file, node)
        url = given.get("url") or (given.get("path") if "method" in given else None)
        path = _path(file, url) if url is not None else None
        if path is not None:
            verb = string_value(file.tree, _plain(given.get("method"))) or "GET"
            yield HttpCall(verb.upper(), path, file.line_of(node))


def _plain(node: ts.Node | None) -> ts.Node | None:
    """The literal in `'POST' as const`."""
    return node.named_children[0] if node is not None and node.type in ("as_expression", "satisfies_expression") else node


def _pairs(file: SourceFile, node: ts.Node) -> dict[str, ts.Node]:
    found = {}
    for pair in node.named_children:
        key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
        if key is not None and value is not None:
            found[file.tree.source_of(key).strip("'\"")] = value
        elif pair.type == "shorthand_property_identifier":
            found[file.tree.source_of(pair)] = pair
    return found


def _path(file: SourceFile, node: ts.Node) -> tuple[str | None, ...] | None:
    """The segments of a path expression; None where it cannot be a path."""
    template = _template(file, node, 0)
    if template is None:
        return None
    template = re.sub(r"^[a-z]+://[^/\0]*", "", template)
    if not template.startswith(("/", "\0")):
        return None
    return tuple(None if "\0" in segment else segment for segment in segments(template))


def _template(file: SourceFile, node: ts.Node, depth: int) -> str | None:
    """The text of a string expression, with NUL for what is not known."""
    tree = file.tree
    if node.type == "string":
        return tree.source_of(node)[1:-1]
    if node.type == "template_string":
        parts = []
        for child in node.named_children:
            if child.type != "template_substitution":
                parts.append(tree.source_of(child))
            else:
                inner = child.named_children[0] if child.named_child_count else child
                known = _template(file, inner, depth + 1) if inner.type == "identifier" else None
                parts.append("\0" if known is None else known)
        return "".join(parts)
    if node.type == "binary_expression":
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return None
        return (_template(file, left, depth + 1) or "\0") + (_template(file, right, depth + 1) or "\0")
    if node.type in ("identifier", "shorthand_property_identifier") and depth < 4:
        return _constant(file, tree.source_of(node), depth)
    return None


def _constant(file: SourceFile, name: str, depth: int) -> str | None:
    query = "(variable_declarator name: (identifier) @name value: [(string) (template_string) (binary_expression)] @value)"
    for value in file.tree.captures(query).get("value", []):
        declarator = value.parent
        named = declarator.child_by_field_name("name") if declarator is not None else None
        if named is not None and file.tree.source_of(named) == name:
            return _template(file, value, depth + 1)
    return None
