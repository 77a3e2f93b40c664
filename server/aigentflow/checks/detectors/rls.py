"""`rls-tenant-isolation`: a query of a table with a tenant column names the tenant, or runs for one."""

from __future__ import annotations

import re

from aigentflow.checks.detectors.detector import Detector
from aigentflow.checks.detectors.query import Query
from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.findings import Draft, Evidence, Outcome
from aigentflow.checks.project import TableFact
from aigentflow.checks.source import Call, SourceFile, symbol_of
from aigentflow.checks.units import Unit

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
        query = Query(unit, project, call, fact.tenant_column)
        answer = query.answer()
        if answer == "":
            continue
        if answer.startswith("?"):
            undecided.append(answer[1:])
        else:
            drafts.append(_draft(query, fact, answer))
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


def _draft(query: Query, fact: TableFact, what: str) -> Draft:
    call, table, column = query.call, fact.table, query.column
    verb = call.name if call.name in ("insert", "update", "delete") else "select"
    helpers = sorted(name for _, name in query.project.drawn.tenant_helpers)
    advice = f"add `eq({table.name}.{column}, …)`" if verb != "insert" else f"set `{column}`"
    advice += f", or run it inside `{helpers[0]}`" if helpers else ""
    # Where people sign in, no tenant is known yet.
    mild = bool(_IDENTITY.search(query.file.path))
    return Draft(
        node=query.chain,
        until=call.node,
        message=f"This {verb} on `{table.name}` {what}; {advice}.",
        confidence=0.5 if mild else 0.85,
        symbol=symbol_of(query.file, call.node),
        evidence=(Evidence(fact.path, table.line, f"`{table.name}` has the tenant column `{column}`"),),
        milder=2 if mild else 0,
    )


DETECTOR = Detector("rls-tenant-isolation", (".from(", ".insert(", ".update(", ".delete(", ".findMany(", ".findFirst("), gate, detect)
