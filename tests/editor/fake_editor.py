"""A fake editor: plays one recorded client faithfully, in process or over a connection.

It speaks plain JSON objects. Requests of the server reach it after a moment, its own messages reach the server after a moment, each
direction in order; what the person types meanwhile is typed in between, as in life.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aigentflow.lsp.convert import path_of, uri_of

from . import buffers
from .buffers import Buffer
from .profiles import NEOVIM_12, Profile
from .timeline import Timeline

LATENCY = 0.004
Send = Callable[[str, dict[str, Any]], None]
Answer = Callable[[Any, "dict[str, Any] | None"], None]
"""Gets the result, or an error object."""


class Refused(Exception):
    """An edit the client refuses; the message is its reason."""


class FakeEditor:
    """One client with its open buffers."""

    def __init__(self, profile: Profile, root: Path, timeline: Timeline, send: Send) -> None:
        self.profile = profile
        self.root = root
        self.buffers: dict[str, Buffer] = {}
        self.before_apply: list[Callable[[], None]] = []
        """Run once each, in order, one at every `applyEdit` that arrives, before it is looked at."""
        self.after_apply: list[Callable[[], None]] = []
        """Run once each after an edit was handled, before the answer goes out."""
        self.log: list[tuple[str, Any]] = []
        self.messages: list[str] = []
        self.tick_annotations = False
        """Whether the person ticks what needs confirmation."""
        self.silent = False
        """Never answers `applyEdit`."""
        self.shows_documents = True
        self._time = timeline
        self._send = send
        self._announced = profile.recorded["capabilities"]

    # What the person does.

    def open(self, name: str) -> Buffer:
        """Open a file in front of the person."""
        path = os.path.join(self.root, name)
        return self.buffers[path] if path in self.buffers else self._load(path)

    def type(self, name: str, text: str, at: int | Callable[[str], int]) -> None:
        """Insert text where the cursor is; the buffer must be open."""
        buffer = self.buffers[os.path.join(self.root, name)]
        place = at(buffer.text) if callable(at) else at
        place = min(max(0, place), len(buffer.text))
        self._edit(buffer, buffer.text[:place] + text + buffer.text[place:])

    def undo(self, name: str) -> None:
        """Take back the newest change of a buffer."""
        buffer = self.buffers[os.path.join(self.root, name)]
        if buffer.undo:
            before = buffer.undo.pop()
            self._edit(buffer, before)
            buffer.undo.pop()

    def save(self, name: str) -> None:
        """Write a buffer to disk."""
        buffer = self.buffers[os.path.join(self.root, name)]
        os.makedirs(os.path.dirname(buffer.path), exist_ok=True)
        Path(buffer.path).write_bytes(buffer.text.encode("utf-8"))
        buffer.saved = buffer.text

    def close(self, name: str) -> None:
        """Close a buffer and forget its unsaved text."""
        buffer = self.buffers.pop(os.path.join(self.root, name))
        self.flush(buffer)
        self._tell("textDocument/didClose", {"textDocument": {"uri": buffer.uri}})

    def text(self, name: str) -> str:
        """Return the text the person sees: the buffer's, else the disk's."""
        path = os.path.join(self.root, name)
        return self.buffers[path].text if path in self.buffers else Path(path).read_bytes().decode("utf-8")

    # What the server asks.

    def notified(self, method: str, params: dict[str, Any]) -> None:
        """Take a notification of the server."""
        self.log.append((method, params))
        if method == "window/showMessage":
            self.messages.append(params["message"])

    def asked(self, method: str, params: dict[str, Any] | None, answer: Answer) -> None:
        """Take a request of the server and answer it later."""
        self.log.append((method, params))
        self._time.after(LATENCY, lambda: self._handle(method, params or {}, answer))

    def _handle(self, method: str, params: dict[str, Any], answer: Answer) -> None:
        def reply(result: Any, error: dict[str, Any] | None = None) -> None:
            self._time.after(LATENCY, lambda: answer(result, error))

        workspace = self._announced.get("workspace") or {}
        if method == "workspace/applyEdit" and workspace.get("applyEdit"):
            self._apply_request(params["edit"], reply)
        elif method == "window/showDocument" and self.shows_documents:
            self._load_shown(params["uri"])
            reply({"success": True})
        elif method in ("client/registerCapability", "window/workDoneProgress/create") or method.endswith("/refresh"):
            reply(None)
        else:
            reply(None, {"code": -32601, "message": f"no method {method}"})

    def _load_shown(self, uri: str) -> None:
        path = path_of(uri)
        if path is not None and path not in self.buffers:
            self._load(path)

    def _apply_request(self, edit: dict[str, Any], reply: Answer) -> None:
        if self.before_apply:
            self.before_apply.pop(0)()
        result: Any = {"applied": True}
        error: dict[str, Any] | None = None
        try:
            self.apply(edit)
        except Refused as refused:
            if self.profile.stale == "error":
                result, error = None, {"code": -32603, "message": str(refused)}
            else:
                result = {"applied": False, **({"failureReason": str(refused)} if self.profile.stale == "reason" else {})}
        if self.after_apply:
            self.after_apply.pop(0)()
        if not self.silent:
            reply(result, error)

    def apply(self, edit: dict[str, Any]) -> None:
        """Apply a workspace edit, from the server or from a code action; raise Refused for a stale one."""
        if "documentChanges" not in edit:
            for uri, edits in edit.get("changes", {}).items():
                self._change_text(uri, edits)
            return
        entries = self._ticked(edit)
        if self.profile.checks == "all":
            for entry in entries:
                self._check_version(entry, 1)
        for number, entry in enumerate(entries):
            if "kind" in entry:
                self._operate(entry)
            elif self._check_version(entry, number):
                self._change_text(entry["textDocument"]["uri"], entry["edits"])

    def _ticked(self, edit: dict[str, Any]) -> list[dict[str, Any]]:
        """Leave out what needs confirmation and nobody ticked."""
        skipped = {name for name, annotation in edit.get("changeAnnotations", {}).items() if annotation.get("needsConfirmation")}
        if not self.profile.confirms or self.tick_annotations or not skipped:
            return list(edit["documentChanges"])
        entries = []
        for entry in edit["documentChanges"]:
            if "kind" in entry:
                if entry.get("annotationId") not in skipped:
                    entries.append(entry)
            elif kept := [one for one in entry["edits"] if one.get("annotationId") not in skipped]:
                entries.append({**entry, "edits": kept})
        return entries

    def _check_version(self, entry: dict[str, Any], number: int) -> bool:
        """Return whether the entry is applied; raise Refused where the client answers that it is not."""
        if "kind" in entry:
            return True
        version = entry["textDocument"].get("version")
        buffer = self.buffers.get(path_of(entry["textDocument"]["uri"]) or "")
        if version is None or buffer is None or self.profile.checks == "none":
            return True
        if self.profile.checks == "first":
            return number > 0 or version <= 0 or buffer.told_version <= version
        if version < 0 or version == buffer.told_version:
            return True
        raise Refused("" if self.profile.stale == "false" else f"outdated: have version {buffer.told_version}, got {version}")

    def _change_text(self, uri: str, edits: list[dict[str, Any]]) -> None:
        path = path_of(uri)
        assert path is not None
        if path not in self.buffers and not self.profile.opens_changed_files:
            text = Path(path).read_bytes().decode("utf-8")
            Path(path).write_bytes(buffers.replace(text, edits, self.profile.encoding).encode("utf-8"))
            return
        buffer = self.buffers[path] if path in self.buffers else self._load(path)
        if self.profile.buffer_of_lines:
            new = buffers.replace_lines(buffer.text, edits, self.profile.encoding, fixes_end=self.profile == NEOVIM_12)
        else:
            new = buffers.replace(buffer.text, edits, self.profile.encoding)
        self._edit(buffer, new)

    def _operate(self, entry: dict[str, Any]) -> None:
        operations = ((self._announced.get("workspace") or {}).get("workspaceEdit") or {}).get("resourceOperations") or []
        assert entry["kind"] in operations, f"{self.profile.fixture} was asked to {entry['kind']} a file"
        options = entry.get("options") or {}
        if entry["kind"] == "create":
            self._create(path_of(entry["uri"]) or "", ignore=bool(options.get("ignoreIfExists")))
        elif entry["kind"] == "delete":
            path = path_of(entry["uri"]) or ""
            if os.path.exists(path):
                os.remove(path)
            if path in self.buffers:
                self._tell("textDocument/didClose", {"textDocument": {"uri": self.buffers.pop(path).uri}})
        else:
            self._rename(path_of(entry["oldUri"]) or "", path_of(entry["newUri"]) or "")

    def _create(self, path: str, *, ignore: bool) -> None:
        exists = os.path.exists(path)
        if self.profile.buffer_of_lines and ignore:
            return
        if exists and ignore:
            return
        if exists and not self.profile.create_empties:
            raise Refused("")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_bytes(b"")

    def _rename(self, path: str, to: str) -> None:
        if os.path.exists(to):
            raise Refused("target exists")
        os.makedirs(os.path.dirname(to), exist_ok=True)
        os.rename(path, to)
        buffer = self.buffers.pop(path, None)
        if buffer is not None:
            self.flush(buffer)
            self._tell("textDocument/didClose", {"textDocument": {"uri": buffer.uri}})
            self.buffers[to] = buffer
            buffer.path, buffer.uri = to, uri_of(to)
            self._announce(buffer)

    # Buffers and what is told of them.

    def _load(self, path: str) -> Buffer:
        text = Path(path).read_bytes().decode("utf-8") if os.path.exists(path) else ""
        if self.profile.buffer_of_lines and not text:
            text = "\n"
        first = self.profile.first_version
        buffer = Buffer(path, uri_of(path), text, max(first, 2) if self.profile.checks == "first" else first, first, text, saved=text)
        self.buffers[path] = buffer
        self._announce(buffer)
        return buffer

    def _announce(self, buffer: Buffer) -> None:
        buffer.told_version = self.profile.first_version
        buffer.sent_text = buffer.text
        item = {"uri": buffer.uri, "languageId": "typescript", "version": buffer.told_version, "text": buffer.text}
        self._tell("textDocument/didOpen", {"textDocument": item})

    def _edit(self, buffer: Buffer, text: str) -> None:
        buffer.undo.append(buffer.text)
        buffer.text = text
        buffer.tick += 1
        buffer.told_version = buffer.tick
        if self.profile.send == "at once":
            self.flush(buffer, even_unchanged=True)
            return
        delay = self.profile.delay
        if self.profile.send == "rate" and buffer.last_flush is not None:
            delay = max(0.0, delay - (self._time.now() - buffer.last_flush))
        if delay == 0.0:
            self.flush(buffer, even_unchanged=True)
        elif not buffer.pending or self.profile.send == "idle":
            buffer.pending = True
            tick = buffer.tick
            self._time.after(delay, lambda: self._flush_later(buffer, tick))

    def _flush_later(self, buffer: Buffer, tick: int) -> None:
        if buffer.pending and (self.profile.send == "rate" or buffer.tick == tick):
            self.flush(buffer, even_unchanged=True)

    def flush(self, buffer: Buffer, *, even_unchanged: bool = False) -> None:
        if not buffer.pending and not even_unchanged:
            return
        buffer.pending = False
        buffer.last_flush = self._time.now()
        change = buffers.content_change(buffer.sent_text, buffer.text, self.profile.encoding)
        buffer.sent_text = buffer.text
        identifier = {"uri": buffer.uri, "version": buffer.told_version}
        self._tell("textDocument/didChange", {"textDocument": identifier, "contentChanges": [change]})

    def _tell(self, method: str, params: dict[str, Any]) -> None:
        self._time.after(LATENCY, lambda: self._send(method, params))
