"""What the guard marks as making tests or checks weaker, and which changes it lets be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from aigentflow.runtime.auditing.weakening import MOST_PARTS, weakenings
from aigentflow.runtime.result import WeakeningPart
from aigentflow.workspace.diff import hunks
from aigentflow.workspace.proposal import Base, FileChange, Hunk, Proposal, TextEdit

CORPUS = Path(__file__).parents[1] / "claims"
WEAKENING: list[dict[str, Any]] = yaml.safe_load((CORPUS / "weakening.yaml").read_text(encoding="utf-8"))
HARMLESS: list[dict[str, Any]] = yaml.safe_load((CORPUS / "harmless.yaml").read_text(encoding="utf-8"))


def change(path: str, before: str | None, after: str | None, was: str | None = None) -> FileChange:
    """Return a change as the overlay would make it."""
    if before is None:
        return FileChange(path, "create", None, after, (Hunk(f"{path}#1", TextEdit(0, 0, after or ""), ""),))
    base = Base(before, "", None)
    if after is None:
        return FileChange(path, "delete", base, None)
    return FileChange(path, "rename" if was else "modify", base, after, hunks(path, before, after), from_path=was)


def found(case: dict[str, Any]) -> tuple[WeakeningPart, ...]:
    files = case.get("files") or [case]
    return weakenings(Proposal(tuple(change(file["path"], file.get("before"), file.get("after"), file.get("from")) for file in files)))


def test_the_corpus_is_large_enough() -> None:
    assert len(WEAKENING) >= 40 and len(HARMLESS) >= 25
    names = [case["name"] for case in WEAKENING + HARMLESS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", WEAKENING, ids=[case["name"] for case in WEAKENING])
def test_a_weakening_is_marked_with_its_line(case: dict[str, Any]) -> None:
    parts = found(case)
    said = [(part.line, part.kind) for part in parts]
    assert said == [(line, kind) for line, kind in case["marks"]], parts
    assert all(part.message and part.message.isprintable() and part.path for part in parts)


@pytest.mark.parametrize("case", HARMLESS, ids=[case["name"] for case in HARMLESS])
def test_a_harmless_change_is_no_alarm(case: dict[str, Any]) -> None:
    assert found(case) == ()


def test_the_number_of_marks_is_bounded() -> None:
    before = "".join(f"it('t{n}', () => {{ expect(f({n})).toBe({n}); }});\n" for n in range(1_000))
    assert len(weakenings(Proposal((change("a.spec.ts", before, before.replace("it(", "it.skip(")),)))) == MOST_PARTS


@pytest.mark.parametrize(
    "text", ["", "\ufeff", "expect(", "it('", "`${`${", "{" * 5_000, "expect(" * 3_000, "\r\r\n\u2028it.skip(", '"' * 999]
)
@pytest.mark.parametrize(
    "path",
    [
        "a.spec.ts",
        "test_a.py",
        "tsconfig.json",
        "package.json",
        "eslint.config.js",
        "vitest.config.ts",
        "pyproject.toml",
        ".github/workflows/ci.yml",
        "x.snap",
    ],
)
def test_broken_text_does_no_harm(path: str, text: str) -> None:
    for before, after in ((text, "x\n"), ("x\n", text), (None, text), (text, None)):
        weakenings(Proposal((change(path, before, after),)))
