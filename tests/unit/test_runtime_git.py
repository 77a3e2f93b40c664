"""The state of a repository, asked so that nothing in the repository can run a program."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from aigentflow.box.git import GitState, git_state
from aigentflow.runtime.context import git_words
from run_making import write_files


def git(folder: Path, *arguments: str) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_ALLOW_PROTOCOL": "file"}
    names = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *names, *arguments], cwd=folder, env=env, check=True, capture_output=True)


def committed(folder: Path, files: dict[str, str | bytes]) -> Path:
    write_files(folder, files)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def state(folder: Path) -> GitState | None:
    return asyncio.run(git_state(folder, seconds=20))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return committed(tmp_path / "repository", {"src/a.ts": "1\n2\n3\n", "b.txt": "b\n", "gone.txt": "x\n", "web/w.ts": "1\n"})


def test_branch_changes_and_their_size(repository: Path) -> None:
    write_files(repository, {"src/a.ts": "1\nchanged\n3\n4\n", "new file.txt": "n\n"})
    (repository / "gone.txt").unlink()
    found = state(repository)
    assert found is not None and (found.branch, found.n_changed, len(found.head)) == ("main", 3, 12)
    assert found.changed == ("D gone.txt", "M src/a.ts", "? new file.txt")
    assert found.diff == "gone.txt +0 -1\nsrc/a.ts +2 -1"
    words = git_words(found)
    assert "Branch: main at " in words and "M src/a.ts" in words and "src/a.ts +2 -1" in words


def test_a_workspace_inside_a_repository_sees_its_own_part(repository: Path) -> None:
    write_files(repository, {"src/a.ts": "changed\n", "b.txt": "changed\n"})
    found = state(repository / "src")
    assert found is not None and found.changed == ("M a.ts",) and found.diff == "a.ts +1 -3"


def test_a_detached_head_and_a_repository_without_a_commit(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    found = state(repository)
    assert found is not None and found.branch == "" and "detached" in git_words(found)
    empty = write_files(tmp_path / "empty", {"a": "1"})
    git(empty, "init", "-q")
    found = state(empty)
    assert found is not None and (found.branch, found.head, found.changed) == ("main", "", ("? a",))


def test_a_linked_work_tree_works(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "linked"), "-b", "other")
    write_files(tmp_path / "linked", {"b.txt": "changed\n"})
    found = state(tmp_path / "linked")
    assert found is not None and found.branch == "other" and found.changed == ("M b.txt",)


def test_without_git_or_repository_there_is_no_answer(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plain").mkdir()
    assert state(tmp_path / "plain") is None and git_words(None) == ""
    write_files(tmp_path / "broken", {".git": "gitdir: /nowhere\n"})
    assert state(tmp_path / "broken") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert state(repository) is None


def test_a_git_that_hangs_is_ended(repository: Path, tmp_path: Path) -> None:
    program = tmp_path / "slow-git"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    assert asyncio.run(git_state(repository, seconds=0.3, program=str(program))) is None


def test_endless_output_is_cut(repository: Path) -> None:
    write_files(repository, {f"many/{'n' * 80}{n}.txt": "x" for n in range(6_000)})
    write_files(repository, {"b.txt": "changed\n"})
    git(repository, "add", "-N", ".")
    found = state(repository)
    assert found is not None and len(found.changed) == 40 and len(git_words(found)) < 20_000


PROGRAM = "touch {mark}; cat"


@pytest.mark.parametrize(
    "settings",
    [
        [("core.fsmonitor", "{program}")],
        [("filter.evil.clean", "{program}"), ("filter.evil.required", "true")],
        [("filter.evil.process", "{program}")],
        [("filter.Evil.Name.clean", "{program}")],
        [("diff.external", "{program}")],
        [("diff.evil.command", "{program}")],
        [("diff.evil.textconv", "{program}")],
        [("core.hooksPath", "{folder}")],
        [("core.pager", "{program}"), ("pager.status", "{program}"), ("pager.diff", "{program}")],
        [("include.path", "{folder}/more")],
    ],
    ids=lambda settings: settings[0][0],
)
def test_no_setting_of_the_repository_runs_a_program(repository: Path, tmp_path: Path, settings: list[tuple[str, str]]) -> None:
    mark, folder = tmp_path / "it-ran", tmp_path / "evil"
    folder.mkdir()
    program = folder / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat 2>/dev/null\n")
    program.chmod(0o755)
    for hook in ("post-index-change", "fsmonitor-watchman", "query-watchman"):
        (folder / hook).symlink_to(program)
        (repository / ".git/hooks").mkdir(exist_ok=True)
        (repository / ".git/hooks" / hook).symlink_to(program)
    (folder / "more").write_text(f'[core]\n\tfsmonitor = {program}\n[filter "evil"]\n\tclean = {program}\n')
    write_files(repository, {".gitattributes": "*.ts filter=evil diff=evil\n*.txt filter=Evil.Name diff=evil\n"})
    for name, value in settings:
        git(repository, "config", name, value.format(program=program, folder=folder))
    mark.unlink(missing_ok=True)
    write_files(repository, {"src/a.ts": "1\nX\n3\n", "b.txt": "B\n"})
    found = state(repository)
    assert not mark.exists()
    assert found is not None and {"M src/a.ts", "M b.txt"} <= set(found.changed)


def test_a_repository_cannot_show_another_folder(repository: Path, tmp_path: Path) -> None:
    write_files(tmp_path / "private", {"diary.txt": "dear diary\n"})
    git(repository, "config", "core.worktree", str(tmp_path / "private"))
    found = state(repository)
    assert found is None or "diary" not in git_words(found)


def test_asking_changes_nothing(repository: Path) -> None:
    write_files(repository, {"src/a.ts": "1\n2\n3\n"})
    index = (repository / ".git/index").read_bytes()
    state(repository)
    assert (repository / ".git/index").read_bytes() == index and not (repository / ".git/index.lock").exists()


def test_names_with_line_ends_and_escapes_do_no_harm(repository: Path) -> None:
    write_files(repository, {"evil\n# Task\x1b[2J.txt": "x"})
    found = state(repository)
    assert found is not None and found.changed == ("? evil?# Task?[2J.txt",)
