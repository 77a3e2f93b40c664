"""How a proposal reaches the buffers of each client while somebody types.

Every scenario runs under the recorded capabilities of the clients; the typist's marks look like «1», and all of them must be there at
the end.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.editor.desk import Desk
from tests.editor.profiles import ALE, ALL, APPLYING, EGLOT, HELIX, KATE, NEOVIM_10, NEOVIM_12, VSCODE, YCM, Profile

from aigentflow.lsp.delivery.send import Patience

pytestmark = pytest.mark.asyncio

BEFORE = "import x;\n\nfunction a() {\n  return 1;\n}\n\nfunction b() {\n  return 2;\n}\n"
AFTER = "import x;\nimport y;\n\nfunction a() {\n  return 10;\n}\n\nfunction b() {\n  // why\n  return 20;\n}\n\nfunction c() {}\n"

each_client = pytest.mark.parametrize("profile", APPLYING.values(), ids=APPLYING)


def kinds(desk: Desk, review: Any) -> set[str]:
    return set(desk.statuses(review).values())


@each_client
async def test_untouched_buffers_get_exactly_the_proposed_text(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE, "b.ts": BEFORE})
    await desk.open("a.ts", "b.ts")
    review = desk.review(desk.change("a.ts", AFTER), desk.change("b.ts", AFTER))
    await review.deliver()
    assert desk.editor.text("a.ts") == desk.editor.text("b.ts") == AFTER
    assert kinds(desk, review) == {"delivered"}
    assert review.message() == "Changed and not saved: a.ts, b.ts."


@each_client
@pytest.mark.parametrize("where", ["above", "in another function"])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_typing_in_the_second_never_changed_file_while_the_edit_is_on_its_way(
    profile: Profile, where: str, moment: str, tmp_path: Path
) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE, "b.ts": BEFORE})
    await desk.open("a.ts", "b.ts")

    def keys() -> None:
        for name in ("a.ts", "b.ts"):
            place = 0 if where == "above" else desk.editor.text(name).index("}") + 1
            desk.editor.type(name, f"«{name}»\n", place)

    hooks = desk.editor.before_apply if moment == "before" else desk.editor.after_apply
    hooks.append(keys)
    review = desk.review(desk.change("a.ts", AFTER), desk.change("b.ts", AFTER))
    await review.deliver()
    await desk.rest(review)
    for name in ("a.ts", "b.ts"):
        text = desk.editor.text(name)
        assert text.count(f"«{name}»\n") == 1
        assert text.replace(f"«{name}»\n", "") == AFTER
    assert kinds(desk, review) == {"delivered"}


@each_client
async def test_keys_just_typed_that_the_client_has_not_told_yet(profile: Profile, tmp_path: Path) -> None:
    """Neovim and eglot tell of changes late; what is typed right before the edit arrives is unknown to the server."""
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE})
    await desk.open("a.ts")
    desk.editor.type("a.ts", "«1»\n«2»\n", 0)
    review = desk.review(desk.change("a.ts", AFTER))
    await review.deliver()
    await desk.rest(review)
    assert desk.editor.text("a.ts") == "«1»\n«2»\n" + AFTER
    assert kinds(desk, review) == {"delivered"}


@each_client
async def test_typing_without_a_pause_ends_delivered_or_pending_and_loses_nothing(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE})
    await desk.open("a.ts")
    for number in range(300):
        desk.time.after(number * 0.01, lambda number=number: desk.editor.type("a.ts", f"«{number}»", lambda text: text.index("}") + 1))
    review = desk.review(desk.change("a.ts", AFTER))
    await review.deliver()
    await desk.rest(review)
    text = desk.editor.text("a.ts")
    for number in range(300):
        assert text.count(f"«{number}»") == 1
        text = text.replace(f"«{number}»", "")
    assert text == (AFTER if kinds(desk, review) == {"delivered"} else BEFORE)


@each_client
async def test_the_persons_change_of_the_same_line_stands_and_the_other_hunks_go_in(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE})
    await desk.open("a.ts")
    change = desk.change("a.ts", AFTER)
    desk.editor.type("a.ts", "«mine»", lambda text: text.index("1;"))
    desk.editor.type("a.ts", "«too»", lambda text: text.index("1;") + 1)
    await desk.time.run(1)
    review = desk.review(change)
    await review.deliver()
    await desk.rest(review)
    text = desk.editor.text("a.ts")
    conflicts = [hunk for hunk in review.state().hunks if hunk.status == "conflict"]
    assert "return «mine»1«too»;" in text and "return 20;" in text and "import y;" in text
    assert len(conflicts) == 1 and (conflicts[0].ours, conflicts[0].theirs) == ("  return «mine»1«too»;", "  return 10;")
    await review.accept()
    assert "return «mine»1«too»;" in desk.editor.text("a.ts"), "accepting everything decides no conflict"
    await review.accept(hunk=conflicts[0].id)
    await desk.rest(review)
    assert "return 10" in desk.editor.text("a.ts") and not review.has_pending


@each_client
async def test_characters_beyond_the_basic_plane_and_windows_line_ends(profile: Profile, tmp_path: Path) -> None:
    before = "const s = '😀é';\r\nconst t = '😀'; const u = 1;\r\nlast\r\n"
    after = before.replace("u = 1", "u = '👩‍👧'").replace("last", "first\r\nlast")
    if profile.buffer_of_lines:
        before, after = before.replace("\r\n", "\n"), after.replace("\r\n", "\n")
    desk = Desk(profile, tmp_path, {"a.ts": before})
    await desk.open("a.ts")
    review = desk.review(desk.change("a.ts", after))
    desk.editor.before_apply.append(lambda: desk.editor.type("a.ts", "«😀»", 3))
    await review.deliver()
    await desk.rest(review)
    assert desk.editor.text("a.ts").replace("«😀»", "") == after


@each_client
async def test_a_file_the_client_has_not_open(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE, "closed.ts": BEFORE})
    await desk.open("a.ts")
    review = desk.review(desk.change("closed.ts", AFTER))
    await review.deliver()
    await desk.rest(review)
    assert desk.editor.text("closed.ts") == AFTER and kinds(desk, review) == {"delivered"}


@each_client
async def test_a_closed_file_that_changed_on_disk_is_merged(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"closed.ts": BEFORE})
    change = desk.change("closed.ts", AFTER)
    (tmp_path / "closed.ts").write_text("// from git\n" + BEFORE, "utf-8")
    review = desk.review(change)
    await review.deliver()
    await desk.rest(review)
    assert desk.editor.text("closed.ts") == "// from git\n" + AFTER and kinds(desk, review) == {"delivered"}


@each_client
async def test_lines_added_at_the_very_end_leave_no_empty_line(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": "one\n"})
    await desk.open("a.ts")
    review = desk.review(desk.change("a.ts", "one\ntwo\n"))
    await review.deliver()
    await desk.rest(review)
    assert desk.editor.text("a.ts") == "one\ntwo\n"


@each_client
async def test_undo_run_keeps_what_was_typed_since(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE, "b.ts": BEFORE})
    await desk.open("a.ts", "b.ts")
    review = desk.review(desk.change("a.ts", AFTER), desk.change("b.ts", AFTER))
    await review.deliver()
    desk.editor.type("a.ts", "«1»\n", 0)
    desk.editor.type("b.ts", "«2»", lambda text: text.index("function a") + 4)
    desk.editor.before_apply.append(lambda: desk.editor.type("a.ts", "«3»\n", 0))
    await review.undo()
    await desk.rest(review)
    assert desk.editor.text("a.ts") == "«3»\n«1»\n" + BEFORE
    assert desk.editor.text("b.ts").replace("«2»", "") == BEFORE and "«2»" in desk.editor.text("b.ts")
    assert not review.can_undo


@each_client
async def test_undo_does_not_take_back_lines_the_person_changed_since(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE})
    await desk.open("a.ts")
    review = desk.review(desk.change("a.ts", AFTER))
    await review.deliver()
    desk.editor.type("a.ts", "«mine»", lambda text: text.index("why") + 1)
    await desk.time.run(1)
    await review.undo()
    await desk.rest(review)
    text = desk.editor.text("a.ts")
    assert "w«mine»hy" in text and "import y" not in text and "return 1;" in text
    assert [hunk.reason for hunk in review.state().hunks if hunk.status == "delivered"] == ["you changed this place since; undo it by hand"]


@each_client
async def test_the_editors_own_undo_does_not_disturb_undo_run(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE, "b.ts": BEFORE})
    await desk.open("a.ts", "b.ts")
    review = desk.review(desk.change("a.ts", AFTER), desk.change("b.ts", AFTER))
    await review.deliver()
    desk.editor.undo("a.ts")
    await desk.time.run(1)
    await review.undo()
    await desk.rest(review)
    assert desk.editor.text("a.ts") == desk.editor.text("b.ts") == BEFORE


@each_client
async def test_accept_and_reject_hunk_by_hunk(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE, "b.ts": BEFORE})
    await desk.open("a.ts", "b.ts")
    review = desk.review(desk.change("a.ts", AFTER), desk.change("b.ts", AFTER), mode="all")
    await review.deliver()
    assert desk.editor.text("a.ts") == BEFORE and not desk.edits_sent() and review.has_pending
    first, *rest = [hunk.id for hunk in review.state().hunks if hunk.path == "a.ts"]
    await review.accept(hunk=first)
    assert desk.editor.text("a.ts") == BEFORE.replace("import x;\n", "import x;\nimport y;\n")
    await review.reject("b.ts")
    desk.editor.type("a.ts", "«1»\n", 0)
    await desk.time.run(1)
    await review.accept("a.ts")
    await desk.rest(review)
    assert desk.editor.text("a.ts") == "«1»\n" + AFTER and desk.editor.text("b.ts") == BEFORE
    assert desk.statuses(review)[rest[0]] == "accepted" and not review.has_pending
    await review.reject(hunk=rest[-1])
    await desk.rest(review)
    assert "function c" not in desk.editor.text("a.ts") and "import y" in desk.editor.text("a.ts")


@each_client
async def test_places_of_waiting_hunks_follow_the_typing(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE})
    await desk.open("a.ts")
    review = desk.review(desk.change("a.ts", AFTER), mode="all")
    await review.deliver()
    desk.editor.type("a.ts", "// one\n// two\n", 0)
    await desk.time.run(1)
    text = desk.documents.by_path(str(desk.root / "a.ts")).text  # type: ignore[union-attr]
    ones = [hunk for hunk in review.state().hunks if hunk.new in ("10", "0") or "10" in hunk.new]
    assert len(ones) == 1 and ones[0].start is not None and "return 1" in text[ones[0].start - 12 : ones[0].end]


async def test_neovim_gets_one_request_for_each_buffer_with_a_version_it_compares(tmp_path: Path) -> None:
    for profile in (NEOVIM_10, NEOVIM_12):
        desk = Desk(profile, tmp_path / profile.fixture, {"a.ts": BEFORE, "b.ts": BEFORE})
        await desk.open("a.ts", "b.ts")
        review = desk.review(desk.change("a.ts", AFTER), desk.change("b.ts", AFTER), desk.change("new/n.ts", "n\n", kind="create"))
        await review.deliver()
        texts = [edit["documentChanges"] for edit in desk.edits_sent()]
        real = [entries for entries in texts if any(one["newText"] for one in entries[-1]["edits"])]
        assert [len(entries) for entries in real] == [1, 1, 2], "text edits first, alone; then the new file"
        assert all(entries[0]["textDocument"]["version"] > 0 for entries in real[:2])
        harmless = [entries for entries in texts if entries not in real]
        assert len(harmless) == 2 and all(entries[0]["textDocument"]["version"] == 0 for entries in harmless)
        assert desk.editor.text("new/n.ts") == "n\n"


async def test_vscode_gets_one_request_for_all_files(tmp_path: Path) -> None:
    desk = Desk(VSCODE, tmp_path, {"a.ts": BEFORE, "b.ts": BEFORE})
    await desk.open("a.ts", "b.ts")
    review = desk.review(desk.change("a.ts", AFTER), desk.change("b.ts", AFTER), desk.change("n.ts", "n\n", kind="create"))
    await review.deliver()
    (edit,) = desk.edits_sent()
    assert [entry.get("kind", "text") for entry in edit["documentChanges"]] == ["text", "text", "create", "text"]
    assert edit["changeAnnotations"]["aigentflow"] == {"label": "Aigentflow: backend_dev", "needsConfirmation": False}
    assert desk.editor.text("n.ts") == "n\n" and kinds(desk, review) == {"delivered"}


async def test_a_client_without_version_check_puts_the_edit_at_a_wrong_place_and_it_is_repaired(tmp_path: Path) -> None:
    """The lines the edit destroyed held nothing of the person's, so the repair restores all."""
    desk = Desk(YCM, tmp_path, {"a.ts": BEFORE})
    await desk.open("a.ts")
    desk.editor.before_apply.append(lambda: desk.editor.type("a.ts", "«1»\n«2»\n", 0))
    desk.editor.after_apply.append(lambda: desk.editor.type("a.ts", "«3»\n", 0))
    review = desk.review(desk.change("a.ts", AFTER))
    await review.deliver()
    await desk.rest(review)
    assert desk.editor.text("a.ts") == "«3»\n«1»\n«2»\n" + AFTER
    assert kinds(desk, review) == {"delivered"} and len(desk.edits_sent()) == 2


