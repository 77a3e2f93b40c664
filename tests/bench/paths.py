"""What one decision of the boundary costs: its text part alone, and the whole of it with what it asks the disk."""

import time
from collections.abc import Callable

from tests.bench.measures import Samples

from aigentflow.data import data_folder
from aigentflow.workspace.boundary import Boundary, DenyRule, Rules
from aigentflow.workspace.forms import form_problem

ROUNDS = 300
ASCII = (
    "apps/api/src/orders/orders.service.ts",
    "apps/web/src/api-client.ts",
    "packages/database/src/schema/customers.ts",
    "infrastructure/main.tf",
    "apps/api/src/a/rather/deep/folder/that/nobody/tidies/up/orders.service.e2e-spec.ts",
)
OTHER = (
    "apps/api/src/bestellungen/größenübersicht.service.ts",
    "apps/api/src/注文/注文.service.ts",
    "packages/database/src/schéma/été.ts",
    "apps/web/src/клиент.ts",
)
RULES = Rules(
    allow=("apps/api/**", "packages/database/**"),
    deny=(DenyRule("apps/web/**", "frontend"), DenyRule("packages/ui/**", "frontend"), DenyRule("infrastructure/**", "devops")),
)
OWNERS = {"frontend_dev": ("apps/web/**", "packages/ui/**"), "devops": ("infrastructure/**",)}


def decisions(ours: Samples) -> None:
    """Seconds of one decision for each path; the mean over a round, so that the clock does not count."""
    boundary = Boundary(data_folder("sample"), RULES, OWNERS)
    for name, paths in (("boundary ascii", ASCII), ("boundary other", OTHER)):
        for path in paths:
            _timed(lambda path=path: text_part(boundary, path), name, ours)  # type: ignore[misc]
    for path in ASCII:
        _timed(lambda path=path: boundary.may_change(path), "boundary disk", ours)  # type: ignore[misc]


def text_part(boundary: Boundary, path: str) -> bool:
    """Whether the text of a path speaks against a change: what `may_change` asks without looking at the disk."""
    if form_problem(path) is not None:
        return False
    return all(refusal(path) is None for refusal in (boundary._name_refusal, boundary._deny_refusal, boundary._allow_refusal))


def _timed(decide: Callable[[], object], name: str, into: Samples) -> None:
    for _ in range(ROUNDS):
        before = time.perf_counter()
        for _ in range(10):
            decide()
        into.add(name, (time.perf_counter() - before) / 10)
