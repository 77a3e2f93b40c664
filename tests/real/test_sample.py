"""The sample workspace, its own commands, real toolchains: what the report says of the verification is what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from .installations import Machine, copy_of_sample
from .people import Person, bash, edit, session, write

PRICING = "apps/api/src/orders/pricing.ts"
SUM = "  const cents = lines.reduce((sum, { item, quantity }) => sum + quantity * item.listPriceCents, 0);\n"
RENAMED = SUM.replace("sum,", "total,").replace("sum +", "total +")
# One bug for each tool, all in two lines: a forbidden `var`, a wrong sign, a number that is said to be a text.
BUG = SUM.replace("const", "var").replace("sum +", "sum -") + "  const worded: string = cents;\n"
SUM_LINE = 20
WRONG_EXPECTATION = ("apps/api/src/orders/pricing.spec.ts", 16)


def spec_of(program: Path) -> str:
    """Return a test that passes only where this very program runs it."""
    return (
        "import { expect, it } from 'vitest';\n\n"
        "it('runs on the Node of this person', () => {\n"
        f"  expect(process.execPath).toBe('{program}');\n"
        "});\n"
    )


@pytest.fixture(scope="module")
def shop(machine: Machine) -> Path:
    return copy_of_sample(machine.place / "people/anna/stockroom")


def test_all_pass_on_the_proposed_text_with_a_node_below_the_home_folder(anna: Person, shop: Path) -> None:
    node = Path(anna.path[0], "node")
    calls = (edit(PRICING, SUM, RENAMED), write("apps/api/src/orders/node.spec.ts", spec_of(node)), bash("command -v node npm"))
    ran = anna.run(shop, session(*calls, typecheck="fail", tests="fail", lint="pass"))
    assert ran.statuses == {"typecheck": "pass", "tests": "pass", "lint": "pass"}, ran.reasons
    assert ran.result["commands"][0]["output"].splitlines() == [str(node), str(node.with_name("npm"))]
    assert ran.verdicts == {"typecheck": "contradicted", "tests": "contradicted", "lint": "confirmed"}, ran.result["claims"]
    assert ran.code == 0
    assert SUM in (shop / PRICING).read_text() and not (shop / "apps/api/src/orders/node.spec.ts").exists()


def test_all_fail_after_a_seeded_bug_each_at_its_line(anna: Person, shop: Path) -> None:
    ran = anna.run(shop, session(edit(PRICING, SUM, BUG), typecheck="pass", tests="pass", lint="pass"))
    assert ran.statuses == {"typecheck": "fail", "tests": "fail", "lint": "fail"}, ran.reasons
    assert ran.places("typecheck") == {(PRICING, SUM_LINE + 1)}
    assert (PRICING, SUM_LINE) in ran.places("lint")
    assert WRONG_EXPECTATION in ran.places("tests")
    assert ran.verdicts == dict.fromkeys(ran.statuses, "contradicted"), ran.result["claims"]
    assert ran.code == 1
