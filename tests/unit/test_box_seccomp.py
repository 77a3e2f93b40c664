"""The filter of system calls: refusals are really tried in a forked child, and the program is read step by step for both machines."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aigentflow.box import seccomp
from aigentflow.box.syscall_numbers import NEWEST, architecture

ALLOWED, JUNK = 0, 0xDEADBEEF << 32
CLONE_FILES, CLONE_NEWUSER, CLONE_NEWNET, SIGCHLD = 0x400, 0x10000000, 0x40000000, int(signal.SIGCHLD)
MACHINES = ("x86_64", "aarch64")
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK, AF_BLUETOOTH = 1, 2, 10, 16, 17, 38, 40, 31
ENCLOSED = [*seccomp._REFUSED, *seccomp._NOT_IMPLEMENTED]


def supported() -> str:
    try:
        return in_child(lambda: "", seccomp.filter_program(sockets=True))
    except OSError as error:
        return str(error)


def in_child(act: Callable[[], object], program: bytes) -> str:
    """Return what the act gives as text, done in a forked child under the program."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        text = "the child broke"
        try:
            seccomp.install(program)
            text = str(act())
        except OSError as error:
            text = f"OSError {error}"
        finally:
            os.write(writing, text.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        text = answers.read()
    os.waitpid(child, 0)
    if text.startswith("OSError"):
        raise OSError(text)
    return text


def call(name: str, *arguments: int) -> int:
    """Return 0 or the error's number of the raw system call."""
    return raw(architecture().numbers[name], *arguments)


def raw(number: int, *arguments: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_ulong(value & (1 << 64) - 1) for value in arguments))
    return ctypes.get_errno() if result == -1 else ALLOWED


needs_filters = pytest.mark.skipif(bool(supported()), reason=f"no filter of system calls here: {supported()}")
BOXED = seccomp.filter_program(sockets=True) if not supported() else b""
ALONE = seccomp.filter_program(sockets=False, landlock=7) if not supported() else b""
BARE = seccomp.filter_program(sockets=False) if not supported() else b""


@needs_filters
@pytest.mark.parametrize("program", [BOXED, ALONE], ids=["boxed", "alone"])
def test_what_reaches_round_a_box_is_refused_whatever_its_arguments(program: bytes) -> None:
    # Minus one is nonsense to all of them, so without the filter the answer is another one, and nothing happens.
    names = [name for name in ENCLOSED if name in architecture().numbers and name != "vhangup"]
    told = in_child(lambda: [(name, call(name, *[-1] * 6)) for name in names], program)
    assert told == str([(name, errno.ENOSYS if name in seccomp._NOT_IMPLEMENTED else errno.EPERM) for name in names])


@needs_filters
@pytest.mark.parametrize("junk", [0, JUNK])
def test_no_new_namespace_by_clone_but_a_plain_fork_goes(junk: int) -> None:
    def act() -> list[int]:
        refused = [call("clone", junk | flag | SIGCHLD, 0, 0, 0, 0) for flag in (CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWUSER | CLONE_FILES)]
        child = os.fork()
        if child == 0:
            os._exit(7)
        return [*refused, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]

    assert in_child(act, BOXED) == str([errno.EPERM] * 3 + [7])


@needs_filters
@pytest.mark.parametrize("junk", [0, JUNK])
def test_nobody_types_on_a_terminal(junk: int) -> None:
    def act() -> list[int]:
        _leader, terminal = os.openpty()
        letter = ctypes.addressof(ctypes.create_string_buffer(b"x"))
        return [call("ioctl", terminal, junk | request, letter) for request in (0x5412, 0x541C)]

    assert in_child(act, BOXED) == str([errno.EPERM] * 2)


@needs_filters
@pytest.mark.parametrize("junk", [0, JUNK])
def test_socket_families_in_a_box_with_a_network_of_its_own(junk: int) -> None:
    families = (AF_UNIX, AF_INET, AF_INET6, AF_PACKET, AF_ALG, AF_VSOCK, AF_BLUETOOTH, 43, 4444)
    told = in_child(lambda: [call("socket", junk | family, 1 if family != AF_VSOCK else 2, 0) for family in families], BOXED)
    assert told == str([ALLOWED] * 3 + [errno.EAFNOSUPPORT] * 6)


