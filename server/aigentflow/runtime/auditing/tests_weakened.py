"""Test files that check less than before: assertions gone or looser, tests gone, skipped or emptied, failures swallowed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from aigentflow.runtime.auditing.assertions_weakened import weakened_assertions
from aigentflow.runtime.auditing.counting import declared, is_test_path, rows
from aigentflow.runtime.auditing.shifts import Shift
from aigentflow.runtime.result import WeakeningPart

_SKIPS = re.compile(
    r"(?<![\w$.])(?:it|test|describe|context|suite|specify|bench)(?:\.\w+)*\.(?:skip|todo|fixme|skipIf|runIf|fails|failing)\b|(?<![\w$.])x(?:it|test|describe|context|specify)\s*\("
    r"|\b(?:this|ctx|context|t)\.skip\s*\(|@pytest\.mark\.(?:skip|skipif|xfail)\b|\bpytest\.mark\.(?:skip|xfail)\b|\bpytest\.(?:skip|xfail)\s*\("
    r"|@(?:unittest\.)?(?:skip|skipIf|skipUnless|expectedFailure)\b|\bself\.skipTest\s*\(|\bcollect_ignore(?:_glob)?\b|\b__test__\s*=\s*False"
    r"|\bt\.Skip(?:f|Now)?\s*\(|#\[ignore\b|@(?:Disabled|Ignore)\b|\bSkip\s*=|\bmarkTest(?:Skipped|Incomplete)\s*\(|@tag\s+:skip"
)
_FOCUS = re.compile(r"(?<![\w$.])(?:it|test|describe|context|suite|specify)(?:\.\w+)*\.only\b|(?<![\w$.])f(?:it|describe|context)\s*\(")
_LITERAL = r"(?:true|false|null|undefined|\d+|'[^'\n]*'|\"[^\"\n]*\"|`[^`\n$]*`|\[\s*\]|\{\s*\})"
_TRIVIAL = re.compile(
    rf"\bexpect\(\s*{_LITERAL}\s*\)\s*\.\s*(?:not\.)?(?:toBe|toEqual|toStrictEqual|toBeTruthy|toBeFalsy|toBeDefined|to\.\w+)"
    r"|\bexpect\(\s*([A-Za-z_$][\w$.]*)\s*\)\s*\.\s*to(?:Be|Equal|StrictEqual)\(\s*\1\s*\)"
    rf"|\bassert(?:\.ok|\.isTrue|\.isOk)?\(\s*(?:true|1)\s*[,)]|\bassert\.\w*[eE]qual\(\s*({_LITERAL}|[\w$.]+)\s*,\s*\2\s*[,)]|(?<![\w.])t\.(?:pass\(|(?:true|ok|truthy)\(\s*true\s*\))"
    r"|^\s*assert\s+(?:True|1|not\s+False|not\s+None|\"[^\"]+\"|'[^']+')\s*(?:,|$)|^\s*assert\s+([\w.]+)\s*==\s*\3\s*$|\bassertTrue\(\s*True\s*[,)]|\bassertEqual\(\s*([\w.]+)\s*,\s*\4\s*\)"
    r"|^\s*assert\b.*\bor\s+True\b|\bexpect\(.*\|\|\s*true\s*\)|\bassert!\(\s*true\s*\)|\bassertTrue\(\s*true\s*\)",
    re.MULTILINE,
)
_NEVER = re.compile(r"\bif\s*\(\s*(?:false|0)\s*\)|^\s*if\s+(?:False|0)\s*:|\bwhile\s*\(\s*false\s*\)", re.MULTILINE)
_SUPPRESS = re.compile(r"\bsuppress\(\s*(?:AssertionError|Exception|BaseException)\b")
_CATCH_CALL = re.compile(r"\.catch\(\s*(?:\(\s*\w*\s*\)|\w+)\s*=>\s*(?:\{\s*\}|undefined|null|void 0)\s*\)|\.catch\(\s*noop\s*\)")


def weakened_tests(shift: Shift) -> Iterator[WeakeningPart]:
    """Yield where a test file checks less than before."""
    if not (is_test_path(shift.path) or is_test_path(shift.old_path) or shift.path.endswith("conftest.py")):
        return
    lost = list(_lost_tests(shift))
    yield from lost
    if shift.lines.change.after is not None:
        yield from _marks(shift)
        if shift.lines.change.base is not None:
            yield from weakened_assertions(shift, {part.line for part in lost})


def _marks(shift: Shift) -> Iterator[WeakeningPart]:
    """Yield what single added lines show."""
    for line, text in shift.surplus(_SKIPS, shift.code):
        if shift.lines.change.base is None and _conditional(shift.code[1], line, text):
            continue
        yield shift.part(line, "test-skipped", f"`{text.rstrip('( ')}` keeps tests from running or from counting")
    for line, text in shift.surplus(_FOCUS, shift.code):
        yield shift.part(line, "test-focused", f"`{text.rstrip('( ')}` keeps all other tests from running")
    for line, text in shift.surplus(_TRIVIAL, shift.plain, in_strings=False):
        yield shift.part(line, "assertion-trivial", f"`{text}` can never fail")
    for line, text in shift.surplus(_NEVER, shift.code):
        yield shift.part(line, "assertion-unreachable", f"what follows `{text}` never runs")
    for line, _ in shift.surplus(_SUPPRESS, shift.code):
        yield shift.part(line, "failure-swallowed", "a failed assertion is swallowed")
    for line, text in shift.surplus(_CATCH_CALL, shift.code):
        if re.search(r"expect|assert", _around(shift.code[1], line)):
            yield shift.part(line, "failure-swallowed", f"`{text}` swallows a failed assertion")
    yield from _swallowed(shift)
    yield from _returns(shift)


def _conditional(lines: list[str], line: int, text: str) -> bool:
    """Whether a new test is skipped only where something is missing."""
    if re.search(r"skip(?:If|if|Unless)|runIf|collect_ignore", text):
        return True
    before = next((above for above in reversed(lines[max(0, line - 4) : line]) if above.strip()), "")
    return bool(re.match(r"\s*(?:if|elif|else|except|\}?\s*else|\}?\s*catch)\b", before) or re.match(r"\s*if\b", lines[line]))


def _around(lines: list[str], line: int) -> str:
    return "".join(lines[max(0, line - 3) : line + 1])


def _swallowed(shift: Shift) -> Iterator[WeakeningPart]:
    """Yield each added `catch` or `except` behind assertions that neither fails the test nor looks at what was caught."""
    lines = shift.code[1]
    for line, _ in shift.lines.added:
        if match := re.search(r"\bcatch\b\s*(?:\([^)]*\))?\s*\{", lines[line]):
            body = _block("".join(lines[line:])[match.end() - 1 :])
            guarded = "".join(lines[max(0, line - 40) : line + 1]).rpartition("try")[2]
        elif re.match(r"\s*except\b.*:", lines[line]):
            indent = len(lines[line]) - len(lines[line].lstrip())
            rest = lines[line + 1 : line + 20]
            size = next((n for n, text in enumerate(rest) if text.strip() and len(text) - len(text.lstrip()) <= indent), len(rest))
            body = lines[line].split(":", 1)[-1] + "".join(rest[:size])
            guarded = "".join(lines[max(0, line - 40) : line]).rpartition("try:")[2]
        else:
            continue
        asserts = re.search(r"\bexpect\b|\bassert|\.should\b", guarded)
        if (
            asserts
            and not re.search(r"\bthrow\b|\braise\b|expect|assert|\bfail\b|\breject\b|\bdone\(|\bt\.", body)
            and shift.lines.new[line] not in shift.lines.old
        ):
            yield shift.part(line, "failure-swallowed", "a failed assertion is caught here and the test passes")


def _block(text: str) -> str:
    depth = 0
    for at, character in enumerate(text[:4_000]):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return text[: at + 1]
    return text[:4_000]


def _returns(shift: Shift) -> Iterator[WeakeningPart]:
    """Yield each added `return` that keeps the lines behind it from running."""
    lines = shift.code[1]
    for line, _ in shift.lines.added:
        if not re.fullmatch(r"\s*return(?:\s+(?:null|undefined|None))?;?\s*", lines[line]):
            continue
        following = next((text for text in lines[line + 1 : line + 6] if text.strip()), "")
        same = len(following) - len(following.lstrip()) == len(lines[line]) - len(lines[line].lstrip())
        if (
            following
            and same
            and following.lstrip()[0] not in "})]"
            and not re.match(r"\s*(?:case|default|def|async|@|class|it|test)\b", following)
        ):
            yield shift.part(line, "assertion-unreachable", "what follows this `return` never runs")


def _lost_tests(shift: Shift) -> Iterator[WeakeningPart]:
    lines, change = shift.lines, shift.lines.change
    if change.base is None or not is_test_path(shift.old_path):
        return
    before = declared(lines.before, shift.old_path)
    if not before:
        return
    elsewhere = shift.moves.gained_elsewhere(shift.path)
    if change.after is None or not is_test_path(shift.path):
        staying = [name for _, name in before if name and name in elsewhere]
        if len(staying) < len(before) and not _subject_gone(shift):
            said = "is deleted" if change.after is None else "is renamed so that it is no longer found as a test file"
            yield shift.part(0, "test-file-deleted", f"the test file {shift.old_path} with {len(before)} {_tests(len(before))} {said}")
        return
    after = declared(lines.after, shift.path)
    loss = len(before) + rows(lines.before, shift.old_path) - len(after) - rows(lines.after, shift.path)
    names = Counter(name for _, name in after)
    gone = []
    for line, name in before:
        if names[name]:
            names[name] -= 1
        elif name in elsewhere and name:
            loss -= 1
        else:
            gone.append((line, name))
    for line, name in gone[: max(0, loss)]:
        yield shift.gone(line, "test-deleted", f"the test {name or 'here'} is gone")
    if loss > len(gone) and lines.places:
        yield shift.part(lines.places[0][2], "test-deleted", f"{loss - len(gone)} rows of a table of test cases are gone")


def _tests(number: int) -> str:
    return "test" if number == 1 else "tests"


def _subject_gone(shift: Shift) -> bool:
    """Whether the file that the tests are about is deleted as well."""
    stem = _stem(shift.old_path)
    return any(
        lines.change.kind == "delete" and lines.path != shift.path and not is_test_path(lines.path) and _stem(lines.path) == stem
        for lines in shift.moves.files
    )


def _stem(path: str) -> str:
    name = re.sub(r"\.\w+$", "", path.rsplit("/", 1)[-1].lower())
    return re.sub(
        r"^test_|[._-](?:spec|test|tests|e2e|e2e-spec|int|unit|integration)$|_test$", "", re.sub(r"[._-](?:spec|test)$", "", name)
    )
