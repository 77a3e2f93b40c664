"""How npm, pnpm, yarn, bun and their neighbours are asked to run scripts."""

from __future__ import annotations

from collections.abc import Sequence

from aigentflow.runtime.verification.meanings import Line, Meaning, Program, Scripts, Several, Unclear

_VALUED = frozenset({"-w", "--workspace", "--prefix", "-C", "--dir", "--cwd", "-F", "--filter", "--loglevel", "--reporter", "--userconfig"})
_PLACES = frozenset({"-w", "--workspace", "--prefix", "-C", "--dir", "--cwd", "-F", "--filter"})
_EVERYWHERE = frozenset({"-ws", "--workspaces", "-r", "--recursive"})
_RUN = frozenset({"run", "run-script", "rum", "urn"})
_EXEC = frozenset({"exec", "x", "dlx"})
_OWN_TESTS = frozenset({"test", "t", "tst"})


def package_manager(name: str, arguments: Sequence[str]) -> Meaning | None:
    """Return what a package manager is asked to run, None where the program is none."""
    if name not in ("npm", "pnpm", "yarn", "bun", "yarnpkg"):
        return None
    where, present, rest = _options(list(arguments))
    if not rest:
        return Program("true", ())
    verb, behind = rest[0], rest[1:]
    if verb == "workspace" and name == "yarn" and len(behind) > 1:
        return _yarn_workspace(behind)
    if verb == "workspaces" and name == "yarn":
        verbs = [text for text in behind if text in _RUN]
        return Scripts(behind[behind.index(verbs[0]) + 1], where="*") if verbs and behind[-1] not in _RUN else Unclear("`yarn workspaces`")
    if verb in _RUN:
        return _script(name, behind, where, present)
    if verb in _OWN_TESTS and name != "bun":
        return _script(name, ["test", *behind], where, present)
    if verb in _EXEC:
        return Line(words=tuple(_without_options(behind))) if _without_options(behind) else Program("true", ())
    if name == "bun" and verb == "test":
        return Program("bun test", tuple(behind))
    if name in ("npm",) or verb in ("install", "i", "add", "ci", "install-test", "config", "build-types", "audit", "list", "why"):
        return Unclear("it installs before it tests") if verb in ("it", "cit", "install-test", "install-ci-test") else Program("true", ())
    return Scripts(verb, tuple(text for text in behind if text != "--"), where, present, else_program=True)


def _yarn_workspace(behind: list[str]) -> Meaning:
    place, verb, rest = behind[0], behind[1], behind[2:]
    if verb in _RUN and rest:
        verb, rest = rest[0], rest[1:]
    return Scripts(verb, tuple(text for text in rest if text != "--"), place, else_program=True)


def _script(name: str, behind: list[str], where: str, present: bool) -> Meaning:
    own_where, own_present, rest = _options(behind)
    if not rest:
        return Program("true", ())
    script, passed = rest[0], rest[1:]
    if name == "npm":
        # npm keeps options in front of `--` to itself.
        late_where, late_present, _words = _options([text for text in passed[: passed.index("--")]] if "--" in passed else passed)
        own_where, own_present = own_where or late_where, own_present or late_present
        front = passed[: passed.index("--")] if "--" in passed else passed
        back = passed[passed.index("--") + 1 :] if "--" in passed else []
        passed = [*[text for text in front if not text.startswith("-")], *back] if not late_where else back
    else:
        passed = [text for at, text in enumerate(passed) if text != "--" or at > 0]
    return Scripts(script, tuple(passed), own_where or where, present or own_present, else_program=name != "npm")


def _options(arguments: list[str]) -> tuple[str, bool, list[str]]:
    """Return the place and `--if-present` that the leading options name, and what follows them."""
    where, present, rest = "", False, list(arguments)
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
    return where, present, rest


def _without_options(arguments: list[str]) -> list[str]:
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--":
            break
        if option in ("-p", "--package", "-w", "--workspace", "-c", "--call") and rest:
            rest.pop(0)
    return rest


def script_runner(name: str, arguments: Sequence[str]) -> Meaning | None:
    """Return what a runner of several scripts runs, None where the program is none."""
    if name in ("npm-run-all", "npm-run-all2", "run-s", "run-p"):
        if any(text in ("-r", "--race") for text in arguments):
            return Unclear("`--race` ends the other scripts when one has passed")
        names = [text for text in _until_arguments(arguments) if not text.startswith("-")]
        return Several(tuple(Scripts(text.split()[0].replace("**", "*"), tuple(text.split()[1:])) for text in names if text.split()))
    if name == "concurrently":
        return _concurrently(list(arguments))
    if name in ("turbo", "lerna", "nx"):
        return _everywhere(name, list(arguments))
    if name in ("wsrun", "ultra", "preconstruct", "foreach"):
        return Unclear("it runs scripts of other packages")
    return None


def _until_arguments(arguments: Sequence[str]) -> Sequence[str]:
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _concurrently(arguments: list[str]) -> Meaning:
    valued = {"-n", "--names", "-c", "--prefix-colors", "-p", "--prefix", "-m", "--max-processes", "--restart-tries", "-l", "-t"}
    parts: list[Meaning] = []
    while arguments:
        text = arguments.pop(0)
        option, equals, _value = text.partition("=")
        if option in ("-s", "--success", "-k", "--kill-others"):
            return Unclear(f"`concurrently {option}` may pass although one of its commands failed or was ended")
        if option in valued and not equals and arguments:
            arguments.pop(0)
        elif text.startswith(("npm:", "pnpm:", "yarn:", "bun:")):
            script, *rest = text.partition(":")[2].split()
            parts.append(Scripts(script, tuple(rest)))
        elif not text.startswith("-"):
            parts.append(Line(text))
    return Several(tuple(parts))


def _everywhere(name: str, arguments: list[str]) -> Meaning:
    if any(text.startswith(("--dry", "--graph")) for text in arguments):
        return Program("true", ())
    words = [text for text in arguments if not text.startswith("-")]
    if name == "nx":
        return Unclear("the targets of nx are not looked into")
    if words[:1] == ["run"]:
        words = words[1:]
    return Several(tuple(Scripts(text, where="*") for text in words)) if words else Unclear(f"`{name}` names no script")
