"""Asks at the terminal whether one command may run unprotected. Without a terminal, or without a plain `yes`, it does not."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from aigentflow.command_line.output import remark
from aigentflow.runtime.approval import LONGEST, question

_YES = "yes"


async def approve_at_terminal(agent: str, command: str) -> bool:
    """Return whether whoever sits at the terminal typed `yes` after having been shown the whole command."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        remark(f"aigentflow: {agent} wanted to run a command, and nobody can be asked here whether it may run unprotected; it is not run.")
        return False
    if len(command) > LONGEST:
        remark(f"aigentflow: {agent} wanted to run a command of {len(command):,} characters unprotected; it is not run.")
        return False
    remark(f"\n{question(agent, command)}\n")
    _forget_what_was_typed()
    remark(f"Type `{_YES}` to run this command unprotected, anything else not to:")
    return (await _line()).strip() == _YES


def _forget_what_was_typed() -> None:
    """Drop what was typed before the question could be read."""
    with contextlib.suppress(ImportError, OSError):
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)


async def _line() -> str:
    """Return the next line that is typed; waiting for it can be cancelled. Empty where this platform has no such waiting."""
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()

    def take() -> None:
        if not typed.done():
            typed.set_result(sys.stdin.readline())

    try:
        loop.add_reader(sys.stdin, take)
    except NotImplementedError:
        return ""
    try:
        return await typed
    finally:
        loop.remove_reader(sys.stdin)
