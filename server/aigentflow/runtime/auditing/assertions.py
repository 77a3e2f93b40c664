"""Assertions of a test file: what each looks at, how strict it is, how much it states."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from aigentflow.runtime.auditing.counting import language_of
from aigentflow.workspace.lines import LineIndex

_JS = re.compile(
    r"(?<![\w$])(?:expect(?!\.(?:any|anything|objectContaining|arrayContaining|string\w*|closeTo|not|extend|\w+State|addSnapshot\w*)\b)|assert)\w*"
    r"(?:\.\w+)*\s*(?:<[^<>()\n]*>)?\s*\(|\.should\b|(?<![\w$.])should\s*\("
    r"|(?<![\w$.])t\.(?:is|isNot|not|deepEqual|notDeepEqual|like|true|false|truthy|falsy|throws\w*|notThrows\w*|regex|snapshot|equals?|strictEqual|ok|notOk|same|match|rejects)\s*\("
)
_PYTHON = re.compile(
    r"(?m)^[ \t]*assert\b|\bself\.(?:assert|fail)\w*\s*\(|\bpytest\.(?:raises|warns|fail)\s*\(|\.assert_\w+\s*\("
    r"|(?<![\w.])(?:assert|check|expect)_\w+\s*\("
)
_OTHERS: dict[str, re.Pattern[str]] = {
    "go": re.compile(r"\b[tb]\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(|\b(?:require|assert)\.\w+\("),
    "rs": re.compile(r"\b(?:debug_)?assert\w*!|#\[should_panic"),
    "rb": re.compile(r"\bexpect\b|\bassert\w*\b|\brefute\w*\b|\.should\b|\bmust_\w+"),
    "php": re.compile(r"(?:->|::)assert\w+\s*\(|\bexpect\w*\s*\("),
}
_ANY = re.compile(r"(?<![\w$])(?:assert|expect|verify)\w*[!\s]*\(|\.should\w*\(")
_ENDS_STATEMENT = re.compile(r"\s*(?:\?\.|\.|!\.)")
_LONGEST = 6_000
_MOST = 5_000
_WEAK = re.compile(
    r"^(?:toBeDefined|toBeTruthy|toBeFalsy|toHaveBeenCalled|toBeCalled|toHaveReturned|toReturn|ok|exist|truthy|falsy|assert|isOk|exists|isDefined|pass)$"
)
_MIDDLE = re.compile(
    r"^(?:toMatchObject|toContain|toContainEqual|toMatch|toHaveProperty|toBeGreaterThan\w*|toBeLessThan\w*|toBeInstanceOf|toBeTypeOf|toSatisfy|toBeOneOf"
    r"|toContainText|include|includes?|contain|contains?|match|property|above|below|least|most|like|isAbove|isAtLeast|instanceOf|a|an)$"
)
_STRICT = re.compile(
    r"^(?:toBe|toEqual|toStrictEqual|toHaveBeenCalledWith|toBeCalledWith|toHaveBeenLastCalledWith|toHaveBeenNthCalledWith|toHaveBeenCalledTimes|toHaveBeenCalledOnce\w*"
    r"|toThrow|toThrowError|toHaveLength|toBeNull|toBeUndefined|toBeNaN|toBeCloseTo|toMatchInlineSnapshot|toMatchSnapshot|equals?|eql?|deepEqual|strictEqual|deepStrictEqual"
    r"|toHaveText|toHaveValue|toHaveURL|is|same|lengthOf|true|false|null|undefined|throws|rejects|calledWith|calledOnce\w*)$"
)


@dataclass(frozen=True)
class Assertion:
    """One assertion; lines are 0-based."""

    first: int
    last: int
    text: str
    """As it stands, blanks folded."""
    subject: str
    """What it looks at, '' where that is not known."""
    rank: int
    """3: one value or shape, 2: a bound or a part, 1: hardly anything, 0: not known."""
    weight: int
    """How many values it states."""

    @property
    def root(self) -> str:
        """The first name of the subject."""
        match = re.search(r"[A-Za-z_$][\w$]*", re.sub(r"^(?:await|typeof|len|not|Object\.keys)\b\W*", "", self.subject))
        return match.group() if match else ""


def assertions_of(text: str, code: str, path: str, windows: Sequence[tuple[int, int]] | None = None) -> list[Assertion]:
    """Return the assertions of a text in order; `code` has comments and strings blanked, `windows` are the lines to look at."""
    language = language_of(path)
    pattern = _JS if language == "js" else _PYTHON if language == "py" else _OTHERS.get(language, _ANY)
    starts = LineIndex(text).starts
    found: list[Assertion] = []
    for first, last in windows if windows is not None else [(0, len(starts))]:
        stop = starts[last] if last < len(starts) else len(code)
        start = end = -1
        for match in islice(pattern.finditer(code, starts[first], stop), _MOST):
            # An assertion inside another one belongs to it, unless it is in a callback of its own.
            between = code[start : match.start()] if match.start() < end and language in ("js", "py") else "=>"
            if "=>" not in between and "function" not in between:
                continue
            start = match.end() - len(match.group().lstrip())
            end = _end(code, start, language)
            found.append(_assertion(text, code, (start, end), language, starts))
    return found[:_MOST]


def _assertion(text: str, code: str, span: tuple[int, int], language: str, starts: list[int]) -> Assertion:
    start, end = span
    raw, masked = text[start:end], code[start:end]
    subject, rank = _python(raw, masked) if language == "py" else _script(raw, masked) if language == "js" else ("", 0)
    inside = masked[masked.find("(") + 1 :]
    weight = 1 + len(re.findall(r",(?!\s*[\])}])", inside)) if re.search(r"[{\[(]", inside) or language == "py" else 1
    return Assertion(
        bisect_right(starts, start) - 1, bisect_right(starts, max(start, end - 1)) - 1, " ".join(raw.split()), subject, rank, weight
    )


def _end(code: str, start: int, language: str) -> int:
    """Return where the statement ends that begins here: brackets closed and no further call in the chain."""
    depth, at, stop = 0, start, min(len(code), start + _LONGEST)
    while at < stop:
        character = code[at]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth < 0:
                return at
            if depth == 0 and language != "py" and not _ENDS_STATEMENT.match(code, at + 1):
                return at + 1
        elif depth == 0 and (character == ";" or (character in "\r\n" and (language == "py" or not _ENDS_STATEMENT.match(code, at)))):
            return at
        at += 1
    return stop


def _script(raw: str, masked: str) -> tuple[str, int]:
    """Return subject and rank of an assertion in JavaScript or TypeScript."""
    head = masked.find("(")
    if head < 0:
        return "", 0
    close = _closing(masked, head)
    inside = raw[head + 1 : close].strip()
    if masked.startswith("expect"):
        chain = masked[close + 1 :]
        names = re.findall(r"\.\s*(\w+)", re.sub(r"\([^()]*(?:\([^()]*(?:\([^()]*\)[^()]*)*\)[^()]*)*\)", "()", chain))
        arguments = raw[close + 1 :].rpartition("(")[2].rstrip(" )\n\t") if "(" in chain else ""
        return " ".join(inside.split()), _rank(names, arguments, raw[close + 1 :])
    first = re.split(r",(?![^([{]*[)\]}])", inside, maxsplit=1)[0].strip()
    name = re.split(r"[.\s(<]", masked[:head].strip())[-1] if "." in masked[:head] else "assert"
    if name in ("assert", "ok") and (compared := re.split(r"\s*(?:===?|!==?|<=?|>=?)\s*", first, maxsplit=1))[1:]:
        return compared[0], 3 if re.search(r"===?", first) and "!=" not in first else 2
    return first, _rank([name], inside, "")


def _rank(names: list[str], arguments: str, chain: str) -> int:
    known = [name for name in names if _WEAK.match(name) or _MIDDLE.match(name) or _STRICT.match(name)]
    if not known:
        return 0
    last = known[-1]
    if "not" in names or last.startswith("not") or _WEAK.match(last) or re.search(r"\(\s*expect\.any(?:thing)?\(", chain):
        return 1
    if last in ("toThrow", "toThrowError", "throws") and not arguments.strip():
        return 1
    if _MIDDLE.match(last) or re.search(r"\(\s*expect\.\w+Containing\(", chain):
        return 2
    return 3


def _python(raw: str, masked: str) -> tuple[str, int]:
    """Return subject and rank of an assertion in Python."""
    if match := re.match(r"assert\b\s*\(?", masked):
        return _compared(raw[match.end() :].strip())
    if match := re.match(r"self\.(?:assert|fail)(\w*)\s*\(", masked):
        first = re.split(r",(?![^([{]*[)\]}])", raw[match.end() :], maxsplit=1)[0].strip(" )\n")
        name = match[1].lower()
        if name in ("true", "false") and re.search(r"==", first):
            return re.split(r"\s*==\s*", first, maxsplit=1)[0], 3
        return first, 1 if name in ("true", "false", "isnotnone", "notequal", "isnot") else 2 if name.startswith(
            ("in", "greater", "less", "isinst", "regex")
        ) else 3
    if masked.startswith("pytest.raises"):
        return "raises", 1 if re.match(r"pytest\.raises\(\s*(?:Base)?Exception\s*\)", raw) else 3 if "match" in raw else 2
    if match := re.match(r"\.assert_(\w+)", masked):
        return "mock", {"called": 1, "called_once": 2, "any_call": 2}.get(match[1], 3)
    return "", 0


def _compared(expression: str) -> tuple[str, int]:
    operator = re.search(r"\s(==|!=|<=|>=|<|>|is not|is|not in|in)\s", expression)
    if operator is None:
        called = re.match(r"isinstance\(([^,]*)|([\w.\[\]'\"]+)\.(?:startswith|endswith)\(", expression)
        return (next(group for group in called.groups() if group), 2) if called else (expression.rstrip(")"), 1)
    subject = expression[: operator.start()].strip()
    subject = re.sub(r"^len\((.*)\)$", r"\1", subject) if operator[1] != "==" else subject
    rank = {"==": 3, "is": 3, "!=": 1, "is not": 1}.get(operator[1], 2)
    return subject, rank


def _closing(masked: str, at: int) -> int:
    depth = 0
    for place in range(at, len(masked)):
        if masked[place] in "([{":
            depth += 1
        elif masked[place] in ")]}":
            depth -= 1
            if depth == 0:
                return place
    return len(masked)
