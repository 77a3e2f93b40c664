"""One command in a tier 1 box, from a forked child of the box helper to its outcome."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from . import seccomp
from .collect import Collector
from .layers import lay_over
from .libc import Libc
from .namespace import Builder, Identity, environment, identity_for, leave, why_not, write_maps
from .supervise import Namespace, Ran, supervise
from .values import Changed, Order, Outcome, Tier, Toolchains, to_json

FILE_CLOCK = 5
"""CLOCK_REALTIME_COARSE of Linux: the clock that files are stamped with, which runs in steps."""
_SHELLS = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/bin/sh")


@dataclass(frozen=True)
class Site:
    """What a command meets: the workspace, what of the machine it may see, and what of the workspace it may not."""

    root: str
    """Absolute, links followed."""
    toolchains: Toolchains
    hidden: tuple[str, ...] = ()
    """Workspace-relative paths of secret files."""
    cache: str = "/var/tmp"
    """A folder for copies, where there is no better place."""


Next = Callable[[], tuple[Order, tuple[str, ...]]]
"""Waits for the order and the paths of secret files at that moment."""


def run_in_namespaces(next_order: Next, site: Site, written: int, result: int, announce: Callable[[], None]) -> NoReturn:
    """Make a box, run one order in it, and write the outcome as a line of JSON; to be called in a forked child, which ends here.

    `written` is the bound of all that is written. `announce` asks the process that forked this one to write the user maps, and returns
    when they are there.
    """
    try:
        outcome = _contained(next_order, site, written, result, announce)
    except OSError as error:
        outcome = Outcome(None, problem=why_not(error), tier="namespaces")
    if outcome is not None:
        send(result, outcome)
    os._exit(0)


def send(result: int, outcome: Outcome) -> None:
    """Write an outcome to the descriptor of the helper."""
    rest = memoryview(json.dumps(to_json(outcome)).encode("ascii") + b"\n")
    while rest:
        rest = rest[os.write(result, rest) :]


def _contained(next_order: Next, site: Site, written: int, result: int, announce: Callable[[], None]) -> Outcome | None:
    """Leave the namespaces and go on in process 1 of the new ones; None in the process that only waits for it."""
    libc = Libc()
    libc.die_with_parent()
    os.setsid()
    who = identity_for(site.root)
    leave(libc)
    if who.as_root:
        announce()
    else:
        write_maps(os.getpid(), who)
    first = os.fork()
    if first != 0:
        os.close(result)
        # Process 1 is gone only when all others of its namespace are, so who waits for this process waits for all of them.
        signal.signal(signal.SIGTERM, lambda _number, _frame: os.kill(first, signal.SIGKILL))
        os.waitpid(first, 0)
        return None
    libc.die_with_parent()
    return _as_first_process(next_order, site, written, libc, who)


def _as_first_process(next_order: Next, site: Site, written: int, libc: Libc, who: Identity) -> Outcome:
    if who.as_root:
        os.setgroups([])
    builder = Builder(libc, site.root, site.toolchains, who, written)
    view = builder.lay_out()
    filter_program = seccomp.filter_program(sockets=True)
    libc.hide_from_siblings()
    order, hidden = next_order()
    lay_over(view, order.toppings, hidden, who)
    builder.enter()
    started = time.clock_gettime_ns(FILE_CLOCK)
    ran = supervise(_program(order, site, libc, who, filter_program), order.limits, Namespace())
    collector = Collector(view, order.toppings, hidden, started, contents=order.collect)
    return outcome_of(ran, collector.collect(), collector.count, "namespaces")


def outcome_of(ran: Ran, changes: tuple[Changed, ...], count: int, tier: Tier) -> Outcome:
    """Return what is told of a command that ran."""
    return Outcome(
        exit=ran.exit,
        signal=ran.signal,
        output=ran.output.text(),
        output_size=ran.output.size,
        seconds=round(ran.seconds, 3),
        ended_by=ran.ended_by,
        changes=changes,
        n_changes=count,
        tier=tier,
    )


def _program(order: Order, site: Site, libc: Libc, who: Identity, filter_program: bytes) -> Callable[[], NoReturn]:
    folder = os.path.join(site.root, order.folder) if order.folder else site.root
    variables = environment(site.toolchains, who)

    def program() -> NoReturn:
        libc.drop_capability_bounds()
        if who.as_root:
            os.setresgid(who.gid, who.gid, who.gid)
            os.setresuid(who.uid, who.uid, who.uid)
        libc.die_with_parent()
        libc.drop_capabilities()
        libc.keep_privileges_down()
        os.chdir(folder)
        seccomp.install(filter_program)
        execute_shell(order.command, {**variables, "PWD": folder})

    return program


def shell() -> str:
    """Return the path of the shell that runs commands."""
    return next((path for path in _SHELLS if os.access(path, os.X_OK)), "/bin/sh")


def execute_shell(command: str, variables: Mapping[str, str]) -> NoReturn:
    """Replace this process by the shell that runs the command; raises OSError where there is none."""
    path = shell()
    os.execve(path, [path, "-c", command], {**variables, "SHELL": path})
