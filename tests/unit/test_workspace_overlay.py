from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from aigentflow.errors import EditError, PathMissing, PathRefused
from aigentflow.workspace.boundary import Boundary, Rules
from aigentflow.workspace.diff import apply_edits
from aigentflow.workspace.overlay import Overlay
from aigentflow.workspace.snapshot import Buffer, Snapshot

posix = pytest.mark.skipif(os.name == "nt", reason="links as POSIX has them")


def overlay(root: Path, files: dict[str, str | bytes], *buffers: Buffer, allow: str = "**") -> Overlay:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return Overlay(Snapshot(root, buffers), Boundary(root, Rules((allow,))))


def test_an_edit_replaces_the_one_place_and_nothing_reaches_the_disk(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"a.ts": "one\ntwo\nthree\n"})
    assert pending.edit("a.ts", "two", "2") == 1
    assert pending.read("a.ts") == "one\n2\nthree\n"
    assert (tmp_path / "a.ts").read_text() == "one\ntwo\nthree\n"
    (change,) = pending.proposal().changes
    assert (change.kind, [hunk.edit.new for hunk in change.hunks], pending.changed) == ("modify", ["2"], ("a.ts",))


def test_an_edit_goes_on_from_the_text_that_was_typed(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"a.ts": "disk"}, Buffer("a.ts", "typed", 4))
    pending.edit("a.ts", "typed", "edited")
    (change,) = pending.proposal().changes
    assert change.base is not None and (change.base.text, change.base.version) == ("typed", 4)


def test_line_ends_outside_the_edit_survive_and_new_lines_take_the_files_own(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"a.ts": b"one\r\ntwo\nthree\r\nfour\rfive\r\nsix"})
    pending.edit("a.ts", "one\ntwo\nthree\n", "one\ntwo\nnew\nthree\n")
    pending.edit("a.ts", "four\nfive", "four\n5")
    assert pending.read("a.ts") == "one\r\ntwo\nnew\r\nthree\r\nfour\r5\r\nsix"


def test_a_whole_file_written_anew_keeps_mark_line_ends_and_untouched_lines(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"a.ts": b"\xef\xbb\xbfone\r\ntwo\r\n"})
    pending.write("a.ts", "\ufeffone\n2\nthree\n")
    assert pending.read("a.ts") == "one\r\n2\r\nthree\r\n"
    (change,) = pending.proposal().changes
    assert change.bom and change.line_end == "\r\n"
    assert [(hunk.old, hunk.edit.new) for hunk in change.hunks] == [("two", "2\r\nthree")]


def test_an_edit_may_change_line_ends_alone(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"a.ts": b"a\r\nb\r\n"})
    pending.edit("a.ts", "a\r\nb", "a\nb")
    assert pending.read("a.ts") == "a\nb\r\n"


def test_text_that_does_not_occur_is_answered_with_the_nearest_lines(tmp_path: Path) -> None:
    source = "\n".join(f"function number{n}() {{\n  return {n};\n}}" for n in range(50))
    pending = overlay(tmp_path, {"a.ts": source})
    with pytest.raises(EditError, match="Nearest match") as caught:
        pending.edit("a.ts", "function number17(x) {\n  return 17;\n}", "x")
    assert "    52\tfunction number17() {" in str(caught.value)
    with pytest.raises(EditError, match="only in white space") as caught:
        pending.edit("a.ts", "function number3() {\n    return 3;\n}", "x")
    assert "    10\tfunction number3() {" in str(caught.value)
    with pytest.raises(EditError, match="nor does anything like it"):
        pending.edit("a.ts", "§§§§§§§§§§§", "x")


def test_text_that_occurs_more_than_once_is_refused_with_its_lines(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"a.ts": "x = 1\ny\nx = 1\n", "b.ts": "aaa"})
    with pytest.raises(EditError, match=r"2 times \(lines 1, 3\)"):
        pending.edit("a.ts", "x = 1", "z")
    with pytest.raises(EditError, match="2 times"):
        pending.edit("b.ts", "aa", "z")
    assert pending.edit("a.ts", "x = 1", "z", replace_all=True) == 2
    assert pending.read("a.ts") == "z\ny\nz\n"


def test_an_edit_that_says_nothing_is_refused(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"a.ts": "a", "empty.ts": ""})
    with pytest.raises(EditError, match="the same"):
        pending.edit("a.ts", "a", "a")
    with pytest.raises(EditError, match="empty"):
        pending.edit("a.ts", "", "b")
    assert pending.edit("empty.ts", "", "text") == 1
    with pytest.raises(PathMissing):
        pending.edit("gone.ts", "a", "b")


def test_bytes_in_no_known_encoding_survive_and_what_it_cannot_hold_is_refused(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"a.txt": b"\x80\xe9 word \xff", "b.txt": "x"})
    pending.edit("a.txt", "word", "w\xf6rd")
    (change,) = pending.proposal().changes
    assert (change.after or "").encode(change.encoding) == b"\x80\xe9 w\xf6rd \xff"
    with pytest.raises(EditError, match=r"U\+2603"):
        pending.edit("a.txt", " w", "☃")
    with pytest.raises(EditError, match=r"U\+D800"):
        pending.write("b.txt", "\ud800")


