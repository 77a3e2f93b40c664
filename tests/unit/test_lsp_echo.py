"""From the texts after an edit alone: did it land, where, and may it be sent again."""

from __future__ import annotations

import pytest

from aigentflow.lsp.delivery.batches import before_final_line_end, text_entry
from aigentflow.lsp.delivery.echo import Landed, Misplaced, NotSeen, Sent, Unclear, at_positions, has_traces, judge
from aigentflow.workspace.diff import apply_edits, edits
from aigentflow.workspace.proposal import TextEdit

BASE = "alpha\nbeta\ngamma\ndelta\n"
AFTER = "alpha\nbeta\n  inserted by the agent\ngamma\ndelta!\n"
SENT = Sent(BASE, edits(BASE, AFTER), 4, "utf-16")


def typed(text: str, mark: str = "«1»\n", at: int = 0) -> str:
    return text[:at] + mark + text[at:]


def test_exactly_the_expected_text() -> None:
    assert judge(SENT, [AFTER]) == Landed()


def test_no_text_or_only_typing() -> None:
    assert judge(SENT, []) == NotSeen()
    assert judge(SENT, [typed(BASE), typed(typed(BASE))]) == NotSeen()


def test_landed_and_then_typed_in_one_message() -> None:
    assert judge(SENT, [typed(AFTER)]) == Landed()
    assert judge(SENT, [typed(AFTER, "«1»", AFTER.index("inserted") + 3)]) == Landed()


def test_typed_and_then_applied_by_positions_that_still_fit() -> None:
    stale = typed(BASE, "«1»", BASE.index("alpha") + 2)
    assert judge(SENT, [stale, at_positions(SENT, stale)]) == Landed()


@pytest.mark.parametrize("steps", ["told", "untold"])
def test_typed_a_line_above_and_then_applied_by_positions(steps: str) -> None:
    stale = typed(BASE)
    seen = at_positions(SENT, stale)
    assert judge(SENT, [stale, seen] if steps == "told" else [seen]) == Misplaced(seen, stale)


def test_what_the_positions_destroyed_is_found_again() -> None:
    sent = Sent(BASE, edits(BASE, BASE.replace("gamma", "GAMMA RAYS OF A STAR")), 4, "utf-16")
    stale = typed(BASE, "«1»\n«2»\n")
    seen = at_positions(sent, stale)
    assert "gamma" in seen and "alpha" not in seen
    assert judge(sent, [seen]) == Misplaced(seen, stale)


def test_a_refusal_is_not_explained_away() -> None:
    assert judge(SENT, [typed(AFTER)], refused=True) == NotSeen()
    assert judge(SENT, [AFTER], refused=True) == Landed()


def test_an_edit_that_may_or_may_not_be_there_is_unclear() -> None:
    sent = Sent("ab\n", edits("ab\n", "ab\ncd\nef\ngh\n"), 1, "utf-16")
    assert judge(sent, ["ab\ncd\nxy\n"]) == Unclear()


def test_traces_of_an_edit() -> None:
    assert has_traces(SENT, "inserted by the agent")
    assert not has_traces(SENT, BASE)


def test_versions_below_zero_are_never_sent() -> None:
    sent = Sent(BASE, SENT.edits, -1, "utf-16")
    assert text_entry("file:///a", sent, None).text_document.version is None
    assert text_entry("file:///a", SENT, None).text_document.version == 4


@pytest.mark.parametrize(
    ("before", "after"), [("a\n", "a\nb\n"), ("a\r\n", "a\r\nb\r\n"), ("a", "a\nb\n"), ("", "a\n"), ("\n", "\n\n"), ("a\n", "b\nc\n")]
)
def test_lines_at_the_end_go_before_the_last_line_end(before: str, after: str) -> None:
    moved = before_final_line_end(before, edits(before, after))
    assert apply_edits(before, moved) == after
    assert not before.endswith("\n") or all(edit.start < len(before) for edit in moved)


def test_positions_beyond_a_shorter_text_are_clamped() -> None:
    sent = Sent("one\ntwo\nthree\n", (TextEdit(8, 13, "3"),), 1, "utf-8")
    assert at_positions(sent, "x") == "x3"
