"""What `aigentflow doctor` says of verification: the commands that would be run for a change in each package of the workspace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from aigentflow.command_line.finding import Finding
from aigentflow.command_line.opening import Workspace
from aigentflow.definitions.project import PROJECT_FILE
from aigentflow.errors import PathError
from aigentflow.runtime.result import VERIFICATIONS
from aigentflow.runtime.verification.discovery import plan
from aigentflow.runtime.verification.steps import Step
from aigentflow.workspace.snapshot import Snapshot

_MANIFESTS = frozenset({"package.json", "pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "pytest.ini", "mypy.ini"})
_SOURCES = (".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".vue", ".svelte", ".py")
_MOST_PACKAGES = 8
_MOST_FILES = 20_000


def findings(workspace: Workspace) -> Iterator[Finding]:
    """Yield, for each verification, its commands with where they come from, or why there is none."""
    snapshot = Snapshot(workspace.root)
    samples = _samples(snapshot.paths(limit=_MOST_FILES))
    stated = {str(name): command for name, command in workspace.project.verification.items()}
    if stated and not workspace.trusts_project:
        said = f"{PROJECT_FILE} is not trusted, so its commands are not run: {', '.join(stated)}"
        yield Finding("verify", "note", said, f"Read it, then `aigentflow trust {workspace.root}`.")
        stated = {}
    found: dict[str, dict[tuple[str, str], Step]] = {name: {} for name in VERIFICATIONS}
    reasons: dict[str, str] = {}
    for sample in samples[:_MOST_PACKAGES] or [""]:
        plans = plan([sample] if sample else [], lambda path: _text(snapshot, path), snapshot.exists, stated)
        for name, planned in plans.items():
            reasons.setdefault(name, planned.reason)
            found[name].update({(step.command, step.folder): step for step in planned.steps if not step.narrow})
    for name in VERIFICATIONS:
        for step in found[name].values():
            yield _finding(name, step)
        if not found[name]:
            yield Finding(f"verify {name}", "note", f"not run: {reasons.get(name) or 'nothing to run was found'}")
    if len(samples) > _MOST_PACKAGES:
        yield Finding(
            "verify", "note", f"{len(samples) - _MOST_PACKAGES} more packages were not looked at here; a run looks at those it changes"
        )


def _finding(name: str, step: Step) -> Finding:
    where = f" in {step.folder}" if step.folder else ""
    said = f"{step.command}{where} ({step.why})"
    if step.masked:
        return Finding(f"verify {name}", "note", f"{said}: {step.masked}", "Let the command end with the status of what it checks.")
    return Finding(f"verify {name}", "ok", said)


def _samples(paths: Iterable[str]) -> list[str]:
    """Return one source file of each package, the outermost packages first."""
    known = list(paths)
    homes = {Path(path).parent.as_posix() for path in known if path.rpartition("/")[2] in _MANIFESTS}
    first: dict[str, str] = {}
    for path in known:
        if path.endswith(_SOURCES) and (home := _home(path, homes)) is not None:
            first.setdefault(home, path)
    return [first[home] for home in sorted(first, key=lambda home: (home.count("/"), home))]


def _home(path: str, homes: set[str]) -> str | None:
    return next((folder.as_posix() for folder in Path(path).parents if folder.as_posix() in homes), None)


def _text(snapshot: Snapshot, path: str) -> str | None:
    try:
        return snapshot.peek(path).text
    except PathError:
        return None
