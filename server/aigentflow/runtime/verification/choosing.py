"""The narrowest useful selection: a command for the changed files only, which fails early and proves nothing more."""

from __future__ import annotations

from collections.abc import Sequence

from aigentflow.runtime.verification.editing import OneProgram
from aigentflow.runtime.verification.packages import Package
from aigentflow.runtime.verification.steps import MOST_FILES, Step, named
from aigentflow.workspace.globs import Glob, GlobError

_VERBS = {"run", "related", "check", "lint", "ci", "format"}
_VALUED = frozenset(
    """
    --cache-location --cache-strategy --config --config-path --diagnostic-level --dir --env --environment --ext --format
    --ignore-path --ignore-pattern --max-diagnostics --max-warnings --maxWorkers --mode --output-file --outputFile --parser
    --plugin --pool --project --reporter --resolve-plugins-relative-to --root --rootDir --rule --rulesdir --selectProjects
    --shard --testTimeout --threads --tsconfig -c -f -o -r -w
    """.split()  # noqa: SIM905 - a list of single words reads better as a text
)
"""Options of runners and linters that take a value of their own."""
_SCRIPT_ENDS = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte", ".astro")
_BIOME_ENDS = (*_SCRIPT_ENDS, ".json", ".jsonc", ".css", ".graphql")
_VITEST_KEPT = ("--config", "-c", "--root", "-r", "--dir", "--project", "--environment", "--globals", "--mode")
_JEST_KEPT = ("--config", "-c", "--rootDir", "--selectProjects", "--env", "--preset")
_ESLINT_KEPT = ("--config", "-c", "--rulesdir", "--resolve-plugins-relative-to", "--parser")
_BIOME_KEPT = ("--config-path",)
_OXLINT_KEPT = ("--config", "-c", "--tsconfig")


def narrow(field: str, place: Package, program: OneProgram | None, changed: Sequence[str]) -> Step | None:
    """Return a step for the changed files that are there, None where there is no useful one."""
    inside = [path for path in changed if not place.folder or path.startswith(place.folder + "/")]
    if program is None or not inside:
        return None
    inside = _asked_for(field, program, place, inside)
    chosen = _tests(program, place, inside) if field == "tests" else _lint(program, place, inside) if field == "lint" else None
    if chosen is None:
        return None
    n_files = sum(1 for path in inside if named(path, place.folder) in chosen.arguments)
    if not 0 < n_files <= MOST_FILES:
        return None
    return Step(chosen.command(place.run_program()), place.folder, f"{n_files} changed file{'s' * (n_files > 1)}", narrow=True)


def _asked_for(field: str, program: OneProgram, place: Package, changed: list[str]) -> list[str]:
    """Return the files that the whole command looks at too, so that the narrow one does not ask for more."""
    globs = [text.removeprefix("./") for text in program.operands(_VALUED) if text not in _VERBS]
    if field == "tests" and globs:
        # A pattern of a test runner chooses test files; which sources belong to them is not known.
        return []
    if not globs or "." in globs or "" in globs:
        return changed
    try:
        tests = [Glob(text, anywhere=False) for text in globs]
    except GlobError:
        return []
    return [path for path in changed if any(test.covers(named(path, place.folder)) for test in tests)]


def _files(place: Package, changed: Sequence[str], ends: Sequence[str]) -> list[str]:
    return [named(path, place.folder) for path in changed if path.endswith(tuple(ends)) and not path.endswith(".d.ts")]


def _tests(program: OneProgram, place: Package, changed: Sequence[str]) -> OneProgram | None:
    files = _files(place, changed, _SCRIPT_ENDS)
    if program.program == "vitest":
        return program.with_only(_VITEST_KEPT, "related", "--run", *files)
    if program.program == "jest":
        return program.with_only(_JEST_KEPT, "--findRelatedTests", *files)
    return None


def _lint(program: OneProgram, place: Package, changed: Sequence[str]) -> OneProgram | None:
    if program.program == "eslint":
        return program.with_only(_ESLINT_KEPT, *_files(place, changed, _extensions(program)))
    if program.program == "oxlint":
        return program.with_only(_OXLINT_KEPT, *_files(place, changed, _SCRIPT_ENDS))
    if program.program == "biome" and program.arguments[:1] and program.arguments[0] in ("check", "lint", "ci", "format"):
        return program.with_only(_BIOME_KEPT, program.arguments[0], *_files(place, changed, _BIOME_ENDS))
    return None


def _extensions(program: OneProgram) -> Sequence[str]:
    """Return the endings that an eslint script is limited to."""
    stated: list[str] = []
    for at, text in enumerate(program.arguments):
        name, _equals, value = text.partition("=")
        if name == "--ext":
            stated += (value or "".join(program.arguments[at + 1 : at + 2])).split(",")
    return [end if end.startswith(".") else f".{end}" for end in stated if end] or _SCRIPT_ENDS
