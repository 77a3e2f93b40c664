"""Tests and assertions of a test file, counted by its text; comments and strings are put aside first."""

from __future__ import annotations

import re

from aigentflow.checks.packages import role_of

_PYTHON = re.compile(r"(?:^|/)(?:test_[\w-]+|[\w-]+_test|conftest)\.py$")
_OTHER = re.compile(
    r"[._-](?:spec|test|tests|cy|e2e)\.\w+$|_test\.(?:go|exs?|dart|cc|cpp)$|_spec\.rb$|_test\.rb$|(?:^|/)[\w-]*Tests?\.(?:java|kt|cs|php|swift|scala)$"
    r"|(?:^|/)(?:tests?|__tests__|spec|e2e|src/test)/[\w./@-]+\.(?:[cm]?[jt]sx?|py|rs|rb|java|kt|cs|php|ex|exs|bats|feature)$"
)
_CODE = re.compile(r"\.(?:[cm]?[jt]sx?|py|go|rs|rb|java|kt|cs|php|exs?|dart|swift|scala|vue|svelte|bats|feature|cc|cpp)$")
_JS_TEST = re.compile(
    r"(?<![\w.$])(?:it|test|specify)(?:\.(?:concurrent|sequential|fails|each|for|only|extend|prop|step|serial|skipIf|runIf))*\s*(?:<[^>\n]*>)?\s*[(`]"
)
_JS_OFF = re.compile(
    r"(?<![\w.$])(?:it|test|specify|describe|context|suite)(?:\.\w+)*\.(?:skip|todo|fixme)\b|(?<![\w.$])x(?:it|test|specify)\s*\("
)
_PATTERNS: dict[str, re.Pattern[str]] = {
    "py": re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+test\w*[ \t]*\(", re.MULTILINE),
    "go": re.compile(r"^func[ \t]+(?:Test|Fuzz|Example)\w*\(|\bt\.Run\(", re.MULTILINE),
    "rs": re.compile(r"#\[(?:\w+::)*test\b"),
    "rb": re.compile(r"^\s*(?:it|specify|test|scenario)\b[ \t(]|^\s*def[ \t]+test_", re.MULTILINE),
    "java": re.compile(r"@(?:Test|ParameterizedTest|RepeatedTest|Property)\b"),
    "cs": re.compile(r"\[(?:Fact|Theory|Test|TestMethod|TestCase)\b"),
    "php": re.compile(r"\bfunction\s+test\w*\s*\(|(?<![\w$>])(?:it|test)\s*\(|@test\b|#\[Test\]"),
    "ex": re.compile(r"^\s*(?:test|property)[ \t]+\"", re.MULTILINE),
    "feature": re.compile(r"^\s*Scenario(?: Outline)?:", re.MULTILINE),
    "bats": re.compile(r"^@test\b", re.MULTILINE),
    "cc": re.compile(r"\bTEST(?:_[FP])?\s*\("),
}
_SAME: dict[str, str] = {"kt": "java", "scala": "java", "exs": "ex", "cpp": "cc", "swift": "py"}
_REPEATED = re.compile(
    r"\.(?:each|for)\b|\bparametrize\b|\bfor(?:Each)?\b|\.map\(|subTest|ParameterizedTest|Theory|TestCase|Outline|\bt\.Run\(|rstest"
)


def is_test_path(path: str) -> bool:
    """Whether a file holds tests by its name."""
    name = path.rsplit("/", 1)[-1]
    if not _CODE.search(name) or name == "conftest.py":
        return False
    return bool(_PYTHON.search(path) or _OTHER.search(path)) or (role_of(path) == "test" and bool(re.search(r"\.[cm]?[jt]sx?$", name)))


def language_of(path: str) -> str:
    """Return the suffix that says how tests are written there: `js` for all of JavaScript and TypeScript."""
    suffix = path.rsplit(".", 1)[-1].lower()
    if re.fullmatch(r"[cm]?[jt]sx?|vue|svelte", suffix):
        return "js"
    return _SAME.get(suffix, suffix)


def n_tests(text: str, path: str) -> int | None:
    """Return how many tests the text declares; None for a language that is not known."""
    from aigentflow.runtime.auditing.masking import code_of

    language = language_of(path)
    if language == "js":
        code = code_of(text, path)
        return len(_JS_TEST.findall(code))
    pattern = _PATTERNS.get(language)
    return None if pattern is None else len(pattern.findall(text if language in ("ex", "php", "java") else code_of(text, path)))


def repeats(text: str) -> bool:
    """Whether tests of the text may run more than once each, for the rows of a table or in a loop."""
    return bool(_REPEATED.search(text))


def all_off(text: str, path: str) -> bool:
    """Whether the text declares tests that are all switched off."""
    return language_of(path) == "js" and not n_tests(text, path) and bool(_JS_OFF.search(text))


_DECLARED = re.compile(r"(?<![\w.$])(?:[xf]?(?:it|test)|specify|xspecify)(?:\.\w+)*\s*(?:<[^>\n]*>)?\s*[(`]")
_LITERAL_TABLE = re.compile(
    r"(?:\.(?:each|for)\s*(?:<[^>\n]*>)?\s*\(|\bparametrize\s*\([^\[\]\n]*,|\bparametrize\s*\(\s*\n[^\[\]\n]*,|\bfor\s*\([^()\n]*\bof)\s*(\[)"
)
_NAMED_TABLE = re.compile(
    r"(?:\.(?:each|for)\s*(?:<[^>\n]*>)?\s*\(|\bparametrize\s*\([^\[\]\n]*,|\bfor\s*\([^()\n]*\bof)\s*([A-Za-z_$][\w$]*)\s*\)"
)
_LOOPS = re.compile(r"^[ \t]*(?:async[ \t]+)?for\s[^\n:()\[\]]*\bin\s*([\[(])", re.MULTILINE)
_CASES = re.compile(r"#\[(?:case|test_case)\(|@(?:CsvSource|ValueSource)|\bInlineData\(|\[TestCase\(")


def declared(text: str, path: str) -> list[tuple[int, str]]:
    """Return line (0-based) and name of each test that the text declares, skipped ones too."""
    from aigentflow.runtime.auditing.masking import code_of

    language = language_of(path)
    pattern = _DECLARED if language == "js" else _PATTERNS.get(language)
    if pattern is None:
        return []
    code = code_of(text, path) if language in ("js", "py", "go", "rs", "cc") else text
    found = []
    line, at = 0, 0
    for match in pattern.finditer(code):
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        line += text.count("\n", at, start)
        at = start
        found.append((line, _name(text, match.end() if language == "js" else start, language)))
    return found


def _name(text: str, at: int, language: str) -> str:
    rest = text[at : at + 300]
    if language == "js":
        match = re.match(r"\s*(?:'([^'\n]*)'|\"([^\"\n]*)\"|`([^`]*)`)", rest)
        return next((group for group in match.groups() if group), "") if match else ""
    return rest.split("\n", 1)[0].split("(")[0].strip() if language != "rs" else " ".join(rest.split("\n")[:2])


def rows(text: str, path: str, *, loops: bool = False) -> int:
    """Return how many more tests the tables of the text stand for than it declares; `loops`: those inside of Python tests too."""
    from aigentflow.runtime.auditing.masking import code_of

    code = code_of(text, path)
    total = len(_CASES.findall(code))
    for match in [*_LITERAL_TABLE.finditer(code), *(_LOOPS.finditer(code) if loops else ())]:
        total += max(0, _elements(code, match.start(1)) - 1)
    for name in {match[1] for match in _NAMED_TABLE.finditer(code)}:
        if made := re.search(rf"(?<![\w$.]){re.escape(name)}\s*(?::[^=\n]+)?=\s*(\[)", code):
            total += max(0, _elements(code, made.start(1)) - 1)
    return total


def _elements(code: str, at: int) -> int:
    """Return how many elements the list that opens here has."""
    depth, count, filled = 0, 0, False
    for character in code[at : at + 40_000]:
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                break
        if depth == 1 and character == ",":
            count, filled = count + filled, False
        elif not character.isspace() and not (depth == 1 and character == "["):
            filled = True
    return count + filled
