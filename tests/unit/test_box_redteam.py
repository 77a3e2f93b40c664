"""Ways out of the box, or into the person's things, that were found by trying; each in every tier that is there."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from aigentflow.box.client import Box
from aigentflow.box.values import Limits, Order, Outcome, Topping
from processes import running

pytestmark = pytest.mark.asyncio
TIERS = ("namespaces", "bubblewrap", "landlock")
MEGABYTE = 1 << 20


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.ts").write_text("export const a = 1;\n")
    (root / ".env").write_text("DATABASE_PASSWORD=correct-horse-battery\n")
    return root


@pytest_asyncio.fixture(params=TIERS)
async def box(request: pytest.FixtureRequest, tree: Path, tmp_path: Path) -> AsyncIterator[Box]:
    made = await started(tree, tmp_path, request.param)
    yield made
    await made.close()


async def started(root: Path, home: Path, tier: str) -> Box:
    made = Box()
    await made.start(str(root), {"PATH": os.environ["PATH"]}, str(home), tier)
    report = await made.prepared()
    if report.tier != tier:
        await made.close()
        pytest.skip(f"{tier}: {dict(report.missed).get(tier)}")  # type: ignore[call-overload]
    return made


async def run(box: Box, command: str, *toppings: Topping, **limits: float) -> Outcome:
    return await box.run(Order(command, limits=Limits(**limits), toppings=toppings, collect=True))  # type: ignore[arg-type]


async def test_the_machine_s_devices_keep_their_modes_and_times(box: Box) -> None:
    before = {name: _told(os.stat(f"/dev/{name}")) for name in ("null", "zero", "full", "random", "urandom")}
    try:
        await run(box, "chmod 600 /dev/null /dev/zero; chown 1:1 /dev/full; touch -d 2001-01-01 /dev/random /dev/urandom")
        assert {name: _told(os.stat(f"/dev/{name}")) for name in before} == before
    finally:
        for name, (mode, uid, gid, _) in before.items():
            if _told(os.stat(f"/dev/{name}"))[:3] != (mode, uid, gid):
                os.chmod(f"/dev/{name}", mode)
                os.chown(f"/dev/{name}", uid, gid)
    assert (await run(box, "echo x > /dev/null && head -c 1 /dev/urandom > /dev/null")).exit == 0


def _told(status: os.stat_result) -> tuple[int, int, int, int]:
    # Whoever uses a device sets its times to now, so only a time that was set back tells of an attack.
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, min(status.st_mtime_ns // 10**18, 1)


async def test_the_kernel_s_switches_are_not_writable(box: Box) -> None:
    outcome = await run(box, "f=/proc/sys/vm/stat_interval; v=$(cat $f) && echo $v > $f && echo written")
    assert "written" not in outcome.output


SHARES = """
import mmap, os
kept = []
for _ in range(12):
    memory = mmap.mmap(-1, 64 << 20)
    for at in range(0, 64 << 20, 4096):
        memory[at] = 1
    kept.append(memory)
