"""`typed-domain-errors`: what is thrown has a type and a code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aigentflow.checks.detectors.detector import Detector
from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.findings import Draft, Evidence, Outcome
from aigentflow.checks.packages import imports_browser, is_starting_code
from aigentflow.checks.project import DomainError
from aigentflow.checks.source import FUNCTION_NODES, SourceFile, ancestors, symbol_of
from aigentflow.checks.units import Unit
from aigentflow.checks.wording import code_of

if TYPE_CHECKING:
    import tree_sitter as ts

_UNREACHABLE = ("assertNever", "unreachable", "assertUnreachable", "exhaustive", "invariant", "assert")


def gate(path: str, text: str, project: ProjectFacts) -> str | None:
    """Judge server code only; configuration and start-up end the process with whatever they throw."""
    if path.endswith((".tsx", ".jsx")) or is_starting_code(path) or imports_browser(text) or project.package_of(path).is_browser:
        return ""
    return None


def detect(unit: Unit, project: ProjectFacts) -> Outcome:
    """Find what is thrown or rejected without a domain error's type."""
    file = unit.file
    thrown = [(node, node.named_children[0]) for node in unit.places("throw") if node.named_child_count]
    subjects = [(place, value) for place, value in (*thrown, *_rejected(unit)) if value.type not in ("identifier", "member_expression")]
    drafts = [draft for place, value in subjects if (draft := _draft(file, project, place, value)) is not None]
    return Outcome(len(subjects), tuple(drafts))


def _rejected(unit: Unit) -> list[tuple[ts.Node, ts.Node]]:
    tree = unit.file.tree
    calls = [call for call in unit.calls if call.name == "reject"]
    return [(c.node, c.arguments[0]) for c in calls if c.arguments and c.receiver is not None and tree.source_of(c.receiver) == "Promise"]


def _draft(file: SourceFile, project: ProjectFacts, place: ts.Node, value: ts.Node) -> Draft | None:
    what = _untyped(file, value)
    if what is None:
        return None
    errors = project.drawn.domain_errors(file.path)
    error = errors[0] if errors else None
    confidence, milder = _weight(file, place, value)
    evidence: tuple[Evidence, ...] = ()
    if error is not None:
        advice = f"throw `{error.record.name}` or a subclass of it, with a code that callers can tell apart."
        evidence = (Evidence(error.path, error.record.line, f"{error.record.name} is the project's error class"),)
    else:
        advice = "throw an error class of the domain that carries a code; the project has none yet."
    data = _repair(file, project, error, value)
    return Draft(
        node=place,
        message=f"{what} says nothing that a caller can act on: {advice}",
        confidence=confidence,
        symbol=symbol_of(file, place),
        evidence=evidence,
        data=data,
        fixable=bool(data),
        milder=milder,
    )


def _untyped(file: SourceFile, value: ts.Node) -> str | None:
    match value.type:
        case "string" | "template_string" | "binary_expression":
            return "A plain string"
        case "object":
            return "A plain object"
        case "new_expression" | "call_expression":
            made = value.child_by_field_name("constructor") or value.child_by_field_name("function")
            name = file.tree.source_of(made) if made is not None else ""
            return "A bare `Error`" if name == "Error" and "Error" not in file.imports else None
        case _:
            return None


def _weight(file: SourceFile, place: ts.Node, value: ts.Node) -> tuple[float, int]:
    """Return confidence, and by how much milder the finding is than usual."""
    for around in ancestors(place):
        if around.type == "try_statement" and _handled(around, place):
            return 0.5, 2
        if around.type in FUNCTION_NODES:
            name = around.child_by_field_name("name")
            if name is not None and file.tree.source_of(name).startswith(_UNREACHABLE):
                return 0.4, 2
            break
        if around.type == "switch_default" and "never" in file.tree.source_of(around):
            return 0.4, 2
    return (0.95 if value.type in ("string", "template_string") else 0.9), 0


def _handled(statement: ts.Node, place: ts.Node) -> bool:
    """The throw stands in a `try` whose own `catch` turns it into something else."""
    body, handler = statement.child_by_field_name("body"), statement.child_by_field_name("handler")
    return body is not None and handler is not None and body.start_byte <= place.start_byte < body.end_byte


def _repair(file: SourceFile, project: ProjectFacts, error: DomainError | None, value: ts.Node) -> tuple[tuple[str, str], ...]:
    """What the fix needs to know; empty where there is no safe one."""
    literal = message_of(file, value)
    if error is None or error.parameters is None or literal is None:
        return ()
    name = error.record.name
    imported = file.imports.get(name)
    if imported is not None and imported.type_only:
        return ()
    here = imported is not None or error.path == file.path
    module = "" if here else project.drawn.module_for(file.path, error.path, name)
    code = code_of(_words_of(file, literal))
    if module is None or code is None:
        return ()
    return (("class", name), ("module", module), ("parameters", ",".join(error.parameters)), ("code", code))


def _words_of(file: SourceFile, literal: ts.Node) -> str:
    """The text of a literal, with blanks for what is put in."""
    parts = [file.tree.source_of(child) if child.type == "string_fragment" else " " for child in literal.named_children]
    return "".join(parts)


def message_of(file: SourceFile, value: ts.Node) -> ts.Node | None:
    """Return the one literal that an untyped error says; None for anything else."""
    if value.type in ("string", "template_string"):
        return value
    if value.type not in ("new_expression", "call_expression"):
        return None
    listed = value.child_by_field_name("arguments")
    arguments = [child for child in listed.named_children if child.type != "comment"] if listed is not None else []
    if len(arguments) != 1 or arguments[0].type not in ("string", "template_string"):
        return None
    return arguments[0]


DETECTOR = Detector("typed-domain-errors", ("throw", "reject"), gate, detect)