@needs_filters
def test_netlink_tells_of_routes_and_nothing_else() -> None:
    told = in_child(lambda: [call("socket", AF_NETLINK, 3, protocol) for protocol in (0, 4, 9, 12, 15, 16)], BOXED)
    assert told == str([ALLOWED] * 2 + [errno.EPROTONOSUPPORT] * 4)


@needs_filters
def test_without_a_network_of_its_own_there_are_socket_pairs_only() -> None:
    def act() -> list[int]:
        pair = ctypes.addressof(ctypes.create_string_buffer(8))
        families = [
            call("socket", junk | family, 1, 0) for junk in (0, JUNK) for family in (AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_VSOCK)
        ]
        return [*families, call("socketpair", AF_UNIX, 1, 0, pair), call("socketpair", JUNK | AF_INET, 1, 0, pair)]

    assert in_child(act, ALONE) == str([errno.EACCES] * 10 + [ALLOWED, errno.EAFNOSUPPORT])


@needs_filters
def test_a_debugger_works_in_a_process_namespace_only() -> None:
    assert in_child(lambda: call("ptrace", 0, 0, 0, 0), BOXED) == str(ALLOWED)
    names = ("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp")
    assert in_child(lambda: [call(name, -1, -1, -1, -1, -1, -1) for name in names], ALONE) == str([errno.EPERM] * 5)


@needs_filters
def test_other_processes_of_the_person_are_left_alone() -> None:
    neighbour = subprocess.Popen(["sleep", "60"])
    try:

        def act() -> list[int]:
            limits = call("prlimit64", neighbour.pid, 0, 0, 0), call("prlimit64", JUNK, 7, 0, 0)
            return [*limits, call("kill", neighbour.pid, 9), call("kill", 0xFFFFFFFF, 0), call("tgkill", neighbour.pid, neighbour.pid, 9)]

        assert in_child(act, BARE) == str([errno.EPERM, ALLOWED, errno.EPERM, errno.EPERM, errno.EPERM])
        assert neighbour.poll() is None
        assert in_child(lambda: [call("kill", os.getpid(), 0), call("kill", JUNK | 0xFFFFFFFF, 0)], ALONE) == str([ALLOWED, errno.EPERM])
    finally:
        neighbour.kill()
        neighbour.wait()


