"""What one file contributes to the project's facts, as plain values without nodes or texts.

Lines are kept only where evidence names them: a line that is typed above should change as few facts as possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DtoKind = Literal["zod", "class-validator"]


@dataclass(frozen=True, slots=True)
class Table:
    """A Drizzle table; `spreads` are names of objects whose columns it takes over."""

    name: str
    line: int
    columns: frozenset[str]
    spreads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MethodRecord:
    """What a method does, for those who call it."""

    name: str
    parses: tuple[int, ...] = ()
    """Positions of parameters that go through a schema's `parse`."""
    emits: bool = False
    writes: tuple[str, ...] = ()
    """Names of what it inserts into, updates or deletes from."""
    calls: tuple[tuple[str, str], ...] = ()
    """Type name of the receiver (empty: the class itself) and method."""
    public: bool = True


@dataclass(frozen=True, slots=True)
class ErrorParameter:
    """A constructor parameter of an error class."""

    name: str
    type: str
    optional: bool


@dataclass(frozen=True, slots=True)
class ClassRecord:
    """A class; `parameters` is None where it has no constructor of its own."""

    name: str
    line: int
    base: str
    decorators: frozenset[str]
    exported: bool
    abstract: bool
    fields: tuple[tuple[str, str], ...]
    methods: tuple[MethodRecord, ...] = ()
    parameters: tuple[ErrorParameter, ...] | None = None
    dto: DtoKind | None = None
    has_code: bool = False
    from_mixin: tuple[str, ...] = ()
    """Classes named inside `extends PartialType(X)` and the like."""


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint; segments without empty ones, parameters as `:name`."""

    controller: str
    method: str
    verb: str
    segments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A request that a test makes; a segment of None stands for anything."""

    verb: str
    segments: tuple[str | None, ...]
    line: int


@dataclass(frozen=True, slots=True)
class TestRecord:
    """What a test file does with the product."""

    __test__ = False
    """Not a test case itself."""
    imports: frozenset[str] = frozenset()
    constructs: frozenset[str] = frozenset()
    """Classes whose real instances the file makes or asks the module for."""
    calls: frozenset[tuple[str, str]] = frozenset()
    """Class of the receiver (empty: not known) and method."""
    http: tuple[HttpCall, ...] = ()
    makes_requests: bool = False


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file's facts."""

    path: str
    tables: tuple[Table, ...] = ()
    column_groups: tuple[tuple[str, frozenset[str]], ...] = ()
    """Object constants whose keys may be spread into tables."""
    classes: tuple[ClassRecord, ...] = ()
    tenant_helpers: frozenset[tuple[str, str]] = frozenset()
    """Class (empty: a function) and name of what sets the tenant and then runs a callback."""
    swagger_wrappers: tuple[tuple[str, bool, bool], ...] = ()
    """Decorator function, whether it gives an operation, whether it gives a response."""
    schema_types: frozenset[str] = frozenset()
    """Type aliases of `z.infer<…>`."""
    types: frozenset[str] = frozenset()
    """Names of interfaces and other type aliases."""
    routes: tuple[Route, ...] = ()
    prefixes: frozenset[str] = frozenset()
    """Segments of a global route prefix."""
    zod_pipe: bool = False
    """A Zod pipe is registered for all endpoints."""
    relative_imports: tuple[int, int] = (0, 0)
    """How many relative imports there are, and how many of them carry a suffix."""
    exports_from: tuple[tuple[str, frozenset[str] | None], ...] = ()
    """Modules that are re-exported, and which names; None: all."""
    swagger_plugin: bool = False
    """Response decorators are written by the compiler."""
    test: TestRecord | None = None
