"""Programs that run several scripts or commands: npm-run-all, concurrently, turbo, lerna, nx."""

from __future__ import annotations

from collections.abc import Sequence

from aigentflow.runtime.verification.meanings import NOTHING, Line, Meaning, Scripts, Several, Unclear

_NAMED = frozenset({"npm-run-all", "npm-run-all2", "run-s", "run-p"})
_CONCURRENTLY = frozenset(
    {"-n", "--names", "-c", "--prefix-colors", "-p", "--prefix", "-m", "--max-processes", "--restart-tries", "-l", "-t"}
)


def script_runner(name: str, arguments: Sequence[str]) -> Meaning | None:
    """Return what a runner of several scripts runs, None where the program is none."""
    found: Meaning | None = None
    if name in _NAMED:
        found = _named(arguments)
    elif name == "concurrently":
        found = _concurrently(list(arguments))
    elif name in ("turbo", "lerna"):
        found = _everywhere(name, list(arguments))
    elif name in ("nx", "wsrun", "ultra"):
        found = Unclear(f"what `{name}` runs is not looked into")
    return found


def _named(arguments: Sequence[str]) -> Meaning:
    if any(text in ("-r", "--race") for text in arguments):
        return Unclear("`--race` ends the other scripts when one has passed")
    until = list(arguments).index("--") if "--" in arguments else len(arguments)
    names = [text.split() for text in arguments[:until] if text.strip() and not text.startswith("-")]
    return Several(tuple(Scripts(words[0].replace("**", "*"), tuple(words[1:])) for words in names))


def _concurrently(arguments: list[str]) -> Meaning:
    parts: list[Meaning] = []
    while arguments:
        text = arguments.pop(0)
        option, equals, _value = text.partition("=")
        if option in ("-s", "--success", "-k", "--kill-others"):
            return Unclear(f"`concurrently {option}` may pass although one of its commands failed or was ended")
        if option in _CONCURRENTLY and not equals and arguments:
            arguments.pop(0)
        elif text.startswith(("npm:", "pnpm:", "yarn:", "bun:")):
            script, *rest = text.partition(":")[2].split() or [""]
            parts.append(Scripts(script, tuple(rest)))
        elif not text.startswith("-"):
            parts.append(Line(text))
    return Several(tuple(parts))


def _everywhere(name: str, arguments: list[str]) -> Meaning:
    if any(text.startswith(("--dry", "--graph")) for text in arguments):
        return NOTHING
    words = [text for text in arguments if not text.startswith("-")]
    words = words[1:] if words[:1] == ["run"] else words
    return Several(tuple(Scripts(text, where="*") for text in words)) if words else Unclear(f"`{name}` names no script")
