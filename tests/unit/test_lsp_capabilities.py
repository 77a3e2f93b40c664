"""Recorded clients become flat booleans; what they announce too little is known, what is odd counts as not announced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as t
from pygls.protocol import default_converter

from aigentflow.lsp.capabilities import Capabilities, resolve

CLIENTS = Path(__file__).resolve().parents[1] / "clients"


def resolved(announced: Any, name: str | None = None) -> Capabilities:
    client = {"name": name, "version": "1"} if name else None
    params = {"processId": None, "rootUri": None, "capabilities": announced, "clientInfo": client}
    return resolve(default_converter().structure(params, t.InitializeParams))


def recorded(fixture: str) -> Capabilities:
    data = json.loads((CLIENTS / f"{fixture}.json").read_text("utf-8"))
    return resolved(data["capabilities"], (data["clientInfo"] or {}).get("name"))


OPERATIONS = {"create", "rename", "delete"}


@pytest.mark.parametrize(
    ("fixture", "encoding", "yes", "no"),
    [
        (
            "vscode-1.139.1",
            "utf-16",
            {
                "apply_edit",
                "document_changes",
                "annotations",
                "confirms",
                "transactional",
                "metadata",
                "lens",
                "content_provider",
                "wants_pull",
            }
            | OPERATIONS,
            {"first_version_only", "push_version"},
        ),
        (
            "neovim-0.12.4",
            "utf-8",
            {"apply_edit", "document_changes", "first_version_only", "annotations", "lens"} | OPERATIONS,
            {"confirms"},
        ),
        (
            "neovim-0.10.4",
            "utf-16",
            {"document_changes", "first_version_only"} | OPERATIONS,
            {"annotations", "lens", "disabled", "wants_pull"},
        ),
        (
            "helix-25.07.1",
            "utf-8",
            {"document_changes", "show_document", "disabled", "push_version"} | OPERATIONS,
            {"lens", "transactional"},
        ),
        ("helix-25.01.1", "utf-8", {"apply_edit"} | OPERATIONS, {"show_document"}),
        (
            "emacs-eglot-30.1",
            "utf-32",
            {"apply_edit", "document_changes", "show_document", "ask"},
            {"lens", "related_information"} | OPERATIONS,
        ),
        ("emacs-lsp-mode-10.0.0", "utf-32", {"apply_edit", "document_changes"} | OPERATIONS, {"transactional", "diagnostic_refresh"}),
        ("kate-22.12.3", "utf-16", {"code_action_literals", "progress"}, {"apply_edit", "resolve_edit"}),
        ("vim-ale-3.3.0", "utf-16", {"code_action_literals"}, {"apply_edit", "progress", "ask", "configuration", "workspace_folders"}),
        (
            "vim-youcompleteme-2023.01",
            "utf-16",
            {"apply_edit", "document_changes", "watched_files"},
            {"progress", "show_document"} | OPERATIONS,
        ),
    ],
)
def test_recorded_clients(fixture: str, encoding: str, yes: set[str], no: set[str]) -> None:
    capabilities = recorded(fixture)
    assert capabilities.position_encoding == encoding
    assert {name for name in yes if not getattr(capabilities, name)} == set()
    assert {name for name in no if getattr(capabilities, name)} == set()


def test_kate_applies_edits_although_it_does_not_say_so() -> None:
    kate = resolved({}, "Kate")
    assert kate.apply_edit and kate.document_changes


def test_a_client_that_announces_nothing_can_do_nothing() -> None:
    bare = resolved({})
    assert bare == Capabilities()


def test_odd_values_count_as_not_announced() -> None:
    announced = {
        "workspace": {"applyEdit": None, "workspaceEdit": {"resourceOperations": [], "failureHandling": "abort"}},
        "general": {"positionEncodings": ["utf-7", "utf-32"]},
    }
    from aigentflow.lsp.protocol import lenient_converter

    params = {"processId": None, "rootUri": None, "capabilities": announced}
    found = resolve(lenient_converter().structure(params, t.InitializeParams))
    assert not found.apply_edit and not found.create and not found.transactional and found.position_encoding == "utf-32"
