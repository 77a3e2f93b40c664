"""What a target of a Makefile runs, as far as that stands there in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aigentflow.runtime.verification.meanings import NOTHING, Meaning, Recipe, Unclear
from aigentflow.runtime.verification.words import NotUnderstood

NAMES = ("GNUmakefile", "makefile", "Makefile")
_VARIABLE = re.compile(r"^(?:export\s+)?([\w.-]+)\s*(?:[:?+]|::)?=\s*(.*)$")
_RULE = re.compile(r"^([^\s#:=][^#:=]*?)\s*::?(?!=)\s*([^#;=]*)(?:;\s*(.*))?$")
_USE = re.compile(r"\$[({]([\w.-]+)[)}]")
_ODD = re.compile(
    r"^\s*(?:\.IGNORE|\.ONESHELL|\.POSIX|MAKEFLAGS|define\b|(?:export\s+|override\s+)*(?:\.?SHELL(?:FLAGS)?)\s*[:?+]?=)",
    re.M,
)
_NOT_RUN = {"-n", "--dry-run", "--just-print", "-v", "--version", "-h", "--help", "-t", "--touch", "-q", "-p"}
_HARMLESS = re.compile(r"-s|--silent|--quiet|-B|--always-make|-k|--keep-going|--no-print-directory|-j\d*")


@dataclass
class Makefile:
    """Targets with what they need and the lines that they run."""

    needs: dict[str, list[str]] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    first: str = ""


def asked_of_make(arguments: Sequence[str]) -> Meaning:
    """Return what make is asked for by its arguments."""
    folder, file, targets, rest = "", "", list[str](), list(arguments)
    while rest:
        text = rest.pop(0)
        if text in ("-C", "--directory", "-f", "--file") and rest:
            folder, file = (rest.pop(0), file) if text in ("-C", "--directory") else (folder, rest.pop(0))
        elif text in _NOT_RUN:
            return NOTHING
        elif _HARMLESS.fullmatch(text):
            continue
        elif text.startswith("-") or "=" in text:
            return Unclear(f"`make {text}` is not looked into")
        else:
            targets.append(text)
    return Recipe(tuple(targets), folder, file)


def read_makefile(text: str) -> Makefile:
    """Return the targets of a Makefile; raises NotUnderstood where it changes how lines are run."""
    if _ODD.search(text):
        raise NotUnderstood("its Makefile changes how lines are run")
    found, variables, current = Makefile(), dict[str, str](), list[str]()
    for line in re.sub(r"\\\n[ \t]*", " ", text.replace("\r\n", "\n")).split("\n"):
        if line.startswith("\t"):
            for target in current:
                found.lines[target].append(_expanded(line.strip(), variables))
        elif match := _VARIABLE.match(line):
            variables[match[1]] = match[2].strip()
        elif match := _RULE.match(line):
            current = _expanded(match[1], variables).split()
            for target in current:
                found.first = found.first or ("" if target.startswith(".") else target)
                found.needs.setdefault(target, []).extend(_expanded(match[2], variables).replace("|", " ").split())
                found.lines.setdefault(target, []).extend([_expanded(match[3], variables)] if match[3] else [])
        elif line.strip() and not line.lstrip().startswith("#"):
            current = []
    return found


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    for _ in range(5):
        text = _USE.sub(lambda match: variables.get(match[1], match[0]), text)
        if len(text) > 20_000:
            raise NotUnderstood("its Makefile is too long to be looked into")
    return re.sub(r"\$\$", "$", text)
