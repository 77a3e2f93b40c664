"""Asks the person whether one command may run unprotected. Everything but the plain yes to this very text is a no."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aigentflow.lsp.convert import uri_of
from aigentflow.runtime.approval import LONGEST, question
from aigentflow.state import write_private

if TYPE_CHECKING:
    from aigentflow.lsp.run import Run
    from aigentflow.lsp.session import Session

RUN, DO_NOT = "Run this command unprotected", "Do not run"
_SHOWN = 800
"""Characters of a message that every known editor shows."""


async def approve(session: Session, run: Run, command: str) -> bool:
    """Return whether the person allowed the command; it is shown whole, in a document of its own where a message might be cut."""
    if session.settings.commands.unprotected != "ask":
        return False
    if not session.client.capabilities.ask:
        session.say_once("Aigentflow: this editor cannot ask whether a command may run unprotected, so commands are not run.")
        return False
    if len(command) > LONGEST:
        session.say_once(f"Aigentflow: {run.agent.id} wanted to run a command of {len(command):,} characters unprotected; it is not run.")
        return False
    text = f"Aigentflow: {question(run.agent.id, command)}"
    if len(text) > _SHOWN:
        path = session.state / "pages" / f"{run.id}-command.txt"
        await asyncio.to_thread(write_private, path, text.encode("utf-8", "replace"))
        await session.client.show_document(uri_of(path), focus=False)
    return await session.client.ask(text, [RUN, DO_NOT], "warning") == RUN
