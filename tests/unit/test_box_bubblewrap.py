"""Tier 2: commands really run under the system's bubblewrap, as root and as an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aigentflow.box import bubblewrap, seccomp
from aigentflow.box.bubblewrap import LINKED_AT, PROGRAM, Inside, Overlay, arguments, execute, options, why_unusable, write_etc
from aigentflow.box.bubblewrap_trial import probe
from aigentflow.box.comparing import Difference, collect_copy
from aigentflow.box.copied import Copied
from aigentflow.box.copying import copy_tree
from aigentflow.box.scratch import make_parent
from aigentflow.box.values import Bind, Link, Toolchains

HOME = "/home/box"
NOBODY = 65534


def machine() -> Toolchains:
    folders = [path for path in ("/usr", "/etc/alternatives", "/etc/ld.so.cache", sys.base_prefix) if os.path.exists(path)]
    links = [path for path in ("/bin", "/sbin", "/lib", "/lib64") if os.path.islink(path)]
    plain = [path for path in ("/bin", "/sbin", "/lib", "/lib64") if os.path.isdir(path) and not os.path.islink(path)]
    binds = tuple(Bind(path, "system") for path in [*folders, *plain])
    return Toolchains(binds, tuple(Link(path, os.readlink(path)) for path in links), ("/usr/local/bin", "/usr/bin", "/bin"))


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> str:
    make_parent(parent := str(tmp_path_factory.mktemp("bubblewrap") / "boxes"))
    return probe(parent, machine())


@pytest.fixture
def place(tmp_path: Path, works: str) -> Iterator[Path]:
    """A private folder with a workspace, and a user who may be anybody."""
    if works:
        pytest.skip(works)
    for folder in ("work/src", "work/node_modules/left", "copy", "neighbour"):
        (tmp_path / folder).mkdir(parents=True)
    for file, text in {
        "work/src/a": "a",
        "work/old": "old",
        "work/.env": "KEY",
        "work/node_modules/left/x": "left",
        "neighbour/n": "n",
    }.items():
        (tmp_path / file).write_text(text)
    yield tmp_path
    for above in (tmp_path, *tmp_path.rglob("*")):
        if above.is_dir() and not above.is_symlink():
            above.chmod(0o755)


def run(place: Path, command: str) -> tuple[str, Difference]:
    """Run the command on a copy as this user and return its output and what it changed."""
    root = str(place / "work")
    copied = copy_tree(root, str(place / "copy"), hidden=(".env",), toppings=(), seen_as=root, linked_at=LINKED_AT)
    return start(place, copied, command), collect_copy(copied, contents=True)


def start(place: Path, view: Copied | Overlay, command: str) -> str:
    write_etc(str(place / "etc"), os.geteuid(), os.getegid(), HOME)
    inside = Inside(view.root, HOME, str(place / "etc"), 1 << 20)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            for number in (1, 2):
                os.dup2(writing, number)
            os.closerange(3, 200)
            variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": HOME}
            program = seccomp.filter_program(sockets=True)
            words = ["/bin/sh", "-c", command]
            execute(view, machine(), inside, words, variables=variables, filter_program=program, known=options())
        except OSError as error:
            os.write(2, repr(error).encode())
        finally:
            os._exit(99)
    os.close(writing)
    with os.fdopen(reading, errors="replace") as output:
        text = output.read()
    os.waitpid(child, 0)
    return text


def told(difference: Difference) -> list[tuple[str, str, bytes | None]]:
    return [(change.kind, change.path, change.data) for change in difference.changes]


def as_nobody(place: Path, act: Callable[[], object]) -> str:
    """Return what the act gives, done by an ordinary user who owns the place."""
    if os.geteuid() != 0:
        return str(act())
    for path in (place, *place.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    for above in place.parents:
        if Path(tempfile.gettempdir()) in above.parents:
            above.chmod(0o755)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        text = "the child broke"
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            text = str(act())
        finally:
            os.write(writing, text.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        text = answers.read()
    os.waitpid(child, 0)
    return text


WORK = "echo b > src/a; rm old; mkdir new; echo c > new/c; rm -r src; mkdir src; echo d > src/d; cat node_modules/left/x"
DONE = [("create", "new/c", b"c\n"), ("delete", "old", None), ("delete", "src/a", None), ("create", "src/d", b"d\n")]


def test_a_command_works_on_the_copy_at_the_workspaces_own_path(place: Path) -> None:
    output, difference = run(place, f"pwd; {WORK}")
    assert output == f"{place}/work\nleft"
    assert told(difference) == DONE
    assert ((place / "work/src/a").read_text(), (place / "work/old").read_text()) == ("a", "old")


def test_an_ordinary_user_needs_no_more(place: Path) -> None:
    def act() -> tuple[str, object]:
        output, difference = run(place, f"id -u; {WORK}")
        return output, told(difference)

    user = NOBODY if os.geteuid() == 0 else os.geteuid()
    assert as_nobody(place, act) == str((f"{user}\nleft", DONE))
    assert (place / "work/src/a").read_text() == "a"


@pytest.mark.parametrize(
    "command",
    [
        "cat .env",
        "cat {place}/neighbour/n",
        "ls {place}/copy",
        "ls /run/workspace/src",
        "echo x > /run/workspace/node_modules/left/x",
        "rm node_modules/left/x",
        "touch /made",
        "touch /dev/made",
        "touch /usr/made",
        "touch /etc/made",
        "touch /run/made",
        "mount -t tmpfs none /tmp",
        "unshare -U true",
        "cat /proc/1/environ | tr '\\0' '\\n' | grep MARKED",
        "cat /etc/shadow",
        f"test -e {pwd.getpwuid(os.geteuid()).pw_dir}/.ssh -o -e /home/box/x",
        "kill -9 {pid}",
    ],
)
def test_what_lies_outside_is_neither_seen_nor_changed(place: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKED", "MARKED")
    neighbour = subprocess.Popen(["sleep", "60"])
    try:
        output, difference = run(
            place, f"if {{ {command.format(place=place, pid=neighbour.pid)}; }} > /dev/null 2>&1; then echo done; else echo refused; fi"
        )
        assert neighbour.poll() is None
    finally:
        neighbour.kill()
        neighbour.wait()
    assert (output, told(difference)) == ("refused\n", [])
    assert (place / "work/node_modules/left/x").read_text() == "left"


def test_the_network_is_the_boxes_own_loopback(place: Path) -> None:
    words = """
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
print("loopback")
try:
    socket.create_connection(("192.0.2.1", 80), timeout=2)
