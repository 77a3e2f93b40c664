"""People who work on a machine: a home folder, programs on PATH, a workspace, and runs of the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigentflow.runtime.journal import Journal

RUN_SECONDS = 1200
SYSTEM = ("/usr/local/bin", "/usr/bin", "/bin")
FIELDS = ("typecheck", "tests", "lint")
Json = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """Who runs an agent, and with what."""

    home: Path
    path: tuple[str, ...]
    """Folders of programs that come before those of the system."""
    python: str = sys.executable
    """The interpreter that has the product."""
    user: int | None = None
    """The user to become; None to stay who runs the tests."""

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.home / ".local/state/aigentflow"

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of this person's terminal."""
        return {"HOME": os.fspath(self.home), "PATH": ":".join((*self.path, *SYSTEM)), "LANG": "C.UTF-8", "USER": "somebody"}

    def run(self, root: Path, turns: Sequence[Json], *, more: Sequence[str] = ()) -> Ran:
        """Run an agent whose model says these turns, with `aigentflow run --format json` and more options."""
        with self.start(root, turns, more=more) as running:
            output, progress = running.communicate(timeout=RUN_SECONDS)
        assert running.returncode in (0, 1) and output, progress[-3000:]
        result = json.loads(output)
        history = Journal(self.state).show(result["run"])
        assert history is not None
        return Ran(result, running.returncode, tuple(record["event"] for record in history.of("event")))

    @contextmanager
    def start(self, root: Path, turns: Sequence[Json], *, more: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
        """Yield such a run while it goes on; it is ended at the end."""
        script = self.home / "turns.json"
        script.write_text(json.dumps(turns))
        script.chmod(0o644)
        command = [self.python, "-P", "-m", "aigentflow", "run", "backend_dev", "Mend the totals", "--workspace", os.fspath(root)]
        command += ["--trust", "--format", "json", *more]
        environment = {**self.environment, "AIGENTFLOW_SCRIPT": os.fspath(script)}
        other: Json = {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, env=environment, cwd=root, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, **other
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Ran:
    """What a run printed."""

    result: Json
    code: int
    events: tuple[Json, ...]

    @property
    def statuses(self) -> dict[str, str]:
        """What was measured of each field."""
        return {name: part["status"] for name, part in self.result["verification"].items()}

    @property
    def reasons(self) -> dict[str, str]:
        """Why each field is not pass."""
        return {name: part["reason"] for name, part in self.result["verification"].items()}

    def steps(self, field: str) -> tuple[str, ...]:
        """Return the commands that verified a field, in their order."""
        called = (event for event in self.events if event["kind"] == "tool_called" and event["tool"] == "Verify")
        return tuple(event["subject"] for event in called if event["id"].startswith(f"{field}:"))

    def places(self, field: str) -> set[tuple[str, int]]:
        """Return file and line of each failure of a field."""
        return {(failure["path"], failure["line"]) for failure in self.result["verification"][field]["failures"]}

    @property
    def verdicts(self) -> dict[str, str]:
        """Return what became of the claim about each field of the verification."""
        said = ((claim["claim"].partition(":")[0].rpartition(".")[2], claim["verdict"]) for claim in self.result["claims"])
        return {field: verdict for field, verdict in said if field in self.statuses}


def edit(path: str, old: str, new: str) -> Json:
    """Return a call that changes a part of a file."""
    return {"name": "Edit", "input": {"file_path": path, "old_string": old, "new_string": new}}


def write(path: str, text: str) -> Json:
    """Return a call that writes a file."""
    return {"name": "Write", "input": {"file_path": path, "content": text}}


def bash(command: str) -> Json:
    """Return a call that runs a command."""
    return {"name": "Bash", "input": {"command": command}}


def says(**verification: str) -> Json:
    """Return a last answer that claims this of its verification."""
    report = {
        "implementation": {"summary": "Totals", "approach": "Totals"},
        "files": [],
        "database": {"schemaChanges": False, "migrationRequired": False, "migrationDescription": ""},
        "tests": [],
        "dependencies": {"added": [], "reason": ""},
        "notes": [],
        "verification": verification,
    }
    return {"text": json.dumps(report)}


def session(*calls: Json, **verification: str) -> list[Json]:
    """Return the turns of a model that makes these calls and then insists on its claim, whatever it is told."""
    return [{"tools": list(calls)}, *[says(**verification)] * 5]
