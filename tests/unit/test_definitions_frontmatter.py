"""Front matter as people write it: valid YAML, nearly valid YAML, and none at all."""

from __future__ import annotations

import pytest

from aigentflow.definitions.frontmatter import FrontMatter, read_front_matter
from aigentflow.definitions.nodes import Items, Scalar

KNOWN = ("agent", "description", "model", "tools", "read_only", "boundaries", "commands")


def read(text: str) -> FrontMatter:
    return read_front_matter(text, KNOWN)


def value(front: FrontMatter, name: str) -> str:
    entry = front.fields.get(name)
    assert entry is not None, name
    assert isinstance(entry.value, Scalar)
    return entry.value.text


def body(text: str) -> str:
    front = read(text)
    return text[front.body.start : front.body.end]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff", "\n"])
def test_every_line_end_and_a_byte_order_mark(end: str, mark: str) -> None:
    text = mark + end.join(["---", "agent: a", "model: sonnet", "---", "Body", ""])
    front = read(text)
    assert (value(front, "agent"), value(front, "model"), front.problems) == ("a", "sonnet", ())
    assert text[front.body.start :] == f"Body{end}"
    entry = front.fields.get("model")
    assert entry is not None
    assert text[entry.value.span.start : entry.value.span.end] == "sonnet"


def test_a_file_without_front_matter_is_all_body() -> None:
    assert not read("# Title\n\n---\n\nagent: no\n").present
    assert body("\ufeff# Title\n") == "# Title\n"
    assert not read("").present


def test_a_rule_in_the_body_ends_nothing() -> None:
    assert body("---\nagent: a\n---\none\n\n---\n\ntwo\n") == "one\n\n---\n\ntwo\n"


@pytest.mark.parametrize("word", ["no", "on", "2024-01-01", "0x10", "1e3", "12:30:00", "null island"])
def test_values_stay_as_they_were_written(word: str) -> None:
    assert value(read(f"---\nagent: {word}\n---\n"), "agent") == word


def test_the_key_named_on_stays_a_word() -> None:
    assert read("---\non: [file]\n---\n").fields.get("on") is not None


def test_an_unquoted_colon_costs_nothing_but_a_note() -> None:
    text = "---\nagent: a\ndescription: Use it so: first this, then that\ntools: [Read, Grep]\n---\nBody"
    front = read(text)
    assert value(front, "description") == "Use it so: first this, then that"
    tools = front.fields.get("tools")
    assert tools is not None
    assert isinstance(tools.value, Items)
    assert [(problem.severity, problem.code) for problem in front.problems] == [("info", "front-matter.yaml")]
    assert body(text) == "Body"


def test_dialogue_that_spills_to_the_margin_belongs_to_its_field() -> None:
    text = '---\nagent: a\ndescription: Use when\n\nuser: "do it" now: please\nassistant: "I will"\nmodel: opus\n---\n'
    front = read(text)
    assert value(front, "description") == 'Use when user: "do it" now: please assistant: "I will"'
    assert value(front, "model") == "opus"


def test_a_glob_that_looks_like_an_alias_is_a_glob() -> None:
    assert value(read("---\nagent: a\nmodel: *fast\n---\n"), "model") == "*fast"


def test_tabs_as_indentation_are_read() -> None:
    front = read("---\nagent: a\nboundaries:\n\tallow: [x/**]\n---\n")
    assert front.fields.get("boundaries") is not None
    assert not isinstance(front.fields.get("boundaries"), Scalar)


def test_a_missing_end_before_the_body_is_found() -> None:
    text = "---\nagent: a\nmodel: opus\n\n# Role\n\nYou *are: one.\n\n---\n\n# Rules\n"
    front = read(text)
    assert (value(front, "agent"), value(front, "model")) == ("a", "opus")
    assert "front-matter.unclosed" in {problem.code for problem in front.problems}
    assert body(text).startswith("# Role")


def test_a_missing_end_without_any_rule_is_found() -> None:
    text = "---\nagent: a\n\nYou are one.\n"
    assert value(read(text), "agent") == "a"
    assert "You are one." in body(text)
    assert value(read("---\nagent: a"), "agent") == "a"


def test_a_missing_end_does_not_lose_fields_behind_a_blank_line() -> None:
    text = "---\nagent: a\n\ntools: [Read]\n\nYou are one.\n"
    assert read(text).fields.get("tools") is not None
    assert body(text).strip() == "You are one."


def test_a_field_that_stands_there_twice_counts_once() -> None:
    assert value(read("---\nagent: a\nagent: b\n---\n"), "agent") == "b"


@pytest.mark.parametrize(
    "bomb",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nagent: [*c,*c,*c,*c,*c,*c,*c]",
        "agent: " + "[" * 5000,
        "agent: " + "{a: " * 5000,
        "agent: &a [*a]",
        "agent: a\n" + "- x\n" * 20_000,
        "? " * 3000 + "x",
        "agent: !!python/object/apply:os.system [ls]",
        'agent: "\\UFFFFFFFF"',
        "agent: a\x00b",
        "%YAML 9.9",
    ],
)
@pytest.mark.timeout(30)
def test_hostile_yaml_costs_neither_time_nor_the_file(bomb: str) -> None:
    front = read(f"---\n{bomb}\n---\nBody")
    assert front.body.end == len(f"---\n{bomb}\n---\nBody")


def test_a_huge_front_matter_is_not_read() -> None:
    front = read("---\n" + "x: y\n" * 40_000 + "---\nBody")
    assert [problem.code for problem in front.problems] == ["front-matter.size"]


def test_a_list_instead_of_fields_is_told() -> None:
    front = read("---\n- agent\n---\n")
    assert [problem.code for problem in front.problems] == ["front-matter.shape"]
