"""Task comments in any comment syntax."""

from __future__ import annotations

from time import process_time

import pytest

from aigentflow.syntax.comments import TaskComment, task_comments


def tasks(path: str, text: str) -> list[str]:
    return [comment.task for comment in task_comments(text, path, ("backend_dev", "tester"))]


def without(text: str, comment: TaskComment) -> str:
    return text[: comment.removal[0]] + text[comment.removal[1] :]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.ts", "// @backend_dev: do it"),
        ("a.tsx", "const x = <div>{/* @backend_dev: do it */}</div>;"),
        ("a.js", "/* @backend_dev: do it */"),
        ("a.go", "/// @backend_dev: do it"),
        ("a.rs", "fn f<'a>() {} // @backend_dev: do it"),
        ("a.py", "# @backend_dev: do it"),
        ("a.yaml", "key: value # @backend_dev: do it"),
        ("Dockerfile", "# @backend_dev: do it"),
        ("q.sql", "-- @backend_dev: do it"),
        ("a.lua", "--[[ @backend_dev: do it ]]"),
        ("a.html", "<!-- @backend_dev: do it -->"),
        ("a.vue", "<script>\n  // @backend_dev: do it\n</script>"),
        ("a.md", "text\n\n<!-- @backend_dev: do it -->\n"),
        ("a.css", "/* @backend_dev: do it */"),
        ("a.tex", "50\\% % @backend_dev: do it"),
        ("a.erl", "%% @backend_dev: do it"),
        ("a.clj", ";; @backend_dev: do it"),
        ("a.ini", "; @backend_dev: do it"),
        ("a.hs", "{- @backend_dev: do it -}"),
        ("a.php", "# @backend_dev: do it"),
        ("a.tf", "# @backend_dev: do it"),
        ("what.ever", "  // @backend_dev: do it"),
        ("what.ever", "# @backend_dev: do it"),
        ("a.ts", "//@backend_dev :do it"),
        ("a.ts", "// TODO: @backend_dev: do it"),
    ],
)
def test_comment_syntaxes(path: str, text: str) -> None:
    assert tasks(path, text) == ["do it"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.ts", "const s = '// @backend_dev: no';"),
        ("a.ts", "const s = `\n// @backend_dev: no\n`;"),
        ("a.tsx", "const x = <p>// @backend_dev: no</p>;"),
        ("a.py", 'x = "# @backend_dev: no"'),
        ("a.py", '"""\n# @backend_dev: no\n"""'),
        ("a.go", "s := `\n// @backend_dev: no\n`"),
        ("a.java", 'String s = """\n// @backend_dev: no\n""";'),
        ("q.sql", "select '-- @backend_dev: no'"),
        ("a.yaml", "url: http://x#@backend_dev: no"),
        ("a.md", "```ts\n<!-- @backend_dev: no -->\n```\n"),
        ("a.md", "# @backend_dev: no"),
        ("a.vue", "<a href='https://@backend_dev: no'>"),
        ("a.ts", "// @Backend_dev: no"),
        ("a.ts", "// @backend_dev2: no"),
        ("a.ts", "// @backend_dev no colon"),
        ("a.ts", "// see @backend_dev: no"),
        ("a.ts", "// @backend_dev:"),
        ("a.ts", "@backend_dev('x')\nclass A {}"),
        ("what.ever", "value // @backend_dev: no"),
    ],
)
def test_what_is_no_task(path: str, text: str) -> None:
    assert tasks(path, text) == []


def test_consecutive_line_comments_continue_the_task() -> None:
    text = "  // @backend_dev: add cursor\n  //   pagination\n  // to this list\n  run();\n  // other\n"

    (comment,) = task_comments(text, "a.ts", ("backend_dev",))

    assert comment.task == "add cursor pagination to this list"
    assert without(text, comment) == "  run();\n  // other\n"


@pytest.mark.parametrize("stop", ["//", "// @tester: b", "// eslint-disable-next-line", "\n// far", "    // indented", "/* b */"])
def test_what_ends_a_task(stop: str) -> None:
    assert tasks("a.ts", f"// @backend_dev: a\n{stop}\n")[0] == "a"


def test_two_tasks_in_one_run_of_comments() -> None:
    text = "// @backend_dev: first\n// @tester: second\nx();\n"

    first, second = task_comments(text, "a.ts", ("backend_dev", "tester"))

    assert (first.agent, first.task, second.agent, second.task) == ("backend_dev", "first", "tester", "second")
    assert without(text, first) == "// @tester: second\nx();\n"
    assert without(text, second) == "// @backend_dev: first\nx();\n"


def test_a_trailing_comment_goes_with_the_blanks_before_it() -> None:
    text = "run();  // @backend_dev: rename\r\nnext();\r\n"

    (comment,) = task_comments(text, "a.ts", ("backend_dev",))

    assert without(text, comment) == "run();\r\nnext();\r\n"
    assert text[comment.start : comment.end] == "// @backend_dev: rename"


def test_a_task_inside_a_documentation_comment_goes_alone() -> None:
    text = "/**\n * Lists orders.\n * @backend_dev: add\n *   paging\n * @param x what\n */\nf();\n"

    (comment,) = task_comments(text, "a.ts", ("backend_dev",))

    assert comment.task == "add paging"
    assert without(text, comment) == "/**\n * Lists orders.\n * @param x what\n */\nf();\n"


def test_a_block_comment_that_stands_alone_goes_with_its_lines() -> None:
    text = "a();\n  /*\n   * @backend_dev: rename\n   */\nb();\n"

    (comment,) = task_comments(text, "a.ts", ("backend_dev",))

    assert without(text, comment) == "a();\nb();\n"


def test_half_typed_code_still_has_its_tasks() -> None:
    assert tasks("a.ts", "class A {\n  run( {\n  // @backend_dev: mend\n") == ["mend"]


def test_a_large_file_without_the_name_costs_nothing_and_with_it_is_linear() -> None:
    text = "/* " * 200_000 + "\n# @backend_dev: x"

    assert task_comments(text, "a.py", ("backend_dev",))[0].task == "x"


@pytest.mark.parametrize("agent", ["pörter", "_x", "data.engineer", "a-b"])
def test_every_name_that_an_agent_can_have_is_found(agent: str) -> None:
    (task,) = task_comments(f"# @{agent}: do it\n", "a.py", [agent])
    assert (task.agent, task.task) == (agent, "do it")


@pytest.mark.parametrize("piece", ["// @a:\n", "// @a: x\n//\n", "/* @a: x */\n", "/* @a: x\n@a: y */", "// @a: x\r"])
def test_time_grows_with_the_number_of_comments_only(piece: str) -> None:
    started = process_time()
    task_comments(piece * 20_000, "a.ts", ["a"])
    assert process_time() - started < 4


def test_the_others_on_a_run_of_comments_stay() -> None:
    text = "  // first\n  // @a: do it\n  // and more\n\n  // @a: alone\n"
    one, two = task_comments(text, "a.ts", ["a"])
    assert text[: one.removal[0]] + text[one.removal[1] :] == "  // first\n\n  // @a: alone\n"
    assert text[two.removal[0] : two.removal[1]] == "  // @a: alone\n"
