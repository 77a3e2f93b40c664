"""Incremental trees of TypeScript and JavaScript; tree-sitter is imported when the first text is parsed.

Offsets at the surface are code points of the text, tree-sitter's own are bytes of its UTF-8 form.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import tree_sitter as ts

Grammar = Literal["typescript", "tsx"]

LANGUAGES: dict[str, Grammar] = {
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".tsx": "tsx",
    ".jsx": "tsx",
    ".js": "tsx",
    ".mjs": "tsx",
    ".cjs": "tsx",
    "typescript": "typescript",
    "typescriptreact": "tsx",
    "javascript": "tsx",
    "javascriptreact": "tsx",
}
"""Grammar by file suffix and by LSP language id. TSX reads plain JavaScript and JSX as well."""

_UNPAIRED = "surrogatepass"
_BLOCK = 1024
"""Code points between two places whose byte offset is kept."""
_CONTINUATION = bytes(range(0x80, 0xC0))
"""Bytes of UTF-8 that begin no character."""


def grammar_of(path: str, language_id: str | None = None) -> Grammar | None:
    """Return the grammar for a path, or for the language id where that is known; None: no tree for this language."""
    if language_id is not None and language_id in LANGUAGES:
        return LANGUAGES[language_id]
    name = path.rsplit("/", 1)[-1]
    dot = name.rfind(".")
    return LANGUAGES.get(name[dot:].lower()) if dot >= 0 else None


class Tree:
    """One text with its syntax tree; never changes, `edited` gives the next one."""

    def __init__(self, text: str, grammar: Grammar, source: bytes, tree: ts.Tree) -> None:
        self.text = text
        self.grammar = grammar
        self.source = source
        """The text in UTF-8, which tree-sitter's byte offsets point into."""
        self._tree = tree
        self._widths = None if text.isascii() else _Widths(text, source)

    @classmethod
    def parse(cls, text: str, grammar: Grammar) -> Tree:
        """Return the tree of a text."""
        source = text.encode("utf-8", _UNPAIRED)
        return cls(text, grammar, source, _parser(grammar).parse(source))

    @property
    def root(self) -> ts.Node:
        """The program node."""
        return self._tree.root_node

    def edited(self, start: int, end: int, new: str) -> Tree:
        """Return the tree after `[start, end)` (code points) became `new`, reusing what did not change."""
        text = self.text[:start] + new + self.text[end:]
        start_byte, end_byte = self.to_byte(start), self.to_byte(end)
        inserted = new.encode("utf-8", _UNPAIRED)
        source = self.source[:start_byte] + inserted + self.source[end_byte:]
        new_end_byte = start_byte + len(inserted)
        old = self._tree.copy()
        old.edit(
            start_byte=start_byte,
            old_end_byte=end_byte,
            new_end_byte=new_end_byte,
            start_point=_point(self.source, start_byte),
            old_end_point=_point(self.source, end_byte),
            new_end_point=_point(source, new_end_byte),
        )
        return Tree(text, self.grammar, source, _parser(self.grammar).parse(source, old))

    def to_byte(self, offset: int) -> int:
        """Return the byte offset of a code-point offset."""
        return offset if self._widths is None else self._widths.to_byte(offset)

    def to_offset(self, byte: int) -> int:
        """Return the code-point offset of a byte offset; inside a character, that character's."""
        return byte if self._widths is None else self._widths.to_offset(byte)

    def span(self, node: ts.Node) -> tuple[int, int]:
        """Return `[start, end)` of a node in code points."""
        return self.to_offset(node.start_byte), self.to_offset(node.end_byte)

    def source_of(self, node: ts.Node) -> str:
        """Return the text of a node."""
        return self.source[node.start_byte : node.end_byte].decode("utf-8", _UNPAIRED)

    def captures(self, query: str, node: ts.Node | None = None) -> dict[str, list[ts.Node]]:
        """Return what a query captures below a node (the whole tree by default), by capture name."""
        import tree_sitter

        cursor = tree_sitter.QueryCursor(_query(self.grammar, query))
        return cursor.captures(self.root if node is None else node)


class _Widths:
    """Where one text's code points and its bytes part ways: where each block of code points begins, the rest is counted when asked for."""

    def __init__(self, text: str, source: bytes) -> None:
        self._text = text
        self._source = source
        self._starts: list[int] = []
        byte = 0
        for at in range(0, len(text), _BLOCK):
            self._starts.append(byte)
            byte += len(text[at : at + _BLOCK].encode("utf-8", _UNPAIRED))

    def to_byte(self, offset: int) -> int:
        block = min(offset // _BLOCK, len(self._starts) - 1)
        return self._starts[block] + len(self._text[block * _BLOCK : offset].encode("utf-8", _UNPAIRED))

    def to_offset(self, byte: int) -> int:
        block = bisect_right(self._starts, byte) - 1
        begun = block * _BLOCK + len(self._source[self._starts[block] : byte].translate(None, _CONTINUATION))
        inside = byte < len(self._source) and self._source[byte] & 0xC0 == 0x80
        return begun - 1 if inside else begun


def _point(source: bytes, byte: int) -> tuple[int, int]:
    return source.count(b"\n", 0, byte), byte - (source.rfind(b"\n", 0, byte) + 1)


@lru_cache(maxsize=2)
def _language(grammar: Grammar) -> ts.Language:
    import tree_sitter
    import tree_sitter_typescript

    if grammar == "tsx":
        return tree_sitter.Language(tree_sitter_typescript.language_tsx())
    return tree_sitter.Language(tree_sitter_typescript.language_typescript())


def _parser(grammar: Grammar) -> ts.Parser:
    """A parser of its own per call: one parser must not be used by two threads, and making one costs a microsecond."""
    import tree_sitter

    return tree_sitter.Parser(_language(grammar))


@lru_cache(maxsize=64)
def _query(grammar: Grammar, source: str) -> ts.Query:
    import tree_sitter

    return tree_sitter.Query(_language(grammar), source)
