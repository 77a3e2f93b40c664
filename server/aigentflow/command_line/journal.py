"""`aigentflow journal [list|show ID]`: past runs, from the state folder."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from aigentflow.command_line.output import plain, print_json, print_lines
from aigentflow.errors import ConfigurationError
from aigentflow.runtime.journal import Journal, RunHistory, RunSummary
from aigentflow.state import state_path

_WIDTH = 100


def main(options: argparse.Namespace) -> int:
    """List all runs, or show one."""
    journal = Journal(state_path(os.environ))
    if options.action == "list":
        _list(journal.runs(), as_json=options.format == "json")
        return 0
    history = journal.show(_run_id(journal, options.run))
    if history is None:
        raise ConfigurationError(f"There is no run {options.run!r}; `aigentflow journal list` shows all.")
    if options.format == "json":
        print_json({"schema": 1, **_summary(history.summary), "damaged": history.damaged, "records": [*history.records]})
    else:
        print_lines(_shown(history))
    return 0


def _list(runs: tuple[RunSummary, ...], *, as_json: bool) -> None:
    if as_json:
        print_json({"schema": 1, "runs": [_summary(run) for run in runs]})
    elif not runs:
        print_lines(["No runs yet."])
    else:
        print_lines(f"{run.run}  {_when(run.started)}  {run.outcome:<11}  {_title(run.meta)}" for run in runs)


def _run_id(journal: Journal, asked: str | None) -> str:
    if not asked:
        raise ConfigurationError("Which run? `aigentflow journal list` shows their ids.")
    known = [run.run for run in journal.runs()]
    found = [run for run in known if run == asked] or [run for run in known if run.startswith(asked)]
    if len(found) > 1:
        raise ConfigurationError(f"{asked!r} is the beginning of {len(found)} ids; give more of it.")
    if not found:
        raise ConfigurationError(f"There is no run {asked!r}; `aigentflow journal list` shows all.")
    return found[0]


def _summary(run: RunSummary) -> dict[str, Any]:
    return {"run": run.run, "started": run.started, "ended": run.ended, "outcome": run.outcome, **{"meta": dict(run.meta)}}


def _shown(history: RunHistory) -> Iterator[str]:
    summary = history.summary
    yield f"{summary.run}: {summary.outcome}"
    yield f"started {_when(summary.started)}" + (f", took {summary.ended - summary.started:.0f} s" if summary.ended is not None else "")
    for name, value in summary.meta.items():
        yield f"{name}: {_short(value)}"
    for record in history.records:
        if record["kind"] not in ("begin", "end"):
            yield f"  {record['time'] - summary.started:7.1f} s  {_line(record)}"
    for record in history.of("end"):
        for name, value in record["result"].items():
            yield f"{name}: {_short(value)}"
    if history.damaged:
        yield f"({history.damaged} damaged lines of the journal were left out)"


def _line(record: Mapping[str, Any]) -> str:
    kind = record["kind"]
    if kind == "event":
        event = dict(record["event"])
        name = event.pop("event", event.pop("kind", "event"))
        return f"{name}: {_short(' '.join(str(value) for value in event.values() if value not in (None, '', [], {})))}"
    if kind == "before":
        return f"before-image of {_short(record['path'])} ({record['size']} bytes)"
    if kind == "delivered":
        return f"delivered: {_short(record['delivery'])}"
    return "proposal kept, not to be applied again: it held a secret" if record.get("redacted") else "proposal kept"


def _title(meta: Mapping[str, Any]) -> str:
    return _short(f"{meta.get('agent', '')}: {meta.get('task', '')}")


def _short(value: Any) -> str:
    text = plain(" ".join(str(value).split()))
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")
