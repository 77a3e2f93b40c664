"""What the output says about whether anything was really checked."""

from __future__ import annotations

import re

from aigentflow.runtime.verification.places import plain_lines
from aigentflow.runtime.verification.streams import without_prefixes

_MISSING = (
    re.compile(r"^.*?(?:sh|bash|dash|zsh)(?::| line)? ?(?:\d+: )?(?:line \d+: )?([\w@./+-]+): (?:command )?not found$", re.M),
    re.compile(
        r"^.*?: (?:exec: )?(?:\d+: )?([\w@./+-]+): (?:No such file or directory|Permission denied|not found|cannot execute.*)$", re.M
    ),
    re.compile(r"No module named '?([\w.]+?)(?:\.__main__)?'?;? ?(?:'[\w.]+' is a package.*)?$", re.M),
    re.compile(r"""(?:error )?[Cc]ommand "([^"]+)" not found"""),
    re.compile(r"could not determine executable to run"),
    re.compile(r"npx canceled due to missing packages.*?\[\"([^\"@]+)"),
)
_NO_SCRIPT = re.compile(
    r"""(?:Missing script:?|ERR_PNPM_NO_SCRIPT.*?Missing script:|Couldn't find a script named|Script not found) ["']?([\w:.@/-]+)"""
)
_NETWORK = re.compile(
    r"ENOTFOUND|EAI_AGAIN|getaddrinfo|ENETUNREACH|Temporary failure in name resolution|Could not resolve host|code E404|ERR_SOCKET"
    r"|Failed to (?:establish|fetch)|NewConnectionError|Name or service not known|Network is unreachable"
)
_MEMORY = re.compile(
    r"JavaScript heap out of memory|Allocation failed - |^MemoryError\b|Cannot allocate memory|ENOMEM|out of memory", re.M | re.I
)
_NO_TESTS = re.compile(
    r"No test(?: file)?s? (?:files )?found|^no tests ran\b|=+ no tests ran|collected 0 items|^Ran 0 tests|no tests to run"
    r"|No specs? found|No test suite found in file|Couldn't find any files to test|0 test files",
    re.M | re.I,
)
_TESTS_RAN = re.compile(
    r"""^\s*Tests:?\s.*\b[1-9]\d*\s(?:passed|failed)|^=*.*\b[1-9]\d*\s(?:passed|failed|errors?)\b.*\sin\s[\d.]+
    |^\s*[1-9]\d*\s(?:passing|failing)\b|^[\#ℹ]\s(?:pass|fail)\s[1-9]|^Ran\s[1-9]\d*\stests?|^\s*[1-9]\d*\s(?:pass|fail)$
    |^\s*[1-9]\d*\stests?\s(?:passed|failed)|^\s*Test\sFiles\s.*failed|^Test\sSuites:.*\bfailed""",
    re.M | re.X,
)
_TESTS_NAMED = re.compile(
    r"""^\s*Tests:?\s+\S|^\s*0\spassing\b|^[\#ℹ]\stests\s\d|^=*.*\b\d+\s(?:skipped|deselected|xfailed)\b.*\sin\s[\d.]+
    |^=*\s*(?:no|\d+)\stests?\scollected""",
    re.M | re.X,
)
_NO_LINT = re.compile(
    r"""all\sof\sthe\sfiles\smatching\sthe\sglob\spattern\s.*\sare\signored|No\sfiles\smatching|No\sfiles\swere\sprocessed|Checked\s0\sfiles
    |No\sfiles\sfound\sto\slint|Finished\sin\s\S+\son\s0\sfiles|No\sPython\sfiles\sfound|AllFilesIgnored|no\sfiles\sto\slint""",
    re.I | re.X,
)
_LINT_ONLY_IGNORED = re.compile(r"File ignored (?:because|by default)")
_UP_TO_DATE = re.compile(r"^g?make(?:\[\d+\])?: (?:'.*' is up to date|Nothing to be done for)", re.M)
_NO_TYPES = re.compile(r"There are no \.py\[i\] files|No source files found|^0 files analyzed|COMMON COMMANDS", re.M)


def ran_nothing(field: str, output: str, exit: int | None) -> str:
    """Return in words why the command has checked nothing, '' if it has; a missing program or script is `not_run`, not `fail`."""
    text = "\n".join(without_prefixes(plain_lines(output)))
    ran = field == "tests" and _TESTS_RAN.search(text) is not None
    if exit != 0:
        return "" if ran else _not_started(text, exit) or _nothing_in(field, text)
    return "" if ran else _nothing_in(field, text)


def _not_started(text: str, exit: int | None) -> str:
    if match := _NO_SCRIPT.search(text):
        return f"there is no script `{match[1]}`"
    if exit in (126, 127):
        named = next((match[1] for pattern in _MISSING[:2] if (match := pattern.search(text))), "a program")
        return f"`{named}` is not installed, or cannot be run here" if named != "a program" else "a program is not installed"
    for pattern in _MISSING[2:]:
        if (match := pattern.search(text)) and _at_start(text, match.start()):
            return f"`{match[1]}` is not installed" if match.groups() else "the program is not installed"
    if exit in (134, 137, None) and _MEMORY.search(text):
        return "it ran out of memory"
    if _NETWORK.search(text):
        return "it needs the network, which is off here"
    return ""


def _at_start(text: str, at: int) -> bool:
    """Whether a message stands where a program that does not start would say it, not in the middle of a report."""
    return "Traceback" not in text[:at] and not re.search(r"^E\s", text[:at], re.M)


def _nothing_in(field: str, text: str) -> str:
    if _UP_TO_DATE.search(text):
        return "make found nothing to do"
    if field == "tests":
        if _NO_TESTS.search(text):
            return "no test was found"
        if _TESTS_NAMED.search(text):
            return "no test was run: all were skipped or left out"
    if field == "lint":
        errors = re.search(r"\b[1-9]\d* errors?\b", text)
        if _NO_LINT.search(text) or (_LINT_ONLY_IGNORED.search(text) and not errors):
            return "no file was looked at"
    if field == "typecheck" and _NO_TYPES.search(text):
        return "no file was looked at"
    return ""
