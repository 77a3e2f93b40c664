"""Where an agent's boundary comes from: the first source that says what may be changed, and the deny lists of all of them.

The order is: the command line, the person's configuration for this folder, the project file (trusted), the agent file
(trusted where the workspace brings it). A source that is not trusted may only forbid.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aigentflow.workspace.boundary import DenyRule, Rules

if TYPE_CHECKING:
    from aigentflow.definitions.project import Project
    from aigentflow.definitions.values import AgentDefinition
    from aigentflow.settings import UserConfig

COMMAND_LINE = "--allow"
PROJECT = "project file"
AGENT = "agent file"
NONE = "none"
"""Nothing says what the agent may change: it is read-only, and that is said before the first model request."""
MANIFESTS = (
    *("package.json", "pyproject.toml", "setup.py", "go.mod", "Cargo.toml", "pom.xml", "build.gradle", "build.gradle.kts"),
    *("composer.json", "Gemfile", "mix.exs", "pubspec.yaml"),
)
_MOST_FOLDERS = 8


def boundary_rules(
    definition: AgentDefinition,
    root: Path,
    project: Project,
    *,
    project_trusted: bool,
    agent_trusted: bool,
    user_config: UserConfig,
    allow: Sequence[str] | None = None,
    deny: Sequence[str] = (),
) -> Rules:
    """Return what the agent may change in this workspace; `allow` and `deny` are the command line's."""
    own = user_config.boundary(Path(os.path.realpath(root)), definition.id)
    entry = project.boundaries.get(definition.id)
    # An empty list only forbids, so it holds untrusted as well; it also stands for a restriction that could not be understood.
    agent_allow = definition.allow if definition.source != "workspace" or agent_trusted or not definition.allow else None
    sources: tuple[tuple[str, Sequence[str] | None], ...] = (
        (COMMAND_LINE, allow or None),
        (str(user_config.path), () if user_config.broken else own.allow),
        (PROJECT, entry.allow if entry is not None and (project_trusted or not entry.allow) else None),
        (AGENT, agent_allow),
    )
    source, allowed = next(((name, said) for name, said in sources if said is not None), (NONE, ()))
    denied = [DenyRule(pattern, None) for pattern in (*deny, *own.deny)]
    if entry is not None:
        denied += [DenyRule(pattern, None) for pattern in entry.deny]
    denied += [DenyRule(rule.pattern, rule.owner) for rule in definition.deny]
    every_allow = (own.allow, entry.allow if entry is not None else None, definition.allow)
    denied += [DenyRule(pattern[1:], None) for said in every_allow for pattern in said or () if pattern.startswith("!")]
    return Rules(allow=tuple(allowed), deny=tuple(_once(denied)), source=source)


def _once(denied: Iterable[DenyRule]) -> Iterator[DenyRule]:
    """Yield each pattern once, with the owner that any of the sources names."""
    named: dict[str, str | None] = {}
    for rule in denied:
        named[rule.pattern] = named.get(rule.pattern) or rule.owner
    return (DenyRule(pattern, owner) for pattern, owner in named.items())


def owners(definitions: Iterable[AgentDefinition], project: Project, without: str) -> Mapping[str, tuple[str, ...]]:
    """Return what other agents may change by agent id, so that a refusal can name whose territory a path is."""
    territory: dict[str, tuple[str, ...]] = {}
    for definition in definitions:
        if definition.shadowed_by is None:
            territory.setdefault(definition.id, definition.allow or ())
    for agent, entry in project.boundaries.items():
        if entry.allow is not None:
            territory[agent] = tuple(entry.allow)
    return {agent: allow for agent, allow in territory.items() if allow and agent != without}


def manifest_folders(paths: Iterable[str]) -> tuple[str, ...]:
    """Return allow globs for the packages of a workspace, found by their manifests; the outermost first, few."""
    folders = sorted(set(_manifest_folders(paths)), key=lambda folder: (folder.count("/"), folder))
    inner = [folder for folder in folders if folder]
    chosen = inner or folders
    return tuple(f"{folder}/**" if folder else "**" for folder in _outermost(chosen)[:_MOST_FOLDERS])


def _manifest_folders(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        folder, _slash, name = path.rpartition("/")
        if name in MANIFESTS and "node_modules" not in folder.split("/"):
            yield folder


def _outermost(folders: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for folder in folders:
        if not any(folder.startswith(f"{outer}/") for outer in kept):
            kept.append(folder)
    return kept
