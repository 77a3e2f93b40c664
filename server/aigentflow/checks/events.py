"""What emits an event and what writes to the database, read off the calls of a method."""

from __future__ import annotations

import re

from aigentflow.checks.declarations import ClassDeclaration, Method
from aigentflow.checks.source import Call, SourceFile

_EMITTER = re.compile(
    r"event|emitter|bus\b|bus$|queue|publisher|producer|clientproxy|nats|kafka|rabbit|outbox|broker|pubsub|dispatcher|jetstream",
    re.IGNORECASE,
)
_NOT_EMITTER = re.compile(r"audit|analytics|telemetry|metric|logger|tracking", re.IGNORECASE)
_EMIT = frozenset(
    {
        "emit",
        "emitAsync",
        "publish",
        "publishAll",
        "publishAsync",
        "dispatch",
        "add",
        "addBulk",
        "send",
        "enqueue",
        "produce",
        "notify",
        "apply",
    }
)
_OWN = re.compile(r"^(?:emit|publish|dispatch|enqueue|raise)(?:[A-Z]\w*)?$")
_DECORATED = re.compile(r"emits?|publish|event", re.IGNORECASE)
_LISTENS = re.compile(r"^(?:On|Handle|Subscribe)|Pattern$|Handler$|Listener$")
_WRITES = frozenset({"insert", "update", "delete"})
_OUTBOX = re.compile(r"outbox|events?$", re.IGNORECASE)


def emits(file: SourceFile, declaration: ClassDeclaration, method: Method, calls: list[Call]) -> bool:
    """Return whether a method itself emits an event."""
    if any(_DECORATED.search(d.name) and not _LISTENS.search(d.name) for d in method.decorators):
        return True
    return any(_is_emission(file, declaration, call) for call in calls) or any(_OUTBOX.search(name) for name in writes(file, calls))


def writes(file: SourceFile, calls: list[Call]) -> tuple[str, ...]:
    """Return the names of what Drizzle's `insert`, `update` and `delete` are called with."""
    found = []
    for call in calls:
        if call.name in _WRITES and call.receiver is not None and len(call.arguments) == 1:
            argument = call.arguments[0]
            if argument.type in ("identifier", "member_expression"):
                found.append(file.tree.source_of(argument).rsplit(".", 1)[-1])
    return tuple(dict.fromkeys(found))


def _is_emission(file: SourceFile, declaration: ClassDeclaration, call: Call) -> bool:
    if call.receiver is None or file.tree.source_of(call.receiver) == "this":
        return bool(_OWN.match(call.name))
    if call.name not in _EMIT and not _OWN.match(call.name):
        return False
    receiver = file.tree.source_of(call.receiver)
    name = receiver.removeprefix("this.").rstrip("!?")
    what = f"{declaration.fields.get(name, '')} {name}"
    return bool(_EMITTER.search(what)) and not _NOT_EMITTER.search(what)
