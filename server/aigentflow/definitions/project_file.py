"""The project file as pydantic sees it. Imported only when a project file is read."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator


class BoundaryEntry(BaseModel):
    """`boundaries.<agent>`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()

    @field_validator("allow", "deny", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("a list of globs is missing")
        return (value,) if isinstance(value, str) else value


class ProjectFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    phase: str | None = None
    plan: str | None = None
    lessons: str | None = None
    boundaries: dict[str, BoundaryEntry] = Field(default_factory=dict)
    verification: dict[Literal["typecheck", "tests", "lint"], str] = Field(default_factory=dict)
    tenant_helpers: tuple[str, ...] = ()


def faults(values: dict[str, Any]) -> tuple[tuple[tuple[str | int, ...], str], ...]:
    """Return where and why the values are not a project file."""
    try:
        ProjectFile.model_validate(values)
    except ValidationError as error:
        found = {_path(fault["loc"]): fault["msg"].removeprefix("Value error, ") for fault in error.errors(include_url=False)}
        return tuple(found.items())
    return ()


def _path(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    # A bad key of a mapping is reported as `…, key, "[key]"`.
    return tuple(step for step in location if step != "[key]")
