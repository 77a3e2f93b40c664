"""Which commands verify a proposal: those of the trusted project file, else those found in the packages of the changed files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aigentflow.runtime.result import VERIFICATIONS
from aigentflow.runtime.verification.masking import masked_in
from aigentflow.runtime.verification.node import NodeCommands
from aigentflow.runtime.verification.packages import Package, package_at
from aigentflow.runtime.verification.python import PythonCommands, PythonProject, project_at
from aigentflow.runtime.verification.scripts import FileScripts
from aigentflow.runtime.verification.steps import Exists, Plan, Read, Step

__all__ = ["Plan", "Step", "plan"]

_MOST_STEPS = 12
_PYTHON_ENDS = (".py", ".pyi")
_SCRIPT_ENDS = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte", ".astro")
_NOT_ASKED = {
    **{".go": "Go", ".rs": "Rust", ".java": "Java", ".kt": "Kotlin", ".rb": "Ruby", ".php": "PHP", ".cs": "C#", ".swift": "Swift"},
    **{".c": "C", ".cc": "C++", ".cpp": "C++", ".ex": "Elixir", ".scala": "Scala", ".dart": "Dart"},
}
_WANTED = {
    "typecheck": "a script such as `typecheck`, a tsconfig.json with TypeScript installed, or a configuration of mypy or pyright",
    "tests": "a script such as `test`, or a configuration of Vitest, Jest or pytest",
    "lint": "a script such as `lint`, or a configuration of ESLint, Biome, Oxlint, Ruff or flake8",
}
_STATE_IT = "state one under `verification` in .aigentflow/project.yaml"


def plan(changed: Sequence[str], read: Read, exists: Exists, stated: Mapping[str, str]) -> Mapping[str, Plan]:
    """Return the plan of each field for these changed paths (deleted ones too); `stated` are the project file's commands and win."""
    homes = _Homes(changed, read, exists)
    return {field: _stated(stated.get(field, "").strip(), homes) or homes.plan(field) for field in VERIFICATIONS}


def _stated(command: str, homes: _Homes) -> Plan | None:
    return (
        Plan((Step(command, "", "stated in the project file", masked=masked_in(command, "", homes.source, stated=True)),))
        if command
        else None
    )


class _Homes:
    """The packages and projects that the changed files belong to."""

    def __init__(self, changed: Sequence[str], read: Read, exists: Exists) -> None:
        self._packages: dict[str, tuple[Package, list[str]]] = {}
        self._projects: dict[str, tuple[PythonProject, list[str]]] = {}
        self._changed = changed
        finder = FileScripts(read)
        for path in dict.fromkeys(changed):
            folder = path.rpartition("/")[0]
            package = None if path.endswith(_PYTHON_ENDS) else package_at(folder, finder, exists)
            project = None if path.endswith(_SCRIPT_ENDS) else project_at(folder, read, exists)
            # A file that either may care for belongs to the one that lies closer.
            if package is not None and (project is None or len(package.folder) >= len(project.folder)):
                self._packages.setdefault(package.folder, (package, []))[1].append(path)
            if project is not None and (package is None or len(project.folder) >= len(package.folder)):
                self._projects.setdefault(project.folder, (project, []))[1].append(path)
        self.source = FileScripts(read, tuple(self._packages))
        self._node = NodeCommands(self.source, exists)
        self._python = PythonCommands(read, exists)

    def plan(self, field: str) -> Plan:
        """Return the plan of a field for which no command is stated."""
        steps = list(self._node.steps(field, self._packages.values()))
        steps += [step for project, paths in self._projects.values() for step in self._python.steps(field, project, paths)]
        # All narrow ones first: they fail early.
        ordered = sorted(dict.fromkeys(steps), key=lambda step: not step.narrow)
        if len(ordered) > _MOST_STEPS:
            ordered = [step for step in ordered if not step.narrow]
        if len(ordered) > _MOST_STEPS:
            return Plan(reason=f"the change touches {len(ordered)} packages, more than are verified one by one; {_STATE_IT}")
        return Plan(tuple(ordered)) if ordered else Plan(reason=self._why_none(field))

    def _why_none(self, field: str) -> str:
        languages = sorted({name for path in self._changed for end, name in _NOT_ASKED.items() if path.endswith(end)})
        if languages and not self._packages and not self._projects:
            return f"commands for {' and '.join(languages)} are not looked for; {_STATE_IT}"
        if not self._packages and not self._projects:
            return f"the changed files belong to no package.json or Python project; {_STATE_IT}"
        return f"no command was found: there is no {_WANTED[field].removeprefix('a ')}; {_STATE_IT}"