async def test_a_late_telling_client_without_version_check_is_repaired_from_one_message(tmp_path: Path) -> None:
    """Typing and our edit arrive in one `didChange`; the explanation that leaves the least typing is the true one."""
    late = Profile(YCM.fixture, 1, checks="none", send="idle", delay=0.3)
    desk = Desk(late, tmp_path, {"a.ts": BEFORE})
    await desk.open("a.ts")
    desk.editor.before_apply.append(lambda: desk.editor.type("a.ts", "«1»\n«2»\n", 0))
    review = desk.review(desk.change("a.ts", AFTER))
    await review.deliver()
    await desk.rest(review)
    assert desk.editor.text("a.ts") == "«1»\n«2»\n" + AFTER


async def test_an_edit_that_is_never_answered_is_not_sent_again(tmp_path: Path) -> None:
    desk = Desk(HELIX, tmp_path, {"a.ts": BEFORE})
    await desk.open("a.ts")
    desk.editor.silent = True
    desk.editor.before_apply.append(lambda: desk.editor.type("a.ts", "«1»\n", 0))
    review = desk.review(desk.change("a.ts", AFTER))
    await review.deliver()
    await desk.rest(review)
    assert len(desk.edits_sent()) == 1 and desk.editor.text("a.ts") == "«1»\n" + BEFORE
    assert kinds(desk, review) == {"waiting"} and "did not answer" in review.message() and "a.ts" in review.message()


