"""Where agent files are found, which one shadows which, and when they are read again.

A workspace's files win over the person's, those over the built-in ones. Open buffers win over the disk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aigentflow.definitions.agentfile import parse_agent
from aigentflow.definitions.dialects import is_document
from aigentflow.definitions.folders import Found, agent_files, key_of, load
from aigentflow.definitions.values import AgentDefinition, Problem, Source, Span

WORKSPACE_FOLDERS = (".aigentflow/agents", ".meta/agents/prompts", ".claude/agents")
"""Under each root, the first wins."""
USER_FOLDER = "aigentflow/agents"
"""Under the configuration home."""
SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True)
class _Folder:
    path: Path
    source: Source
    root: Path | None

    def files(self) -> Iterator[Found]:
        """Yield the agent files that lie here; the package has pages of other kinds in folders below."""
        return agent_files(self.path, self.root, nested=self.source != "built-in")


class Library:
    """All agent files of the roots, the person and the package."""

    def __init__(
        self,
        roots: Sequence[Path],
        *,
        config_home: Path,
        home: Path,
        built_in: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.revision = 0
        """Grows whenever what `agents` returns may have changed."""
        self._clock = clock
        self._looked: float | None = None
        self._roots = tuple(dict.fromkeys(roots))
        self._folders = tuple(_folders(roots, config_home, home, built_in))
        self._buffers: dict[str, tuple[Path, str]] = {}
        self._found: dict[str, Found] = {}
        self._parsed: dict[str, AgentDefinition | None] = {}
        self._answers: dict[Path | None, tuple[AgentDefinition, ...]] = {}

    def agents(self, root: Path | None = None) -> tuple[AgentDefinition, ...]:
        """Return the agents of one root (None: of all roots), shadowed ones included and flagged, in order of precedence."""
        self.refresh()
        if root not in self._answers:
            self._answers[root] = self._of_root(root) if root is not None or len(self._roots) < 2 else self._of_all_roots()
        return self._answers[root]

    def find(self, agent_id: str, root: Path | None = None) -> AgentDefinition | None:
        """Return the agent of that id that no other shadows."""
        named = [definition for definition in self.agents(root) if definition.id == agent_id and definition.shadowed_by is None]
        return min(named, key=lambda definition: definition.dialect != "aigentflow", default=None)

    def set_buffer(self, path: Path, text: str | None) -> bool:
        """Take the text of an open agent file, or forget it; return whether the file is one of ours."""
        folder = self._folder_of(path)
        if folder is None:
            return False
        key = key_of(path)
        if text is None:
            self._buffers.pop(key, None)
        elif self._buffers.get(key, (path, None))[1] == text:
            return True
        else:
            self._buffers[key] = (path, text)
        self._parsed.pop(key, None)
        self._changed()
        return True

    def holds(self, path: Path) -> bool:
        """Return whether the path lies where agent files of this library are looked for."""
        return self._folder_of(path) is not None

    def invalidate(self, paths: Iterable[Path]) -> None:
        """Look at the disk again at the next question; `paths` are files that are known to have changed."""
        for key in map(key_of, paths):
            self._parsed.pop(key, None)
            if self._found.pop(key, None) is not None:
                # Forgotten here, a file that is gone makes no difference to the next look.
                self._changed()
        self._looked = None

    def refresh(self) -> bool:
        """Compare the files with the disk, at most once a second; return whether anything changed."""
        now = self._clock()
        if self._looked is not None and now - self._looked < SECONDS_BETWEEN_LOOKS:
            return False
        self._looked = now
        found = {
            found.key: found
            for folder in self._folders
            for found in agent_files(folder.path, folder.root, nested=folder.source != "built-in")
        }
        if found == self._found and self._parsed.keys() >= found.keys():
            return False
        for key in self._found.keys() | found.keys():
            if self._found.get(key) != found.get(key) and key not in self._buffers:
                self._parsed.pop(key, None)
        self._found = found
        self._changed()
        return True

    def _changed(self) -> None:
        self._answers.clear()
        self.revision += 1

    def _of_root(self, root: Path | None) -> tuple[AgentDefinition, ...]:
        return _with_shadows(list(self._in_order(root)))

    def _of_all_roots(self) -> tuple[AgentDefinition, ...]:
        """Return every agent once; shadowed is only what is shadowed in every root that has it."""
        found: dict[Path, AgentDefinition] = {}
        for definition in (definition for root in self._roots for definition in self.agents(root)):
            if definition.path not in found or definition.shadowed_by is None:
                found[definition.path] = definition
        return tuple(sorted(found.values(), key=lambda definition: definition.source != "workspace"))

    def _in_order(self, root: Path | None) -> Iterator[AgentDefinition]:
        for folder in self._folders:
            if root is None or folder.root is None or folder.root == root:
                yield from self._of_folder(folder)

    def _of_folder(self, folder: _Folder) -> Iterator[AgentDefinition]:
        inside = {found.key: found.path for found in self._found.values() if found.folder == folder.path}
        inside |= {key: path for key, (path, _) in self._buffers.items() if self._folder_of(path) == folder}
        for key, path in sorted(inside.items(), key=lambda item: item[1].as_posix()):
            if key not in self._parsed:
                self._parsed[key] = self._parse(key, path, folder.source)
            definition = self._parsed[key]
            if definition is not None:
                yield definition

    def _parse(self, key: str, path: Path, source: Source) -> AgentDefinition | None:
        if key in self._buffers:
            text = self._buffers[key][1]
            return None if is_document(path, text) else parse_agent(text, path, source)
        return load(self._found[key], source)

    def _folder_of(self, path: Path) -> _Folder | None:
        if path.suffix.lower() != ".md":
            return None
        place = os.path.normcase(os.path.normpath(path))
        for folder in self._folders:
            if place.startswith(os.path.normcase(os.path.normpath(folder.path)) + os.sep):
                return folder
        return None


def _folders(roots: Sequence[Path], config_home: Path, home: Path, built_in: Path) -> Iterator[_Folder]:
    for root in dict.fromkeys(roots):
        for name in WORKSPACE_FOLDERS:
            yield _Folder(root / name, "workspace", root)
    yield _Folder(config_home / USER_FOLDER, "user", None)
    yield _Folder(home / ".claude" / "agents", "user", None)
    yield _Folder(built_in, "built-in", None)


def _with_shadows(definitions: list[AgentDefinition]) -> tuple[AgentDefinition, ...]:
    """Return the definitions, those flagged whose id a file of higher precedence has already.

    A file that is only listed (another dialect) takes the name from nobody who can run.
    """
    first: dict[str, AgentDefinition] = {}
    for definition in sorted(definitions, key=lambda definition: definition.dialect != "aigentflow"):
        first.setdefault(definition.id, definition)
    return tuple(_flagged(definition, first) for definition in definitions)


def _flagged(definition: AgentDefinition, first: Mapping[str, AgentDefinition]) -> AgentDefinition:
    winner = first[definition.id]
    if winner.path == definition.path:
        return definition
    message = f"The agent {definition.id!r} of {definition.path} is shadowed by {winner.path}"
    span = definition.spans.get("agent") or definition.spans.get("name") or Span(0, min(1, len(definition.text)))
    problem = Problem(message, span, "warning", "agent.shadowed")
    return replace(definition, shadowed_by=winner.path, problems=(*definition.problems, problem))
