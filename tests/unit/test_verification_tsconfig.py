"""A type check that looks at no file passes without proving anything."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from aigentflow.runtime.verification.discovery import plan
from aigentflow.runtime.verification.masking import masked_in_files

SOLUTION = '{"files": [], /* all of "src" */ "references": [{"path": "./tsconfig.app.json"},], }'
APP = '{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}, "include": ["src"]}'


def hidden(command: str, folder: str = "", **files: str) -> str:
    there: Mapping[str, str] = {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}
    return masked_in_files(command, folder, there.get)


@pytest.mark.parametrize(
    "command", ["tsc", "tsc --noEmit", "npx tsc -p tsconfig.json --noEmit", "tsc -p .", "vue-tsc --noEmit", "tsc --noEmit -w=false"]
)
def test_a_tsconfig_of_references_only_is_looked_at_with_b_alone(command: str) -> None:
    assert "only with `-b`" in hidden(command, tsconfig_json=SOLUTION, tsconfig_app_json=APP)


@pytest.mark.parametrize(
    "command", ["tsc -b", "vue-tsc --build", "tsc -p tsconfig.app.json --noEmit", "tsc --noEmit src/a.ts", "tsc -b tsconfig.json --noEmit"]
)
def test_other_ways_to_call_it_look_at_files(command: str) -> None:
    assert hidden(command, tsconfig_json=SOLUTION, tsconfig_app_json=APP) == ""


@pytest.mark.parametrize(
    ("tsconfig", "proves"),
    [
        ('{"include": [], "references": [{"path": "a"}]}', False),
        ('{"files": [], "extends": "@tsconfig/strictest", "references": [{"path": "a"}]}', False),
        ('{"files": [], "extends": "./app", "references": [{"path": "a"}]}', True),
        ('{"files": ["a.ts"], "references": [{"path": "a"}]}', True),
        ('{"references": [{"path": "a"}]}', True),
        ('{"files": [], "include": ["src"], "references": [{"path": "a"}]}', True),
        ('{"files": []}', True),
        ("{", True),
    ],
)
def test_what_is_looked_at_is_what_tsc_looks_at(tsconfig: str, proves: bool) -> None:
    assert (hidden("tsc --noEmit", tsconfig_json=tsconfig, app_json=APP) == "") == proves


def test_a_tsconfig_that_extends_itself_ends() -> None:
    ring = '{"files": [], "extends": "./tsconfig.json", "references": [{"path": "a"}]}'
    assert hidden("tsc", tsconfig_json=ring) != ""


def test_the_nearest_tsconfig_above_is_meant() -> None:
    assert hidden("tsc --noEmit", "src/deep", tsconfig_json=SOLUTION) != ""
    assert hidden("cd app && tsc --noEmit", tsconfig_json=SOLUTION, app__tsconfig_json=APP) == ""


def test_instead_of_a_script_that_checks_nothing_the_projects_are_built() -> None:
    manifest = {"scripts": {"typecheck": "tsc --noEmit"}, "devDependencies": {"typescript": "~5.9.3"}}
    files = {"package.json": json.dumps(manifest), "tsconfig.json": SOLUTION, "tsconfig.app.json": APP, "src/a.ts": ""}
    steps = plan(["src/a.ts"], files.get, files.__contains__, {})["typecheck"].steps
    assert [(step.command, step.masked) for step in steps] == [("npx --no-install tsc -b --noEmit", "")]
    (stated,) = plan(["src/a.ts"], files.get, files.__contains__, {"typecheck": "npm run typecheck"})["typecheck"].steps
    assert "only with `-b`" in stated.masked
