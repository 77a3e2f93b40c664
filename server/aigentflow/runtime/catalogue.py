"""Models as data: aliases, prices, optional request fields per model and service, read from `agents/models.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aigentflow.data import data_folder
from aigentflow.runtime.turns import Usage

ANTHROPIC_HOST = "api.anthropic.com"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]*")
_FAMILY_NAME = re.compile(r"\bclaude\b", re.I)


@dataclass(frozen=True)
class Price:
    """USD per million tokens."""

    input: float
    output: float
    cache_read: float
    cache_write_5m: float
    cache_write_1h: float
    long_above: int | None = None
    """Prompts of more tokens than this cost `long_factor` times as much."""
    long_factor: float = 1.0

    def usd(self, usage: Usage) -> float:
        """Return what one turn cost."""
        short_lived = usage.cache_creation_input_tokens - usage.cache_creation_1h_tokens
        millions = (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_read_input_tokens * self.cache_read
            + short_lived * self.cache_write_5m
            + usage.cache_creation_1h_tokens * self.cache_write_1h
        )
        is_long = self.long_above is not None and usage.prompt_tokens > self.long_above
        return millions / 1_000_000 * (self.long_factor if is_long else 1.0)


@dataclass(frozen=True)
class ModelInfo:
    """What is known of one model."""

    id: str
    price: Price | None = None
    max_tokens: int = 32_000
    """Asked for at first; raised up to `max_output` when an answer is cut."""
    max_output: int = 128_000
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """The model of a run; `note` tells the person when it is not the one that was written down."""

    model: ModelInfo
    cache_ttl: str | None
    note: str = ""


class Catalogue:
    """The table, with a person's own entries laid over it."""

    def __init__(self, table: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> None:
        self._aliases = {str(name).lower(): str(target) for name, target in table.get("aliases", {}).items()}
        self._defaults: Mapping[str, Any] = table.get("defaults", {})
        self._models: dict[str, Mapping[str, Any]] = {**table.get("models", {}), **(own or {})}
        self._services: Mapping[str, Any] = table.get("services", {})

    def choose(self, written: str | None, wanted: str | None = None, *, base_url: str | None = None) -> Choice:
        """Return the model for what the agent file says; `wanted`, the person's own setting, wins and is never doubted."""
        host = (urlsplit(base_url).hostname or "") if base_url else ANTHROPIC_HOST
        service = self._services.get(host) or self._services.get("*") or {}
        if wanted:
            identifier, note = self._aliases.get(wanted.strip().lower(), wanted.strip()), ""
        else:
            identifier, note = self._resolve(written or "", foreign=host != ANTHROPIC_HOST)
        return Choice(self.info(identifier, service.get("without", ())), service.get("cache_ttl"), note)

    def info(self, identifier: str, without: tuple[str, ...] = ()) -> ModelInfo:
        """Return what is known of a model id; everything that is not known has its default, and no price."""
        entry = self._models.get(identifier, {})
        options = {**self._defaults.get("options", {}), **entry.get("options", {})}
        return ModelInfo(
            id=identifier,
            price=_price(entry),
            max_tokens=int(entry.get("max_tokens", self._defaults.get("max_tokens", 32_000))),
            max_output=int(entry.get("max_output", self._defaults.get("max_output", 128_000))),
            options={name: value for name, value in options.items() if name not in without and value is not None},
        )

    def _resolve(self, written: str, *, foreign: bool) -> tuple[str, str]:
        default = self._aliases.get("default", "claude-opus-5-5")
        if not written.strip():
            return default, ""
        for name in (part.strip().strip("'\"").strip() for part in written.split("|")):
            if (identifier := self._one(name, foreign=foreign)) is not None:
                return identifier, "" if name == written.strip() and not _is_display_name(
                    name
                ) else f"Model {written!r} is read as {identifier}."
        if written.strip().lower() == "inherit":
            return default, f"Model 'inherit' has nothing to inherit from here; {default} is used."
        return default, f"Model {written!r} is not known; {default} is used. Known aliases: {', '.join(sorted(self._aliases))}."

    def _one(self, name: str, *, foreign: bool) -> str | None:
        lower = name.lower()
        if lower in self._aliases:
            return self._aliases[lower]
        if lower == "inherit" or not name:
            return None
        plain = name.removeprefix("anthropic/")
        if plain in self._models or (_ID.fullmatch(plain) and ("claude-" in plain or foreign)):
            return plain
        if _FAMILY_NAME.search(name):
            families = [alias for alias in self._aliases if alias in re.findall(r"[a-z]+", lower)]
            return self._aliases[families[0]] if len(families) == 1 else None
        return None


def _is_display_name(name: str) -> bool:
    return _ID.fullmatch(name) is None or name.startswith("anthropic/")


def _price(entry: Mapping[str, Any]) -> Price | None:
    price = entry.get("price")
    if not isinstance(price, Mapping):
        return None
    base, out = float(price["input"]), float(price["output"])
    long_prompt = entry.get("long_prompt") or {}
    return Price(
        input=base,
        output=out,
        cache_read=float(price.get("cache_read", base)),
        cache_write_5m=float(price.get("cache_write_5m", base * 1.25)),
        cache_write_1h=float(price.get("cache_write_1h", base * 2)),
        long_above=long_prompt.get("above"),
        long_factor=float(long_prompt.get("factor", 1.0)),
    )


def load_catalogue(own: Mapping[str, Any] | None = None, path: Path | None = None) -> Catalogue:
    """Return the shipped table with the person's own models (`{id: {price, options, …}}`) laid over it."""
    import yaml

    text = (path or data_folder("agents") / "models.yaml").read_text(encoding="utf-8")
    return Catalogue(yaml.safe_load(text), own)
