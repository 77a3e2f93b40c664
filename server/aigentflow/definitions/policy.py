"""What an agent may use and change, as its front matter says. A restriction that cannot be understood fails closed."""

from __future__ import annotations

from dataclasses import dataclass, field

from aigentflow.definitions.nodes import Entry, Fields, Items, Node, Scalar
from aigentflow.definitions.reading import Reader, close_to, place_of, strings
from aigentflow.definitions.values import DenyEntry, Span
from aigentflow.workspace.rules import entry_problem

READING_TOOLS = ("Read", "Grep", "Glob")
CHANGING_TOOLS = ("Write", "Edit")
DEFAULT_TOOLS = ("Read", "Write", "Edit", "Grep", "Glob")
"""Of an agent that lists none: running commands has to be asked for."""
EVERY_TOOL = ("Read", "Write", "Edit", "Bash", "Grep", "Glob")

_KNOWN_TOOLS = {
    name.lower(): name
    for name in (
        *("Read", "Write", "Edit", "Bash", "Grep", "Glob", "LSP", "LS", "MultiEdit", "NotebookEdit", "NotebookRead"),
        *("WebFetch", "WebSearch", "TodoRead", "TodoWrite", "Task", "Agent", "Skill", "BashOutput", "KillShell", "AskUserQuestion"),
    )
}
_CHANGES_FILES = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})
_RESTRICTIONS = frozenset({"tools", "boundaries", "read_only", "disallowedTools", "permissionMode"})
FOREIGN_RESTRICTIONS = frozenset({"permission", "permissions", "allowed-tools", "allowed_tools", "disallowed-tools", "disallowed_tools"})
"""What other dialects restrict an agent with."""


@dataclass
class Policy:
    """Tools and boundary of one agent."""

    tools: tuple[str, ...] = DEFAULT_TOOLS
    read_only: bool = False
    allow: tuple[str, ...] | None = None
    deny: tuple[DenyEntry, ...] = ()
    spans: dict[str, Span] = field(default_factory=dict)


def read_policy(fields: Fields, reader: Reader, misspelt: tuple[tuple[Entry, str], ...], repeated: tuple[str, ...]) -> Policy:
    """Return tools, boundary and read-only state; every doubt about them makes the agent read-only and is an error."""
    reading = _PolicyReading(reader)
    for entry, meant in misspelt:
        if meant in _RESTRICTIONS and fields.get(meant) is None:
            reading.close(f"{entry.key.text!r} looks like the restriction {meant!r} but is not", entry.key.span)
    for name in FOREIGN_RESTRICTIONS:
        if (foreign := fields.get(name)) is not None:
            reading.close(f"The restriction {name!r} belongs to another kind of agent file", foreign.key.span)
    for name in _RESTRICTIONS.intersection(repeated):
        again = fields.get(name)
        reading.close(f"The restriction {name!r} stands here twice", again.key.span if again else fields.span)
    reading.read(fields)
    return reading.finish()


