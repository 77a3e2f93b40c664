"""The cases as they stand in `cases/*.yaml`, read strictly: no expectation is lost to a typo in its key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "cases"
TOOLS = ("Read", "Write", "Edit", "Grep", "Glob", "Bash")
_SHORT = {"Keep": ("Bash", {"keep_changes": True})}
"""Words of the case files for a tool with an argument that is often set."""
_CALL = {"refused", "error", "says", "hides", "exit", "then"}
_CASE = {
    "attack",
    "works",
    "each",
    "needs",
    "tree",
    "prepare",
    "open",
    "allow",
    "deny",
    "task",
    "agent",
    "calls",
    "proposal",
    "applied",
    "after",
}
_FILE = {"threat", "allow", "deny", "needs", "tree", "prepare", "cases"}
_REPEATED = re.compile(r"\{([^{}]+?) x (\d+)\}")


@dataclass(frozen=True)
class Call:
    """One call that the scripted model makes, and what must be true of its answer."""

    tool: str
    arguments: Mapping[str, Any]
    refused: str | None = None
    """The rule that must have refused it."""
    error: str | None = None
    """Text of the error that must be the answer; empty: any error."""
    says: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    exit: int | str | None = None
    """Exit status of a command, or `ended` for one that a limit or a signal ended; where nothing is said, a use that must work has 0."""
    then: Mapping[str, Any] = field(default_factory=dict)
    """What somebody else does to the tree right after the answer."""


@dataclass(frozen=True)
class Case:
    """One attack, or one use that must work."""

    group: str
    """Name of its file."""
    threat: str
    """The row of the threat tables that it is from."""
    name: str
    attack: bool
    calls: tuple[Call, ...]
    tree: Mapping[str, Any]
    prepare: str
    """Shell text that the test itself runs in the workspace before."""
    open: Mapping[str, str]
    """Unsaved buffers."""
    allow: tuple[str, ...]
    deny: Mapping[str, str | None]
    """Pattern → owner."""
    needs: tuple[str, ...]
    task: str
    agent: str
    """Text of the agent file's body."""
    proposal: Mapping[str, Any]
    """Every path that the proposal must speak of, and no other."""
    applied: str
    """`yes`, or the rule (`stale`: the base) that must stop the final apply."""
    after: Mapping[str, Any]
    """What somebody else does to the tree between the run and the apply."""

    @property
    def id(self) -> str:
        """Name of the test."""
        return f"{self.group}: {self.name}".encode("unicode_escape").decode("ascii")

    @property
    def runs_commands(self) -> bool:
        """Whether it needs a box."""
        return any(call.tool == "Bash" for call in self.calls)


@cache
def load_cases() -> tuple[Case, ...]:
    """Return all cases, in the order of their files."""
    cases = tuple(case for file in sorted(FOLDER.glob("*.yaml")) for case in _file_cases(file))
    names = [case.id for case in cases]
    assert len(names) == len(set(names)), sorted({name for name in names if names.count(name) > 1})
    return cases


def filled(value: Any, words: Mapping[str, Any]) -> Any:
    """Return the value with `{word}` replaced in every text; `{a x 300}` stands for 300 times `a`."""
    if isinstance(value, str):
        for word, text in words.items():
            if value == "{" + word + "}":
                return filled(text, {})
            value = value.replace("{" + word + "}", str(text))
        return _REPEATED.sub(lambda match: match[1] * int(match[2]), value)
    if isinstance(value, Mapping):
        return {filled(key, words): filled(item, words) for key, item in value.items()}
    return [filled(item, words) for item in value] if isinstance(value, list) else value


def _file_cases(file: Path) -> Iterator[Case]:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    _known(content, _FILE, file.name)
    for raw in content["cases"]:
        _known(raw, _CASE, f"{file.name}: {raw}")
        if "each" not in raw:
            yield _case(file.stem, content, raw)
            continue
        each = raw["each"]
        for name, value in each.items() if isinstance(each, dict) else ((item, item) for item in each):
            yield _case(file.stem, content, filled({key: item for key, item in raw.items() if key != "each"}, {"each": value}), str(name))


def _case(group: str, file: Mapping[str, Any], raw: Mapping[str, Any], variant: str = "") -> Case:
    name = str(raw.get("attack") or raw["works"])
    deny = raw.get("deny", file.get("deny", {"web/**": "frontend_dev"}))
    return Case(
        group=group,
        threat=file["threat"],
        name=f"{name} [{variant}]" if variant else name,
        attack="attack" in raw,
        calls=tuple(_call(call, name) for call in raw.get("calls", ())),
        tree={**file.get("tree", {}), **raw.get("tree", {})},
        prepare=raw.get("prepare", file.get("prepare", "")),
        open=raw.get("open", {}),
        allow=tuple(raw.get("allow", file.get("allow", ["src/**"]))),
        deny=deny if isinstance(deny, dict) else dict.fromkeys(deny),
        needs=tuple(_texts(raw.get("needs", file.get("needs")))),
        task=raw.get("task", "Do what has to be done."),
        agent=raw.get("agent", "# Role\n\nYou change code.\n"),
        proposal=raw.get("proposal", {}),
        applied=raw.get("applied", "yes"),
        after=raw.get("after", {}),
    )


def _call(raw: Mapping[str, Any], where: str) -> Call:
    word = next((name for name in (*TOOLS, *_SHORT) if name in raw), None)
    assert word is not None, f"{where}: no tool in {raw}"
    _known(raw, {word, *_CALL}, where)
    tool, more = _SHORT.get(word, (word, {}))
    arguments = raw[word]
    if isinstance(arguments, str):
        arguments = {{"Bash": "command", "Grep": "pattern", "Glob": "pattern"}.get(tool, "file_path"): arguments}
    arguments = {**arguments, **more}
    return Call(
        tool,
        arguments,
        refused=raw.get("refused"),
        error=raw.get("error"),
        says=tuple(_texts(raw.get("says"))),
        hides=tuple(_texts(raw.get("hides"))),
        exit=raw.get("exit"),
        then=raw.get("then", {}),
    )


def _texts(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


def _known(raw: Mapping[str, Any], keys: set[str], where: str) -> None:
    assert set(raw) <= keys, f"{where}: unknown {set(raw) - keys}"
