"""Tiny projects of the kinds that people have: real tools, one source file, one good change, one bad one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

_TOTAL = """\
/** Adds up prices. */
export function total(prices: number[]): number {
  let sum = 0;
  for (const price of prices) sum += price;
  return sum;
}
"""
GOOD = ("sum += price", "sum = sum + price")
_SPEC = "import { total } from './total';\n\ntest('adds up', () => {\n  expect(total([1, 2])).toBe(3);\n});\n"
_VITEST_SPEC = "import { expect, test } from 'vitest';\n" + _SPEC
_OTHER = "import { expect, test } from 'vitest';\n\ntest('nothing', () => {\n  expect(1).toBe(1);\n});\n"
_TSCONFIG = {"compilerOptions": {"strict": True, "noEmit": True, "skipLibCheck": True, "module": "esnext", "moduleResolution": "bundler"}}


@dataclass(frozen=True)
class Kind:
    """One kind of project."""

    files: Mapping[str, str]
    installs: tuple[str, ...]
    """Commands that install its packages, in its folder, with the network."""
    changed: str
    good: tuple[str, str]
    bad: tuple[str, str]
    steps: Mapping[str, tuple[str, ...]]
    """The commands that verify a change of that file, in their order, by field."""
    places: Mapping[str, tuple[str, int]]
    """Where each field fails after the bad change."""
    masked: Mapping[str, str] = field(default_factory=dict)
    """Files that hide how the tests end."""
    tools: tuple[str, ...] = ()
    """What is installed beside npm, into the same Node."""


def _manifest(**fields: object) -> str:
    return json.dumps({"name": "till", "version": "1.0.0", "private": True, **fields}, indent=2) + "\n"


def _jest(**scripts: str) -> str:
    tools = {
        "@eslint/js": "^9",
        "@types/jest": "^30",
        "eslint": "^9",
        "jest": "^30",
        "ts-jest": "^29",
        "typescript": "~5.9",
        "typescript-eslint": "^8",
    }
    return _manifest(scripts=scripts, devDependencies=tools)


JEST = Kind(
    files={
        "package.json": _jest(test="jest --watch", lint="eslint --fix ."),
        "jest.config.js": "module.exports = { transform: { '^.+\\\\.ts$': ['ts-jest', { diagnostics: false }] } };\n",
        "tsconfig.json": json.dumps({"compilerOptions": {**_TSCONFIG["compilerOptions"], "types": ["jest"]}, "include": ["src"]}),
        "eslint.config.mjs": "import js from '@eslint/js';\nimport tseslint from 'typescript-eslint';\n\n"
        "export default tseslint.config({ ignores: ['*.js'] }, js.configs.recommended, ...tseslint.configs.recommended);\n",
        "src/total.ts": _TOTAL,
        "src/total.spec.ts": _SPEC,
        "src/other.spec.ts": "test('nothing', () => {\n  expect(1).toBe(1);\n});\n",
    },
    installs=("npm install --no-fund --no-audit --loglevel=error",),
    changed="src/total.ts",
    good=GOOD,
    bad=("sum += price;", "sum -= price;\n  var worded: string = sum;"),
    steps={
        "typecheck": ("npx --no-install tsc --noEmit -p tsconfig.json",),
        "tests": ("npx --no-install jest --findRelatedTests src/total.ts", "npx --no-install jest"),
        "lint": ("npx --no-install eslint src/total.ts", "npx --no-install eslint ."),
    },
    places={"typecheck": ("src/total.ts", 5), "tests": ("src/total.spec.ts", 4), "lint": ("src/total.ts", 5)},
    masked={"package.json": _jest(test="node node_modules/jest/bin/jest.js || true", lint="eslint . ; true").replace('"jest"', '"j"')},
)


def _biome(**scripts: str) -> str:
    return _manifest(type="module", scripts=scripts, devDependencies={"@biomejs/biome": "^2", "typescript": "~5.9", "@types/node": "^20"})


_SCRIPT_TOTAL = _TOTAL.replace("prices: number[]): number", "prices)").replace("  ", "\t").split("\n", 1)[1]
BIOME = Kind(
    files={
        "package.json": _biome(test="node --test", check="biome check --write . && tsc"),
        "biome.json": '{\n\t"formatter": { "enabled": true },\n\t"files": { "includes": ["src/**"] }\n}\n',
        "tsconfig.json": json.dumps({"compilerOptions": {**_TSCONFIG["compilerOptions"], "checkJs": True, "types": ["node"]}}),
        "src/total.js": "/**\n * Adds up prices.\n * @param {number[]} prices\n */\n" + _SCRIPT_TOTAL,
        "src/total.test.js": 'import assert from "node:assert/strict";\nimport { test } from "node:test";\n'
        'import { total } from "./total.js";\n\ntest("adds up", () => {\n\tassert.equal(total([1, 2]), 3);\n});\n',
    },
    installs=("npm install --no-fund --no-audit --loglevel=error",),
    changed="src/total.js",
    good=("let sum = 0;", "let sum = 1 - 1;"),
    bad=("sum += price;", "sum -= price;\n\tconsole.log(sum.nothing);\n\tdebugger;"),
    steps={
        "typecheck": ("npx --no-install tsc --noEmit -p tsconfig.json",),
        "tests": ("npm run test",),
        "lint": ("npx --no-install biome check src/total.js", "npx --no-install biome check ."),
    },
    places={"typecheck": ("src/total.js", 8), "tests": ("src/total.test.js", 6), "lint": ("src/total.js", 9)},
    masked={"package.json": _biome(test="node --test || true")},
)


def _core(test: str) -> str:
    return json.dumps(
        {
            "name": "@till/core",
            "version": "1.0.0",
            "type": "module",
            "scripts": {"test": test},
            "devDependencies": {"vitest": "4.1.12", "vite": "8.3.8", "typescript": "~5.9"},
        }
    )


PNPM = Kind(
    files={
        "package.json": _manifest(scripts={"test": "pnpm -r test"}, devDependencies={"typescript": "~5.9"}),
        "pnpm-workspace.yaml": "packages:\n  - packages/*\n",
        "packages/core/package.json": _core("vitest"),
        "packages/core/tsconfig.json": json.dumps({**_TSCONFIG, "include": ["src"]}),
        "packages/core/src/total.ts": _TOTAL,
        "packages/core/src/total.spec.ts": _VITEST_SPEC,
        "packages/core/src/other.spec.ts": _OTHER,
        "packages/app/package.json": json.dumps(
            {"name": "@till/app", "version": "1.0.0", "type": "module", "dependencies": {"@till/core": "workspace:*"}}
        ),
        "packages/app/src/index.ts": "export { total } from '@till/core';\n",
    },
    installs=("pnpm install",),
    tools=("pnpm@10",),
    changed="packages/core/src/total.ts",
    good=GOOD,
    bad=("sum += price;", "sum -= price;\n  const worded: string = sum;"),
    steps={
        "typecheck": ("pnpm exec tsc --noEmit -p tsconfig.json",),
        "tests": ("pnpm exec vitest related --run src/total.ts", "pnpm exec vitest run"),
        "lint": (),
    },
    places={"typecheck": ("packages/core/src/total.ts", 5), "tests": ("packages/core/src/total.spec.ts", 5)},
    masked={"packages/core/package.json": _core("vitest run | cat").replace('"vitest":', '"vitest-of-above":')},
)

YARN = Kind(
    files={
        "package.json": _manifest(
            scripts={"test": "jest", "typecheck": "yarn tsc --noEmit"}, devDependencies={"jest": "^30", "typescript": "~5.9"}
        ),
        "yarn.lock": "",
        ".yarnrc.yml": "enableTelemetry: false\n",
        "tsconfig.json": json.dumps(
            {"compilerOptions": {"checkJs": True, "allowJs": True, "strict": True, "types": []}, "include": ["src"]}
        ),
        "src/total.js": "/** @param {number[]} prices @returns {number} */\nexports.total = (prices) => {\n"
        "  let sum = 0;\n  for (const price of prices) sum += price;\n  return sum;\n};\n",
        "test/total.test.js": "const { total } = require('../src/total');\n\n" + _SPEC.split("\n", 2)[2],
    },
    installs=("yarn install",),
    tools=("@yarnpkg/cli-dist@4",),
    changed="src/total.js",
    good=GOOD,
    bad=("return sum;", "sum = -sum;\n  return sum.nothing;"),
    steps={
        "typecheck": ("yarn run typecheck",),
        "tests": ("yarn run jest --findRelatedTests src/total.js", "yarn run test"),
        "lint": (),
    },
    places={"typecheck": ("src/total.js", 6), "tests": ("test/total.test.js", 4)},
)

_PYPROJECT = """\
[project]
name = "till"
version = "1.0.0"

