"""Which checks a command line runs, by the programs in it: `cd api && npx vitest run` runs tests."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence

from aigentflow.runtime.auditing.wording import kind_of, vocabulary, words

_TESTS = (
    "vitest jest mocha ava tap tape uvu karma jasmine pytest py.test nose2 tox nox rspec phpunit pest playwright cypress wdio ctest "
    "gotestsum bats newman c8 nyc react-scripts ng"
)
_PROGRAMS: dict[str, str] = {
    **dict.fromkeys(_TESTS.split(), "tests"),
    **dict.fromkeys(
        vocabulary("tsc vue-tsc tsgo ngc mypy dmypy pyright basedpyright pytype sorbet flow astro-check svelte-check"),
        "typecheck",
    ),
    **dict.fromkeys(
        vocabulary(
            "eslint eslint_d biome oxlint tslint stylelint standard xo ruff flake8 pylint pycodestyle golangci-lint staticcheck "
            "rubocop prettier black isort shellcheck ktlint"
        ),
        "lint",
    ),
    **dict.fromkeys(vocabulary("webpack rollup esbuild tsup vite next nuxt parcel rspack turbopack"), "build"),
}
_BY_WORD = vocabulary(
    "npm pnpm yarn bun deno make just task turbo nx lerna gradle gradlew mvn mvnw cargo go dotnet mix rake composer swift zig"
)
"""Programs that are told what to do by a word: `cargo test`, `npm run lint`."""
_WRAPPERS = vocabulary(
    "npx bunx pnpx dlx uvx exec time env nice command sudo xvfb-run cross-env dotenv dotenvx c8 nyc coverage unbuffer stdbuf"
)
_LEADS: tuple[tuple[str, ...], ...] = (
    ("uv", "run"),
    ("poetry", "run"),
    ("pipenv", "run"),
    ("pdm", "run"),
    ("hatch", "run"),
    ("rye", "run"),
    ("bundle", "exec"),
    ("npm", "exec"),
    ("pnpm", "exec"),
    ("pnpm", "dlx"),
    ("yarn", "exec"),
    ("yarn", "dlx"),
    ("bun", "x"),
    ("coverage", "run"),
    ("python", "-m"),
    ("python3", "-m"),
)
_WORD_KINDS: dict[str, str] = {"t": "tests", "tst": "tests", "check": "typecheck", "vet": "typecheck", "clippy": "lint", "fmt": "lint"}
_IDLE = re.compile(
    r"^(?:--version|--help|-h|-V|--list\w*|--collect-only|--co|--init|--show\w*|--print-config|--dry-?run|--setup-plan|--clear\w*|--info)$"
)
_NOT_CHECKING = vocabulary(
    "install add remove uninstall ci i init list create info view why update upgrade link config explain server rule"
)
_ASSIGNMENT = re.compile(r"^\w+\+?=")
TEST_FILE = re.compile(r"(?:^|[\s/='\"])[\w@./-]*(?:[._-](?:spec|test)\.\w+|test_\w+\.py|_test\.(?:py|go|rb))(?:::\S+)?")
_NARROW = re.compile(
    r"\s(?:-t|-k|-g|--grep|--testNamePattern|--test-name-pattern|-run|--run|--filter|--only|--shard|--changed|--related|--lf|-m)\b"
)

_CHANGES_FIRST = re.compile(
    r"(?:^|[;&|(]\s*)(?:sed\s+(?:-\w+\s+)*-\w*i|perl\s+-\w*i|cp|mv|rm|tee|patch|ln|truncate|dd|git\s+(?:stash|checkout|restore|reset|apply|revert|clean|switch))\b"
    r"|>{1,2}\s*['\"]?[\w./@-]+\.(?:[cm]?[jt]sx?|py|json|toml|ya?ml|ini|cfg|go|rs|java|rb)\b"
)
_LEAVES_OUT = re.compile(
    r"\s(--exclude|--ignore(?:-glob|-pattern)?|--deselect|--testPathIgnorePatterns|--skip(?:Files)?|--invert)(?=[=\s])"
)
_FOLDER = re.compile(r"(?:^|[;&(]\s*)cd\s+['\"]?([\w./@-]+)|\s(?:-C|--prefix|--cwd|--dir)[=\s]+['\"]?([\w./@-]+)")


def changes_first(command: str) -> str:
    """Return why a command checks another text than the proposed one, or leaves some of it out; '' where it does not."""
    if match := _CHANGES_FIRST.search(command):
        return f"`{match.group().strip(' ;&|(')}` changes files before they are checked"
    if match := _LEAVES_OUT.search(command):
        return f"`{match[1]}` leaves something out"
    return ""


def folder_of(command: str) -> str | None:
    """Return the workspace folder that a command changes to; None for the workspace itself or a place that is not known."""
    match = _FOLDER.search(command)
    folder = (match[1] or match[2]).removeprefix("./").rstrip("/") if match else ""
    return None if folder in ("", ".") or (folder.startswith(("..", "/")) and not folder.startswith("/tmp")) else folder


def kinds_of(command: str, script: Callable[[str], str | None] = lambda _name: None) -> frozenset[str]:
    """Return the checks that a command line runs; `script` gives a package script by name."""
    return frozenset(_kinds(command, script, 0))


def is_narrow(command: str) -> bool:
    """Whether the command names single test files or tests, so that it says nothing of the others."""
    return bool(TEST_FILE.search(command) or _NARROW.search(command + " "))


def simple_commands(line: str) -> list[list[str]]:
    """Return the words of each simple command of a line; none where its quotes do not close."""
    try:
        lexer = shlex.shlex(line.replace("\\\n", " ").replace("\n", " ; "), posix=True, punctuation_chars=";&|()")
        lexer.whitespace_split = True
        lexer.commenters = ""
        tokens = list(lexer)
    except ValueError:
        return []
    commands: list[list[str]] = [[]]
    for token in tokens:
        if token and set(token) <= set(";&|()"):
            commands.append([])
        else:
            commands[-1].append(token)
    return [command for command in commands if command]


def _kinds(line: str, script: Callable[[str], str | None], depth: int) -> Iterator[str]:
    if depth > 4 or len(line) > 20_000:
        return
    for command in simple_commands(line):
        words_left = _unwrapped(command)
        if not words_left or any(_IDLE.match(word) for word in words_left[1:]):
            continue
        program = words_left[0].rsplit("/", 1)[-1].removesuffix(".cmd").removesuffix(".js")
        if program in ("sh", "bash", "zsh") and "-c" in words_left[:3]:
            yield from _kinds(words_left[words_left.index("-c") + 1] if words_left[-1] != "-c" else "", script, depth + 1)
        elif program in ("concurrently", "run-p", "run-s", "npm-run-all", "npm-run-all2", "wireit"):
            for word in words_left[1:]:
                yield from _kinds(word if " " in word else f"npm run {word}", script, depth + 1)
        else:
            yield from _kind_of_program(program, words_left[1:], script, depth)


def _kind_of_program(program: str, rest: Sequence[str], script: Callable[[str], str | None], depth: int) -> Iterator[str]:
    told = [word for word in rest if not word.startswith("-") and not _ASSIGNMENT.match(word)]
    if (
        (program in ("node", "deno", "bun") and ("--test" in rest or told[:1] == ["test"]))
        or (program == "python" and rest[:2] == ["-m", "unittest"])
        or program == "unittest"
    ):
        yield "tests"
    elif program in ("next", "vite", "ng", "nuxt", "react-scripts", "playwright", "cypress"):
        yield from {"build": ["build"], "lint": ["lint"], "test": ["tests"], "run": ["tests"], "typecheck": ["typecheck"]}.get(
            told[0] if told else "", []
        )
    elif program in _PROGRAMS:
        if not told or told[0] not in _NOT_CHECKING:
            yield _PROGRAMS[program]
            if program == "tsc" and ("-b" in rest or "--build" in rest):
                yield "build"
    elif program in _BY_WORD:
        yield from _kinds_by_word(told, script, depth)


def _kinds_by_word(told: Sequence[str], script: Callable[[str], str | None], depth: int) -> Iterator[str]:
    task = next((word for word in told if word not in ("run", "run-script", "exec", "workspace", "workspaces")), "")
    if not task or task in _NOT_CHECKING:
        return
    text = script(task)
    if text is not None:
        found = list(_kinds(text, script, depth + 1))
        named = kind_of(words(task))
        # A script of unknown programs is what its name says, one that only prints is not.
        if found or _only_prints(text):
            yield from found
        elif named:
            yield named
        return
    for word in told:
        if kind := _WORD_KINDS.get(word) or kind_of(words(word)):
            yield kind
            return


def _only_prints(line: str) -> bool:
    return all(command[0] in ("echo", "true", ":", "exit", "printf") for command in simple_commands(line))


def _unwrapped(command: Sequence[str]) -> list[str]:
    """Return the command without assignments and without the programs that only start another."""
    left = list(command)
    for _ in range(8):
        while left and (_ASSIGNMENT.match(left[0]) or left[0] in ("!", "{", "}", "then", "do", "if", "while", "else")):
            left.pop(0)
        lead = next((lead for lead in _LEADS if tuple(left[: len(lead)]) == lead), None)
        if lead is not None:
            left = left[len(lead) :]
        elif left and left[0].rsplit("/", 1)[-1] in _WRAPPERS and len(left) > 1:
            left.pop(0)
        elif left and left[0] == "timeout":
            left = left[2:]
        else:
            break
        while left and left[0].startswith("-") and len(left) > 1:
            left.pop(0)
    return left
