"""`openapi-decorators`: every endpoint says what it does and what it answers."""

from __future__ import annotations

import re
from http import HTTPStatus

from aigentflow.checks.declarations import ClassDeclaration, Decorator, Method
from aigentflow.checks.detectors.detector import Detector
from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.findings import Draft, Outcome
from aigentflow.checks.routing import handlers, is_controller, paths_of, segments, title
from aigentflow.checks.source import SourceFile
from aigentflow.checks.units import Unit
from aigentflow.checks.wording import summary_of

SWAGGER = "@nestjs/swagger"
_RESPONSE = re.compile(r"^Api\w*Response$")
_EXCLUDED = ("ApiExcludeController", "ApiExcludeEndpoint")
_DOCUMENTS = re.compile(r"swagger|openapi|apidoc|^doc", re.IGNORECASE)
_PLAIN = re.compile(
    r"^Api(?:Tags|BearerAuth|BasicAuth|CookieAuth|OAuth2|Security|Header|Headers|Param|Query|Body|Consumes|Produces|ExtraModels|Extension)$"
)
_HEALTH = re.compile(r"^(?:health\w*|healthz|metrics|ready|readyz|live|livez|ping|status)$", re.IGNORECASE)


def gate(path: str, text: str, project: ProjectFacts) -> str | None:
    """Without Swagger in the package there is nothing to decorate with."""
    package = project.package_of(path)
    if not package.has(SWAGGER) and SWAGGER not in text:
        return f"`{package.name or package.folder or 'the package'}` does not depend on {SWAGGER}"
    return None


def detect(unit: Unit, project: ProjectFacts) -> Outcome:
    """Find handlers without an operation or without any response."""
    subjects = 0
    drafts: list[Draft] = []
    for declaration in unit.classes:
        if not is_controller(declaration) or _excluded(declaration.decorators):
            continue
        for method, verb in handlers(declaration):
            if _excluded(method.decorators) or _is_health(unit.file, declaration, verb):
                continue
            subjects += 1
            missing = missing_decorators(unit.file, method, project)
            if missing:
                drafts.append(_draft(unit.file, declaration, (method, verb), missing, project))
    return Outcome(subjects, tuple(drafts))


def missing_decorators(file: SourceFile, method: Method, project: ProjectFacts) -> tuple[str, ...]:
    """Return which of `ApiOperation` and `ApiResponse` a handler lacks."""
    operation, response = False, project.drawn.swagger_plugin
    for decorator in method.decorators:
        wrapper = project.drawn.swagger_wrappers.get(decorator.name)
        if wrapper is not None:
            operation, response = operation or wrapper[0], response or wrapper[1]
        elif decorator.name == "ApiOperation":
            operation = True
        elif _RESPONSE.match(decorator.name):
            response = True
        elif _is_unknown_wrapper(file, decorator):
            operation = response = True
    return tuple(name for name, given in (("ApiOperation", operation), ("ApiResponse", response)) if not given)


def _is_unknown_wrapper(file: SourceFile, decorator: Decorator) -> bool:
    """A decorator that is not Swagger's own, but by its name documents the endpoint."""
    imported = file.imports.get(decorator.name)
    if imported is not None and imported.module == SWAGGER:
        return False
    return bool(_DOCUMENTS.search(decorator.name)) or (decorator.name.startswith("Api") and not _PLAIN.match(decorator.name))


def _excluded(decorators: tuple[Decorator, ...]) -> bool:
    return any(decorator.name in _EXCLUDED for decorator in decorators)


def _is_health(file: SourceFile, declaration: ClassDeclaration, verb: Decorator) -> bool:
    controller = next(decorator for decorator in declaration.decorators if decorator.name == "Controller")
    parts = [*segments(paths_of(file, controller.arguments)[0]), *segments(paths_of(file, verb.arguments)[0])]
    return bool(parts) and bool(_HEALTH.match(parts[0]) or _HEALTH.match(parts[-1]))


def _draft(
    file: SourceFile, declaration: ClassDeclaration, handler: tuple[Method, Decorator], missing: tuple[str, ...], project: ProjectFacts
) -> Draft:
    method, verb = handler
    controller = next(decorator for decorator in declaration.decorators if decorator.name == "Controller")
    route = segments(f"{paths_of(file, controller.arguments)[0]}/{paths_of(file, verb.arguments)[0]}")
    lacking = " and ".join(f"`@{name}`" for name in missing)
    # A name that means something else in this file cannot be added.
    own = all(name not in file.imports or file.imports[name].module == SWAGGER for name in missing)
    status = _status(file, method, verb)
    data = (
        ("missing", ",".join(missing)),
        ("summary", summary_of(method.name, declaration.name)),
        ("status", str(status.value)),
        ("description", status.phrase),
        ("type", _answer(file, method, project)),
    )
    return Draft(
        node=method.name_node,
        message=f"`{title(verb, route)}` is not documented: add {lacking}.",
        confidence=0.95,
        symbol=f"{declaration.name}.{method.name}",
        data=data if own else (),
        fixable=own,
    )


def _status(file: SourceFile, method: Method, verb: Decorator) -> HTTPStatus:
    """The status that a handler answers with: said by a decorator, or Nest's default."""
    said = next((decorator for decorator in method.decorators if decorator.name == "HttpCode" and decorator.arguments), None)
    if said is not None:
        text = file.tree.source_of(said.arguments[0]).rsplit(".", 1)[-1]
        found = next((status for status in HTTPStatus if text in (status.name, str(status.value))), None)
        if found is not None:
            return found
    return HTTPStatus.CREATED if verb.name == "Post" else HTTPStatus.OK


def _answer(file: SourceFile, method: Method, project: ProjectFacts) -> str:
    """The class that a handler answers with, as Swagger wants it; empty where it is not a class that can be named here."""
    inner = re.sub(r"^(?:Promise|Observable)\s*<(.*)>$", r"\1", method.return_type, flags=re.DOTALL).strip()
    match = re.fullmatch(r"([A-Z]\w*)(\[\])?|Array<([A-Z]\w*)>", inner)
    if match is None:
        return ""
    name = match[1] or match[3]
    imported = file.imports.get(name)
    declared = name in file.class_names
    usable = declared or (imported is not None and not imported.type_only and name in project.drawn.classes)
    if not usable:
        return ""
    return f"[{name}]" if match[2] or match[3] else name


DETECTOR = Detector("openapi-decorators", ("@Controller",), gate, detect)
