"""Which commands verify a proposal: those of the trusted project file, else those found in the packages of the changed files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aigentflow.runtime.result import VERIFICATIONS
from aigentflow.runtime.verification.masking import masked_in
from aigentflow.runtime.verification.node import NodeCommands
from aigentflow.runtime.verification.packages import Package, package_at
from aigentflow.runtime.verification.scripts import FileScripts
from aigentflow.runtime.verification.steps import Exists, Plan, Read, Step

STATED = "the project file"
_MOST_STEPS = 12


def plan(changed: Sequence[str], read: Read, exists: Exists, stated: Mapping[str, str]) -> Mapping[str, Plan]:
    """Return the plan of each field for these changed paths (deleted ones too); `stated` are the project file's commands and win."""
    packages: dict[str, Package] = {}
    paths: dict[str, list[str]] = {}
    source = FileScripts(read)
    for path in changed:
        package = package_at(path.rpartition("/")[0], source, exists)
        if package is not None:
            packages[package.folder] = package
            paths.setdefault(package.folder, []).append(path)
    source = FileScripts(read, tuple(packages))
    commands = NodeCommands(source, exists)
    plans: dict[str, Plan] = {}
    for field in VERIFICATIONS:
        if command := stated.get(field, "").strip():
            plans[field] = Plan((Step(command, "", STATED, masked=masked_in(command, "", source)),))
            continue
        steps = [step for folder, package in packages.items() for step in commands.steps(field, package, paths[folder])]
        plans[field] = Plan(tuple(dict.fromkeys(steps))[:_MOST_STEPS]) if steps else Plan(reason=f"no command for {field} was found")
    return plans
