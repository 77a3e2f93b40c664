"""What one connected client has: its folders, documents, settings, agents and runs.

Everything heavy (settings, agent files, the model) is read after the `initialize` answer, in `start`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aigentflow.data import data_folder
from aigentflow.errors import ConfigurationError
from aigentflow.lsp.convert import path_of
from aigentflow.lsp.documents import Document, Documents
from aigentflow.lsp.hosts import Hosts
from aigentflow.lsp.progress import ProgressTokens
from aigentflow.state import config_home, home_folder, state_folder

if TYPE_CHECKING:
    from lsprotocol import types as t

    from aigentflow.definitions.library import Library
    from aigentflow.definitions.project import Project
    from aigentflow.definitions.values import AgentDefinition
    from aigentflow.lsp.capabilities import Capabilities
    from aigentflow.lsp.client import EditorClient
    from aigentflow.settings import Settings, UserConfig
    from aigentflow.trust import TrustStore

logger = logging.getLogger(__name__)
UNCLEAR = "restriction.unclear"
"""Code of the problem that closes an agent: a restriction is there and cannot be understood."""


class Session:
    """The state of one connection; features read it and ask the client through it."""

    def __init__(
        self, client: EditorClient, capabilities: Capabilities, roots: Sequence[Path], encoding: str, environment: Mapping[str, str]
    ) -> None:
        self.client = client
        self.capabilities = capabilities
        self.encoding = encoding
        self.environment = dict(environment)
        self.roots = tuple(roots)
        self.documents = Documents(encoding, warn=logger.warning)
        self.progress = ProgressTokens()
        self.pulls = capabilities.pull_diagnostics and capabilities.diagnostic_refresh
        """Whether this client pulls its diagnostics; a client that cannot be told to pull again gets them pushed."""
        self.hosts: Hosts
        self.library: Library
        self.settings: Settings
        self.user_config: UserConfig
        self.trust: TrustStore
        self.state: Path
        """The state folder; nothing of ours is ever written into the workspace."""
        self.editor_trusts = False
        """Whether our own extension vouches for the person's trust in the workspace."""
        self.started = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._said: set[str] = set()
        self._places: dict[str, tuple[tuple[Path, ...], tuple[Path, str] | None]] = {}
        self.documents.on_close.append(self._forget)
        self._projects: dict[Path, tuple[tuple[int, int] | str | None, Project]] = {}

    def start(self, raw_settings: Mapping[str, Any]) -> None:
        """Read the person's configuration, the settings and the agent files."""
        from aigentflow.settings import load_user_config, service_environment
        from aigentflow.trust import TrustStore

        self.user_config, problems = load_user_config(self.environment)
        self.environment = service_environment(self.environment, self.user_config)
        self.hosts = Hosts(self.environment)
        self.state = self._state_folder()
        self.trust = TrustStore(self.state)
        self.editor_trusts = _vouched(raw_settings, self.environment)
        self._read_agents()
        self.started = True
        for problem in problems:
            self.say_once(problem)
        self.apply_settings(raw_settings)

    def _state_folder(self) -> Path:
        try:
            return state_folder(self.environment)
        except ConfigurationError as error:
            self.say_once(f"Aigentflow: {error} Until then runs are recorded in a temporary folder.")
            return Path(tempfile.mkdtemp(prefix="aigentflow-state-"))

    def _read_agents(self) -> None:
        from aigentflow.definitions.library import Library

        home = home_folder(self.environment)
        self.library = Library(self.roots, config_home=config_home(self.environment), home=home, built_in=data_folder("agents"))

    def apply_settings(self, raw: Mapping[str, Any]) -> None:
        """Take new settings; what is wrong in them is told and costs only itself."""
        from aigentflow.settings import resolve

        self.settings, problems = resolve(raw, self.user_config)
        for problem in problems:
            self.say_once(problem)

    def say_once(self, text: str, severity: str = "warning") -> None:
        """Show a message unless this session has shown the same before."""
        if text in self._said:
            return
        self._said.add(text)
        self.client.show_message(text, severity)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run work that this session owns; an unexpected error is logged and shown once."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        logger.error("background work failed", exc_info=error)
        self.say_once(f"Aigentflow: something went wrong inside ({type(error).__name__}); the log has the details.", "error")

    def stop(self) -> None:
        """Begin nothing new."""
        if self.started:
            self.hosts.stop()

    async def close(self) -> None:
        """Cancel what is going on and end all run hosts."""
        self.client.close()
        for task in list(self._tasks):
            task.cancel()
        if self.started:
            await self.hosts.close()

    def root_of(self, path: str | Path | None) -> Path | None:
        """Return the innermost workspace folder that holds the absolute path."""
        if path is None:
            return None
        holders = [root for root in self.roots if Path(path).is_relative_to(root)]
        return max(holders, key=lambda root: len(root.parts), default=None)

    def relative(self, document: Document) -> tuple[Path, str] | None:
        """Return root and workspace-relative path of a document, None outside every folder."""
        known = self._places.get(document.uri)
        if known is None or known[0] != self.roots:
            known = self._places[document.uri] = (self.roots, self._place_of(document.path))
        return known[1]

    def _forget(self, document: Document) -> None:
        self._places.pop(document.uri, None)

    def _place_of(self, path: str | None) -> tuple[Path, str] | None:
        root = self.root_of(path)
        if root is None or path is None:
            return None
        return root, Path(path).relative_to(root).as_posix()

    def agents(self, root: Path | None = None) -> tuple[AgentDefinition, ...]:
        """Return the agents in force for a folder, shadowed ones left out."""
        self.library.refresh()
        return tuple(agent for agent in self.library.agents(root) if agent.shadowed_by is None)

    def agent(self, agent_id: str, root: Path | None = None) -> AgentDefinition | None:
        """Return the agent in force under this id."""
        return next((agent for agent in self.agents(root) if agent.id == agent_id), None)

    def project(self, root: Path) -> Project:
        """Return the folder's project file, from the open buffer where there is one; empty without the file."""
        from aigentflow.definitions.project import PROJECT_FILE, parse_project

        path = root / PROJECT_FILE
        document = self.documents.by_path(str(path))
        stamp: tuple[int, int] | str | None = document.text if document is not None else _stamp(path)
        cached = self._projects.get(root)
        if cached is not None and cached[0] == stamp:
            return cached[1]
        text = document.text if document is not None else _text_of(path)
        project, problems = parse_project(text)
        for problem in problems:
            if problem.code == UNCLEAR:
                self.say_once(f"Aigentflow: {PROJECT_FILE} of {root.name}: {problem.message}.")
        self._projects[root] = (stamp, project)
        return project

    def project_sha256(self, root: Path) -> str:
        """Return the hash of the project file as `project` reads it, from the open buffer where there is one; empty without the file."""
        from aigentflow.definitions.project import PROJECT_FILE
        from aigentflow.trust import content_sha256

        document = self.documents.by_path(str(root / PROJECT_FILE))
        if document is not None:
            return content_sha256(document.text.encode("utf-8", "surrogatepass"))
        try:
            return content_sha256((root / PROJECT_FILE).read_bytes())
        except OSError:
            return ""

    def trusted(self, root: Path, content_sha256: str) -> bool:
        """Return whether the person trusts exactly this content of a file of the folder."""
        return self.editor_trusts or self.trust.is_trusted(root, content_sha256)

    def trust_workspace(self, root: Path) -> None:
        """Trust the folder's agent files and project file as they are on disk now."""
        from aigentflow.definitions.project import PROJECT_FILE
        from aigentflow.trust import content_sha256

        paths = [agent.path for agent in self.library.agents(root) if agent.source == "workspace"]
        files: dict[str, str] = {}
        for path in [*paths, root / PROJECT_FILE]:
            with contextlib.suppress(OSError):
                files[path.relative_to(root).as_posix()] = content_sha256(path.read_bytes())
        self.trust.record(root, files)

    def remember_boundary(self, root: Path, agent_id: str, allow: Sequence[str]) -> None:
        """Write the person's answer into their own configuration, and use it from now on."""
        from aigentflow.settings import load_user_config
        from aigentflow.user_config import remember_boundary

        remember_boundary(self.environment, root, agent_id, allow)
        self.user_config, _ = load_user_config(self.environment)

    def change_folders(self, event: t.WorkspaceFoldersChangeEvent) -> None:
        """Take in and let go folders of the workspace."""
        gone = {path for folder in event.removed if (path := path_of(folder.uri)) is not None}
        kept = [root for root in self.roots if str(root) not in gone]
        new = [Path(path) for folder in event.added if (path := path_of(folder.uri)) is not None]
        self.roots = tuple(dict.fromkeys([*kept, *new]))
        if not self.started:
            return
        self._read_agents()
        for document in self.documents.all():
            if document.path is not None and self.library.holds(Path(document.path)):
                self.library.set_buffer(Path(document.path), document.text)


def _vouched(raw: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
    """The editor's own trust counts only with the token that the extension passed in our environment (design, section 7)."""
    token = environment.get("AIGENTFLOW_TRUST_TOKEN", "")
    return bool(token) and raw.get("workspaceTrusted") is True and raw.get("workspaceTrustToken") == token


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