@needs_filters
def test_modes_and_times_stay_as_they_are_where_no_namespace_holds_them(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_text("text")
    os.chmod(file, 0o640)
    os.utime(file, (1_000, 1_000))

    def act() -> list[object]:
        os.chmod(file, 0)
        os.utime(file, (5, 5))
        os.chown(file, 12345, 12345)
        handle = os.open(file, os.O_RDONLY)
        os.fchmod(handle, 0)
        os.utime(handle, (5, 5))
        name, empty = ctypes.addressof(ctypes.create_string_buffer(b"user.x")), ctypes.addressof(ctypes.create_string_buffer(8))
        return [call("fsetxattr", handle, name, empty, 1, 0), call("ioctl", handle, 0x40086602, empty)]

    assert in_child(act, ALONE) == str([errno.EOPNOTSUPP, errno.EPERM])
    after = file.stat()
    assert (after.st_mode & 0o7777, after.st_mtime, after.st_uid) == (0o640, 1_000, os.geteuid())


@needs_filters
def test_a_file_that_may_only_be_read_is_not_emptied_by_opening_it(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_text("text")
    path = ctypes.create_string_buffer(str(file).encode())

    def act() -> list[int]:
        modes = (os.O_RDONLY | os.O_TRUNC, os.O_ACCMODE | os.O_TRUNC, os.O_RDONLY)
        opened = [call("openat", -100, ctypes.addressof(path), mode, 0) for mode in modes]
        return [*opened, call("truncate", ctypes.addressof(path), 0), call("openat2", -1, -1, -1, -1)]

    assert in_child(act, BARE) == str([errno.EACCES, errno.EACCES, ALLOWED, errno.EPERM, errno.ENOSYS])
    assert file.read_text() == "text"
    assert in_child(lambda: call("openat", -100, ctypes.addressof(path), os.O_WRONLY | os.O_TRUNC, 0), BARE) == str(ALLOWED)
    assert file.read_text() == ""


@needs_filters
def test_numbers_that_are_newer_than_the_table_are_not_implemented_and_x32_is_refused() -> None:
    numbers = (NEWEST + 1, 520, 100_000)
    assert in_child(lambda: [raw(number, -1, -1, -1) for number in numbers], BOXED) == str([errno.ENOSYS] * 3)
    if architecture().has_x32:
        assert in_child(lambda: [raw(0x40000000 | number, -1, -1, -1) for number in (39, 41, 520)], BOXED) == str([errno.EPERM] * 3)


@needs_filters
def test_a_child_cannot_lift_the_filter() -> None:
    def act() -> list[int]:
        seccomp.install(struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000))
        return [call("unshare", CLONE_NEWUSER)]

    assert in_child(act, BOXED) == str([errno.EPERM])


@needs_filters
@pytest.mark.parametrize("program", [BOXED, ALONE, BARE], ids=["boxed", "alone", "bare"])
@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["sh", "-c", "echo a | tr a b; (exit 3); echo $?"], "b\n3\n"),
        (["git", "--version"], "git version"),
        (
            ["node", "-e", "new (require('worker_threads').Worker)('1', {eval: true}).on('exit', code => console.log('done', code))"],
            "done 0",
        ),
        (["node", "-e", "require('child_process').exec('echo inner', (error, out) => console.log(error, out))"], "null inner"),
        (["npm", "--version"], "."),
        ([sys.executable, "-c", "import threading; t = threading.Thread(target=print, args=('hi',)); t.start(); t.join()"], "hi"),
    ],
    ids=["sh", "git", "node-thread", "node-process", "npm", "python-thread"],
)
def test_programs_start_and_work(words: list[str], output: str, program: bytes) -> None:
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    done = subprocess.run(words, capture_output=True, text=True, preexec_fn=lambda: seccomp.install(program), check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert output in done.stdout


# --- the program, read step by step ---


def verdict(program: bytes, number: int, arguments: tuple[int, ...] = (), audit: int = 0xC000003E) -> int:
    """Return the error's number with which the program answers, -1 where the call is allowed."""
    data = struct.pack("=IIQ6Q", number, audit, 0, *(arguments + (0,) * 6)[:6])
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at = value = 0
    while True:
        code, if_true, if_false, constant = steps[at]
        at += 1
        if code == 0x06:
            return -1 if constant == 0x7FFF0000 else constant & 0xFFFF
        if code == 0x20:
            value = struct.unpack_from("=I", data, constant)[0]
        elif code == 0x54:
            value &= constant
        else:
            holds = {0x15: value == constant, 0x25: value > constant, 0x35: value >= constant, 0x45: bool(value & constant)}[code]
            at += if_true if holds else if_false


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("sockets", [True, False])
def test_each_machine_refuses_the_same(machine: str, sockets: bool) -> None:
    arch = architecture(machine)
    program = seccomp.filter_program(sockets=sockets, machine=machine)
    told = {name: verdict(program, arch.numbers[name], (), arch.audit) for name in ENCLOSED if name in arch.numbers}
    assert told == {name: errno.ENOSYS if name in seccomp._NOT_IMPLEMENTED else errno.EPERM for name in told}
    assert verdict(program, arch.numbers["socket"], (AF_UNIX,), arch.audit) == (-1 if sockets else errno.EACCES)
    assert verdict(program, arch.numbers["kill"], (1234, 9), arch.audit) == (-1 if sockets else errno.EPERM)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_call_of_another_machine_is_refused(machine: str) -> None:
    program = seccomp.filter_program(sockets=True, machine=machine)
    foreign = [0x40000003, 0x40000028, *(architecture(other).audit for other in MACHINES if other != machine)]
    assert {verdict(program, number, (), audit) for audit in foreign for number in range(500)} == {errno.EPERM}


def test_an_unknown_machine_gets_no_filter_rather_than_a_wrong_one() -> None:
    with pytest.raises(OSError, match="riscv64") as caught:
        seccomp.filter_program(sockets=True, machine="riscv64")
    assert caught.value.errno == errno.ENOSYS


@pytest.mark.parametrize(
    ("machine", "header"),
    [("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), ("aarch64", "/usr/include/asm-generic/unistd.h")],
)
def test_the_numbers_are_those_of_the_kernels_headers(machine: str, header: str) -> None:
    if not Path(header).exists():
        pytest.skip(f"{header} is not installed")
    defined: dict[str, int] = {}
    for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\s*$", Path(header).read_text(), re.M):
        defined.setdefault(name, int(number))
    numbers = architecture(machine).numbers
    known = {name: number for name, number in numbers.items() if name in defined}
    assert known == {name: defined[name] for name in known}
    assert len(known) > 90
