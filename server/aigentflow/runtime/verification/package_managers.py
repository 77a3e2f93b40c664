"""How npm, pnpm, yarn and bun are asked to run scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aigentflow.runtime.verification.meanings import NOTHING, Line, Meaning, Program, Scripts, Unclear

_VALUED = frozenset({"-w", "--workspace", "--prefix", "-C", "--dir", "--cwd", "-F", "--filter", "--loglevel", "--reporter", "--userconfig"})
_PLACES = frozenset({"-w", "--workspace", "--prefix", "-C", "--dir", "--cwd", "-F", "--filter"})
_EVERYWHERE = frozenset({"-ws", "--workspaces", "-r", "--recursive"})
_RUN = frozenset({"run", "run-script", "rum", "urn"})
_EXEC = frozenset({"exec", "x", "dlx"})
_TEST = frozenset({"test", "t", "tst"})
_INSTALL_AND_TEST = frozenset({"it", "cit", "install-test", "install-ci-test", "clean-install-test"})
_NO_SCRIPTS = frozenset(
    {
        "install",
        "i",
        "add",
        "ci",
        "audit",
        "list",
        "ls",
        "why",
        "outdated",
        "update",
        "up",
        "remove",
        "rm",
        "link",
        "pack",
        "publish",
        "config",
    }
)


@dataclass(frozen=True)
class _Asked:
    """What the options in front of a word say."""

    where: str
    present: bool
    odd: str
    rest: list[str]


def package_manager(name: str, arguments: Sequence[str]) -> Meaning | None:
    """Return what a package manager is asked to run, None where the program is none."""
    if name not in ("npm", "pnpm", "yarn", "bun"):
        return None
    asked = _options(list(arguments))
    verb, behind = (asked.rest or [""])[0], asked.rest[1:]
    found: Meaning
    if asked.odd or any(text.startswith("--script-shell") for text in arguments):
        found = Unclear("it names another shell for scripts")
    elif name == "yarn" and verb in ("workspace", "workspaces"):
        found = _yarn(verb, behind)
    elif name == "bun" and verb == "test":
        found = Program("bun test", tuple(behind))
    elif verb in _RUN:
        found = _script(name, behind, asked)
    elif verb in _TEST:
        found = _script(name, ["test", *behind], asked)
    elif verb in _EXEC:
        found = _program(behind)
    elif verb in _INSTALL_AND_TEST:
        found = Unclear("it installs before it tests")
    elif name == "npm" or not verb or verb in _NO_SCRIPTS:
        found = NOTHING
    else:
        found = Scripts(verb, tuple(text for text in behind if text != "--"), asked.where, asked.present, else_program=True)
    return found


def _yarn(verb: str, behind: list[str]) -> Meaning:
    words = [text for text in behind if text not in _RUN]
    if verb == "workspace":
        return Scripts(words[1], tuple(text for text in words[2:] if text != "--"), words[0], else_program=True) if words[1:] else NOTHING
    runs = next((at for at, text in enumerate(behind) if text in _RUN), len(behind))
    return Scripts(behind[runs + 1], where="*") if runs + 1 < len(behind) else Unclear("it runs something in all packages")


def _program(behind: list[str]) -> Meaning:
    if any(text in ("-c", "--call", "--shell-mode") for text in behind):
        at = next(at for at, text in enumerate(behind) if text in ("-c", "--call", "--shell-mode"))
        return Line(text=" ".join(behind[at + 1 :]))
    rest = list(behind)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--":
            break
        if option in ("-p", "--package", "-w", "--workspace") and rest:
            rest.pop(0)
    return Line(words=tuple(rest)) if rest else NOTHING


def _script(name: str, behind: list[str], asked: _Asked) -> Meaning:
    own = _options(behind)
    if not own.rest:
        return NOTHING
    script, passed = own.rest[0], own.rest[1:]
    where, present = own.where or asked.where, own.present or asked.present
    if name == "npm":
        # npm keeps the options in front of `--` to itself, wherever they stand.
        front, back = (passed[: passed.index("--")], passed[passed.index("--") + 1 :]) if "--" in passed else (passed, [])
        words: list[str] = []
        while front:
            late = _options(front)
            where, present = late.where or where, late.present or present
            words, front = [*words, *late.rest[:1]], late.rest[1:]
        passed = [*words, *back]
    elif passed[:1] == ["--"]:
        passed = passed[1:]
    return Scripts(script, tuple(passed), where, present, else_program=name != "npm")


def _options(arguments: list[str]) -> _Asked:
    """Return what the leading options say, and what follows them."""
    where, present, odd, rest = "", False, "", list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "--":
        option, equals, value = rest.pop(0).partition("=")
        if option in _EVERYWHERE:
            where = "*"
        elif option in _VALUED and not equals and rest:
            value = rest.pop(0)
        if option in _PLACES:
            # A filter with dots, stars or brackets selects packages by rules of its own.
            where = "*" if option in ("-F", "--filter") and any(sign in value for sign in "*.[{!^") else value
        present |= option == "--if-present"
        odd = option if option == "--script-shell" else odd
    return _Asked(where, present, odd, rest)
