"""`aigentflow demo`: the main job on a copy of the sample workspace, with the real server over stdio.

The model's turns are replayed from a recording unless asked live; everything else is real, and the output says which is which.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from aigentflow.command_line.output import plain, print_lines
from aigentflow.data import data_folder
from aigentflow.errors import AigentflowError, ConfigurationError

_SERVICE = "apps/api/src/orders/orders.service.ts"
_TASK = "add cursor pagination"
_TYPED_BEFORE = "\n    // The warehouse prints its pick list from this event."
_TYPED_DURING = "\n  // Typed while the agent was working."
_MOST_HUNKS = 40


def main(options: argparse.Namespace) -> int:
    """Show the main job; 0 when the run finished, was delivered and nothing typed was lost."""
    if options.live:
        _announce_price()
    folder = Path(tempfile.mkdtemp(prefix="aigentflow-demo-"))
    try:
        root = folder / "stockroom"
        shutil.copytree(data_folder("sample"), root, ignore=shutil.ignore_patterns("node_modules", "dist", ".git"))
        return asyncio.run(_show(Demo(root, live=options.live)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _announce_price() -> None:
    from aigentflow.lsp.features.preflight import NO_KEY, has_credential

    if not has_credential({name: value for name, value in os.environ.items() if name != "AIGENTFLOW_SCRIPT"}):
        raise ConfigurationError(NO_KEY)
    print_lines(["This asks Claude (the model of backend_dev) and costs at most 1.00 USD: the run ends when that is reached.", ""])


async def _show(demo: Demo) -> int:
    try:
        return await demo.show()
    except TimeoutError:
        print_lines(["", "The server did not answer in time. Its log:", *demo.log])
        return 1


class Demo:
    """One showing, step by step."""

    def __init__(self, root: Path, *, live: bool) -> None:
        from aigentflow.command_line.demo_editor import DemoEditor

        self._root = root
        self._live = live
        self._editor = DemoEditor()
        self._said: list[str] = []
        self._begun = monotonic()
        self._typed = False

    @property
    def log(self) -> list[str]:
        """What the server wrote on standard error, newest last."""
        return self._editor.log[-40:]

    async def show(self) -> int:
        """Go through the main job."""
        model = "Claude, live" if self._live else "replayed, from turns written by hand for this demo (no key, no network, no cost)"
        self._head(
            "Aigentflow, the main job", f"model turns: {model}", "everything else: the real server over stdio, real edits, real checks"
        )
        await self._editor.start(self._root, self._environment())
        buffer = self._editor.open(self._root / _SERVICE)
        self._editor.type(buffer, "async confirm(tenantId: string, id: string): Promise<Order> {", _TYPED_BEFORE)
        self._head("1  A file is open, with a line typed and not saved", f"{_SERVICE}", f"+{_TYPED_BEFORE.strip()}")
        before = await self._editor.until(lambda: self._editor.diagnostics.get(buffer.uri))
        self._gaps("2  Checklist gaps, as diagnostics", before)
        actions = await self._editor.actions(buffer, "@backend_dev")
        self._head("3  Code actions at the task comment", *(f"- {action.title}" for action in actions))
        wanted = next((action for action in actions if _TASK in action.title), None)
        if wanted is None:
            raise AigentflowError(f"the server offered no run for the task comment {_TASK!r}")
        return await self._run(buffer, wanted, len(before))

    async def _run(self, buffer: Any, wanted: Any, gaps_before: int) -> int:
        editor = self._editor
        self._head(f"4  {wanted.title}")
        editor.on_progress = lambda line: print_lines([f"   {plain(line)}"]) if line else None
        editor.on_message = self._said.append
        editor.before_apply = lambda: self._type_once(buffer)
        texts = {uri: opened.text for uri, opened in editor.buffers.items()}
        run = (await editor.execute(wanted))["run"]
        await editor.until(lambda: any("backend_dev:" in said for said in self._said))
        page = await self._page(run)
        self._page_part("5  What was refused", page, "Refused")
        self._head("6  What arrived in the buffers, unsaved", *self._hunks(texts))
        for line in self._said:
            print_lines([f"   {plain(line)}"])
        self._page_part("7  Verification and claims", page, "Verification (measured)", "Claims of the agent")
        await editor.actions(buffer, "@Injectable")
        self._gaps(f"8  Gaps after the run (before: {gaps_before})", editor.diagnostics.get(buffer.uri, []))
        self._page_part("9  Cost", page, "Cost")
        kept = all(mark in buffer.text for mark in (_TYPED_BEFORE, _TYPED_DURING))
        on_disk = (self._root / _SERVICE).read_text(encoding="utf-8")
        untouched = _TYPED_DURING not in on_disk and "ListOrdersInput" not in on_disk
        self._head(
            "10 What was promised",
            f"- lines typed before and during the run are there: {_yes(kept)}",
            f"- files on disk are as they were, the editor saves: {_yes(untouched)}",
            f"- it took {monotonic() - self._begun:.1f} s",
        )
        await editor.stop()
        finished = "finished" in page.split("\n", 4)[2]
        return 0 if kept and finished and self._typed else 1

    def _type_once(self, buffer: Any) -> None:
        if not self._typed:
            self._typed = True
            self._editor.type(buffer, "export class OrdersService {", _TYPED_DURING)

    async def _page(self, run: str) -> str:
        from aigentflow.state import state_folder

        await self._editor.command("aigentflow.show", {"run": run})
        return (state_folder(self._environment()) / "pages" / f"{run}.md").read_text(encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if self._live or not name.startswith(("ANTHROPIC_", "AIGENTFLOW_"))}
        own = {"AIGENTFLOW_STATE_DIR": str(self._root.parent / "state"), "XDG_CONFIG_HOME": str(self._root.parent / "config")}
        if not self._live:
            own["AIGENTFLOW_SCRIPT"] = str(data_folder("agents") / "recordings" / "cursor-pagination.json")
        return {**kept, **own}

    def _gaps(self, title: str, found: list[Any]) -> None:
        self._head(title, *(f"- line {gap.range.start.line + 1}  {gap.code}: {gap.message}" for gap in found))

    def _hunks(self, before: dict[str, str]) -> Iterator[str]:
        from difflib import unified_diff

        for uri, buffer in self._editor.buffers.items():
            name = uri.removeprefix(self._root.as_uri() + "/")
            old = before.get(uri) or (self._root / name).read_text(encoding="utf-8")
            lines = list(unified_diff(old.splitlines(), buffer.text.splitlines(), f"a/{name}", f"b/{name}", n=1, lineterm=""))
            yield from lines[:_MOST_HUNKS]
            if len(lines) > _MOST_HUNKS:
                yield f"({len(lines) - _MOST_HUNKS} more lines)"

    def _page_part(self, title: str, page: str, *sections: str) -> None:
        parts = {part.split("\n", 1)[0]: part.split("\n", 1)[-1].strip() for part in page.split("\n## ")}
        self._head(title, *(line for section in sections for line in parts.get(section, "").split("\n") if line))

    def _head(self, title: str, *lines: str) -> None:
        bold, plain_end = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
        print_lines(["", f"{bold}{title}{plain_end}", *(f"   {_coloured(line)}" for line in lines)])


def _coloured(line: str) -> str:
    text = plain(line)
    if not sys.stdout.isatty() or text[:1] not in "+-" or text.startswith("- "):
        return text
    return f"\033[{32 if text[0] == '+' else 31}m{text}\033[0m"


def _yes(answer: bool) -> str:
    return "yes" if answer else "NO"
