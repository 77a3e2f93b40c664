"""What a program with its arguments really runs: wrappers are taken off, package managers are led to their scripts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aigentflow.runtime.verification.makefile import asked_of_make
from aigentflow.runtime.verification.meanings import NOTHING, Line, Meaning, Program, Recipe, Scripts, Several, Unclear
from aigentflow.runtime.verification.package_managers import package_manager
from aigentflow.runtime.verification.runners import script_runner

__all__ = ["Line", "Meaning", "Program", "Recipe", "Scripts", "Several", "Unclear", "meaning_of"]

_PREFIXES: dict[str, frozenset[str]] = {
    # The options named take a value of their own.
    "time": frozenset({"-f", "-o"}),
    "nice": frozenset({"-n"}),
    "ionice": frozenset({"-c", "-n"}),
    "nohup": frozenset(),
    "exec": frozenset({"-a"}),
    "command": frozenset(),
    "builtin": frozenset(),
    "env": frozenset({"-u", "-C", "--unset", "--chdir"}),
    "cross-env": frozenset(),
    "dotenv": frozenset({"-e", "-f", "-c", "-v", "-p"}),
    "dotenvx": frozenset({"-e", "-f"}),
    "env-cmd": frozenset({"-f", "-e", "-r", "--file", "--environments"}),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
    "unbuffer": frozenset(),
    "xvfb-run": frozenset({"-s", "-n", "-e", "-w"}),
    "timeout": frozenset({"-s", "-k", "--signal", "--kill-after"}),
    "sudo": frozenset({"-u", "-g"}),
    "corepack": frozenset(),
    "npx": frozenset({"-p", "--package", "-w", "--workspace"}),
    "bunx": frozenset({"-p", "--package"}),
    "pnpx": frozenset({"-p", "--package"}),
    "c8": frozenset({"-r", "--reporter", "-n", "--include", "-x", "--exclude", "-o", "--reports-dir", "--src", "-c", "--config"}),
    "nyc": frozenset({"-r", "--reporter", "-n", "--include", "-x", "--exclude", "--report-dir", "--nycrc-path", "--temp-dir", "-e", "-i"}),
    "xargs": frozenset({"-n", "-P", "-I", "-L", "-s", "-d", "-a", "-E"}),
    "doppler": frozenset({"-p", "-c"}),
    "op": frozenset(),
    "infisical": frozenset({"--env"}),
}
_SUBCOMMANDS = {
    "dotenvx": {"run"},
    "doppler": {"run"},
    "op": {"run"},
    "infisical": {"run"},
    "uv": {"run"},
    "poetry": {"run"},
    "pipenv": {"run"},
    "pdm": {"run"},
    "rye": {"run"},
    "hatch": {"run"},
}
_ODD: dict[str, tuple[str, ...]] = {
    "env": ("-S", "--split-string"),
    "timeout": ("--preserve-status",),
    "xargs": ("-r", "--no-run-if-empty"),
}
_SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "ash"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_OWN_PROGRAM = re.compile(r"(?:^|/)(?:node_modules/\.bin|\.?venv/bin|\.tox/[\w.-]+/bin)/([\w.-]+)$")
_PACKAGE_PROGRAM = re.compile(r"(?:^|/)node_modules/(?:@[\w.-]+/)?[\w.-]+/(?:[\w.-]+/)*([\w.-]+?)(?:\.[cm]?js)?$")
_VERSIONED = re.compile(r"^(?:@[\w.-]+/)?([\w.-]+)@[\w.^~*-]+$")
_SYSTEM_PROGRAM = re.compile(r"^/(?:usr/(?:local/)?)?s?bin/([\w.+-]+)$")


def meaning_of(words: Sequence[str]) -> Meaning:
    """Return what the words run."""
    name, arguments = _program_name(words[0]), list(words[1:])
    found: Meaning | None
    if name == "cross-env-shell":
        found = Line(" ".join(text for text in arguments if not _ASSIGNMENT.match(text)))
    elif name in _PREFIXES or (name in _SUBCOMMANDS and arguments[:1] and arguments[0] in _SUBCOMMANDS[name]):
        found = _wrapped(name, arguments)
    elif name in _SHELLS:
        found = _shell(arguments)
    elif name in ("node", "nodejs"):
        found = _node(arguments)
    elif re.fullmatch(r"python(3(\.\d+)?)?|pypy3?", name):
        found = _python(arguments)
    elif name in ("make", "gmake"):
        found = asked_of_make(arguments)
    elif name == "coverage" and arguments[:1] == ["run"]:
        found = _python(_after_options(arguments[1:], frozenset({"--source", "--rcfile", "--omit", "--include", "--data-file"}), keep="-m"))
    else:
        found = package_manager(name, arguments) or script_runner(name, arguments) or _itself(words[0], name, arguments)
    return meaning_of(found.words) if isinstance(found, Line) and found.words else found


def _itself(word: str, name: str, arguments: list[str]) -> Program:
    if "/" in word and "/" in name:
        return Program(name.rsplit("/", 1)[-1], tuple(arguments), shell_file=word, must_be_read=word.endswith((".sh", ".bash")))
    return Program(name, tuple(arguments))


def _program_name(text: str) -> str:
    match = _OWN_PROGRAM.search(text) or _PACKAGE_PROGRAM.search(text) or _SYSTEM_PROGRAM.match(text) or _VERSIONED.match(text)
    return match[1] if match else text


def _after_options(arguments: Sequence[str], valued: frozenset[str], keep: str = "") -> list[str]:
    """Return the arguments from the first on that is no option."""
    rest = list(arguments)
    while rest and (rest[0].startswith("-") or _ASSIGNMENT.match(rest[0])) and rest[0] != keep:
        option = rest.pop(0)
        if option == "--":
            break
        if option in valued and rest:
            rest.pop(0)
    return rest


def _wrapped(name: str, arguments: list[str]) -> Meaning:
    if name in _ODD and (odd := next((text for text in arguments if text.startswith(_ODD[name])), "")):
        return Unclear(f"`{name} {odd}` may run nothing, something else, or not hand on its exit status")
    if name == "npx" and (at := next((at for at, text in enumerate(arguments) if text in ("-c", "--call")), -1)) >= 0:
        return Line(" ".join(arguments[at + 1 : at + 2]))
    if name == "command" and arguments[:1] in (["-v"], ["-V"]):
        return NOTHING
    rest = _after_options(arguments[1:] if name in _SUBCOMMANDS else arguments, _PREFIXES.get(name, frozenset()))
    if name == "timeout":
        rest = rest[1:]
    reports = name in ("c8", "nyc") and rest[:1] and rest[0] in ("report", "check-coverage", "merge", "instrument")
    return meaning_of(rest) if rest and not reports else NOTHING


def _shell(arguments: list[str]) -> Meaning:
    errexit = pipefail = has_line = False
    rest = list(arguments)
    while rest and rest[0][:1] in "-+" and len(rest[0]) > 1:
        option = rest.pop(0)
        if option.startswith("--"):
            continue
        if "o" in option and rest:
            value = rest.pop(0)
            pipefail |= value == "pipefail"
            errexit |= value == "errexit"
        if "n" in option:
            return NOTHING
        errexit |= "e" in option
        has_line |= "c" in option
    if not rest:
        return Unclear("a shell reads its commands from its input")
    if has_line:
        return Line(rest[0], errexit=errexit, pipefail=pipefail)
    return Program("sh", tuple(rest[1:]), shell_file=rest[0], must_be_read=True, errexit=errexit)


def _node(arguments: list[str]) -> Meaning:
    valued = frozenset({"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions", "--env-file"})
    rest = list(arguments)
    tests = False
    while rest and rest[0].startswith("-") and rest[0] != "-":
        option = rest.pop(0)
        if option == "--run" and rest:
            return Scripts(rest[0], arguments=tuple(rest[2:] if rest[1:2] == ["--"] else rest[1:]))
        if option in ("-e", "--eval", "-p", "--print", "-pe") or option.startswith(("--eval=", "--print=")):
            return Unclear("it runs a text that stands on the command line")
        if option in ("--version", "-v", "--help", "-h"):
            return NOTHING
        tests |= option == "--test"
        if option in valued and rest:
            rest.pop(0)
    if tests:
        return Program("node", tuple(arguments))
    if not rest or rest[0] == "-":
        return Unclear("node reads its program from its input")
    match = _PACKAGE_PROGRAM.search(rest[0]) or _OWN_PROGRAM.search(rest[0])
    return meaning_of([match[1], *rest[1:]]) if match else Program("node", tuple(arguments))


def _python(arguments: list[str]) -> Meaning:
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] not in ("-", "-m", "-c"):
        if rest.pop(0) in ("-W", "-X") and rest:
            rest.pop(0)
    if rest[:1] == ["-m"] and len(rest) > 1:
        return meaning_of(rest[1:])
    if rest[:1] == ["-c"]:
        return Unclear("it runs a text that stands on the command line")
    if not rest:
        return Unclear("python reads its program from its input")
    return Program("python", tuple(rest))
