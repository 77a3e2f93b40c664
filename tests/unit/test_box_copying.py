"""The private copy of a workspace: what it holds, what it links to, and how changes in it are told."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from aigentflow.box import comparing, copying, landlock, seccomp
from aigentflow.box import copied as copied_module
from aigentflow.box.comparing import collect_copy
from aigentflow.box.copied import Copied
from aigentflow.box.copying import copy_tree
from aigentflow.box.values import Topping

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
needs_fence = pytest.mark.skipif(landlock.abi() == 0, reason="this kernel offers no Landlock")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with a few files."""
    place = tmp_path / "work"
    write(
        place, {"src/a.ts": "export const a = 1\n", "src/deep/b.ts": "b", "README.md": "read me", "run.sh": "#!/bin/sh\n", ".env": "KEY=1"}
    )
    (place / "run.sh").chmod(0o755)
    return place


@pytest.fixture
def target(tmp_path: Path) -> Path:
    place = tmp_path / "copies/one"
    place.mkdir(parents=True)
    return place


def write(place: Path, files: dict[str, str | bytes]) -> None:
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(text.encode() if isinstance(text, str) else text)


def copy(root: Path, target: Path, hidden: tuple[str, ...] = (), toppings: tuple[Topping, ...] = ()) -> Copied:
    return copy_tree(str(root), str(target), hidden=hidden, toppings=toppings)


def changes(copied: Copied, *, contents: bool = True) -> list[tuple[str, str, bytes | None]]:
    return [(change.kind, change.path, change.data) for change in collect_copy(copied, contents=contents).changes]


def notes(copied: Copied) -> dict[str, str]:
    return {change.path: change.note for change in collect_copy(copied, contents=True).changes if change.kind == "other"}


def picture(place: Path) -> dict[str, object]:
    """Return everything about the tree that a command could spoil."""
    told: dict[str, object] = {}
    for path in sorted(place.rglob("*")):
        status = path.lstat()
        text = path.read_bytes() if stat.S_ISREG(status.st_mode) else os.readlink(path) if path.is_symlink() else None
        told[str(path)] = (status.st_ino, status.st_mode, status.st_uid, status.st_mtime_ns, status.st_nlink, text)
    return told


# --- what a copy holds ---


def test_files_come_with_content_mode_and_time(root: Path, target: Path) -> None:
    os.utime(root / "README.md", ns=(1, 1_234_567_890))
    (root / "README.md").chmod(0o440)
    copy(root, target)
    names = ["README.md", "run.sh", "src/a.ts", "src/deep/b.ts", ".env"]
    for name in names:
        there, here = (target / name).lstat(), (root / name).lstat()
        assert (there.st_mode, there.st_mtime_ns, there.st_ino != here.st_ino) == (here.st_mode, here.st_mtime_ns, True)
        assert (target / name).read_bytes() == (root / name).read_bytes()


def test_hidden_paths_are_not_there(root: Path, target: Path) -> None:
    write(root, {"keys/id_rsa": "secret", "config/.env.local": "secret"})
    copied = copy(root, target, hidden=(".env", "keys", "config/.env.local"))
    assert sorted(os.listdir(target)) == ["README.md", "config", "run.sh", "src"]
    assert os.listdir(target / "config") == []
    assert changes(copied) == []


def test_links_stay_links_and_absolute_ones_into_the_workspace_lead_to_the_copy(root: Path, target: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("outside")
    for name, leads_to in {"near": "src/a.ts", "out": "../outside", "far": "/etc/hosts", "own": f"{root}/src", "gone": "nowhere"}.items():
        os.symlink(leads_to, root / name)
    copied = copy(root, target)
    assert {name: os.readlink(target / name) for name in ("near", "out", "far", "own", "gone")} == {
        "near": "src/a.ts",
        "out": "../outside",
        "far": "/etc/hosts",
        "own": f"{target}/src",
        "gone": "nowhere",
    }
    assert changes(copied) == []


def test_pipes_sockets_and_devices_stay_out_and_nothing_waits_for_them(root: Path, target: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))
        copy(root, target)
    assert not {"pipe", "socket"} & set(os.listdir(target))


