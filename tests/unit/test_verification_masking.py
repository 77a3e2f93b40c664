"""Which command lines prove something with exit 0, and which do not."""

from __future__ import annotations

import json
import random
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from aigentflow.runtime.verification.masking import NOTHING_RUN, masked_in_files, masks

SCRIPTS = {
    "test": "vitest run",
    "lint": "eslint .",
    "types": "tsc --noEmit",
    "check": "npm run types && npm run lint && npm test",
    "soft": "vitest run || true",
    "outer": "pnpm run soft",
    "ring": "npm run ring2",
    "ring2": "npm run ring",
    "say": "echo done",
    "posted": "echo done",
    "postposted": "vitest run",
    "flagged": "vitest run --passWithNoTests",
}

PROVES = [
    "vitest run",
    "vitest run;",
    "vitest run # || true",
    "echo 'a || true' && vitest run",
    "FOO=1 BAR='x y' vitest run",
    "cross-env NODE_ENV=test TZ=UTC vitest run",
    "dotenv -e .env.test -- vitest run",
    "time nice -n 5 vitest run",
    "timeout 60 vitest run",
    "npx --no-install tsc --noEmit -p tsconfig.json",
    "npx vitest@3.1 run",
    "npx @biomejs/biome@1.9.4 check .",
    "cd apps/api && npm test",
    "cd apps/api; vitest run",
    "npm test",
    "npm t",
    "npm run -s test",
    "npm run test -- --reporter=dot",
    "npm run check",
    "npm run posted",
    "yarn test",
    "yarn vitest run",
    "pnpm test",
    "pnpm exec vitest run",
    "bun run test",
    "bun test",
    "node --run test",
    "run-p types lint",
    "npm-run-all --parallel types lint",
    'concurrently -n a,b "npm:types" "eslint ."',
    "node --test test/",
    "node node_modules/jest/bin/jest.js --ci --forceExit",
    "node scripts/run-tests.mjs",
    "node_modules/.bin/tsc --noEmit",
    ".venv/bin/python -m pytest -q -k fast",
    "python3 -W error -m mypy --strict src",
    "coverage run -m pytest",
    "c8 --reporter=text vitest run",
    "vitest run || exit",
    "vitest run || exit 1",
    "vitest run || { echo failed; exit 1; }",
    "vitest run || (echo failed; exit 1)",
    "vitest run; exit $?",
    "vitest run; status=$?; docker compose down; exit $status",
    "vitest run && echo fine",
    "vitest run > out.txt 2>&1",
    "set -e; vitest run; echo done",
    "set -euo pipefail\nvitest run | tee log\ntsc --noEmit\n",
    "set -o pipefail; vitest run | tee out",
    "bash -c 'vitest run'",
    "bash -eo pipefail -c 'vitest run | cat; echo done'",
    "sh -ec 'tsc --noEmit; echo done'",
    "(vitest run)",
    "{ tsc --noEmit && vitest run; }",
    "[ -d dist ] || mkdir dist && vitest run",
    "test -f .env || cp .env.example .env; vitest run",
    'if [ -z "$CI" ]; then echo local; fi; vitest run',
    "export NODE_ENV=test && vitest run",
    'PATH="node_modules/.bin:$PATH" tsc --noEmit',
    "eval 'vitest run'",
    "eslint . --max-warnings 0 --quiet",
    "eslint --fix=false .",
    "jest --bail --silent",
    "tsc --noEmit --noEmitOnError false",
    "ruff check --fix --exit-non-zero-on-fix .",
    "prettier --check .",
    "black --check src",
    "exec vitest run",
    "rimraf dist && tsc -b",
    "tsc --noEmit &&\n  vitest run",
    "tsc --noEmit \\\n  && vitest run",
]

