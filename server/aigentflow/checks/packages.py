"""Package manifests, and what a path alone says about a file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal

Role = Literal["product", "test", "support"]

_TEST_NAME = re.compile(r"[._-](?:spec|test|e2e-spec|e2e|int-spec|itest|integration|int)\.(?:[\w-]+\.)?[cm]?[jt]sx?$", re.IGNORECASE)
_TEST_FOLDERS = frozenset({"__tests__", "test", "tests", "e2e", "spec", "specs", "__mocks__", "cypress", "playwright"})
_SUPPORT_FOLDERS = frozenset(
    {"scripts", "script", "migrations", "migration", "seeds", "seed", "fixtures", "mocks", "tools", "bin", "benchmarks", "testing"}
)
_SUPPORT_NAME = re.compile(
    r"(?:\.d\.[cm]?ts|\.config\.[cm]?[jt]s|\.stories\.[jt]sx?|\.mock\.[jt]s|\.fixture\.[jt]s|(?:^|/)(?:seed|testing|setup-tests)\.[jt]s)$"
)
_STARTING = re.compile(
    r"(?:^|/)(?:main|bootstrap|cli|env|config|configuration|instrument|tracing)\.[cm]?[jt]s$|(?:^|/)(?:config|env)/|[.-](?:config|env)\.ts$"
)
_NOT_OURS = frozenset(
    {"node_modules", "dist", "build", "coverage", ".next", ".nuxt", ".turbo", "vendor", "generated", "__generated__", ".git"}
)

_SERVER = ("@nestjs/common", "@nestjs/core", "fastify", "express", "koa", "hono", "drizzle-orm")
_BROWSER = ("react", "vue", "svelte", "@angular/core", "solid-js", "preact", "next", "nuxt")
_BROWSER_IMPORT = re.compile(r"""from\s+['"](?:react|react-dom|vue|svelte|@angular/core|solid-js|preact|next|nuxt)(?:/[\w-]+)*['"]""")
_EVENTS = (
    "@nestjs/event-emitter",
    "eventemitter2",
    "@nestjs/cqrs",
    "@nestjs/microservices",
    "@nestjs/bullmq",
    "@nestjs/bull",
    "bullmq",
    "bull",
    "nats",
    "@nats-io/transport-node",
    "kafkajs",
    "amqplib",
    "@golevelup/nestjs-rabbitmq",
    "@google-cloud/pubsub",
    "@aws-sdk/client-sns",
    "@aws-sdk/client-sqs",
    "@aws-sdk/client-eventbridge",
)


def role_of(path: str) -> Role:
    """Return whether a file is the product, a test (or what tests use), or something around it."""
    folders = path.split("/")[:-1]
    if _TEST_NAME.search(path) or any(folder in _TEST_FOLDERS for folder in folders):
        return "test"
    if _SUPPORT_NAME.search(path) or any(folder in _SUPPORT_FOLDERS for folder in folders):
        return "support"
    return "product"


def is_starting_code(path: str) -> bool:
    """Return whether the file is bootstrap or configuration, where a plain error ends the process and nobody maps it."""
    return bool(_STARTING.search(path))


def imports_browser(text: str) -> bool:
    """Return whether a file belongs to a user interface by what it imports."""
    return any(name in text for name in _BROWSER) and bool(_BROWSER_IMPORT.search(text))


def compiles_for_browser(tsconfig: str) -> bool:
    """Return whether a compiler configuration has the browser's types."""
    return bool(re.search(r'"lib"\s*:\s*\[[^\]]*"dom', tsconfig, re.IGNORECASE))


def is_foreign(path: str) -> bool:
    """Return whether the file lies where built or foreign code lies."""
    return any(folder in _NOT_OURS for folder in path.split("/")[:-1])


@dataclass(frozen=True)
class Package:
    """One package manifest; `folder` is empty for the workspace root."""

    folder: str
    name: str = ""
    dependencies: frozenset[str] = frozenset()
    """Of every kind, those of the packages around it included."""
    own: frozenset[str] = frozenset()
    """The manifest's own dependencies."""
    for_browser: bool = False
    """Its compiler or a start page says so, where its dependencies do not."""
    module: bool = False
    """`"type": "module"`: relative imports carry their suffix."""

    def has(self, *names: str) -> bool:
        """Return whether any of the packages is depended upon."""
        return any(name in self.dependencies for name in names)

    @property
    def is_browser(self) -> bool:
        """A user interface and not a server."""
        return (self.for_browser or any(name in self.own for name in _BROWSER)) and not any(name in self.own for name in _SERVER)

    @property
    def has_events(self) -> bool:
        """Something to emit events with is depended upon."""
        return self.has(*_EVENTS)


def parse_manifest(text: str, folder: str, around: Package | None = None, *, for_browser: bool = False) -> Package:
    """Return the package of a manifest; a broken one has no dependencies of its own."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        data = {}
    own: set[str] = set()
    for kind in ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies"):
        listed = data.get(kind)
        own.update(listed if isinstance(listed, dict) else ())
    name = data.get("name")
    inherited = around.dependencies if around is not None else frozenset()
    return Package(
        folder=folder,
        name=name if isinstance(name, str) else "",
        dependencies=frozenset(own) | inherited,
        own=frozenset(own),
        for_browser=for_browser,
        module=data.get("type") == "module",
    )
