"""The journal survives everything but the disk: torn files, full disks, dead processes, two writers."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from aigentflow.errors import ConfigurationError
from aigentflow.redaction import Redactor
from aigentflow.runtime import records
from aigentflow.runtime.journal import Journal

META = {"agent": "backend_dev", "task": "add paging", "root": "/w"}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path, Redactor({"MY_TOKEN": "hunter2hunter2"}))


def only_file(folder: Path, run: str) -> Path:
    return folder / "runs" / run / "000001.jsonl"


def test_a_run_is_told_from_begin_to_end(journal: Journal) -> None:
    record = journal.open_run("r1", META)
    record.event({"type": "text", "text": "reading"})
    record.before_image("a.ts", b"old")
    record.proposal({"changes": [{"path": "a.ts", "after": "new \ud83d"}]})
    record.delivered({"path": "a.ts", "state": "sent"})
    record.close("finished", {"turns": 2})

    history = journal.show("r1")
    assert history is not None
    assert [entry["kind"] for entry in history.records] == ["begin", "event", "before", "proposal", "delivered", "end"]
    assert history.summary.outcome == "finished"
    assert history.summary.meta == META
    assert [summary.run for summary in journal.runs()] == ["r1"]
    (before,) = history.of("before")
    assert journal.before_image("r1", before["sha256"]) == b"old"
    assert journal.proposal("r1") == {"changes": [{"path": "a.ts", "after": "new \ud83d"}]}


def test_every_prefix_of_the_file_is_a_valid_journal(journal: Journal, tmp_path: Path) -> None:
    record = journal.open_run("r1", META)
    record.event({"type": "text", "text": "ä \n 😀"})
    record.delivered({"state": "sent"})
    record.close("finished", {"report": {"sum": '","sum":"'}})
    file = only_file(tmp_path, "r1")
    whole = file.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")]

    for length in range(len(whole) + 1):
        file.write_bytes(whole[:length])
        history = journal.show("r1")
        n_whole = sum(end <= length for end in ends)
        assert (0 if history is None else len(history.records)) == n_whole
        if history is not None:
            assert history.damaged == 0
            assert history.summary.outcome == ("finished" if n_whole == 4 else "interrupted")


def test_a_changed_byte_costs_its_own_line_only(journal: Journal, tmp_path: Path) -> None:
    record = journal.open_run("r1", META)
    record.event({"text": "one"})
    record.event({"text": "two"})
    record.close("finished", {})
    file = only_file(tmp_path, "r1")
    file.write_bytes(file.read_bytes().replace(b"one", b"ONE"))

    history = journal.show("r1")
    assert history is not None
    assert [entry["event"]["text"] for entry in history.of("event")] == ["two"]
    assert history.damaged == 1


def test_a_run_whose_process_died_is_interrupted(journal: Journal, tmp_path: Path) -> None:
    record = journal.open_run("alive", META)
    script = (
        "import os, sys; from pathlib import Path; from aigentflow.runtime.journal import Journal;"
        "record = Journal(Path(sys.argv[1])).open_run('dead', {}); record.event({'type': 'text'}); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert {summary.run: summary.outcome for summary in journal.runs()} == {"alive": "running", "dead": "interrupted"}
    record.release()
    assert journal.runs()[0].outcome == "interrupted"


def test_two_writers_of_one_run_do_not_mix(journal: Journal, tmp_path: Path) -> None:
    first = journal.open_run("r1", META)
    with Journal(tmp_path).reopen("r1") as second:
        second.delivered({"by": "second"})
        first.event({"by": "first"})
    first.close("finished", {})
    history = journal.show("r1")
    assert history is not None
    assert sorted(entry["kind"] for entry in history.records) == ["begin", "delivered", "end", "event"]
    assert history.damaged == 0
    assert len(list((tmp_path / "runs" / "r1").glob("*.jsonl"))) == 2


def test_a_clock_that_is_set_back_does_not_reorder(tmp_path: Path) -> None:
    times = iter([100.0, 40.0, 50.0])
    journal = Journal(tmp_path, Redactor({}), clock=lambda: next(times))
    record = journal.open_run("r1", META)
    record.event({"type": "first"})
    record.close("finished", {})
    history = journal.show("r1")
    assert history is not None
    assert [entry["kind"] for entry in history.records] == ["begin", "event", "end"]


@pytest.mark.parametrize("name", ["before_image", "proposal", "event", "delivered", "close"])
def test_secrets_are_redacted_and_before_images_are_exact(journal: Journal, tmp_path: Path, name: str) -> None:
    record = journal.open_run("r1", {"task": "use hunter2hunter2"})
    arguments: dict[str, tuple[Any, ...]] = {
        "before_image": ("hunter2hunter2.ts", b"plain"),
        "proposal": ({"after": "x = hunter2hunter2"},),
        "event": ({"text": "hunter2hunter2", "hunter2hunter2": 1},),
        "delivered": ({"reason": "hunter2hunter2"},),
        "close": ("failed", {"reason": "hunter2hunter2"}),
    }
    getattr(record, name)(*arguments[name])
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes()
    assert journal.proposal("r1") is None, "a proposal with a hole in it must not be applied"


def test_only_the_person_can_read_it(journal: Journal, tmp_path: Path) -> None:
    record = journal.open_run("r1", META)
    record.before_image("a.ts", b"old")
    record.proposal({})
    for path in (tmp_path / "runs").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_full_disk_at_any_write_leaves_whole_records(journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    for nth in range(1, 5):
        run = f"r{nth}"
        record = journal.open_run(run, META)
        calls = iter(range(1, 100))

        def short(descriptor: int, data: bytes, calls: Any = calls, nth: int = nth) -> int:
            if next(calls) == nth:
                real(descriptor, data[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(descriptor, data)

        with monkeypatch.context() as patch:
            patch.setattr(records.os, "write", short)
            record.event({"n": 1})
            record.event({"n": 2})
            record.delivered({"n": 3})
            record.close("finished", {})
        history = journal.show(run)
        assert history is not None
        assert (len(history.records), history.damaged) == (4, 0)
        assert record.problem is not None and "No space" in record.problem


def test_without_a_before_image_nothing_may_be_applied(journal: Journal, tmp_path: Path) -> None:
    record = journal.open_run("r1", META)
    (tmp_path / "runs" / "r1" / "before").write_text("in the way")
    with pytest.raises(OSError):
        record.before_image("a.ts", b"old")


def test_a_damaged_before_image_is_not_restored(journal: Journal, tmp_path: Path) -> None:
    record = journal.open_run("r1", META)
    record.before_image("a.ts", b"old")
    (image,) = (tmp_path / "runs" / "r1" / "before").iterdir()
    image.write_bytes(b"bad")
    assert journal.before_image("r1", image.name) is None


@pytest.mark.parametrize("run", ["../x", "", ".", "a/b", "x" * 200, ".hidden"])
def test_an_id_is_no_path(journal: Journal, run: str) -> None:
    with pytest.raises(ConfigurationError):
        journal.open_run(run, META)
    with pytest.raises(ConfigurationError):
        journal.show(run)


def finished(journal: Journal, folder: Path, run: str, *, age_days: float, now: float, image: bytes = b"") -> None:
    record = journal.open_run(run, META)
    record.before_image("a.ts", image)
    record.close("finished", {})
    when = now - age_days * 86_400
    os.utime(only_file(folder, run), (when, when))


def test_old_runs_are_dropped_and_going_ones_kept(tmp_path: Path) -> None:
    now = 2_000_000_000.0
    journal = Journal(tmp_path, Redactor({}), clock=lambda: now)
    finished(journal, tmp_path, "old", age_days=31, now=now)
    finished(journal, tmp_path, "new", age_days=29, now=now)
    going = journal.open_run("going", META)
    os.utime(only_file(tmp_path, "going"), (0, 0))
    journal.prune()
    assert {summary.run for summary in journal.runs()} == {"new", "going"}
    going.release()


def test_before_images_above_the_size_go_oldest_first(tmp_path: Path) -> None:
    now = 2_000_000_000.0
    journal = Journal(tmp_path, Redactor({}), clock=lambda: now)
    for run, age in (("a", 3.0), ("b", 2.0), ("c", 1.0)):
        finished(journal, tmp_path, run, age_days=age, now=now, image=run.encode() * 600_000)
    journal.prune(megabytes=1.3)
    kept = {summary.run: (tmp_path / "runs" / summary.run / "before").exists() for summary in journal.runs()}
    assert kept == {"a": False, "b": True, "c": True}


def test_an_unfinished_folder_hurts_nobody(journal: Journal, tmp_path: Path) -> None:
    journal.open_run("r1", META).close("finished", {})
    (tmp_path / "runs" / "empty").mkdir()
    shutil.copytree(tmp_path / "runs" / "r1", tmp_path / "runs" / "torn")
    only_file(tmp_path, "torn").write_bytes(b"{")
    assert [summary.run for summary in journal.runs()] == ["r1"]
    journal.prune()


def test_a_record_is_a_json_line(journal: Journal, tmp_path: Path) -> None:
    journal.open_run("r1", META).close("finished", {})
    lines: list[Mapping[str, Any]] = [json.loads(line) for line in only_file(tmp_path, "r1").read_text().splitlines()]
    assert [line["n"] for line in lines] == [0, 1]
