"""Trees speak code points at their surface and bytes inside."""

from __future__ import annotations

from itertools import pairwise

import pytest

from aigentflow.syntax.trees import Tree, grammar_of


@pytest.mark.parametrize(
    ("path", "grammar"),
    [
        ("a.ts", "typescript"),
        ("a.spec.ts", "typescript"),
        ("A.TSX", "tsx"),
        ("a.mjs", "tsx"),
        ("a.py", None),
        ("Makefile", None),
        (".ts/x", None),
    ],
)
def test_grammar_by_suffix(path: str, grammar: str | None) -> None:
    assert grammar_of(path) == grammar


def test_language_id_wins_over_the_suffix() -> None:
    assert grammar_of("untitled", "typescriptreact") == "tsx"
    assert grammar_of("a.ts", "plaintext") == "typescript"


@pytest.mark.parametrize("text", ["", "abc", "ä€😀x", "a😀\nb", "\ud800 lone", "😀"])
def test_offsets_there_and_back(text: str) -> None:
    tree = Tree.parse(text, "typescript")

    for offset in range(len(text) + 1):
        byte = tree.to_byte(offset)
        assert byte == len(text[:offset].encode("utf-8", "surrogatepass"))
        assert tree.to_offset(byte) == offset


def test_span_of_a_node_behind_wide_characters() -> None:
    text = "const s = '😀€';\nthrow s;"
    tree = Tree.parse(text, "typescript")

    start, end = tree.span(tree.captures("(throw_statement) @t")["t"][0])

    assert text[start:end] == "throw s;"


def test_an_edit_leaves_the_old_tree_as_it_was() -> None:
    old = Tree.parse("const a = 1;", "typescript")

    new = old.edited(6, 7, "bcd")

    assert (old.text, new.text) == ("const a = 1;", "const bcd = 1;")
    assert old.source_of(old.root) == "const a = 1;"
    assert str(new.root) == str(Tree.parse(new.text, "typescript").root)


@pytest.mark.parametrize("length", [1, 1023, 1024, 1025, 2500])
@pytest.mark.parametrize("letters", ["é", "aé€😀\n\ud800", "a" * 50 + "😀"])
def test_every_offset_of_a_text_of_wide_characters(letters: str, length: int) -> None:
    text = (letters * length)[:length] + "é"
    tree = Tree.parse(text, "typescript")
    bytes_before = [len(text[:offset].encode("utf-8", "surrogatepass")) for offset in range(len(text) + 1)]
    assert [tree.to_byte(offset) for offset in range(len(text) + 1)] == bytes_before
    expected = [offset for offset, (byte, after) in enumerate(pairwise(bytes_before)) for _ in range(byte, after)]
    assert [tree.to_offset(byte) for byte in range(bytes_before[-1])] == expected


@pytest.mark.timeout(30)
def test_a_keystroke_in_a_long_text_of_wide_characters_costs_no_table_of_all_of_them() -> None:
    tree = Tree.parse("// " + "é" * 500_000, "typescript")
    edited = tree.edited(1_000, 1_000, "x")
    assert edited.to_byte(400_000) == len(edited.text[:400_000].encode())
