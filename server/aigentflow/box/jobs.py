"""Forks the child that runs one command in a tier."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

from .namespace import identity_for, write_maps
from .namespaced import Site, run_in_namespaces
from .on_copy import run_on_copy
from .values import Order, Tier


def start_job(order: Order, site: Site, tier: Tier) -> tuple[int, int]:
    """Return the id of the process that runs the order and the descriptor that its outcome can be read from, as JSON.

    Tier `none` runs it without a fence: who asks for that has asked the person first.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    if tier == "namespaces":
        pid = _fork_mapped(order, site, writer)
    else:
        pid = os.fork()
        if pid == 0:
            _in_child(lambda: run_on_copy(order, site, tier, writer))
    os.close(writer)
    return pid, reader


def _fork_mapped(order: Order, site: Site, writer: int) -> int:
    """Fork, and where this process is root write the user maps of the child once it has its own namespace."""
    asking, told = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        os.close(asking[0])
        os.close(told[1])
        _in_child(lambda: run_in_namespaces(order, site, writer, lambda: _ask(asking[1], told[0])))
    os.close(asking[1])
    os.close(told[0])
    try:
        if os.read(asking[0], 1):
            write_maps(pid, identity_for(site.root))
            os.write(told[1], b"m")
    finally:
        os.close(asking[0])
        os.close(told[1])
    return pid


def _ask(asking: int, told: int) -> None:
    os.write(asking, b"?")
    if not os.read(told, 1):
        raise OSError(1, "the users of the new namespace could not be mapped")


def _in_child(run: Callable[[], NoReturn]) -> NoReturn:
    try:
        run()
    except Exception as error:  # noqa: BLE001 - the outermost edge of a process: it must not go on as a second helper.
        sys.excepthook(type(error), error, error.__traceback__)
        sys.stderr.flush()
    finally:
        os._exit(70)
