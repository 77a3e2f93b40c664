"""The main path in real Neovims, headless: `python tests/editors/neovim.py [SUITE…]`; exit status 75 if none can be had here.

Per Neovim: a copy of the sample workspace, the server behind a tap, its model pointed at the stand-in, fresh XDG folders, a hard timeout.
The end state is asserted in Lua, the conversation and the disk here.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(CHECKOUT / "tests")]

from conversation import Conversation, one_document_at_a_time  # noqa: E402
from setup_neovim import NOT_HERE, SUITES, CannotSetUp, Neovim, set_up  # noqa: E402

from stand_in import StandIn  # noqa: E402

SAMPLE = CHECKOUT / "tests" / "workspaces" / "sample"
SECONDS = 120
GRACE_SECONDS = 5.0
GAP = "backend_dev/typed-domain-errors"
FIRST = "apps/api/src/orders/orders.service.ts"
SECOND = "apps/api/src/orders/order-lifecycle.ts"
REFUSED = "apps/web/src/orders.ts"
FIND_ONE = ("  async findOne(tenantId", "  /** One order of the tenant; an unknown id is an error. */\n  async findOne(tenantId")
THROW = (
    "throw new Error(`Order ${order.number} has left the warehouse`);",
    "throw new ConflictError('The order has left the warehouse', 'ORDER_SHIPPED', { number: order.number });",
)
COMMENT = (
    "/** Refuses a change of status that the lifecycle does not know. */",
    "/** Refuses a change of status that the lifecycle does not know; a shipped order stays shipped. */",
)
QUIET_LINE = "  async create("
"""Begins the line between the two edits of the first file before which a typist types."""
REPORT = {
    "implementation": {"summary": "Cancelling a shipped order fails with an error of the domain", "approach": "ConflictError"},
    "files": [{"path": FIRST, "action": "modify", "description": "Throws ConflictError"}],
    "database": {"schemaChanges": False, "migrationRequired": False, "migrationDescription": ""},
    "tests": [],
    "dependencies": {"added": [], "reason": ""},
    "notes": [],
}


class Failed(Exception):
    """What was not as it has to be, with the evidence."""


@dataclass(frozen=True)
class Job:
    """One Neovim's folder and what is in it."""

    folder: Path

    @property
    def workspace(self) -> Path:
        """The copy of the sample."""
        return self.folder / "workspace"

    @property
    def log(self) -> Path:
        """What the tap logged."""
        return self.folder / "messages.jsonl"

    @property
    def result(self) -> Path:
        """What Lua saw."""
        return self.folder / "result.json"

    @property
    def description(self) -> Path:
        """What Lua is to do; its path in the environment marks every process of this job."""
        return self.folder / "job.json"


def turns() -> list[dict[str, Any]]:
    """What the model does: reads, edits two files, tries a third that it may not change, reports."""
    edits = [(FIRST, *FIND_ONE), (FIRST, *THROW), (SECOND, *COMMENT)]
    calls = [{"name": "Edit", "input": {"file_path": path, "old_string": old, "new_string": new}} for path, old, new in edits]
    return [
        {"thinking": "First I look at the file.", "tools": [{"name": "Read", "input": {"file_path": FIRST}}]},
        {"text": "The error has no type.", "tools": calls},
        {"tools": [{"name": "Write", "input": {"file_path": REFUSED, "content": "export {};\n"}}]},
        {"text": json.dumps(REPORT)},
    ]


def prepare(job: Job) -> None:
    """Copy the sample and describe the job."""
    left_out = shutil.ignore_patterns("node_modules", "dist", ".cache")
    shutil.copytree(SAMPLE, job.workspace, ignore=left_out, symlinks=True)
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "Sample"]):
        subprocess.run(["git", *words], cwd=job.workspace, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull})
    first, second = read(job, FIRST), read(job, SECOND)
    server = [sys.executable, "-P", str(HERE / "tap.py"), str(job.log), *server_command()]
    description = {
        "scripts": str(HERE),
        "configuration": str(CHECKOUT / "editors" / "neovim"),
        "server": server,
        "result": str(job.result),
        "gap": GAP,
        "first": {
            "path": str(job.workspace / FIRST),
            "before": first,
            "after": replaced(replaced(first, *FIND_ONE), *THROW),
            "quiet_row": first[: first.index(QUIET_LINE)].count("\n"),
        },
        "second": {"path": str(job.workspace / SECOND), "before": second, "after": replaced(second, *COMMENT)},
    }
    job.description.write_text(json.dumps(description), "utf-8")


def server_command() -> list[str]:
    """The command of this environment, as an editor starts it."""
    installed = Path(sys.executable).with_name("aigentflow")
    return [str(installed), "serve"] if installed.is_file() else [sys.executable, "-m", "aigentflow", "serve"]


def read(job: Job, path: str) -> str:
    """A file of the workspace."""
    return (job.workspace / path).read_text("utf-8")


