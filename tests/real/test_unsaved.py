"""The real server: what is verified is the text in front of the person, which nobody has saved, with the change of the run in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aigentflow.runtime.journal import Journal
from editor.profiles import VSCODE
from editor.wired import Wired, wired
from stand_in import StandIn

from .people import FIELDS, Json, Person, Ran, edit, session
from .sample import BUG, PRICING, SPEC, SUM, SUM_LINE, WRONG_LINE, node_test

pytestmark = pytest.mark.asyncio

WORDED = "  var worded: string = cents;\n"
FIRST = "describe('orderTotal', () => {\n"


@pytest.fixture
def broken_on_disk(shop: Path) -> Iterator[Path]:
    """Return the sample with a bug on disk that each of its tools finds."""
    file = shop / PRICING
    before = file.read_text()
    file.write_text(before.replace(SUM, BUG))
    yield shop
    file.write_text(before)


async def ran(desk: Wired, person: Person) -> Ran:
    """Have the agent run, and return what the journal knows of it when it has ended."""
    uri = (desk.root / PRICING).as_uri()
    argument = {"agent": "backend_dev", "uri": uri, "task": "Test the totals"}
    answer = await desk.client.request("workspace/executeCommand", {"command": "aigentflow.run", "arguments": [argument]})
    history = Journal(person.state)

    def ended() -> Json | None:
        found = history.show(answer["result"]["run"])
        return next((dict(record["result"]) for record in found.of("end")), None) if found is not None else None

    await desk.client.wait_for(ended)
    return Ran(ended() or {}, 0, ())


async def test_the_buffers_are_verified_not_the_disk(anna: Person, broken_on_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wire_client.SECONDS", 1200.0)
    node = Path(anna.path[0], "node")
    with_test = session(edit(SPEC, FIRST, node_test(node) + FIRST), typecheck="fail", tests="fail", lint="fail")[:2]
    without = session(edit(SPEC, "it('multiplies and adds'", "it('adds and multiplies'"), **dict.fromkeys(FIELDS, "pass"))
    with StandIn([*with_test, *without]) as service:
        environment = {**anna.environment, "ANTHROPIC_API_KEY": "nobody", "ANTHROPIC_BASE_URL": service.url}
        async with wired(VSCODE, broken_on_disk, {**environment, "AIGENTFLOW_STATE_DIR": str(anna.state)}) as desk:
            await desk.client.request("workspace/executeCommand", {"command": "aigentflow.trust", "arguments": [{}]})
            desk.editor.open(PRICING)
            desk.editor.open(SPEC)
            desk.editor.type(PRICING, SUM + "  /*\n", lambda text: text.index(BUG))
            desk.editor.type(PRICING, "  */\n", lambda text: text.index(BUG) + len(BUG))
            await desk.settled()
            mended = await ran(desk, anna)
            assert mended.statuses == dict.fromkeys(FIELDS, "pass"), mended.reasons
            assert mended.verdicts == dict.fromkeys(FIELDS, "contradicted")
            await desk.text_has(SPEC, str(node))
            desk.editor.type(PRICING, "-1 * ", lambda text: text.index("sum + ") + len("sum + "))
            desk.editor.type(PRICING, WORDED, lambda text: text.index("  /*\n"))
            await desk.settled()
            spoilt = await ran(desk, anna)
    assert spoilt.statuses == dict.fromkeys(FIELDS, "fail"), spoilt.reasons
    assert spoilt.places("typecheck") == {(PRICING, SUM_LINE + 1)}
    assert (PRICING, SUM_LINE + 1) in spoilt.places("lint")
    # The test that the first run has put above it stands in the buffer.
    assert (SPEC, WRONG_LINE + node_test(node).count("\n")) in spoilt.places("tests")
    assert spoilt.verdicts == dict.fromkeys(FIELDS, "contradicted")
    assert BUG in (broken_on_disk / PRICING).read_text() and str(node) not in (broken_on_disk / SPEC).read_text()