PROVES_NOTHING = [
    "vitest run || true",
    "vitest run || :",
    "vitest run || exit 0",
    "vitest run || exit 256",
    "vitest run || echo failed",
    "vitest run || cat log",
    "vitest run ||true",
    "echo x || vitest run",
    "vitest run; true",
    "vitest run;true",
    "vitest run\ntrue",
    "vitest run ; echo done",
    "vitest run; exit 0",
    "vitest run; status=$?; status=0; exit $status",
    "vitest run; status=$?; docker compose down",
    "vitest run; status=$? & exit $status",
    "set -e; [ -d src ] && vitest run; echo done",
    "[ -d src ] && set -e; vitest run; echo done",
    "vitest run\n> out.txt",
    "exec true; vitest run",
    "vitest run; exit & true",
    "vitest run; status=$?; tsc --noEmit; exit $status",
    "vitest run; echo x; exit $?",
    "vitest run && tsc --noEmit || echo x",
    "tsc --noEmit; vitest run",
    "vitest run | tee out",
    "vitest run 2>&1 | tail -5",
    "vitest run |& cat",
    "vitest run | grep -v FAIL",
    "set -o pipefail; set +o pipefail; vitest run | cat",
    "set -e; set +e; vitest run; echo x",
    "set -e; vitest run && echo ok; echo end",
    "set -e; ! vitest run",
    "set -e; (vitest run; true) || true",
    "set -e; { vitest run; true; } && echo",
    "! vitest run",
    "vitest run &",
    "vitest run & wait",
    "vitest run & sleep 1; true",
    "(vitest run; true)",
    "(vitest run || exit 1); echo done",
    "{ vitest run; true; }",
    "if vitest run; then echo ok; fi",
    "if true; then vitest run; fi",
    "while ! vitest run; do break; done",
    "for p in a b; do tsc -p $p; done",
    "case x in x) vitest run;; esac",
    "f() { vitest run; }; f; true",
    "vitest() { true; }; vitest run",
    "function vitest { true; }; vitest run",
    "alias vitest=true; vitest run",
    "trap 'exit 0' EXIT; vitest run",
    "exit 0; vitest run",
    "exit 0 && vitest run",
    '[ -n "$SKIP" ] && exit 0; vitest run',
    "if true; then exit 0; fi; vitest run",
    "$RUNNER run",
    "${RUNNER:-true} run",
    "$(echo true) run",
    "`echo true` run",
    "X=--help; vitest $X",
    "export X=--version; vitest $X",
    "vitest $(cat args)",
    'eval "$CMD"',
    "eval 'vitest run || true'",
    "bash -c 'vitest run || true'",
    "bash -c \"bash -c 'vitest run; true'\"",
    'sh -c "$CMD"',
    "bash",
    "echo vitest | sh",
    "sh scripts/unknown.sh",
    "./scripts/unknown.sh",
    ". ./env.sh; vitest run",
    "source setup.sh && vitest run",
    "env -S 'vitest run'",
    "timeout --preserve-status 5 vitest run",
    "PATH=./fake:$PATH vitest run",
    "export PATH=/tmp/fake; vitest run",
    "npm_config_script_shell=/bin/true npm test",
    "npm --script-shell=/bin/true test",
    "LD_PRELOAD=./x.so vitest run",
    "PYTEST_ADDOPTS=--co pytest",
    "vitest run --passWithNoTests",
    "vitest run --passWithNoTests=true",
    "vitest run --dangerouslyIgnoreUnhandledErrors",
    "vitest run -u",
    "jest --updateSnapshot",
    "jest --testFailureExitCode 0",
    "mocha --pass-on-failing-test-suite",
    "eslint . --fix",
    "tsc --noEmit --noCheck",
    "biome check --write .",
    "prettier --write .",
    "prettier .",
    "ruff check --exit-zero",
    "ruff check --fix .",
    "ruff format .",
    "black .",
    "flake8 --exit-zero",
    "pylint --exit-zero src",
    "tslint --force",
    "stylelint --fix '**/*.css'",
    "mypy --ignore-errors src",
    "npm run soft",
    "npm run outer",
    "npm run ring",
    "npm run flagged",
    "npm run nothing-of-the-kind",
    "npm test -- --passWithNoTests",
    "yarn test --passWithNoTests",
    "pnpm test || pnpm test",
    "run-p --race types lint",
    'concurrently --success first "npm:types" "npm:lint"',
    'concurrently "npm:soft"',
    "turbo run test",
    "pnpm -r test",
    "npm test -ws",
    "nx test api",
    "just test",
    "node -e 'process.exit(0)'",
    "python -c 'pass'",
    "nodemon --exec vitest",
    "find . -name '*.ts' -exec eslint {} \\;",
    "git ls-files | xargs -r eslint",
    "ssh host vitest run",
    "vitest run << EOF\nx\nEOF",
    "vitest 'run",
    "vitest run && ",
    "|| true",
    "vitest run )",
    "diff <(vitest run) <(true)",
    "vitest run || [[ a == b || 1 ]]",
]

