"""Buffers of the fake editor: text with edits at positions, or a list of lines as Neovim has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lsprotocol import types as t

from aigentflow.lsp.convert import to_offset, to_position
from aigentflow.lsp.documents import shortest
from aigentflow.workspace.lines import LineIndex


@dataclass
class Buffer:
    """One open file."""

    path: str
    uri: str
    text: str
    tick: int
    """Version that the editor itself counts."""
    told_version: int
    """Version that the editor compares with; Neovim has 0 until the first change."""
    sent_text: str
    pending: bool = False
    last_flush: float | None = None
    saved: str = ""
    undo: list[str] = field(default_factory=list)

    @property
    def dirty(self) -> bool:
        return self.text != self.saved


def replace(text: str, edits: list[dict[str, Any]], encoding: str) -> str:
    """Apply LSP text edits to a text, clamping positions."""
    index = LineIndex(text)
    spans = sorted(
        (
            (offset(index, edit["range"]["start"], encoding), offset(index, edit["range"]["end"], encoding), number, edit["newText"])
            for number, edit in enumerate(edits)
        ),
        reverse=True,
    )
    for start, end, _, new in spans:
        text = text[:start] + new + text[max(start, end) :]
    return text


def replace_lines(text: str, edits: list[dict[str, Any]], encoding: str, *, fixes_end: bool) -> str:
    """Apply edits as `vim.lsp.util.apply_text_edits` does: on lines, where the last line end is no line of its own."""
    eol = text.endswith("\n") or not text
    lines = (text[:-1] if text.endswith("\n") else text).split("\n")
    end_edited = False
    ordered = sorted(
        enumerate(edits),
        key=lambda pair: (pair[1]["range"]["start"]["line"], pair[1]["range"]["start"]["character"], pair[0]),
        reverse=True,
    )
    for _, edit in ordered:
        new = edit["newText"].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        start, end = edit["range"]["start"], edit["range"]["end"]
        if len(lines) <= start["line"]:
            lines += new
            end_edited = end_edited or fixes_end
            continue
        end_row, end_character = end["line"], end["character"]
        if len(lines) <= end_row:
            end_row, end_column, end_edited = len(lines) - 1, len(lines[-1]), True
        else:
            end_column = _column(lines[end_row], end_character, encoding)
            # Neovim compares the client's units with its bytes here; so does this.
            beyond = end_column >= len(lines[end_row]) and end_character > len(lines[end_row][:end_column].encode())
            if beyond and edit["newText"].endswith("\n"):
                new = new[:-1]
        start_column = _column(lines[start["line"]], start["character"], encoding)
        joined = [lines[start["line"]][:start_column] + new[0], *new[1:]]
        joined[-1] += lines[end_row][end_column:]
        lines[start["line"] : end_row + 1] = joined
    if end_edited and eol and lines[-1] == "" and len(lines) > 1:
        lines.pop()
    return "\n".join(lines) + ("\n" if eol else "")


def _column(line: str, character: int, encoding: str) -> int:
    return to_offset(LineIndex(line), t.Position(line=0, character=character), encoding)


def offset(index: LineIndex, position: dict[str, int], encoding: str) -> int:
    return to_offset(index, t.Position(line=position["line"], character=position["character"]), encoding)


def content_change(before: str, after: str, encoding: str) -> dict[str, Any]:
    """Return the one incremental change between two texts."""
    edit = shortest(before, after)
    index = LineIndex(before)
    start, end = to_position(index, edit.start, encoding), to_position(index, edit.end, encoding)
    # A change may not begin or end inside a line end, where no position exists.
    if to_offset(index, start, encoding) != edit.start or to_offset(index, end, encoding) != edit.end:
        return {"text": after}
    span = {"start": {"line": start.line, "character": start.character}, "end": {"line": end.line, "character": end.character}}
    return {"range": span, "text": edit.new}
