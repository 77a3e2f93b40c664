"""`zod-input-validation`: what comes in over HTTP is parsed by a Zod schema before it is used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aigentflow.checks.declarations import ClassDeclaration, Decorator, Method, Parameter
from aigentflow.checks.detectors.detector import Detector
from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.findings import Draft, Evidence, Outcome
from aigentflow.checks.reading import parsed_parameters
from aigentflow.checks.records import ClassRecord
from aigentflow.checks.routing import handlers, is_controller
from aigentflow.checks.source import Call, SourceFile
from aigentflow.checks.units import Unit

if TYPE_CHECKING:
    import tree_sitter as ts

_SOURCES = ("Body", "Query", "Param", "RawBody")
_REQUESTS = ("Req", "Request")
_CLASS_PIPE = re.compile(r"^(?:new\s+)?ValidationPipe\b")
_ZOD_CLASS_PIPE = re.compile(r"(?:new\s+)?\w*Zod\w*(?:\(\s*\))?")
_PRIMITIVES = re.compile(r"^(?:string|number|boolean|bigint)(?:\s*\|\s*(?:undefined|null))*$")
_PARSES = re.compile(r"^(?:parse|safeParse|parseAsync|safeParseAsync|validate\w*|assert\w*)$", re.IGNORECASE)
_SCHEMA = re.compile(r"schema|zod|\bz\.", re.IGNORECASE)

Answer = Literal["validated", "open", "class-validator", "not-enforced", "unknown"]


@dataclass(frozen=True)
class _Handler:
    """Where a parameter stands."""

    file: SourceFile
    declaration: ClassDeclaration
    method: Method
    calls: tuple[Call, ...]
    project: ProjectFacts


def gate(path: str, text: str, project: ProjectFacts) -> str | None:
    """A package that validates with something else altogether is not measured against Zod."""
    package = project.package_of(path)
    if not package.has("zod", "nestjs-zod") and package.has("class-validator", "joi", "yup", "valibot", "@sinclair/typebox", "arktype"):
        return f"`{package.name or package.folder or 'the package'}` validates without Zod"
    return None


def detect(unit: Unit, project: ProjectFacts) -> Outcome:
    """Find parameters of handlers that nothing parses."""
    subjects = 0
    drafts: list[Draft] = []
    undecided: list[str] = []
    for declaration in unit.classes:
        if not is_controller(declaration):
            continue
        for method, _ in handlers(declaration):
            calls = tuple(unit.file.calls(method.body)) if method.body is not None else ()
            handler = _Handler(unit.file, declaration, method, calls, project)
            for parameter in method.parameters:
                answer = _judge(handler, parameter)
                if answer is None:
                    continue
                subjects += 1
                if answer == "unknown":
                    undecided.append(f"the type of `{parameter.name}` of {declaration.name}.{method.name} was not found")
                elif answer != "validated":
                    drafts.append(_draft(handler, parameter, answer))
    return Outcome(subjects, tuple(drafts), tuple(undecided))


def _judge(handler: _Handler, parameter: Parameter) -> Answer | None:
    """Return how a parameter is validated; None where it carries no input."""
    source = next((decorator for decorator in parameter.decorators if decorator.name in (*_SOURCES, *_REQUESTS)), None)
    if source is None:
        return None
    if source.name in _REQUESTS:
        return _judge_request(handler, parameter)
    pipe = _by_pipes(handler, source)
    if pipe == "validated" or _is_parsed(handler, parameter):
        return "validated"
    return _by_type(handler, parameter, pipe)


def _judge_request(handler: _Handler, parameter: Parameter) -> Answer | None:
    body = handler.method.body
    text = handler.file.tree.source_of(body) if body is not None else ""
    used = re.search(rf"\b{re.escape(parameter.name)}\s*[?!]?\.\s*(?:body|query|params)\b", text)
    if used is None:
        return None
    pattern = rf"(?i)(?:parse|validate)\w*\s*\(\s*{re.escape(parameter.name)}\s*[?!]?\.\s*(?:body|query|params)\b"
    return "validated" if re.search(pattern, text) else "open"


def _by_pipes(handler: _Handler, source: Decorator) -> Answer | None:
    """Return what the pipes of the parameter, the handler and the controller do to it; None where they leave it to the type."""
    pipes = [argument for argument in source.arguments if argument.type not in ("string", "object", "template_string")]
    if any(not _is_class_pipe(handler, pipe) for pipe in pipes):
        return "validated"
    around = [d for d in (*handler.method.decorators, *handler.declaration.decorators) if d.name == "UsePipes"]
    used = [argument for decorator in around for argument in decorator.arguments]
    # A pipe built from a schema parses whole objects; one that only knows primitives says nothing about a body.
    if any(not _is_class_pipe(handler, pipe) and _SCHEMA.search(handler.file.tree.source_of(pipe)) for pipe in used):
        return "validated"
    if any(_CLASS_PIPE.match(handler.file.tree.source_of(pipe)) for pipe in (*pipes, *used)):
        return "class-validator"
    return None


def _is_class_pipe(handler: _Handler, pipe: ts.Node) -> bool:
    """A pipe that validates by the class of the parameter: Nest's own, and a Zod pipe that was given no schema."""
    text = handler.file.tree.source_of(pipe)
    return bool(_CLASS_PIPE.match(text) or _ZOD_CLASS_PIPE.fullmatch(text))