except OSError as error:
    print(type(error).__name__, error.errno)
try:
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
except OSError as error:
    print(error.errno)
"""
    (place / "work/network.py").write_text(words)
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or os.path.realpath(sys.executable)
    output, _difference = run(place, f"{python} network.py")
    assert output == "loopback\nOSError 101\n97\n"


def test_memory_takes_no_more_than_its_bound(place: Path) -> None:
    if "--size" not in options():
        pytest.skip("this bubblewrap does not bound its memory")
    fill = "head -c 3000000 /dev/zero > $folder/x 2> /dev/null && echo all"
    words = f"for folder in /tmp /var/tmp /dev/shm $HOME; do {fill}; wc -c < $folder/x; done"
    output, _difference = run(place, words)
    assert output.split() == ["1048576"] * 4


def test_everything_ends_with_the_process_that_waits(place: Path) -> None:
    root = str(place / "work")
    copied = copy_tree(root, str(place / "copy"), hidden=(), toppings=(), seen_as=root, linked_at=LINKED_AT)
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        os.dup2(writing, 1)
        os.close(reading)
        os.close(writing)
        start(place, copied, f"(exec setsid sleep 1000) > /proc/self/fd/1 2>&1 & echo started > {root}/src/started; wait")
        os._exit(0)
    os.close(writing)
    while not (place / "copy/src/started").exists():
        os.waitpid(parent, os.WNOHANG)
    os.kill(parent, 9)
    os.waitpid(parent, 0)
    with os.fdopen(reading) as output:
        # The end comes when nobody holds the other side any more.
        assert output.read() == ""


def test_a_program_of_somebody_elses_making_is_not_used(tmp_path: Path, works: str) -> None:
    own = tmp_path / "bwrap"
    assert why_unusable(str(own)) == f"{own} is not there"
    own.write_text("#!/bin/sh\necho ' --bind'\n")
    assert why_unusable(str(own)) == f"{own} is no program"
    own.chmod(0o777)
    assert why_unusable(str(own)) == f"{own} may be changed by others than the system"
    own.chmod(0o4755)
    assert why_unusable(str(own)) == f"{own} runs with the rights of its owner"
    if os.geteuid() == 0:
        own.chmod(0o755)
        assert why_unusable(str(own)) == f"{own} is too old: it does not know --cap-drop"
    os.unlink(own)
    os.symlink("/usr/bin/env", own)
    assert why_unusable(str(own)) == f"{own} is no program"


def test_the_trial_says_what_is_missing(tmp_path: Path, works: str) -> None:
    if works:
        pytest.skip(works)
    make_parent(parent := str(tmp_path / "boxes"))
    assert "the trial command failed" in probe(parent, Toolchains())
    shown = Toolchains((*machine().binds, Bind(parent, "too much")), machine().links, machine().path)
    assert "a file outside is seen" in probe(parent, shown)
    assert os.listdir(parent) == []


def test_an_overlay_is_made_where_bubblewrap_can(tmp_path: Path, works: str) -> None:
    if works:
        pytest.skip(works)
    make_parent(parent := str(tmp_path / "boxes"))
    reason = probe(parent, machine(), overlay=True)
    if "--overlay" not in options():
        assert reason == f"{PROGRAM} makes no overlays"
    assert os.listdir(parent) == []


def test_nothing_is_bound_over_or_into_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "work/.venv").mkdir(parents=True)
    root = str(tmp_path / "work")
    tools = Toolchains((Bind(f"{root}/.venv", "environment"), Bind("/usr", "system")), (Link("/bin", "usr/bin"), Link("/usr/x", "y")))
    copied = Copied(root, "/copy", root, LINKED_AT, linked=["node_modules"])
    words = arguments(copied, tools, Inside(root, HOME, str(tmp_path / "etc"), 1), filter_fd=9, known=())
    text = " ".join(words)
    assert f"{root}/.venv" not in text and "/usr/x" not in text and "--size" not in text
    assert (
        f"--bind /copy {root} --ro-bind {root}/node_modules {LINKED_AT}/node_modules --remount-ro / --chdir {root} --seccomp 9 --" in text
    )
    assert f"--overlay-src {root} --overlay /upper /work {root}" in " ".join(
        arguments(
            Overlay(root, "/upper", "/work"), tools, Inside(root, HOME, str(tmp_path / "etc"), 1), filter_fd=9, known=bubblewrap._NEEDED
        )
    )
