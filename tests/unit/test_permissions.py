"""Where a boundary comes from: the first source that says anything, and everybody's deny lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aigentflow.definitions.agentfile import parse_agent
from aigentflow.definitions.project import parse_project
from aigentflow.definitions.values import AgentDefinition, Source
from aigentflow.permissions import boundary_rules, manifest_folders, owners
from aigentflow.settings import UserBoundary, UserConfig
from aigentflow.workspace.boundary import Boundary, Rules

ROOT = Path("/w")
CONFIG = Path("/home/me/config.yaml")
AGENT = "---\nagent: dev\nboundaries:\n  allow: [agent/**]\n  deny: [agent/locked/**]\n---\n"
SILENT = "---\nagent: dev\n---\n"
PROJECT = "boundaries:\n  dev: {allow: [project/**], deny: [project/locked/**]}\n"


def agent(text: str, source: Source = "built-in") -> AgentDefinition:
    return parse_agent(text, Path("/a/dev.md"), source)


def user(**boundary: Any) -> UserConfig:
    return UserConfig(path=CONFIG, boundaries={ROOT: {"dev": UserBoundary(**boundary)}} if boundary else {})


def rules(
    definition: AgentDefinition,
    *,
    project: str = "",
    trusted: bool = False,
    config: UserConfig | None = None,
    allow: Any = None,
    deny: Any = (),
) -> Rules:
    parsed, _problems = parse_project(project)
    return boundary_rules(
        definition, ROOT, parsed, project_trusted=trusted, agent_trusted=trusted, user_config=config or user(), allow=allow, deny=deny
    )


def test_the_command_line_goes_before_everything() -> None:
    found = rules(agent(AGENT), project=PROJECT, trusted=True, config=user(allow=("mine/**",)), allow=["line/**"])
    assert (found.allow, found.source) == (("line/**",), "--allow")


def test_the_persons_configuration_goes_before_the_project() -> None:
    found = rules(agent(AGENT), project=PROJECT, trusted=True, config=user(allow=("mine/**",)))
    assert (found.allow, found.source) == (("mine/**",), str(CONFIG))


def test_the_trusted_project_goes_before_the_agent() -> None:
    found = rules(agent(AGENT), project=PROJECT, trusted=True)
    assert (found.allow, found.source) == (("project/**",), "project file")


def test_an_untrusted_project_opens_nothing() -> None:
    assert rules(agent(AGENT), project=PROJECT).allow == ("agent/**",)


@pytest.mark.parametrize(("source", "allow"), [("built-in", ("agent/**",)), ("user", ("agent/**",)), ("workspace", ())])
def test_an_untrusted_agent_of_the_workspace_opens_nothing(source: Source, allow: tuple[str, ...]) -> None:
    assert rules(agent(AGENT, source)).allow == allow


def test_where_nothing_is_said_there_is_no_boundary() -> None:
    assert rules(agent(SILENT)) == Rules((), (), "none")


def test_an_empty_allow_list_says_read_only() -> None:
    found = rules(agent(AGENT), config=user(allow=()))
    assert (found.allow, found.source) == ((), str(CONFIG))


def test_an_untrusted_project_that_cannot_be_understood_closes() -> None:
    assert rules(agent(AGENT), project="boundaries: [what]").allow == ()
    assert rules(agent(AGENT), project="boundaries: {dev: {deny: {a: b}}}").allow == ()


def test_a_configuration_that_cannot_be_read_allows_nothing() -> None:
    broken = UserConfig(path=CONFIG, broken=True)
    assert rules(agent(AGENT), config=broken).allow == ()


def test_the_deny_lists_of_all_sources_add_up_trusted_or_not() -> None:
    text = AGENT + "\n## Boundaries\n\nDo NOT modify:\n- `infra/**` (devops)\n"
    found = rules(agent(text, "workspace"), project=PROJECT, config=user(deny=("mine/locked/**",)), allow=["**"], deny=["line/locked/**"])
    boundary = Boundary(ROOT, found)
    for path in ("line/locked/a", "mine/locked/a", "project/locked/a", "agent/locked/a", "infra/a"):
        decision = boundary.may_change(path)
        assert (decision.allowed, decision.rule) == (False, "deny"), path


def test_a_negated_entry_forbids_also_where_another_source_allows() -> None:
    text = "---\nagent: dev\nboundaries:\n  allow: ['src/**', '!src/generated/**']\n---\n"
    found = rules(agent(text), allow=["src/**"])
    assert not Boundary(ROOT, found).may_change("src/generated/a.ts").allowed


def test_others_own_what_they_may_change() -> None:
    dev, web = agent(AGENT), parse_agent("---\nagent: web\nboundaries: {allow: [apps/web/**]}\n---\n", Path("/a/web.md"), "built-in")
    project, _ = parse_project("boundaries:\n  ops: {allow: [infra/**]}\n")
    assert owners((dev, web), project, "dev") == {"web": ("apps/web/**",), "ops": ("infra/**",)}


@pytest.mark.parametrize(
    ("paths", "folders"),
    [
        (["package.json", "apps/api/package.json", "apps/web/package.json"], ("apps/api/**", "apps/web/**")),
        (["package.json", "src/a.ts"], ("**",)),
        (["lib/pyproject.toml", "lib/inner/pyproject.toml", "go/go.mod"], ("go/**", "lib/**")),
        (["node_modules/x/package.json"], ()),
        (["readme.md"], ()),
    ],
)
def test_folders_to_offer_come_from_the_manifests(paths: list[str], folders: tuple[str, ...]) -> None:
    assert manifest_folders(paths) == folders