print("all of it was had")
"""
FILES = SHARES.replace("mmap.mmap(-1, 64 << 20)", "os.memfd_create('m')").replace("memory[at] = 1", "os.write(memory, b'x' * 4096)")


@pytest.mark.parametrize("program", [SHARES, FILES], ids=["shared mappings", "files in memory"])
async def test_memory_that_is_shared_counts_as_well(box: Box, program: str) -> None:
    outcome = await run(box, "python3 m.py; sleep 0.3", Topping("m.py", program.encode()), memory=256 * MEGABYTE)
    assert "all of it was had" not in outcome.output
    assert outcome.ended_by == "memory" or "Error" in outcome.output


async def test_memory_that_many_processes_share_counts_once(box: Box) -> None:
    program = SHARES.replace("range(12)", "range(1)") + "[os.fork() for _ in range(3)]\nimport time\ntime.sleep(0.5)\n"
    assert (await run(box, "python3 m.py", Topping("m.py", program.encode()), memory=256 * MEGABYTE)).exit == 0


async def test_where_memory_runs_out_the_command_goes_first(box: Box) -> None:
    assert (await run(box, "cat /proc/self/oom_score_adj")).output.strip() == "1000"


async def test_a_second_name_of_a_secret_is_hidden_too(box: Box, tree: Path) -> None:
    os.link(tree / ".env", tree / "src" / "notes.txt")
    outcome = await run(box, "rev src/notes.txt 2>/dev/null; ls src")
    assert outcome.output == "a.ts\n"
    (tree / "src" / "notes.txt").unlink()
    os.link(tree / ".env", tree / "src" / "other.txt")
    assert "yrettab" not in (await run(box, "rev src/other.txt")).output


async def test_a_secret_is_not_kept_under_another_name(box: Box, tree: Path) -> None:
    (tree / "src" / "known.ts").write_text("// correct-horse-battery stood here before\n")
    command = "echo 'export const p = \"correct-horse-battery\"' > src/b.ts; echo // >> src/known.ts; echo fine > src/c.ts"
    outcome = await run(box, command)
    kept = {change.path: change.kind for change in outcome.changes if change.data is not None}
    assert kept == {"src/known.ts": "modify", "src/c.ts": "create"}
    assert [(change.path, change.kind) for change in outcome.changes if change.data is None] == [("src/b.ts", "other")]


async def test_a_secret_that_appears_while_the_command_runs_is_not_told(box: Box, tree: Path) -> None:
    waiting = asyncio.create_task(
        run(box, "for n in $(seq 200); do cat .env.local .env 2>/dev/null && break; sleep 0.02; done; cat .env.local")
    )
    await asyncio.sleep(0.3)
    (tree / ".env.local").write_text("API_TOKEN=late-but-secret-0815\n")
    assert "late-but-secret" not in (await waiting).output


@pytest.fixture
def repository(tree: Path) -> Path:
    def git(*words: str) -> None:
        who = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        subprocess.run(["git", *who, *words], cwd=tree, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    git("init", "-q")
    (tree / ".env").write_text("DATABASE_PASSWORD=an-older-horse-stapler\n")
    git("add", "-A")
    git("commit", "-qm", "all of it")
    git("gc", "-q")
    (tree / ".env").write_text("DATABASE_PASSWORD=a-stashed-horse-stapler\n")
    git("stash", "-q")
    git("rm", "-q", ".env")
    git("commit", "-qm", "no more secrets")
    git("remote", "add", "origin", "https://someone:a-word-in-an-address@example.org/x.git")
    git("config", "http.https://example.org/.extraheader", "AUTHORIZATION: basic " + "eC1hY2Nlc3MtdG9rZW46cXdlcnR6dWlvcA==")
    return tree


async def test_secrets_of_the_past_are_not_told(repository: Path, tmp_path: Path) -> None:
    for tier in TIERS:
        made = await started(repository, tmp_path, tier)
        try:
            command = "git show HEAD~1:.env stash@{0}:.env; git cat-file --batch-all-objects --batch; cat .git/config; git log --oneline"
            outcome = await run(made, f"git config --global safe.directory '*'; {command}")
        finally:
            await made.close()
        assert "no more secrets" in outcome.output and "[hidden]" in outcome.output
        assert not re.search("older-horse|stashed-horse|word-in-an-address|eC1hY2Nlc3", outcome.output)


@pytest.mark.parametrize("tier", TIERS)
async def test_a_link_on_the_way_to_programs_opens_nothing_beside_them(tree: Path, tmp_path: Path, tier: str) -> None:
    home = tmp_path / "home"
    programs = home / "kept" / "bin"
    programs.mkdir(parents=True)
    (programs / "greet").write_text("#!/bin/sh\necho hello\n")
    (programs / "greet").chmod(0o755)
    (home / "kept" / "letters").mkdir()
    (home / "kept" / "letters" / "one.txt").write_text("not for the box\n")
    (home / "tools").symlink_to("kept")
    made = Box()
    try:
        await made.start(str(tree), {"PATH": f"{home}/tools/bin:{os.environ['PATH']}"}, str(home), tier)
        if (await made.prepared()).tier != tier:
            pytest.skip(f"no {tier} here")
        assert (await run(made, "greet")).output == "hello\n"
        assert "not for the box" not in (await run(made, f"cat {home}/tools/letters/* {home}/kept/letters/*")).output
    finally:
        await made.close()


async def test_the_helper_takes_no_module_from_where_the_editor_was_started(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("select", "json", "struct"):
        (tree / f"{module}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tree)
    monkeypatch.setenv("PYTHONPATH", f".:{tree}")
    made = await started(tree, tmp_path, "namespaces")
    try:
        assert (await run(made, "echo fine")).output == "fine\n"
    finally:
        await made.close()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("victim", ["its supervisor", "the run"])
async def test_nothing_outlives_a_kill(tree: Path, tmp_path: Path, tier: str, victim: str) -> None:
    mark = f"{os.getpid()}.{tree.stat().st_ino}"
    before = _places()
    program = f"""
import asyncio
from aigentflow.box.client import Box
from aigentflow.box.values import Order
async def main():
    box = Box()
    await box.start({str(tree)!r}, {{"PATH": {os.environ["PATH"]!r}}}, {str(tmp_path)!r}, {tier!r})
    print((await box.prepared()).tier, box._process.pid, flush=True)
    await box.run(Order("(sleep {mark} &); setsid sleep {mark} & wait; sleep {mark}"))
    print("went on", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        held, helper = host.stdout.readline().split()
        if held != tier:
            host.kill()
            pytest.skip(f"no {tier} here")
        assert await _becomes(lambda: running(mark))
        if victim == "the run":
            host.kill()
        else:
            for pid in _children(int(helper)):
                os.kill(pid, signal.SIGKILL)
            assert host.stdout.readline() == "went on\n"
        assert await _becomes(lambda: not running(mark))
        assert await _becomes(lambda: victim != "the run" or not _places() - before)
        host.kill()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _places() -> set[str]:
    """Return the folders of copies of this user, which others who run at the same time have as well."""
    return {str(path) for path in Path("/dev/shm").glob(f"aigentflow-boxes-{os.geteuid()}/box-*") if _is_of_nobody(path)}


def _is_of_nobody(path: Path) -> bool:
    with contextlib.suppress(OSError), open(path.with_suffix(".lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


async def _becomes(holds: Callable[[], bool]) -> bool:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)
    return True


async def test_a_flood_of_files_ends_the_looking(tree: Path, tmp_path: Path) -> None:
    made = await started(tree, tmp_path, "namespaces")
    try:
        flood = "for number in range(60_000): open(f'flood/{number}', 'w').close()"
        outcome = await run(made, f'mkdir flood && python3 -c "{flood}"; exit 3')
    finally:
        await made.close()
    assert (outcome.exit, outcome.n_changes, len(outcome.changes)) == (3, 50_000, 5_000)
