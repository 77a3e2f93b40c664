"""The output contract: an example of the answer read as a shape, made a JSON Schema, and the answer of a model held against it.

What the schema asks for is lenient, because an answer that is refused costs a turn: the top-level keys of the example have to be
there, below them the first key of each object (`path` of a file, `summary` of an implementation); a key written `"name?"` never
has to; further keys are welcome. What the server measures itself is left out, whatever the example says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from aigentflow.definitions.scanner import scan
from aigentflow.definitions.shape import Choice, NotAShape, Shape, Word, read_shape
from aigentflow.definitions.values import Problem, Span

_LARGEST_EXAMPLE = 64 * 1024
_LARGEST_ANSWER = 2 * 1024 * 1024
_MOST_WORK = 16 * 1024 * 1024
_MOST_MESSAGES = 20
_FENCES_IN = 256 * 1024
_MEASURED = frozenset({("verification",), ("files", "linesChanged")})
"""Keys that the server fills (list levels left out of the path); a model's word on them is a claim."""

_TYPES = {
    **{
        "string": "string",
        "str": "string",
        "text": "string",
        "number": "number",
        "float": "number",
        "integer": "integer",
        "int": "integer",
    },
    **{"boolean": "boolean", "bool": "boolean", "null": "null", "object": "object", "array": "array", "list": "array"},
}
_OBJECT = re.compile(r"\{(?=\s*[\"}])")
_OPTION = re.compile(r"[^\s|]{1,40}(?: [^\s|]{1,40}){0,2}\Z")

REPORT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "path": {"type": "string"},
                    "line": {"type": "integer", "minimum": 1},
                    "endLine": {"type": "integer", "minimum": 1},
                    "severity": {"type": "string", "enum": ["error", "warning", "info", "hint"]},
                    "message": {"type": "string"},
                    "item": {"type": "string"},
                },
                "required": ["path", "line", "message"],
            },
        },
    },
    "required": ["summary", "findings"],
}
"""Of commands with `result: report`; lines are 1-based, `item` names a checklist item."""


def schema_from_example(example: str) -> tuple[dict[str, Any] | None, tuple[Problem, ...]]:
    """Return the JSON Schema of the shape that the example shows, and what could not be read of it (spans into the example)."""
    if len(example) > _LARGEST_EXAMPLE:
        return None, (Problem("The example of the answer is too large", Span(0, 1), "warning", "contract.size"),)
    try:
        shape, _ = read_shape(example)
    except NotAShape as error:
        at = min(error.offset, max(0, len(example) - 1))
        message = f"The example of the answer is not JSON-like: {error}; the answer is taken as it comes"
        return None, (Problem(message, Span(at, min(at + 1, len(example))), "warning", "contract.shape"),)
    if not isinstance(shape, (dict, list)):
        return None, (Problem("The example of the answer is neither an object nor a list", Span(0, 1), "warning", "contract.shape"),)
    return _schema(shape, (), 0), ()


def validate(schema: Mapping[str, Any], value: object) -> list[str]:
    """Return what is wrong with the value, one line each with its path; empty where it meets the schema."""
    import jsonschema  # type: ignore[import-untyped]  # 60 ms that only a run has to pay.

    found = []
    try:
        for error in jsonschema.Draft202012Validator(dict(schema)).iter_errors(value):
            where = error.json_path.removeprefix("$").lstrip(".") or "the answer"
            found.append(f"{where}: {_cut(error.message)}")
            if len(found) == _MOST_MESSAGES:
                break
    except RecursionError:
        return ["the answer: nested too deeply"]
    return found


def extract_json(text: str) -> Any | None:
    """Return the JSON value that a model's text holds: the last whole object, out of prose, fences and repetitions; None without one."""
    text = text[-_LARGEST_ANSWER:]
    if (array := _array(text)) is not None:
        return array
    last: Any | None = None
    for value in _objects(text):
        if value or last is None:
            last = value
    return last if last is not None else _loose(text)


def _schema(shape: Shape, path: tuple[str, ...], depth: int) -> dict[str, Any]:
    match shape:
        case dict():
            return _object_schema(shape, path, depth)
        case list():
            items = [_schema(item, path, depth + 1) for item in shape[:1]]
            return {"type": "array", "items": items[0]} if items else {"type": "array"}
        case Choice(options):
            return _choice_schema(options, path, depth)
        case _:
            return _plain_schema(shape)


