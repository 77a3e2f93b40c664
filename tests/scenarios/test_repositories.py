"""Repositories of other shapes than the sample's: sensible results, and nothing that breaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aigentflow.cli import main
from bad_input import put
from stand_in import StandIn

CONTROLLER = """import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { CatsService } from './cats.service';

@Controller('cats')
export class CatsController {
  constructor(private readonly cats: CatsService) {}

  @Post()
  create(@Body() input: { name: string }) {
    return this.cats.create(input);
  }

  @Get(':id')
  find(@Param('id') id: string) {
    return this.cats.find(id);
  }
}
"""
SERVICE = """import { Injectable } from '@nestjs/common';

@Injectable()
export class CatsService {
  create(input: { name: string }) {
    if (!input.name) throw new Error('no name');
    return input;
  }

  find(id: string) {
    return { id };
  }
}
"""
TESTS = """import { Test } from '@nestjs/testing';
import { CatsService } from './cats.service';
it('creates', () => { const cats = new CatsService(); cats.create({ name: 'a' }); cats.find('1'); });
"""
NEST = {
    "package.json": json.dumps({"name": "cats", "dependencies": {"@nestjs/common": "11.0.0", "@nestjs/swagger": "11.0.0", "zod": "4.0.0"}}),
    "tsconfig.json": '{"compilerOptions": {"strict": true,},} // as people write it',
    "nest-cli.json": '{"sourceRoot": "src"}',
    "src/main.ts": "if (!process.env.PORT) { throw new Error('PORT'); }\n",
    "src/cats/cats.controller.ts": CONTROLLER,
    "src/cats/cats.service.ts": SERVICE,
    "src/cats/cats.service.spec.ts": TESTS,
    "dist/cats/cats.service.js": "throw new Error('built');\n",
    "node_modules/x/index.ts": "export function f() { throw new Error('theirs'); }\n",
    ".gitignore": "dist\nnode_modules\n",
}
MONOREPO = {
    "package.json": '{"private": true, "workspaces": ["packages/*"]}',
    "pnpm-workspace.yaml": "packages:\n  - 'packages/*'\n",
    "packages/server/package.json": '{"name": "@m/server", "dependencies": {"@nestjs/common": "11.0.0"}}',
    "packages/server/src/cats/cats.service.ts": SERVICE,
    "packages/ui/package.json": '{"name": "@m/ui", "dependencies": {"react": "19.0.0"}}',
    "packages/ui/src/app.tsx": "import React from 'react';\nexport function App() { throw new Error('x'); }\n",
    "packages/broken/package.json": "{not json",
    "packages/broken/src/a.ts": "export const a = () => { throw 'x' }\n",
    "packages/empty/package.json": "",
}
PYTHON = {
    "pyproject.toml": "[project]\nname = 'x'\n",
    "src/x/__init__.py": "",
    "src/x/a.py": "def f():\n    raise Exception('x')\n\n\n# @backend_dev: do it\n",
    "setup.ts": "",
}


class Result(dict[str, Any]):
    """What `check` says, with the findings by file and check."""

    def found(self) -> set[tuple[str, str]]:
        return {(finding["path"], finding["check"]) for finding in self["findings"]}

    def status(self) -> dict[str, str]:
        return {item["check"]: item["status"] for item in self["items"]}


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run the command line in this process."""
    capsys.readouterr()
    code = main(list(words))
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def check(capsys: pytest.CaptureFixture[str], root: Path) -> tuple[int, Result]:
    """Return exit code and report of `check`."""
    code, out, err = run(capsys, "check", "--workspace", str(root), "--format", "json")
    assert err == ""
    return code, Result(json.loads(out))


def agents(capsys: pytest.CaptureFixture[str], root: Path) -> dict[str, Any]:
    """Return the agents by id."""
    code, out, _err = run(capsys, "agents", "--workspace", str(root), "--format", "json")
    assert code == 0
    return {agent["id"]: agent for agent in json.loads(out)["agents"]}


