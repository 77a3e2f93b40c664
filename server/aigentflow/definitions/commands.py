"""What an agent offers to do at a place: `commands:` of the front matter, and what an agent without them gets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from aigentflow.definitions.nodes import Entry, Fields, Items, Node
from aigentflow.definitions.reading import Reader, close_to, place_of, strings
from aigentflow.definitions.values import PLACES, AgentCommand, Place
from aigentflow.workspace.globs import Glob, GlobError

_KNOWN = ("id", "title", "task", "on", "languages", "files", "kind", "result", "ask")
_KIND = re.compile(r"[a-zA-Z][\w-]*(?:\.[\w-]+)*\Z")
_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,63}\Z")
_PLACEHOLDER = re.compile(r"\{(symbol|file|selection|gap)\}|\$([A-Z][A-Z0-9_]*)")
_MOST_COMMANDS = 50
_FIX_KIND = "quickfix"


def read_commands(entry: Entry | None, agent_id: str, reader: Reader, *, has_checklist: bool) -> tuple[AgentCommand, ...]:
    """Return the declared commands; the two of `default_commands` where nothing (readable) is declared."""
    if entry is None:
        return default_commands(agent_id, has_checklist=has_checklist)
    if not isinstance(entry.value, Items):
        reader.problem("'commands' has to be a list", place_of(entry))
        return default_commands(agent_id, has_checklist=has_checklist)
    found: dict[str, AgentCommand] = {}
    for node in entry.value.items[:_MOST_COMMANDS]:
        command = _command(node, reader)
        if command is None:
            continue
        if command.id in found:
            reader.problem(f"Another command is already called {command.id!r}; this one is left out", node.span, code="command.repeated")
        else:
            found[command.id] = command
    return tuple(found.values())


def default_commands(agent_id: str, *, has_checklist: bool) -> tuple[AgentCommand, ...]:
    """Return what an agent offers that declares no commands."""
    run = AgentCommand(
        id="run",
        title=f"Run {agent_id} on {{selection}}",
        task="$ARGUMENTS",
        on=("file", "selection"),
        ask=f"What should {agent_id} do?",
    )
    fix = AgentCommand(
        id="fix-gap",
        title=f"Fix gap with {agent_id}: {{gap}}",
        task="Close this gap in {file} and change nothing that has no part in it: {gap}",
        on=("gap",),
        kind=_FIX_KIND,
    )
    return (run, fix) if has_checklist else (run,)


def fill(template: str, places: Mapping[str, str], variables: Mapping[str, str]) -> str:
    """Return the template with `{symbol} {file} {selection} {gap}` and `$VARIABLES` put in; what is not known stays as it is.

    One pass: what is put in is not searched again.
    """

    def value(match: re.Match[str]) -> str:
        place, name = match.groups()
        return places.get(place, match.group()) if place else variables.get(name, match.group())

    return _PLACEHOLDER.sub(value, template)


def _command(node: Node, reader: Reader) -> AgentCommand | None:
    if not isinstance(node, Fields):
        reader.problem("A command has to be `id`, `title`, `task`, `on`", node.span, code="command.shape")
        return None
    reader.unknown_keys(node, _KNOWN)
    reader.repeated_keys(node)
    missing = [name for name in _KNOWN[:4] if node.get(name) is None]
    if missing:
        reader.problem(f"The command has no {', '.join(map(repr, missing))} and is left out", node.span, code="command.missing")
        return None
    identity, title, task = (reader.string(node.get(name)) for name in _KNOWN[:3])
    places = _places(node, reader)
    if not identity or not title or not task or not places:
        return None
    if not _ID.match(identity):
        reader.problem("The id of a command is made of letters, digits, `-`, `_` and `.`", node.entries[0].value.span, code="command.id")
        return None
    command = AgentCommand(identity, title.strip(), task.strip(), places, kind=_FIX_KIND if places == ("gap",) else AgentCommand.kind)
    return replace(_with_filters(command, node, reader), result=_result(node, reader), ask=reader.string(node.get("ask")))


def _with_filters(command: AgentCommand, node: Fields, reader: Reader) -> AgentCommand:
    kind = reader.string(node.get("kind"))
    if kind is not None and not _KIND.match(kind):
        reader.problem(f"{kind!r} is no kind of code action", place_of(_entry(node, "kind")), code="command.kind")
        kind = None
    return replace(
        command,
        languages=_words(node, "languages", reader),
        files=_globs(node, reader),
        kind=kind or command.kind,
    )


def _places(node: Fields, reader: Reader) -> tuple[Place, ...]:
    entry = _entry(node, "on")
    words = strings(entry.value)
    if words is None:
        reader.problem(f"'on' has to be a list out of: {', '.join(PLACES)}", place_of(entry))
        return ()
    places: dict[Place, None] = {}
    for word in words:
        if word.text in PLACES:
            places[word.text] = None
            continue
        meant = close_to(word.text, PLACES)
        hint = f"did you mean {meant!r}?" if meant else f"known are {', '.join(PLACES)}"
        reader.problem(f"Unknown place {word.text!r}; {hint}", word.span, code="command.place")
    return tuple(places)


def _result(node: Fields, reader: Reader) -> Literal["edit", "report"]:
    entry = node.get("result")
    if entry is None:
        return "edit"
    word = reader.string(entry)
    if word == "edit":
        return "edit"
    if word != "report":
        # Offering to change files on a misspelt `report` would be the wrong way to guess.
        reader.problem("'result' is 'edit' or 'report'; taken as 'report'", place_of(entry), "error", "command.result")
    return "report"


def _words(node: Fields, name: str, reader: Reader) -> tuple[str, ...]:
    entry = node.get(name)
    if entry is None:
        return ()
    words = strings(entry.value)
    if words is None:
        reader.problem(f"{name!r} has to be a list of texts", place_of(entry))
        return ()
    return tuple(word.text.strip() for word in words)


def _globs(node: Fields, reader: Reader) -> tuple[str, ...]:
    """Return the globs of `files`; one that is none is told and stays, so that the command is not offered everywhere."""
    found = _words(node, "files", reader)
    for pattern in found:
        try:
            Glob(pattern)
        except GlobError as error:
            reader.problem(f"{pattern!r} matches no file: {error}", place_of(_entry(node, "files")), code="command.files")
    return found


def _entry(node: Fields, name: str) -> Entry:
    entry = node.get(name)
    assert entry is not None
    return entry
