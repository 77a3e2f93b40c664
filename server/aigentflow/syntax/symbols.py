"""The function, method or class around an offset: by tree where there is one, by indentation or braces elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aigentflow.syntax.trees import Tree, grammar_of

if TYPE_CHECKING:
    import tree_sitter as ts

Kind = Literal["function", "method", "class"]


@dataclass(frozen=True)
class Symbol:
    """A named piece of code as `[start, end)` in code points, its decorators and `export` included."""

    kind: Kind
    name: str
    start: int
    end: int


def enclosing_symbol(text: str, path: str, offset: int, tree: Tree | None = None) -> Symbol | None:
    """Return the innermost function, method or class that holds the offset; None outside of any."""
    symbols = enclosing_symbols(text, path, offset, tree)
    return symbols[0] if symbols else None


def enclosing_symbols(text: str, path: str, offset: int, tree: Tree | None = None) -> list[Symbol]:
    """Return all functions, methods and classes that hold the offset, innermost first."""
    offset = min(max(0, offset), len(text))
    grammar = grammar_of(path)
    if tree is None and grammar is not None:
        tree = Tree.parse(text, grammar)
    if tree is not None:
        return _in_tree(tree, offset)
    if path.endswith((".py", ".pyi")):
        return _by_indentation(text, offset)
    return _by_braces(text, offset)


_FUNCTIONS = ("function_declaration", "generator_function_declaration", "function_signature")
_METHODS = ("method_definition", "abstract_method_signature", "method_signature")
_CLASSES = ("class_declaration", "abstract_class_declaration")
_VALUES = ("arrow_function", "function_expression", "generator_function", "class")


def _in_tree(tree: Tree, offset: int) -> list[Symbol]:
    byte = tree.to_byte(offset)
    # At the end of a name or a brace the cursor still belongs to what it closes.
    if byte > 0 and _is_blank(tree, byte):
        byte -= 1
    node = tree.root.descendant_for_byte_range(byte, byte)
    found: list[Symbol] = []
    while node is not None:
        if node.type == "decorator":
            node = _decorated(node) or node
        symbol = _symbol(tree, node)
        if symbol is not None and symbol not in found:
            found.append(symbol)
        node = node.parent
    return found


def _is_blank(tree: Tree, byte: int) -> bool:
    return tree.source[byte : byte + 1] in (b"", b" ", b"\t", b"\n", b"\r", b";") and tree.source[byte - 1 : byte] not in (b"\n", b"\r")


def _decorated(decorator: ts.Node) -> ts.Node | None:
    """The member that a decorator in a class body stands before; the tree has them side by side."""
    following = decorator.next_named_sibling
    while following is not None and following.type in ("decorator", "comment"):
        following = following.next_named_sibling
    return following if following is not None and following.type in (*_METHODS, "public_field_definition") else None


def _symbol(tree: Tree, node: ts.Node) -> Symbol | None:
    kind, outer = _kind(node)
    if kind is None:
        return None
    name = outer.child_by_field_name("name") or node.child_by_field_name("name")
    if name is None:
        return None
    first = _with_decorators(outer)
    return Symbol(kind, tree.source_of(name), tree.to_offset(first.start_byte), tree.to_offset(_exported(outer).end_byte))


def _kind(node: ts.Node) -> tuple[Kind | None, ts.Node]:
    """Return what a node is and the node that carries its name."""
    if node.type in _METHODS:
        return "method", node
    if node.type in _CLASSES:
        return "class", node
    if node.type in _FUNCTIONS:
        return "function", node
    parent = node.parent
    if node.type in _VALUES and parent is not None:
        if parent.type == "public_field_definition":
            return ("class" if node.type == "class" else "method"), parent
        if parent.type == "variable_declarator":
            return ("class" if node.type == "class" else "function"), parent
    return None, node


def _exported(node: ts.Node) -> ts.Node:
    if node.type == "variable_declarator" and node.parent is not None and node.parent.named_child_count == 1:
        node = node.parent
    return node.parent if node.parent is not None and node.parent.type == "export_statement" else node


def _with_decorators(node: ts.Node) -> ts.Node:
    first = _exported(node)
    before = first.prev_named_sibling
    while before is not None and before.type == "decorator":
        first, before = before, before.prev_named_sibling
    return first


_PYTHON = re.compile(r"^([ \t]*)(?:async[ \t]+)?(def|class)[ \t]+(\w+)", re.MULTILINE)
_PYTHON_DECORATOR = re.compile(r"[ \t]*@[^\n]*\n\Z")


def _by_indentation(text: str, offset: int) -> list[Symbol]:
    found: list[Symbol] = []
    for match in _PYTHON.finditer(text):
        start = _before_decorators(text, match.start())
        if start > offset:
            continue
        end = _block_end(text, match.end(), len(match[1].expandtabs()))
        if offset <= end:
            inside = any(symbol.kind == "class" and symbol.end >= end for symbol in found)
            kind: Kind = "class" if match[2] == "class" else "method" if inside else "function"
            found.append(Symbol(kind, match[3], start, end))
    return found[::-1]


def _before_decorators(text: str, start: int) -> int:
    while start > 0:
        line = text.rfind("\n", 0, start - 1) + 1
        if not _PYTHON_DECORATOR.fullmatch(text, line, start):
            break
        start = line
    return start


def _block_end(text: str, offset: int, indent: int) -> int:
    """Return where the last line that is indented deeper ends; lines inside brackets of the header do not end the block."""
    end = text.find("\n", offset)
    if end < 0:
        return len(text)
    header = True
    for match in re.compile(r"[^\n]*\n?").finditer(text, end + 1):
        line = match.group()
        if not line:
            break
        if not line.strip():
            continue
        depth = len(line.expandtabs()) - len(line.expandtabs().lstrip())
        closes_header = header and line.lstrip().startswith((")", "]"))
        if depth <= indent and not closes_header:
            break
        header = header and not line.rstrip().endswith(":")
        end = match.end() - (1 if line.endswith("\n") else 0)
    return end


_CLASS = re.compile(
    r"\b(?:class|struct|interface|trait|impl|enum|object|protocol|module|namespace)\s+(?:<[^>{}]*>\s*)?([A-Za-z_]\w*)[^;{}()]*\Z"
)
_FUNCTION_WORD = re.compile(r"\b(?:func|fn|function|fun|def|sub|proc)\s+(?:\([^()]*\)\s*)?([A-Za-z_]\w*)[^;{}]*\Z")
_FUNCTION = re.compile(r"\b([A-Za-z_~]\w*)\s*\([^;{}]*\)[^;{}()]*\Z")
_NOT_FUNCTIONS = re.compile(r"if|for|while|switch|catch|match|return|else|do|foreach|synchronized|using|lock|sizeof")
_LONGEST_HEADER = 2000
_HIDDEN = re.compile(r'//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\\n])*"|`[^`]*`|\'(?:\\.|[^\'\\\n])\'', re.DOTALL)


def _by_braces(text: str, offset: int) -> list[Symbol]:
    plain = _HIDDEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    found: list[Symbol] = []
    opened: list[int] = []
    for match in re.finditer(r"[{}]", plain):
        if match.group() == "{":
            opened.append(match.start())
        elif opened:
            brace = opened.pop()
            start = _header_start(plain, brace)
            if start <= offset <= match.end():
                symbol = _braced(plain, start, brace, match.end())
                if symbol is not None:
                    found.append(symbol)
    return [_as_method(symbol, found[number + 1 :]) for number, symbol in enumerate(found)]


def _header_start(plain: str, brace: int) -> int:
    start = max(plain.rfind(mark, max(0, brace - _LONGEST_HEADER), brace) for mark in "{};") + 1
    while start < brace and plain[start] in " \t\r\n":
        start += 1
    return start


def _braced(plain: str, start: int, brace: int, end: int) -> Symbol | None:
    header = plain[start:brace]
    # A header that is longer than any sane signature would make the patterns below slow.
    if len(header) >= _LONGEST_HEADER:
        return None
    if match := _FUNCTION_WORD.search(header):
        return Symbol("function", match[1], start, end)
    if match := _CLASS.search(header):
        return Symbol("class", match[1], start, end)
    match = _FUNCTION.search(header)
    if match is not None and not _NOT_FUNCTIONS.fullmatch(match[1]):
        return Symbol("function", match[1], start, end)
    return None


def _as_method(symbol: Symbol, outer: list[Symbol]) -> Symbol:
    in_class = symbol.kind == "function" and bool(outer) and outer[0].kind == "class"
    return Symbol("method", symbol.name, symbol.start, symbol.end) if in_class else symbol
