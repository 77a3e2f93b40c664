"""Takes raw options into a pydantic model one by one: what is wrong is told and left out, the rest holds.

Names are accepted in camel case (editors) and snake case (YAML).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError


def nested(raw: Mapping[str, Any], *, prefix: str) -> dict[str, Any]:
    """Return the options as a tree: dotted names are taken apart, an outer `{prefix: …}` is opened."""
    tree: dict[str, Any] = {}
    for key, value in raw.items():
        parts = str(key).split(".")
        if parts[0] == prefix:
            parts = parts[1:]
        if not parts:
            _graft(tree, nested(value, prefix=prefix) if isinstance(value, Mapping) else {})
            continue
        branch = value
        for part in reversed(parts[1:]):
            branch = {part: branch}
        _graft(tree, {parts[0]: branch})
    return tree


def _graft(tree: dict[str, Any], branch: Mapping[str, Any]) -> None:
    for key, value in branch.items():
        old = tree.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping):
            _graft(old, value)
        else:
            tree[key] = dict(value) if isinstance(value, Mapping) else value


def fill(model: type[BaseModel], raw: Any, where: str, problems: list[str]) -> dict[str, Any]:
    """Return the valid values by field name, groups as dicts of their own; None stands for "not set"."""
    if not isinstance(raw, Mapping):
        problems.append(f"`{where}` is {_shown(raw)}, which is not a group of options; it is ignored.")
        return {}
    names = {spelling: name for name, field in model.model_fields.items() for spelling in (name, field.alias or name)}
    values: dict[str, Any] = {}
    for key, value in raw.items():
        full = f"{where}.{key}" if where else str(key)
        name = names.get(str(key))
        if name is None:
            problems.append(_unknown(full, str(key), [field.alias or name for name, field in model.model_fields.items()], where))
        elif value is not None:
            _take(model, name, value, full, problems, values)
    return values


def _take(model: type[BaseModel], name: str, value: Any, full: str, problems: list[str], values: dict[str, Any]) -> None:
    field = model.model_fields[name]
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
        values[name] = fill(field.annotation, value, full, problems)
        return
    try:
        # The other fields have defaults, so whatever is wrong is this one.
        values[name] = getattr(model.model_validate({field.alias or name: value}), name)
    except ValidationError as error:
        problems.append(f"`{full}` is {_shown(value)}: {reason(error)}; it is ignored.")


def reason(error: ValidationError) -> str:
    """Return in a few words what is wrong, the most telling of several alternatives."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[-1]
    place = ".".join(str(part) for part in first["loc"][1:])
    message = first["msg"][0].lower() + first["msg"][1:]
    return f"at {place}: {message}" if place else message


def _unknown(full: str, key: str, known: list[str], where: str) -> str:
    close = difflib.get_close_matches(key.lower(), [name.lower() for name in known], n=1)
    if not close:
        return f"`{full}` is not an option; it is ignored."
    meant = next(name for name in known if name.lower() == close[0])
    return f"`{full}` is not an option; did you mean `{f'{where}.{meant}' if where else meant}`?"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
