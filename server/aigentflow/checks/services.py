"""Which classes are services, and which of their methods others call."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aigentflow.checks.declarations import ClassDeclaration, Method

# What Nest calls by itself, or what only carries data from one place to another, is not a service.
_OTHER_ROLES = re.compile(
    r"(?:Repository|Repo|Dao|Adapter|Gateway|Guard|Interceptor|Pipe|Filter|Strategy|Middleware|Module|Controller|Resolver|Factory|Config"
    r"|Configuration|Options|Processor|Consumer|Listener|Subscriber|Serializer|Indicator|Store|Logger|Mapper|Loader)$"
)
_FRAMEWORK = frozenset(
    {
        "CanActivate",
        "NestInterceptor",
        "PipeTransform",
        "ExceptionFilter",
        "NestMiddleware",
        "ValidatorConstraintInterface",
        "HealthIndicator",
    }
)
_LIFECYCLE = frozenset(
    {"onModuleInit", "onModuleDestroy", "onApplicationBootstrap", "onApplicationShutdown", "beforeApplicationShutdown", "configure"}
)


def is_service(declaration: ClassDeclaration) -> bool:
    """Return whether a class is a service: injectable, and not one of Nest's other roles."""
    if declaration.abstract or not any(decorator.name == "Injectable" for decorator in declaration.decorators):
        return False
    if _FRAMEWORK & set(declaration.implements) or "PassportStrategy" in declaration.extends:
        return False
    return not _OTHER_ROLES.search(declaration.name)


def public_methods(declaration: ClassDeclaration) -> Iterator[Method]:
    """Yield the methods that others call."""
    for method in declaration.methods:
        if method.kind == "method" and method.access == "public" and method.body is not None and method.name not in _LIFECYCLE:
            yield method
