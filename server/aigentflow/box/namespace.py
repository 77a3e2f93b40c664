"""Tier 1: a command in its own user, mount, process, network and IPC namespaces, on a copy-on-write view of the workspace.

The root that it sees is put together from nothing: system folders and toolchains read-only, an empty home and temp folder, the
workspace at its own path as an overlay whose changes go to memory. Nothing is written to disk, and all of it vanishes with the last
process. The functions run in a forked child, in this order: `leave`, then in its own child `build`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .libc import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    MNT_DETACH,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    Libc,
)
from .values import Toolchains

HOME = "/home/box"
"""The home folder of a command: empty and writable."""
_STAGE = "/tmp"
_DEVICES = ("null", "zero", "full", "random", "urandom")
_FOLDERS = 0o755
_SMALLEST_PID_MAX = 301


@dataclass(frozen=True)
class Identity:
    """Who a command runs as."""

    uid: int
    gid: int
    as_root: bool
    """Whether this process is root and may map every user."""


def identity_for(root: str) -> Identity:
    """Return who runs commands in this workspace: the person; where the person is root, the owner of the workspace folder."""
    if os.geteuid() != 0:
        return Identity(os.geteuid(), os.getegid(), as_root=False)
    status = os.stat(root)
    return Identity(status.st_uid, status.st_gid, as_root=True)


def leave(libc: Libc) -> None:
    """Move this process, and the children it will have, into namespaces of their own."""
    libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID)


def write_maps(pid: int, identity: Identity) -> None:
    """Give the new user namespace of the process its users; from outside for root, by the process itself otherwise."""
    process = Path("/proc") / str(pid)
    if identity.as_root:
        (process / "uid_map").write_text(_whole_map("uid_map"))
        (process / "gid_map").write_text(_whole_map("gid_map"))
        return
    (process / "setgroups").write_text("deny")
    (process / "uid_map").write_text(f"{identity.uid} {identity.uid} 1\n")
    (process / "gid_map").write_text(f"{identity.gid} {identity.gid} 1\n")


def _whole_map(name: str) -> str:
    """Return a map of every user that exists here onto itself."""
    ranges = (line.split() for line in Path("/proc/self", name).read_text().splitlines())
    return "".join(f"{inside} {inside} {count}\n" for inside, _outside, count in ranges)


@dataclass(frozen=True)
class View:
    """The folders of the view that are needed after it was entered, as open descriptors."""

    upper: int
    """Everything that was written over the workspace."""
    lower: int
    """The workspace itself, for reading only."""


class Builder:
    """Puts the root of one command together; to be used once, in a process that has left its namespaces."""

    def __init__(self, libc: Libc, root: str, toolchains: Toolchains, identity: Identity, written: int) -> None:
        self._libc = libc
        self._root = root
        self._toolchains = toolchains
        self._identity = identity
        self._written = written
        self._new = _STAGE
        self._data = ""
        self._root_fd = -1

    def lay_out(self) -> View:
        """Mount the parts; returns the view, whose upper folder may still be filled before `enter`."""
        libc = self._libc
        libc.mount("none", "/", flags=MS_REC | MS_PRIVATE)
        # Sources are held open first: what is mounted on the stage may hide them.
        self._root_fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        binds = [(bind.path, os.open(bind.path, os.O_PATH | os.O_CLOEXEC)) for bind in self._toolchains.binds if os.path.exists(bind.path)]
        devices = [(f"/dev/{name}", os.open(f"/dev/{name}", os.O_PATH | os.O_CLOEXEC)) for name in _DEVICES]
        libc.mount("tmpfs", self._new, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=16m,nr_inodes=20k")
        self._data = self._in_new("/.box")
        for path in ("/proc", "/tmp", "/var/tmp", "/dev/shm", "/dev", "/etc", "/.box", "/run", HOME):
            os.makedirs(self._in_new(path), _FOLDERS, exist_ok=True)
        self._write_etc()
        view = self._mount_data()
        self._bind_all(binds)
        for path, source in devices:
            self._make_file(self._in_new(path))
            libc.mount(f"/proc/self/fd/{source}", self._in_new(path), flags=MS_BIND)
            # A device can be written to nevertheless; its mode and its owner, which root may change, cannot.
            libc.set_mount_flags(self._in_new(path), MS_RDONLY | MS_NOSUID | MS_NOEXEC)
            os.close(source)
        os.makedirs(self._in_new(self._root), _FOLDERS, exist_ok=True)
        self._close_in()
        return view

    def enter(self) -> None:
        """Mount the overlay at the workspace's path and make the new root the only one."""
        libc, place = self._libc, self._in_new(self._root)
        options = f"lowerdir={self._data}/lower,upperdir={self._data}/upper,workdir={self._data}/work,index=off,metacopy=off,userxattr"
        libc.mount("overlay", place, "overlay", MS_NOSUID | MS_NODEV, options)
        libc.unmount(f"{self._data}/lower", MNT_DETACH)
        libc.unmount(self._data, MNT_DETACH)
        libc.mount("none", self._new, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
        os.chdir(self._new)
        libc.pivot_root(".", ".")
        libc.unmount(".", MNT_DETACH)
        os.chdir("/")

    def _close_in(self) -> None:
        """Give the box its own name, loopback and processes, and the limits that its namespaces have."""
        proc = self._in_new("/proc")
        socket.sethostname("box")
        _loopback_up()
        self._libc.mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        for path, value in (("/sys/kernel/pid_max", _SMALLEST_PID_MAX * 2), ("/sys/user/max_user_namespaces", 0)):
            # Older kernels have one limit for the whole machine, which is not ours to set: they refuse.
            with suppress(OSError):
                Path(proc + path).write_text(str(value))
        # A user who is root outside owns the switches of the kernel here as well, capabilities or not.
        self._libc.mount("none", proc, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

    def _in_new(self, path: str) -> str:
        return self._new + path

    def _bind_all(self, binds: Iterable[tuple[str, int]]) -> None:
        for path, source in binds:
            target = self._in_new(path)
            if stat.S_ISDIR(os.fstat(source).st_mode):
                os.makedirs(target, _FOLDERS, exist_ok=True)
            else:
                self._make_file(target)
            self._libc.mount(f"/proc/self/fd/{source}", target, flags=MS_BIND | MS_REC)
            self._libc.set_mount_flags(target, MS_RDONLY | MS_NOSUID | MS_NODEV)
            os.close(source)
        for link in self._toolchains.links:
            target = self._in_new(link.path)
            if not os.path.lexists(target):
                os.makedirs(os.path.dirname(target), _FOLDERS, exist_ok=True)
                os.symlink(link.target, target)

    def _make_file(self, path: str) -> None:
        os.makedirs(os.path.dirname(path), _FOLDERS, exist_ok=True)
        if not os.path.lexists(path):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))

    def _write_etc(self) -> None:
        who, home = self._identity, HOME
        name = "root" if who.uid == 0 else "box"
        others = "" if who.uid == 0 else "root:x:0:0:root:/:/bin/false\n"
        files = {
            "passwd": f"{others}{name}:x:{who.uid}:{who.gid}:{name}:{home}:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
            "group": f"{'' if who.gid == 0 else 'root:x:0:' + chr(10)}{name}:x:{who.gid}:\nnogroup:x:65534:\n",
            "hosts": "127.0.0.1 localhost box\n::1 localhost\n",
            "resolv.conf": "",
            "hostname": "box\n",
        }
        if not os.path.lexists(self._in_new("/etc/nsswitch.conf")):
            files["nsswitch.conf"] = "passwd: files\ngroup: files\nhosts: files\n"
        for file, text in files.items():
            Path(self._in_new(f"/etc/{file}")).write_text(text)
        for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
            os.symlink(target, self._in_new(f"/dev/{name}"))

    def _mount_data(self) -> View:
        """Mount the memory that takes what the command writes; its size is the bound of all of it together."""
        libc, who = self._libc, self._identity
        libc.mount("tmpfs", self._data, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=755,size={self._written},nr_inodes=500k")
        for name in ("lower", "upper", "work", "tmp", "home", "shm", "vartmp"):
            os.mkdir(f"{self._data}/{name}", 0o755)
            if (who.uid, who.gid) != (os.geteuid(), os.getegid()):
                os.chown(f"{self._data}/{name}", who.uid, who.gid)
        for name, path in (("tmp", "/tmp"), ("vartmp", "/var/tmp"), ("home", HOME), ("shm", "/dev/shm")):
            os.chmod(f"{self._data}/{name}", 0o1777 if name != "home" else 0o755)
            libc.mount(f"{self._data}/{name}", self._in_new(path), flags=MS_BIND)
        status = os.fstat(self._root_fd)
        os.chmod(f"{self._data}/upper", stat.S_IMODE(status.st_mode))
        libc.mount(f"/proc/self/fd/{self._root_fd}", f"{self._data}/lower", flags=MS_BIND)
        upper = os.open(f"{self._data}/upper", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return View(upper, self._root_fd)


def _loopback_up() -> None:
    """Switch the network namespace's own loopback on; there is no other device."""
    get_flags, set_flags, up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, get_flags, request))[1]
        fcntl.ioctl(control, set_flags, struct.pack("16sH14x", b"lo", flags | up))


def environment(toolchains: Toolchains, who: Identity) -> dict[str, str]:
    """Return the whole environment of a command; nothing of the person's own comes through but where toolchains are."""
    return {
        "PATH": ":".join(toolchains.path) or "/usr/local/bin:/usr/bin:/bin",
        "HOME": HOME,
        "USER": "root" if who.uid == 0 else "box",
        "LOGNAME": "root" if who.uid == 0 else "box",
        "SHELL": "/bin/sh",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "TMPDIR": "/tmp",
        "CI": "true",
        "NO_COLOR": "1",
        # Without it npm asks for a minute for what cannot be had: there is no network.
        "npm_config_fetch_retries": "0",
        **dict(toolchains.environment),
    }


def why_not(error: OSError) -> str:
    """Return in words why the namespaces could not be had."""
    meanings = {
        errno.EPERM: "the system does not let this user make namespaces (user namespaces are restricted here)",
        errno.ENOSPC: "the limit of user namespaces is used up or is 0",
        errno.ENOSYS: "the kernel has no such call",
        errno.EINVAL: "the kernel does not know such namespaces or options",
        errno.ENODEV: "the kernel has no overlayfs",
    }
    return f"{meanings.get(error.errno or 0, 'a step was refused')} ({error.strerror or error})"
