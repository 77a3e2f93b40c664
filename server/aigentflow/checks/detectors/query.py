"""One Drizzle query: does it name the tenant, or run for one?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.project import TENANT_NAMES, fold
from aigentflow.checks.source import FUNCTION_NODES, SETS_TENANT, Call, SourceFile, ancestors, read_call, symbol_of
from aigentflow.checks.units import Unit

if TYPE_CHECKING:
    import tree_sitter as ts

_RESTRICTS_NOTHING = frozenset({"select", "selectDistinct", "selectDistinctOn", "set", "returning", "orderBy", "groupBy"})
_WORD = re.compile(r"[A-Za-z_$][\w$]*")


class Query:
    """One query: the chain of calls around the place that names the table."""

    def __init__(self, unit: Unit, project: ProjectFacts, call: Call, column: str) -> None:
        self.unit = unit
        self.file = unit.file
        self.project = project
        self.call = call
        self.column = column
        self.chain = _chain(call.node)
        self.function = next((around for around in ancestors(call.node) if around.type in FUNCTION_NODES), None)

    def answer(self) -> str:
        """Return "" where the tenant is named, "?why" where that cannot be decided, else what is wrong."""
        if self._runs_for_tenant():
            return ""
        conditional = False
        for part in self._parts():
            for node in _mentions(self.file, part, self.column):
                if self._counts(node, part):
                    if not _is_conditional(node, part):
                        return ""
                    conditional = True
        if self._checked_afterwards():
            return ""
        if conditional:
            return f"names `{self.column}` only under a condition"
        open_question = self._open_question()
        if open_question is not None:
            return f"?{open_question}"
        return f"does not say whose rows: `{self.column}` is missing"

    def _parts(self) -> Iterator[ts.Node]:
        """The chain, then what the variables in it were given."""
        yield self.chain
        yield from self._variables()

    def _counts(self, node: ts.Node, part: ts.Node) -> bool:
        """A tenant that is selected, set, returned, ordered by, or only asked for its presence restricts nothing."""
        inner = node
        for around in ancestors(node):
            if inner == part:
                break
            if around.type == "call_expression" and inner.type == "arguments":
                call = read_call(self.file.tree, around)
                if call is not None and call.name in _RESTRICTS_NOTHING:
                    return False
            elif around.type == "pair" and (key := around.child_by_field_name("key")) is not None and key != inner:
                if self.file.tree.source_of(key) in ("columns", "orderBy", "with", "extras"):
                    return False
            elif (around.type == "ternary_expression" and around.child_by_field_name("condition") == inner) or (
                around.type == "binary_expression" and _operator(around) == "&&" and around.child_by_field_name("left") == inner
            ):
                return False
            inner = around
        return True

    def _variables(self) -> Iterator[ts.Node]:
        """What local names in the chain were given or got pushed, in the function around."""
        outer = self._outermost_function()
        if outer is None:
            return
        names = set(_WORD.findall(self.file.tree.source_of(self.chain)))
        assigned = self._assigned_name()
        for name, value in self.file.assignments(outer):
            if value.start_byte <= self.call.node.start_byte < value.end_byte:
                continue
            given = set(_WORD.findall(self.file.tree.source_of(name)))
            if given & names or (assigned is not None and assigned in given):
                yield value
        for call in self.file.calls(outer):
            if call.name in ("push", "unshift", "where", "$dynamic") and call.receiver is not None:
                receiver = self.file.tree.source_of(call.receiver)
                if receiver in names or receiver == assigned:
                    yield call.node

    def _assigned_name(self) -> str | None:
        """The variable that holds an unfinished chain: `let query = db.select().from(orders)`."""
        parent = self.chain.parent
        while parent is not None and parent.type in ("await_expression", "parenthesized_expression", "as_expression"):
            parent = parent.parent
        if parent is None or parent.type != "variable_declarator":
            return None
        name = parent.child_by_field_name("name")
        return self.file.tree.source_of(name) if name is not None and name.type == "identifier" else None

    def _outermost_function(self) -> ts.Node | None:
        outer = None
        for around in ancestors(self.call.node):
            if around.type in FUNCTION_NODES:
                outer = around
        return outer

    def _runs_for_tenant(self) -> bool:
        """The query stands in a callback of a tenant helper, or after the tenant was set in the same function."""
        helpers = self.project.drawn.tenant_helpers
        for around in ancestors(self.call.node):
            if around.type == "call_expression":
                call = read_call(self.file.tree, around)
                if call is None or not any(self._is_helper(call, owner, name) for owner, name in helpers):
                    continue
                if any(argument.start_byte <= self.call.node.start_byte < argument.end_byte for argument in call.arguments):
                    return True
            elif self.file.sets_tenant and around.type in FUNCTION_NODES:
                before = self.file.tree.source[around.start_byte : self.call.node.start_byte].decode("utf-8", "replace")
                if SETS_TENANT.search(before):
                    return True
        return False

    def _is_helper(self, call: Call, owner: str, name: str) -> bool:
        if call.name != name:
            return False
        # A telling name is enough; a common one, such as `run`, only on an object that is known to be the helper.
        if not owner or "tenant" in name.lower() or call.receiver is None:
            return True
        receiver = self.file.tree.source_of(call.receiver).removeprefix("this.").rstrip("!?")
        around = self.unit.class_around(self.call.node.start_byte)
        held = around.fields.get(receiver) if around is not None else None
        return held == owner or fold(receiver) in fold(owner)

    def _checked_afterwards(self) -> bool:
        """The fetched row's tenant is compared in the same function."""
        if self.function is None or self.call.name in ("insert", "update", "delete"):
            return False
        text = self.file.tree.source_of(self.function)
        column = re.escape(self.column)
        return bool(re.search(rf"[?!]?\.{column}\s*[!=]==?|[!=]==?\s*[\w.?!]+\.{column}\b", text))

    def _open_question(self) -> str | None:
        """Why the query cannot be judged from here; None where it can."""
        where = symbol_of(self.file, self.call.node) or self.file.path
        if self.call.name == "insert" and self._inserts_foreign_object():
            return f"{where} inserts an object that is built elsewhere"
        if self._on_given_transaction():
            return f"{where} runs on a transaction that its caller opens"
        return None

    def _inserts_foreign_object(self) -> bool:
        """The values are a parameter, a result or a spread of one, so the tenant may be inside."""
        values = next((call for call in self.file.calls(self.chain) if call.name == "values" and call.arguments), None)
        if values is None:
            return True
        argument = values.arguments[0]
        if argument.type == "object":
            return any(child.type == "spread_element" for child in argument.named_children)
        if argument.type in ("identifier", "call_expression", "member_expression", "await_expression"):
            text = self.file.tree.source_of(argument)
            return "{" not in text or "..." in text
        return argument.type == "array" and "..." in self.file.tree.source_of(argument)

    def _on_given_transaction(self) -> bool:
        root = re.match(r"[A-Za-z_$][\w$]*", self.file.tree.source_of(self.chain))
        if root is None or root.group() == "this":
            return False
        for around in ancestors(self.call.node):
            if around.type not in FUNCTION_NODES:
                continue
            parameters = around.child_by_field_name("parameters") or around.child_by_field_name("parameter")
            if parameters is not None and root.group() in _WORD.findall(self.file.tree.source_of(parameters)):
                return not _is_callback(around)
        return False


