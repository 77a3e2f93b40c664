"""Words that people use for outcomes, kinds of checks and actions on files."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise
from typing import Any, Literal

from aigentflow.runtime.telling import for_display

Stance = Literal["pass", "fail", "not_run"]
LONGEST = 200
"""Characters of one claim, and of what the record says of it."""


def vocabulary(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_KINDS: dict[str, str] = {
    **dict.fromkeys(
        vocabulary("typecheck typechecks typechecking typechecker tsc mypy pyright types typing typings typescript"),
        "typecheck",
    ),
    **dict.fromkeys(vocabulary("compile compiles compiled compilation compiler"), "typecheck"),
    **dict.fromkeys(
        vocabulary("test tests testing tested vitest jest pytest mocha spec specs suite suites unittest unittests phpunit rspec"),
        "tests",
    ),
    **dict.fromkeys(["e2e", "integration"], "tests"),
    **dict.fromkeys(
        vocabulary("lint lints linter linters linting linted eslint biome ruff flake8 pylint oxlint stylelint clippy"),
        "lint",
    ),
    **dict.fromkeys(vocabulary("build builds building built bundle"), "build"),
}
_GENERIC = vocabulary("verification verify verified checks validation validated gates ci everything quality qa pipeline all overall")
_QUALIFIERS = vocabulary("e2e integration acceptance smoke visual performance load mutation contract regression")

_GOOD = re.compile(
    r"(?:\bpass(?:es|ed|ing)?\b|\bok(?:ay)?\b|\bsucce(?:ss|ssful|ssfully|eds?|eded)\b|\bgreen\b|\bclean(?:ly)?\b|\btrue\b|\byes\b|\by\b|\bgood\b"
    r"|\bfine\b|\bverified\b|\bcompiles\b|\bbuilds\b|\bdone\b|\bcompleted?\b|\bcheck(?:ed|mark)\b|\bvalid\b|\bworks?\b|\bworking\b|\bclear\b"
    r"|\bsatisfied\b|\bperfect\b|\bconfirmed\b|\bhappy\b|\bran\b|[✅✓✔☑🟢👍💚])",
    re.IGNORECASE,
)
_BAD = re.compile(
    r"(?:\bfail(?:s|ed|ing|ures?)?\b|\berror(?:s|ed)?\b|\bred\b|\bbroken?\b|\bfalse\b|\bunsuccessful\b|[❌✗✘🔴👎])", re.IGNORECASE
)
_NOT_BAD = re.compile(
    r"\b(?:no|zero|0|without(?: any)?|free of)\s+(?:\w+[ -]){0,2}?(?:fail\w*|errors?|issues?|problems?|warnings?|violations?|findings)\b"
    r"|\berror[ -]free\b|\b(?:errors?|failures?|failed|warnings?|issues)\s*[:=]\s*0\b|\bexit(?:\s*(?:code|status))?\s*[:=]?\s*0\b"
    r"|\b(\d+)\s*(?:/|of|out of)\s*\1\b|\b100\s*%",
    re.IGNORECASE,
)
_NOT_RUN = re.compile(
    r"\bnot[_ -]?(?:yet[_ -])?(?:been[_ -])?(?:run|ran|executed|verified|tested|checked|applicable|available|done|performed|attempted)\b"
    r"|\b(?:un(?:verified|tested|known|able|available)|n/?a|pending|todo|tbd|none|null)\b"
    r"|\b(?:could|can|did|do|does|was|were|have|has)(?: not|n['’]?t)\b"
    r"|\bcannot\b|\bnever\b|\bnot (?:pass|green|clean|ok)",
    re.IGNORECASE,
)
_SKIPPED = re.compile(r"\b(?:skip(?:ped)?|omitted|deferred)\b", re.IGNORECASE)
_SHORT: dict[str, Stance] = {
    "no": "fail",
    "n": "fail",
    "x": "fail",
    "f": "fail",
    "p": "pass",
    "-": "not_run",
    "–": "not_run",
    "?": "not_run",
}
_N_FAILED = re.compile(r"\b[1-9]\d*\s+(?:\w+\s+)?(?:fail|error)", re.IGNORECASE)


def words(name: str) -> list[str]:
    """Return the words of a key such as `linesChanged`, `lines_changed` or `Lines changed`, in lower case."""
    return [piece.lower() for piece in _PIECES.findall(name.replace("e2e", "E2e").replace("E2e", " endtoend "))]


def kind_of(name: Collection[str]) -> str | None:
    """Return which check the words name: `typecheck`, `tests`, `lint`, `build`; None for none."""
    listed = list(name)
    if any(pair in (("type", "check"), ("type", "checks"), ("type", "checking"), ("type", "checker")) for pair in _pairs(listed)):
        return "typecheck"
    if "endtoend" in listed:
        return "tests"
    return next((_KINDS[word] for word in listed if word in _KINDS), None)


def is_generic(name: Collection[str]) -> bool:
    """Whether the words mean all checks together."""
    return any(word in _GENERIC for word in name)


def qualifier(name: Collection[str]) -> str:
    """Return the word that makes tests other than the plain ones: `e2e`, `integration`; '' without one."""
    return "e2e" if "endtoend" in name else next((word for word in name if word in _QUALIFIERS), "")


def stance(text: str) -> Stance | None:
    """Return what a short answer such as `42 passed, 0 failed` says; None where it says neither."""
    plain = text.strip().lower()
    if plain in _SHORT or not plain:
        return _SHORT.get(plain)
    if _N_FAILED.search(plain):
        return "fail"
    rest = _NOT_BAD.sub(" ✓ ", plain)
    if _NOT_RUN.search(rest):
        return "not_run"
    if _BAD.search(rest):
        return "fail"
    if _GOOD.search(rest):
        return "pass"
    return "not_run" if _SKIPPED.search(rest) else None


def clean(value: Any, most: int = LONGEST) -> str:
    """Return the value as one short line without control characters."""
    text = for_display(value if isinstance(value, str) else _json(value))
    line = " ".join(text[: 20 * most].split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _json(value: Any) -> str:
    import json

    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return "…"


def _pairs(items: list[str]) -> list[tuple[str, str]]:
    return list(pairwise(items))
