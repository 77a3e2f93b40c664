"""Commands of a run: what lies over the tree when they start, what they leave, and what the model is told of it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aigentflow.box.client import Box
from aigentflow.box.values import TIER_NUMBERS, Changed, Limits, Order, Outcome, TierReport, Topping
from aigentflow.errors import AigentflowError, EditError, PathError, PathRefused
from aigentflow.runtime.events import Refused
from aigentflow.runtime.result import BoxPart, CommandPart
from aigentflow.workspace.decoding import encode
from aigentflow.workspace.folders import read_file
from aigentflow.workspace.ignore import is_ignored
from aigentflow.workspace.overlay import Overlay

DEFAULT_SECONDS = 120.0
LONGEST_SECONDS = 600.0
_SHOWN_PATHS = 30
_MOST_KEPT = 500
_MOST_REFUSED = 20
_MOST_RECORDS = 200
_RECORDED_OUTPUT = 600
_NO_NETWORK = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ENETUNREACH|getaddrinfo|Could not resolve host|Temporary failure in name resolution|Network is unreachable", re.I
)


@dataclass(frozen=True)
class Answer:
    """What is said to the model about a command."""

    text: str
    is_error: bool
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True)
class Permissions:
    """What commands of a run may do."""

    best: str = "namespaces"
    """The first tier to try, or `none`."""
    trusted: bool = False
    """Whether the person trusts the workspace."""
    writes: bool = True
    """Whether what they change may join the proposal."""
    by_hand: bool = False
    """Whether the person is asked about each command where there is no box."""


class Commands:
    """Runs the commands of one run in its box, on the text of its overlay."""

    def __init__(self, box: Box, overlay: Overlay, permissions: Permissions, approve: Callable[[str], Awaitable[bool]]) -> None:
        self._box = box
        self._overlay = overlay
        self._may = permissions
        self._approve = approve
        self._starting: asyncio.Task[TierReport] | None = None
        self.records: list[CommandPart] = []
        """The commands of the agent, in order."""
        self.edits = 0
        """How many edits the run has made so far."""

    async def ready(self) -> None:
        """Have the box started; the first call does it."""
        if self._starting is None:
            home = os.environ.get("HOME") or os.fspath(Path.home())
            start = self._box.start(os.fspath(self._overlay.boundary.real_root), os.environ, home, self._may.best)
            self._starting = asyncio.create_task(start, name="box")
        await asyncio.shield(self._starting)

    @property
    def report(self) -> TierReport:
        """Which tier is in force."""
        return self._box.report

    def part(self) -> BoxPart | None:
        """Return what a run's result says of its box; None where nothing asked for one."""
        if self._starting is None:
            return None
        report = self.report
        return BoxPart(tier=TIER_NUMBERS[report.tier], name=report.tier, words=report.words, limits=report.limits)

    def why_off(self) -> str:
        """Return why no command runs; empty where they do."""
        if self.report.tier == "none":
            return self.report.words
        if not self._may.trusted and TIER_NUMBERS[self.report.tier] > 2:
            return "workspace not trusted: there, commands run only in a box of tier 1 or 2"
        return ""

    def why_not_offered(self) -> str:
        """Return why the agent has no commands; empty where it has, be it by hand."""
        return "" if self._asks else self.why_off()

    @property
    def _asks(self) -> bool:
        return self._may.by_hand and self.report.tier == "none"

    async def execute(self, command: str, folder: str = "", *, seconds: float = DEFAULT_SECONDS, collect: bool = False) -> Outcome:
        """Run a command in the box on the text as it is now; a problem is part of the outcome."""
        await self.ready()
        if why := self.why_off():
            return Outcome(None, problem=why, tier=self.report.tier)
        order = Order(command, folder, Limits(seconds=seconds), tuple(toppings(self._overlay)), collect)
        return await self._box.run(order)

    async def bash(self, arguments: Mapping[str, object]) -> Answer:
        """Run the agent's own command and say how it ended."""
        command, wanted = str(arguments["command"]), bool(arguments.get("keep_changes", False))
        keep = wanted and self._may.writes
        if "\0" in command:
            return Answer("The command was not run: it holds a character that no program can be given (U+0000).", True)
        milliseconds = arguments.get("timeout")
        seconds = min(milliseconds / 1000, LONGEST_SECONDS) if isinstance(milliseconds, int) and milliseconds > 0 else DEFAULT_SECONDS
        before = self.edits
        run = self._by_hand if self._asks else self.execute
        outcome = await run(command, seconds=seconds, collect=keep)
        kept, refused, left = self._keep(outcome.changes) if keep and _ended(outcome) else ([], [], [])
        self.edits += len(kept)
        self._record(command, outcome, kept, before)
        lines = [_status(outcome, seconds), outcome.output.rstrip("\n")]
        lines += _hints(outcome)
        lines += _told_kept(kept, left) if keep else self._told_dropped(outcome)
        if wanted and not keep:
            lines.append("[this run only reads: nothing was kept; describe the change in your answer]")
        return Answer("\n".join(line for line in lines if line), outcome.exit != 0, tuple(refused[:_MOST_REFUSED]))

    async def _by_hand(self, command: str, *, seconds: float, collect: bool) -> Outcome:
        """Run a command without a fence, on a copy, where the person allowed exactly this text; nobody else can."""
        if not await self._approve(command):
            return Outcome(None, problem="there is no box here, and the person did not allow this command to run unprotected")
        order = Order(command, "", Limits(seconds=seconds), tuple(toppings(self._overlay)), collect)
        return await self._box.run(order, unprotected=True)

    def _record(self, command: str, outcome: Outcome, kept: Iterable[str], edits: int) -> None:
        if len(self.records) < _MOST_RECORDS:
            part = CommandPart(
                command=command[:2000],
                exit=outcome.exit,
                ended="" if outcome.exit is not None else _status(outcome, outcome.seconds),
                seconds=outcome.seconds,
                changes_kept=tuple(kept),
                n_changes=outcome.n_changes,
                edits_before=edits,
                output=outcome.output[:_RECORDED_OUTPUT],
            )
            self.records.append(part)

    def _keep(self, changes: Iterable[Changed]) -> tuple[list[str], list[Refused], list[str]]:
        """Make what a command changed part of the proposal; returns the kept paths, the refused ones, and the others in words."""
        kept: list[str] = []
        refused: list[Refused] = []
        left: list[str] = []
        moves, rest = _moves(self._wanted(changes), self._overlay)
        steps: list[tuple[str, Callable[[], None]]] = []
        for source, target in moves:
            steps.append((target.path, lambda source=source, target=target: self._overlay.rename(source, target.path)))  # type: ignore[misc]
        steps += [(change.path, lambda change=change: self._take(change)) for change in rest]  # type: ignore[misc]
        for path, step in steps[:_MOST_KEPT]:
            try:
                step()
                kept.append(path)
            except PathRefused as error:
                refused.append(Refused("Bash", error.path, str(error), error.rule, error.pattern, error.owner))
                left.append(str(error))
            except AigentflowError as error:
                left.append(str(error))
        if len(steps) > _MOST_KEPT:
            left.append(f"{len(steps) - _MOST_KEPT:,} further files: at most {_MOST_KEPT} are taken from one command")
        return kept, refused, left

    def _wanted(self, changes: Iterable[Changed]) -> Iterator[Changed]:
        root = os.fspath(self._overlay.boundary.real_root)
        return (change for change in changes if not is_ignored(root, change.path))

    def _take(self, change: Changed) -> None:
        if change.kind == "delete":
            self._overlay.delete(change.path)
        elif change.kind == "other" or change.data is None:
            raise EditError(f"{_plain(change.path)} is not taken: {change.note or 'its content was not collected'}")
        else:
            self._overlay.take(change.path, change.data, executable=change.executable)

    def _told_dropped(self, outcome: Outcome) -> list[str]:
        paths = [change.path for change in self._wanted(outcome.changes)]
        if not paths:
            return []
        more = f" and {len(paths) - _SHOWN_PATHS} more" if len(paths) > _SHOWN_PATHS else ""
        listed = ", ".join(_plain(path) for path in paths[:_SHOWN_PATHS])
        return [
            f"[dropped, since commands do not change the workspace: {listed}{more}; set keep_changes to make them part of the proposal]"
        ]


