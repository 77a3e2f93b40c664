"""`rls-tenant-isolation`: a query of a table with a tenant column names the tenant, or runs for one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aigentflow.checks.detectors.detector import Detector
from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.findings import Draft, Evidence, Outcome
from aigentflow.checks.project import TENANT_NAMES, TableFact, fold
from aigentflow.checks.source import FUNCTION_NODES, SETS_TENANT, Call, SourceFile, Unit, ancestors, read_call

if TYPE_CHECKING:
    import tree_sitter as ts

_TABLE_FIRST = frozenset({"from", "insert", "update", "delete"})
_RELATIONAL = frozenset({"findMany", "findFirst"})
_IDENTITY = re.compile(
    r"(?:^|[./_-])(?:auth|login|signin|signup|register|registration|session|jwt|passport|oauth|api-?keys?)(?:[./_-]|$)", re.IGNORECASE
)
_OTHERS = (
    ("Prisma", ("@prisma/client", "prisma.", "PrismaService", "PrismaClient")),
    ("Kysely", ("'kysely'", '"kysely"', ".selectFrom(", ".insertInto(")),
    ("TypeORM", ("'typeorm'", '"typeorm"', "@InjectRepository")),
    ("Mongoose", ("'mongoose'", '"mongoose"', "@nestjs/mongoose")),
    ("MikroORM", ("@mikro-orm/",)),
    ("Knex", ("'knex'", '"knex"')),
    ("Sequelize", ("'sequelize'", '"sequelize"', "sequelize-typescript")),
)
_RESTRICTS_NOTHING = frozenset({"select", "selectDistinct", "selectDistinctOn", "set", "returning", "orderBy", "groupBy"})
_WORD = re.compile(r"[A-Za-z_$][\w$]*")


def gate(path: str, text: str, project: ProjectFacts) -> str | None:
    """Only Drizzle is understood; what another library asks the database is not judged."""
    other = next((name for name, words in _OTHERS if any(word in text for word in words)), None)
    if other is not None:
        return f"queries by {other} are not analysed"
    return None if project.drawn.tables or not project.package_of(path).has("drizzle-orm") else "no Drizzle table was found"


def detect(unit: Unit, project: ProjectFacts) -> Outcome:
    """Find queries that reach rows of all tenants."""
    subjects = 0
    drafts: list[Draft] = []
    undecided: list[str] = []
    for call in unit.calls:
        name = _table_name(unit.file, call)
        facts = project.drawn.tables.get(name, []) if name is not None else []
        if not facts:
            continue
        if len({fact.tenant_column is None for fact in facts}) > 1:
            undecided.append(f"there are several tables named `{name}`")
            continue
        fact = facts[0]
        if fact.tenant_column is None:
            continue
        subjects += 1
        query = _Query(unit.file, project, call, fact, fact.tenant_column)
        answer = query.answer()
        if answer == "":
            continue
        if answer.startswith("?"):
            undecided.append(answer[1:])
        else:
            drafts.append(query.draft(answer))
    return Outcome(subjects, tuple(drafts), tuple(undecided))


def _table_name(file: SourceFile, call: Call) -> str | None:
    """The constant that a call queries, under the name that its own file gives it."""
    tree = file.tree
    if call.receiver is None:
        return None
    if call.name in _TABLE_FIRST and call.arguments:
        argument = call.arguments[0]
        if argument.type == "member_expression":
            return tree.source_of(argument).rsplit(".", 1)[-1]
        if argument.type != "identifier":
            return None
        local = tree.source_of(argument)
        imported = file.imports.get(local)
        return imported.imported if imported is not None else local
    if call.name in _RELATIONAL and (match := re.search(r"\.query\s*\.\s*(\w+)$", tree.source_of(call.receiver))):
        return match[1]
    return None


class _Query:
    """One query: the chain of calls around the place that names the table."""

    def __init__(self, file: SourceFile, project: ProjectFacts, call: Call, fact: TableFact, column: str) -> None:
        self.file = file
        self.project = project
        self.call = call
        self.fact = fact
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

    def draft(self, what: str) -> Draft:
        """Return the finding."""
        verb = self.call.name if self.call.name in ("insert", "update", "delete") else "select"
        table = self.fact.table
        evidence = [Evidence(self.fact.path, table.line, f"`{table.name}` has the tenant column `{self.column}`")]
        helpers = sorted(name for _, name in self.project.drawn.tenant_helpers)
        advice = f"add `eq({table.name}.{self.column}, …)`" if verb != "insert" else f"set `{self.column}`"
        advice += f", or run it inside `{helpers[0]}`" if helpers else ""
        mild = bool(_IDENTITY.search(self.file.path))
        return Draft(
            node=self._start(),
            until=self.call.node,
            message=f"This {verb} on `{table.name}` {what}; {advice}.",
            confidence=0.5 if mild else 0.85,
            symbol=_symbol(self.file, self.call.node),
            evidence=tuple(evidence),
            milder=2 if mild else 0,
        )

    def _start(self) -> ts.Node:
        """Where the chain begins, `this.db` of `this.db.select().from(orders)`."""
        return self.chain

    def _counts(self, node: ts.Node, part: ts.Node) -> bool:
        """A tenant column among the columns that are selected, set, returned or ordered by restricts nothing."""
        for around in ancestors(node):
            if around == part:
                break
            if around.type == "call_expression" and (call := read_call(self.file.tree, around)) is not None:
                inside = any(a.start_byte <= node.start_byte < a.end_byte for a in call.arguments)
                if inside and call.name in _RESTRICTS_NOTHING:
                    return False
            key = around.child_by_field_name("key") if around.type == "pair" else None
            if key is not None and self.file.tree.source_of(key) in ("columns", "orderBy", "with", "extras"):
                return False
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
        held = next((c.fields.get(receiver) for c in self.file.classes if c.fields.get(receiver)), None)
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
        where = _symbol(self.file, self.call.node) or self.file.path
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
        if around.type == "binary_expression" and around.child_by_field_name("right") == inner:
            operator = around.child_by_field_name("operator")
            if operator is not None and operator.type == "&&":
                return True
        inner = around
    return False


def _symbol(file: SourceFile, place: ts.Node) -> str | None:
    names: list[str] = []
    for around in ancestors(place):
        name = around.child_by_field_name("name")
        if name is not None and (around.type in FUNCTION_NODES or around.type.endswith("class_declaration")):
            names.insert(0, file.tree.source_of(name))
    return ".".join(names) or None


DETECTOR = Detector("rls-tenant-isolation", (".from(", ".insert(", ".update(", ".delete(", ".findMany(", ".findFirst("), gate, detect)
