"""The boundary of one run on the server's side: what it began with, narrower where that changed since, and what the person opened.

The host is told the same, so that both decide alike: the host for every tool call, the server when a proposal is applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aigentflow.lsp.features.preflight import Preflight, boundary_of, rules_of

if TYPE_CHECKING:
    from aigentflow.lsp.hosts import Host
    from aigentflow.lsp.order import RunOrder
    from aigentflow.lsp.session import Session
    from aigentflow.workspace.boundary import Boundary


class RunBoundary:
    """What one run may change, from its preflight to the last accepted hunk."""

    def __init__(self, session: Session, order: RunOrder, granted: Sequence[str]) -> None:
        self.preflight = Preflight(session, order, granted)
        self.boundary: Boundary | None = None
        """None before the preflight is through."""
        self._host: Host | None = None
        self._root = order.root
        self._rules: dict[str, Any] = {}
        self._granted: list[str] = []
        self._steered = False

    def settled(self, said: dict[str, Any]) -> None:
        """Take what the preflight has settled."""
        self.boundary, self._rules = boundary_of(self._root, said), said["rules"]

    def attach(self, host: Host | None) -> None:
        """Tell this host of changes from now on, and of those there were since the preflight; None: no host is at work any more."""
        self._host = host
        if self._steered:
            self._tell()

    def steer(self) -> None:
        """Become narrower where what states the boundary says less now; never wider but for what the person opened."""
        if self.boundary is None:
            return
        rules = self.preflight.rules_now()["rules"]
        if rules != self._rules:
            self._rules = rules
            self._tell()

    def grant(self, path: str) -> None:
        """Open exactly this path for the rest of the run, and tell the model."""
        self._granted.append(path)
        self._tell()
        if self._host is not None:
            self._host.tell({"type": "say", "text": f"The person now allows changes to {path} in this run."})

    def _tell(self) -> None:
        self._steered = True
        if self.boundary is not None:
            self.boundary.steer(rules_of({"rules": self._rules}), self._granted)
        if self._host is not None:
            self._host.tell({"type": "rules", **self._rules, "granted": self._granted})