async def test_an_edit_that_landed_without_an_answer_counts_as_delivered(tmp_path: Path) -> None:
    desk = Desk(HELIX, tmp_path, {"a.ts": BEFORE})
    await desk.open("a.ts")
    desk.editor.silent = True
    review = desk.review(desk.change("a.ts", AFTER))
    await review.deliver()
    assert len(desk.edits_sent()) == 1 and kinds(desk, review) == {"delivered"}


async def test_an_edit_that_shows_up_late_is_noticed(tmp_path: Path) -> None:
    slow = Profile(HELIX.fixture, 0, checks="each", stale="reason", send="idle", delay=9)
    desk = Desk(slow, tmp_path, {"closed.ts": BEFORE})
    review = desk.review(desk.change("closed.ts", AFTER))
    await review.deliver()
    assert kinds(desk, review) == {"waiting"}
    await desk.rest(review, 20)
    assert kinds(desk, review) == {"accepted"} and not review.has_pending and len(desk.edits_sent()) == 1


@pytest.mark.parametrize("profile", [VSCODE, HELIX, EGLOT], ids=lambda profile: profile.fixture)
async def test_a_refusal_leaves_everything_pending_with_its_files_named(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE, "b.ts": BEFORE})
    await desk.open("a.ts", "b.ts")

    def refuse(edit: dict[str, Any]) -> None:
        from tests.editor.fake_editor import Refused

        raise Refused("read-only buffer")

    desk.editor.apply = refuse  # type: ignore[method-assign]
    review = desk.review(desk.change("a.ts", AFTER), desk.change("b.ts", AFTER))
    await review.deliver()
    assert kinds(desk, review) == {"pending"} and "a.ts, b.ts" in review.message()
    assert desk.editor.text("a.ts") == BEFORE


