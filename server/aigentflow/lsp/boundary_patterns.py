"""Where the patterns of a boundary stand in an agent file or in the project file, and what is odd about one of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aigentflow.definitions.values import Problem, Span

if TYPE_CHECKING:
    from aigentflow.definitions.nodes import Entry, Node
    from aigentflow.definitions.values import AgentDefinition

_FORMS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SEPARATORS = {
    "\u2215": "/",
    "\u2044": "/",
    "\u29f8": "/",
    "\u2217": "*",
    "\u204e": "*",
    "\u2731": "*",
    "\u2e31": ".",
    "\u2010": "-",
    "\u2011": "-",
}
_ALIKE = frozenset("аеорсухіјѕһԁԛԝӏвнкмтг" + "αεικνορτυχ" + "օոսԁց")
"""Letters of other scripts that are drawn as Latin ones."""


@dataclass(frozen=True)
class Written:
    """One pattern as it is written."""

    agent: str
    pattern: str
    """Without the `!` that makes an allow entry a restriction."""
    restricts: bool
    span: Span


@dataclass(frozen=True)
class Head:
    """The key under which the boundary of an agent stands."""

    agent: str
    span: Span


def patterns_of_agent(definition: AgentDefinition) -> tuple[Head | None, tuple[Written, ...]]:
    """Return the key `boundaries` and the patterns of an agent file, those of the body's "do NOT modify" list too."""
    from aigentflow.definitions.frontmatter import read_front_matter

    front = read_front_matter(definition.text, ("boundaries", "tools", "agent", "name", "description"))
    entry = front.fields.get("boundaries")
    found = list(_of_boundary(definition.id, entry.value)) if entry is not None else []
    known = {written.span for written in found}
    found += [
        Written(definition.id, deny.pattern, True, deny.span)
        for deny in definition.deny
        if deny.span is not None and not any(span.start <= deny.span.start and deny.span.end <= span.end for span in known)
    ]
    return None if entry is None else Head(definition.id, entry.key.span), tuple(found)


def patterns_of_project(text: str) -> tuple[tuple[Head, ...], tuple[Written, ...]]:
    """Return the keys of the agents that the project file bounds, and the patterns there."""
    from aigentflow.definitions.frontmatter import LARGEST, read_fields
    from aigentflow.definitions.nodes import Fields

    if len(text) > LARGEST:
        return (), ()
    start = 1 if text.startswith("\ufeff") else 0
    fields, _problems = read_fields(text, Span(start, len(text)), ("boundaries",))
    entry = fields.get("boundaries")
    if entry is None or not isinstance(entry.value, Fields):
        return (), ()
    agents = entry.value.entries
    heads = tuple(Head(agent.key.text, agent.key.span) for agent in agents)
    return heads, tuple(written for agent in agents for written in _of_boundary(agent.key.text, agent.value))


def _of_boundary(agent: str, node: Node) -> Iterator[Written]:
    from aigentflow.definitions.nodes import Fields

    for entry in node.entries if isinstance(node, Fields) else ():
        if entry.key.text in ("allow", "deny"):
            yield from _of_list(agent, entry)


def _of_list(agent: str, entry: Entry) -> Iterator[Written]:
    from aigentflow.definitions.nodes import Fields, Items, Scalar
    from aigentflow.definitions.reading import strings

    denies = entry.key.text == "deny"
    nodes = entry.value.items if isinstance(entry.value, Items) else strings(entry.value) or ()
    for node in nodes:
        inner = node.get("pattern") if isinstance(node, Fields) else None
        scalar = inner.value if inner is not None else node
        if not isinstance(scalar, Scalar) or not scalar.text.strip():
            continue
        text = scalar.text.strip()
        negated = not denies and text.startswith("!")
        yield Written(agent, text[1:].strip() if negated else text, denies or negated, scalar.span)


def oddities(written: Written) -> Iterator[Problem]:
    """Yield what a person cannot see in a pattern: characters that are not shown, and letters that only look like others."""
    for character in dict.fromkeys(written.pattern):
        if unicodedata.category(character) in _FORMS:
            yield _odd(written, f"holds the invisible or control character U+{ord(character):04X}, so it matches no file that can be named")
            return
        if character in _SEPARATORS:
            yield _odd(written, f"holds {character} (U+{ord(character):04X}), which looks like {_SEPARATORS[character]} and is not")
            return
    for part in written.pattern.split("/"):
        letters = [character for character in part if character.isalpha()]
        strange = [character for character in letters if not character.isascii() and unicodedata.normalize("NFKC", character) in _ALIKE]
        if strange and all(character.isascii() or character in strange for character in letters):
            points = ", ".join(f"U+{ord(character):04X}" for character in dict.fromkeys(strange))
            yield _odd(written, f"holds letters of another script that look like Latin ones ({points})")
            return


def _odd(written: Written, what: str) -> Problem:
    kind = "restriction" if written.restricts else "allow entry"
    return Problem(f"The {kind} {written.pattern!r} {what}", written.span, "warning", "boundary.look-alike")
