"""Endpoints: which methods of which classes answer which verb and path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aigentflow.checks.declarations import ClassDeclaration, Decorator, Method
from aigentflow.checks.records import Route
from aigentflow.checks.source import SourceFile, string_value

if TYPE_CHECKING:
    import tree_sitter as ts

VERBS = {
    "Get": "GET",
    "Post": "POST",
    "Put": "PUT",
    "Patch": "PATCH",
    "Delete": "DELETE",
    "Options": "OPTIONS",
    "Head": "HEAD",
    "All": "ALL",
    "Sse": "GET",
}


def is_controller(declaration: ClassDeclaration) -> bool:
    """Return whether a class answers HTTP requests."""
    return any(decorator.name == "Controller" for decorator in declaration.decorators)


def handlers(declaration: ClassDeclaration) -> Iterator[tuple[Method, Decorator]]:
    """Yield the endpoints of a controller with the decorator that names the verb."""
    for method in declaration.methods:
        verb = next((decorator for decorator in method.decorators if decorator.name in VERBS), None)
        if verb is not None:
            yield method, verb


def routes(file: SourceFile) -> Iterator[Route]:
    """Yield the endpoints of a file."""
    for declaration in file.classes:
        if not is_controller(declaration):
            continue
        controller = next(d for d in declaration.decorators if d.name == "Controller")
        bases = paths_of(file, controller.arguments)
        for method, verb in handlers(declaration):
            for base in bases:
                for path in paths_of(file, verb.arguments):
                    yield Route(declaration.name, method.name, VERBS[verb.name], segments(f"{base}/{path}"))


def prefixes(file: SourceFile) -> Iterator[str]:
    """Yield the segments of a global prefix."""
    if "setGlobalPrefix" not in file.text:
        return
    for call in file.calls(file.tree.root):
        if call.name == "setGlobalPrefix" and call.arguments:
            yield from segments(string_value(file.tree, call.arguments[0]) or "")


def paths_of(file: SourceFile, arguments: tuple[ts.Node, ...]) -> list[str]:
    """Return the paths that the arguments of a decorator name; one empty path where they name none."""
    if not arguments:
        return [""]
    argument = arguments[0]
    if argument.type == "object":
        path = next((pair.child_by_field_name("value") for pair in argument.named_children if _is_path(file, pair)), None)
        return paths_of(file, (path,)) if path is not None else [""]
    if argument.type == "array":
        return [path for entry in argument.named_children for path in paths_of(file, (entry,))] or [""]
    value = string_value(file.tree, argument)
    return [value if value is not None else "*"]


def _is_path(file: SourceFile, pair: ts.Node) -> bool:
    key = pair.child_by_field_name("key")
    return key is not None and file.tree.source_of(key).strip("'\"") == "path"


def segments(path: str) -> tuple[str, ...]:
    """Return the segments of a path, without query and empty ones."""
    return tuple(part for part in re.split(r"[?#]", path, maxsplit=1)[0].split("/") if part)


def title(verb: Decorator, route: tuple[str, ...]) -> str:
    """Return the endpoint as people write it: `POST /orders/:id`."""
    return f"{VERBS[verb.name]} /{'/'.join(route)}"
