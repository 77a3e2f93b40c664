"""Which commands are found for a change, in workspaces of many shapes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from aigentflow.runtime.verification.discovery import plan
from aigentflow.runtime.verification.steps import Plan

SAMPLE = Path(__file__).parents[1] / "workspaces" / "sample"
Files = Mapping[str, str]


def package(scripts: Mapping[str, str] | None = None, tools: str = "", **more: Any) -> str:
    return json.dumps({"name": "it", "scripts": scripts or {}, "devDependencies": dict.fromkeys(tools.split(), "^5.6.0"), **more})


def planned(files: Files, changed: Sequence[str], stated: Mapping[str, str] | None = None) -> Mapping[str, Plan]:
    return plan(changed, files.get, files.__contains__, stated or {})


def commands(files: Files, changed: Sequence[str], field: str) -> list[str]:
    return [f"{step.folder}$ {step.command}" for step in planned(files, changed)[field].steps]


def one(scripts: Mapping[str, str], tools: str = "", changed: Sequence[str] = ("src/a.ts",), **files: str) -> dict[str, list[str]]:
    """Return the commands of each field for one npm package."""
    there = {"package.json": package(scripts, tools), "package-lock.json": "{}", "src/a.ts": "", "src/a.test.ts": "", **files}
    return {field: commands(there, changed, field) for field in ("typecheck", "tests", "lint")}


def test_what_the_project_file_states_wins_and_runs_in_the_workspace_folder() -> None:
    files = {"package.json": package({"test": "vitest run"}), "api/package.json": package({"test": "jest"}), "api/a.ts": ""}
    found = planned(files, ["api/a.ts"], {"tests": "npm test", "lint": "  "})
    assert [(step.command, step.folder, step.masked) for step in found["tests"].steps] == [("npm test", "", "")]
    assert found["lint"].steps == ()


def test_what_the_project_file_states_may_be_masked_too() -> None:
    files = {"package.json": package({"test": "vitest run || true"})}
    assert "||" in planned(files, ["a.ts"], {"tests": "npm test"})["tests"].steps[0].masked


def test_the_sample_workspace() -> None:
    def read(path: str) -> str | None:
        file = SAMPLE / path
        return file.read_text(encoding="utf-8") if file.is_file() else None

    changed = ["apps/api/src/orders/pricing.ts", "packages/database/src/index.ts"]
    found = plan(changed, read, lambda path: (SAMPLE / path).is_file(), {})
    assert [[(step.command, step.narrow) for step in found[field].steps] for field in ("typecheck", "tests", "lint")] == [
        [("npm run typecheck", False)],
        [(f"npx --no-install vitest related --run {changed[0]} {changed[1]}", True), ("npm run test", False)],
        [(f"npx --no-install oxlint {changed[0]} {changed[1]}", True), ("npm run lint", False)],
    ]
    assert all(step.folder == step.masked == "" for field in found.values() for step in field.steps)


@pytest.mark.parametrize(
    ("script", "narrow", "whole"),
    [
        ("vitest run", "npx --no-install vitest related --run src/a.ts", "npm run test"),
        ("vitest", "npx --no-install vitest related --run src/a.ts", "npx --no-install vitest run"),
        ("vitest --watch", "npx --no-install vitest related --run src/a.ts", "npx --no-install vitest run"),
        (
            "vitest watch --config v.ts",
            "npx --no-install vitest related --run src/a.ts --config v.ts",
            "npx --no-install vitest run --config v.ts",
        ),
        (
            "cross-env A=1 vitest",
            "npx --no-install cross-env A=1 vitest related --run src/a.ts",
            "npx --no-install cross-env A=1 vitest run",
        ),
        ("jest", "npx --no-install jest --findRelatedTests src/a.ts", "npm run test"),
        (
            "jest --watch --config j.js",
            "npx --no-install jest --findRelatedTests src/a.ts --config j.js",
            "npx --no-install jest --config j.js",
        ),
        ("A='x y' jest", "A='x y' npx --no-install jest --findRelatedTests src/a.ts", "npm run test"),
        ("vitest run src/unit", "", "npm run test"),
        ("mocha --watch", "", "npx --no-install mocha"),
        ("node --test", "", "npm run test"),
        ("tsc --noEmit && vitest run", "", "npm run test"),
    ],
)
def test_test_scripts(script: str, narrow: str, whole: str) -> None:
    assert one({"test": script})["tests"] == [f"$ {command}" for command in (narrow, whole) if command]


@pytest.mark.parametrize(
    ("script", "narrow", "whole"),
    [
        ("eslint .", "npx --no-install eslint src/a.ts", "npm run lint"),
        ("eslint . --fix", "npx --no-install eslint src/a.ts", "npx --no-install eslint ."),
        ("eslint src --ext .ts --max-warnings 0 -c e.js", "npx --no-install eslint src/a.ts -c e.js", "npm run lint"),
        ("eslint 'src/**/*.ts'", "npx --no-install eslint src/a.ts", "npm run lint"),
        ("eslint lib", "", "npm run lint"),
        ("eslint . --ext .js", "", "npm run lint"),
        ("biome check --write .", "npx --no-install biome check src/a.ts", "npx --no-install biome check ."),
        ("biome ci", "npx --no-install biome ci src/a.ts", "npm run lint"),
        ("prettier --check .", "", "npm run lint"),
        ("eslint . && prettier --check .", "", "npm run lint"),
    ],
)
def test_lint_scripts(script: str, narrow: str, whole: str) -> None:
    assert one({"lint": script})["lint"] == [f"$ {command}" for command in (narrow, whole) if command]


@pytest.mark.parametrize(
    ("scripts", "field", "found"),
    [
        ({"type-check": "tsc --noEmit"}, "typecheck", ["$ npm run type-check"]),
        ({"typecheck": "tsc --noEmit -w"}, "typecheck", ["$ npx --no-install tsc --noEmit"]),
        ({"check": "svelte-check"}, "typecheck", ["$ npm run check"]),
        ({"check": "biome check ."}, "typecheck", []),
        ({"check": "tsc"}, "lint", []),
        ({"test": 'echo "Error: no test specified" && exit 1'}, "tests", []),
        ({"test": "playwright test"}, "tests", []),
        (
            {"test": "npm run test:unit && npm run test:e2e", "test:unit": "node --test", "test:e2e": "cypress run"},
            "tests",
            ["$ npm run test:unit"],
        ),
        ({"test:e2e": "vitest run e2e"}, "tests", []),
        ({"test": "vitest run || true", "test:unit": "node --test"}, "tests", ["$ npm run test:unit"]),
        ({"lint:fix": "eslint --fix .", "format": "prettier --write ."}, "lint", []),
    ],
)
def test_which_scripts_count(scripts: Mapping[str, str], field: str, found: list[str]) -> None:
    assert one(scripts)[field] == found


def test_a_masked_script_gives_way_to_the_tool_and_is_told_where_there_is_none() -> None:
    assert one({"test": "vitest run || true"}, "vitest")["tests"][-1] == "$ npx --no-install vitest run"
    files = {"package.json": package({"test": "vitest run || true"}), "a.ts": ""}
    (step,) = planned(files, ["a.ts"])["tests"].steps
    assert step.command == "npm run test"
    assert "||" in step.masked


def test_tools_are_found_by_their_presence() -> None:
    found = one({}, "typescript vitest eslint", **{"tsconfig.json": "{}", "eslint.config.mjs": "", "vitest.config.ts": ""})
    assert found["typecheck"] == ["$ npx --no-install tsc --noEmit -p tsconfig.json"]
    assert found["tests"][-1] == "$ npx --no-install vitest run"
    assert found["lint"] == ["$ npx --no-install eslint src/a.ts", "$ npx --no-install eslint ."]
    assert one({}, "jest @biomejs/biome", **{"biome.json": "{}"})["tests"][-1] == "$ npx --no-install jest"
    assert one({}, "@biomejs/biome", **{"biome.json": "{}"})["lint"][-1] == "$ npx --no-install biome check ."
    assert one({}, "eslint", **{"tsconfig.json": "{}"}) == {"typecheck": [], "tests": [], "lint": []}


@pytest.mark.parametrize(
    ("tsconfig", "version", "command"),
    [
        ('{"files": [], "references": [{"path": "./tsconfig.app.json"}]}', "~5.6.2", "tsc -b --noEmit"),
        ('{"files": [], "references": [{"path": "a"}]}', "^5.4.0", "tsc -b"),
        ('{"files": [], "references": [{"path": "a"}]}', "latest", "tsc -b"),
        ('{\n// of "all"\n"include": ["src"], /* x */ "references": [{"path": "a"},],}', "6.0.1", "tsc -b --noEmit"),
        ('{"compilerOptions": {"baseUrl": "http://x"}, "references": []}', "6.0.1", "tsc --noEmit -p tsconfig.json"),
        ("not json", "6.0.1", "tsc --noEmit -p tsconfig.json"),
    ],
)
def test_projects_that_refer_to_others_are_built(tsconfig: str, version: str, command: str) -> None:
    files = {"package.json": json.dumps({"devDependencies": {"typescript": version}}), "tsconfig.json": tsconfig, "a.ts": ""}
    assert commands(files, ["a.ts"], "typecheck") == [f"$ npx --no-install {command}"]


@pytest.mark.parametrize(
    ("more", "run", "execute"),
    [
        ({"package-lock.json": "{}"}, "npm run", "npx --no-install"),
        ({}, "npm run", "npx --no-install"),
        ({"pnpm-lock.yaml": ""}, "pnpm run", "pnpm exec"),
        ({"yarn.lock": ""}, "yarn run", "yarn run"),
        ({"bun.lock": ""}, "bun run", "bunx"),
    ],
)
def test_the_package_manager_in_use_runs_them(more: Files, run: str, execute: str) -> None:
    files = {"package.json": package({"test": "vitest run"}, "vitest"), "api/package.json": package(), "api/a.ts": "", **more}
    assert commands(files, ["api/a.ts"], "tests") == [f"$ {execute} vitest related --run api/a.ts", f"$ {run} test"]


def test_the_stated_package_manager_beats_lock_files() -> None:
    files = {"package.json": package({"test": "node --test"}, packageManager="pnpm@9.1.0+sha512.ab"), "package-lock.json": "{}", "a.ts": ""}
    assert commands(files, ["a.ts"], "tests") == ["$ pnpm run test"]


def test_a_package_of_a_monorepo_is_checked_by_itself_where_it_can() -> None:
    files = {
        "package.json": package({"test": "turbo run test", "lint": "turbo run lint"}, "turbo eslint", workspaces=["apps/*"]),
        "pnpm-lock.yaml": "",
        "eslint.config.js": "",
        "apps/api/package.json": package({"test": "vitest run"}),
        "apps/api/src/a.ts": "",
        "apps/web/package.json": package({"test": "vitest run || true"}),
        "apps/web/a.ts": "",
    }
    assert commands(files, ["apps/api/src/a.ts"], "tests") == [
        "apps/api$ pnpm exec vitest related --run src/a.ts",
        "apps/api$ pnpm run test",
    ]
    assert commands(files, ["apps/api/src/a.ts"], "lint") == ["$ pnpm exec eslint apps/api/src/a.ts", "$ pnpm exec eslint ."]
    (step,) = planned(files, ["apps/web/a.ts"])["tests"].steps
    assert (step.command, step.folder) == ("pnpm run test", "apps/web")
    assert "||" in step.masked


def test_a_package_with_its_own_lock_file_stands_alone() -> None:
    files = {"package.json": package({"test": "vitest run"}), "demo/package.json": package(), "demo/yarn.lock": "", "demo/a.ts": ""}
    assert commands(files, ["demo/a.ts"], "tests") == []


def test_deleted_files_are_not_named_and_many_files_are_not_either() -> None:
    assert one({"test": "vitest run"}, changed=["src/gone.ts"])["tests"] == ["$ npm run test"]
    many = {f"src/f{n}.ts": "" for n in range(51)}
    assert one({"lint": "eslint ."}, changed=list(many), **many)["lint"] == ["$ npm run lint"]
    assert one({"lint": "eslint ."}, changed=["src/README.md"])["lint"] == ["$ npm run lint"]


@pytest.mark.parametrize("name", ["a b.ts", "it's.ts", "$(touch x).ts", "-rf.ts", "a;b.ts", "[id].ts", "`x`.ts", "a\nb.ts"])
def test_file_names_reach_the_program_as_they_are(name: str) -> None:
    (narrow, _whole) = one({"lint": "eslint ."}, changed=[name], **{name: ""})["lint"]
    expected = f"./{name}" if name.startswith("-") else name
    assert shlex.split(narrow.removeprefix("$ ")) == ["npx", "--no-install", "eslint", expected]


VENV = {".venv/pyvenv.cfg": ""}


@pytest.mark.parametrize(
    ("files", "field", "found"),
    [
        ({"pyproject.toml": "[tool.pytest.ini_options]"}, "tests", ["python3 -m pytest"]),
        ({"pyproject.toml": "[tool.pytest.ini_options]", **VENV}, "tests", [".venv/bin/python -m pytest"]),
        ({"pytest.ini": "[pytest]", "tests/test_calc.py": ""}, "tests", ["python3 -m pytest tests/test_calc.py", "python3 -m pytest"]),
        (
            {"setup.cfg": "[tool:pytest]", "app/tests/test_calc.py": ""},
            "tests",
            ["python3 -m pytest app/tests/test_calc.py", "python3 -m pytest"],
        ),
        (
            {"pyproject.toml": "", "tests/unit/test_app_calc.py": ""},
            "tests",
            ["python3 -m pytest tests/unit/test_app_calc.py", "python3 -m pytest"],
        ),
        ({"pyproject.toml": "[dependency-groups]\ndev = ['pytest>=8']"}, "tests", ["python3 -m pytest"]),
        ({"pyproject.toml": "[project]\ndependencies = ['pytest-mock']"}, "tests", []),
        ({"mypy.ini": "[mypy]\nfiles = app"}, "typecheck", ["python3 -m mypy"]),
        ({"pyproject.toml": "[tool.mypy]\nstrict = true"}, "typecheck", ["python3 -m mypy app"]),
        ({"pyproject.toml": "[tool.pyright]", **VENV}, "typecheck", [".venv/bin/python -m pyright"]),
        ({"pyproject.toml": "", "pyrightconfig.json": "{}"}, "typecheck", ["pyright"]),
        (
            {"pyproject.toml": "[tool.ruff]", **VENV},
            "lint",
            [".venv/bin/python -m ruff check app/calc.py", ".venv/bin/python -m ruff check ."],
        ),
        ({"ruff.toml": ""}, "lint", ["ruff check app/calc.py", "ruff check ."]),
        ({"setup.cfg": "[flake8]"}, "lint", ["python3 -m flake8 app/calc.py", "python3 -m flake8"]),
        ({"pyproject.toml": "not [ toml"}, "tests", []),
        ({"pyproject.toml": "[tool.pytest.ini_options]", "poetry.lock": ""}, "tests", ["poetry run python -m pytest"]),
        ({"pyproject.toml": "[tool.poetry.group.dev.dependencies]\nmypy='*'"}, "typecheck", ["poetry run python -m mypy app"]),
        ({"pyproject.toml": "[tool.pytest.ini_options]", "poetry.lock": "", **VENV}, "tests", [".venv/bin/python -m pytest"]),
        ({"Pipfile": "pytest = '*'", "setup.py": ""}, "tests", ["pipenv run python -m pytest"]),
        ({"Pipfile": "", "ruff.toml": ""}, "lint", ["ruff check app/calc.py", "ruff check ."]),
    ],
)
def test_python_projects(files: Files, field: str, found: list[str]) -> None:
    assert commands({"app/calc.py": "", **files}, ["app/calc.py"], field) == [f"$ {command}" for command in found]


def test_a_python_project_in_a_folder_uses_the_environment_above_it() -> None:
    files = {"services/api/pyproject.toml": "[tool.pytest.ini_options]", "services/api/app.py": "", **VENV}
    assert commands(files, ["services/api/app.py"], "tests") == ["services/api$ ../../.venv/bin/python -m pytest"]


def test_both_kinds_side_by_side() -> None:
    files = {
        "package.json": package({"lint": "eslint ."}),
        "pyproject.toml": "[tool.ruff]",
        "web/a.ts": "",
        "api/a.py": "",
    }
    assert commands(files, ["web/a.ts"], "lint") == ["$ npx --no-install eslint web/a.ts", "$ npm run lint"]
    assert commands(files, ["api/a.py"], "lint") == ["$ ruff check api/a.py", "$ ruff check ."]
    assert [step.narrow for step in planned(files, ["web/a.ts", "api/a.py"])["lint"].steps] == [True, True, False, False]


@pytest.mark.parametrize(
    ("files", "changed", "reason"),
    [
        ({"go.mod": "", "a.go": ""}, ["a.go"], "commands for Go are not looked for"),
        ({"src/main.rs": "", "B.java": ""}, ["src/main.rs", "B.java"], "commands for Java and Rust are not looked for"),
        ({"README.md": ""}, ["README.md"], "belong to no package.json or Python project"),
        ({"package.json": package(), "a.ts": ""}, ["a.ts"], "no command was found"),
        ({"package.json": "{ broken", "a.ts": ""}, ["a.ts"], "belong to no package.json"),
    ],
)
def test_why_there_is_no_step(files: Files, changed: list[str], reason: str) -> None:
    found = planned(files, changed)
    assert all(reason in field.reason and "project.yaml" in field.reason and not field.steps for field in found.values())


def test_a_change_of_very_many_packages_is_not_verified_one_by_one() -> None:
    files = {f"p{n}/package.json": package({"test": "node --test"}) for n in range(20)}
    found = planned(files, [f"p{n}/a.ts" for n in range(20)])["tests"]
    assert found.steps == ()
    assert "20 packages" in found.reason


@pytest.mark.parametrize(
    "manifest", ["[]", "null", '{"scripts": []}', '{"scripts": {"test": 3}}', '{"workspaces": 3, "devDependencies": []}', ""]
)
def test_odd_manifests_cost_only_themselves(manifest: str) -> None:
    planned({"package.json": manifest, "a.ts": "", "tsconfig.json": "{}"}, ["a.ts"])