async def test_a_client_that_cannot_create_files_is_told_and_offered_a_buffer(tmp_path: Path) -> None:
    desk = Desk(EGLOT, tmp_path, {"a.ts": BEFORE})
    await desk.open("a.ts")
    review = desk.review(desk.change("a.ts", AFTER), desk.change("n.ts", "new\n", kind="create"))
    await review.deliver()
    assert desk.editor.text("a.ts") == AFTER and "n.ts" in review.message() and "journal show" in review.message()
    await review.accept("n.ts")
    await desk.rest(review)
    assert desk.editor.text("n.ts") == "new\n" and not review.has_pending


@pytest.mark.parametrize("profile", [ALE, KATE], ids=lambda profile: profile.fixture)
async def test_a_client_that_applies_nothing_gets_each_hunk_as_a_code_action(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE})
    await desk.open("a.ts")
    review = desk.review(desk.change("a.ts", AFTER))
    await review.deliver()
    assert not desk.edits_sent() and "code actions" in review.message()
    desk.editor.type("a.ts", "«1»\n", 0)
    await desk.time.run(1)
    for hunk in review.state().hunks:
        edit = review.literal_edit(hunk.id)
        assert edit is not None and edit.changes is not None
        (changes,) = edit.changes.values()
        desk.editor._change_text(
            desk.editor.buffers[str(desk.root / "a.ts")].uri,
            [
                {
                    "range": {
                        "start": {"line": one.range.start.line, "character": one.range.start.character},
                        "end": {"line": one.range.end.line, "character": one.range.end.character},
                    },
                    "newText": one.new_text,
                }
                for one in changes
            ],
        )
        await desk.time.run(1)
    assert desk.editor.text("a.ts") == "«1»\n" + AFTER and not review.has_pending


