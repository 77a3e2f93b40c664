"""Private folders for copies: removed whatever is in them, and swept up after a process that was killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aigentflow.box.scratch import choose_parent, make_parent, make_scratch, remove_scratch, remove_tree, sweep


@pytest.fixture
def parent(tmp_path: Path) -> str:
    make_parent(path := str(tmp_path / "cache/boxes"))
    return path


def test_a_folder_is_private_and_leaves_nothing(parent: str) -> None:
    scratch = make_scratch(parent)
    assert [os.stat(path).st_mode & 0o777 for path in (parent, scratch.path)] == [0o700, 0o700]
    Path(scratch.path, "file").write_text("x")
    remove_scratch(scratch)
    assert os.listdir(parent) == []


def test_a_parent_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "own").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("own")
    for name in ("open", "link"):
        with pytest.raises(OSError, match="not a folder of this user alone"):
            make_parent(str(tmp_path / name))
    make_parent(str(tmp_path / "own"))


def test_a_parent_is_found(tmp_path: Path) -> None:
    path = choose_parent(str(tmp_path))
    try:
        assert os.stat(path).st_mode & 0o777 == 0o700
        assert choose_parent(str(tmp_path)) == path
    finally:
        if not os.listdir(path):
            os.rmdir(path)


def test_the_folder_of_a_killed_process_is_swept_and_one_in_use_is_not(parent: str) -> None:
    words = f"""
import os, signal, sys
from aigentflow.box.scratch import make_scratch
scratch = make_scratch({parent!r})
os.mkdir(scratch.path + "/tree")
os.chmod(scratch.path + "/tree", 0)
print(scratch.path, flush=True)
sys.stdin.read()
"""
    owner = subprocess.Popen([sys.executable, "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout is not None
        theirs = owner.stdout.readline().strip()
        mine = make_scratch(parent)
        assert sweep(parent) == 0
        assert os.path.isdir(theirs) and os.path.isdir(mine.path)
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.communicate()
    assert sweep(parent) == 1
    assert not os.path.exists(theirs) and os.path.isdir(mine.path)
    remove_scratch(mine)
    assert os.listdir(parent) == []


def test_what_is_not_ours_stays_when_sweeping(parent: str, tmp_path: Path) -> None:
    write = ("notes", "box-.lock")
    for name in write:
        Path(parent, name).write_text("x")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("x")
    os.symlink(tmp_path / "kept", Path(parent, "box-link"))
    os.symlink(tmp_path / "kept", Path(parent, "box-other"))
    Path(parent, "box-other.lock").write_text("")
    sweep(parent)
    assert Path(parent, "notes").exists()
    assert (tmp_path / "kept/file").exists()


def test_a_tree_goes_whatever_a_command_left_in_it(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    (tree / "closed/inner").mkdir(parents=True)
    (tree / "closed/inner/file").write_text("x")
    outside.mkdir()
    (outside / "kept").write_text("x")
    os.symlink(outside, tree / "link")
    os.symlink("/nowhere", tree / "closed/dangling")
    os.mkfifo(tree / "pipe")
    Path(os.fsdecode(bytes(tree) + b"/\xff\n")).write_text("x")
    (tree / "closed/inner").chmod(0)
    (tree / "closed").chmod(0o500)
    tree.chmod(0)
    remove_tree(str(tree))
    assert os.listdir(tmp_path) == ["outside"]
    assert (outside / "kept").exists()
    remove_tree(str(tree))


def test_depth_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    here = os.open(tmp_path / "tree", os.O_RDONLY)
    for _ in range(600):
        os.mkdir("deep-folder", dir_fd=here)
        inner = os.open("deep-folder", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    remove_tree(str(tmp_path / "tree"))
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can become somebody else here")
def test_an_ordinary_user_removes_closed_folders_too(tmp_path: Path) -> None:
    for above in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        above.chmod(0o755)
    place = tmp_path / "theirs"
    (place / "tree/closed/inner").mkdir(parents=True)
    for path in (place, *place.rglob("*")):
        os.chown(path, 65534, 65534)
    (place / "tree/closed/inner").chmod(0)
    (place / "tree/closed").chmod(0o100)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            remove_tree(str(place / "tree"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.listdir(place) == []