def replaced(text: str, old: str, new: str) -> str:
    """The text with the one place changed; the sample and this test have to fit together."""
    if text.count(old) != 1:
        raise Failed(f"the sample workspace holds {text.count(old)} places like {old!r}; this test needs exactly one")
    return text.replace(old, new)


def run_neovim(neovim: Neovim, job: Job, service: StandIn) -> None:
    """Run the Lua script to its end; raise Failed with what it said."""
    environment = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(job.folder / "home"),
        **{f"XDG_{name}_HOME": str(job.folder / name.lower()) for name in ("CONFIG", "STATE", "DATA", "CACHE")},
        "VIMRUNTIME": neovim.runtime,
        "AIGENTFLOW_EDITOR_JOB": str(job.description),
        "ANTHROPIC_BASE_URL": service.url,
        "ANTHROPIC_API_KEY": "not-a-key-loopback-only",
    }
    command = [
        neovim.nvim,
        "--headless",
        "--clean",
        "-n",
        "--cmd",
        f"set rtp^={neovim.parsers}",
        f"+luafile {HERE / 'neovim_main_path.lua'}",
        "+cq",
    ]
    with (job.folder / "output.txt").open("wb") as output:
        started = subprocess.Popen(
            command, cwd=job.workspace, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            code = started.wait(SECONDS)
        except subprocess.TimeoutExpired:
            code = None
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()
    if code != 0 or not seen(job).get("done"):
        said = "\n".join(tail(job.folder / name) for name in ("output.txt", "state/nvim/lsp.log"))
        raise Failed(f"Neovim ended with {code} after the steps {seen(job).get('steps')}\n{seen(job).get('failed', '')}\n{said}")


def tail(file: Path) -> str:
    """The end of a log."""
    return file.read_text("utf-8", "replace")[-3000:] if file.is_file() else ""


def seen(job: Job) -> dict[str, Any]:
    """What Lua saw so far."""
    return dict(json.loads(job.result.read_text("utf-8"))) if job.result.is_file() else {}


def inspect(job: Job, service: StandIn, disk: dict[str, str]) -> None:
    """Everything that has to hold beside the end state of the buffers."""
    broken = left_behind(job)
    conversation = Conversation(job.log)
    broken += [*conversation.broken(), *one_document_at_a_time(conversation)]
    if files(job.workspace) != disk:
        broken.append("a file of the workspace was written, made or removed")
    if len(service.requests) != len(turns()):
        broken.append(f"the model was asked {len(service.requests)} times instead of {len(turns())}")
    asked = json.dumps(service.bodies[-1]) if service.bodies else ""
    if "// typed above 1" not in asked:
        broken.append("the text typed before the run did not reach the model")
    if REFUSED not in asked or '"is_error": true' not in asked:
        broken.append(f"the model was not told that it may not write {REFUSED}")
    if broken:
        raise Failed("\n".join(broken))


def files(root: Path) -> dict[str, str]:
    """Content hash of every file, those of git included."""
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.is_file()}


def left_behind(job: Job) -> list[str]:
    """Processes of this job that outlive its editor; they are ended."""
    mark = f"AIGENTFLOW_EDITOR_JOB={job.description}".encode()
    deadline = time.monotonic() + GRACE_SECONDS
    while (alive := _marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
    return [f"process {pid} outlived the editor" for pid in alive]


def _marked(mark: bytes) -> list[int]:
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
        except OSError:
            continue
    return found


def main_path(neovim: Neovim, keep: Path | None) -> dict[str, Any]:
    """Run one Neovim through the main path; what it saw. Raises Failed."""
    folder = Path(tempfile.mkdtemp(prefix=f"aigentflow-neovim-{neovim.suite}-"))
    job = Job(folder)
    try:
        prepare(job)
        disk = files(job.workspace)
        with StandIn(turns()) as service:
            run_neovim(neovim, job, service)
            inspect(job, service, disk)
        return seen(job)
    finally:
        left_behind(job)
        if keep is not None:
            shutil.copytree(folder, keep / f"neovim-{neovim.version}", dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git"))
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Try every Neovim; 0 if at least one ran and none failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("suites", nargs="*", default=SUITES, help="Debian suites to take Neovim from")
    parser.add_argument("--keep", type=Path, help="folder that receives logs and results")
    options = parser.parse_args()
    passed = failed = 0
    for suite in options.suites:
        started = time.monotonic()
        try:
            neovim = set_up(suite)
            outcome = main_path(neovim, options.keep)
        except CannotSetUp as reason:
            print(f"Neovim of {suite}: skipped, {reason}", flush=True)
        except Failed as reason:
            failed += 1
            print(f"Neovim of {suite}: FAILED\n{reason}", flush=True)
        else:
            passed += 1
            print(f"Neovim {neovim.version}: passed in {time.monotonic() - started:.1f} s ({outcome['encoding']})", flush=True)
            print("  " + "\n  ".join(outcome["steps"]), flush=True)
    return 1 if failed else 0 if passed else NOT_HERE


if __name__ == "__main__":
    sys.exit(main())