RUNS_NOTHING = [
    "true",
    "exit 0",
    ":",
    "",
    "   ",
    "echo ok",
    "echo 'Tests: 12 passed'",
    "printf 'all tests passed\\n'",
    'echo "no test specified" && exit 1',
    "npm run say",
    "npm ci",
    "vitest --version",
    "vitest list",
    "jest --listTests",
    "tsc --version",
    "tsc --init",
    "tsc -b --clean",
    "eslint --print-config a.ts",
    "pytest --collect-only",
    "mypy --help",
    "cat report.txt",
    "ls node_modules/.bin/vitest",
    "bash -n test.sh",
    "npm run nope --if-present",
    "turbo run test --dry-run",
]


@pytest.mark.parametrize("command", PROVES)
def test_exit_0_proves_something(command: str) -> None:
    assert masks(command, SCRIPTS.get) == ""


@pytest.mark.parametrize("command", PROVES_NOTHING)
def test_exit_0_proves_nothing(command: str) -> None:
    assert masks(command, SCRIPTS.get) not in ("", NOTHING_RUN)


@pytest.mark.parametrize("command", RUNS_NOTHING)
def test_nothing_is_run(command: str) -> None:
    assert masks(command, SCRIPTS.get) == NOTHING_RUN


def manifest(**scripts: str) -> str:
    return json.dumps({"name": "it", "scripts": scripts})


@pytest.mark.parametrize(
    ("script", "proves"),
    [
        ('#!/bin/sh\nset -e\ncd "$(dirname "$0")/.."\nvitest run\necho done\n', True),
        ("#!/bin/bash -e\nvitest run\necho done\n", True),
        ("#!/bin/sh\nvitest run\n", True),
        ("#!/bin/sh\nvitest run\necho done\n", False),
        ("#!/bin/sh\nset -e\nvitest run || true\n", False),
        ("#!/bin/sh\nexit 0\nvitest run\n", False),
        ("#!/usr/bin/env node\nrequire('./run-all')()\n", True),
    ],
)
@pytest.mark.parametrize("call", ["scripts/test", "./scripts/test", "npm test"])
def test_a_script_of_the_repository_is_looked_into(call: str, script: str, proves: bool) -> None:
    files = {"scripts/test": script, "package.json": manifest(test="./scripts/test")}
    assert (masked_in_files(call, "", files.get) == "") is proves


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("npm test -w apps/api", "||"),
        ("npm --prefix apps/api test", "||"),
        ("npm test --workspace=@shop/api", "||"),
        ("pnpm --filter @shop/api test", "||"),
        ("pnpm -C apps/api test", "||"),
        ("yarn workspace @shop/api test", "||"),
        ("yarn --cwd apps/api test", "||"),
        ("cd apps/api && npm test", "||"),
        ("cd $HOME && npm test", "known only while it runs"),
        ("turbo run test", "||"),
        ("pnpm -r test", "||"),
        ("npm test -w packages/ui", ""),
        ("pnpm --filter nobody test", "other packages"),
    ],
)
def test_scripts_of_the_package_that_is_meant_are_looked_into(command: str, why: str) -> None:
    files = {
        "package.json": json.dumps({"workspaces": ["apps/*", "packages/*"], "scripts": {"test": "vitest run"}}),
        "apps/api/package.json": json.dumps({"name": "@shop/api", "scripts": {"test": "vitest run || true"}}),
        "packages/ui/package.json": json.dumps({"name": "@shop/ui", "scripts": {"test": "vitest run"}}),
    }
    found = masked_in_files(command, "", files.get, ("apps/api", "packages/ui"))
    assert why in found
    assert bool(found) is bool(why)


def test_a_shell_of_its_own_for_scripts_proves_nothing() -> None:
    files = {"package.json": manifest(test="vitest run"), ".npmrc": "script-shell=/bin/true\n"}
    assert "another shell" in masked_in_files("npm test", "", files.get)
    assert masked_in_files("vitest run", "", files.get) == ""


MAKEFILE = """
PYTHON ?= .venv/bin/python
RUN = $(PYTHON) -m
.PHONY: test lint soft
all: test
test: lint
\t@$(RUN) pytest \\
\t  -q
lint:
\t$(RUN) ruff check .
soft: ; -$(RUN) pytest
over: soft lint
quiet:
\t$(RUN) pytest || true
two:
\t$(RUN) pytest; echo done
shelled:
\t$(RUN) pytest $(shell cat args)
ring: ring
\tpytest
nothing:
\t@echo done
loop:
\tfor d in a b; do $(MAKE) -C $$d; done
"""


