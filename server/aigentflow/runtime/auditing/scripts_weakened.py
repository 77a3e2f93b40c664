"""Scripts, CI steps and make targets with which a check does less, or fails without anybody noticing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from aigentflow.runtime.auditing.programs import is_narrow, kinds_of, simple_commands
from aigentflow.runtime.auditing.settings_files import at, jsonc, line_of_key
from aigentflow.runtime.auditing.shifts import Shift
from aigentflow.runtime.auditing.wording import kind_of, vocabulary, words
from aigentflow.runtime.result import WeakeningPart

_CI = re.compile(
    r"(?:^|/)(?:\.github/(?:workflows|actions)/.+\.ya?ml|\.gitlab-ci\.ya?ml|\.circleci/.+\.ya?ml|azure-pipelines[\w.-]*\.ya?ml|bitbucket-pipelines\.yml|\.travis\.yml"
    r"|Jenkinsfile|\.drone\.ya?ml|\.woodpecker(?:/.+)?\.ya?ml|buildkite/.+\.ya?ml|\.pre-commit-config\.yaml|\.lintstagedrc(?:\.\w+)?|lefthook\.ya?ml)$"
)
_SHELL = re.compile(r"(?:^|/)(?:Makefile|GNUmakefile|justfile|Taskfile\.ya?ml|.+\.(?:sh|bash|mk)|\.husky/[\w-]+)$", re.IGNORECASE)
_HIDING = re.compile(
    r"\|\|\s*(?:true\b|:(?=\s|$|['\"])|exit\s+0\b|echo\b|printf\b)|;\s*(?:true|exit\s+0)\b|--pass-?[wW]ith-?[nN]o-?[tT]ests\b|--no-error-on-unmatched-pattern\b|--exit-zero\b|--silent-failures?\b"
    r"|(?<![\w-])(?:-u|--update-?[sS]napshots?)\b(?=\s|$|['\"])|--noCheck\b|--skipLibCheck\b|--testPathIgnorePatterns\b|--quiet\b|--bail\b|--retry\b|--retries\b|--exclude\b|--ignore-pattern\b"
    r"|--testNamePattern\b|--no-strict\b|--ignore(?:=|\s)\S+|--deselect\b|\bset\s+\+e\b|--continue-on-error\b|--onlyChanged\b|--suppress-all\b|--ignore-missing-imports\b|--no-verify\b"
)
_ALLOWED = re.compile(
    r"\bcontinue-on-error\s*:\s*(?!false\b)\S+|\ballow[_-]failure\s*:\s*true\b"
    r"|^\s*(?:- )?if\s*:\s*(?:false|\$\{\{\s*false\s*\}\})\s*$|\bcontinueOnError\s*:\s*true\b|\bsoft_fail\s*:\s*true\b"
)
_TIGHT = re.compile(r"--max-warnings(?:=|\s+)(\d+)|--(?:cov-)?fail-under(?:=|\s+)(\d+)")
_KEPT_OPTIONS = re.compile(
    r"(?<![\w-])(--strict\b|--coverage\b|--check\b|--frozen-lockfile\b|--noEmit\b|--runInBand\b|--ci\b|--max-warnings|--cov-fail-under|--cov\b|--fail-on-\w+)"
)
_LIKELY = re.compile(
    r"test|lint|tsc|typecheck|type-check|mypy|pyright|ruff|flake8|biome|jest|mocha|check|spec|tox|nox|\bvet\b|clippy|prettier|black|playwright|cypress|standard|ava\b",
    re.IGNORECASE,
)
_CHECKS = vocabulary("test tests lint typecheck check checks verify ci validate coverage types e2e unit quality audit")


def weakened_scripts(shift: Shift) -> Iterator[WeakeningPart]:
    """Yield each script or CI step that checks less than before, or no longer fails where its check does."""
    name = shift.path.rsplit("/", 1)[-1]
    if (
        name in ("package.json", "deno.json", "composer.json")
        and shift.lines.change.after is not None
        and shift.lines.change.base is not None
    ):
        yield from _package_scripts(shift)
    elif _CI.search(shift.path) or _SHELL.search(shift.path):
        yield from _steps(shift)


def _package_scripts(shift: Shift) -> Iterator[WeakeningPart]:
    new = jsonc(shift.lines.after)
    before = _scripts(jsonc(shift.lines.before))
    after = _scripts(new)
    for name, was in before.items():
        now = after.get(name)
        kinds = kinds_of(was, before.get)
        checking = bool(kinds) or bool(_CHECKS & set(words(name)))
        if now is None:
            if checking and was not in after.values() and kinds - _all_kinds(after, set(before)):
                yield shift.gone(line_of_key(shift.lines.before, name), "check-removed", f"the script `{name}` (`{was}`) is gone")
        elif now != was and checking and (why := _less(was, now, before, after)):
            start = shift.lines.after.find('"scripts"')
            yield shift.part(line_of_key(shift.lines.after, name, max(0, start)), "check-loosened", f"the script `{name}`: {why}")


def _all_kinds(scripts: dict[str, str], old: set[str]) -> set[str]:
    """Return what the scripts that are new check, so that a renamed or split one is no loss."""
    return {kind for name, text in scripts.items() if name not in old for kind in kinds_of(text, scripts.get)}


def _scripts(value: object) -> dict[str, str]:
    scripts = at(value, "scripts") or at(value, "tasks")
    return {name: text for name, text in scripts.items() if isinstance(text, str)} if isinstance(scripts, dict) else {}


def _less(was: str, now: str, before: dict[str, str], after: dict[str, str]) -> str:
    """Return in what a command line checks less than the one before; '' where it does not."""
    hidden = Counter(match.group().split("=")[0].strip() for match in _HIDING.finditer(now))
    hidden -= Counter(match.group().split("=")[0].strip() for match in _HIDING.finditer(was))
    if hidden:
        return f"`{next(iter(hidden))}` hides failures or leaves something out"
    lost = kinds_of(was, before.get) - kinds_of(now, after.get)
    only_prints = all(command[0] in ("echo", "true", ":", "exit", "printf") for command in simple_commands(now))
    if lost or (only_prints and now.strip() != was.strip()):
        return f"it no longer runs `{was}`"
    if is_narrow(now) and not is_narrow(was) and len(kinds_of(now, after.get)) <= len(kinds_of(was, before.get)):
        return f"it runs only a part of `{was}`"
    for old, new in ((old, new) for old in _TIGHT.finditer(was) for new in _TIGHT.finditer(now)):
        if (old[1] and new[1] and int(new[1]) > int(old[1])) or (old[2] and new[2] and int(new[2]) < int(old[2])):
            return f"`{old.group()}` becomes `{new.group()}`"
    gone = [match.group() for match in _KEPT_OPTIONS.finditer(was) if match.group() not in now]
    same_program = {command[0] for command in simple_commands(was)} & {command[0] for command in simple_commands(now)}
    return f"`{gone[0]}` is left out" if gone and same_program and gone[0] not in ("--noEmit", "--runInBand", "--ci") else ""


def _steps(shift: Shift) -> Iterator[WeakeningPart]:
    ci = bool(_CI.search(shift.path))
    if shift.lines.change.after is None:
        if ci and any(kinds_of(line.strip().removeprefix("- ").removeprefix("run:").strip()) for line in shift.lines.old):
            yield shift.part(0, "ci-loosened", "a CI file that runs checks is deleted")
        return
    if ci and shift.lines.change.base is not None:
        for line, text in shift.surplus(_ALLOWED, shift.plain):
            yield shift.part(line, "ci-loosened", f"`{text}`: a failure of this step counts no longer")
    for line, text in shift.surplus(_HIDING, shift.plain):
        checks = _runs_check(shift.plain[1][line])
        if checks and shift.lines.change.base is not None:
            yield shift.part(line, "ci-loosened" if ci else "check-loosened", f"`{text}` hides failures of a check or leaves something out")
    if shift.path.lower().endswith("makefile"):
        for line, raw in shift.lines.added:
            if re.match(r"\t@?-\s*\S", raw) and _runs_check(raw.replace("-", "", 1)):
                yield shift.part(line, "check-loosened", "make goes on where this check fails")
    yield from _lost_steps(shift, ci)


def _lost_steps(shift: Shift, ci: bool) -> Iterator[WeakeningPart]:
    """Yield each check that a file ran and no longer runs, or runs on fewer lines than before."""
    was = Counter(kind for line in shift.plain[0] for kind in _kinds(line))
    now = Counter(kind for line in shift.plain[1] for kind in _kinds(line))
    for line, _ in shift.lines.removed:
        for kind in _kinds(shift.plain[0][line]):
            if was[kind] > now[kind] == 0:
                was[kind] = 0
                yield shift.gone(line, "ci-loosened" if ci else "check-removed", f"`{shift.lines.old[line].strip()}` is gone")


def _command(line: str) -> str:
    return re.sub(r"^\s*(?:-\s+)?(?:(?:run|script|command|entry|cmd)\s*:\s*)?[|>]?[@-]*", "", line).strip().strip("'\"")


def _kinds(line: str) -> frozenset[str]:
    return kinds_of(_command(line)) if _LIKELY.search(line) else frozenset()


def _runs_check(line: str) -> bool:
    if "set +e" in line or _kinds(line):
        return True
    pieces = words(_command(line).split(" ")[0].rsplit("/", 1)[-1])
    return bool(_CHECKS & set(pieces)) or kind_of(pieces) is not None
