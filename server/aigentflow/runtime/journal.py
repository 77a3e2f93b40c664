"""The durable record of runs: what was asked, what happened, what was proposed and delivered, and the files as they were before.

One folder per run in the state folder; each writer appends to a file of its own, so that two servers do not mix. Everything
is redacted before it is written, except before-images: they have to be the bytes that are restored.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aigentflow.errors import ConfigurationError
from aigentflow.redaction import Redactor
from aigentflow.runtime.records import Appender, Hold, decode, is_held
from aigentflow.state import private_folder, sync_folder, write_private

_RUN_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_DAY = 86_400.0


@dataclass(frozen=True)
class RunSummary:
    """One line about a run."""

    run: str
    meta: Mapping[str, Any]
    """As given when the run was opened: agent, task, root and the like."""
    started: float
    """Seconds since 1970, like all times of the journal."""
    ended: float | None
    outcome: str
    """That of the run; `running` while its process lives, `interrupted` where it died without an end."""


@dataclass(frozen=True)
class RunHistory:
    """Everything the journal knows about a run, in the order of time."""

    summary: RunSummary
    records: tuple[Mapping[str, Any], ...]
    damaged: int
    """Lines that could not be read; a torn last line is not counted."""

    def of(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Yield the records of a kind: `begin event before proposal delivered end`."""
        return (record for record in self.records if record["kind"] == kind)


