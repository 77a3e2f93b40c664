"""What the model is told about the tools: names and arguments as the field knows them, in as few words as do the work."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from aigentflow.runtime.turns import Json

WRITING = frozenset({"Write", "Edit"})
_TEXT, _COUNT, _FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_PATH = {"type": "string", "description": "Relative to the workspace root"}


def _tool(name: str, description: str, properties: dict[str, Any], required: list[str]) -> Json:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"name": name, "description": description, "input_schema": schema}


ALL: tuple[Json, ...] = (
    _tool(
        "Read",
        "Read a text file as the person sees it, unsaved changes included. Lines come with their numbers; up to 2,000 lines at once.",
        {
            "file_path": _PATH,
            "offset": {**_COUNT, "description": "First line, from 1"},
            "limit": {**_COUNT, "description": "Number of lines"},
        },
        ["file_path"],
    ),
    _tool(
        "Write",
        "Create a file, or replace the whole text of one that was read before. Prefer Edit for existing files. Nothing is written to disk: "
        "all changes together become one proposal.",
        {"file_path": _PATH, "content": _TEXT},
        ["file_path", "content"],
    ),
    _tool(
        "Edit",
        "Replace old_string, which must occur exactly once (line numbers left out), by new_string. Include enough context to make it "
        "unique, or set replace_all.",
        {"file_path": _PATH, "old_string": _TEXT, "new_string": _TEXT, "replace_all": _FLAG},
        ["file_path", "old_string", "new_string"],
    ),
    _tool(
        "Grep",
        "Search file contents by regular expression (Python syntax). Files that git ignores and secret files are skipped.",
        {
            "pattern": _TEXT,
            "path": {**_PATH, "description": "File or folder; default: all"},
            "glob": {**_TEXT, "description": "Only files that match, e.g. *.ts"},
            "output_mode": {"type": "string", "enum": ["files_with_matches", "content", "count"]},
            "-i": {**_FLAG, "description": "Ignore case"},
            "-n": {**_FLAG, "description": "Line numbers (default true)"},
            "-A": {**_COUNT, "description": "Lines after"},
            "-B": {**_COUNT, "description": "Lines before"},
            "-C": {**_COUNT, "description": "Lines around"},
            "head_limit": {**_COUNT, "description": "Lines or files shown, default 200"},
            "multiline": {**_FLAG, "description": "Match across lines"},
        },
        ["pattern"],
    ),
    _tool(
        "Glob",
        "List files by pattern, e.g. **/*.service.ts. A pattern without a slash means that folder only.",
        {"pattern": _TEXT, "path": {**_PATH, "description": "Folder; default: all"}},
        ["pattern"],
    ),
    _tool(
        "Bash",
        "Run a shell command in a box: a copy-on-write view of the workspace with all pending changes, without network, secrets or "
        "terminal. What it writes is dropped, unless keep_changes is set: then changed files join the proposal, within the boundary.",
        {
            "command": _TEXT,
            "timeout": {**_COUNT, "description": "Milliseconds, default 120000, at most 600000"},
            "description": {**_TEXT, "description": "What it is for, in a few words"},
            "keep_changes": {**_FLAG, "description": "For code generators, formatters, sed -i"},
        },
        ["command"],
    ),
)
NAMES = tuple(str(tool["name"]) for tool in ALL)


def schemas(names: Collection[str]) -> tuple[Json, ...]:
    """Return the schemas of these tools, always in the same order."""
    return tuple(tool for tool in ALL if tool["name"] in names)


def misuse(name: str, arguments: Json) -> str:
    """Return what is wrong with the arguments of a call to a known tool; empty where nothing is."""
    schema = next(tool["input_schema"] for tool in ALL if tool["name"] == name)
    properties = schema["properties"]
    if missing := [key for key in schema["required"] if key not in arguments]:
        return f"{name} needs {', '.join(missing)}"
    for key, value in arguments.items():
        if key not in properties:
            return f"{name} has no argument {key!r}; it takes {', '.join(properties)}"
        if not _fits(value, properties[key]["type"]):
            return f"{key} of {name} must be of type {properties[key]['type']}, not {value!r:.60}"
        if "enum" in properties[key] and value not in properties[key]["enum"]:
            return f"{key} of {name} must be one of {', '.join(properties[key]['enum'])}, not {value!r:.60}"
        if properties[key]["type"] == "integer" and value < 0:
            return f"{key} of {name} must not be negative"
    return ""


def _fits(value: object, kind: str) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, bool if kind == "boolean" else str)