[tool.pytest.ini_options]
pythonpath = ["src"]

[tool.mypy]
files = ["src"]

[tool.ruff]
line-length = 100
"""
PYTHON = Kind(
    files={
        "pyproject.toml": _PYPROJECT,
        "src/till/__init__.py": "",
        "src/till/total.py": "def total(prices: list[int]) -> int:\n    return sum(prices)\n",
        "tests/test_total.py": "from till.total import total\n\n\ndef test_adds_up():\n    assert total([1, 2]) == 3\n",
        "tests/test_other.py": "def test_nothing():\n    assert True\n",
    },
    installs=(".venv/bin/python -m pip install --quiet --disable-pip-version-check pytest mypy ruff",),
    changed="src/till/total.py",
    good=("return sum(prices)", "return sum(prices, 0)"),
    bad=("    return sum(prices)\n", "    import os\n    return str(-sum(prices))\n"),
    steps={
        "typecheck": (".venv/bin/python -m mypy",),
        "tests": (".venv/bin/python -m pytest tests/test_total.py", ".venv/bin/python -m pytest"),
        "lint": (".venv/bin/python -m ruff check src/till/total.py", ".venv/bin/python -m ruff check ."),
    },
    places={"typecheck": ("src/till/total.py", 3), "tests": ("tests/test_total.py", 5), "lint": ("src/till/total.py", 2)},
)