def _plain_schema(shape: str | int | float | bool | Word | None) -> dict[str, Any]:
    match shape:
        case Word(word):
            return _word_schema(word)
        case str():
            return _string_schema(shape)
        case None:
            return {}
        case _:
            return {"type": "boolean" if isinstance(shape, bool) else "integer" if isinstance(shape, int) else "number"}


def _object_schema(shape: dict[str, Shape], path: tuple[str, ...], depth: int) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    for written, value in shape.items():
        name = written.removesuffix("?") or written
        inner = (*path, name)
        if inner in _MEASURED:
            continue
        properties[name] = _schema(value, inner, depth + 1)
        if name == written and (depth == 0 or not properties.keys() - {name}):
            required.append(name)
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return schema | {"required": required} if required else schema


def _choice_schema(options: tuple[Shape, ...], path: tuple[str, ...], depth: int) -> dict[str, Any]:
    if all(isinstance(option, bool) for option in options):
        return {"type": "boolean"}
    types = [_TYPES.get(option.text.lower()) if isinstance(option, Word) else "null" if option is None else None for option in options]
    if all(types):
        return {"type": list(dict.fromkeys(types))}
    if all(isinstance(option, (str, int, float, Word)) or option is None for option in options):
        return {"enum": [option.text if isinstance(option, Word) else option for option in options]}
    return {"anyOf": [_schema(option, path, depth + 1) if option is not None else {"type": "null"} for option in options]}


def _word_schema(word: str) -> dict[str, Any]:
    known = _TYPES.get(word.strip("<>").lower())
    return {"type": known} if known else {} if word.startswith("<") else {"type": "string"}


def _string_schema(text: str) -> dict[str, Any]:
    options = [option.strip() for option in text.split("|")]
    types = [_TYPES.get(option.lower()) for option in options]
    if len(options) > 1 and all(types):
        return {"type": list(dict.fromkeys(types))}
    if len(options) > 1 and all(map(_OPTION.match, options)):
        return {"type": "string", "enum": list(dict.fromkeys(options))}
    if text in ("string", "number", "integer", "boolean"):
        return {"type": text}
    return {"type": "string", "description": text} if text.strip() else {"type": "string"}


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the whole objects of the text in order, not those inside of others; none out of one that is cut off."""
    decoder = json.JSONDecoder(strict=False, parse_constant=_no_constant)
    end, work = len(text.rstrip()), 0
    opening = _OBJECT.search(text)
    while opening is not None and work < _MOST_WORK:
        stop = opening.end()
        try:
            value, stop = decoder.raw_decode(text, opening.start())
        except json.JSONDecodeError as error:
            if error.pos >= end or error.msg.startswith("Unterminated string"):
                # Cut off: what stands inside is a piece of the answer, not the answer.
                return
            # The decoder counts lines up to the fault, so that each costs as much as lies before it.
            work += error.pos
        except (ValueError, RecursionError):
            return
        else:
            yield value
        opening = _OBJECT.search(text, stop)


def _array(text: str) -> Any | None:
    """Return the list that the whole text, or its last fence, consists of; lists elsewhere are prose."""
    tail = text[-_FENCES_IN:]
    fences = scan(tail, Span(0, len(tail))).fences if "```" in tail or "~~~" in tail else []
    for candidate in (text, *(tail[fence.content.start : fence.content.end] for fence in fences[-1:])):
        stripped = candidate.strip()
        if stripped[:1] == "[" and stripped[-1:] == "]" and (value := _strict(stripped)) is not None:
            return value
    return None


def _strict(text: str) -> Any | None:
    try:
        return json.loads(text, strict=False, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _loose(text: str) -> Any | None:
    """Return the first object once more, trailing commas and comments allowed."""
    at = text.find("{")
    try:
        value = _plain(read_shape(text, at)[0]) if at >= 0 else None
    except (NotAShape, RecursionError):
        return None
    return value if isinstance(value, dict) and value else None


def _plain(shape: Shape) -> Any:
    match shape:
        case dict():
            return {key: _plain(value) for key, value in shape.items()}
        case list():
            return [_plain(value) for value in shape]
        case Choice() | Word():
            raise NotAShape("alternatives and bare words are no values", 0)
        case _:
            return shape


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _cut(message: str) -> str:
    return message if len(message) <= 300 else message[:200] + " … " + message[-80:]