def _is_callback(function: ts.Node) -> bool:
    return function.parent is not None and function.parent.type == "arguments"


def _chain(node: ts.Node) -> ts.Node:
    """Return the outermost call of the chain that a call belongs to."""
    parent = node.parent
    while parent is not None and parent.type in ("member_expression", "call_expression", "non_null_expression"):
        if parent.type == "call_expression" and parent.child_by_field_name("function") != node:
            break
        if parent.type == "member_expression" and parent.child_by_field_name("object") != node:
            break
        node, parent = parent, parent.parent
    return node


_NAMES = frozenset({"identifier", "property_identifier", "shorthand_property_identifier", "string_fragment", "private_property_identifier"})


def _mentions(file: SourceFile, part: ts.Node, column: str) -> list[ts.Node]:
    """Return the names inside a part that are the tenant's: the column, or what is called like it."""
    wanted = fold(column)
    found = []
    for match in _WORD.finditer(file.tree.source_of(part)):
        name = fold(match.group())
        if name != wanted and not ("tenant" in name and wanted in TENANT_NAMES):
            continue
        at = file.tree.to_byte(file.tree.to_offset(part.start_byte) + match.start())
        node = part.descendant_for_byte_range(at, at)
        if node is not None and node.type in _NAMES:
            found.append(node)
    return found


def _operator(node: ts.Node) -> str:
    operator = node.child_by_field_name("operator")
    return operator.type if operator is not None else ""


def _is_conditional(node: ts.Node, part: ts.Node) -> bool:
    """The mention applies only sometimes: `cond ? eq(…) : undefined`, `cond && eq(…)`."""
    inner = node
    for around in ancestors(node):
        if inner == part:
            return False
        if around.type == "ternary_expression" and around.child_by_field_name("condition") != inner:
            other = [child for child in around.named_children if child not in (inner, around.child_by_field_name("condition"))]
            if any(child.type in ("undefined", "null", "identifier") or child.named_child_count == 0 for child in other):
                return True
        if around.type == "binary_expression" and _operator(around) == "&&" and around.child_by_field_name("right") == inner:
            return True
        inner = around
    return False
