"""Forks the child that runs one command in a tier, for an order that is there or for the next one that comes."""

from __future__ import annotations

import gc
import json
import os
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from .namespace import identity_for, write_maps
from .namespaced import Next, Site, run_in_namespaces
from .on_copy import run_on_copy
from .values import Order, Tier, order_from_json, to_json


@dataclass(frozen=True)
class Prepared:
    """A tier 1 box that is put together and waits for its one order."""

    pid: int
    result: int
    """Where its outcome can be read."""
    order: int
    """Where the order is written."""
    root: tuple[int, int]
    """Device and inode of the workspace folder when it was put together."""

    def fits(self, site: Site) -> bool:
        """Whether the workspace folder is still the one that the box shows."""
        return self.root == _identity(site.root)

    def begin(self, order: Order, hidden: tuple[str, ...]) -> None:
        """Hand it its order."""
        body = json.dumps([to_json(order), list(hidden)]).encode("ascii")
        rest = memoryview(struct.pack(">I", len(body)) + body)
        while rest:
            rest = rest[os.write(self.order, rest) :]
        os.close(self.order)


def start_job(order: Order, site: Site, tier: Tier) -> tuple[int, int]:
    """Return the id of the process that runs the order and the descriptor that its outcome can be read from, as a line of JSON.

    Tier `none` runs it without a fence: who asks for that has asked the person first.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    helper = os.getpid()
    if tier == "namespaces":
        pid = _fork_mapped(lambda: (order, site.hidden), site, order.limits.written, writer)
    else:
        pid = os.fork()
        if pid == 0:
            _in_child(lambda: run_on_copy(order, site, tier, writer, helper))
    os.close(writer)
    return pid, reader


def prepare_job(site: Site, written: int) -> Prepared:
    """Put a tier 1 box together for the next order, so that less is left to do when it comes."""
    root = _identity(site.root)
    waiting, giving = os.pipe2(os.O_CLOEXEC)
    reader, writer = os.pipe2(os.O_CLOEXEC)

    def next_order() -> tuple[Order, tuple[str, ...]]:
        os.close(giving)
        (size,) = struct.unpack(">I", _exactly(waiting, 4))
        order, hidden = json.loads(_exactly(waiting, size))
        return order_from_json(order), tuple(hidden)

    pid = _fork_mapped(next_order, site, written, writer)
    os.close(waiting)
    os.close(writer)
    return Prepared(pid, reader, giving, root)


def _identity(folder: str) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _exactly(descriptor: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = os.read(descriptor, size - len(data))
        if not chunk:
            # The helper has no more work for this box.
            os._exit(0)
        data += chunk
    return bytes(data)


def _fork_mapped(next_order: Next, site: Site, written: int, writer: int) -> int:
    """Fork, and where this process is root write the user maps of the child once it has its own namespace."""
    asking, told = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        os.close(asking[0])
        os.close(told[1])
        if os.geteuid() != 0:
            # It maps itself. While it could still ask, the helper would wait for the end of the command and heed nothing else.
            os.close(asking[1])
        _in_child(lambda: run_in_namespaces(next_order, site, written, writer, lambda: _ask(asking[1], told[0])))
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
    os.close(asking)
    os.close(told)


def _in_child(run: Callable[[], NoReturn]) -> NoReturn:
    # Collecting garbage in a short-lived child only copies memory that it shares with the helper.
    gc.disable()
    try:
        run()
    except Exception as error:  # noqa: BLE001 - the outermost edge of a process: it must not go on as a second helper.
        sys.excepthook(type(error), error, error.__traceback__)
        sys.stderr.flush()
    finally:
        os._exit(70)
