"""One command on a private copy of the workspace: tiers 2 and 3, and a command that the person allowed to run unprotected."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from . import bubblewrap, landlock, seccomp
from .comparing import collect_copy
from .copied import Copied
from .copying import copy_tree
from .libc import Libc
from .namespace import HOME, Identity, environment, identity_for
from .namespaced import Site, execute_shell, outcome_of, send, shell
from .processes import Descendants
from .scratch import Scratch, choose_parent, make_scratch, remove_scratch, sweep
from .supervise import supervise
from .values import Order, Outcome, Tier

_SYSTEM = ("/proc", "/sys/devices/system/cpu", "/sys/fs/cgroup")
"""What runtimes ask about the machine; other processes cannot be looked into from behind the fence."""


class _Terminated(Exception):
    """This process was asked to end."""


@dataclass(frozen=True)
class _Place:
    """The private folder of one command."""

    scratch: Scratch
    copied: Copied

    def folder(self, name: str) -> str:
        """Return the path of one of its folders."""
        return f"{self.scratch.path}/{name}"


def run_on_copy(order: Order, site: Site, tier: Tier, result: int, helper: int) -> NoReturn:
    """Run the order and write its outcome as JSON to the descriptor; to be called in a forked child of the `helper`, which ends here."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        _run(order, site, tier, result, helper)
    except _Terminated:
        os._exit(0)
    except OSError as error:
        with suppress(OSError):
            # Where it was sent already, it was the clearing up that failed, which the next sweep makes good.
            send(result, Outcome(None, problem=error.strerror or str(error), tier=tier))
    os._exit(0)


def _terminate(_number: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Terminated


def _run(order: Order, site: Site, tier: Tier, result: int, helper: int) -> None:
    libc = Libc()
    os.setsid()
    libc.adopt_orphans()
    _become(identity_for(site.root))
    # Not killed at once: what it started has to be ended, and its copy removed, before it goes.
    libc.die_with_parent(signal.SIGTERM, helper)
    parent = choose_parent(site.cache)
    sweep(parent)
    scratch = make_scratch(parent)
    try:
        place = _prepare(order, site, tier, scratch)
        ran = supervise(_program(order, site, tier, place, libc), order.limits, Descendants(), scratch.path)
        difference = collect_copy(place.copied, contents=order.collect)
        send(result, outcome_of(ran, difference.changes, difference.count, tier))
    finally:
        # After the answer: where there is no room in memory, removing thousands of files takes a second.
        os.close(result)
        remove_scratch(scratch)


def _become(who: Identity) -> None:
    if who.as_root and who.uid != 0:
        os.setgroups([who.gid])
        os.setresgid(who.gid, who.gid, who.gid)
        os.setresuid(who.uid, who.uid, who.uid)


def sweep_copies(site: Site) -> None:
    """Remove the copies of commands whose process was killed before it could do so."""
    pid = os.fork()
    if pid == 0:
        try:
            _become(identity_for(site.root))
            sweep(choose_parent(site.cache))
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _prepare(order: Order, site: Site, tier: Tier, scratch: Scratch) -> _Place:
    for name in ("copy", "home", "tmp"):
        os.mkdir(f"{scratch.path}/{name}", 0o700)
    inside = tier == "bubblewrap"
    copied = copy_tree(
        site.root,
        f"{scratch.path}/copy",
        hidden=site.hidden,
        toppings=order.toppings,
        seen_as=site.root if inside else "",
        linked_at=bubblewrap.LINKED_AT if inside else "",
    )
    return _Place(scratch, copied)


def _program(order: Order, site: Site, tier: Tier, place: _Place, libc: Libc) -> Callable[[], NoReturn]:
    who = identity_for(site.root)
    variables = environment(site.toolchains, who)
    if tier == "bubblewrap":
        return _under_bubblewrap(order, site, place, variables)
    folder = f"{place.copied.target}/{order.folder}" if order.folder else place.copied.target
    variables = {name: value.replace(site.root, place.copied.target) for name, value in variables.items()}
    variables |= {"HOME": place.folder("home"), "TMPDIR": place.folder("tmp"), "PWD": folder}
    # It is not shown in the better tiers either, and behind the fence git takes it for a fault.
    variables["GIT_CONFIG_NOSYSTEM"] = "1"
    behind_fence = tier == "landlock"
    filter_program = seccomp.filter_program(sockets=False, landlock=landlock.abi()) if behind_fence else b""

    def program() -> NoReturn:
        libc.die_with_parent()
        os.chdir(folder)
        if behind_fence:
            if os.geteuid() == 0:
                libc.drop_capability_bounds()
                libc.drop_capabilities()
            # Links need no rule of their own, and one that leads above what is shown would open all of that.
            read = [*(bind.path for bind in site.toolchains.binds), *_SYSTEM]
            read += [f"{site.root}/{path}" for path in place.copied.linked]
            landlock.restrict(read, [place.scratch.path])
            seccomp.install(filter_program)
        execute_shell(order.command, variables)

    return program


def _under_bubblewrap(order: Order, site: Site, place: _Place, variables: dict[str, str]) -> Callable[[], NoReturn]:
    folder = os.path.join(site.root, order.folder) if order.folder else site.root
    bubblewrap.write_etc(place.folder("etc"), os.geteuid(), os.getegid(), HOME)
    inside = bubblewrap.Inside(folder, HOME, place.folder("etc"), order.limits.written)
    known = bubblewrap.options()
    # The devices there are the machine's own, and root may change them without any capability.
    filter_program = seccomp.filter_program(sockets=True, modes=os.geteuid() != 0)

    def program() -> NoReturn:
        path = shell()
        bubblewrap.execute(
            place.copied,
            site.toolchains,
            inside,
            [path, "-c", order.command],
            variables={**variables, "PWD": folder, "SHELL": path},
            filter_program=filter_program,
            known=known,
        )

    return program
