"""`aigentflow agents --explain PATH` for paths of every kind: each step, each agent, also where there is no such file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aigentflow.command_line.explain import explained, explanation_lines
from aigentflow.command_line.opening import open_workspace

AGENT = """---
agent: porter
description: Ports
tools: {tools}
boundaries:
  allow: [services/**, web/**]
  deny: [{{pattern: web/**, owner: painter}}]
---

# Role

x
"""


@pytest.fixture
def told(tmp_path: Path) -> Any:
    agents = tmp_path / ".aigentflow/agents"
    agents.mkdir(parents=True)
    (agents / "porter.md").write_text(AGENT.format(tools="[Read, Edit]"))
    (agents / "reader.md").write_text(AGENT.format(tools="[Read]").replace("porter", "reader"))
    (tmp_path / "services").mkdir()
    (tmp_path / "services/a.go").write_text("a")
    (tmp_path / "services/link.go").symlink_to("/etc/hostname")
    (tmp_path / "services/inner.go").symlink_to("a.go")
    env = {"HOME": str(tmp_path / "home"), "XDG_STATE_HOME": str(tmp_path / "state")}
    workspace = open_workspace(str(tmp_path), env)
    workspace.trust.record(workspace.root, {path: _digest(workspace, path) for path in (".aigentflow/agents/porter.md",)})

    def explain(path: str, agent: str = "porter") -> dict[str, Any]:
        answer = explained(workspace, path)
        assert json.loads(json.dumps(answer)) == answer
        assert all("\n" not in line and line.isprintable() for line in explanation_lines(answer))
        (entry,) = [entry for entry in answer["agents"] if entry["id"] == agent]
        return {**answer, **entry}

    return explain


def _digest(workspace: Any, path: str) -> str:
    return next(agent.sha256 for agent in workspace.agents if agent.path == workspace.root / path)


@pytest.mark.parametrize(
    ("path", "rule", "real", "exists"),
    [
        ("services/a.go", "", "services/a.go", True),
        ("services/new/b.go", "", "services/new/b.go", False),
        ("services/inner.go", "", "services/a.go", True),
        ("./services/a.go", "", "services/a.go", True),
        ("services", "allow", "services", True),
        ("web/x.ts", "deny", "web/x.ts", False),
        ("docs/x.md", "allow", "docs/x.md", False),
        ("services/.git/config", "protected", "services/.git/config", False),
        ("services/.env", "secret", "services/.env", False),
        ("services/link.go", "resolve", None, False),
        ("../x", "resolve", None, False),
        ("/etc/passwd", "resolve", None, False),
        ("services\\a.go", "form", None, False),
        ("file:///etc/passwd", "form", None, False),
        ("a\x00b", "form", None, False),
        ("services/a\u200b.go", "form", None, False),
        ("", "form", None, False),
    ],
)
def test_each_kind_of_path(told: Any, path: str, rule: str, real: str | None, exists: bool) -> None:
    answer = told(path)
    assert (answer["rule"], answer["real"], answer["exists"]) == (rule, real, exists)
    assert answer["may_change"] is (rule == "")
    steps = [step["rule"] for step in answer["steps"]]
    assert steps[0] == "form" and all(step["allowed"] for step in answer["steps"][:-1])
    assert answer["steps"][-1]["allowed"] is (rule == "")


def test_an_absolute_path_inside_is_as_good_as_a_relative_one(told: Any, tmp_path: Path) -> None:
    assert told(str(tmp_path / "services/a.go"))["may_change"]
    assert told(str(tmp_path / "services/a.go"))["real"] == "services/a.go"


def test_a_refusal_names_the_pattern_and_its_owner(told: Any) -> None:
    answer = told("web/x.ts")
    assert (answer["pattern"], answer["owner"]) == ("web/**", "painter")
    assert answer["steps"][-1]["owner"] == "painter"
    lines = list(explanation_lines(told("web/x.ts")))
    assert any("stops" in line and "web/** belongs to painter" in line for line in lines)


def test_who_changes_nothing_at_all_is_said_first(told: Any) -> None:
    answer = told("services/a.go", "reader")
    assert (answer["may_change"], answer["rule"]) == (False, "tools")
    assert "neither Write nor Edit" in answer["reason"]
