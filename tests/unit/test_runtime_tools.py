"""Each tool over overlay and boundary; a failure is an answer that says what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aigentflow.errors import ToolError
from aigentflow.runtime.searching import Query, Searcher
from aigentflow.runtime.tool_schemas import ALL, NAMES
from aigentflow.runtime.tools import Toolbox, ToolResult
from aigentflow.runtime.turns import ToolCall
from aigentflow.workspace.boundary import Boundary, DenyRule, Rules
from aigentflow.workspace.overlay import Overlay
from aigentflow.workspace.snapshot import Buffer, Snapshot
from run_making import write_files

FILES = {
    "src/a.ts": "const a = 1;\nconst b = 2;\n",
    "src/deep/c.ts": "export const c = 'needle';\n",
    "src/notes.md": "a needle here\nand\na Needle there\n",
    "web/page.ts": "const page = 1;\n",
    ".env": "SECRET=needle\n",
    "binary.dat": b"\x00\x01needle\xff",
    ".gitignore": "build/\n",
    "build/out.ts": "needle\n",
}
Call = Callable[..., ToolResult]


@pytest.fixture
def overlay(tmp_path: Path) -> Overlay:
    write_files(tmp_path, FILES)
    rules = Rules(allow=("src/**",), deny=(DenyRule("web/**", "frontend_dev"),), source="test")
    boundary = Boundary(tmp_path, rules)
    return Overlay(Snapshot(tmp_path, [Buffer("src/open.ts", "unsaved needle\n", 3)]), boundary)


@pytest.fixture
def call(overlay: Overlay) -> Call:
    searcher = Searcher(seconds=2.0)
    toolbox = Toolbox(overlay, overlay.boundary, NAMES, searcher)

    def called(name: str, **arguments: Any) -> ToolResult:
        async def go() -> ToolResult:
            try:
                return await toolbox.call(ToolCall("t", name, {key.replace("_n", "-n"): value for key, value in arguments.items()}))
            finally:
                await searcher.close()

        return asyncio.run(go())

    return called


def test_the_schemas_are_compact_and_sorted_the_same_way_always() -> None:
    assert len(json.dumps(ALL)) <= 5000
    assert NAMES == ("Read", "Write", "Edit", "Grep", "Glob", "Bash")


def test_read_numbers_lines(call: Call) -> None:
    assert call("Read", file_path="src/a.ts").text == "     1\tconst a = 1;\n     2\tconst b = 2;"


def test_a_password_in_the_address_of_a_remote_is_not_shown(call: Call, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir(exist_ok=True)
    (tmp_path / ".git/config").write_text('[remote "origin"]\n\turl = https://me:hunter-two-three@example.org/shop.git\n')
    shown = call("Read", file_path=".git/config").text
    assert "example.org" in shown and "hunter" not in shown


def test_read_sees_unsaved_text(call: Call) -> None:
    assert "unsaved needle" in call("Read", file_path="src/open.ts").text


def test_an_absolute_path_inside_is_as_good(call: Call, tmp_path: Path) -> None:
    assert "const a" in call("Read", file_path=str(tmp_path / "src/a.ts")).text


def test_read_of_a_part_says_how_to_go_on(call: Call, overlay: Overlay) -> None:
    overlay.write("src/long.ts", "".join(f"line {n}\n" for n in range(1, 5001)))
    text = call("Read", file_path="src/long.ts", offset=10, limit=2).text
    assert text == "    10\tline 10\n    11\tline 11\n[lines 10 to 11 of 5,000; go on with offset 12]"
    assert "go on with offset 2001" in call("Read", file_path="src/long.ts").text
    assert call("Read", file_path="src/long.ts", offset=6000).is_error


def test_long_lines_are_cut_and_that_is_said(call: Call, overlay: Overlay) -> None:
    overlay.write("src/wide.ts", "x" * 1_000_000 + "\n")
    text = call("Read", file_path="src/wide.ts").text
    assert len(text) < 3_000 and "1,000,000 characters" in text and "were cut" in text


def test_one_answer_is_bounded(call: Call, overlay: Overlay) -> None:
    overlay.write("src/huge.ts", ("y" * 1_500 + "\n") * 1_000)
    text = call("Read", file_path="src/huge.ts").text
    assert len(text) < 110_000 and "go on with offset" in text


@pytest.mark.parametrize("path", ["src/none.ts", "src", "binary.dat"])
def test_what_cannot_be_read_is_an_answer(call: Call, path: str) -> None:
    result = call("Read", file_path=path)
    assert result.is_error and path in result.text and result.refused is None


@pytest.mark.parametrize("path", [".env", "../outside.ts", "/etc/passwd", "src/../../x", "~/.ssh/id_rsa"])
def test_what_must_not_be_read_is_refused(call: Call, path: str) -> None:
    result = call("Read", file_path=path)
    assert result.is_error and result.refused is not None and result.refused.tool == "Read"


def test_a_refused_change_names_rule_and_owner_and_the_way_on(call: Call, overlay: Overlay) -> None:
    result = call("Edit", file_path="web/page.ts", old_string="1", new_string="2")
    assert result.refused is not None
    assert (result.refused.pattern, result.refused.owner, result.refused.rule) == ("web/**", "frontend_dev", "deny")
    assert "web/**" in result.text and "frontend_dev" in result.text and "`notes`" in result.text
    assert overlay.changed == ()


def test_edit_changes_one_place(call: Call, overlay: Overlay) -> None:
    assert call("Edit", file_path="src/a.ts", old_string="a = 1", new_string="a = 3").text == "Changed 1 place in src/a.ts."
    assert overlay.read("src/a.ts") == "const a = 3;\nconst b = 2;\n"


def test_an_edit_that_does_not_fit_shows_what_is_near(call: Call) -> None:
    result = call("Edit", file_path="src/a.ts", old_string="const a = 7;", new_string="x")
    assert result.is_error and "const a = 1;" in result.text


def test_write_over_a_file_that_was_not_read_is_held_back(call: Call, overlay: Overlay) -> None:
    held = call("Write", file_path="src/a.ts", content="new\n")
    assert held.is_error and "read it first" in held.text and overlay.changed == ()
    call("Read", file_path="src/a.ts")
    assert not call("Write", file_path="src/a.ts", content="new\n").is_error
    assert overlay.read("src/a.ts") == "new\n"


def test_write_makes_new_files_and_may_replace_its_own(call: Call, overlay: Overlay) -> None:
    assert "Created src/new.ts (1 lines)" in call("Write", file_path="src/new.ts", content="1\n").text
    assert not call("Write", file_path="src/new.ts", content="2\n").is_error
    assert overlay.read("src/new.ts") == "2\n"


def test_a_write_outside_is_refused_whether_or_not_it_was_read(call: Call) -> None:
    assert call("Write", file_path="web/page.ts", content="x").refused is not None
    assert call("Write", file_path="top.ts", content="x").refused is not None


def test_glob_anchors_at_its_path(call: Call) -> None:
    assert call("Glob", pattern="**/*.ts").text.splitlines() == ["src/a.ts", "src/deep/c.ts", "web/page.ts", "src/open.ts"]
    assert call("Glob", pattern="*.ts", path="src").text.splitlines() == ["src/a.ts", "src/open.ts"]
    assert "No file" in call("Glob", pattern="*.ts").text


@pytest.mark.parametrize("pattern", ["../*", "/etc/*", "src/../../*"])
def test_glob_does_not_lead_outside(call: Call, pattern: str) -> None:
    assert call("Glob", pattern=pattern).refused is not None


def test_grep_lists_files_and_skips_ignored_secret_and_binary_ones(call: Call) -> None:
    assert call("Grep", pattern="needle").text.splitlines() == ["src/deep/c.ts", "src/notes.md", "src/open.ts"]


def test_grep_shows_lines(call: Call) -> None:
    shown = call("Grep", pattern="needle", output_mode="content", path="src/notes.md", **{"-i": True})
    assert shown.text.splitlines() == ["src/notes.md:1:a needle here", "src/notes.md:3:a Needle there"]
    assert call("Grep", pattern="^and$", output_mode="content", glob="*.md", **{"-C": 1}).text.splitlines() == [
        "src/notes.md-1-a needle here",
        "src/notes.md:2:and",
        "src/notes.md-3-a Needle there",
    ]
    assert call("Grep", pattern="^and$", output_mode="content", **{"-n": False}).text == "src/notes.md:and"


def test_grep_counts_and_matches_across_lines(call: Call) -> None:
    assert call("Grep", pattern="[Nn]eedle", output_mode="count", glob="*.md").text == "src/notes.md:2"
    across = call("Grep", pattern="here.and", output_mode="content", multiline=True)
    assert across.text.splitlines() == ["src/notes.md:1:a needle here", "src/notes.md:2:and"]


def test_grep_stops_at_its_limit_and_says_so(call: Call, overlay: Overlay) -> None:
    overlay.write("src/many.ts", "hit\n" * 1_000)
    text = call("Grep", pattern="hit", output_mode="content", head_limit=5).text
    assert text.count("src/many.ts") == 5 and "only the first 5" in text


def test_grep_sees_what_this_run_changed(call: Call, overlay: Overlay) -> None:
    overlay.edit("src/a.ts", "a = 1", "pending = 1")
    assert call("Grep", pattern="pending").text == "src/a.ts"


@pytest.mark.parametrize("pattern", ["(", "[a", "*x", "(?P<n>a)(?P<n>b)"])
def test_a_bad_pattern_is_an_answer(call: Call, pattern: str) -> None:
    result = call("Grep", pattern=pattern)
    assert result.is_error and "regular expression" in result.text


def test_a_pattern_that_explodes_is_stopped_and_the_next_search_works(call: Call, overlay: Overlay) -> None:
    overlay.write("src/evil.txt", "a" * 40 + "!\n")
    result = call("Grep", pattern="^(a+)+$")
    assert result.is_error and "was stopped" in result.text
    assert call("Grep", pattern="needle", path="src/notes.md").text == "src/notes.md"


def test_grep_of_a_secret_file_by_name_is_refused(call: Call) -> None:
    assert call("Grep", pattern="SECRET", path=".env").refused is not None


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("Read", {}, "needs file_path"),
        ("Read", {"file_path": 7}, "type string"),
        ("Read", {"file_path": "a", "line": 1}, "no argument 'line'"),
        ("Read", {"file_path": "a", "offset": "1"}, "type integer"),
        ("Read", {"file_path": "a", "offset": True}, "type integer"),
        ("Read", {"file_path": "a", "limit": -1}, "negative"),
        ("Grep", {"pattern": "a", "output_mode": "everything"}, "one of"),
        ("Edit", {"file_path": "a", "old_string": "b"}, "needs new_string"),
    ],
)
def test_wrong_arguments_say_what_is_wrong(overlay: Overlay, name: str, arguments: dict[str, Any], why: str) -> None:
    toolbox = Toolbox(overlay, overlay.boundary, NAMES, Searcher())
    result = asyncio.run(toolbox.call(ToolCall("t", name, arguments)))
    assert result.is_error and result.invalid and why in result.text


def test_a_tool_that_is_not_offered_is_refused(overlay: Overlay) -> None:
    toolbox = Toolbox(overlay, overlay.boundary, ("Read",), Searcher())
    result = asyncio.run(toolbox.call(ToolCall("t", "Bash", {"command": "ls"})))
    assert result.refused is not None and "Bash" in result.text and "Read" in result.text
    written = asyncio.run(toolbox.call(ToolCall("t", "Write", {"file_path": "src/a.ts", "content": ""})))
    assert written.refused is not None and "only reads" in written.text and overlay.changed == ()


def test_a_search_that_is_cancelled_leaves_no_child() -> None:
    async def go() -> None:
        searcher = Searcher(seconds=30)
        task = asyncio.create_task(searcher.search(Query("^(a+)+$"), [("f", "a" * 40 + "!")]))
        while searcher.process_id is None:
            await asyncio.sleep(0)
        child = searcher.process_id
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert searcher.process_id is None and not Path(f"/proc/{child}/fd").exists()

    asyncio.run(go())


def test_a_search_is_bounded_in_time() -> None:
    async def go() -> None:
        searcher = Searcher(seconds=0.2)
        with pytest.raises(ToolError, match="simpler pattern"):
            await searcher.search(Query("^(a|a)*$"), [("f", "a" * 60 + "!")])

    asyncio.run(go())