def _is_parsed(handler: _Handler, parameter: Parameter) -> bool:
    """The handler parses the parameter, or hands it to a method that does so first."""
    names = _names(parameter)
    position = handler.method.parameters.index(parameter)
    if position in parsed_parameters(handler.file, handler.method, list(handler.calls)):
        return True
    for call in handler.calls:
        given = [handler.file.tree.source_of(argument) for argument in call.arguments]
        with_schema = call.receiver is not None or any(_SCHEMA.search(argument) for argument in given)
        if with_schema and _PARSES.match(call.name) and any(_mentions(argument, names) for argument in given):
            return True
        if _is_parsed_by(handler, call, given, names):
            return True
    return False


def _is_parsed_by(handler: _Handler, call: Call, given: list[str], names: set[str]) -> bool:
    if call.receiver is None or not any(argument in names for argument in given):
        return False
    receiver = handler.file.tree.source_of(call.receiver)
    owner = handler.declaration.name if receiver == "this" else handler.declaration.fields.get(receiver.removeprefix("this."))
    record = handler.project.drawn.method(owner, call.name, handler.file.path) if owner else None
    return record is not None and any(argument in names and position in record.parses for position, argument in enumerate(given))


def _names(parameter: Parameter) -> set[str]:
    """The local names of a parameter, those of its pattern included."""
    return set(re.findall(r"[A-Za-z_$][\w$]*", parameter.name))


def _mentions(text: str, names: set[str]) -> bool:
    return bool(names & set(re.findall(r"[A-Za-z_$][\w$]*", text)))


def _by_type(handler: _Handler, parameter: Parameter, pipe: Answer | None) -> Answer:
    if _PRIMITIVES.match(parameter.type) or parameter.type_name is None:
        return "open"
    name = parameter.type_name
    imported = handler.file.imports.get(name)
    name = imported.imported if imported is not None and imported.imported not in ("default", "*") else name
    drawn = handler.project.drawn
    if name in drawn.schema_types:
        return "open"
    found = drawn.class_named(name, handler.file.path)
    if found is None:
        known = name in drawn.plain_types or name in ("Record", "Array", "Partial", "Pick", "Omit", "Required", "Object", "Map")
        return "open" if known or imported is None else "unknown"
    kind = _dto(handler.project, found[1], handler.file.path, 6)
    if kind == "zod":
        registered = drawn.zod_pipe(handler.project.package_of(handler.file.path)) or _uses_zod_pipe(handler, parameter)
        return "validated" if registered else "not-enforced"
    return "class-validator" if kind == "class-validator" or (pipe and kind is None and found[1].base) else "open"


def _uses_zod_pipe(handler: _Handler, parameter: Parameter) -> bool:
    decorators = (*handler.method.decorators, *handler.declaration.decorators, *parameter.decorators)
    return any("zod" in handler.file.tree.source_of(argument).lower() for decorator in decorators for argument in decorator.arguments)


def _dto(project: ProjectFacts, record: ClassRecord, near: str, depth: int) -> str | None:
    """What validates a DTO class, bases and the classes of mixins included."""
    if record.dto is not None or depth == 0:
        return record.dto
    for name in (record.base, *record.from_mixin):
        found = project.drawn.class_named(name, near)
        kind = _dto(project, found[1], near, depth - 1) if found is not None and found[1] != record else None
        if kind is not None:
            return kind
    return None


def _draft(handler: _Handler, parameter: Parameter, answer: Answer) -> Draft:
    source = next(decorator for decorator in parameter.decorators if decorator.name in (*_SOURCES, *_REQUESTS))
    what = f"`{parameter.name}` from `@{source.name}()`"
    symbol = f"{handler.declaration.name}.{handler.method.name}"
    evidence = _evidence(handler, parameter)
    node: ts.Node = parameter.node
    if answer == "class-validator":
        message = f"{what} is validated by class-validator, not by Zod: give the decorator a pipe with a Zod schema."
        return Draft(node, message, 0.7, symbol, evidence=evidence, milder=2)
    if answer == "not-enforced":
        message = f"{what} has a Zod class for a type, but no Zod pipe is registered, so nothing is enforced: register `ZodValidationPipe`."
        return Draft(node, message, 0.6, symbol, evidence=evidence)
    message = f"{what} reaches the handler unchecked: give the decorator a pipe with a Zod schema, or parse it first."
    if source.name in ("Param", "Query") and _PRIMITIVES.match(parameter.type):
        return Draft(node, message, 0.5, symbol, milder=1)
    return Draft(node, message, 0.9, symbol, evidence=evidence)


def _evidence(handler: _Handler, parameter: Parameter) -> tuple[Evidence, ...]:
    if parameter.type_name is None:
        return ()
    found = handler.project.drawn.class_named(parameter.type_name, handler.file.path)
    return (Evidence(found[0], found[1].line, f"{found[1].name} is the type of the parameter"),) if found is not None else ()


DETECTOR = Detector("zod-input-validation", ("@Controller",), gate, detect)
