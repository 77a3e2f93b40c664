from __future__ import annotations

import time

from aigentflow.workspace.diff import apply_edits, edits, hunks, unified
from aigentflow.workspace.merge import Conflict, merge3
from aigentflow.workspace.proposal import Base, FileChange, TextEdit


def test_a_word_changed_in_a_line_is_one_small_edit() -> None:
    before = "import a\nconst x = foo(1);\nend\n"
    assert edits(before, before.replace("foo", "bar")) == (TextEdit(19, 22, "bar"),)


def test_lines_put_in_or_taken_out_are_whole_lines() -> None:
    before = "a\n}\nb\n}\n"
    assert edits(before, "a\n}\nnew\nb\n}\n") == (TextEdit(4, 4, "new\n"),)
    assert edits(before, "a\n}\n") == (TextEdit(4, 8, ""),)


def test_places_that_lie_apart_are_hunks_of_their_own() -> None:
    before = "".join(f"line {n}\n" for n in range(100))
    after = before.replace("line 10\n", "ten\n").replace("line 90\n", "ninety\n")
    assert [(hunk.id, hunk.old, hunk.edit.new) for hunk in hunks("p.ts", before, after)] == [
        ("p.ts#1", "line 10", "ten"),
        ("p.ts#2", "line 90", "ninety"),
    ]


def test_an_edit_never_cuts_a_line_end_or_a_character_from_its_marks() -> None:
    assert edits("a\r\n", "a\n") == (TextEdit(1, 3, "\n"),)
    assert edits("e\u0301", "e\u0300") == (TextEdit(0, 2, "e\u0300"),)


def test_two_places_of_one_long_line_are_two_edits() -> None:
    before = "var " + ",".join(f"v{n}={n}" for n in range(50_000)) + ";"
    after = before.replace("v10=10,", "v10=x,").replace("v49000=49000", "v49000=y")
    assert [(edit.end - edit.start, edit.new) for edit in edits(before, after)] == [(2, "x"), (5, "y")]


def test_big_texts_take_bounded_time() -> None:
    before = "".join(f"const value{n} = {n % 97};\n" for n in range(200_000))
    scattered = before.replace("= 13;", "= 14;")
    shuffled = "".join(sorted(before.splitlines(keepends=True), reverse=True))
    same = "x;\n" * 100_000
    start = time.process_time()
    for one, other in (
        (before, scattered),
        (before, shuffled),
        (same, "y\n" + "x;\n" * 50_000 + "z\n" + "x;\n" * 40_000),
        ("a" * 10_000_000, "b" * 10_000_000),
    ):
        assert apply_edits(one, edits(one, other)) == other
    assert time.process_time() - start < 20


def test_a_unified_diff_has_context_and_names() -> None:
    before = "".join(f"{n}\n" for n in range(1, 10))
    change = FileChange("src/a.ts", "modify", Base(before, "", None), before.replace("5\n", "five\n"))
    assert unified(change) == (
        "diff --git a/src/a.ts b/src/a.ts\n--- a/src/a.ts\n+++ b/src/a.ts\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
    )


BASE = "import a\n\nfunction f() {\n  return foo(1);\n}\n"


def test_typing_elsewhere_merges() -> None:
    merge = merge3(BASE, BASE.replace("import a", "import ab"), BASE.replace("foo", "bar"))
    assert merge.text == BASE.replace("import a", "import ab").replace("foo", "bar")
    assert not merge.conflicts


def test_typing_in_another_part_of_the_agents_line_merges() -> None:
    merge = merge3(BASE, BASE.replace("(1)", "(12)"), BASE.replace("foo", "bar"))
    assert (merge.text, merge.conflicts) == (BASE.replace("foo(1)", "bar(12)"), ())


def test_where_both_changed_the_same_place_the_persons_text_stays() -> None:
    merge = merge3(BASE, BASE.replace("foo", "fo①o"), BASE.replace("foo", "bar"))
    assert merge.text == BASE.replace("foo", "fo①o")
    assert merge.conflicts == (Conflict(34, 37, "fo①o", "bar"),)


def test_two_additions_at_one_place_are_both_kept_the_persons_first() -> None:
    merge = merge3(BASE, BASE.replace("import a\n", "import a\nimport mine\n"), BASE.replace("import a\n", "import a\nimport theirs\n"))
    assert merge.text.startswith("import a\nimport mine\nimport theirs\n\n") and not merge.conflicts


def test_the_same_addition_is_kept_once() -> None:
    both = BASE.replace("import a\n", "import a\nimport b\n")
    merge = merge3(BASE, both + "// mine\n", both)
    assert (merge.text, merge.conflicts) == (both + "// mine\n", ())


def test_lines_added_where_the_person_types_do_not_split_the_persons_line() -> None:
    assert merge3("a\nb\n", "a\n①b\n", "a\nnew\nb\n").text == "a\nnew\n①b\n"
    assert merge3("a\nb", "a\nb①", "a\nb\nnew").text == "a\nb①\nnew"
    assert merge3("a\nb", "a\nb\n①", "a\nb;").text == "a\nb;\n①"


def test_typing_in_a_line_that_the_agent_took_away_is_a_conflict() -> None:
    for ours in ("a\n①b\nc\n", "a\nb①\nc\n"):
        merge = merge3("a\nb\nc\n", ours, "a\nc\n")
        assert merge.text == ours and len(merge.conflicts) == 1


def test_an_undo_rebased_over_later_typing_takes_back_only_the_run() -> None:
    after_run = BASE.replace("foo", "bar")
    typed = after_run.replace("import a", "import a①")
    assert merge3(after_run, typed, BASE).text == BASE.replace("import a", "import a①")
