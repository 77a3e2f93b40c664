from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from aigentflow.errors import PathError, PathRefused, StaleBaseError
from aigentflow.workspace import folders
from aigentflow.workspace.apply import apply_to_disk
from aigentflow.workspace.boundary import Boundary, Rules
from aigentflow.workspace.overlay import Overlay
from aigentflow.workspace.proposal import Proposal
from aigentflow.workspace.snapshot import Buffer, Snapshot

posix = pytest.mark.skipif(os.name == "nt", reason="links and modes as POSIX has them")


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def build(root: Path, files: dict[str, bytes], *buffers: Buffer) -> tuple[Overlay, Boundary]:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    boundary = Boundary(root, Rules(("in/**",)))
    return Overlay(Snapshot(root, buffers), boundary), boundary


FILES = {"in/a.ts": b"one\r\ntwo\r\n", "in/b.ts": b"b", "in/c.ts": b"c", "in/w.txt": b"\xff\xfea\0b\0", "out/x.ts": b"x"}


def every_kind(overlay: Overlay) -> Proposal:
    overlay.edit("in/a.ts", "two", "2")
    overlay.delete("in/b.ts")
    overlay.rename("in/c.ts", "in/moved/d.ts")
    overlay.edit("in/moved/d.ts", "c", "d")
    overlay.edit("in/w.txt", "b", "ü")
    overlay.write("in/new/deep/e.ts", "e\n")
    return overlay.proposal()


def test_every_kind_of_change_arrives_and_nothing_else(tmp_path: Path) -> None:
    overlay, boundary = build(tmp_path, FILES)
    images: dict[str, bytes] = {}
    written = apply_to_disk(every_kind(overlay), boundary, images.__setitem__)
    assert tree(tmp_path) == {
        "in/a.ts": b"one\r\n2\r\n",
        "in/moved/d.ts": b"d",
        "in/w.txt": b"\xff\xfea\0\xfc\0",
        "in/new/deep/e.ts": b"e\n",
        "out/x.ts": b"x",
    }
    assert images == {path: FILES[path] for path in ("in/a.ts", "in/b.ts", "in/c.ts", "in/w.txt")}
    assert set(written) == {"in/a.ts", "in/b.ts", "in/c.ts", "in/moved/d.ts", "in/w.txt", "in/new/deep/e.ts"}


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "in/a.ts").write_bytes(b"typed"),
        lambda root: (root / "in/b.ts").write_bytes(b"typed"),
        lambda root: (root / "in/b.ts").unlink(),
        lambda root: (root / "in/c.ts").write_bytes(b"typed"),
        lambda root: [(root / "in/moved").mkdir(), (root / "in/moved/d.ts").write_bytes(b"theirs")],
        lambda root: [(root / "in/new/deep").mkdir(parents=True), (root / "in/new/deep/e.ts").write_bytes(b"theirs")],
    ],
)
def test_one_base_that_moved_on_stops_everything_before_the_first_write(tmp_path: Path, change: Callable[[Path], object]) -> None:
    overlay, boundary = build(tmp_path, FILES)
    proposal = every_kind(overlay)
    change(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(StaleBaseError):
        apply_to_disk(proposal, boundary, lambda path, data: None)
    assert tree(tmp_path) == before


def test_the_boundary_is_asked_again(tmp_path: Path) -> None:
    overlay, _ = build(tmp_path, FILES)
    proposal = every_kind(overlay)
    narrower = Boundary(tmp_path, Rules(("in/**", "!in/new/**")))
    with pytest.raises(PathRefused):
        apply_to_disk(proposal, narrower, lambda path, data: None)
    assert tree(tmp_path) == FILES


def test_an_edit_of_unsaved_text_is_not_written_over_other_text(tmp_path: Path) -> None:
    overlay, boundary = build(tmp_path, {"in/a.ts": b"saved"}, Buffer("in/a.ts", "typed", 3))
    overlay.edit("in/a.ts", "typed", "edited")
    with pytest.raises(StaleBaseError):
        apply_to_disk(overlay.proposal(), boundary, lambda path, data: None)
    (tmp_path / "in/a.ts").write_bytes(b"typed")
    apply_to_disk(overlay.proposal(), boundary, lambda path, data: None)
    assert (tmp_path / "in/a.ts").read_bytes() == b"edited"


def test_before_images_are_kept_before_anything_is_written(tmp_path: Path) -> None:
    overlay, boundary = build(tmp_path, FILES)

    def failing(path: str, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        apply_to_disk(every_kind(overlay), boundary, failing)
    assert tree(tmp_path) == FILES


@posix
def test_mode_is_kept_and_new_files_have_an_ordinary_one(tmp_path: Path) -> None:
    overlay, boundary = build(tmp_path, FILES)
    (tmp_path / "in/a.ts").chmod(0o751)
    apply_to_disk(every_kind(overlay), boundary, lambda path, data: None)
    assert stat.S_IMODE((tmp_path / "in/a.ts").stat().st_mode) == 0o751
    probe = tmp_path / "probe"
    probe.write_text("")
    assert (tmp_path / "in/new/deep/e.ts").stat().st_mode == probe.stat().st_mode


@posix
@pytest.mark.parametrize("swapped", ["in/a.ts", "in/new", "in"])
def test_a_link_that_was_put_in_place_is_never_followed(tmp_path: Path, swapped: str) -> None:
    root = tmp_path / "ws"
    overlay, boundary = build(root, FILES)
    proposal = every_kind(overlay)
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    for name in ("a.ts", "b.ts", "c.ts"):
        (outside / name).write_bytes(FILES["in/" + name])
    if swapped != "in/new":
        (root / swapped).rename(tmp_path / "aside")
    (root / swapped).symlink_to(outside / "a.ts" if swapped == "in/a.ts" else outside)
    before = tree(outside)
    with pytest.raises((PathError, StaleBaseError)):
        apply_to_disk(proposal, boundary, lambda path, data: None)
    assert tree(outside) == before


@posix
def test_a_file_that_got_a_second_name_is_not_edited(tmp_path: Path) -> None:
    overlay, boundary = build(tmp_path, FILES)
    proposal = every_kind(overlay)
    os.link(tmp_path / "in/a.ts", tmp_path / "out/same.ts")
    with pytest.raises(PathRefused, match="hard links"):
        apply_to_disk(proposal, boundary, lambda path, data: None)


@posix
@pytest.mark.parametrize("call", ["write", "fsync", "link", "mkdir", "open"])
def test_a_disk_that_fails_at_any_call_leaves_whole_files_and_no_leftovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    for number in range(1, 60):
        root = tmp_path / str(number)
        overlay, boundary = build(root, FILES)
        proposal = every_kind(overlay)
        real = getattr(os, call)
        count = 0

        def failing(*args: object, _real: Callable[..., object] = real, _at: int = number, **named: object) -> object:
            nonlocal count
            count += 1
            if count == _at:
                raise OSError(errno.ENOSPC, "No space left on device")
            return _real(*args, **named)

        with monkeypatch.context() as patch:
            patch.setattr(folders.os, call, failing)
            try:
                apply_to_disk(proposal, boundary, lambda path, data: None)
                failed = False
            except (PathError, StaleBaseError) as error:
                failed = True
                assert "No space left" in str(error)
        left = tree(root)
        assert not [path for path in left if ".aigentflow" in path]
        assert left["in/a.ts"] in (FILES["in/a.ts"], b"one\r\n2\r\n")
        assert {"in/c.ts", "in/moved/d.ts"} & set(left)
        if not failed:
            return
    pytest.fail("the call never came to an end")
