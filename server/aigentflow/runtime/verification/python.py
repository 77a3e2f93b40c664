"""Verification commands of a Python project, by its configuration files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aigentflow.runtime.verification.masking import masked_in_files
from aigentflow.runtime.verification.scripts import upwards, within
from aigentflow.runtime.verification.steps import MOST_FILES, Exists, Read, Step, named, words

MARKERS = ("pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "mypy.ini", ".mypy.ini", "pytest.ini", "ruff.toml", "requirements.txt")
_NEEDS = ("requirements.txt", "requirements-dev.txt", "requirements/dev.txt", "dev-requirements.txt", "Pipfile")


@dataclass(frozen=True)
class PythonProject:
    """A folder with a Python project and what its configuration says."""

    folder: str
    pyproject: Mapping[str, Any]
    text: str
    """Everything that names dependencies."""
    sections: frozenset[str]
    """Sections of setup.cfg and tox.ini, as `setup.cfg:flake8`."""

    def has_tool(self, name: str) -> bool:
        """Whether pyproject.toml configures the tool."""
        tools = self.pyproject.get("tool")
        return isinstance(tools, dict) and name in tools

    def needs(self, name: str) -> bool:
        """Whether the tool is a dependency, by the names that stand there."""
        return re.search(rf"(?<![\w-]){name}(?![\w-])", self.text) is not None


def project_at(folder: str, read: Read, exists: Exists) -> PythonProject | None:
    """Return the nearest Python project upwards, None where there is none."""
    found = next((parent for parent in upwards(folder) if any(exists(within(parent, name)) for name in MARKERS)), None)
    if found is None:
        return None
    text = read(within(found, "pyproject.toml")) or ""
    try:
        pyproject: Mapping[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError):
        pyproject = {}
    sections = {
        f"{name}:{section}"
        for name in ("setup.cfg", "tox.ini")
        for section in re.findall(r"^\[([\w:.-]+)\]", read(within(found, name)) or "", re.M)
    }
    needs = "\n".join([text, read(within(found, "setup.cfg")) or "", *(read(within(found, name)) or "" for name in _NEEDS)])
    return PythonProject(found, pyproject, needs, frozenset(sections))


class PythonCommands:
    """Finds the commands of one field for Python projects of one workspace."""

    def __init__(self, read: Read, exists: Exists) -> None:
        self._read = read
        self._exists = exists

    def steps(self, field: str, project: PythonProject, changed: Sequence[str]) -> tuple[Step, ...]:
        """Return the steps of a field; `changed` are the project's changed paths, deleted ones too."""
        there = [path for path in changed if path.endswith((".py", ".pyi")) and self._exists(path)]
        if field == "tests":
            found = self._tests(project, there)
        elif field == "typecheck":
            found = self._types(project, there)
        else:
            found = self._lint(project, there)
        return tuple(
            Step(s.command, s.folder, s.why, s.narrow, masked_in_files(s.command, s.folder, self._read)) for s in found if s is not None
        )

    def _tests(self, project: PythonProject, there: Sequence[str]) -> list[Step | None]:
        why = self._configured(
            project, "pytest", "pytest.ini", "setup.cfg:tool:pytest", "tox.ini:pytest", "conftest.py", "tests/conftest.py"
        )
        tests = self._related_tests(project, there)
        if not why and not tests:
            return []
        run = [*self._python(project), "-m", "pytest"]
        narrow = self._narrow(project, run, tests) if tests else None
        return [narrow, Step(words(run), project.folder, why or "test files by their names")]

    def _types(self, project: PythonProject, there: Sequence[str]) -> list[Step | None]:
        why = self._configured(project, "mypy", "mypy.ini", ".mypy.ini", "setup.cfg:mypy", "tox.ini:mypy")
        if why:
            arguments = [] if self._mypy_knows_its_files(project) else self._top_folders(project, there)
            stated = arguments or self._mypy_knows_its_files(project)
            return [Step(words([*self._python(project), "-m", "mypy", *arguments]), project.folder, why)] if stated else []
        why = self._configured(project, "pyright", "pyrightconfig.json") or self._configured(project, "basedpyright")
        name = "basedpyright" if project.has_tool("basedpyright") or project.needs("basedpyright") else "pyright"
        return [Step(words(self._program(project, name)), project.folder, why)] if why else []

    def _lint(self, project: PythonProject, there: Sequence[str]) -> list[Step | None]:
        why = self._configured(project, "ruff", "ruff.toml", ".ruff.toml")
        if why:
            run = [*self._program(project, "ruff"), "check"]
            return [self._narrow(project, run, there), Step(words([*run, "."]), project.folder, why)]
        why = self._configured(project, "flake8", ".flake8", "setup.cfg:flake8", "tox.ini:flake8")
        if why:
            run = [*self._python(project), "-m", "flake8"]
            return [self._narrow(project, run, there), Step(words(run), project.folder, why)]
        return []

    def _narrow(self, project: PythonProject, run: Sequence[str], files: Sequence[str]) -> Step | None:
        if not 0 < len(files) <= MOST_FILES:
            return None
        command = words([*run, *(named(path, project.folder) for path in files)])
        return Step(command, project.folder, f"{len(files)} file{'s' * (len(files) > 1)} of the change", narrow=True)

    def _configured(self, project: PythonProject, tool: str, *places: str) -> str:
        """Return where the tool is configured or needed, '' where it is not."""
        if project.has_tool(tool):
            return f"[tool.{tool}] of {within(project.folder, 'pyproject.toml')}"
        for place in places:
            if place in project.sections:
                return f"[{place.partition(':')[2]}] of {within(project.folder, place.partition(':')[0])}"
            if ":" not in place and self._exists(within(project.folder, place)):
                return within(project.folder, place)
        return f"{tool} is a dependency" if project.needs(tool) else ""

    def _environment(self, project: PythonProject) -> str:
        """Return the nearest virtual environment as seen from the project's folder, '' where there is none."""
        for up, parent in enumerate(upwards(project.folder)):
            for name in (".venv", "venv"):
                # The interpreter itself is a link; this file is not.
                if self._exists(within(parent, f"{name}/pyvenv.cfg")) or self._exists(within(parent, f"{name}/bin/python")):
                    return "../" * up + name
        return ""

    def _manager(self, project: PythonProject) -> str:
        """Return the program that keeps the project's environment in a place of its own, '' for none."""
        if project.has_tool("poetry") or self._exists(within(project.folder, "poetry.lock")):
            return "poetry"
        return "pipenv" if self._exists(within(project.folder, "Pipfile")) else ""

    def _python(self, project: PythonProject) -> list[str]:
        if environment := self._environment(project):
            return [f"{environment}/bin/python"]
        manager = self._manager(project)
        return [manager, "run", "python"] if manager else ["python3"]

    def _program(self, project: PythonProject, name: str) -> list[str]:
        """Return how a program is run that may be installed on its own."""
        if not self._environment(project) and not (self._manager(project) and project.needs(name)):
            return [name]
        return [*self._python(project), "-m", name]

    def _mypy_knows_its_files(self, project: PythonProject) -> bool:
        mypy = (project.pyproject.get("tool") or {}).get("mypy")
        texts = [self._read(within(project.folder, name)) or "" for name in ("mypy.ini", ".mypy.ini", "setup.cfg")]
        named_files = isinstance(mypy, dict) and any(key in mypy for key in ("files", "packages", "modules"))
        return named_files or any(re.search(r"^(?:files|packages|modules)\s*=", text, re.M) for text in texts if "[mypy" in text)

    def _top_folders(self, project: PythonProject, there: Sequence[str]) -> list[str]:
        return sorted({named(path, project.folder).split("/")[0] for path in there})[:MOST_FILES]

    def _related_tests(self, project: PythonProject, there: Sequence[str]) -> list[str]:
        """Return changed test files, and those that belong to changed sources by their names."""
        found: dict[str, None] = {}
        for path in there:
            folder, _slash, name = path.rpartition("/")
            if re.fullmatch(r"test_.*\.py|.*_test\.py", name):
                found[path] = None
                continue
            found |= dict.fromkeys(candidate for candidate in _test_names(project.folder, folder, name) if self._exists(candidate))
        return list(found)


def _test_names(root: str, folder: str, name: str) -> list[str]:
    """Return where tests of a source file lie by habit."""
    inner = folder[len(root) + 1 :] if root else folder
    parts = [part for part in inner.split("/") if part and part != "src"]
    mirrors = ["/".join(parts[at:]) for at in range(len(parts) + 1)]
    folders = [folder, within(folder, "tests"), within(folder, "test")]
    folders += [within(within(root, top), mirror).rstrip("/") for top in ("tests", "test", "tests/unit") for mirror in mirrors]
    stem = name.removesuffix(".py").strip("_") or "init"
    flat = "_".join([*parts, stem])
    names = dict.fromkeys([f"test_{stem}.py", f"{stem}_test.py", f"test_{flat}.py", f"test_{'_'.join([*parts[-1:], stem])}.py"])
    return [within(place, test) for place in dict.fromkeys(folders) for test in names]