def toppings(overlay: Overlay) -> Iterator[Topping]:
    """Yield what the files hold that differ from the disk: unsaved buffers, then the changes of the run."""
    root = overlay.boundary.real_root
    changed = {change.path: change for change in overlay.proposal().changes}
    for buffer in overlay.snapshot.buffers:
        if buffer.path in changed or not overlay.boundary.may_read(buffer.path).allowed:
            continue
        file = overlay.snapshot.peek(buffer.path)
        data = _bytes(file.text, file.encoding, bom=file.bom)
        try:
            if read_file(root, buffer.path)[0] == data:
                continue
        except PathError:
            pass
        yield Topping(buffer.path, data, bool((file.mode or 0) & 0o111))
    for change in changed.values():
        if change.from_path is not None:
            yield Topping(change.from_path, None)
        after = None if change.after is None else _bytes(change.after, change.encoding, bom=change.bom)
        yield Topping(change.path, after, change.executable)


def _bytes(text: str, encoding: str, *, bom: bool) -> bytes:
    try:
        return encode(text, encoding, bom=bom)
    except UnicodeEncodeError:
        return encode(text.encode("utf-8", "replace").decode(), "utf-8", bom=False)


def _ended(outcome: Outcome) -> bool:
    """Whether the command came to its own end, so that what it left is no half of something."""
    return outcome.exit == 0


