"""Settings of linters (ESLint, Biome and others) with which they report less."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aigentflow.runtime.auditing.settings_files import BUILT, entries, switches
from aigentflow.runtime.auditing.shifts import Shift
from aigentflow.runtime.result import WeakeningPart

_FILE = re.compile(
    r"(?:^|/)(?:\.eslintrc(?:\.\w+)?|eslint\.config\.[cm]?[jt]s|biome\.jsonc?|rome\.json|\.oxlintrc\.json|oxlint\.json|tslint\.json|\.stylelintrc(?:\.\w+)?|stylelint\.config\.[cm]?js"
    r"|xo\.config\.[cm]?js|\.rubocop\.yml|\.golangci\.ya?ml|package\.json)$"
)
_IGNORE_FILE = re.compile(r"(?:^|/)\.(?:eslint|biome|stylelint|oxlint)ignore$")
_RULE = re.compile(
    r"['\"]?(?P<name>@?[A-Za-z][\w-]*(?:/[\w-]+){0,3})['\"]?\s*:\s*(?:\[\s*|\{\s*['\"]?level['\"]?\s*:\s*)?(?P<level>['\"](?:off|warn|error|info|warning)['\"]|[012](?=\s*[,\]}\n])|(?:off|warn|error)\s*$)",
    re.MULTILINE,
)
_LEVELS = {"off": 0, "0": 0, "info": 1, "warn": 1, "warning": 1, "1": 1, "error": 2, "2": 2}
_SWITCHES = {"recommended": True, "all": True, "reportUnusedDisableDirectives": True, "enabled": True, "root": None}
_PRESET = re.compile(
    r"\b(?:recommended\w*|strict\w*|stylisticTypeChecked|all)\b|['\"][\w@/:.-]*(?:recommended|strict|standard|airbnb)[\w@/:.-]*['\"]"
)


def loosened_lint(shift: Shift) -> Iterator[WeakeningPart]:
    """Yield each setting that makes a linter report less."""
    if shift.lines.change.after is None:
        if _FILE.search(shift.path) and not shift.path.endswith("package.json") and not _replaced(shift):
            yield shift.part(0, "lint-loosened", "the linter's settings are deleted")
        return
    if _IGNORE_FILE.search(shift.path):
        for line, text in shift.lines.added:
            if text.strip() and not text.lstrip().startswith(("#", "!")) and not BUILT.search(text.strip()):
                yield shift.part(line, "lint-loosened", f"`{text.strip()}` is no longer linted")
    elif _FILE.search(shift.path) and not (
        shift.path.endswith("package.json") and "eslintConfig" not in shift.lines.after + shift.lines.before
    ):
        yield from _rules(shift)
        if not shift.path.endswith("package.json"):
            yield from _reach(shift)


def _replaced(shift: Shift) -> bool:
    """Whether another linter's settings are made in the same proposal."""
    return any(lines.change.kind in ("create", "rename") and _FILE.search(lines.path) for lines in shift.moves.files)


def _rules(shift: Shift) -> Iterator[WeakeningPart]:
    before = _levels("".join(shift.plain[0]))
    after = _levels("".join(shift.plain[1]))
    for name, levels in after.items():
        line, level = min(levels, key=lambda found: found[1])
        was = min((found[1] for found in before.get(name, ())), default=None)
        if (was is None and level == 0 and shift.lines.change.base is not None) or (was is not None and level < was):
            yield shift.part(line, "lint-loosened", f"the rule `{name}` is {'switched off' if level == 0 else 'a warning only'}")
    for name, levels in before.items():
        line, level = max(levels, key=lambda found: found[1])
        if name not in after and level == 2 and name not in shift.lines.after:
            yield shift.gone(line, "lint-loosened", f"the rule `{name}` is no longer set")


def _levels(text: str) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for match in _RULE.finditer(text):
        level = _LEVELS.get(match["level"].strip("'\" \n"))
        if level is not None and (match["level"][0] in "'\"" or "/" in match["name"] or "-" in match["name"]):
            found.setdefault(match["name"], []).append((text.count("\n", 0, match.start()), level))
    return found


def _reach(shift: Shift) -> Iterator[WeakeningPart]:
    for key in ("ignores", "ignorePatterns", "ignore", "excludedFiles", "excludes", "exclude", "includes"):
        before = {text for _, text in entries(shift.lines.before, key)}
        for line, text in entries(shift.lines.after, key):
            excluding = key != "includes" or text.startswith("!")
            if (
                text not in before
                and excluding
                and not BUILT.search(text)
                and not text.startswith("!!")
                and (key == "includes" or not text.startswith("!"))
            ):
                yield shift.part(line, "lint-loosened", f"`{text}` is no longer linted")
    for key in ("recommended", "enabled", "reportUnusedDisableDirectives"):
        before_off = [on for _, on in switches(shift.lines.before, key)].count(False)
        off = [line for line, on in switches(shift.lines.after, key) if not on]
        if len(off) > before_off:
            yield shift.part(off[-1], "lint-loosened", f"`{key}` is switched off")
    gone = [(line, match.group()) for line, _ in shift.lines.removed for match in _PRESET.finditer(shift.plain[0][line])]
    n_new = sum(len(_PRESET.findall(shift.plain[1][line])) for line, _ in shift.lines.added)
    if len(gone) > n_new:
        yield shift.gone(gone[-1][0], "lint-loosened", f"the rules of `{gone[-1][1].strip(chr(39) + chr(34))}` are left out")
