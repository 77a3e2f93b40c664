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

from aigentflow.command_line import demo_packages
from aigentflow.command_line.demo_result import Shown
from aigentflow.command_line.output import plain, print_lines
from aigentflow.data import data_folder
from aigentflow.errors import AigentflowError, ConfigurationError

_SERVICE = "apps/api/src/orders/orders.service.ts"
_FOREIGN = "apps/web/src/api-client.ts"
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
        root, sample = folder / "stockroom", data_folder("sample")
        shutil.copytree(sample, root, ignore=shutil.ignore_patterns("node_modules", "dist", ".git"))
        return asyncio.run(_show(Demo(root, live=options.live, lacking=_with_packages(sample, root))))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with_packages(sample: Path, root: Path) -> str:
    """Give the copy the sample's packages; returns why it has none, empty where it has."""
    if why := demo_packages.why_missing(sample):
        return why
    try:
        demo_packages.lay_in(sample, root)
    except OSError as error:
        shutil.rmtree(root / demo_packages.FOLDER, ignore_errors=True)
        return f"they could not be copied ({error.strerror or error})"
    return ""


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

    def __init__(self, root: Path, *, live: bool, lacking: str) -> None:
        from aigentflow.command_line.demo_editor import DemoEditor

        self._root = root
        self._live = live
        self._lacking = lacking
        """Why the npm packages of the sample are not there; empty where they are."""
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
            "Aigentflow, the main job",
            f"model turns: {model}",
            "everything else: the real server over stdio, real edits, real checks, real commands in the box",
            *self._about_packages(),
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
        shown = Shown(self._result(run))
        self._head("5  Commands of the agent, really run", *shown.commands())
        self._head("6  What was refused", *shown.refusals(), *await self._foreign())
        self._head("7  What arrived in the buffers, unsaved", *self._hunks(texts))
        for line in self._said:
            print_lines([f"   {plain(line)}"])
        self._head("8  Verification, on the proposed text that nobody has saved", *shown.verification(), *self._without_packages())
        self._head("9  What the agent claims, against the record", *shown.claims())
        await editor.actions(buffer, "@Injectable")
        self._gaps(f"10 Gaps after the run (before: {gaps_before})", editor.diagnostics.get(buffer.uri, []))
        self._head("11 Cost", shown.cost())
        kept = all(mark in buffer.text for mark in (_TYPED_BEFORE, _TYPED_DURING))
        untouched = self._untouched()
        self._head(
            "12 What was promised",
            f"- lines typed before and during the run are there: {_yes(kept)}",
            f"- files on disk are as they were, the editor saves: {_yes(untouched)}",
            f"- it took {monotonic() - self._begun:.1f} s",
        )
        await editor.stop()
        return 0 if kept and untouched and self._typed and shown.finished and self._as_written(shown) else 1

    def _as_written(self, shown: Shown) -> bool:
        """Whether the recorded turns led to what they were written for; a live model is free to do something else."""
        refused = {refusal["tool"] for refusal in shown.refused if refusal["path"] == _FOREIGN}
        return self._live or (refused >= {"Edit", *(["Bash"] if shown.boxed else [])} and "fail" not in shown.statuses)

    def _type_once(self, buffer: Any) -> None:
        if not self._typed:
            self._typed = True
            self._editor.type(buffer, "export class OrdersService {", _TYPED_DURING)

    def _result(self, run: str) -> dict[str, Any]:
        from aigentflow.runtime.journal import Journal
        from aigentflow.state import state_folder

        history = Journal(state_folder(self._environment())).show(run)
        ended = None if history is None else next(history.of("end"), None)
        if ended is None:
            raise AigentflowError(f"the journal holds no end of run {run}")
        return dict(ended["result"])

    async def _foreign(self) -> list[str]:
        """Open the file that belongs to somebody else; returns what the editor shows and offers there."""
        refusals = self._editor.diagnostics.get((self._root / _FOREIGN).as_uri(), [])
        if not refusals:
            return []
        buffer = self._editor.open(self._root / _FOREIGN)
        actions = await self._editor.actions(buffer, buffer.text[:1])
        said = [f"  line {one.range.start.line + 1}, a diagnostic: {one.message}" for one in refusals]
        return [f"In {_FOREIGN}, opened:", *said, *(f"  offered: {action.title}" for action in actions)]

    def _untouched(self) -> bool:
        """Whether every file of the workspace is on disk as the sample has it."""
        sample = data_folder("sample")
        files = [path for path in self._root.rglob("*") if demo_packages.FOLDER not in path.parts and path.is_file()]
        return all(path.read_bytes() == (sample / path.relative_to(self._root)).read_bytes() for path in files)

    def _about_packages(self) -> list[str]:
        return [] if self._lacking else ["packages of the sample: installed, so its own type check, tests and lint can really run"]

    def _without_packages(self) -> list[str]:
        if not self._lacking:
            return []
        return [
            f"Nothing could be measured without the packages of the sample: {self._lacking}.",
            "`make demo` in a checkout of this project installs them; that needs npm and, once, the network.",
        ]

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
