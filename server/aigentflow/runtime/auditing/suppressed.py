"""Remarks in the code that switch a checker off for a place, and types given up."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aigentflow.runtime.auditing.counting import language_of
from aigentflow.runtime.auditing.shifts import Shift
from aigentflow.runtime.result import WeakeningPart

_DIRECTIVES: tuple[tuple[str, str, str], ...] = (
    (r"(?://|/\*+|^\s*\*|\{/\*)\s*@ts-(?:ignore|expect-error|nocheck)\b", "types-suppressed", "the type checker"),
    (r"(?://|/\*+|\{/\*|<!--)\s*(?:eslint|oxlint|tslint|stylelint)[-:]disable(?:-next-line|-line)?\b", "lint-suppressed", "the linter"),
    (r"(?://|/\*+|\{/\*|<!--|#)\s*biome-ignore(?:-all|-start)?\b", "lint-suppressed", "the linter"),
    (r"(?://|/\*+)\s*deno-lint-ignore(?:-file)?\b", "lint-suppressed", "the linter"),
    (r"#\s*type:\s*ignore\b", "types-suppressed", "the type checker"),
    (
        r"#\s*(?:pyright:\s*(?:ignore|basic)|mypy:\s*(?:ignore-errors|disable-error-code|allow-\w+)|pyre-ignore)\b",
        "types-suppressed",
        "the type checker",
    ),
    (r"#\s*(?:ruff:\s*|flake8:\s*)?noqa\b(?=\s*$|\s*:|\s+#|\s*[A-Z]\d)", "lint-suppressed", "the linter"),
    (r"#\s*(?:pylint:\s*(?:disable|skip-file)|rubocop:disable|nosec\b|isort:\s*skip)", "lint-suppressed", "the linter"),
    (
        r"(?://|/\*+|#)\s*(?:istanbul|c8|v8|node:coverage)\s+(?:ignore|disable)\b|#\s*pragma:\s*no cover\b",
        "coverage-suppressed",
        "coverage",
    ),
    (r"//\s*nolint\b|(?://|#)\s*NOSONAR\b|//\s*phpstan-ignore|@phpstan-ignore|@SuppressWarnings\b", "lint-suppressed", "the linter"),
)
_PATTERNS = tuple((re.compile(pattern, re.MULTILINE), kind, what) for pattern, kind, what in _DIRECTIVES)
_AS_ANY = re.compile(r"\bas\s+any\b(?!\w)|\bas\s+unknown\s+as\b|<any>(?=[\w(\[{])")
_RUST_ALLOW = re.compile(r"#!?\[allow\(")
_CODE = re.compile(r"\.(?:[cm]?[jt]sx?|py|pyi|vue|svelte|astro|go|rs|java|kt|cs|php|rb|scala|css|scss|html)$")


def suppressions(shift: Shift) -> Iterator[WeakeningPart]:
    """Yield each added remark that keeps a checker from seeing a place."""
    if not _CODE.search(shift.path) or shift.lines.change.after is None:
        return
    for pattern, kind, what in _PATTERNS:
        for line, text in shift.surplus(pattern, shift.comments):
            yield shift.part(line, kind, f"`{text.strip('/*#{< ')}` keeps {what} from looking here")
    if language_of(shift.path) == "js":
        for line, text in shift.surplus(_AS_ANY, shift.code):
            yield shift.part(line, "types-suppressed", f"`{text}` gives up the type here")
    elif shift.path.endswith(".rs"):
        for line, text in shift.surplus(_RUST_ALLOW, shift.code):
            yield shift.part(line, "lint-suppressed", f"`{text}…` keeps the linter from looking here")