class _PolicyReading:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._policy = Policy()
        self._closed = False

    def close(self, reason: str, span: Span) -> None:
        """Make the agent read-only, because a restriction is there and its meaning is not known."""
        self._closed = True
        self._reader.problem(f"{reason}; the agent is read-only until this is mended", span, "error", "restriction.unclear")

    def read(self, fields: Fields) -> None:
        if (tools := fields.get("tools")) is not None:
            self._tools(tools)
        if (taken := fields.get("disallowedTools")) is not None:
            self._disallowed(taken)
        if (flag := fields.get("read_only")) is not None:
            self._read_only(flag)
        if (mode := fields.get("permissionMode")) is not None and self._reader.string(mode) in (None, "plan"):
            self._policy.read_only = True
        if (boundaries := fields.get("boundaries")) is not None:
            self._boundaries(boundaries)

    def finish(self) -> Policy:
        policy = self._policy
        if self._closed:
            policy.tools = tuple(tool for tool in policy.tools if tool in READING_TOOLS) or READING_TOOLS
            policy.read_only, policy.allow = True, ()
        if policy.read_only or not _CHANGES_FILES.intersection(CHANGING_TOOLS).intersection(policy.tools):
            policy.read_only = True
            policy.tools = tuple(tool for tool in policy.tools if tool not in _CHANGES_FILES)
        return policy

    def _tools(self, entry: Entry) -> None:
        names = _tool_names(entry.value)
        if names is None:
            self.close("'tools' has to be a list of tool names", place_of(entry))
            return
        found: dict[str, None] = {}
        for name in names:
            if name.text.strip() == "*":
                found.update(dict.fromkeys(EVERY_TOOL))
                continue
            known = _KNOWN_TOOLS.get(name.text.strip().lower())
            found[known or name.text.strip()] = None
            if known is None:
                self._unknown_tool(name)
        self._policy.tools = tuple(found)

    def _unknown_tool(self, name: Scalar) -> None:
        meant = close_to(name.text, _KNOWN_TOOLS.values())
        hint = f"; did you mean {meant!r}?" if meant else "; it is kept and not offered to the model"
        self._reader.problem(f"Unknown tool {name.text!r}{hint}", name.span, "info", "tools.unknown")

    def _disallowed(self, entry: Entry) -> None:
        names = _tool_names(entry.value)
        if names is None:
            self.close("'disallowedTools' has to be a list of tool names", place_of(entry))
            return
        # `Bash(git *)` forbids a part of the tool; without a way to forbid only that part, all of it goes.
        taken = {name.text.partition("(")[0].strip().lower() for name in names}
        self._policy.tools = tuple(tool for tool in self._policy.tools if tool.lower() not in taken)

    def _read_only(self, entry: Entry) -> None:
        flag = self._reader.flag(entry)
        if flag is None:
            self.close("'read_only' has to be true or false", place_of(entry))
        else:
            self._policy.read_only = self._policy.read_only or flag

    def _boundaries(self, entry: Entry) -> None:
        if not isinstance(entry.value, Fields):
            self.close("'boundaries' has to hold 'allow' and 'deny'", place_of(entry))
            return
        for name in self._reader.repeated_keys(entry.value):
            self.close(f"'boundaries.{name}' stands here twice", entry.key.span)
        for inner in entry.value.entries:
            self._policy.spans[f"boundaries.{inner.key.text}"] = place_of(inner)
            if inner.key.text == "allow":
                self._allow(inner)
            elif inner.key.text == "deny":
                self._deny(inner)
            else:
                self.close(f"'boundaries' knows 'allow' and 'deny', not {inner.key.text!r}", inner.key.span)

    def _allow(self, entry: Entry) -> None:
        globs = strings(entry.value)
        if globs is None:
            self.close("'boundaries.allow' has to be a list of globs", place_of(entry))
            return
        self._policy.allow = tuple(glob.text.strip() for glob in globs)
        for glob in globs:
            if (reason := entry_problem(glob.text, restricts=False)) is None:
                continue
            if glob.text.strip().startswith("!"):
                self.close(f"The restriction {glob.text!r} cannot be understood ({reason})", glob.span)
            else:
                self._reader.problem(f"The allow entry {glob.text!r} gives nothing: {reason}", glob.span, code="boundary.entry")

    def _deny(self, entry: Entry) -> None:
        nodes = entry.value.items if isinstance(entry.value, Items) else strings(entry.value)
        entries = [_deny_entry(node) for node in nodes or ()]
        if nodes is None or None in entries:
            self.close("'boundaries.deny' has to be a list of globs", place_of(entry))
        for found in (found for found in entries if found is not None):
            self._policy.deny += (found,)
            if (reason := entry_problem(found.pattern, restricts=True)) is not None:
                self.close(f"The restriction {found.pattern!r} cannot be understood ({reason})", found.span or place_of(entry))


def _deny_entry(node: Node) -> DenyEntry | None:
    """Return the entry for a glob, or for `{pattern: …, owner: …}`."""
    if isinstance(node, Scalar):
        return None if node.is_empty or not node.text.strip() else DenyEntry(node.text.strip(), None, node.span)
    if isinstance(node, Fields) and (pattern := node.get("pattern")) is not None and isinstance(pattern.value, Scalar):
        owner = node.get("owner")
        name = owner.value.text if owner and isinstance(owner.value, Scalar) and not owner.value.is_empty else None
        return DenyEntry(pattern.value.text.strip(), name, pattern.value.span) if pattern.value.text.strip() else None
    return None


def tool_names(node: Node) -> tuple[str, ...] | None:
    """Return the tools that a file of any dialect lists, the known ones by our names; None where it is no list of tools."""
    if isinstance(node, Fields):
        # A map of names to yes or no, as opencode has it.
        on = [entry.key for entry in node.entries if isinstance(entry.value, Scalar) and entry.value.text.strip().lower() == "true"]
    else:
        on = _tool_names(node) or []
    return tuple(dict.fromkeys(_KNOWN_TOOLS.get(name.text.strip().lower(), name.text.strip()) for name in on)) or None


def _tool_names(node: Node) -> list[Scalar] | None:
    names = strings(node)
    if names is None or len(names) != 1 or not isinstance(node, Scalar):
        return names
    words = node.text.split()
    if len(words) > 1 and all(word.lower() in _KNOWN_TOOLS for word in words):
        return [Scalar(word, node.span) for word in words]
    return names
