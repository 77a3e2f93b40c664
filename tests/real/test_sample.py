"""The sample workspace, its own commands, real toolchains: what the report says of the verification is what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from .people import FIELDS, Person, bash, edit, session, write
from .sample import BUG, PRICING, RENAMED, SPEC, SUM, SUM_LINE, WRONG_LINE, node_test

NODE_SPEC = "apps/api/src/orders/node.spec.ts"


@pytest.fixture(params=["whoever runs the tests", "an ordinary user"])
def someone(request: pytest.FixtureRequest) -> tuple[Person, Path]:
    """A person with a Node below the home folder, and their copy of the sample."""
    person, shop = ("anna", "shop") if request.param == "whoever runs the tests" else ("bob", "shop_of_bob")
    return request.getfixturevalue(person), request.getfixturevalue(shop)


def test_all_pass_on_the_proposed_text_with_a_node_below_the_home_folder(someone: tuple[Person, Path]) -> None:
    person, shop = someone
    node = Path(person.path[0], "node")
    spec = "import { expect, it } from 'vitest';\n\n" + node_test(node)
    calls = (edit(PRICING, SUM, RENAMED), write(NODE_SPEC, spec), bash("command -v node npm; id -u"))
    ran = person.run(shop, session(*calls, typecheck="fail", tests="fail", lint="pass"))
    assert ran.statuses == dict.fromkeys(FIELDS, "pass"), ran.reasons
    assert {name: ran.steps(name) for name in FIELDS} == {
        "typecheck": ("npm run typecheck",),
        "tests": ("npm test",),
        "lint": ("npm run lint",),
    }
    assert ran.result["commands"][0]["output"].split() == [str(node), str(node.with_name("npm")), str(shop.stat().st_uid)]
    assert ran.verdicts == {"typecheck": "contradicted", "tests": "contradicted", "lint": "confirmed"}, ran.result["claims"]
    assert ran.code == 0
    assert SUM in (shop / PRICING).read_text() and not (shop / NODE_SPEC).exists()


def test_all_fail_after_a_seeded_bug_each_at_its_line(someone: tuple[Person, Path]) -> None:
    person, shop = someone
    ran = person.run(shop, session(edit(PRICING, SUM, BUG), **dict.fromkeys(FIELDS, "pass")))
    assert ran.statuses == dict.fromkeys(FIELDS, "fail"), ran.reasons
    assert ran.places("typecheck") == {(PRICING, SUM_LINE + 1)}
    assert (PRICING, SUM_LINE) in ran.places("lint")
    assert (SPEC, WRONG_LINE) in ran.places("tests")
    assert ran.verdicts == dict.fromkeys(FIELDS, "contradicted"), ran.result["claims"]
    assert ran.code == 1