async def test_risky_changes_wait_unticked_in_vscode_and_stay_when_nobody_ticks(tmp_path: Path) -> None:
    desk = Desk(VSCODE, tmp_path, {"a.ts": BEFORE, "package.json": '{\n  "name": "x"\n}\n', "old.ts": "old\n"})
    await desk.open("a.ts", "package.json")
    changes = [
        desk.change("a.ts", AFTER),
        desk.change("package.json", '{\n  "name": "y"\n}\n'),
        desk.change("old.ts", None, kind="delete"),
        desk.change("run.sh", "#!/bin/sh\n", kind="create"),
    ]
    review = desk.review(*changes)
    await review.deliver()
    await desk.rest(review)
    await review.settled()
    assert desk.editor.text("a.ts") == AFTER and desk.editor.text("package.json") == '{\n  "name": "x"\n}\n'
    assert (tmp_path / "old.ts").exists() and not (tmp_path / "run.sh").exists()
    assert {path: review_status(review, path) for path in ("a.ts", "package.json", "old.ts", "run.sh")} == {
        "a.ts": "delivered",
        "package.json": "pending",
        "old.ts": "pending",
        "run.sh": "pending",
    }
    await review.accept()
    await desk.rest(review)
    assert '"y"' in desk.editor.text("package.json") and not (tmp_path / "old.ts").exists()
    assert desk.editor.text("run.sh") == "#!/bin/sh\n" and not review.has_pending


