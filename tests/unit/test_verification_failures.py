"""What the recorded outputs of real tools name, and when an output shows that nothing was checked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aigentflow.runtime.verification.failures import MOST, failures, first_lines
from aigentflow.runtime.verification.masking import ran_nothing

OUTPUTS = Path(__file__).parent / "verification_outputs"
ROOT = "/home/dev/shop"
FOREIGN = ("node_modules/", "not-there")


def recorded(name: str) -> str:
    return (OUTPUTS / f"{name}.txt").read_text(encoding="utf-8")


def exists(path: str) -> bool:
    return not any(part in path for part in FOREIGN) and path.endswith((".ts", ".js", ".mjs", ".py"))


def named(output: str, folder: str = "", there: Callable[[str], bool] = exists) -> list[tuple[str, int | None, int | None, str]]:
    return [(part.path, part.line, part.column, part.code) for part in failures(output, folder, there, ROOT)]


PRICING = "apps/api/src/orders/pricing"
LINT = [("lintme/a.js", 1, 7, "no-unused-vars"), ("lintme/a.js", 2, 18, "eqeqeq"), ("lintme/c.js", 1, 7, "")]
ANY = ("lintme/b.ts", 1, 17, "@typescript-eslint/no-explicit-any")
VITEST = [("src/sum.test.js", 6, 23, ""), ("src/sum.js", 5, 9, ""), ("src/late.test.js", 3, 35, "")]
PYTEST = [("tests/test_calc.py", 7, None, ""), *[("pkg/calc.py", 6, None, "")] * 2, ("tests/test_calc.py", 17, None, "")]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("tsc-plain", [(f"{PRICING}.ts", 18, 11, "TS2322")]),
        ("tsc-pretty", [(f"{PRICING}.ts", 18, 11, "TS2322")]),
        ("npm-typecheck", [(f"{PRICING}.ts", 18, 11, "TS2322")]),
        ("vitest4-default", [(f"{PRICING}.spec.ts", 16, 31, "")]),
        ("vitest4-verbose", [(f"{PRICING}.spec.ts", 16, 31, "")]),
        ("vitest4-more", [(path.replace("src", "vt"), *rest) for path, *rest in [("src/broken.test.js", 1, 1, ""), *VITEST]]),
        ("vitest-v3-default", [("src/broken.test.js", 1, 1, ""), *VITEST]),
        ("vitest-v3-dot", [("src/broken.test.js", 1, 1, ""), *VITEST]),
        ("vitest-v1-default", [("src/broken.test.js", None, None, ""), *VITEST]),
        ("jest", [("src/sum.test.js", 5, 58, ""), ("src/sum.js", 5, 9, ""), ("src/broken.test.js", 1, 21, "")]),
        ("mocha", [("src/sum.test.js", 6, 33, ""), ("src/sum.js", 5, 9, "")]),
        ("mocha-broken", [("src/broken.test.js", 1, 21, "")]),
        ("node-test-tap", [("nt/sum.test.mjs", 7, 12, "")]),
        ("node-test-spec", [("nt/sum.test.mjs", 7, 12, "")]),
        ("eslint-stylish", [*LINT[:2], ANY, LINT[2]]),
        ("eslint-json", [*LINT[:2], ANY, LINT[2]]),
        ("eslint8-unix", LINT),
        ("eslint8-compact", LINT),
        (
            "oxlint",
            [
                (f"{PRICING}.ts", *rest)
                for rest in ((18, 11, "eslint(no-unused-vars)"), (19, 9, "eslint(no-unused-vars)"), (19, 5, "eslint(no-var)"))
            ],
        ),
        ("pytest-long", PYTEST),
        ("pytest-short", PYTEST),
        ("pytest-line", [PYTEST[0], PYTEST[1], PYTEST[3]]),
        ("pytest-no", [("tests/test_calc.py", None, None, "")] * 4),
        ("pytest", [("tests/test_broken.py", 1, None, ""), ("tests/test_syntax.py", 2, None, "")]),
        ("mypy", [("pkg/use.py", 4, None, "assignment"), ("pkg/use.py", 5, None, "arg-type")]),
        ("mypy-pretty", [("pkg/use.py", 4, 10, "assignment"), ("pkg/use.py", 5, 5, "arg-type")]),
        ("ruff-full", [("pkg/use.py", 1, 1, "I001"), ("pkg/use.py", 2, 8, "F401")]),
        ("ruff-concise", [("pkg/use.py", 1, 1, "I001"), ("pkg/use.py", 2, 8, "F401")]),
    ],
)
def test_recorded_outputs_name_their_places(name: str, found: list[tuple[str, int | None, int | None, str]]) -> None:
    assert named(recorded(name)) == found


def test_biome_names_rules_and_leaves_warnings_out() -> None:
    found = named(recorded("biome"))
    assert ("lintme/a.js", 2, 18, "lint/suspicious/noDoubleEquals") in found
    assert ("lintme/c.js", 1, 7, "parse") in found
    assert not any("noUnusedVariables" in code for _path, _line, _column, code in found)


def test_warnings_count_where_there_is_nothing_else() -> None:
    output = "\n/home/dev/shop/a.js\n  2:24  warning  Unexpected console statement  no-console\n\n✖ 1 problem (0 errors, 1 warning)\n"
    assert named(output) == [("a.js", 2, 24, "no-console")]


@pytest.mark.parametrize(
    ("name", "at", "message"),
    [
        ("vitest-v3-default", 1, "sum > adds two numbers: AssertionError: expected -1 to be 3 // Object.is equality"),
        ("jest", 0, "sum › adds two numbers: expect(received).toBe(expected); Expected: 3; Received: -1"),
        ("jest", 2, "Test suite failed to run: Cannot find module './not-there.js' from 'src/broken.test.js'"),
        ("mocha", 1, "sum > throws deep inside: TypeError: boom happened"),
        ("node-test-tap", 0, "adds two numbers: Expected values to be strictly equal:"),
        ("pytest-long", 1, "test_boom[1]: ValueError: boom"),
        ("pytest", 1, "SyntaxError: invalid syntax"),
        ("mypy-pretty", 1, 'Argument 1 to "add" has incompatible type "str"; expected "int"'),
    ],
)
def test_messages_say_which_test_and_why(name: str, at: int, message: str) -> None:
    assert failures(recorded(name), "", exists, ROOT)[at].message == message


@pytest.mark.parametrize(
    ("printed", "folder", "path"),
    [
        ("src/a.ts", "apps/api", "apps/api/src/a.ts"),
        ("../ui/a.ts", "apps/api", "apps/ui/a.ts"),
        (f"{ROOT}/apps/api/src/a.ts", "apps/api", "apps/api/src/a.ts"),
        ("./src/a.ts", "apps/api", "apps/api/src/a.ts"),
        ("apps/api/src/a.ts", "apps/api", "apps/api/src/a.ts"),
    ],
)
def test_paths_become_workspace_relative(printed: str, folder: str, path: str) -> None:
    assert named(f"{printed}(3,4): error TS1005: ';' expected.", folder, {path}.__contains__) == [(path, 3, 4, "TS1005")]


@pytest.mark.parametrize(
    "printed", ["/etc/passwd.ts", f"{ROOT}-other/a.ts", "../../a.ts", "node_modules/x/a.ts", f"{ROOT}/../a.ts", "a\\b.ts"]
)
def test_places_outside_the_project_are_left_out(printed: str) -> None:
    assert named(f"{printed}(3,4): error TS1005: ';' expected.", "apps", lambda path: True) == []


def test_a_test_runner_that_works_elsewhere_says_where() -> None:
    output = "\n RUN  v4.1.12 /home/dev/shop/apps/api\n\n FAIL  src/a.test.ts > adds\nError: no\n ❯ src/a.test.ts:3:4\n"
    assert named(output, "", {"apps/api/src/a.test.ts"}.__contains__) == [("apps/api/src/a.test.ts", 3, 4, "")]


def test_the_first_own_frame_counts() -> None:
    output = " FAIL  a.test.ts > adds\nTypeError: no\n ❯ check node_modules/zod/index.js:1:1\n ❯ own src/own.ts:7:8\n ❯ a.test.ts:3:4\n"
    assert named(output) == [("src/own.ts", 7, 8, "")]


def test_failures_are_bounded_and_told_once() -> None:
    many = "".join(f"a.ts({line},1): error TS1: x\n" for line in range(1, 1_000))
    assert len(named(many)) == MOST
    assert len(named("a.ts(1,1): error TS1: x\n" * 50)) == 1


def test_unittest_and_plain_tracebacks_are_read() -> None:
    output = (
        "FAIL: test_add (tests.test_calc.Calc)\n----\nTraceback (most recent call last):\n"
        '  File "/home/dev/shop/tests/test_calc.py", line 9, in test_add\n    self.assertEqual(add(1, 2), 3)\n'
        '  File "/usr/lib/python3/unittest/case.py", line 873, in assertEqual\nAssertionError: -1 != 3\n'
    )
    assert named(output) == [("tests/test_calc.py", 9, None, "")]
    assert failures(output, "", exists, ROOT)[0].message == "test_add: AssertionError: -1 != 3"


@pytest.mark.parametrize(
    ("field", "name", "exit"),
    [
        ("tests", "vitest4-none", 1),
        ("tests", "vitest4-none-related", 0),
        ("tests", "vitest-v1-none", 1),
        ("tests", "jest-none", 1),
        ("tests", "mocha-none", 0),
        ("tests", "node-test-none", 0),
        ("tests", "pytest-none", 5),
        ("tests", "npm-missing", 1),
        ("tests", "python-nomodule", 1),
        ("lint", "eslint-ignored", 2),
        ("lint", "eslint-ignored-file", 0),
        ("lint", "eslint-nofile", 2),
        ("lint", "biome-none", 1),
        ("lint", "ruff-empty", 0),
        ("typecheck", "mypy-none", 2),
    ],
)
def test_recorded_outputs_show_that_nothing_was_checked(field: str, name: str, exit: int) -> None:
    assert ran_nothing(field, recorded(name), exit) != ""


@pytest.mark.parametrize(
    ("field", "output", "exit"),
    [
        ("tests", "sh: 1: vitest: not found\n", 127),
        ("tests", "", 127),
        ("typecheck", "bash: line 1: tsc: command not found\n", 127),
        ("lint", "sh: 1: ./lint: Permission denied\n", 126),
        ("tests", 'error Command "vitest" not found.\n', 1),
        ("tests", ' ERR_PNPM_RECURSIVE_EXEC_FIRST_FAIL  Command "vitest" not found\n', 254),
        ("tests", " ERR_PNPM_NO_SCRIPT  Missing script: test\n", 1),
        ("tests", 'error: Script not found "test"\n', 1),
        ("tests", "npm error code ENOTFOUND\nnpm error network request to the registry failed, reason: getaddrinfo ENOTFOUND\n", 1),
        ("tests", 'npm error npx canceled due to missing packages and no YES option: ["vitest@4.0.0"]\n', 1),
        ("tests", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n", 134),
        ("tests", "no tests ran in 0.01s\n", 0),
        ("tests", "============ 3 skipped in 0.02s ============\n", 0),
        ("tests", "12 tests collected in 0.50s\n", 0),
        ("tests", " Test Files  1 skipped (1)\n      Tests  2 skipped (2)\n", 0),
        ("tests", "Tests:       2 skipped, 2 total\n", 0),
        ("tests", "ℹ tests 0\nℹ pass 0\nℹ fail 0\n", 0),
        ("tests", "Ran 0 tests in 0.000s\n\nOK\n", 0),
        ("typecheck", "0 files analyzed\n", 0),
        ("lint", "Checked 0 files in 961µs. No fixes applied.\n", 0),
    ],
)
def test_outputs_show_that_nothing_was_checked(field: str, output: str, exit: int) -> None:
    assert ran_nothing(field, output, exit) != ""


@pytest.mark.parametrize(
    ("field", "name", "exit"),
    [
        *[
            ("tests", name, 1)
            for name in ("vitest4-default", "vitest-v1-default", "vitest-v3-dot", "jest", "mocha", "node-test-tap", "node-test-spec")
        ],
        *[("tests", name, 1) for name in ("pytest", "pytest-long", "pytest-short", "pytest-no")],
        *[("lint", name, 1) for name in ("eslint-stylish", "biome", "oxlint", "ruff-full", "ruff-concise")],
        *[("typecheck", name, 2) for name in ("tsc-plain", "tsc-pretty", "mypy", "mypy-pretty")],
    ],
)
def test_failures_are_failures(field: str, name: str, exit: int) -> None:
    assert ran_nothing(field, recorded(name), exit) == ""


@pytest.mark.parametrize(
    ("output", "exit"),
    [
        (" Test Files  3 passed (3)\n      Tests  12 passed (12)\n", 0),
        ("Tests:       1 skipped, 2 passed, 3 total\n", 0),
        ("  12 passing (8ms)\n  1 pending\n", 0),
        ("# tests 3\n# pass 3\n# fail 0\n", 0),
        ("===== 3 passed, 2 skipped in 0.10s =====\n", 0),
        ("Ran 3 tests in 0.001s\n\nOK\n", 0),
        ("No test files found, exiting with code 0\n      Tests  2 passed (2)\n", 0),
        ("", 0),
        ("Error: getaddrinfo ENOTFOUND api\n      Tests  1 failed (1)\n", 1),
        ("E   ModuleNotFoundError: No module named 'app'\n===== 1 error in 0.1s =====\n", 2),
    ],
)
def test_tests_that_ran_count(output: str, exit: int) -> None:
    assert ran_nothing("tests", output, exit) == ""


def test_first_lines_begin_where_something_is_said() -> None:
    lines = first_lines(recorded("npm-typecheck")).splitlines()
    assert lines == ["apps/api/src/orders/pricing.ts(18,11): error TS2322: Type 'string' is not assignable to type 'number'."]
    assert first_lines(recorded("vitest4-default")).splitlines()[0].startswith(" ❯ apps/api/src/orders/pricing.spec.ts")
    assert "test_add" in first_lines(recorded("pytest-long"), 5)
    assert first_lines(recorded("eslint-stylish")).startswith("/home/dev/shop/lintme/a.js\n")
    assert len(first_lines("error: x\n" * 1_000).splitlines()) == 30
    assert first_lines("> it@1.0.0 test\n> vitest run\n\n") == "> it@1.0.0 test\n> vitest run"
    assert first_lines("") == ""


@pytest.mark.parametrize(
    "unit", ["a", "1 passed ", "=", "a:1:1: ", "a(1,1): ", " at a (", " ❯ a", "a:1:1: x\n", '[{"filePath":', "\x1b[", "a.py:1: E "]
)
def test_hostile_outputs_are_read_in_time(unit: str) -> None:
    output = (unit * 60_000)[:60_000]
    started = time.monotonic()
    failures(output, "", lambda path: True, ROOT)
    first_lines(output)
    for exit in (0, 1):
        ran_nothing("tests", output, exit)
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("src/calc.py:\n  2:12 F401 [*] `os` imported but unused\n\nFound 1 error.", [("src/calc.py", 2, 12, "F401")]),
        ("src/calc.py:2: [F401] `os` imported but unused", [("src/calc.py", 2, None, "F401")]),
        (
            "TAP version 13\n1..2\nnot ok 1 - src/sum.spec.ts # time=31.44ms {\n    1..1\n"
            "    not ok 1 - adds up # time=28.19ms\n        ---\n"
            '        error:\n            name: "AssertionError"\n            message: "expected -3 to be 3"\n'
            '        at: "/home/dev/shop/src/sum.spec.ts:5:25"\n        actual: "-3"\n        ...\n}\n',
            [("src/sum.spec.ts", 5, 25, "")],
        ),
    ],
    ids=["ruff grouped", "ruff pylint", "vitest tap"],
)
def test_less_usual_forms(output: str, found: list[tuple[str, int | None, int | None, str]]) -> None:
    assert named(output) == found
    assert "adds up: expected -3 to be 3" in [part.message for part in failures(output, "", exists, ROOT)] or "TAP" not in output
