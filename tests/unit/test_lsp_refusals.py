"""The parts that refusals and their ways out are made of: the steered boundary, the task comment, the question, the host's variables."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aigentflow.lsp.host_environment import host_environment
from aigentflow.runtime.approval import question, shown
from aigentflow.runtime.steering import Steering
from aigentflow.syntax.comments import task_comments
from aigentflow.syntax.leaving import stands_in, task_comment
from aigentflow.workspace.boundary import Boundary, DenyRule, Rules, exact_glob

WORDS = 'backend_dev needs a change here for its task "greet" and may not make it (apps/web/** belongs to frontend)'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("src/a.ts", "src/b.ts", "web/a.ts", "docs/[x]*.md", "docs/x1.md", "a.ts", "AGENTS.md", ".env", "lib/a.ts"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n", encoding="utf-8")
    return tmp_path


def open_paths(boundary: Boundary) -> set[str]:
    paths = (path.relative_to(boundary.root).as_posix() for path in boundary.root.rglob("*") if path.is_file())
    return {path for path in paths if boundary.may_change(path).allowed}


def test_a_steered_boundary_is_narrower_and_never_wider_than_it_was_made(root: Path) -> None:
    boundary = Boundary(root, Rules(("src/**", "web/**"), (DenyRule("src/b.ts"),)))
    boundary.steer(Rules(("src/**", "lib/**")))
    assert open_paths(boundary) == {"src/a.ts"}
    assert boundary.may_change("web/a.ts").reason == "web/a.ts: outside the boundary (src/**, lib/**)"
    boundary.steer(Rules(("**",)))
    assert open_paths(boundary) == {"src/a.ts", "web/a.ts"}, "the last word counts, within what there was at first"
    boundary.steer(Rules(("src/**",), (DenyRule("src/a.ts", "other"),)))
    assert open_paths(boundary) == set() and boundary.may_change("src/a.ts").owner == "other"
    boundary.steer(Rules(("src/**",), (DenyRule("~/x"),)))
    assert open_paths(boundary) == set() and boundary.read_only, "a restriction that cannot be understood closes"
    boundary.steer(Rules(()))
    assert boundary.read_only and "nothing may be changed" in boundary.may_change("src/a.ts").reason


def test_a_granted_path_is_open_and_no_other(root: Path) -> None:
    rules = Rules(("src/**",), (DenyRule("web/**", "frontend"),))
    boundary = Boundary(root, rules)
    boundary.steer(rules, ("docs/[x]*.md", "a.ts"))
    assert open_paths(boundary) == {"src/a.ts", "src/b.ts", "docs/[x]*.md", "a.ts"}
    boundary.steer(rules, ("web/a.ts", "AGENTS.md", ".env"))
    assert open_paths(boundary) == {"src/a.ts", "src/b.ts"}, "deny lists, names and secrets stand above it"
    boundary.steer(Rules(("src/**", "!lib/["), ()), ("lib/a.ts",))
    assert open_paths(boundary) == set(), "nor does it open anything where a restriction cannot be understood"


def test_a_literal_entry_has_to_be_named_in_both(root: Path) -> None:
    boundary = Boundary(root, Rules(("AGENTS.md", "src/**")))
    assert boundary.may_change("AGENTS.md").allowed
    boundary.steer(Rules(("**",)))
    assert boundary.may_change("AGENTS.md").rule == "protected"


@pytest.mark.parametrize("path", ["a.ts", "src/[id]/{x},y!.ts", "a*b?.ts", "!x.ts", "docs/**/x.md"])
def test_an_exact_glob_matches_one_path(path: str, tmp_path: Path) -> None:
    boundary = Boundary(tmp_path, Rules((exact_glob(path),)))
    assert boundary.problems == ()
    assert boundary.may_change(path).allowed
    assert not boundary.may_change(f"deep/{path}").allowed
    assert not boundary.may_change(path.replace("x", "z").replace("a", "z")).allowed


def test_steering_that_comes_before_the_boundary_is_not_lost(root: Path) -> None:
    steering = Steering()
    steering.steer(Rules(("src/a.ts",)), ["a.ts"])
    steering.say("one")
    steering.say("two")
    boundary = Boundary(root, Rules(("src/**",)))
    steering.attach(boundary)
    assert open_paths(boundary) == {"src/a.ts", "a.ts"}
    assert (steering.take_words(), steering.take_words()) == ("one\ntwo", "")
    assert asyncio.run(steering.approve("true")) is False, "where nobody can be asked, nobody said yes"
    asyncio.run(steering.catch_up())


TOPS = [
    ("a.ts", "", "// {}\n"),
    ("a.ts", "#!/usr/bin/env node\nx\n", "#!/usr/bin/env node\n// {}\nx\n"),
    ("a.ts", "/**\n * Copyright 2020\n */\nx;\n", "/**\n * Copyright 2020\n */\n// {}\nx;\n"),
    ("a.ts", "// plain\nx\n", "// {}\n\n// plain\nx\n"),
    ("a.ts", "/** @jest-environment jsdom */\r\nx\r\n", "/** @jest-environment jsdom */\r\n// {}\r\nx\r\n"),
    ("a.py", "#!/usr/bin/python\n# -*- coding: utf-8 -*-\nx\n", "#!/usr/bin/python\n# -*- coding: utf-8 -*-\n# {}\nx\n"),
    ("a.php", "<?php\nx();\n", "<?php\n// {}\nx();\n"),
    ("a.md", "---\na: 1\n---\n# T\n", "---\na: 1\n---\n<!-- {} -->\n# T\n"),
    ("a.html", "<!DOCTYPE html>\n<html>\n", "<!DOCTYPE html>\n<!-- {} -->\n<html>\n"),
    ("a.css", '@charset "utf-8";\nb{}\n', '@charset "utf-8";\n/* {} */\nb{}\n'),
    ("Dockerfile", "# syntax=docker/dockerfile:1\nFROM x\n", "# syntax=docker/dockerfile:1\n# {}\nFROM x\n"),
    ("a.go", "//go:build linux\n\npackage x\n", "//go:build linux\n// {}\n\npackage x\n"),
]


@pytest.mark.parametrize(("path", "text", "expected"), TOPS, ids=[f"{path} {number}" for number, (path, _, _) in enumerate(TOPS)])
def test_a_task_comment_stands_below_what_has_to_stay_first(path: str, text: str, expected: str) -> None:
    words = WORDS.replace("/**", "") if path.endswith((".css", ".html", ".md")) else WORDS
    edit = task_comment(text, path, "frontend", words)
    assert edit is not None
    after = text[: edit.start] + edit.new + text[edit.end :]
    head, _, tail = expected.partition("{}")
    assert after == f"{head}@frontend: {words}{tail}"
    assert stands_in(after, path, "frontend", words) and not stands_in(text, path, "frontend", words)


@pytest.mark.parametrize("path", ["a.json", "package.json", "a.mdx", "a.unknown", "a.php", ".gitignore", "a"])
def test_where_no_comment_can_stand_none_is_offered(path: str) -> None:
    assert task_comment("<html>\n", path, "frontend", WORDS) is None


HOSTILE = (
    "*/ alert(1) /*",
    "--> <script> <!--",
    "?> <?php evil(); //",
    "%> x",
    "line\nrm -rf /\r\nx\u2028y",
    "vim: set modeline foldexpr=x:",
    "-*- mode: sh; eval: (evil) -*-",
    "coding: latin-1",
    "\x1b[31m\u202e\u200b",
    "x" * 5000,
    "]] -} {- '''",
)


@pytest.mark.parametrize(("path", "words"), [*itertools.product(["a.ts", "a.css", "a.html", "a.py", "a.php", "a.lua", "a.hs"], HOSTILE)])
def test_words_cannot_leave_the_comment(path: str, words: str) -> None:
    text = "<?php\n" if path == "a.php" else "x\n"
    edit = task_comment(text, path, "frontend", f"do it {words} now")
    assert edit is not None
    after = text[: edit.start] + edit.new + text[edit.end :]
    (comment,) = task_comments(after, path, ["frontend"])
    assert comment.task.startswith("do it") and len(comment.task) <= 400
    assert edit.new.count("\n") == 1 and edit.new.removesuffix("\n").isprintable()
    start, end = comment.removal
    assert after[:start] + after[end:] == text, "the comment is all there is"
    assert not any(obeyed in after for obeyed in ("vim:", "-*-", "coding:"))


def test_without_an_owner_it_is_a_plain_note() -> None:
    edit = task_comment("x = 1\n", "a.py", "", WORDS)
    assert edit is not None and edit.new == f"# TODO: {WORDS}\n"
    assert stands_in(edit.new + "x = 1\n", "a.py", "", WORDS)


@pytest.mark.parametrize(
    ("command", "seen"),
    [
        ("npm test", "npm test"),
        ("a\tb", "a⟨U+0009⟩b"),
        ("a\r\nb", "a⟨U+000D⟩\nb"),
        ("\x1b]52;c;x\x07", "⟨U+001B⟩]52;c;x⟨U+0007⟩"),
        ("x \u202egpj.exe\u2066", "x ⟨U+202E⟩gpj.exe⟨U+2066⟩"),
        ("a\u200bb\u00a0c\u2800d\ufe0f\U000e0041", "a⟨U+200B⟩b⟨U+00A0⟩c⟨U+2800⟩d⟨U+FE0F⟩⟨U+E0041⟩"),
        ("a\u2028b\x85c", "a⟨U+2028⟩b⟨U+0085⟩c"),
        ("\ud800", "⟨U+D800⟩"),
        ("[safe](command:evil)", "[safe]⟨⟩(command:evil)"),
        ("echo 'grüße' 数据", "echo 'grüße' 数据"),
    ],
)
def test_nothing_in_a_command_is_hidden(command: str, seen: str) -> None:
    assert shown(command) == seen


def test_the_question_shows_the_whole_command_and_that_it_runs_unprotected() -> None:
    command = "\n".join(f"echo {number} {'x' * 100}" for number in range(300))
    text = question("backend_dev", command)
    assert "runs unprotected" in text and f"300 lines, {len(command)} characters" in text
    assert [line.strip().removesuffix(" ⏎") for line in text.splitlines()[2:]] == command.splitlines()


SECRET_NAMES = (
    "AIGENTFLOW_TRUST_TOKEN",
    "OTHER_" + "TOKEN",
    "AWS_" + "SECRET_ACCESS_KEY",
    "SSH_AUTH_SOCK",
    "XDG_RUNTIME_DIR",
    "DOCKER_HOST",
    "X",
)


def test_a_host_gets_what_it_needs_and_no_more() -> None:
    needed = {
        "PATH": "/bin",
        "HOME": "/home/me",
        "XDG_STATE_HOME": "/home/me/.local/state",
        "AIGENTFLOW_STATE_DIR": "/state",
        "AIGENTFLOW_SCRIPT": "/script.json",
        "ANTHROPIC_API_KEY": "key",
        "ANTHROPIC_CUSTOM_HEADERS": "A: b",
        "https_proxy": "http://proxy",
        "SSL_CERT_FILE": "/ca.pem",
        "LC_ALL": "C.UTF-8",
        "PYENV_ROOT": "/home/me/.pyenv",
        "NVM_DIR": "/home/me/.nvm",
        "PYTHONPATH": "/src",
        "SystemRoot": "C:\\Windows",
    }
    assert host_environment({**needed, **dict.fromkeys(SECRET_NAMES, "/secret"), "FAKE_HOME": "not a place"}) == needed


class Terminal:
    """A terminal whose other end the test holds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pty = pytest.importorskip("pty")
        self.outer, self.inner = pty.openpty()
        self.seen = ""
        self._monkeypatch = monkeypatch

    async def ask(self, typed: str | None) -> bool:
        from aigentflow.command_line.approval import approve_at_terminal

        # Here and not in the fixture, since pytest puts its own in between.
        self._monkeypatch.setattr("sys.stdin", os.fdopen(os.dup(self.inner), encoding="utf-8"))
        self._monkeypatch.setattr("sys.stderr", os.fdopen(os.dup(self.inner), "w", buffering=1, encoding="utf-8"))
        asking = asyncio.ensure_future(approve_at_terminal("dev", "echo \x1b[2J"))
        while "Type `yes`" not in self.seen:
            self.seen += (await asyncio.to_thread(os.read, self.outer, 4096)).decode()
            await asyncio.sleep(0)
        if typed is None:
            asking.cancel()
        else:
            os.write(self.outer, typed.encode())
        return await asking


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    made = Terminal(monkeypatch)
    yield made
    os.close(made.outer)
    os.close(made.inner)


