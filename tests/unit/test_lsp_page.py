"""A run's page: what was measured stands beside what was claimed, and nothing that a model or a command says can act on the page."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aigentflow.lsp.page import render
from aigentflow.lsp.page_text import cell, cleaned, code, fenced, file_link, inline, quoted
from aigentflow.runtime.result import (
    BoxPart,
    ClaimPart,
    CommandPart,
    FailurePart,
    RefusalPart,
    RunResult,
    VerificationPart,
    WeakeningPart,
)

ROOT = Path("/home/somebody/my shop")
HOSTILE = (
    "# Owned",
    "- # Owned",
    "x\n\n## Owned\n\ny",
    "x\n===",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](https://evil.example)",
    "![i](https://evil.example/p.png)",
    "https://evil.example/?q=1",
    "www.evil.example",
    "mail@evil.example",
    "```\n# Owned\n```",
    "`` ` ``",
    "| a | b |\n|---|---|",
    "**bold** __bold__ ~~gone~~",
    "&lt;script&gt; &#x202e;",
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "a\u202egnp.exe\u2066b\u200bc\U000e0041",
    "1. one",
    "> quote",
    "--- ",
    "\\[click](https://evil.example)",
    "\r# Owned",
    "\u2028# Owned",
    "x | y",
    "$&",
)


def _run(result: RunResult, **more: Any) -> Any:
    order = SimpleNamespace(path="src/a.ts", task="Change a.ts", root=ROOT)
    plain = {
        "id": "abc12345",
        "agent": SimpleNamespace(id="backend_dev"),
        "title": "Change it",
        "order": order,
        "going_on": False,
        "line": lambda: result.outcome,
        "result": result.model_dump(),
        "events": [],
        "review": None,
    }
    return SimpleNamespace(**(plain | more))


def _result(**more: Any) -> RunResult:
    return RunResult(run="abc12345", agent="backend_dev", outcome="finished", **more)


FULL = _result(
    box=BoxPart(tier=1, name="namespaces", words="no network, copy-on-write, secrets hidden", limits=("slower with many files",)),
    commands=(
        CommandPart(command="npm test", exit=1, seconds=2.34, output="one\ntwo", n_changes=3),
        CommandPart(command="npm run generate", exit=0, seconds=0.5, changes_kept=("src/gen.ts",), n_changes=1),
        CommandPart(command="sleep 999", ended="ended after 120 s", seconds=120.0),
    ),
    verification={
        "typecheck": VerificationPart(status="pass", command="npx tsc --noEmit", exit=0, seconds=2.1),
        "tests": VerificationPart(
            status="fail",
            command="npx vitest run src",
            exit=1,
            reason="1 of 3 tests failed\nexpected 2 to be 3",
            failures=(FailurePart(path="src/a.spec.ts", line=12, column=3, message="expected 2 to be 3", code="AssertionError"),),
        ),
        "lint": VerificationPart(reason="there is no linter"),
    },
    claims=(
        ClaimPart(claim="modify src/a.ts", verdict="confirmed"),
        ClaimPart(claim="docs are up to date", verdict="unwitnessed", why="nothing was looked at"),
        ClaimPart(claim="tests: pass", verdict="contradicted", why="they were measured and fail"),
    ),
    weakenings=(WeakeningPart(path="src/a.spec.ts", line=9, kind="test-skipped", message="it() became it.skip()"),),
    refusals=(RefusalPart(tool="Edit", path="web/x.ts", reason="outside the boundary", owner="frontend"),),
)


def test_everything_measured_is_on_the_page() -> None:
    page = render(_run(FULL))
    assert page.index("## This change weakens checks") < page.index("## Verification (measured)") < page.index("## Claims of the agent")
    assert "tier 1 (namespaces)" in page and "no network, copy-on-write, secrets hidden" in page and "- limit: slower with many" in page
    assert "- `npm test` – exit 1, 2.3 s, 3 changed paths in the box, dropped\n\n  ```\n  one\n  two\n  ```" in page
    assert "- `npm run generate` – exit 0, 0.5 s, kept `src/gen.ts`" in page and "ended after 120 s, 120.0 s" in page
    assert "| tests | **fail** | pass | `npx vitest run src` (exit 1) | 1 of 3 tests failed |" in page
    assert "| typecheck | **pass** | – | `npx tsc --noEmit` (exit 0, 2.1 s) |  |" in page
    assert "| lint | **not run** | – | – | there is no linter |" in page
    assert "[src/a.spec.ts:12](<file:///home/somebody/my%20shop/src/a.spec.ts#L12>) – expected 2 to be 3 (AssertionError)" in page
    assert "web/x.ts`: outside the boundary – belongs to frontend" in page


def test_contradicted_claims_come_first_and_confirmed_ones_are_counted() -> None:
    claims = render(_run(FULL)).partition("## Claims of the agent")[2].partition("##")[0]
    assert claims.index("contradicted") < claims.index("unwitnessed") < claims.index("1 confirmed")
    assert "tests: pass – they were measured and fail" in claims and "src/a.ts" not in claims


def test_a_run_without_commands_or_findings_has_no_empty_sections() -> None:
    page = render(_run(_result()))
    assert re.findall(r"^## .*", page, re.M) == ["## Cost"]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (BoxPart(tier=6, name="none", words="there is no box on this machine"), "Commands are off (tier 6, none)"),
        (BoxPart(tier=3, name="landlock", words="on a copy"), "Commands ran in a box of tier 3 (landlock): on a copy"),
        (
            BoxPart(tier=1, name="namespaces", words="commands run on a view: no network"),
            "Commands, tier 1 (namespaces), run on a view: no",
        ),
        (BoxPart(tier=6, name="none", words="commands are off: no box"), "Commands, tier 6 (none), are off: no box"),
    ],
)
def test_the_tier_in_force_is_said_without_a_command_too(place: BoxPart, said: str) -> None:
    assert said in render(_run(_result(box=place)))


def test_commands_without_a_box_are_called_unprotected() -> None:
    ran = _result(box=BoxPart(tier=6, name="none"), commands=(CommandPart(command="make", exit=0),))
    assert "**ran unprotected**" in render(_run(ran))


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_said_can_act_on_the_page(text: str) -> None:
    part = {"path": text, "line": 1, "message": text}
    result = _result(
        reason=text,
        box=BoxPart(tier=1, name=text, words=text, limits=(text,)),
        commands=(CommandPart(command=text, exit=0, ended=text, output=text, changes_kept=(text,)),),
        verification={
            "tests": VerificationPart(status="fail", command=text, exit=1, reason=text, failures=(FailurePart(code=text, **part),))
        },
        claims=(ClaimPart(claim=text, verdict="contradicted", why=text), ClaimPart(claim=f"tests: {text}", verdict="unwitnessed")),
        weakenings=(WeakeningPart(kind=text, **part),),
        refusals=(RefusalPart(tool=text, path=text, reason=text, owner=text),),
        report=text,
        report_format="text",
    )
    events = [
        {"kind": "tool_called", "tool": text, "subject": text},
        {"kind": "tool_answered", "is_error": True, "summary": text},
        {"kind": "noted", "text": text},
    ]
    order = SimpleNamespace(path=text, task=text, root=ROOT)
    page = render(_run(result, events=events, title=text, order=order, line=lambda: text))
    seen = _outside_fences(page)
    headings = [line for line in seen if re.match(r"\s*(?:[-*+>]\s+)*#{1,6}\s", line)]
    assert headings == [line for line in seen if line.startswith(("# b", "## "))]
    assert not any("Owned" in line for line in seen if line.startswith("#") and not line.startswith("# backend_dev: "))
    bare = re.sub(r"(?<!\\)\]\(<file:///[^<>&\s]*>\)", "", "\n".join(_without_code(line) for line in seen))
    assert not re.search(r"(?<!\\)<", bare), "no HTML"
    assert not re.search(r"(?<!\\)\]\(", bare), "no links but ours"
    assert not re.search(r"https?://|(?<![\\/])www\.|(?<!\\)@", bare), "nothing that becomes a link by itself"
    assert not re.search(r"(?<!\\)&", bare), "no entities"
    assert not any(re.fullmatch(r"\s*>?\s*(?:=+|-{3,})\s*", line) for line in seen)
    assert all(character.isprintable() or character in "\n\t" for character in page)
    table = [line for line in seen if line.startswith("|")]
    assert len(table) == 3 and all(len(re.findall(r"(?<!\\)\|", line)) == 6 for line in table)


def _outside_fences(page: str) -> list[str]:
    lines, fence = [], ""
    for line in page.split("\n"):
        mark = re.match(r"\s*(`{3,})", line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif mark:
            fence = mark[1]
        else:
            lines.append(line)
    assert not fence, "every fence is closed"
    return lines


def _without_code(line: str) -> str:
    """Return the line without its code spans, found as CommonMark finds them."""
    found, at = [], 0
    while (opening := re.compile(r"(?<![\\`])`+").search(line, at)) is not None:
        closing = re.compile(rf"(?<!`){opening.group()}(?!`)").search(line, opening.end())
        found.append(line[at : opening.start()])
        at = closing.end() if closing is not None else opening.end()
    return "".join([*found, line[at:]])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("\x1b[1mbold\x1b[0m\x07", "bold⟨U+0007⟩"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("👩\u200d💻 naïve", "👩\u200d💻 naïve"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("\ud800", "⟨U+D800⟩"),
    ],
)
def test_what_is_not_seen_is_shown(text: str, shown: str) -> None:
    assert cleaned(text) == shown


def test_small_pieces() -> None:
    assert inline("snake_case stays, _this_ does not") == "snake_case stays, \\_this\\_ does not"
    assert inline("10. ten") == "10\\. ten" and inline("10 tens") == "10 tens"
    assert len(inline("x" * 10_000)) == 400
    assert code("a`b``c") == "```a`b``c```" and code("`") == "`` ` ``" and code("") == ""
    assert cell("`a|b`") == "`a\\|b`"
    assert fenced("````") == "`````\n````\n`````"
    assert quoted("a\n\n# b") == "> a\n>\n> \\# b"


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.ts", "a/../../x.ts", "a//b", "a\\b", "a\nb", ""])
def test_a_path_that_leads_elsewhere_is_no_link(path: str) -> None:
    assert "](" not in file_link(ROOT, path, 1)
