"""Documents follow the client's changes exactly, in every encoding, and never lose text to a broken message."""

import random

import pytest
from lsprotocol import types as t

from aigentflow.lsp.convert import to_offset, to_position
from aigentflow.lsp.documents import Documents, shortest
from aigentflow.lsp.live_lines import LiveLines
from aigentflow.workspace.lines import LineIndex

URI = "file:///ws/a.ts"
ENCODINGS = ("utf-8", "utf-16", "utf-32")


def opened(text: str, encoding: str = "utf-16", version: int = 1) -> tuple[Documents, list[str]]:
    warnings: list[str] = []
    documents = Documents(encoding, warnings.append)
    documents.open(t.TextDocumentItem(uri=URI, language_id="typescript", version=version, text=text))
    return documents, warnings


def partial(start: tuple[int, int], end: tuple[int, int], text: str) -> t.TextDocumentContentChangePartial:
    span = t.Range(start=t.Position(line=start[0], character=start[1]), end=t.Position(line=end[0], character=end[1]))
    return t.TextDocumentContentChangePartial(range=span, text=text)


def change(version: int, *changes: t.TextDocumentContentChangeEvent, uri: str = URI) -> t.DidChangeTextDocumentParams:
    return t.DidChangeTextDocumentParams(
        text_document=t.VersionedTextDocumentIdentifier(uri=uri, version=version), content_changes=list(changes)
    )


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 9), ("utf-16", 7), ("utf-32", 6)])
def test_a_position_behind_an_astral_character_is_counted_in_the_negotiated_encoding(encoding: str, column: int) -> None:
    documents, _ = opened("x = '😀';\n", encoding)
    document = documents.change(change(2, partial((0, column), (0, column), "!")))
    assert document is not None and document.text == "x = '😀!';\n"


def test_form_feed_and_unicode_separators_do_not_end_a_line() -> None:
    documents, _ = opened("a\x0cb\u2028c\x85d\nsecond\n")
    document = documents.change(change(2, partial((1, 0), (1, 6), "SECOND")))
    assert document is not None and document.text == "a\x0cb\u2028c\x85d\nSECOND\n"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("place", [(0, 99), (99, 0), (99, 99), (0, 2), (0, 3), (0, 4)])
def test_impossible_positions_are_clamped_and_cost_no_text(encoding: str, place: tuple[int, int]) -> None:
    text = "a😀b\r\nz"
    documents, _ = opened(text, encoding)
    document = documents.change(change(2, partial(place, place, "+")))
    assert document is not None
    assert document.text.replace("+", "", 1) == text
    assert "\r+\n" not in document.text


def test_reversed_ranges_are_put_in_order() -> None:
    documents, _ = opened("abcdef")
    document = documents.change(change(2, partial((0, 4), (0, 1), "-")))
    assert document is not None and document.text == "a-ef"


def test_full_text_changes_reach_listeners_as_the_smallest_edit() -> None:
    documents, _ = opened("one\ntwo\nthree\n")
    seen: list[tuple[str, int, int, str]] = []
    documents.on_change.append(lambda document, before, edits: seen.extend((before, e.start, e.end, e.new) for e in edits))
    documents.change(change(2, t.TextDocumentContentChangeWholeDocument(text="one\ntwo!\nthree\n")))
    assert seen == [("one\ntwo\nthree\n", 7, 7, "!")]


def test_several_changes_of_one_message_follow_each_other() -> None:
    documents, _ = opened("abc\n")
    document = documents.change(change(2, partial((0, 0), (0, 1), ""), partial((0, 0), (0, 1), "B")))
    assert document is not None and document.text == "Bc\n"


def test_earlier_texts_are_remembered_within_bounds() -> None:
    documents, _ = opened("0")
    for version in range(2, 40):
        documents.change(change(version, t.TextDocumentContentChangeWholeDocument(text=str(version))))
    history = documents.all()[0].history
    assert (history[-1].version, history[-1].text) == (39, "39")
    assert 5 < len(history) < 20


def test_changes_of_a_document_that_was_never_opened_are_taken_only_as_a_whole() -> None:
    documents, warnings = opened("x")
    other = "file:///ws/other.ts"
    assert documents.change(change(1, partial((0, 0), (0, 0), "y"), uri=other)) is None
    adopted = documents.change(change(2, t.TextDocumentContentChangeWholeDocument(text="whole"), uri=other))
    assert adopted is not None and adopted.text == "whole" and len(warnings) == 2


def test_repeated_versions_are_applied_in_order_with_a_warning() -> None:
    documents, warnings = opened("", version=5)
    documents.change(change(5, partial((0, 0), (0, 0), "a")))
    document = documents.change(change(3, partial((0, 1), (0, 1), "b")))
    assert document is not None and document.text == "ab" and len(warnings) == 2


def test_opening_twice_and_closing_unknown_documents_is_harmless() -> None:
    documents, warnings = opened("first")
    documents.open(t.TextDocumentItem(uri=URI, language_id="x", version=1, text="second"))
    assert [document.text for document in documents.all()] == ["second"]
    assert documents.close("file:///ws/none") is None and len(warnings) == 2


def test_a_document_is_found_however_its_uri_is_encoded() -> None:
    documents, _ = opened("x")
    documents.open(t.TextDocumentItem(uri="file:///ws/%40scope/b%20c.ts", language_id="x", version=1, text="b"))
    assert documents.get("file:///ws/@scope/b c.ts") is documents.by_path("/ws/@scope/b c.ts")
    assert documents.get("file:///ws/%40scope/b%20c.ts") is not None


def test_untitled_documents_have_a_text_but_no_path() -> None:
    documents, _ = opened("x")
    document = documents.open(t.TextDocumentItem(uri="untitled:Untitled-1", language_id="x", version=1, text="u"))
    assert document.path is None and documents.get("untitled:Untitled-1") is document


@pytest.mark.parametrize("seed", range(6))
def test_the_following_index_equals_one_built_anew(seed: int) -> None:
    random_source = random.Random(seed)
    alphabet = ["a", "\n", "\r", "\r\n", "😀", "é", "\u2028", ""]
    lines = LiveLines("".join(random_source.choices(alphabet, k=40)))
    for _ in range(400):
        start = random_source.randint(0, len(lines.text))
        end = min(len(lines.text), start + random_source.choice([0, 0, 1, 3]))
        lines.replace(start, end, "".join(random_source.choices(alphabet, k=random_source.randint(0, 3))))
        fresh = LineIndex(lines.text)
        at = random_source.randint(0, len(lines.text))
        assert lines.n_lines == fresh.n_lines and lines.position(at) == fresh.position(at)
        assert lines.line_span(lines.line_of(at)) == fresh.line_span(fresh.line_of(at))
        if random_source.random() < 0.05:
            assert lines.starts == fresh.starts
    assert lines.starts == LineIndex(lines.text).starts


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_offset_and_position_are_inverse(encoding: str) -> None:
    text = "a😀é\n\r\nü👩‍👩‍👧z\rlast"
    index = LineIndex(text)
    for offset in range(len(text) + 1):
        if text[max(0, offset - 1) : offset + 1] == "\r\n":
            continue
        assert to_offset(index, to_position(index, offset, encoding), encoding) == offset


def test_shortest_edit_of_repeating_text_is_valid() -> None:
    for before, after in [("aaaa", "aaa"), ("abab", "ababab"), ("", "x"), ("x", ""), ("same", "same")]:
        edit = shortest(before, after)
        assert before[: edit.start] + edit.new + before[edit.end :] == after