@pytest.mark.parametrize(("typed", "allowed"), [("yes\n", True), ("y\n", False), ("\n", False), ("YES\n", False), ("no yes\n", False)])
def test_at_a_terminal_only_yes_is_a_yes(terminal: Terminal, typed: str, allowed: bool) -> None:
    assert asyncio.run(terminal.ask(typed)) is allowed
    assert "echo ⟨U+001B⟩[2J" in terminal.seen and "runs unprotected" in terminal.seen


def test_at_a_terminal_waiting_can_be_cancelled(terminal: Terminal) -> None:
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(terminal.ask(None))


def test_nobody_is_asked_about_what_nobody_would_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from aigentflow.command_line.approval import approve_at_terminal

    for stream in ("sys.stdin.isatty", "sys.stderr.isatty"):
        monkeypatch.setattr(stream, lambda: True)
    assert asyncio.run(approve_at_terminal("dev", "x" * 10_001)) is False
    assert "10,001 characters" in capsys.readouterr().err


def test_without_a_terminal_nothing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    from aigentflow.command_line.approval import approve_at_terminal

    assert asyncio.run(approve_at_terminal("dev", "true")) is False
    assert "nobody can be asked" in capsys.readouterr().err


def test_the_answer_of_another_question_is_none_of_this(root: Path) -> None:
    from aigentflow.runtime.host import _Questions

    sent: list[dict[str, Any]] = []

    async def go(*frames: dict[str, Any]) -> bool:
        questions = _Questions(sent.append)
        asking = asyncio.ensure_future(questions.ask("true"))
        await asyncio.sleep(0)
        for frame in frames:
            questions.answer(frame)
        return await asking

    yes, no = {"id": 1, "allowed": True}, {"id": 1, "allowed": "true"}
    assert asyncio.run(go({"id": 2, "allowed": True}, {"id": [1]}, yes)) is True
    assert asyncio.run(go(no, yes)) is False, "the first answer counts, and only a plain yes is one"
    assert sent[0] == {"type": "ask", "id": 1, "command": "true"}
