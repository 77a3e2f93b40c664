"""Words for deterministic repairs: an error's code from its message, an endpoint's summary from its name."""

from __future__ import annotations

import re

_DROPPED = frozenset(
    re.findall(r"\w+", "a an the is are was were be been has have had of to in on at for with by id got but it its this that")
)
_CLAUSE = re.compile(r"[,;:(]|\.\s|\s[-–—]\s")
_MISSING = re.compile(r"^(?:no|unknown|missing) (?:such )?(\w+)(?: (?:with|for|found|by|called|named|exists)\b.*)?$", re.IGNORECASE)
_NOT_FOUND = re.compile(
    r"^(?:the )?(\w+(?: \w+)?) (?:was |is |could |can )?not (?:be )?found\b|^(?:cannot|could not|can't) find (?:the |a |an )?(\w+)",
    re.IGNORECASE,
)
_MOST_WORDS = 5


def code_of(message: str) -> str | None:
    """Return an error code for a message whose changing parts are blanks; None where it has no words."""
    clause = " ".join(re.sub(r"['\"`’#]", "", _CLAUSE.split(message.strip())[0]).split())
    if match := _MISSING.match(clause):
        return f"{_upper([match[1]])}_NOT_FOUND"
    if match := _NOT_FOUND.match(clause):
        words = [word for word in (match[1] or match[2]).split() if word.lower() not in _DROPPED]
        return f"{_upper(words)}_NOT_FOUND" if words else "NOT_FOUND"
    words = re.findall(r"[A-Za-z][A-Za-z0-9]*", clause)
    kept = [word for word in words if word.lower() not in _DROPPED] or words
    return _upper(kept[:_MOST_WORDS]) if kept else None


def _upper(words: list[str]) -> str:
    split = [re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word) for word in words]
    return "_".join(split).upper()


_MANY = frozenset({"all", "list", "search", "many", "index", "export", "latest"})


def summary_of(method: str, controller: str) -> str:
    """Return what an endpoint does, from the names of its method and its controller: `Find all orders`."""
    words = _words(method)
    resource = _words(controller.removesuffix("Controller"))
    if resource:
        stems = {_singular(word) for word in words}
        plural = bool(_MANY & set(words))
        last = resource[-1] if plural else _singular(resource[-1])
        if _singular(resource[-1]) not in stems and len(words) <= 2:
            words = [*words, *resource[:-1], last]
    sentence = " ".join(words)
    return sentence[:1].upper() + sentence[1:]


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
