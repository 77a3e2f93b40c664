"""Output of several packages in one: each line is read as its package has written it, and its paths start from that package's folder."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from aigentflow.runtime.verification.failures import failures
from aigentflow.runtime.verification.places import plain_lines
from aigentflow.runtime.verification.streams import without_prefixes
from aigentflow.runtime.verification.summaries import ran_nothing

OUTPUTS = Path(__file__).parent / "verification_outputs"
ROOT = "/home/dev/shop"
FILES = {
    "package.json",
    *(f"packages/{name}/{file}" for name in ("core", "app") for file in ("package.json", "src/total.ts", "src/total.test.js")),
    "packages/core/src/total.spec.ts",
    # A file of the same name that is not meant.
    "src/total.ts",
}
TSC = "src/total.ts(5,9): error TS2322: Type 'number' is not assignable to type 'string'."


def places(output: str, folder: str = "") -> list[tuple[str, int | None]]:
    return [(part.path, part.line) for part in failures(output, folder, FILES.__contains__, ROOT)]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("pnpm-recursive", ("packages/core/src/total.spec.ts", 5)),
        ("pnpm-recursive-tsc", ("packages/core/src/total.ts", 5)),
        ("turbo", ("packages/core/src/total.ts", 2)),
        ("turbo-node", ("packages/core/src/total.test.js", 3)),
        ("npm-workspaces", ("packages/core/src/total.ts", 2)),
    ],
)
def test_recorded_outputs_of_runners_name_the_file_of_the_package(name: str, place: tuple[str, int]) -> None:
    output = (OUTPUTS / f"{name}.txt").read_text(encoding="utf-8")
    assert places(output) == [place]
    assert ran_nothing("tests" if "error TS" not in output else "typecheck", output, 1) == ""


@pytest.mark.parametrize(
    "output",
    [
        f"[@till/core]: Process started\n[@till/core]: {TSC}\n[@till/app]: Process started\n[@till/app]: Process exited",
        f"lerna notice cli v8.1.2\n@till/core: {TSC}\n@till/app: fine",
        f"core typecheck $ tsc --noEmit\ncore typecheck: {TSC}\ncore typecheck: Exited with code 2",
        f"> nx run core:typecheck\n\n> tsc --noEmit\n{TSC}\n\n> nx run app:typecheck\n\n> tsc --noEmit\n",
        f"> @till/core@1.0.0 typecheck {ROOT}/packages/core\n> tsc --noEmit\n\n{TSC}\n",
        f"make[1]: Entering directory '{ROOT}/packages/core'\n{TSC}\nmake[1]: Leaving directory '{ROOT}/packages/core'",
        f"make[1]: Entering directory '{ROOT}/packages/app'\nmake[1]: Leaving directory '{ROOT}/packages/app'\npackages/core/{TSC}",
    ],
    ids=["yarn", "lerna", "bun", "nx", "pnpm of one package", "make", "make, left again"],
)
def test_other_runners_do_too(output: str) -> None:
    assert places(output) == [("packages/core/src/total.ts", 5)]


@pytest.mark.parametrize(
    "output",
    [
        TSC,
        f"[0] {TSC}\n[0] tsc exited with code 2\n[1] fine\n[1] done",
        f"[types] {TSC}\n[types] done",
        f"> shop@1.0.0 typecheck\n> tsc\n\n{TSC}",
    ],
    ids=["alone", "concurrently", "run-p", "npm of the folder itself"],
)
def test_without_a_package_paths_start_from_where_the_command_ran(output: str) -> None:
    assert places(output) == [("src/total.ts", 5)]
    assert places(output, "packages/app") == [("packages/app/src/total.ts", 5)]


def test_what_looks_like_a_prefix_and_is_none_stays() -> None:
    for output in (
        "[error] src/a.ts: SyntaxError: x (1:2)\n[error] src/b.ts: y",
        "src/a.ts: line 3, col 4, Error - no",
        "a:b: c",
        "$ x$ y",
    ):
        assert without_prefixes(plain_lines(output)) == output.split("\n")


def test_interleaved_lines_of_two_packages_are_put_together_again() -> None:
    output = "\n".join(
        f"packages/{name} test: {line}"
        for lines in zip(
            [
                "FAIL src/total.test.js",
                "  ● adds up",
                "",
                "    expect(received).toBe(expected)",
                "",
                "      at Object.toBe (src/total.test.js:4:25)",
            ],
            ["PASS src/total.test.js", "Tests: 1 passed", "", "Time: 1 s", "", "Ran all test suites."],
            strict=True,
        )
        for name, line in zip(("core", "app"), lines, strict=True)
    )
    output = f"packages/core test$ jest\npackages/app test$ jest\n{output}"
    assert places(output) == [("packages/core/src/total.test.js", 4)]


def test_one_package_without_tests_does_not_hide_the_tests_of_another() -> None:
    output = (
        "core test$ vitest\napp test$ vitest\ncore test:       Tests  3 passed (3)\napp test: No test files found, exiting with code 0\n"
    )
    assert ran_nothing("tests", output, 0) == ""


@pytest.mark.parametrize(
    "unit", ["a{n} b$ \n", "[a{n}] x\n[a{n}] x\n", "> a{n}@1 b\n", "• Running \na{n}:b: \n", "make: Entering directory '/a{n}'\n"]
)
def test_many_packages_are_told_apart_in_time(unit: str) -> None:
    output = "".join(unit.replace("{n}", str(number)) for number in range(6000))
    started = time.monotonic()
    failures(output, "", FILES.__contains__, ROOT)
    ran_nothing("tests", output, 0)
    assert time.monotonic() - started < 3