def test_create_change_and_delete_again_leaves_no_trace(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"a.ts": "a"})
    pending.write("new/b.ts", "b\n")
    pending.edit("new/b.ts", "b", "c")
    assert list(pending.paths()) == ["a.ts", "new/b.ts"]
    assert [(change.path, change.kind, change.after) for change in pending.proposal().changes] == [("new/b.ts", "create", "c\n")]
    pending.delete("new/b.ts")
    assert not pending.proposal() and not pending.exists("new/b.ts")


def test_deleting_and_writing_anew_is_a_change(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"a.ts": b"a\r\nb\r\n"})
    pending.delete("a.ts")
    assert [change.kind for change in pending.proposal().changes] == ["delete"]
    with pytest.raises(PathMissing):
        pending.read("a.ts")
    pending.write("a.ts", "a\nc\n")
    (change,) = pending.proposal().changes
    assert (change.kind, change.after) == ("modify", "a\r\nc\r\n")


def test_a_rename_carries_the_base_of_its_source(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"a.ts": "one\ntwo\n"})
    pending.rename("a.ts", "b.ts")
    pending.edit("b.ts", "two", "2")
    (change,) = pending.proposal().changes
    assert (change.path, change.kind, change.from_path, change.after) == ("b.ts", "rename", "a.ts", "one\n2\n")
    assert change.base is not None and apply_edits(change.base.text, [hunk.edit for hunk in change.hunks]) == "one\n2\n"
    assert pending.changed == ("a.ts", "b.ts")
    pending.write("a.ts", "other\n")
    assert [(change.path, change.kind) for change in pending.proposal().changes] == [("a.ts", "modify"), ("b.ts", "create")]


def test_a_rename_there_and_back_is_no_change(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"a.ts": "a"})
    pending.rename("a.ts", "b.ts")
    pending.rename("b.ts", "a.ts")
    assert not pending.proposal()


def test_both_ends_of_a_rename_must_lie_in_the_boundary(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"in/a.ts": "a", "out/b.ts": "b"}, allow="in/**")
    for source, target in (("in/a.ts", "out/a.ts"), ("out/b.ts", "in/b.ts")):
        with pytest.raises(PathRefused):
            pending.rename(source, target)
    with pytest.raises(PathRefused):
        pending.delete("out/b.ts")
    with pytest.raises(EditError, match="exists already"):
        pending.rename("in/a.ts", "in/a.ts")
    assert not pending.proposal()


def test_no_twin_is_made_that_differs_only_in_case_or_composition(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"src/User.ts": "x", "src/café.ts": "x"})
    if sorted(os.listdir(tmp_path / "src"))[-1] != "café.ts":
        pytest.skip("the disk composes names itself")
    for path in ("src/user.ts", "SRC/other.ts", "src/cafe\u0301.ts"):
        with pytest.raises((EditError, PathRefused), match=r"twin of src"):
            pending.write(path, "y")
    pending.write("src/new.ts", "1")
    with pytest.raises(EditError, match=r"twin of src/new\.ts"):
        pending.write("src/NEW.ts", "2")
    pending.rename("src/User.ts", "src/user.ts")
    assert [change.kind for change in pending.proposal().changes] == ["create", "rename"]


def test_a_file_that_appears_after_the_run_made_it_is_not_taken_for_its_base(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {})
    pending.write("a.ts", "the run's")
    (tmp_path / "a.ts").write_text("the person's")
    (change,) = pending.proposal().changes
    assert (change.kind, change.base) == ("create", None)


def test_secrets_are_neither_listed_nor_read(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {".env": "KEY=1", "a.ts": "a"}, Buffer(".env.local", "KEY=2", 1))
    assert list(pending.paths()) == ["a.ts"]
    with pytest.raises(PathRefused) as caught:
        pending.read(".env")
    assert "KEY" not in str(caught.value) and not pending.exists(".env")


@posix
def test_a_link_is_edited_as_its_file_and_neither_deleted_nor_moved(tmp_path: Path) -> None:
    pending = overlay(tmp_path, {"real.ts": "a"})
    (tmp_path / "link.ts").symlink_to(tmp_path / "real.ts")
    pending.edit("link.ts", "a", "b")
    assert pending.changed == ("real.ts",)
    for change in (lambda: pending.delete("link.ts"), lambda: pending.rename("link.ts", "other.ts")):
        with pytest.raises(PathRefused, match=r"name real\.ts itself"):
            change()


def test_big_files_are_edited_and_refused_in_bounded_time(tmp_path: Path) -> None:
    lines = "".join(f"const value{n} = {n};\n" for n in range(200_000))
    pending = overlay(tmp_path, {"one.js": "x" * 9_000_000 + "needle" + "y" * 900_000, "many.js": lines})
    start = time.process_time()
    pending.edit("one.js", "needle", "pin")
    pending.edit("many.js", "const value77777 = 77777;", "const value77777 = 0;")
    with pytest.raises(EditError, match="Nearest match"):
        pending.edit("many.js", "const valu150000 = 150000;", "")
    with pytest.raises(EditError):
        pending.edit("one.js", "needlf", "")
    assert pending.edit("many.js", "const value", "let v", replace_all=True) == 200_000
    changes = {change.path: change for change in pending.proposal().changes}
    assert [(hunk.old, hunk.edit.new) for hunk in changes["one.js"].hunks] == [("needle", "pin")]
    assert time.process_time() - start < 15
