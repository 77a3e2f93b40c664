"""Settings of test runners, coverage and Python checkers with which fewer failures are seen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aigentflow.runtime.auditing.settings_files import BUILT, entries, numbers, switches
from aigentflow.runtime.auditing.shifts import Shift
from aigentflow.runtime.auditing.wording import vocabulary
from aigentflow.runtime.result import WeakeningPart

_RUNNER = re.compile(
    r"(?:^|/)(?:vitest|vite|jest|playwright|cypress|karma|ava|wdio|nyc|c8)(?:[.-][\w-]+)*\.(?:config|conf|workspace|setup)(?:\.\w+)?\.(?:[cm]?[jt]s|json)$"
    r"|(?:^|/)(?:vitest|jest|vite|playwright|cypress)\.(?:config|workspace|preset)\.[cm]?[jt]s(?:on)?$|(?:^|/)(?:\.nycrc(?:\.json)?|\.c8rc(?:\.json)?|\.mocharc\.\w+|cypress\.json|package\.json)$"
)
_PYTHON = re.compile(
    r"(?:^|/)(?:pyproject\.toml|pytest\.ini|setup\.cfg|tox\.ini|mypy\.ini|\.mypy\.ini|\.coveragerc|\.?ruff\.toml|\.flake8|\.pylintrc|pyrightconfig\.json|noxfile\.py)$"
)
_COVERAGE = re.compile(r"(?:^|/)(?:\.?codecov\.ya?ml|sonar-project\.properties|\.coveralls\.yml)$")
_THRESHOLDS = ("lines", "branches", "functions", "statements", "check-coverage", "100")
_EXCLUDING = (
    "exclude",
    "testPathIgnorePatterns",
    "coveragePathIgnorePatterns",
    "modulePathIgnorePatterns",
    "testIgnore",
    "excludeSpecPattern",
    "watchPathIgnorePatterns",
)
_INCLUDING = ("include", "testMatch", "testRegex", "testDir", "specPattern", "roots", "collectCoverageFrom", "testpaths", "python_files")
_LENIENT = ("passWithNoTests", "dangerouslyIgnoreUnhandledErrors", "allowOnly", "ignoreHTTPSErrors", "skipFullRun", "isolate_off")
_RETRYING = re.compile(r"(?<![\w-])['\"]?(retry|retries|retryTimes|reruns)['\"]?\s*[:=(]\s*(?:\{[^}]*?)?(\d+)|\.retryTimes\(\s*(\d+)")
_BAIL = re.compile(r"(?<![\w-])['\"]?bail['\"]?\s*:\s*(?!0\b|false\b)([\w.]+)")
_ADDOPTS = re.compile(
    r"(?<![\w-])(--ignore(?:-glob)?(?:=|\s+)[\w./*-]+|--deselect(?:=|\s+)\S+|-k\s+\S+|-m\s+['\"\\]*not\s+\w+|--no-cov\b|--no-cov-on-fail|-p\s+no:\w+|--reruns(?:=|\s+)\d+|--exitfirst|--maxfail(?:=|\s+)\d+|--suppress-no-test-exit-code|-W\s*ignore\S*)"
)
_GONE_OPTIONS = re.compile(r"(?<![\w-])(--strict-markers|--strict-config|--strict\b|-W\s*error|--cov-fail-under(?:=|\s+)\d+|--cov\b)")
_LOOSE_PYTHON = (
    "ignore_errors",
    "ignore_missing_imports",
    "allow_untyped_defs",
    "allow_untyped_calls",
    "implicit_optional",
    "allow_redefinition",
)
_TIGHT_PYTHON = vocabulary(
    "strict disallow_untyped_defs disallow_incomplete_defs check_untyped_defs disallow_untyped_calls disallow_any_generics "
    "no_implicit_optional warn_return_any warn_unused_ignores strict_optional strict_equality disallow_any_unimported "
    "warn_unreachable no_implicit_reexport disallow_subclassing_any xfail_strict branch show_missing disallow_untyped_decorators"
)
_PYTHON_LISTS = (
    "omit",
    "exclude_lines",
    "exclude_also",
    "exclude",
    "extend-exclude",
    "ignore",
    "extend-ignore",
    "norecursedirs",
    "disable",
    "disable_error_code",
    "lint.ignore",
)
_SAFE = re.compile(
    r"TYPE_CHECKING|pragma: no cover|__main__|NotImplementedError|abstractmethod|overload|^\s*\.\.\.\s*$|^D\d|^E501$|^W503$|^E203$"
)


def loosened_runs(shift: Shift) -> Iterator[WeakeningPart]:
    """Yield each setting with which tests, coverage or a Python checker see fewer failures."""
    if shift.lines.change.base is None:
        return
    if shift.lines.change.after is None:
        yield from _deleted(shift)
        return
    if _RUNNER.search(shift.path):
        relevant = not shift.path.endswith("package.json") or re.search(
            r"['\"](?:jest|nyc|c8|vitest|ava|mocha)['\"]\s*:\s*\{", shift.lines.after + shift.lines.before
        )
        if relevant:
            yield from _coverage(shift, _THRESHOLDS)
            yield from _runner(shift)
    elif _PYTHON.search(shift.path):
        yield from _coverage(shift, ("fail_under", "cov-fail-under", "fail-under"))
        yield from _python(shift)
    elif _COVERAGE.search(shift.path):
        yield from _coverage(shift, ("target", "threshold"))


def _deleted(shift: Shift) -> Iterator[WeakeningPart]:
    thresholds = [key for key in (*_THRESHOLDS, "fail_under") if numbers(shift.lines.before, key)]
    settings = _RUNNER.search(shift.path) or _PYTHON.search(shift.path)
    others = [
        lines
        for lines in shift.moves.files
        if lines.change.kind in ("create", "rename") and (_RUNNER.search(lines.path) or _PYTHON.search(lines.path))
    ]
    if settings and thresholds and not others:
        yield shift.part(0, "coverage-lowered", f"the settings are deleted, and with them the threshold `{thresholds[0]}`")


def _coverage(shift: Shift, keys: tuple[str, ...]) -> Iterator[WeakeningPart]:
    for key in keys:
        before, after = numbers(shift.lines.before, key), numbers(shift.lines.after, key)
        if not before:
            continue
        if not after:
            yield shift.gone(before[0][0], "coverage-lowered", f"the threshold `{key}` is gone")
            continue
        lower = [
            (line, now) for (line, now), (_, was) in zip(after, before, strict=False) if (now > was if key == "threshold" else now < was)
        ]
        if lower:
            was = before[[line for line, _ in after].index(lower[0][0])][1]
            yield shift.part(lower[0][0], "coverage-lowered", f"the threshold `{key}` goes from {was:g} to {lower[0][1]:g}")
        elif len(after) < len(before):
            yield shift.gone(before[-1][0], "coverage-lowered", f"a threshold `{key}` is gone")


def _runner(shift: Shift) -> Iterator[WeakeningPart]:
    old, new = "".join(shift.plain[0]), "".join(shift.plain[1])
    for key in _EXCLUDING:
        yield from _excluded(shift, old, new, key, "tests-excluded")
    for key in _INCLUDING:
        yield from _narrowed(shift, old, new, key)
    for key in _LENIENT:
        was_on = [on for _, on in switches(old, key)].count(True)
        on = [line for line, value in switches(new, key) if value]
        if len(on) > was_on:
            yield shift.part(on[-1], "run-loosened", f"`{key}` is switched on")
    for line, text in shift.surplus(_BAIL, shift.plain):
        yield shift.part(line, "run-loosened", f"`{text}` stops the tests before all of them ran")
    for line, text in shift.surplus(_RETRYING, shift.plain):
        number = int(re.findall(r"\d+", text)[-1])
        was = max((int(re.findall(r"\d+", match.group())[-1]) for match in _RETRYING.finditer(old)), default=0)
        if number > was:
            yield shift.part(line, "run-loosened", f"`{text}`: a test that fails is tried again until it passes")
    for key in ("enabled", "collectCoverage", "checkCoverage", "check-coverage", "forbidOnly", "errorOnDeprecated"):
        was_off = [on for _, on in switches(old, key)].count(False)
        off = [line for line, value in switches(new, key) if not value]
        if len(off) > was_off and any(on for _, on in switches(old, key)):
            yield shift.part(off[-1], "coverage-lowered", f"`{key}` is switched off")


def _excluded(shift: Shift, old: str, new: str, key: str, kind: str) -> Iterator[WeakeningPart]:
    before = {text for _, text in entries(old, key)}
    for line, text in entries(new, key):
        named = key != "exclude" or bool(re.search(r"[/*.]", text))
        if text not in before and named and not BUILT.search(text) and not _SAFE.search(text):
            yield shift.part(line, kind, f"`{key}` now leaves out `{text}`")


def _narrowed(shift: Shift, old: str, new: str, key: str) -> Iterator[WeakeningPart]:
    before, after = entries(old, key), entries(new, key)
    now = {text for _, text in after}
    gone = [(line, text) for line, text in before if text not in now and not text.startswith("!")]
    if gone and after and len(after) <= len(before) and not any(len(text) < len(gone[0][1]) and "*" in text for text in now):
        yield shift.gone(gone[0][0], "tests-excluded", f"`{key}` no longer takes in `{gone[0][1]}`")


def _python(shift: Shift) -> Iterator[WeakeningPart]:
    old, new = "".join(shift.plain[0]), "".join(shift.plain[1])
    for line, text in shift.surplus(_ADDOPTS, shift.plain):
        yield shift.part(line, "tests-excluded", f"`{text}` leaves tests out or hides failures")
    lost = [(line, match.group()) for line, _ in shift.lines.removed for match in _GONE_OPTIONS.finditer(shift.plain[0][line])]
    for line, text in lost:
        if re.split(r"[=\s]", text)[0] not in new:
            yield shift.gone(line, "run-loosened", f"`{text}` is left out")
    for key in _LOOSE_PYTHON:
        on = [line for line, value in switches(new, key) if value]
        if len(on) > [value for _, value in switches(old, key)].count(True):
            yield shift.part(on[-1], "types-loosened", f"`{key}` is switched on")
    for key in sorted(_TIGHT_PYTHON):
        before, after = switches(old, key), switches(new, key)
        off = [line for line, value in after if not value]
        if len(off) > [value for _, value in before].count(False):
            yield shift.part(off[-1], "types-loosened", f"`{key}` is switched off")
        elif any(value for _, value in before) and len(after) < len(before):
            yield shift.gone(before[0][0], "types-loosened", f"`{key}` is no longer set")
    for key in _PYTHON_LISTS:
        yield from _excluded(shift, old, new, key, "check-loosened")
    for key in ("select", "extend-select", "enable_error_code"):
        now = {text for _, text in entries(new, key)}
        gone = [(line, text) for line, text in entries(old, key) if text not in now and "ALL" not in now]
        if gone:
            yield shift.gone(gone[0][0], "lint-loosened", f"`{key}` no longer holds `{gone[0][1]}`")
    yield from _plain_lists(shift)


def _plain_lists(shift: Shift) -> Iterator[WeakeningPart]:
    """Yield codes and paths added to lists of INI files, and to tables of rules by file."""
    for line, text in shift.lines.added:
        plain = shift.plain[1][line]
        if match := re.match(r"\s*(ignore|extend-ignore|omit|exclude|disable|filterwarnings)\s*=\s*(?!\[)(\S[^\n]*)", plain):
            was = {piece for old in shift.lines.old for piece in re.split(r"[,\s]+", old)}
            fresh = [piece for piece in re.split(r"[,\s]+", match[2].strip()) if piece not in was and not _known(piece)]
            if fresh and ('"' not in match[2] or match[1] == "filterwarnings"):
                yield shift.part(line, "check-loosened", f"`{match[1]}` now holds `{fresh[0]}`")
        elif re.match(r"\s*['\"][\w/*.-]+['\"]\s*=\s*\[\s*['\"][A-Z]+\d*['\"]", plain) and text not in shift.lines.old:
            yield shift.part(line, "lint-loosened", f"rules are left out for files: `{plain.strip()}`")
        elif re.match(r"\s*follow_imports\s*=\s*['\"]?(?:skip|silent)", plain):
            yield shift.part(line, "types-loosened", f"`{plain.strip()}` looks into fewer modules")


def _known(piece: str) -> bool:
    return bool(BUILT.search(piece) or _SAFE.search(piece))
