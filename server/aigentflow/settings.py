"""Every option once, with its default, its meaning and who may set it.

The person's own file, the environment and the command line may set anything; what arrives through the editor may have been
written by the workspace, so there limits can only be lowered and review can only become stricter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from aigentflow.softly import fill, nested

Narrow = Literal["lower", "stricter", "own"]
"""How an option may change through the editor; `own`: only the person's own configuration sets it."""
STRICTNESS = {"risky": 0, "all": 1, "ask": 0, "never": 1}
USER_ONLY = frozenset(
    name
    for group in (
        ("service", "baseUrl", "url", "apiKey", "authToken", "key", "keyVariable", "headers", "models", "prices"),
        ("trust", "trusted", "trustedFolders", "boundaries", "boundary", "allow", "deny", "box", "boxTier", "tier"),
    )
    for name in group
)
"""Names that are refused when they arrive through the editor."""
NOT_OURS = frozenset({"workspaceTrusted", "workspaceTrustToken", "trace"})
"""Names that arrive beside the options and are read elsewhere."""


def _option(default: Any, description: str, *, narrow: Narrow | None = None, **bounds: Any) -> Any:
    return Field(default=default, description=description, json_schema_extra={"narrow": narrow} if narrow else None, **bounds)


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid", protected_namespaces=())


class Limits(_Group):
    """What one run may use; the run ends with the outcome `limit` when one is reached."""

    turns: StrictInt = _option(60, "Model turns of one run.", narrow="lower", ge=1)
    tokens: StrictInt = _option(3_000_000, "Input and output tokens of one run, cached ones included.", narrow="lower", ge=1)
    usd: StrictFloat = _option(5.0, "Price of one run in US dollars.", narrow="lower", gt=0, allow_inf_nan=False)
    minutes: StrictFloat = _option(30.0, "Wall time of one run.", narrow="lower", gt=0, allow_inf_nan=False)


class Gaps(_Group):
    """What is shown of the checklist."""

    enabled: StrictBool = _option(True, "Show checklist gaps as diagnostics.")
    minimum_confidence: StrictFloat = _option(0.5, "Gaps that a check is less sure of than this (0 to 1) are not shown.", ge=0, le=1)


class Commands(_Group):
    """How commands of agents are fenced off."""

    box: Literal["namespaces", "bubblewrap", "landlock", "none"] = _option(
        "namespaces", "The first kind of box that is tried, or `none`: no command is run in a box.", narrow="own"
    )
    unprotected: Literal["never", "ask"] = _option(
        "never",
        "Where no box works on this machine: `never` leaves commands off; `ask` shows you the whole text of each one before it runs "
        "unprotected.",
        narrow="stricter",
    )


class Settings(_Group):
    """The options of a session, resolved."""

    review: Literal["risky", "all"] = _option(
        "risky",
        "`risky`: edits inside the boundary go into the buffers, unsaved; deletions, renames and manifests wait. `all`: everything waits.",
        narrow="stricter",
    )
    model: Annotated[StrictStr, Field(min_length=1)] | None = _option(
        None, "Model alias or id that is used instead of the one in the agent file; without either, the default of `agents/models.yaml`."
    )
    limits: Limits = Limits()
    gaps: Gaps = Gaps()
    commands: Commands = Commands()
    lenses: StrictBool = _option(True, "Show code lenses at task comments and gap counts.")
    warm_host: StrictBool = _option(True, "Keep one run host ready (about 100 MiB) where a key is known, so that a run starts at once.")


class UserBoundary(BaseModel):
    """What the person says about one agent in one folder; `allow` is None where nothing is said."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    allow: tuple[StrictStr, ...] | None = None
    deny: tuple[StrictStr, ...] = ()


class Service(BaseModel):
    """How the model service is reached, beside what the environment says."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    url: StrictStr | None = Field(default=None, description="A service that speaks the Messages API; `ANTHROPIC_BASE_URL` goes first.")
    headers: dict[StrictStr, StrictStr] = Field(default_factory=dict, description="Sent with every request.")


class UserConfig(BaseModel):
    """What the person's own file, overlaid by the environment, says."""

    model_config = ConfigDict(frozen=True)
    path: Path
    settings: Settings = Settings()
    service: Service = Service()
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """By model id: entries laid over `agents/models.yaml`, such as `{price: {input, output}}` in USD per million tokens."""
    boundaries: dict[Path, dict[str, UserBoundary]] = Field(default_factory=dict)
    """By real path of the folder, then by agent id; `*` stands for every agent."""
    broken: bool = False
    """The file is there and cannot be read as a whole: a restriction may be lost, so no agent may change anything."""

    def boundary(self, root: Path, agent: str) -> UserBoundary:
        """Return what is said about the agent in this folder; deny lists of `*` and the agent add up."""
        folder = self.boundaries.get(root, {})
        every, own = folder.get("*", UserBoundary()), folder.get(agent, UserBoundary())
        return UserBoundary(allow=own.allow if own.allow is not None else every.allow, deny=(*every.deny, *own.deny))


