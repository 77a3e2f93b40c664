"""Laws of edits, patches and merges, on texts that nobody chose."""

from __future__ import annotations

import os
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aigentflow.workspace.diff import apply_edits, edits, hunks, unified, word_edits
from aigentflow.workspace.merge import merge3
from aigentflow.workspace.places import PlainText, plain
from aigentflow.workspace.proposal import Base, FileChange, TextEdit

LINES = st.sampled_from(["", "a", "b", "ab", "foo(a, b)", "}", "  x = 1;", "e\u0301", "😀", "\u2028"])
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"])
TEXTS = st.lists(st.tuples(LINES, ENDS).map("".join) | LINES, max_size=12).map("".join)
MARKS = st.text("①②③④", min_size=1, max_size=3)


@st.composite
def changed(draw: st.DrawFn, text: str) -> str:
    """The text with a few stretches replaced."""
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 8)))
        text = text[:start] + draw(TEXTS if draw(st.booleans()) else LINES) + text[end:]
    return text


PAIRS = TEXTS.flatmap(lambda text: st.tuples(st.just(text), changed(text) | TEXTS))


@settings(max_examples=250, deadline=None)
@given(PAIRS)
def test_the_edits_of_two_texts_lead_from_one_to_the_other(pair: tuple[str, str]) -> None:
    before, after = pair
    for found in (edits(before, after), word_edits(before, after)):
        assert apply_edits(before, found) == after
        assert all(one.end <= other.start and one != other for one, other in pairwise(found))
        assert all(before[edit.start : edit.end] != edit.new for edit in found)
        for edit in found:
            for text, at in ((before, edit.start), (before, edit.end)):
                assert text[max(0, at - 1) : at + 1] != "\r\n" or "\r" in edit.new or edit.start != edit.end
    assert [hunk.old for hunk in hunks("p", before, after)] == [before[edit.start : edit.end] for edit in edits(before, after)]


@settings(max_examples=250, deadline=None)
@given(TEXTS.flatmap(lambda base: st.tuples(st.just(base), changed(base), changed(base))))
def test_a_merge_with_an_unchanged_side_is_the_other_side(texts: tuple[str, str, str]) -> None:
    base, ours, theirs = texts
    assert merge3(base, ours, base).text == ours
    assert merge3(base, base, theirs).text == theirs
    assert merge3(base, ours, ours).text == ours
    merge = merge3(base, ours, theirs)
    for conflict in merge.conflicts:
        assert 0 <= conflict.base_start <= conflict.base_end <= len(base)
        assert conflict.ours in merge.text and conflict.ours != conflict.theirs


@settings(max_examples=300, deadline=None)
@given(st.data(), TEXTS)
def test_whatever_the_person_types_is_in_the_result(data: st.DataObject, base: str) -> None:
    theirs = data.draw(changed(base))
    ours = base
    marks = data.draw(st.lists(MARKS, min_size=1, max_size=3))
    for mark in marks:
        at = data.draw(st.integers(0, len(ours)))
        assume(not (0 < at < len(ours) and (ours[at - 1] in "①②③④" or ours[at] in "①②③④")))
        ours = ours[:at] + mark + ours[at:]
    result = merge3(base, ours, theirs).text
    assert sorted(character for character in result if character in "①②③④") == sorted("".join(marks))
    assert all(mark in result for mark in marks)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.lists(st.sampled_from(["alpha", "beta", "gamma"]), min_size=3, max_size=9))
def test_typing_in_a_line_that_the_agent_left_alone_never_conflicts(data: st.DataObject, words: list[str]) -> None:
    lines = [f"{word} {number}\n" for number, word in enumerate(words)]
    mine = data.draw(st.integers(0, len(lines) - 1))
    others = data.draw(st.lists(st.integers(0, len(lines) - 1).filter(lambda n: n != mine), min_size=1, max_size=3, unique=True))
    theirs = "".join(f"agent's line {n}\n" if n in others else line for n, line in enumerate(lines))
    column = data.draw(st.integers(0, len(lines[mine]) - 1))
    typed = lines[mine][:column] + "①" + lines[mine][column:]
    merge = merge3("".join(lines), "".join([*lines[:mine], typed, *lines[mine + 1 :]]), theirs)
    assert not merge.conflicts
    assert typed in merge.text.splitlines(keepends=True)
    assert all(f"agent's line {n}\n" in merge.text for n in others)


@settings(max_examples=200, deadline=None)
@given(st.data(), TEXTS, LINES)
def test_an_edit_written_with_newlines_keeps_every_character_outside(data: st.DataObject, text: str, new: str) -> None:
    view = PlainText(text)
    start = data.draw(st.integers(0, len(view.text)))
    end = data.draw(st.integers(start, len(view.text)))
    found = view.replaced([start], end - start, new)
    assert plain(apply_edits(text, found)) == plain(view.text[:start] + new + view.text[end:])
    assert all(view.offset(start) <= edit.start and edit.end <= view.offset(end) for edit in found)


def _git(folder: Path, *arguments: str, patch: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, input=patch.encode(), capture_output=True, check=False)
    assert done.returncode == 0, (done.stderr.decode(), patch)


@settings(max_examples=40, deadline=None)
@given(PAIRS, st.sampled_from(["a.ts", "with space.ts", 'quo"te.ts', "ümlaut/x.ts"]), st.booleans())
def test_git_applies_every_patch(pair: tuple[str, str], path: str, bom: bool) -> None:
    before, after = pair
    mark = "\ufeff" if bom else ""
    base = Base(before, "", None)
    cases: list[tuple[FileChange, dict[str, str], dict[str, str]]] = [
        (FileChange(path, "create", None, after, bom=bom), {}, {path: mark + after}),
        (FileChange(path, "delete", base, None, bom=bom), {path: mark + before}, {}),
        (FileChange("moved to.ts", "rename", base, after, from_path=path, bom=bom), {path: mark + before}, {"moved to.ts": mark + after}),
    ]
    if before != after:
        cases.append((FileChange(path, "modify", base, after, bom=bom), {path: mark + before}, {path: mark + after}))
    for change, files, expected in cases:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for file, content in files.items():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).write_bytes(content.encode())
            _git(folder, "apply", "--whitespace=nowarn", "-", patch=unified(change))
            found = {p.relative_to(folder).as_posix(): p.read_bytes().decode() for p in folder.rglob("*") if p.is_file()}
            assert found == expected


@given(TEXTS)
def test_edits_that_overlap_or_lie_outside_are_refused(text: str) -> None:
    for wrong in ([TextEdit(0, len(text) + 1, "")], [TextEdit(1, 0, "")], [TextEdit(0, 1, ""), TextEdit(0, 1, "x")]):
        try:
            apply_edits(text, wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)
