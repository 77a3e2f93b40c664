"""What is known of programs: which check nothing, and which options make a checker check nothing, pass anyway, or change the text first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CHECKS_NOTHING = frozenset(
    """
    : true break continue echo printf cd pushd popd export unset local readonly declare typeset set shopt umask ulimit read wait sleep kill
    pkill test [ [[ ls cat head tail tee pwd date which type hash whoami id uname hostname mkdir rmdir rm cp mv ln touch
    chmod chown find sed awk tr cut sort uniq wc grep rg jq yq git curl wget tar unzip gzip rimraf shx del del-cli mkdirp
    cpy copyfiles ncp cpx docker docker-compose podman kubectl prisma husky patch-package simple-git-hooks open clear tput
    stty wait-on pip pip3 fnm nvm volta seq basename dirname realpath readlink yes rsync
    """.split()  # noqa: SIM905 - a list of single words reads better as a text
)
"""A command line of these alone has not checked anything."""

TESTS_BY_STATUS = frozenset(("true", ":", "test", "[", "[[", "grep", "rg", "find", "jq", "yq", "git"))
"""Those of them whose exit status can be the very check that somebody wants."""

UNCLEAR: Mapping[str, str] = {
    **dict.fromkeys(
        ("setsid", "screen", "tmux", "at", "batch", "ssh", "script", "expect"), "what it starts does not hand on its exit status"
    ),
    **dict.fromkeys(("watch", "nodemon", "entr", "chokidar", "tsc-watch", "onchange", "watchexec"), "it does not end by itself"),
    **dict.fromkeys(
        ("just", "task", "lage", "rush", "bazel", "moon", "gulp", "grunt", "wireit", "tox", "nox", "invoke", "doit", "ninja"),
        "what it runs is defined in a file that is not looked into",
    ),
}
"""Programs whose exit status cannot be judged, and why."""


@dataclass(frozen=True)
class Hiding:
    """Options of one checker that matter."""

    nothing: str = ""
    """Options and sub-commands with which it checks nothing."""
    passes: str = ""
    """Options with which failures, or the lack of anything to check, still end with 0."""
    changes: str = ""
    """Options with which it changes files before it judges them."""
    needs: str = ""
    """One of these has to be there, else it judges nothing."""


_FIX = "--fix --write --apply --apply-unsafe"
KNOWN: Mapping[str, Hiding] = {
    "vitest": Hiding("list init bench -v -h", "--passWithNoTests --pass-with-no-tests --dangerouslyIgnoreUnhandledErrors", "-u --update"),
    "jest": Hiding(
        "--listTests --showConfig --clearCache --init -v -h", "--passWithNoTests --testFailureExitCode=0", "-u --updateSnapshot --ci=false"
    ),
    "mocha": Hiding("--dry-run -V -h", "--pass-on-failing-test-suite", "--update"),
    "ava": Hiding("", "", "-u --update-snapshots"),
    "tap": Hiding("list dump-config", "--allow-empty-suite --allow-incomplete-coverage", "--snapshot"),
    "tsc": Hiding("--init --showConfig --listFilesOnly --clean --dry --all -v -h", "--noCheck", ""),
    "eslint": Hiding(
        "--init --print-config --env-info --inspect-config -v -h",
        "--pass-on-no-patterns --no-error-on-unmatched-pattern --suppress-all --suppress-rule --exit-zero",
        "--fix",
    ),
    "tslint": Hiding("--init --print-config", "--force", "--fix"),
    "stylelint": Hiding("--print-config", "--allow-empty-input --aei", "--fix"),
    "biome": Hiding(
        "init start stop explain rage version -V -h", "--no-errors-on-unmatched --suppress --files-ignore-unknown-only", f"{_FIX} migrate"
    ),
    "oxlint": Hiding("--init --rules --print-config -V -h", "--no-error-on-unmatched-pattern", "--fix --fix-suggestions --fix-dangerously"),
    "prettier": Hiding("", "", "--write -w", needs="--check -c --list-different -l"),
    "standard": Hiding("", "", "--fix"),
    "xo": Hiding("", "", "--fix"),
    "pytest": Hiding(
        "--collect-only --co --version -V -h --fixtures --funcargs --markers --setup-plan --cache-show", "--suppress-no-test-exit-code", ""
    ),
    "mypy": Hiding("-V -h", "--ignore-errors", ""),
    "pyright": Hiding("--createstub --verifytypes -h", "", ""),
    "ruff": Hiding("rule config linter clean server --show-files --show-settings -V -h", "--exit-zero -e", "--fix --fix-only --add-noqa"),
    "ruff format": Hiding("", "", "", needs="--check --diff"),
    "flake8": Hiding("--version -h --bug-report", "--exit-zero", ""),
    "pylint": Hiding("--list-msgs --generate-rcfile -h", "--exit-zero --fail-under=0 --fail-under=-10", ""),
    "black": Hiding("", "", "", needs="--check --diff"),
    "isort": Hiding("", "", "", needs="--check --check-only -c"),
    "bun test": Hiding("-h", "--pass-with-no-tests", "-u --update-snapshots"),
    "node": Hiding("-v -h -i --v8-options", "", "--test-update-snapshots"),
}
"""By the program's name."""
_UNKNOWN = Hiding("", "--passWithNoTests --pass-with-no-tests --exit-zero", "")
SAME_AS: Mapping[str, str] = {
    "vue-tsc": "tsc",
    "tsgo": "tsc",
    "ngc": "tsc",
    "_mocha": "mocha",
    "eslint_d": "eslint",
    "py.test": "pytest",
    "dmypy": "mypy",
    "basedpyright": "pyright",
    "react-scripts": "jest",
    "ts-mocha": "mocha",
    "semistandard": "standard",
}
_OFF = re.compile(r"=(false|0|no|off)$", re.I)


def options_hide(program: str, arguments: Sequence[str]) -> tuple[bool, str]:
    """Return whether the program checks anything with these arguments, and why its exit status proves nothing ('' if it does)."""
    kind = SAME_AS.get(program, program)
    if kind == "ruff" and "format" in arguments[:1]:
        kind = "ruff format"
    hiding = KNOWN.get(kind, _UNKNOWN)
    nothing = ("--help", "--version", *hiding.nothing.split())
    if any(_same(text, nothing) and (text.startswith("-") or at == 0) for at, text in enumerate(arguments)):
        return False, ""
    return True, _passes(program, hiding, arguments) or _changes(program, hiding, arguments)


def _passes(program: str, hiding: Hiding, arguments: Sequence[str]) -> str:
    found = next((text for text in arguments if _same(text, hiding.passes.split())), "")
    if "--testFailureExitCode" in arguments and "0" in arguments[arguments.index("--testFailureExitCode") + 1 :][:1]:
        found = "--testFailureExitCode 0"
    return f"`{found}` lets `{program}` pass with failures or without anything checked" if found else ""


def _changes(program: str, hiding: Hiding, arguments: Sequence[str]) -> str:
    if "--exit-non-zero-on-fix" not in arguments and (
        text := next((text for text in arguments if _same(text, hiding.changes.split())), "")
    ):
        return f"with `{text}` `{program}` changes files before it judges them"
    if hiding.needs and not any(_same(text, hiding.needs.split()) for text in arguments):
        return f"`{program}` without `{hiding.needs.split()[0]}` changes files or prints them, and judges nothing"
    return ""


def _same(text: str, options: Sequence[str]) -> bool:
    """Whether the argument is one of the options; `--option=false` is not."""
    return text in options or (text.startswith("--") and "=" in text and not _OFF.search(text) and text.split("=", 1)[0] in options)
