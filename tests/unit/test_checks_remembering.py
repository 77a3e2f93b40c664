"""Typing costs what was typed in: the rest of the file is remembered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aigentflow.checks import engine
from aigentflow.checks.checklist import built_in_catalogue
from aigentflow.checks.facts import ProjectFacts
from aigentflow.checks.findings import Finding, Outcome
from aigentflow.checks.remembering import Judged
from aigentflow.checks.source import SourceFile
from aigentflow.checks.units import Unit, units_of
from aigentflow.syntax.trees import Tree

METHODS = "".join(f"  step{n}() {{\n    throw new Error('no {n}');\n  }}\n" for n in range(50))
TEXT = f"import {{ Injectable }} from '@nestjs/common';\n\n@Injectable()\nexport class Big {{\n{METHODS}}}\n\nexport const a = 1;\n"
PATH = "src/big.ts"


class View:
    def read(self, path: str) -> str | None:
        return TEXT if path == PATH else None

    def paths(self, under: str) -> Iterator[str]:
        yield PATH


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of the units that were judged, for each detector."""
    texts: list[str] = []
    real = engine.judged

    def recorded(unit: Unit, outcome: Outcome) -> Judged:
        texts.append(unit.file.tree.source[unit.start_byte : unit.end_byte].decode())
        return real(unit, outcome)

    monkeypatch.setattr(engine, "judged", recorded)
    return texts


def check(facts: ProjectFacts, tree: Tree) -> tuple[Finding, ...]:
    return engine.check_file(PATH, tree.text, built_in_catalogue().ids, facts, tree)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("x", {"step25() {\n    xthrow new Error('no 25');\n  }"}),
        ("throw 'a'; ", {"step25() {\n    throw 'a'; throw new Error('no 25');\n  }"}),
        ("// why\n", {"step25() {\n    // why\nthrow new Error('no 25');\n  }"}),
    ],
)
def test_only_the_method_that_is_typed_in_is_judged_again(judged: list[str], typed: str, wanted: set[str]) -> None:
    facts, tree = ProjectFacts(View()), Tree.parse(TEXT, "typescript")
    before = check(facts, tree)
    judged.clear()

    at = TEXT.index("throw new Error('no 25')")
    after = check(facts, tree.edited(at, at, typed))

    assert set(judged) == wanted
    assert len(before) == 100
    assert {finding.key for finding in before} <= {finding.key for finding in after} or typed == "x"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("export class Big", "export class Bag"),
        ("'@nestjs/common'", "'other'"),
        ("  step0()", "  events: EventBus;\n  step0()"),
    ],
)
def test_what_other_methods_depend_on_is_noticed(judged: list[str], old: str, new: str) -> None:
    facts, tree = ProjectFacts(View()), Tree.parse(TEXT, "typescript")
    check(facts, tree)
    judged.clear()

    at = TEXT.index(old)
    check(facts, tree.edited(at, at + len(old), new))

    assert len({text for text in judged if text.startswith("step")}) == 50


def test_a_file_comes_apart_without_gaps_that_hold_code() -> None:
    head = "@A()\nexport class X extends Y(f()) implements Z "
    text = head + "{\n  // why\n  @B()\n  // more\n  a = g();\n  m() {}\n  static { h(); }\n}\nk();\n"
    tree = Tree.parse(text, "typescript")

    texts = [text[unit.start_byte : unit.end_byte] for unit in units_of(SourceFile("x.ts", tree))]

    assert texts == [head, "@B()\n  // more\n  a = g()", "m() {}", "static { h(); }", "k();"]