def test_hard_links_come_as_files_of_their_own(root: Path, target: Path) -> None:
    os.link(root / "README.md", root / "same.md")
    copy(root, target)
    (target / "same.md").write_text("changed")
    assert {(target / "README.md").read_text(), (root / "README.md").read_text(), (root / "same.md").read_text()} == {"read me"}


def test_an_absurdly_large_file_is_linked_instead_of_copied(root: Path, target: Path) -> None:
    with open(root / "sparse.bin", "wb") as file:
        file.truncate(1 << 40)
    copied = copy(root, target)
    assert os.readlink(target / "sparse.bin") == str(root / "sparse.bin")
    assert copied.linked == ["sparse.bin"]


@pytest.mark.parametrize(("bound", "value"), [("MOST_ENTRIES", 3), ("MOST_BYTES", 5)])
def test_a_workspace_that_is_too_large_is_refused_in_words(
    root: Path, target: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr(copied_module, bound, value)
    with pytest.raises(OSError, match="too large to be copied"):
        copy(root, target)


def test_a_copy_does_not_copy_the_folder_of_copies(root: Path) -> None:
    target = root / ".cache/boxes/one"
    target.mkdir(parents=True)
    copy(root, target)
    assert os.listdir(target / ".cache") == []


def test_a_file_that_turns_into_a_link_meanwhile_is_not_followed(root: Path, target: Path, tmp_path: Path) -> None:
    secret, place, ended = tmp_path / "secret", root / "swap", threading.Event()
    secret.write_text("do not copy me")

    def swap() -> None:
        while not ended.is_set():
            for make in (lambda at: os.symlink(secret, at), lambda at: Path(at).write_text("plain")):
                make(tmp_path / "new")
                os.replace(tmp_path / "new", place)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for number in range(200):
            into = target / str(number)
            into.mkdir()
            copy(root, into)
            if not (into / "swap").is_symlink() and (into / "swap").exists():
                assert (into / "swap").read_text() in ("plain", "")
    finally:
        ended.set()
        swapper.join()


# --- what lies over it ---


def test_buffers_and_changes_of_the_run_lie_over_the_copy(root: Path, target: Path) -> None:
    over = (
        Topping("src/a.ts", b"unsaved"),
        Topping("src/new/c.ts", b"new"),
        Topping("README.md", None),
        Topping("missing/x", None),
        Topping("run.sh", b"#!/bin/sh\necho"),
        Topping("tool", b"#!/bin/sh", executable=True),
    )
    copied = copy(root, target, toppings=over)
    assert (target / "src/a.ts").read_bytes() == b"unsaved"
    assert (target / "src/new/c.ts").read_bytes() == b"new"
    assert not (target / "README.md").exists() and not (target / "missing").exists()
    assert os.access(target / "run.sh", os.X_OK) and os.access(target / "tool", os.X_OK)
    assert changes(copied) == []
    (target / "src/a.ts").write_text("formatted")
    (target / "src/new/c.ts").unlink()
    assert changes(copied) == [("modify", "src/a.ts", b"formatted"), ("delete", "src/new/c.ts", None)]


def test_a_buffer_is_never_written_through_a_link(root: Path, target: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    os.symlink(tmp_path / "outside", root / "link")
    os.symlink(tmp_path / "outside/file", root / "src/file-link")
    copy(root, target, toppings=(Topping("link/x", b"1"), Topping("src/file-link", b"2")))
    assert os.listdir(tmp_path / "outside") == []
    assert (target / "src/file-link").read_bytes() == b"2"


# --- what changed in it ---


def test_what_a_command_changed_is_told_and_the_workspace_is_as_it_was(root: Path, target: Path) -> None:
    before = picture(root)
    copied = copy(root, target)
    (target / "src/a.ts").write_text("other")
    (target / "src/new.ts").write_text("new")
    (target / "README.md").unlink()
    (target / "run.sh").chmod(0o644)
    shutil.rmtree(target / "src/deep")
    (target / "src/deep").write_text("a file now")
    assert changes(copied) == [
        ("delete", "README.md", None),
        ("modify", "run.sh", b"#!/bin/sh\n"),
        ("modify", "src/a.ts", b"other"),
        ("create", "src/deep", b"a file now"),
        ("delete", "src/deep/b.ts", None),
        ("create", "src/new.ts", b"new"),
    ]
    assert picture(root) == before


def test_contents_come_only_where_they_are_wanted(root: Path, target: Path) -> None:
    copied = copy(root, target)
    (target / "src/a.ts").write_text("other")
    assert changes(copied, contents=False) == [("modify", "src/a.ts", None)]


def test_a_touch_and_a_rewrite_with_the_same_text_are_no_change(root: Path, target: Path) -> None:
    copied = copy(root, target)
    (target / "src/a.ts").touch()
    (target / "README.md").write_text("read me")
    (target / "moved").write_text("b")
    os.replace(target / "moved", target / "src/deep/b.ts")
    assert changes(copied) == []


def test_a_change_of_the_same_size_with_its_time_set_back_is_seen(root: Path, target: Path) -> None:
    copied = copy(root, target)
    status = (target / "README.md").stat()
    (target / "README.md").write_text("red mea")
    os.utime(target / "README.md", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert changes(copied) == [("modify", "README.md", b"red mea")]


def leave_link(place: Path) -> None:
    os.symlink("/etc/passwd", place / "left")


def leave_pipe(place: Path) -> None:
    os.mkfifo(place / "left")


def leave_socket(place: Path) -> None:
    here = os.open(place, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{here}/left")
    os.close(here)


def leave_setuid(place: Path) -> None:
    (place / "left").write_text("x")
    (place / "left").chmod(0o4755)


def leave_huge(place: Path) -> None:
    with open(place / "left", "wb") as file:
        file.truncate(1 << 40)


def leave_no_text(place: Path) -> None:
    Path(os.fsdecode(bytes(place) + b"/left\xff")).write_text("x")


@pytest.mark.parametrize(
    ("leave", "note"),
    [
        (leave_link, "a link to '/etc/passwd'"),
        (leave_pipe, "a pipe"),
        (leave_socket, "a socket"),
        (leave_setuid, "a file that runs with the rights of its owner"),
        (leave_huge, "too large to be taken (1,099,511,627,776 bytes)"),
        (leave_no_text, "its name is not UTF-8"),
    ],
)
def test_what_is_no_plain_file_is_named_and_not_taken(root: Path, target: Path, leave: Callable[[Path], None], note: str) -> None:
    copied = copy(root, target)
    leave(target)
    assert list(notes(copied).values()) == [note]


def test_a_link_in_place_of_a_folder_is_not_walked(root: Path, target: Path, tmp_path: Path) -> None:
    write(tmp_path / "outside", {"secret": "s"})
    copied = copy(root, target)
    shutil.rmtree(target / "src")
    os.symlink(tmp_path / "outside", target / "src")
    assert changes(copied) == [("other", "src", None), ("delete", "src/a.ts", None), ("delete", "src/deep/b.ts", None)]


def test_a_closed_folder_is_told_and_its_files_are_not_taken_for_deleted(root: Path, target: Path) -> None:
    copied = copy(root, target)
    (target / "src/deep").chmod(0)
    (target / "src/listed").mkdir(mode=0o400)

    def look() -> dict[str, str]:
        return {change.path: f"{change.kind} {change.note}" for change in collect_copy(copied, contents=True).changes}

    assert as_ordinary_user(look, target) == str({"src/deep": "other a folder that cannot be looked into"})


def as_ordinary_user(act: Callable[[], object], *owned: Path) -> str:
    """Return what the act gives as text, done by a user who is not root."""
    reading, writing = os.pipe()
    if os.geteuid() == 0:
        for place in owned:
            for path in (place, *place.rglob("*")):
                os.chown(path, 65534, 65534, follow_symlinks=False)
            for above in place.parents:
                if Path(tempfile.gettempdir()) in above.parents:
                    above.chmod(0o755)
    child = os.fork()
    if child == 0:
        text = "the child broke"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
            text = str(act())
        finally:
            os.write(writing, text.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        text = answers.read()
    os.waitpid(child, 0)
    return text


def test_a_file_that_the_person_saved_meanwhile_is_not_taken(root: Path, target: Path) -> None:
    copied = copy(root, target)
    (root / "README.md").write_text("saved by the person")
    (root / "src/a.ts").write_text("saved by the person")
    (root / "run.sh").write_text("saved by the person, and the command did not touch it")
    (target / "README.md").write_text("by the command")
    (target / "src/a.ts").unlink()
    assert notes(copied) == {
        "README.md": "the file was saved on disk while the command ran; run the command again",
        "src/a.ts": "deleted, but saved on disk while the command ran; run the command again",
    }


def test_very_many_changes_are_counted_and_the_first_are_told(root: Path, target: Path) -> None:
    copied = copy(root, target)
    for number in range(5_010):
        os.close(os.open(target / f"n{number}", os.O_CREAT | os.O_WRONLY))
    found = collect_copy(copied, contents=True)
    assert (len(found.changes), found.count) == (5_000, 5_010)


def test_a_flood_of_files_ends_the_looking_and_nothing_is_taken_for_deleted(
    root: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = copy(root, target)
    write(target, {f"a{number}": "" for number in range(20)})
    monkeypatch.setattr(comparing, "MOST_ENTRIES", 10)
    found = collect_copy(copied, contents=True)
    assert {change.kind for change in found.changes} == {"create", "other"}
    assert found.changes[0].note == "more than 10 entries; the rest was not looked at"


# --- packages, environments, ignored folders, history ---


@pytest.fixture
def monorepo(root: Path) -> Path:
    """Packages of others, a package of the workspace that is installed as a link, and a virtual environment with an editable install."""
    write(
        root,
        {
            "node_modules/left/index.js": "module.exports = require('@scope/right')",
            "node_modules/left/package.json": "{}",
            "node_modules/@scope/right/index.js": "module.exports = 'right'",
            "node_modules/.package-lock.json": "{}",
            "node_modules/.cache/tool/x": "cached",
            "node_modules/.bin/tool": "#!/bin/sh\necho tool\n",
            "node_modules/left/.npmrc": "token",
            "packages/shared/index.js": "module.exports = 'saved'",
            "packages/shared/node_modules/inner/index.js": "module.exports = 'inner'",
        },
    )
    os.symlink("../packages/shared", root / "node_modules/shared")
    return root


def test_packages_are_links_but_their_folder_is_ours(monorepo: Path, target: Path) -> None:
    copied = copy(monorepo, target, toppings=(Topping("packages/shared/index.js", b"module.exports = 'unsaved'"),))
    modules = target / "node_modules"
    assert os.readlink(modules / "left") == f"{monorepo}/node_modules/left"
    assert os.readlink(modules / "@scope/right") == f"{monorepo}/node_modules/@scope/right"
    assert sorted(os.listdir(modules)) == [".bin", ".package-lock.json", "@scope", "left", "shared"]
    assert sorted(copied.linked) == ["node_modules", "packages/shared/node_modules"]
    write(modules, {".cache/tool/y": "new"})
    assert changes(copied) == [("create", "node_modules/.cache/tool/y", b"new")]
    shutil.rmtree(modules)
    assert notes(copied) == {"node_modules": "5 of its entries deleted"}
    assert (monorepo / "node_modules/left/index.js").exists()


def test_a_package_of_the_workspace_leads_to_the_unsaved_text(monorepo: Path, target: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    copy(monorepo, target, toppings=(Topping("packages/shared/index.js", b"module.exports = 'unsaved'"),))
    done = subprocess.run(
        ["node", "-p", "[require('left'), require('shared'), require.resolve('left')].join()"],
        cwd=target,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"right,unsaved,{monorepo}/node_modules/left/index.js\n"


def test_a_secret_in_a_package_is_not_reached_by_its_link(monorepo: Path, target: Path) -> None:
    copied = copy(monorepo, target, hidden=("node_modules/left/.npmrc",))
    assert sorted(os.listdir(target / "node_modules/left")) == ["index.js", "package.json"]
    assert "node_modules" not in copied.linked
    assert sorted(copied.linked) == ["node_modules/@scope/right", "packages/shared/node_modules"]


def test_an_environment_with_an_editable_install_finds_the_copy(root: Path, target: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / ".venv"], check=True)
    packages = next((root / ".venv/lib").glob("python3*/site-packages"))
    write(packages, {"project.pth": f"{root}/src\n", "other/__init__.py": "name = 'other'"})
    write(
        root,
        {"src/project/__init__.py": "name = 'saved'", ".venv/bin/tool": f"#!{root}/.venv/bin/python\nimport project; print(project.name)"},
    )
    (root / ".venv/bin/tool").chmod(0o755)
    copied = copy(root, target, toppings=(Topping("src/project/__init__.py", b"name = 'unsaved'"),))
    assert changes(copied) == []
    words = "import other, project, sys; print(other.name, project.name, sys.prefix)"
    done = subprocess.run([target / ".venv/bin/python", "-c", words], capture_output=True, text=True, check=False)
    assert done.stdout == f"other unsaved {target}/.venv\n"
    assert subprocess.run([target / ".venv/bin/tool"], capture_output=True, text=True, check=False).stdout == "unsaved\n"


def test_ignored_folders_are_copied_when_small_linked_when_large_and_empty_when_built(
    root: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_SMALL_FOLDER", (2, 1000))
    files = {f"{folder}/{name}": name for folder in ("data", "dist", "kept/dist") for name in "abc"}
    write(root, {**files, "generated/a.ts": "a", ".gitignore": "data\ngenerated\n/dist\n", "src/__pycache__/a.pyc": "x"})
    copied = copy(root, target)
    assert (target / "generated/a.ts").is_file() and (target / "kept/dist/c").is_file()
    assert os.listdir(target / "dist") == os.listdir(target / "src/__pycache__") == []
    assert (target / "data/b").read_text() == "b"
    assert copied.left_out == {"dist", "src/__pycache__"}
    write(target, {"dist/a": "built", "data/new": "n"})
    assert changes(copied) == [("create", "data/new", b"n"), ("other", "dist/a", None)]


@needs_git
def test_git_works_in_the_copy_and_leaves_the_repository_alone(root: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_SMALL_HISTORY", (2, 1000))
    # Git renews the time of objects that it would write again, wherever they lie; the filter does not let it.
    program = seccomp.filter_program(sockets=False)

    def git(*words: str, at: Path) -> str:
        names = ["-c", "user.name=a", "-c", "user.email=a@b"]
        fence = (lambda: seccomp.install(program)) if at == target else None
        return subprocess.run(["git", *names, *words], cwd=at, capture_output=True, text=True, check=True, preexec_fn=fence).stdout

    git("init", "-q", at=root)
    git("add", ".", at=root)
    git("commit", "-qm", "first", at=root)
    before = picture(root)
    copied = copy(root, target)
    assert copied.linked == [".git/objects"]
    assert git("log", "--format=%s", at=target) == "first\n"
    assert git("status", "--porcelain", at=target) == ""
    (target / "src/a.ts").write_text("other")
    git("commit", "-qam", "second", at=target)
    assert git("log", "--format=%s", at=target) == "second\nfirst\n"
    assert picture(root) == before


# --- together with the fence ---


@needs_fence
def test_a_command_behind_the_fence_works_in_the_copy_and_reaches_no_real_file(monorepo: Path, target: Path) -> None:
    copied = copy(monorepo, target, hidden=(".env",))
    before = picture(monorepo)
    program = seccomp.filter_program(sockets=False, landlock=landlock.abi())

    def close_in() -> None:
        real = [f"{monorepo}/{path}" for path in copied.linked]
        landlock.restrict(["/usr", "/bin", "/lib", "/lib64", "/proc", *real], [str(target)])
        seccomp.install(program)

    words = f"""
    cat node_modules/left/package.json; echo changed > src/a.ts; sh node_modules/.bin/tool
    for path in node_modules/left/index.js {monorepo}/src/a.ts {monorepo}/new; do echo x > $path || echo refused; done
    chmod 000 {monorepo}/src; touch -d 2001-01-01 {monorepo}/src/a.ts; rm -rf {monorepo}/src node_modules/left/ node_modules/@scope/right/*
    cat {monorepo}/.env || echo hidden; mv src/a.ts {monorepo}/; ln {monorepo}/node_modules/left/index.js hard || echo no hard link
    """
    done = subprocess.run(["/bin/sh", "-c", words], cwd=target, capture_output=True, text=True, preexec_fn=close_in, check=False)
    assert done.stdout.replace("\n", " ") == "{}tool refused refused refused hidden no hard link "
    assert picture(monorepo) == before
    assert ("modify", "src/a.ts", b"changed\n") in changes(copied)