def test_a_plain_nest_application(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = check(capsys, put(tmp_path, {**NEST}))
    controller, service = "src/cats/cats.controller.ts", "src/cats/cats.service.ts"
    assert code == 1
    assert report.found() == {
        (controller, "zod-input-validation"),
        (controller, "openapi-decorators"),
        (controller, "integration-tests"),
        (service, "typed-domain-errors"),
    }
    assert report.status()["rls-tenant-isolation"] == "not_applicable"
    assert report.status()["unit-tests"] == "met"


def test_packages_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, report = check(capsys, put(tmp_path, {**MONOREPO}))
    assert code == 1
    server = "packages/server/src/cats/cats.service.ts"
    assert {(server, "typed-domain-errors"), (server, "unit-tests")} <= report.found()
    assert not any(path.startswith("packages/ui/") for path, _ in report.found()), "a user interface is no service"


NOTHING: dict[str, dict[str, str | bytes]] = {
    "python": {**PYTHON},
    "empty": {},
    "page": {"README.md": "# x\n"},
    "odd": {"a.ts": "", "b.ts": "\0", "c.ts": "}{", "d.ts": "caf\xe9".encode("latin-1"), "e.ts": b"\xff\xfe\x00"},
}


@pytest.mark.parametrize("name", NOTHING)
def test_where_nothing_is_to_judge_nothing_is_met_and_nothing_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, report = check(capsys, put(tmp_path, NOTHING[name]))
    assert (code, report["findings"]) == (0, [])
    assert set(report.status().values()) == {"not_applicable"}
    assert set(agents(capsys, tmp_path)) == {"backend_dev"}


WILD: dict[str, tuple[str, dict[str, Any]]] = {
    ".claude/agents/quoted.md": (
        '---\nname: "code-reviewer"\ndescription: "Use: when done"\ntools: Read, Grep, Bash(git diff *)\nmodel: inherit\n---\nBody\n',
        {"id": "code-reviewer", "dialect": "claude-code", "description": "Use: when done", "tools": ["Read", "Grep", "Bash(git diff *)"]},
    ),
    ".claude/agents/dialogue.md": (
        '---\nname: api\ndescription: Use this agent when: asked.\nuser: "hi"\nassistant: "ho"\ntools:\n  - Read\n  - Edit\n'
        "model: GPT-4.1 (copilot)\n---\nBody\n- [ ] an item\n",
        {"id": "api", "tools": ["Read", "Edit"], "model": "GPT-4.1 (copilot)"},
    ),
    ".claude/agents/no-name.md": ("---\ndescription: none\n---\nText\n", {"id": "no-name", "tools": ["*"]}),
    ".claude/agents/no-front.md": ("Just a text.\n", {"id": "no-front"}),
    ".claude/agents/spaces.md": (
        "---\nname: API Architect\ndescription: x\ntools: [{RELEVANT_TOOLS}]\n---\nx\n",
        {"id": "API Architect", "tools": []},
    ),
    ".claude/agents/rules/glob.md": (
        "---\ndescription: g\nglobs: **/*.ts\nargument-hint: [a] [b]\nalwaysApply: false\n---\nx\n",
        {"id": "glob", "description": "g"},
    ),
    ".claude/agents/map.md": (
        "---\ndescription: m\nmode: subagent\ntools: {read: true, write: false}\n---\n",
        {"id": "map", "dialect": "opencode", "tools": ["Read"]},
    ),
    ".aigentflow/agents/rules.md": (
        "---\nagent: ruler\ndescription: |\n  two\n  lines\nmodel: A | 'sonnet' | B\ntools: Read, Grep\n"
        "---\n# Role\n---\nnot: front matter\n---\n",
        {"id": "ruler", "runnable": True, "read_only": True, "tools": ["Read", "Grep"]},
    ),
    ".aigentflow/agents/lists.md": (
        "---\nagent: lists\ndescription: a: b: c\ntools:\n- Read\n- Edit\n- mcp__x__y\nboundaries:\n  allow:\n  - src/**\n---\n# Role\n",
        {"id": "lists", "runnable": True, "read_only": False, "description": "a: b: c", "tools": ["Read", "Edit", "mcp__x__y"]},
    ),
    ".meta/agents/prompts/old.md": (
        "---\nagent: old\ndescription: o\nread_only: true\noutput_format: json\n---\n",
        {"id": "old", "read_only": True},
    ),
}
PAGES = {
    ".claude/agents/README.md": "# What lies here\n",
    ".claude/agents/rules/index.md": "# Index\n",
    ".aigentflow/agents/README.md": "# Ours\n",
    ".aigentflow/agents/notes.txt": "agent: x\n",
    ".github/agents/other.agent.md": "---\ndescription: not looked for\n---\n",
}


def test_agent_files_as_they_are_found_are_listed_sensibly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, {**PAGES, **{path: text for path, (text, _) in WILD.items()}})
    listed = agents(capsys, tmp_path)
    by_path = {agent["path"]: agent for agent in listed.values()}
    assert by_path.keys() - {listed["backend_dev"]["path"]} == WILD.keys()
    for path, (_, expected) in WILD.items():
        assert {key: by_path[path][key] for key in expected} == expected, path
        runs = path.startswith((".aigentflow/", ".meta/"))
        assert by_path[path]["runnable"] is runs
        assert not any(problem["severity"] == "error" for problem in by_path[path]["problems"]), path
        if not runs:
            assert any("later version" in problem["message"] for problem in by_path[path]["problems"])
    _code, out, _err = run(capsys, "agents", "--workspace", str(tmp_path))
    assert all(f"{agent_id}  [" in out for agent_id in listed)


