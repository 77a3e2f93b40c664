"""A box: what a command sees, what it cannot reach, what is found of it afterwards. Skipped where no tier 1 box can be made."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from aigentflow.box.client import Box
from aigentflow.box.values import Limits, Order, Outcome, Topping
from processes import running

pytestmark = pytest.mark.asyncio


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "work space é"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.ts").write_text("export const a = 1;\n")
    (root / "src" / "b.ts").write_text("export const b = 2;\n")
    (root / ".env").write_text("DATABASE_PASSWORD=correct-horse-battery\n")
    (root / "run.sh").write_text("#!/bin/sh\necho ran\n")
    (root / "run.sh").chmod(0o755)
    return root


@pytest_asyncio.fixture
async def box(tree: Path, tmp_path: Path) -> AsyncIterator[Box]:
    made = Box()
    report = await made.start(str(tree), {"PATH": os.environ["PATH"]}, str(tmp_path))
    if report.tier != "namespaces":
        await made.close()
        pytest.skip(f"no tier 1 box here: {dict(report.missed).get('namespaces', report.words)}")
    yield made
    await made.close()


async def run(box: Box, command: str, *toppings: Topping, collect: bool = True, **limits: float) -> Outcome:
    return await box.run(Order(command, limits=Limits(**limits), toppings=toppings, collect=collect))  # type: ignore[arg-type]


def changed(outcome: Outcome) -> dict[str, str]:
    return {change.path: change.kind for change in outcome.changes}


async def test_exit_status_and_output_come_back_as_they_were(box: Box) -> None:
    assert (await run(box, "echo out; echo err >&2; exit 3")).exit == 3
    assert (await run(box, "echo out; echo err >&2")).output == "out\nerr\n"
    assert (await run(box, "kill -9 $$")).signal == 9
    assert (await run(box, "no-such-program")).exit == 127
    assert (await run(box, "./src/a.ts")).exit == 126


async def test_a_command_runs_at_the_real_path_and_changes_nothing_there(box: Box, tree: Path) -> None:
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    outcome = await run(box, "pwd; echo x >> src/a.ts; rm src/b.ts; mkdir new; echo n > new/n.ts; mv run.sh moved.sh")
    assert outcome.output.strip() == os.path.realpath(tree)
    assert changed(outcome) == {"src/a.ts": "modify", "src/b.ts": "delete", "new/n.ts": "create", "run.sh": "delete", "moved.sh": "create"}
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before
    assert next(change for change in outcome.changes if change.path == "moved.sh").executable


async def test_contents_are_brought_back_only_where_they_are_wanted(box: Box) -> None:
    wanted = await run(box, "printf hello > src/new.ts")
    assert [change.data for change in wanted.changes] == [b"hello"]
    assert [change.data for change in (await run(box, "printf hello > src/new.ts", collect=False)).changes] == [None]


async def test_a_replaced_folder_and_a_mere_touch_are_told_apart(box: Box) -> None:
    assert changed(await run(box, "rm -r src && mkdir src && printf 'export const a = 1;\\n' > src/a.ts")) == {"src/b.ts": "delete"}
    assert changed(await run(box, "touch src/a.ts; cp src/b.ts t && mv t src/b.ts; ln run.sh second")) == {"second": "create"}
    assert changed(await run(box, "rm -r src; echo file > src")) == {"src": "create", "src/a.ts": "delete", "src/b.ts": "delete"}
    assert changed(await run(box, "rm src/a.ts; mkdir src/a.ts; echo in > src/a.ts/in")) == {"src/a.ts": "delete", "src/a.ts/in": "create"}


async def test_unsaved_text_and_changes_of_the_run_lie_on_top(box: Box) -> None:
    tops = (Topping("src/a.ts", b"unsaved\n"), Topping("src/b.ts", None), Topping("deep/er/new.ts", b"made\n"))
    outcome = await run(box, "cat src/a.ts deep/er/new.ts; ls src; ls -l run.sh | cut -c1-10", *tops)
    assert outcome.output.split() == ["unsaved", "made", "a.ts", "-rwxr-xr-x"]
    assert changed(outcome) == {}
    again = await run(box, "echo more >> src/a.ts; rm deep/er/new.ts; echo back > src/b.ts", *tops)
    assert changed(again) == {"src/a.ts": "modify", "deep/er/new.ts": "delete", "src/b.ts": "create"}
    assert next(change.data for change in again.changes if change.path == "src/a.ts") == b"unsaved\nmore\n"


async def test_secrets_are_not_there_and_what_they_hold_is_not_shown(box: Box, tree: Path) -> None:
    outcome = await run(box, "cat .env; ls -a; echo correct-horse-battery")
    assert "battery" not in outcome.output
    assert ".env" not in outcome.output.split("\n")[1:]
    (tree / "src" / ".env.local").write_text("API_TOKEN=made-while-it-was-running\n")
    assert "made-while" not in (await run(box, "cat src/.env.local")).output


async def test_the_network_ends_at_the_own_loopback(box: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        outside = await run(box, f"exec 3<>/dev/tcp/127.0.0.1/{port}")
        assert outside.exit != 0
        with pytest.raises(BlockingIOError):
            listener.accept()
    talk = "import socket,threading\ns=socket.create_server(('127.0.0.1',0))\n"
    talk += "threading.Thread(target=lambda: s.accept()[0].send(b'hi')).start()\n"
    talk += "print(socket.create_connection(s.getsockname()).recv(2))"
    (Path(box_root(box)) / "talk.py").write_text(talk)
    assert "hi" in (await run(box, "python3 talk.py")).output


def box_root(box: Box) -> str:
    assert box._start_frame is not None
    return str(box._start_frame["root"])


async def test_nothing_of_the_person_is_seen(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SERVICE_TOKEN", "never-to-be-seen")
    outcome = await run(box, "env; cat /proc/*/environ | tr '\\0' '\\n'; ls -A ~; tty; read line; echo read:$?")
    assert "never-to-be-seen" not in outcome.output
    assert "read:1" in outcome.output
    names = {line.partition("=")[0] for line in outcome.output.splitlines() if line.partition("=")[0].isupper() and "=" in line}
    assert names <= {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TMPDIR", "CI", "NO_COLOR", "PWD", "OLDPWD", "SHLVL", "_"),
        *(name for name, _ in box.toolchains.environment),
    }


async def test_privileges_are_gone(box: Box) -> None:
    status = await run(box, "grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status")
    assert [line.split()[1] for line in status.output.splitlines()] == ["0" * 16, "0" * 16, "1", "2"]
    for attempt in ("unshare -Ur true", "mount -t tmpfs none /tmp", "chroot / true", "mknod x c 1 3", "echo 1 > /proc/sys/kernel/pid_max"):
        assert (await run(box, attempt)).exit != 0, attempt
    assert "Read-only" in (await run(box, "touch /usr/x /x")).output


async def test_limits_end_what_does_not_end_by_itself(box: Box) -> None:
    slow = await run(box, "trap '' TERM INT; echo begun; sleep 60", seconds=0.5)
    assert (slow.ended_by, slow.output.strip()) == ("time", "begun")
    bomb = await run(box, "bomb() { bomb | bomb & }; bomb; sleep 60", seconds=5, processes=100)
    assert bomb.ended_by in ("processes", "time")
    eater = await run(box, "python3 -c 'x = bytearray(1 << 40)'")
    assert eater.exit != 0 and eater.ended_by == ""
    crowd = "python3 -c 'import os,time\nfor _ in range(8): os.fork()\nx=bytearray(8<<20)\ntime.sleep(30)'"
    assert (await run(box, crowd, memory=256 << 20, seconds=20)).ended_by == "memory"
    full = await run(box, "dd if=/dev/zero of=/tmp/big bs=1M count=200 2>&1; ls -s /tmp/big", written=32 << 20)
    assert "No space left" in full.output
    long = await run(box, "head -c 2000000 /dev/zero | tr '\\0' 'x'; echo end", output=1000)
    assert long.output_size > 2_000_000 and len(long.output) < 1200 and long.output.rstrip().endswith("end")


async def test_what_a_command_leaves_running_ends_with_it(box: Box, tmp_path: Path) -> None:
    mark = f"7{os.getpid()}"
    outcome = await run(box, f"(setsid sleep {mark} >/dev/null 2>&1 &) ; nohup sleep {mark} & echo done")
    assert outcome.output.startswith("done") or "done" in outcome.output
    assert not running(mark)


async def test_a_cancel_takes_everything_with_it(box: Box) -> None:
    mark = f"8{os.getpid()}"
    going = asyncio.create_task(run(box, f"sleep {mark} & sleep {mark}"))
    while not running(mark):
        await asyncio.sleep(0)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert not running(mark)
    assert (await run(box, "echo still here")).output == "still here\n"


async def test_what_is_no_plain_file_is_told_and_not_taken(box: Box, tree: Path) -> None:
    (tree / "outside").write_text("x")
    outcome = await run(
        box,
        "ln -s /etc/passwd link; mkfifo pipe; truncate -s 100M sparse; cp run.sh suid; chmod u+s suid; "
        "mkdir closed; echo in > closed/in; chmod 000 closed; touch $'new\\nline' $'bad\\xff'",
    )
    kinds = changed(outcome)
    assert kinds["closed/in"] == "create"
    assert kinds["new\nline"] == "create"
    others = {change.path: change.note for change in outcome.changes if change.kind == "other"}
    assert set(others) == {"link", "pipe", "sparse", "suid", "bad\udcff"}
    assert "/etc/passwd" in others["link"] and "too large" in others["sparse"]


async def test_a_file_that_is_saved_meanwhile_is_not_taken_back(box: Box, tree: Path) -> None:
    mark = f"1.000{os.getpid()}"
    going = asyncio.create_task(run(box, f"echo from the box >> src/a.ts; sleep {mark}"))
    while not running(mark):
        await asyncio.sleep(0)
    (tree / "src" / "a.ts").write_text("saved by the person\n")
    change = next(change for change in (await going).changes if change.path == "src/a.ts")
    assert change.kind == "other" and "saved on disk" in change.note


async def test_boxes_are_independent(box: Box) -> None:
    outcomes = await asyncio.gather(*(run(box, f"echo {number} > src/a.ts; sleep 0.1; cat src/a.ts") for number in range(4)))
    assert [outcome.output.strip() for outcome in outcomes] == ["0", "1", "2", "3"]


async def test_modes_and_owners_look_the_same_inside(box: Box, tree: Path) -> None:
    outcome = await run(box, "stat -c '%a %u' run.sh src/a.ts src", Topping("src/a.ts", b"x"))
    who = os.getuid()
    assert outcome.output.split() == ["755", str(who), f"{stat.S_IMODE((tree / 'src/a.ts').stat().st_mode):o}", str(who), "755", str(who)]
