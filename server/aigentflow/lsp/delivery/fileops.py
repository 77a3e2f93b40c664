"""Creations, deletions and renames as pieces, each in the form that harms least with the client at hand."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lsprotocol import types as t

from aigentflow.lsp.delivery.batches import Entry
from aigentflow.lsp.delivery.pieces import Creation, Operation
from aigentflow.lsp.delivery.tree import Tree

if TYPE_CHECKING:
    from aigentflow.lsp.capabilities import Capabilities


def creation(tree: Tree, path: str, text: str, capabilities: Capabilities) -> Creation:
    """Return the creation of a file with its text."""
    absolute = tree.absolute(path)

    def options() -> t.CreateFileOptions:
        # Neovim and Helix empty a file that is there unless told to ignore it; Neovim then makes no folder either.
        # A client that refuses what is there already is asked to do that.
        folder_is_new = capabilities.first_version_only and not os.path.isdir(os.path.dirname(absolute))
        return t.CreateFileOptions(overwrite=False, ignore_if_exists=not (capabilities.transactional or folder_is_new))

    return Creation(
        absolute,
        lambda: tree.live(path),
        lambda live: text,
        uri=tree.uri(path),
        after=text,
        options=options,
        lines_of_its_own=capabilities.first_version_only,
    )


def deletion(tree: Tree, path: str) -> Operation:
    """Return the deletion of a file."""

    def entry(annotation: str | None) -> Entry:
        options = t.DeleteFileOptions(recursive=False, ignore_if_not_exists=True)
        return t.DeleteFile(uri=tree.uri(path), options=options, annotation_id=annotation)

    return Operation(tree.absolute(path), lambda: None, str, entry=entry, is_done=lambda: not tree.on_disk(path))


def renaming(tree: Tree, path: str, to: str) -> Operation:
    """Return the renaming of a file; nothing is overwritten."""

    def entry(annotation: str | None) -> Entry:
        options = t.RenameFileOptions(overwrite=False, ignore_if_exists=False)
        return t.RenameFile(old_uri=tree.uri(path), new_uri=tree.uri(to), options=options, annotation_id=annotation)

    def is_done() -> bool:
        return tree.on_disk(to) and not tree.on_disk(path)

    return Operation(tree.absolute(path), lambda: None, str, entry=entry, is_done=is_done)