def test_without_a_boundary_the_folders_of_the_manifests_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {**MONOREPO, ".aigentflow/agents/any.md": "---\nagent: any\n---\n# Role\n"})
    with StandIn([]) as service:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-of-nobody")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", service.url)
        code, out, err = run(capsys, "run", "any", "x", "--trust", "--workspace", str(tmp_path))
        assert (code, out) == (2, "") and "--allow 'packages/server/**'" in err
        assert service.requests == []


def test_a_boundary_that_does_not_reach_the_file_is_told_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {**NEST})
    with StandIn([{"text": "{}"}]) as service:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-of-nobody")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", service.url)
        words = ("run", "backend_dev", "Close the gap", "--file", "src/cats/cats.service.ts", "--workspace", str(tmp_path))
        code, _out, err = run(capsys, *words)
        assert code == 2 and "--allow" in err
        assert service.requests == []


@pytest.mark.skipif(os.name != "posix", reason="names as POSIX has them")
@pytest.mark.parametrize("form", ["json", "text", "sarif", "github"])
def test_names_and_lines_that_a_terminal_would_obey(tmp_path: Path, form: str) -> None:
    source = "export function f() { throw new Error('\x1b[2J\x9b1m'); }\n"
    put(tmp_path, {"package.json": "{}", "src/new\nline \x1b[31m.ts": source})
    undecodable = os.fsencode(tmp_path) + b"/src/\xff\xfe.ts"
    Path(os.fsdecode(undecodable)).write_text(source, encoding="utf-8")
    words = [sys.executable, "-P", "-m", "aigentflow", "check", "--workspace", str(tmp_path), "--format", form]
    done = subprocess.run(words, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"\x1b" not in done.stdout and b"\xc2\x9b" not in done.stdout
    if form == "sarif":
        results = json.loads(done.stdout)["runs"][0]["results"]
        uris = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results}
        assert uris == {"src/%FF%FE.ts", "src/new%0Aline%20%1B%5B31m.ts"}


@pytest.mark.skipif(os.name != "posix", reason="links and pipes as POSIX has them")
def test_links_pipes_and_huge_files_are_walked_around(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(
        tmp_path / "w",
        {**NEST, "src/huge.ts": "const a = '" + "x" * 10_000_001 + "'; throw 'x';", "src/wide.ts": "throw 'x'".encode("utf-16")},
    )
    root = tmp_path / "w"
    (root / "again").symlink_to(root)
    (root / "src/out.ts").symlink_to("/etc/hostname")
    (root / "src/none.ts").symlink_to("none.ts")
    os.mkfifo(root / "src/pipe.ts")
    code, report = check(capsys, root)
    assert code == 1 and ("src/wide.ts", "typed-domain-errors") in report.found()
    assert not any("huge" in path or "out.ts" in path or path.startswith("again") for path, _ in report.found())
