"""What the client can do, resolved once into flat booleans with names of ours.

A few clients announce less than they do; the table of known clients at the bottom says so, and why.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from lsprotocol import types as t

ENCODINGS = ("utf-8", "utf-16", "utf-32")


@dataclass(frozen=True)
class Capabilities:
    """Client capabilities; every default is what a client has that announces nothing."""

    client_name: str = ""
    client_version: str = ""
    position_encoding: str = "utf-16"
    """The one that pygls negotiates: the client's first that we know."""

    apply_edit: bool = False
    document_changes: bool = False
    create: bool = False
    rename: bool = False
    delete: bool = False
    annotations: bool = False
    """Change annotations in workspace edits; `needsConfirmation` is honoured."""
    metadata: bool = False
    transactional: bool = False
    """One refused text edit leaves all files of the request untouched."""
    first_version_only: bool = False
    """Only the first entry's version is compared, and not even that after version 0 (Neovim)."""

    code_action_literals: bool = False
    code_action_kinds: tuple[str, ...] = ()
    resolve_edit: bool = False
    resolve_command: bool = False
    data: bool = False
    disabled: bool = False
    preferred: bool = False
    lens: bool = False
    lens_refresh: bool = False

    progress: bool = False
    show_document: bool = False
    ask: bool = False
    """`window/showMessageRequest` may be sent."""
    message_actions: bool = False
    """Message actions keep additional properties."""

    pull_diagnostics: bool = False
    diagnostic_refresh: bool = False
    push_version: bool = False
    related_information: bool = False
    code_description: bool = False
    diagnostic_data: bool = False

    content_provider: bool = False
    watched_files: bool = False
    """Watchers can be registered dynamically."""
    relative_patterns: bool = False
    configuration: bool = False
    configuration_registration: bool = False
    workspace_folders: bool = False
    markdown_hover: bool = False

    @property
    def confirms(self) -> bool:
        """Whether a change may be sent for the person to tick.

        Neovim's form of it is a modal question, which the keys the person is typing would answer, and it skips file operations.
        """
        return self.annotations and not self.first_version_only

    @property
    def wants_pull(self) -> bool:
        """Whether diagnostics are pulled: only where the client can also be told to pull again."""
        return self.pull_diagnostics and self.diagnostic_refresh


def resolve(params: t.InitializeParams) -> Capabilities:
    """Return the flat capabilities of the client; odd or unknown values count as not announced."""
    client = params.client_info
    base = Capabilities(
        client_name=str(getattr(client, "name", "") or ""),
        client_version=str(getattr(client, "version", "") or ""),
        position_encoding=_encoding(_at(params.capabilities, "general", "position_encodings")),
    )
    merged = replace(base, **_workspace(params.capabilities), **_documents(params.capabilities), **_window(params.capabilities))
    return _known(merged)


def _workspace(caps: Any) -> dict[str, Any]:
    edit = _at(caps, "workspace", "workspace_edit")
    operations = {getattr(kind, "value", kind) for kind in _items(_at(edit, "resource_operations"))}
    failure = _at(edit, "failure_handling")
    return {
        "apply_edit": _on(caps, "workspace", "apply_edit"),
        "document_changes": _on(edit, "document_changes"),
        "create": "create" in operations,
        "rename": "rename" in operations,
        "delete": "delete" in operations,
        "annotations": _at(edit, "change_annotation_support") is not None,
        "metadata": _on(edit, "metadata_support"),
        "transactional": getattr(failure, "value", failure) in ("transactional", "textOnlyTransactional"),
        "lens_refresh": _on(caps, "workspace", "code_lens", "refresh_support"),
        "diagnostic_refresh": _on(caps, "workspace", "diagnostics", "refresh_support"),
        "content_provider": _at(caps, "workspace", "text_document_content") is not None,
        "watched_files": _on(caps, "workspace", "did_change_watched_files", "dynamic_registration"),
        "relative_patterns": _on(caps, "workspace", "did_change_watched_files", "relative_pattern_support"),
        "configuration": _on(caps, "workspace", "configuration"),
        "configuration_registration": _on(caps, "workspace", "did_change_configuration", "dynamic_registration"),
        "workspace_folders": _on(caps, "workspace", "workspace_folders"),
    }


def _documents(caps: Any) -> dict[str, Any]:
    document = _at(caps, "text_document")
    action = _at(document, "code_action")
    literals = _at(action, "code_action_literal_support")
    resolvable = {str(name) for name in _items(_at(action, "resolve_support", "properties"))}
    push, pull = _at(document, "publish_diagnostics"), _at(document, "diagnostic")
    formats = {getattr(kind, "value", kind) for kind in _items(_at(document, "hover", "content_format"))}
    return {
        "code_action_literals": literals is not None,
        "code_action_kinds": tuple(str(getattr(k, "value", k)) for k in _items(_at(literals, "code_action_kind", "value_set"))),
        "resolve_edit": "edit" in resolvable,
        "resolve_command": "command" in resolvable,
        "data": _on(action, "data_support"),
        "disabled": _on(action, "disabled_support"),
        "preferred": _on(action, "is_preferred_support"),
        "lens": _at(document, "code_lens") is not None,
        "pull_diagnostics": pull is not None,
        "push_version": _on(push, "version_support"),
        "related_information": _on(push, "related_information") or _on(pull, "related_information"),
        "code_description": _on(push, "code_description_support") or _on(pull, "code_description_support"),
        "diagnostic_data": _on(push, "data_support") or _on(pull, "data_support"),
        "markdown_hover": "markdown" in formats,
    }


def _window(caps: Any) -> dict[str, Any]:
    message = _at(caps, "window", "show_message")
    return {
        "progress": _on(caps, "window", "work_done_progress"),
        "show_document": _on(caps, "window", "show_document", "support"),
        "ask": message is not None,
        "message_actions": _on(message, "message_action_item", "additional_properties_support"),
    }


def _known(capabilities: Capabilities) -> Capabilities:
    """Return the capabilities with what is known of the client beyond what it announces."""
    name = capabilities.client_name.casefold()
    if name.startswith("neovim"):
        return replace(capabilities, document_changes=True, first_version_only=True)
    if name.startswith("kate"):
        return replace(capabilities, apply_edit=True, document_changes=True)
    if name.startswith("eglot"):
        return replace(capabilities, ask=True)
    return capabilities


def _encoding(offered: Any) -> str:
    for item in _items(offered):
        value = str(getattr(item, "value", item))
        if value in ENCODINGS:
            return value
    return "utf-16"


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = getattr(value, name, None)
    return value


def _on(value: Any, *names: str) -> bool:
    return _at(value, *names) is True


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else ()