def load_user_config(env: Mapping[str, str]) -> tuple[UserConfig, tuple[str, ...]]:
    """Return the person's configuration and what is wrong in it; never fails."""
    from aigentflow.user_config import load

    return load(env)


def resolve(raw: Mapping[str, Any] | None, user: UserConfig, *, narrow_only: bool = True) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings of a session and what is wrong in the raw ones; a wrong value costs that value only."""
    problems: list[str] = []
    options = nested(raw if isinstance(raw, Mapping) else {}, prefix="aigentflow")
    refused = sorted(key for key in options if to_camel(key) in USER_ONLY) if narrow_only else []
    if refused:
        names = ", ".join(f"`aigentflow.{key}`" for key in refused)
        problems.append(
            f"{names} cannot be set through the editor, because a workspace could do it; set it in {user.path} or in the environment."
        )
    options = {key: value for key, value in options.items() if key not in refused and key not in NOT_OURS}
    asked = fill(Settings, options, "aigentflow", problems)
    return _merge(user.settings, asked, user.path, problems, narrow_only=narrow_only), tuple(problems)


def _merge(base: Any, asked: Mapping[str, Any], path: Path, problems: list[str], *, narrow_only: bool, where: str = "aigentflow") -> Any:
    """Return the group with the asked-for values, those left out that would widen it."""
    update: dict[str, Any] = {}
    for name, value in asked.items():
        now = getattr(base, name)
        full = f"{where}.{to_camel(name)}"
        if isinstance(now, BaseModel):
            update[name] = _merge(now, value, path, problems, narrow_only=narrow_only, where=full)
        elif narrow_only and _widens(type(base).model_fields[name], now, value):
            how = "" if _narrow(type(base).model_fields[name]) == "own" else ", only stricter"
            problems.append(f"`{full}` stays {now}: through the editor it cannot become {value}{how}; set it in {path}.")
        else:
            update[name] = value
    return base.model_copy(update=update)


def _widens(field: FieldInfo, now: Any, value: Any) -> bool:
    narrow = _narrow(field)
    if narrow == "lower":
        return bool(value > now)
    if narrow == "own":
        return bool(value != now)
    return narrow == "stricter" and STRICTNESS[value] < STRICTNESS[now]


def _narrow(field: FieldInfo) -> str | None:
    extra = field.json_schema_extra
    return str(extra["narrow"]) if isinstance(extra, dict) else None


def service_environment(env: Mapping[str, str], user: UserConfig) -> dict[str, str]:
    """Return the environment for whatever talks to the model service: the person's own address filled in where none is set."""
    address = {"ANTHROPIC_BASE_URL": user.service.url} if user.service.url and not env.get("ANTHROPIC_BASE_URL") else {}
    return {**env, **address}


def options() -> Iterator[tuple[str, FieldInfo]]:
    """Yield the dotted name, without `aigentflow.`, and the declaration of every option."""
    yield from _options(Settings, "")


def _options(group: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in group.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _options(field.annotation, f"{prefix}{to_camel(name)}.")
        else:
            yield prefix + to_camel(name), field


def settings_table() -> str:
    """Return the table of the options for the README, in Markdown."""
    import json

    said = {"lower": "only lower", "stricter": "only stricter", "own": "no", None: "yes"}
    rows = ["| setting | default | from the editor | meaning |", "|---|---|---|---|"]
    for name, field in options():
        rows.append(f"| `aigentflow.{name}` | `{json.dumps(field.default)}` | {said[_narrow(field)]} | {field.description} |")
    return "\n".join(rows)


def settings_schema() -> dict[str, dict[str, Any]]:
    """Return JSON Schema properties by full option name, as a VS Code manifest wants them."""
    whole = Settings.model_json_schema(by_alias=True)
    properties: dict[str, dict[str, Any]] = {}
    for name, field in options():
        group, _dot, leaf = name.rpartition(".")
        fields = whole["$defs"][group.capitalize()]["properties"] if group else whole["properties"]
        schema = {key: value for key, value in fields[leaf].items() if key not in ("narrow", "title")}
        properties[f"aigentflow.{name}"] = {**schema, "default": field.default}
    return properties