class RunRecord:
    """What one writer adds to the journal of one run.

    Only `before_image` fails when the disk does, because without it nothing may be applied. Everything else goes on, and
    `problem` says what could not be written.
    """

    def __init__(self, folder: Path, redactor: Redactor, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._redactor = redactor
        self._clock = clock
        self._appender, name = _new_file(folder)
        self._hold = Hold(folder / f"{name}.lock")
        self._open = True
        self.problem: str | None = None

    def event(self, event: Mapping[str, Any]) -> None:
        """Add an event of the run."""
        self._add("event", {"event": event}, durable=False)

    def before_image(self, path: str, data: bytes) -> None:
        """Keep the bytes of a workspace file before it is changed, durably; raises OSError where that fails."""
        digest = hashlib.sha256(data).hexdigest()
        image = self._folder / "before" / digest
        if not image.exists():
            write_private(image, data)
        self._write("before", {"path": path, "sha256": digest, "size": len(data)}, durable=True)

    def proposal(self, proposal: Mapping[str, Any]) -> None:
        """Keep the proposal as it stands; the last one counts. One that held a secret is marked and can be shown, not applied."""
        clean = self._redactor.value(proposal)
        data = json.dumps(clean, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(data).hexdigest()
        redacted = clean != json.loads(json.dumps(proposal))
        try:
            write_private(self._folder / "proposals" / digest, data)
        except OSError as error:
            self._failed(error)
            return
        self._add("proposal", {"sha256": digest, "redacted": redacted}, durable=True)

    def delivered(self, delivery: Mapping[str, Any]) -> None:
        """Note an edit that is about to be sent, or what became of it."""
        self._add("delivered", {"delivery": delivery}, durable=True)

    def close(self, outcome: str, result: Mapping[str, Any]) -> None:
        """Write the run's one outcome and end this record."""
        self._add("end", {"outcome": outcome, "result": result}, durable=True)
        self.release()

    def release(self) -> None:
        """End this record without an outcome: of a run that has one already, or that goes on elsewhere."""
        if self._open:
            self._open = False
            self._appender.close()
            self._hold.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    def _add(self, kind: str, fields: Mapping[str, Any], *, durable: bool) -> None:
        try:
            self._write(kind, fields, durable=durable)
        except OSError as error:
            self._failed(error)

    def _write(self, kind: str, fields: Mapping[str, Any], *, durable: bool) -> None:
        if not self._open:
            raise ValueError("this record of the run is closed; open another one with Journal.reopen")
        record = {"time": round(self._clock(), 3), "kind": kind, **self._redactor.value(fields)}
        self._appender.append(record, durable=durable)

    def _failed(self, error: OSError) -> None:
        self.problem = self.problem or f"The journal in {self._folder} could not be written ({error.strerror}); the run goes on without it."


class Journal:
    """All runs of one state folder."""

    def __init__(self, folder: Path, redactor: Redactor | None = None, clock: Callable[[], float] = time.time) -> None:
        self._runs = folder / "runs"
        self._redactor = redactor or Redactor(os.environ)
        self._clock = clock

    def open_run(self, run: str, meta: Mapping[str, Any]) -> RunRecord:
        """Begin the record of a new run; raises OSError where nothing can be written."""
        folder = self._folder(run)
        private_folder(self._runs)
        folder.mkdir(mode=0o700)
        record = RunRecord(folder, self._redactor, self._clock)
        record._write("begin", {"run": run, "meta": meta, "process": os.getpid()}, durable=True)
        sync_folder(folder)
        sync_folder(self._runs)
        return record

    def reopen(self, run: str) -> RunRecord:
        """Return a record that adds to a run that exists, for what happens after its end."""
        folder = self._folder(run)
        if not folder.is_dir():
            raise ConfigurationError(f"There is no run {run!r}; `aigentflow journal list` shows all.")
        return RunRecord(folder, self._redactor, self._clock)

    def runs(self) -> tuple[RunSummary, ...]:
        """Return a line about each run, the newest first."""
        found = [history.summary for folder in self._folders() if (history := self._read(folder)) is not None]
        return tuple(sorted(found, key=lambda summary: summary.started, reverse=True))

    def show(self, run: str) -> RunHistory | None:
        """Return everything about the run with this id, None where there is none."""
        return self._read(self._folder(run))

    def proposal(self, run: str) -> Mapping[str, Any] | None:
        """Return the last proposal of the run, None where there is none or it held a secret."""
        history = self.show(run)
        last = next(reversed(list(history.of("proposal"))), None) if history is not None else None
        if last is None or last["redacted"]:
            return None
        data = self._blob(run, "proposals", last["sha256"])
        return json.loads(data.decode("utf-8", "surrogatepass")) if data is not None else None

    def before_image(self, run: str, sha256: str) -> bytes | None:
        """Return the bytes of a file as they were, None where they were dropped or damaged."""
        return self._blob(run, "before", sha256)

    def prune(self, *, days: float = 30, megabytes: float = 500) -> None:
        """Drop what is too old, and before-images and proposals above the size, oldest first; runs that go on are left alone."""
        # Another server may be doing the same; what it took away needs no pruning.
        with contextlib.suppress(OSError):
            self._prune(days, megabytes)

    def _prune(self, days: float, megabytes: float) -> None:
        ended = sorted(((folder, _newest(folder)) for folder in self._folders() if not _is_alive(folder)), key=lambda pair: pair[1])
        too_old = self._clock() - days * _DAY
        for folder, newest in ended:
            if newest < too_old:
                _remove(folder)
        kept = [folder for folder, newest in ended if newest >= too_old]
        total = sum(_size(folder) for folder in kept)
        for folder in kept:
            if total <= megabytes * 1_000_000:
                return
            before = _size(folder)
            _remove(folder / "before")
            _remove(folder / "proposals")
            total -= before - _size(folder)

    def _folder(self, run: str) -> Path:
        if not _RUN_ID.fullmatch(run):
            raise ConfigurationError(f"{run!r} is not the id of a run; `aigentflow journal list` shows all.")
        return self._runs / run

    def _folders(self) -> list[Path]:
        return [folder for folder in sorted(self._runs.glob("*")) if folder.is_dir() and not folder.is_symlink()]

    def _blob(self, run: str, kind: str, digest: str) -> bytes | None:
        try:
            data = (self._folder(run) / kind / digest).read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == digest else None

    def _read(self, folder: Path) -> RunHistory | None:
        timed: list[tuple[float, dict[str, Any]]] = []
        damaged = 0
        for file in sorted(folder.glob("*.jsonl")):
            with contextlib.suppress(OSError):
                found, broken = decode(file.read_bytes())
                timed += _in_order(found)
                damaged += broken
        records = [record for _time, record in sorted(timed, key=lambda pair: pair[0])]
        begin = next((record for record in records if record["kind"] == "begin"), None)
        if begin is None:
            return None
        end = next((record for record in records if record["kind"] == "end"), None)
        open_outcome = "running" if end is None and _is_alive(folder) else "interrupted"
        summary = RunSummary(
            run=folder.name,
            meta=begin["meta"],
            started=begin["time"],
            ended=end["time"] if end is not None else None,
            outcome=end["outcome"] if end is not None else open_outcome,
        )
        return RunHistory(summary, tuple(records), damaged)


def _new_file(folder: Path) -> tuple[Appender, str]:
    """Return a new file of the run that no other writer has, and its name."""
    number = 0
    while True:
        number += 1
        name = f"{number:06d}"
        with contextlib.suppress(FileExistsError):
            return Appender(folder / f"{name}.jsonl"), name


def _in_order(records: list[dict[str, Any]]) -> Iterator[tuple[float, dict[str, Any]]]:
    # The clock may have been set back while the writer went on; its own order counts.
    latest = 0.0
    for record in records:
        latest = max(latest, record["time"])
        yield latest, record


def _is_alive(folder: Path) -> bool:
    return any(is_held(lock) for lock in folder.glob("*.lock"))


def _newest(folder: Path) -> float:
    return max((file.stat().st_mtime for file in folder.glob("*.jsonl")), default=folder.stat().st_mtime)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
