"""What is changed in the sample workspace, and where it shows."""

from __future__ import annotations

from pathlib import Path

PRICING = "apps/api/src/orders/pricing.ts"
SPEC = "apps/api/src/orders/pricing.spec.ts"
SUM = "  const cents = lines.reduce((sum, { item, quantity }) => sum + quantity * item.listPriceCents, 0);\n"
SUM_LINE = 20
RENAMED = SUM.replace("sum,", "total,").replace("sum +", "total +")
# One bug for each tool, in two lines: a forbidden `var`, a wrong sign, a number that is said to be a text.
BUG = SUM.replace("const", "var").replace("sum +", "sum -") + "  const worded: string = cents;\n"
WRONG_LINE = 16
"""The line of the test file whose expectation does not hold then."""


def node_test(program: Path) -> str:
    """Return a test that passes only where this very program runs it."""
    return f"it('runs on the Node of this person', () => {{\n  expect(process.execPath).toBe('{program}');\n}});\n\n"