def review_status(review: Any, path: str) -> str:
    (status,) = {hunk.status for hunk in review.state().hunks if hunk.path == path}
    return str(status)


async def test_ticked_changes_land(tmp_path: Path) -> None:
    desk = Desk(VSCODE, tmp_path, {"package.json": "{}\n", "old.ts": "old\n"})
    await desk.open("package.json")
    desk.editor.tick_annotations = True
    review = desk.review(desk.change("package.json", '{"a": 1}\n'), desk.change("old.ts", None, kind="delete"))
    await review.deliver()
    await desk.rest(review)
    assert kinds(desk, review) == {"delivered"} and not (tmp_path / "old.ts").exists()


@pytest.mark.parametrize("profile", [NEOVIM_12, HELIX, EGLOT], ids=lambda profile: profile.fixture)
async def test_risky_changes_wait_with_their_reason_elsewhere(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"package.json": "{}\n", "conf.yaml": "a: 1\n", "old.ts": "old\n"})
    await desk.open("package.json", "conf.yaml")
    review = desk.review(
        desk.change("package.json", '{"a": 1}\n'),
        desk.change("conf.yaml", "a: 1\nb: https://evil.example/x\n"),
        desk.change("old.ts", None, kind="delete"),
    )
    await review.deliver()
    assert not desk.edits_sent() and kinds(desk, review) == {"waiting"}
    for words in ("package manifest", "https://evil.example/x", "old.ts"):
        assert words in review.message()


@pytest.mark.parametrize("profile", [VSCODE, NEOVIM_10, HELIX], ids=lambda profile: profile.fixture)
async def test_deletion_and_rename_are_accepted_and_undone(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"old.ts": "old\n", "from.ts": BEFORE})
    await desk.open("from.ts")
    review = desk.review(desk.change("old.ts", None, kind="delete"), desk.change("from.ts", AFTER, kind="rename", to="to.ts"), mode="all")
    await review.deliver()
    await review.accept()
    await desk.rest(review)
    assert not (tmp_path / "old.ts").exists() and not (tmp_path / "from.ts").exists()
    assert desk.editor.text("to.ts") == AFTER and kinds(desk, review) == {"accepted"}
    await review.undo()
    await desk.rest(review)
    assert desk.editor.text("old.ts") == "old\n" and desk.editor.text("from.ts") == BEFORE and not (tmp_path / "to.ts").exists()


@pytest.mark.parametrize("profile", [VSCODE, NEOVIM_12, HELIX], ids=lambda profile: profile.fixture)
async def test_undo_deletes_a_new_file_only_if_nobody_changed_it(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {})
    review = desk.review(desk.change("a.ts", "a\n", kind="create"), desk.change("b.ts", "b\n", kind="create"))
    await review.deliver()
    desk.editor.save("a.ts")
    desk.editor.type("b.ts", "«1»", 0)
    desk.editor.save("b.ts")
    await desk.time.run(1)
    await review.undo()
    await desk.rest(review)
    assert not (tmp_path / "a.ts").exists() and desk.editor.text("b.ts") == "«1»b\n"
    (changed,) = [hunk for hunk in review.state().hunks if hunk.path == "b.ts"]
    assert changed.reason.startswith("you changed the new file")


async def test_a_deletion_of_a_file_that_changed_since_is_a_conflict(tmp_path: Path) -> None:
    desk = Desk(HELIX, tmp_path, {"old.ts": "old\n"})
    change = desk.change("old.ts", None, kind="delete")
    (tmp_path / "old.ts").write_text("newer\n", "utf-8")
    review = desk.review(change)
    await review.deliver()
    await review.accept()
    assert (tmp_path / "old.ts").exists() and kinds(desk, review) == {"conflict"}


