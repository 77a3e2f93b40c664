"""The fence of tier 3: what lies outside cannot be read, changed, moved in or out, and what lies inside works. Tried in forked children."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aigentflow.box import landlock, seccomp

needs_landlock = pytest.mark.skipif(landlock.abi() == 0, reason="this kernel offers no Landlock")
pytestmark = needs_landlock
SYSTEM = [path for path in ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", sys.prefix, sys.base_prefix, "/nowhere/at/all") if path]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder `in` that may be written, `lib` that may be read, one file to read, and an `out` that is neither."""
    for folder in ("in/deep", "lib", "out/deep", "out/hollow"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("in/a", "in/deep/b", "lib/c", "out/d", "out/deep/e", "single", "single-too"):
        (tmp_path / file).write_text(file)
    return tmp_path


def fenced(place: Path, act: Callable[[], object], version: int | None = None) -> str:
    """Return as text what the act gives inside the fence; an OSError becomes the name of its number."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        text = "the child broke"
        try:
            if version is not None:
                landlock.abi = lambda: version
            landlock.restrict([*SYSTEM, str(place / "lib"), str(place / "single")], [str(place / "in"), str(place / "single-too")])
            text = str(act())
        except OSError as error:
            text = errno.errorcode[error.errno or 0]
        finally:
            os.write(writing, text.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        text = answers.read()
    os.waitpid(child, 0)
    return text


@pytest.mark.parametrize("file", ["in/a", "in/deep/b", "lib/c", "single", "single-too"])
def test_what_is_inside_can_be_read(place: Path, file: str) -> None:
    assert fenced(place, (place / file).read_text) == file


def test_the_workspace_copy_can_be_worked_in(place: Path) -> None:
    inside = place / "in"

    def work() -> str:
        (inside / "new").write_text("1")
        (inside / "new").rename(inside / "deep/moved")
        os.link(inside / "deep/moved", inside / "linked")
        os.truncate(inside / "a", 0)
        os.symlink("a", inside / "link")
        os.mkfifo(inside / "pipe")
        (inside / "folder/inner").mkdir(parents=True)
        (inside / "folder").rename(inside / "renamed")
        (inside / "deep/b").unlink()
        (place / "single-too").write_text("changed")
        return " ".join(sorted(os.listdir(inside)))

    assert fenced(place, work) == "a deep link linked pipe renamed"
    assert (place / "single-too").read_text() == "changed"


def attempts(place: Path) -> dict[str, Callable[[], object]]:
    out, inside, lib = place / "out", place / "in", place / "lib"
    return {
        "read a file": (out / "d").read_text,
        "list a folder": lambda: os.listdir(out),
        "list the parent": lambda: os.listdir(place),
        "read by a link that lies inside": lambda: (os.symlink(out / "d", inside / "l"), (inside / "l").read_text()),
        "read through ..": (inside / "../out/d").read_text,
        "read through /proc": Path(f"/proc/self/root{out}/d").read_text,
        "read the environment of the server": Path(f"/proc/{os.getpid()}/environ").read_bytes,
        "write": lambda: (out / "d").write_text("x"),
        "append": lambda: os.open(out / "d", os.O_WRONLY | os.O_APPEND),
        "write what may be read": lambda: (lib / "c").write_text("x"),
        "empty what may be read": lambda: os.truncate(lib / "c", 0),
        "empty what may be read by opening it": lambda: os.open(lib / "c", os.O_RDONLY | os.O_TRUNC),
        "write a single file that may be read": lambda: (place / "single").write_text("x"),
        "create": lambda: (out / "new").write_text("x"),
        "create beside": lambda: (place / "new").write_text("x"),
        "create in what may be read": lambda: (lib / "new").write_text("x"),
        "create a folder": (out / "folder").mkdir,
        "delete": (out / "d").unlink,
        "delete a folder": lambda: os.rmdir(out / "deep"),
        "make a link": lambda: os.symlink("d", out / "link"),
        "make a pipe": lambda: os.mkfifo(out / "pipe"),
        "rename outside": lambda: os.rename(out / "d", out / "e"),
        "move out": lambda: os.rename(inside / "a", out / "a"),
        "move in": lambda: os.rename(out / "d", inside / "d"),
        "move a folder in": lambda: os.rename(out / "deep", inside / "deeper"),
        "replace outside": lambda: os.rename(inside / "a", out / "d"),
        "hard link in": lambda: os.link(out / "d", inside / "d"),
        "hard link what may be read": lambda: os.link(lib / "c", inside / "c"),
        "hard link out": lambda: os.link(inside / "a", out / "a"),
        "make a device": lambda: os.mknod(inside / "device", 0o20666, os.makedev(1, 3)),
        "run a program": lambda: os.execv(out / "d", ["d"]),
    }


@pytest.mark.parametrize("name", list(attempts(Path("/"))))
def test_nothing_is_reached_across_the_fence(place: Path, name: str) -> None:
    before = {path: path.lstat() for path in place.rglob("*") if "in/" not in str(path)}
    assert fenced(place, attempts(place)[name]) in ("EACCES", "EXDEV", "EPERM")
    after = {path: path.lstat() for path in place.rglob("*") if "in/" not in str(path)}
    assert {path: (status.st_ino, status.st_size, status.st_mtime_ns) for path, status in after.items() if path.is_file()} == {
        path: (status.st_ino, status.st_size, status.st_mtime_ns) for path, status in before.items() if path.is_file()
    }


def test_the_harmless_devices_come_along(place: Path) -> None:
    def use() -> str:
        Path("/dev/null").write_text("gone")
        with open("/dev/zero", "rb") as zero, open("/dev/urandom", "rb") as chance:
            return f"{zero.read(2)!r} {len(chance.read(8))}"

    assert fenced(place, use) == "b'\\x00\\x00' 8"


def test_programs_of_the_system_run(place: Path) -> None:
    def run() -> str:
        words = f"cat {place}/in/a < /dev/null | tr a b; cat {place}/out/d 2>/dev/null || echo refused"
        return subprocess.run(["sh", "-c", words], stdout=subprocess.PIPE, text=True, check=False).stdout

    assert fenced(place, run) == "in/brefused\n"


@pytest.mark.skipif(landlock.abi() < 4, reason="this kernel's Landlock knows no network")
def test_tcp_is_closed(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        assert fenced(place, lambda: socket.create_connection(address, timeout=5)) == "EACCES"
    assert fenced(place, lambda: socket.create_server(("127.0.0.1", 0)).getsockname()) != ""
    assert fenced(place, lambda: socket.create_server(("127.0.0.1", address[1]))) == "EACCES"


@pytest.mark.skipif(landlock.abi() < 6, reason="this kernel's Landlock does not hold signals")
def test_signals_and_abstract_sockets_end_at_the_fence(place: Path) -> None:
    neighbour = subprocess.Popen(["sleep", "60"])
    try:
        assert fenced(place, lambda: os.kill(neighbour.pid, signal.SIGKILL)) == "EPERM"
        assert neighbour.poll() is None
    finally:
        neighbour.kill()
        neighbour.wait()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0aigentflow-test-{os.getpid()}")
        server.listen()
        assert fenced(place, lambda: socket.socket(socket.AF_UNIX).connect(server.getsockname())) == "EPERM"

    def own_child() -> int:
        child = subprocess.Popen(["sleep", "60"])
        child.kill()
        return child.wait()

    assert fenced(place, own_child) == "-9"


@pytest.mark.parametrize("version", [version for version in range(1, 10) if version <= landlock.abi()])
def test_older_kernels_are_asked_for_no_more_than_they_know(place: Path, version: int) -> None:
    def work() -> str:
        (place / "in/new").write_text("1")
        return (place / "in/new").read_text() + (place / "lib/c").read_text()

    assert fenced(place, work, version) == "1lib/c"
    assert fenced(place, (place / "out/d").read_text, version) == "EACCES"
    assert fenced(place, lambda: (place / "out/d").write_text("x"), version) == "EACCES"


def test_a_kernel_without_it_is_told_in_words(place: Path) -> None:
    assert fenced(place, lambda: "ran", 0) == "ENOSYS"


def test_fence_and_filter_together_hold_modes_and_sockets_with_a_path(place: Path) -> None:
    path = place / "in/socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        outside = place / "out/d"
        mode = outside.stat().st_mode

        def act() -> str:
            seccomp.install(seccomp.filter_program(sockets=False, landlock=landlock.abi()))
            os.chmod(outside, 0)
            os.utime(outside, (0, 0))
            return str(socket.socket(socket.AF_UNIX).connect(str(path)))

        assert fenced(place, act) == "EACCES"
        assert (outside.stat().st_mode, outside.stat().st_mtime > 0) == (mode, True)
