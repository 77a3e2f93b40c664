"""Whatever is typed whenever, in whatever client: every mark is there once, and without the marks the text is the model's answer.

The model is simple on purpose: the base with exactly those hunks that the review calls delivered. Where lines occur twice only the marks
are checked.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.editor.desk import Desk
from tests.editor.profiles import APPLYING, Profile

from aigentflow.lsp.delivery.rebase import rebase, with_hunks
from aigentflow.lsp.delivery.state import IN_PLACE
from aigentflow.workspace.diff import hunks

WORDS = ["", "a", "b", "if x:", "  return 1;", "}", "é😀", "\tz", "  // note", "c = 3;", "  d();", "else:", "done", "👩‍👧", "end"]
NEW = ["new();", "  let y = 😀;", "import n;", "  // why", "{", "\tq"]


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and the same with a few lines put in, taken out or replaced; sometimes with lines that occur more than once."""
    before = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14, unique=draw(st.sampled_from([True, True, False]))))
    after = list(before)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(after)))
        gone = draw(st.integers(0, 2))
        after[at : at + gone] = draw(st.lists(st.sampled_from([*NEW, "", "}"]), max_size=2))
    end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n"]))
    return end.join([*before, ""]), end.join([*after, ""]) if after else ""


def told_apart(before: str, after: str) -> bool:
    """Whether no line occurs twice: else a mark on one of two equal lines can be read as a mark on the other."""
    return all(len(set(lines)) == len(lines) for lines in (before.splitlines(), after.splitlines()))


KEYS = st.lists(st.tuples(st.floats(0, 1.5), st.integers(0, 1), st.floats(0, 1), st.booleans()), max_size=6)
"""When, in which file, how far down, and whether a line end is part of the mark."""


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    profile=st.sampled_from(list(APPLYING.values())),
    files=st.tuples(changed(), changed()),
    keys=KEYS,
    start=st.floats(0, 0.4),
    undo=st.booleans(),
)
def test_no_keystroke_is_lost_and_no_edit_lands_twice(
    profile: Profile, files: tuple[tuple[str, str], tuple[str, str]], keys: list[tuple[float, int, float, bool]], start: float, undo: bool
) -> None:
    if profile.buffer_of_lines:
        first, second = ((before.replace("\r\n", "\n"), after.replace("\r\n", "\n") or "\n") for before, after in files)
        files = (first, second)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_type_while_delivering(profile, Path(folder), files, keys, start, undo=undo))


async def _type_while_delivering(
    profile: Profile,
    root: Path,
    files: tuple[tuple[str, str], ...],
    keys: list[tuple[float, int, float, bool]],
    start: float,
    *,
    undo: bool,
) -> None:
    names = ["a.ts", "b.ts"]
    desk = Desk(profile, root, {name: before for name, (before, _) in zip(names, files, strict=True)})
    await desk.open(*names)
    changes = [desk.change(name, after) for name, (_, after) in zip(names, files, strict=True)]
    marks: list[tuple[str, str]] = []
    for number, (when, file, part, newline) in enumerate(keys):
        mark = f"«{number}" + (_line_end(files[file][0]) if newline else "") + "»"
        marks.append((names[file], mark))
        desk.time.after(when, lambda file=file, mark=mark, part=part: desk.editor.type(names[file], mark, lambda text: _place(text, part)))  # type: ignore[misc]
    await desk.time.run(start)
    review = desk.review(*changes)
    await review.deliver()
    await desk.rest(review)
    _check(desk, review.state().hunks, files, names, marks)
    if undo:
        await review.undo()
        await desk.rest(review)
        _check(desk, review.state().hunks, files, names, marks)


def _check(desk: Desk, views: object, files: tuple[tuple[str, str], ...], names: list[str], marks: list[tuple[str, str]]) -> None:
    for name, (before, after) in zip(names, files, strict=True):
        text = desk.editor.text(name)
        document = desk.documents.by_path(str(desk.root / name))
        assert document is not None and document.text == text, "the server knows what the editor has"
        for owner, mark in marks:
            if owner == name:
                assert text.count(mark) == 1, f"{mark!r} in {text!r}"
                text = text.replace(mark, "")
        mine = [view for view in views if view.path == name]  # type: ignore[attr-defined]
        taken = {view.id for view in mine if view.status in IN_PLACE}
        unsure = {view.id for view in mine if view.status == "waiting" and "look at this file" in view.reason}
        made = hunks(name, before, after)
        if told_apart(before, after):
            assert text in (with_hunks(before, made, taken), with_hunks(before, made, taken | unsure))


def _place(text: str, part: float) -> int:
    at = round(part * len(text))
    inside_line_end = 0 < at < len(text) and text[at - 1 : at + 1] == "\r\n"
    # Marks are not typed into each other, or they could not be told apart afterwards.
    opened = text.rfind("«", 0, at)
    if opened >= 0 and text.find("»", opened) >= at:
        return opened
    return at - 1 if inside_line_end else at


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


@settings(max_examples=300, deadline=None)
@given(files=changed(), data=st.data())
def test_taking_a_hunk_in_and_out_again_leaves_the_persons_text(files: tuple[str, str], data: st.DataObject) -> None:
    before, after = files
    made = hunks("a", before, after)
    at = data.draw(st.integers(0, len(before)))
    live = before[:at] + "«1»\n" + before[at:]
    wanted = frozenset(data.draw(st.sets(st.sampled_from([hunk.id for hunk in made])))) if made else frozenset()
    brought = rebase(before, made, frozenset(), wanted, live)
    assert brought.target.count("«1»\n") == 1
    if not told_apart(before, after):
        return
    assert brought.target.replace("«1»\n", "") == with_hunks(before, made, brought.taken)
    back = rebase(before, made, brought.taken, frozenset(), brought.target)
    assert back.target.replace("«1»\n", "") == with_hunks(before, made, back.taken)