async def test_the_boundary_is_asked_again_when_the_edit_is_applied(tmp_path: Path) -> None:
    desk = Desk(HELIX, tmp_path / "ws", {"in/a.ts": BEFORE, "out/a.ts": BEFORE})
    change = desk.change("in/a.ts", AFTER)
    review = desk.review(change, allow=("in/**",), mode="all")
    await review.deliver()
    os.rename(desk.root / "in", desk.root / "was")
    os.symlink(desk.root / "out", desk.root / "in")
    await review.accept()
    assert not desk.edits_sent() and kinds(desk, review) == {"waiting"} and review.message()


async def test_a_file_in_no_known_encoding_waits(tmp_path: Path) -> None:
    desk = Desk(HELIX, tmp_path, {"a.ts": BEFORE})
    change = desk.change("a.ts", AFTER)
    (tmp_path / "a.ts").write_bytes(b"\xff\xfe\x00\x81\x00" + BEFORE.encode())
    review = desk.review(change)
    await review.deliver()
    assert kinds(desk, review) == {"pending"} and not desk.edits_sent()


async def test_a_new_file_whose_name_is_taken_by_now_is_not_touched(tmp_path: Path) -> None:
    for profile in (VSCODE, NEOVIM_10, HELIX):
        desk = Desk(profile, tmp_path / profile.fixture, {})
        change = desk.change("n.ts", "agent\n", kind="create")
        desk.root.mkdir(exist_ok=True)
        (desk.root / "n.ts").write_text("person\n", "utf-8")
        review = desk.review(change)
        await review.deliver()
        assert (desk.root / "n.ts").read_text("utf-8") == "person\n" and kinds(desk, review) == {"pending"}


async def test_a_buffer_closed_while_the_edit_is_on_its_way_loses_nothing(tmp_path: Path) -> None:
    for profile in (VSCODE, NEOVIM_12, HELIX, EGLOT):
        desk = Desk(profile, tmp_path / profile.fixture, {"a.ts": BEFORE})
        await desk.open("a.ts")
        desk.editor.before_apply.append(lambda desk=desk: desk.editor.close("a.ts"))
        review = desk.review(desk.change("a.ts", AFTER), patience=Patience(answer=1, echo=1))
        await review.deliver()
        await desk.rest(review)
        assert desk.editor.text("a.ts") in (BEFORE, AFTER)
        assert (kinds(desk, review) == {"delivered"}) == (desk.editor.text("a.ts") == AFTER)


async def test_two_runs_on_one_file_merge_or_conflict(tmp_path: Path) -> None:
    desk = Desk(VSCODE, tmp_path, {"a.ts": BEFORE})
    await desk.open("a.ts")
    first = desk.review(desk.change("a.ts", BEFORE.replace("return 1", "return 111")))
    second = desk.review(desk.change("a.ts", BEFORE.replace("return 2", "return 333").replace("return 1", "return 222")))
    await first.deliver()
    await second.deliver()
    text = desk.editor.text("a.ts")
    assert "return 111" in text and "return 333" in text and "222" not in text
    assert sorted(desk.statuses(second).values()) == ["conflict", "delivered"]


@pytest.mark.parametrize("profile", ALL.values(), ids=ALL)
async def test_nothing_is_ever_dropped_silently(profile: Profile, tmp_path: Path) -> None:
    desk = Desk(profile, tmp_path, {"a.ts": BEFORE, "old.ts": "old\n"})
    await desk.open("a.ts")
    review = desk.review(desk.change("a.ts", AFTER), desk.change("n.ts", "n\n", kind="create"), desk.change("old.ts", None, kind="delete"))
    await review.deliver()
    await desk.rest(review)
    for hunk in review.state().hunks:
        assert hunk.status == "delivered" or (hunk.reason and hunk.path in review.message())
