"""Where an agent's checklist applies: everywhere but where its own deny list points, which is somebody else's code."""

from __future__ import annotations

from aigentflow.definitions.values import AgentDefinition
from aigentflow.workspace.globs import Glob, GlobError


class Territory:
    """One agent's deny list, ready to be asked for many paths."""

    def __init__(self, definition: AgentDefinition) -> None:
        self._denied: list[Glob] = []
        self._broken = False
        for entry in definition.deny:
            try:
                self._denied.append(Glob(entry.pattern, fold_case=True))
            except GlobError:
                # A restriction that is not understood holds everywhere.
                self._broken = True

    def holds(self, path: str) -> bool:
        """Return whether the checklist applies to a workspace-relative path."""
        return not self._broken and not any(glob.matches(path) for glob in self._denied)