def _moves(changes: Iterable[Changed], overlay: Overlay) -> tuple[list[tuple[str, Changed]], list[Changed]]:
    """Tell files that were moved from files that came and went: same content, one new path."""
    listed = list(changes)
    gone: dict[str, str] = {}
    for change in listed:
        if change.kind == "delete" and overlay.exists(change.path):
            try:
                gone.setdefault(overlay.read(change.path), change.path)
            except PathError:
                continue
    moves: list[tuple[str, Changed]] = []
    taken: set[str] = set()
    for change in listed:
        text = change.data.decode("utf-8", "replace") if change.kind == "create" and change.data else ""
        source = gone.pop(text, None) if text else None
        may = overlay.boundary.may_change
        if source is not None and may(source).allowed and may(change.path).allowed:
            moves.append((source, change))
            taken |= {source, change.path}
    return moves, [change for change in listed if change.path not in taken]


def _status(outcome: Outcome, limit: float) -> str:
    if outcome.problem:
        return f"The command was not run: {outcome.problem}."
    ended = {
        "time": f"It did not end within {limit:g} s and was ended",
        "memory": "It used too much memory and was ended",
        "disk": "It wrote too much and was ended",
        "processes": "It started too many processes and was ended",
        "cancel": "It was cancelled",
    }
    if outcome.ended_by:
        return f"{ended[outcome.ended_by]} (after {outcome.seconds:.1f} s)."
    if outcome.exit is None:
        return f"It was ended by signal {outcome.signal} (after {outcome.seconds:.1f} s)."
    return f"exit {outcome.exit} ({outcome.seconds:.1f} s)"


def _hints(outcome: Outcome) -> list[str]:
    hints = []
    if outcome.ended_by == "time":
        hints.append("[a watch mode or a server never ends: use the form that runs once]")
    if outcome.exit not in (0, None) and _NO_NETWORK.search(outcome.output):
        hints.append("[there is no network in the box and none can be had: say under `notes` what would have to be installed]")
    if outcome.exit == 127:
        hints.append("[exit 127: a program was not found in the box]")
    return hints


def _told_kept(kept: list[str], left: list[str]) -> list[str]:
    lines = [f"[part of the proposal now: {', '.join(_plain(path) for path in kept[:_SHOWN_PATHS])}"]
    if len(kept) > _SHOWN_PATHS:
        lines[0] += f" and {len(kept) - _SHOWN_PATHS} more"
    lines = [lines[0] + "]"] if kept else ["[no change to keep]"] if not left else []
    lines += [f"[not taken: {reason}]" for reason in left[:_SHOWN_PATHS]]
    return lines


def _plain(path: str) -> str:
    return path if path.isprintable() else path.encode("unicode_escape", "surrogateescape").decode("ascii", "replace")
