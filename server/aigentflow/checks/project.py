"""What follows from the facts of all files together: tables, classes, tests, routes by name."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from aigentflow.checks.matching import answers_any
from aigentflow.checks.packages import Package, role_of
from aigentflow.checks.records import ClassRecord, ErrorParameter, FileRecord, MethodRecord, Route, Table

TENANT_NAMES = ("tenantid", "organizationid", "organisationid", "orgid", "workspaceid", "environmentid", "spaceid")
"""Names of tenant columns, folded; the first that any table has is the project's."""
_DEPTH = 6


@dataclass(frozen=True)
class TableFact:
    """A table as its users see it; `tenant_column` is None where it has none."""

    path: str
    table: Table
    tenant_column: str | None


@dataclass(frozen=True)
class DomainError:
    """The error class to throw, and how: `parameters` is None where a call cannot be written without knowing more."""

    path: str
    record: ClassRecord
    parameters: tuple[str, ...] | None
    """Names of the arguments to give, `message` and `code` among them."""


def fold(name: str) -> str:
    """Return a name without case and underscores."""
    return name.replace("_", "").lower()


class Drawn:
    """Facts by name; each is drawn when it is first asked for."""

    def __init__(
        self,
        records: Mapping[str, FileRecord],
        package_of: Callable[[str], Package],
        tenant_helpers: tuple[str, ...],
    ) -> None:
        self._records = records
        self._package_of = package_of
        self._configured_helpers = tenant_helpers
        self._errors: dict[str, list[DomainError]] = {}
        self._methods: dict[tuple[str, str], dict[str, MethodRecord]] = {}
        self._called: dict[str, tuple[list[FileRecord], frozenset[str]]] = {}
        self._answered: dict[tuple[str, tuple[str, ...]], bool] = {}

    @cached_property
    def records(self) -> list[FileRecord]:
        """The files' facts, ordered by path."""
        return [self._records[path] for path in sorted(self._records)]

    @cached_property
    def classes(self) -> dict[str, list[tuple[str, ClassRecord]]]:
        """Classes outside of tests, by name."""
        found: dict[str, list[tuple[str, ClassRecord]]] = defaultdict(list)
        for record in self.records:
            if record.test is None:
                for declared in record.classes:
                    found[declared.name].append((record.path, declared))
        return dict(found)

    def class_named(self, name: str, near: str = "") -> tuple[str, ClassRecord] | None:
        """Return a class by name, of several the one whose path is most like the path it is asked from."""
        found = self.classes.get(name)
        if not found:
            return None
        return max(found, key=lambda entry: len(posixpath.commonprefix([entry[0], near])))

    def method(self, class_name: str, method: str, near: str = "") -> MethodRecord | None:
        """Return a method by class and name; inherited ones too."""
        for _ in range(_DEPTH):
            entry = self.class_named(class_name, near)
            if entry is None:
                return None
            found = self._methods_of(*entry).get(method)
            if found is not None:
                return found
            class_name = entry[1].base
        return None

    def _methods_of(self, path: str, declared: ClassRecord) -> dict[str, MethodRecord]:
        key = path, declared.name
        if key not in self._methods:
            # Of several with one name, overloads among them, the first counts.
            self._methods[key] = {record.name: record for record in reversed(declared.methods)}
        return self._methods[key]

    def reaches(self, class_name: str, record: MethodRecord, test: Callable[[MethodRecord], bool], near: str, hops: int = 2) -> bool:
        """Return whether a method, or one it calls within so many hops, passes the test."""
        if test(record):
            return True
        if hops == 0:
            return False
        for receiver, name in record.calls:
            called = self.method(receiver or class_name, name, near)
            if called is not None and called != record and self.reaches(receiver or class_name, called, test, near, hops - 1):
                return True
        return False

    @cached_property
    def tables(self) -> dict[str, list[TableFact]]:
        """Tables by the name of their constant."""
        groups = {name: columns for record in self.records for name, columns in record.column_groups}
        widened: list[tuple[str, Table, frozenset[str]]] = []
        for record in self.records:
            for table in record.tables:
                columns = table.columns.union(*(groups.get(spread, frozenset()) for spread in table.spreads))
                widened.append((record.path, table, columns))
        folded = {fold(column) for _, _, columns in widened for column in columns}
        tenant = next((name for name in TENANT_NAMES if name in folded), None)
        found: dict[str, list[TableFact]] = defaultdict(list)
        for path, table, columns in widened:
            column = next((column for column in sorted(columns) if fold(column) == tenant), None)
            found[table.name].append(TableFact(path, table, column))
        return dict(found)

    @cached_property
    def tenant_helpers(self) -> frozenset[tuple[str, str]]:
        """Class (empty: any) and name of functions that run a callback for one tenant."""
        configured = {("", name.rsplit(".", 1)[-1]) for name in self._configured_helpers}
        return frozenset(configured.union(*(record.tenant_helpers for record in self.records)))

    @cached_property
    def swagger_plugin(self) -> bool:
        """Response decorators are written by the compiler."""
        return any(record.swagger_plugin for record in self.records)

    @cached_property
    def swagger_wrappers(self) -> dict[str, tuple[bool, bool]]:
        """Decorator functions of the project: whether they give an operation and a response."""
        return {name: (operation, response) for record in self.records for name, operation, response in record.swagger_wrappers}

    @cached_property
    def schema_types(self) -> frozenset[str]:
        """Type aliases that are inferred from a schema."""
        return frozenset[str]().union(*(record.schema_types for record in self.records))

    @cached_property
    def plain_types(self) -> frozenset[str]:
        """Interfaces and other type aliases."""
        return frozenset[str]().union(*(record.types for record in self.records)) - self.schema_types

    @cached_property
    def tests(self) -> list[FileRecord]:
        """The test files."""
        return [record for record in self.records if record.test is not None]

    def tests_of(self, name: str) -> tuple[list[FileRecord], frozenset[str]]:
        """Return the test files that import a class, and the methods that they call on real instances of it."""
        if name not in self._called:
            tests = [record for record in self.tests if record.test is not None and name in record.test.imports]
            real = [record.test for record in tests if record.test is not None and name in record.test.constructs]
            # A receiver whose class is not known counts for the classes that the file constructs.
            called = frozenset(method for test in real for owner, method in test.calls if owner in (name, ""))
            self._called[name] = tests, called
        return self._called[name]

    @cached_property
    def routes(self) -> list[Route]:
        """All endpoints."""
        return [route for record in self.records for route in record.routes]

    @cached_property
    def prefixes(self) -> frozenset[str]:
        """Segments of global route prefixes."""
        return frozenset[str]().union(*(record.prefixes for record in self.records))

    def is_requested(self, verb: str, segments: tuple[str, ...]) -> bool:
        """Return whether some test makes a request that this endpoint answers."""
        if (verb, segments) not in self._answered:
            calls = [call for record in self.tests for call in (record.test.http if record.test is not None else ())]
            self._answered[verb, segments] = answers_any(Route("", "", verb, segments), calls, self.routes, self.prefixes)
        return self._answered[verb, segments]

    def emits(self, package: Package) -> bool:
        """Return whether anything in a package emits events already."""
        return package.folder in self._emitting

    @cached_property
    def _emitting(self) -> frozenset[str]:
        emitting = (r for r in self.records if r.test is None and any(m.emits for c in r.classes for m in c.methods))
        return frozenset(self._package_of(record.path).folder for record in emitting)

    def zod_pipe(self, package: Package) -> bool:
        """Return whether a Zod pipe is registered for all endpoints of a package."""
        return any(record.zod_pipe and self._package_of(record.path).folder == package.folder for record in self.records)

    def carries_suffixes(self, package: Package) -> bool:
        """Return whether the relative imports of a package end with `.js`."""
        mine = [record.relative_imports for record in self.records if self._package_of(record.path).folder == package.folder]
        total, suffixed = sum(count for count, _ in mine), sum(suffixed for _, suffixed in mine)
        return suffixed * 2 > total if total else package.module

    def domain_errors(self, path: str) -> list[DomainError]:
        """Return the error classes with a code that a file can throw, the most general first."""
        package = self._package_of(path)
        if package.folder not in self._errors:
            ranked = sorted(self._rank_errors(package), key=lambda entry: entry[0])
            self._errors[package.folder] = [error for _, error in ranked]
        return self._errors[package.folder]

    def _rank_errors(self, package: Package) -> Iterator[tuple[tuple[bool, bool, int, str], DomainError]]:
        for place, record in self._coded_errors:
            home = self._package_of(place)
            near = home.folder == package.folder
            if near or package.has(home.name):
                parameters = self._arguments(record, place)
                children = sum(declared.base == record.name for listed in self.classes.values() for _, declared in listed)
                yield (parameters is None, not near, -children, place), DomainError(place, record, parameters)

    @cached_property
    def _coded_errors(self) -> list[tuple[str, ClassRecord]]:
        entries = [entry for listed in self.classes.values() for entry in listed]
        return [(path, record) for path, record in entries if role_of(path) == "product" and self._is_coded_error(record, path)]

    def _is_coded_error(self, record: ClassRecord, near: str) -> bool:
        coded = record.has_code
        for _ in range(_DEPTH):
            if record.base in ("Error", "TypeError", "AggregateError"):
                return coded
            entry = self.class_named(record.base, near)
            if entry is None:
                return False
            record = entry[1]
            coded = coded or record.has_code
        return False

    def _arguments(self, record: ClassRecord, near: str) -> tuple[str, ...] | None:
        if record.abstract or not record.exported:
            return None
        declared: ClassRecord | None = record
        parameters: tuple[ErrorParameter, ...] | None = None
        for _ in range(_DEPTH):
            if declared is None or parameters is not None:
                break
            parameters = declared.parameters
            entry = self.class_named(declared.base, near)
            declared = entry[1] if entry is not None else None
        needed = [parameter for parameter in parameters or () if not parameter.optional]
        names = tuple(parameter.name for parameter in needed)
        plain = all(parameter.type in ("string", "") for parameter in needed)
        return names if plain and set(names) == {"message", "code"} else None

    def module_for(self, path: str, target: str, name: str) -> str | None:
        """Return the module that a file imports a name of another file from; None where there is no way."""
        package, other = self._package_of(path), self._package_of(target)
        if package.folder == other.folder:
            stem = target[: target.rindex(".")]
            relative = posixpath.relpath(stem, posixpath.dirname(path) or ".")
            relative = relative if relative.startswith(".") else f"./{relative}"
            return f"{relative}.js" if self.carries_suffixes(package) else relative
        if not package.has(other.name):
            return None
        index = next((p for p in self._records if p in (f"{other.folder}/src/index.ts", f"{other.folder}/index.ts")), None)
        return other.name if index is not None and self._exports(index, target, name, _DEPTH) else None

    def _exports(self, index: str, target: str, name: str, depth: int) -> bool:
        if index == target:
            return True
        record = self._records.get(index)
        if record is None or depth == 0:
            return False
        for module, names in record.exports_from:
            if module.startswith(".") and (names is None or name in names):
                stem = posixpath.normpath(posixpath.join(posixpath.dirname(index), module)).removesuffix(".js")
                if any(self._exports(f"{stem}{ending}", target, name, depth - 1) for ending in (".ts", "/index.ts", "")):
                    return True
        return False