@pytest.mark.parametrize(
    ("command", "proves"),
    [
        *[(command, True) for command in ("make", "make test", "make -j4 lint test", "make -s -C . test", "make -f Makefile lint")],
        *[(f"make {target}", False) for target in ("soft", "over", "quiet", "two", "shelled", "ring", "nothing", "loop", "unknown")],
        *[
            (command, False)
            for command in ("make -i test", "make -n test", "make PYTHON=true test", "make -C other test", "make test || true")
        ],
    ],
)
def test_makefiles_are_looked_into(command: str, proves: bool) -> None:
    assert (masked_in_files(command, "", {"Makefile": MAKEFILE}.get) == "") is proves


@pytest.mark.parametrize("line", [".IGNORE:", "SHELL = /bin/true", ".ONESHELL:", "MAKEFLAGS += -i", "export SHELL := true"])
def test_a_makefile_that_changes_how_lines_are_run_proves_nothing(line: str) -> None:
    assert masked_in_files("make test", "", {"Makefile": f"{line}\n{MAKEFILE}"}.get) != ""


def test_scripts_that_call_each_other_without_end_are_given_up() -> None:
    scripts = {f"s{n}": " && ".join([f"npm run s{n + 1}"] * 9) for n in range(9)} | {"s9": "vitest run"}
    assert "too often" in masks("npm run s0", scripts.get)


def test_no_command_line_breaks_the_reader() -> None:
    pieces = [
        "vitest",
        " run",
        "||",
        "&&",
        ";",
        "|",
        "&",
        "(",
        ")",
        "{",
        "}",
        "'",
        '"',
        "$",
        "`",
        "$(",
        "\n",
        " ",
        "if ",
        "then ",
        "fi",
        "\\",
        "#",
        "<",
        ">",
        "!",
        "true",
    ]
    chance = random.Random(7)
    for _ in range(3_000):
        masks("".join(chance.choices(pieces, k=chance.randint(1, 14))), SCRIPTS.get)


PIECES = """
vitest ~ vitest ~ vitest ~ true ~ echo x ~ false ~ exit 0 ~ exit 1 ~ exit ~ set -e ~ set +e ~ set -o pipefail ~ exit $? ~ s=$? ~ s=0
exit $s ~ (vitest) ~ (vitest; true) ~ ! true ~ ! vitest ~ { vitest; } ~ { vitest || exit 1; } ~ (exit 0) ~ (exit 1)
if true; then vitest; fi ~ if false; then exit 0; fi ~ eval 'vitest' ~ sh -c 'vitest; true' ~ sh -ec 'vitest; true' ~ cd . ~ wait
export A=1 ~ while false; do :; done ~ time vitest ~ X=$(vitest) ~ trap 'exit 0' EXIT ~ [ a = b ] ~ [ a = a ] ~ exec vitest ~ exec true
eval 'set -e' ~ (set -e; vitest; true) ~ vitest > /dev/null ~ > /dev/null ~ f=1 vitest ~ exit 256 ~ break ~ continue
"""
JOINTS = (" && ", " || ", "; ", " | ", " & ", "\n", " && ! ", " ; ( ")


def random_line(chance: random.Random, pieces: list[str]) -> str:
    line = chance.choice(pieces)
    for _ in range(chance.randint(0, 5)):
        line += chance.choice(JOINTS) + chance.choice(pieces)
    return line + " )" * line.count(" ; ( ")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_what_is_said_to_prove_something_fails_in_a_real_shell_where_the_program_fails(tmp_path: Path, shell: str) -> None:
    """Random lines of a program that fails: a line that the shell ends with 0 is never said to prove something."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    program = tmp_path / "vitest"
    program.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    program.chmod(0o755)
    pieces = [piece.strip() for row in PIECES.strip().splitlines() for piece in row.split("~")]
    chance = random.Random(11)
    lines = {random_line(chance, pieces) for _ in range(1_500)}
    trusted = [line for line in sorted(lines) if masks(line, SCRIPTS.get) == ""]
    script = "".join(f"{shell} -c {shlex.quote(line)} >/dev/null 2>&1 </dev/null; echo $?\n" for line in trusted)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    run = subprocess.run(["sh"], input=script, capture_output=True, text=True, env=environment, check=True, timeout=100, cwd=tmp_path)
    assert len(trusted) > 60
    assert [line for line, status in zip(trusted, run.stdout.split(), strict=True) if status == "0"] == []
