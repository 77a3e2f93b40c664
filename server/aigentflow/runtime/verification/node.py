"""Verification commands of a Node package: its scripts first, else its tools by their presence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from aigentflow.runtime.verification import choosing
from aigentflow.runtime.verification.editing import OneProgram, one_program
from aigentflow.runtime.verification.masking import masked_in
from aigentflow.runtime.verification.packages import Package
from aigentflow.runtime.verification.scripts import FileScripts, within
from aigentflow.runtime.verification.steps import Exists, Step, words
from aigentflow.runtime.verification.tsconfig import has_references

_NAMES = {
    "typecheck": (
        *("typecheck", "type-check", "check-types", "check:types", "types:check", "ts:check", "check:ts", "ts-check", "tsc", "types"),
        *("typecheck:ci", "lint:types", "test:types", "check"),
    ),
    "tests": ("test", "test:unit", "unit", "tests", "test-unit", "unit-test", "test:run", "test:ci", "test:once", "vitest", "jest"),
    "lint": ("lint", "lint:check", "check:lint", "eslint", "biome", "oxlint", "lint:js", "lint:ts", "lint:ci", "lint:code", "check"),
}
_NOT_HERE = re.compile(r"\b(cypress|playwright|nightwatch|wdio|testcafe|detox|e2e|puppeteer|storybook)\b")
_RUNS_SCRIPT = re.compile(r"\b(?:npm|pnpm|yarn|bun)\s+(?:run(?:-script)?\s+)?([\w:.-]+)")
_ESLINT = tuple(f"eslint.config.{end}" for end in ("js", "mjs", "cjs", "ts", "mts", "cts")) + tuple(
    f".eslintrc{end}" for end in ("", ".js", ".cjs", ".json", ".yaml", ".yml")
)
_CHECKS = {"typecheck": re.compile(r"\btsc\b|svelte-check|astro check"), "lint": re.compile(r"\bbiome\b|\boxlint\b|\beslint\b")}
"""What a script named `check` has to run to be taken for that field."""
_BIOME = ("biome.json", "biome.jsonc", ".biome.json", ".biome.jsonc")
_OXLINT = (".oxlintrc.json", "oxlint.config.ts")


@dataclass(frozen=True)
class _Found:
    """The command of a place and what it is the command for."""

    place: Package
    whole: Step
    program: OneProgram | None
    changed: list[str] = field(default_factory=list)


class NodeCommands:
    """Finds the commands of one field for packages of one workspace."""

    def __init__(self, source: FileScripts, exists: Exists) -> None:
        self._source = source
        self._exists = exists

    def steps(self, wanted: str, packages: Iterable[tuple[Package, Sequence[str]]]) -> tuple[Step, ...]:
        """Return the steps of a field for packages and their changed paths, deleted ones too; narrow ones first."""
        found: dict[Step, _Found] = {}
        masked: list[Step] = []
        for package, changed in packages:
            command = self._command(wanted, package)
            if command is None:
                masked += self._masked_script(wanted, package)
            else:
                # Packages that share the command of the folder above them share its narrow form.
                found.setdefault(command.whole, command).changed.extend(path for path in changed if self._exists(path))
        narrow = [choosing.narrow(wanted, command.place, command.program, command.changed) for command in found.values()]
        steps = [*(step for step in narrow if step is not None), *found]
        return (*(replace(step, masked=masked_in(step.command, step.folder, self._source)) for step in steps), *masked)

    def _command(self, wanted: str, package: Package) -> _Found | None:
        for place in (package, *package.above):
            found = self._script(wanted, place) or self._tool(wanted, place)
            if found is not None:
                return _Found(place, *found)
        return None

    def _script(self, wanted: str, place: Package) -> tuple[Step, OneProgram | None] | None:
        for name in self._usable(wanted, place):
            text = place.scripts[name]
            program = one_program(text)
            why = f"script `{name}` of {within(place.folder, 'package.json')}"
            if program is not None and (once := program.once()) != program:
                command = once.command(place.run_program())
                why += ", without watching or changing files"
            else:
                command = words(place.run_script(name))
            if not masked_in(command, place.folder, self._source):
                return Step(command, place.folder, why), program and program.once()
        return None

    def _masked_script(self, wanted: str, package: Package) -> tuple[Step, ...]:
        """Return a step for a script whose exit status proves nothing, so that it can be said."""
        for place in (package, *package.above):
            for name in self._usable(wanted, place):
                command = words(place.run_script(name))
                why = masked_in(command, place.folder, self._source)
                return (Step(command, place.folder, f"script `{name}` of {within(place.folder, 'package.json')}", masked=why),)
        return ()

    def _usable(self, wanted: str, place: Package) -> Iterator[str]:
        for name in _NAMES[wanted]:
            text = self._with_called(place, name)
            if text is None or "no test specified" in text or (wanted == "tests" and _NOT_HERE.search(text)):
                continue
            if name != "check" or _CHECKS[wanted].search(text):
                yield name

    def _with_called(self, place: Package, name: str) -> str | None:
        text = place.scripts.get(name)
        if text is None:
            return None
        called = [place.scripts.get(other, "") for other in _RUNS_SCRIPT.findall(text)]
        return " ".join([name if name != "check" else "", text, *called])

    def _tool(self, wanted: str, place: Package) -> tuple[Step, OneProgram | None] | None:
        tools: dict[str, Callable[[Package], tuple[OneProgram, str] | None]] = {
            "typecheck": self._tsc,
            "tests": self._test_runner,
            "lint": self._linter,
        }
        found = tools[wanted](place)
        if found is None:
            return None
        program, why = found
        return Step(program.command(place.run_program()), place.folder, why), program

    def _tsc(self, place: Package) -> tuple[OneProgram, str] | None:
        path = within(place.folder, "tsconfig.json")
        if not self._exists(path) or not place.has_tool("typescript"):
            return None
        program = "vue-tsc" if place.has_tool("vue-tsc") else "tsc"
        if has_references(self._source.read(path)):
            version = place.version("typescript")
            emit = ("--noEmit",) if version is not None and version >= (5, 6) else ()
            return OneProgram((), program, ("-b", *emit)), f"{path} with project references"
        return OneProgram((), program, ("--noEmit", "-p", "tsconfig.json")), path

    def _test_runner(self, place: Package) -> tuple[OneProgram, str] | None:
        for tool, arguments in (("vitest", ("run",)), ("jest", ())):
            configs = [f"{tool}.config.{end}" for end in ("ts", "mts", "js", "mjs", "cjs", "cts", "json")]
            config = next((name for name in configs if self._exists(within(place.folder, name))), "")
            if place.depends_on(tool) or ((config or place.configures(tool)) and place.has_tool(tool)):
                return OneProgram((), tool, arguments), within(place.folder, config) if config else f"{tool} is a dependency"
        return None

    def _linter(self, place: Package) -> tuple[OneProgram, str] | None:
        for tool, package, configs, arguments in (
            ("eslint", "eslint", _ESLINT, (".",)),
            ("biome", "@biomejs/biome", _BIOME, ("check", ".")),
            ("oxlint", "oxlint", _OXLINT, ()),
        ):
            config = next((name for name in configs if self._exists(within(place.folder, name))), "")
            # ESLint does nothing without a configuration; the others have one built in.
            own = place.configures("eslintConfig") if tool == "eslint" else place.depends_on(package)
            if (config or own) and place.has_tool(package):
                return OneProgram((), tool, arguments), within(place.folder, config) if config else f"{package} is a dependency"
        return None
