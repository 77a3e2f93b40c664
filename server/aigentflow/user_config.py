"""The person's own configuration: `config.yaml` in the configuration folder, the environment over it, and remembered answers.

`boundaries.yaml` beside it holds what the person answered when an agent had no boundary; `config.yaml` goes first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from aigentflow.settings import Service, Settings, UserBoundary, UserConfig, options
from aigentflow.softly import fill, nested, reason
from aigentflow.state import config_folder, home_folder, write_private

CONFIG_FILE = "config.yaml"
ANSWERS_FILE = "boundaries.yaml"
_ANSWERS_HEAD = "# Written by aigentflow when you answered what an agent may change; edit or delete it as you like.\n"


class _File(BaseModel):
    """What only this file may say; the options of a session stand beside it on the same level."""

    model_config = ConfigDict(extra="forbid")
    service: Service = Service()
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)


def load(env: Mapping[str, str]) -> tuple[UserConfig, tuple[str, ...]]:
    """Return the configuration and what is wrong in it; never fails."""
    problems: list[str] = []
    path = config_folder(env) / CONFIG_FILE
    raw, broken = _read(path, problems)
    answers, answers_broken = _read(path.with_name(ANSWERS_FILE), problems)
    own = {key: raw[key] for key in raw if key in _File.model_fields}
    session = {key: raw[key] for key in raw if key not in own and key != "boundaries"}
    told: list[str] = []
    values = fill(Settings, nested(session, prefix="aigentflow"), "", told)
    _overlay(values, fill(Settings, _from_environment(env), "", told))
    extra = fill(_File, own, "", told)
    boundaries = _boundaries(answers.get("boundaries"), env, told)
    _overlay(boundaries, _boundaries(raw.get("boundaries"), env, told))
    problems += [f"{path}: {problem}" for problem in told]
    config = UserConfig(
        path=path,
        settings=Settings.model_validate(values),
        service=Service.model_validate(extra.get("service", {})),
        models=extra.get("models", {}),
        boundaries=boundaries,
        broken=broken or answers_broken,
    )
    return config, tuple(problems)


def remember_boundary(env: Mapping[str, str], root: Path, agent: str, allow: Iterable[str]) -> None:
    """Write down the person's answer for this folder and agent."""
    path = config_folder(env) / ANSWERS_FILE
    raw, _broken = _read(path, [])
    folders = raw.get("boundaries")
    folders = dict(folders) if isinstance(folders, Mapping) else {}
    real = os.path.realpath(root)
    agents = folders.get(real)
    folders[real] = {**(agents if isinstance(agents, Mapping) else {}), agent: {"allow": list(allow)}}
    text = yaml.safe_dump({"boundaries": folders}, allow_unicode=True, sort_keys=True)
    write_private(path, (_ANSWERS_HEAD + text).encode())


def _read(path: Path, problems: list[str]) -> tuple[Mapping[str, Any], bool]:
    """Return the mapping in the file and whether the file is there but cannot be understood."""
    try:
        value = yaml.safe_load(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}, False
    except (OSError, yaml.YAMLError, UnicodeError, ValueError, RecursionError) as error:
        problems.append(f"{path} cannot be read ({_first_line(error)}); until it can, no agent may change a file.")
        return {}, True
    if value is None:
        return {}, False
    if not isinstance(value, Mapping):
        problems.append(f"{path} does not hold `name: value` lines; until it does, no agent may change a file.")
        return {}, True
    return {str(key): item for key, item in value.items()}, False


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    """Return the options that variables such as AIGENTFLOW_LIMITS_USD set."""
    tree: dict[str, Any] = {}
    for name, _field in options():
        value = env.get(variable(name))
        if value:
            tree[name] = _scalar(value)
    return nested(tree, prefix="aigentflow")


def variable(name: str) -> str:
    """Return the environment variable of the option with this dotted name."""
    snake = "".join(f"_{char}" if char.isupper() else char for char in name)
    return "AIGENTFLOW_" + snake.replace(".", "_").upper()


def _scalar(value: str) -> Any:
    try:
        scalar = yaml.safe_load(value)
    except yaml.YAMLError:
        return value
    return scalar if isinstance(scalar, int | float | bool) else value


def _boundaries(raw: Any, env: Mapping[str, str], problems: list[str]) -> dict[Path, dict[str, UserBoundary]]:
    """Return the boundaries by real folder; an entry that cannot be understood allows nothing."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        problems.append("`boundaries` is not a mapping of folders; it is ignored.")
        return {}
    folders: dict[Path, dict[str, UserBoundary]] = {}
    for key, agents in raw.items():
        folder = _folder(str(key), env)
        if folder is None:
            problems.append(f"`boundaries`: {str(key)!r} is not an absolute path; it is ignored.")
            continue
        if not isinstance(agents, Mapping):
            problems.append(f"`boundaries.{key}` is not a mapping of agents; in that folder no agent may change a file.")
            folders[folder] = {"*": UserBoundary(allow=())}
            continue
        entry = folders.setdefault(folder, {})
        for agent, value in agents.items():
            entry[str(agent)] = _boundary(value, f"boundaries.{key}.{agent}", problems)
    return folders


def _boundary(value: Any, where: str, problems: list[str]) -> UserBoundary:
    try:
        return TypeAdapter(UserBoundary).validate_python(value)
    except ValidationError as error:
        problems.append(f"`{where}` cannot be understood ({reason(error)}); that agent may change nothing there.")
        return UserBoundary(allow=())


def _folder(key: str, env: Mapping[str, str]) -> Path | None:
    path = home_folder(env) / key[2:] if key.startswith("~/") else Path(key)
    return Path(os.path.realpath(path)) if path.is_absolute() else None


def _overlay(below: dict[Any, Any], above: Mapping[Any, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(key), dict):
            _overlay(below[key], value)
        else:
            below[key] = value


def _first_line(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return (str(error).splitlines() or [type(error).__name__])[0]
