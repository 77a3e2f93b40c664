"""The built-in checks as data, and which item of a checklist means which check."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from aigentflow.data import data_folder
from aigentflow.definitions.values import AgentDefinition, ChecklistItem, Severity


@dataclass(frozen=True)
class Check:
    """One check as `agents/checks/<id>.yaml` describes it."""

    id: str
    title: str
    severity: Severity
    aliases: tuple[str, ...]
    """Phrases; all their words have to occur in an item. `= phrase`: the item says nothing else."""
    unless: tuple[str, ...]
    """An item with one of these words means something else."""
    languages: tuple[str, ...]
    looks_at: str
    page: Path
    """Markdown; absolute."""


@dataclass(frozen=True)
class BoundItem:
    """A checklist item and the check that decides it; None: it stays manual, and `reason` says why."""

    item: ChecklistItem
    check: str | None
    reason: str = ""


class Catalogue:
    """The checks by id."""

    def __init__(self, checks: Iterable[Check]) -> None:
        self._checks = {check.id: check for check in checks}

    @classmethod
    def load(cls, folder: Path | None = None) -> Catalogue:
        """Return the checks that are described in a folder, by default those that ship with the package."""
        import yaml

        folder = folder if folder is not None else data_folder("agents") / "checks"
        return cls(_check(file, yaml.safe_load(file.read_text("utf-8"))) for file in sorted(folder.glob("*.yaml")))

    def __iter__(self) -> Iterator[Check]:
        return iter(self._checks.values())

    def __contains__(self, check_id: object) -> bool:
        return check_id in self._checks

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all checks."""
        return tuple(self._checks)

    def get(self, check_id: str) -> Check | None:
        """Return a check by id."""
        return self._checks.get(check_id)

    def meant_by(self, text: str) -> str | None:
        """Return the id of the one check that a checklist item means; None where none or several could be meant."""
        words = _words(text)
        ranked: dict[str, int] = {}
        for check in self:
            if not words & _words(" ".join(check.unless)):
                strength = max((_strength(alias, words) for alias in check.aliases), default=0)
                if strength:
                    ranked[check.id] = strength
        best = max(ranked.values(), default=0)
        meant = [check_id for check_id, strength in ranked.items() if strength == best]
        return meant[0] if len(meant) == 1 and not words & _words(" ".join(_NOT_MEANT)) else None


def bind(definition: AgentDefinition, catalogue: Catalogue) -> tuple[BoundItem, ...]:
    """Return every item of the agent's checklist with the check that decides it."""
    return tuple(_bound(item, catalogue) for item in definition.checklist)


@lru_cache(maxsize=1)
def built_in_catalogue() -> Catalogue:
    """Return the checks that ship with the package."""
    return Catalogue.load()


def _bound(item: ChecklistItem, catalogue: Catalogue) -> BoundItem:
    if item.check is not None:
        known = item.check in catalogue
        return BoundItem(item, item.check if known else None, "" if known else f"there is no check named `{item.check}`")
    check = catalogue.meant_by(item.text)
    return BoundItem(item, check, "" if check is not None else "no check decides this item")


def _check(file: Path, data: Mapping[str, Any]) -> Check:
    return Check(
        id=data["id"],
        title=data["title"],
        severity=data["severity"],
        aliases=tuple(data["aliases"]),
        unless=tuple(data.get("unless", ())),
        languages=tuple(data["languages"]),
        looks_at=data["looks_at"],
        page=file.parent / data.get("page", f"{file.stem}.md"),
    )


# Different words for one thing. "type" is not among the words for "typed": "no type errors" is about the compiler.
_SAME = {
    "validate": "validated validates validating validation validator validators",
    "input": "inputs",
    "schema": "schemas",
    "error": "errors exception exceptions",
    "throw": "throws thrown throwing",
    "string": "strings",
    "endpoint": "endpoints route routes handler handlers",
    "controller": "controllers",
    "api": "apis",
    "openapi": "swagger",
    "decorator": "decorators annotation annotations annotated decorated",
    "document": "documented documents documentation docs documenting",
    "test": "tests tested testing spec specs",
    "unit": "units",
    "integration": "e2e",
    "service": "services",
    "method": "methods function functions",
    "event": "events",
    "emit": "emits emitted emitting emission emissions publish publishes published publishing dispatch dispatched",
    "rls": "rlspolicy",
    "row": "rows",
    "tenant": "tenants tenancy multitenant multitenancy",
    "isolate": "isolated isolation isolating scope scoped scoping separation segregation",
    "query": "queries",
    "policy": "policies",
    "class": "classes",
    "case": "cases",
    "request": "requests",
    "component": "components",
    "form": "forms",
}
_FOLDED = {word: name for name, words in _SAME.items() for word in words.split()}
# Words that change nothing about what is meant.
_NEUTRAL = frozenset(
    re.findall(
        r"\w+",
        """a an the all any each every of for in on with by to at and or is are be been must should have has new written write add added
        exist exists present included include cover covered covers covering code use uses used using where needed applicable required
        proper properly complete implemented implement across no not via through only plain raw""",
    )
)
_NOT_MEANT = (
    "optional",
    "skip",
    "skipped",
    "pass",
    "passing",
    "passes",
    "green",
    "ci",
    "coverage",
    "fast",
    "flaky",
    "run",
    "runs",
    "running",
)


@lru_cache(maxsize=1024)
def _words(text: str) -> frozenset[str]:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text.lower())
    text = re.sub(r"row[\s-]*level[\s-]*security", "rls", text)
    text = re.sub(r"multi[\s-]+tenan", "multitenan", text)
    text = re.sub(r"end[\s-]+to[\s-]+end", "e2e", text)
    text = re.sub(r"open[\s-]+api", "openapi", text)
    return frozenset(_FOLDED.get(word, word) for word in re.findall(r"[a-z0-9]+", text))


def _strength(alias: str, words: frozenset[str]) -> int:
    """How many words of an alias an item has; 0 where one is missing."""
    exact = alias.startswith("=")
    wanted = _words(alias) - _NEUTRAL
    if not wanted <= words or (exact and words - _NEUTRAL != wanted):
        return 0
    return len(wanted)
