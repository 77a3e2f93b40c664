"""The checks on the sample workspace: exactly the gaps that were planted, in both directions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aigentflow.checks.checklist import built_in_catalogue
from aigentflow.checks.engine import check_file
from aigentflow.checks.facts import ProjectFacts, facts_of
from aigentflow.checks.fixes import fix_file
from aigentflow.checks.report import check_workspace
from aigentflow.data import data_folder
from aigentflow.definitions.agentfile import parse_agent

SAMPLE = data_folder("sample")
PLANTED = json.loads((SAMPLE.parent / "sample.gaps.json").read_text("utf-8"))


class Folder:
    """A folder as a view, with some texts replaced."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.buffers: dict[str, str] = {}

    def read(self, path: str) -> str | None:
        if path in self.buffers:
            return self.buffers[path]
        file = self.root / path
        return file.read_text("utf-8") if file.is_file() else None

    def paths(self, under: str) -> Iterator[str]:
        for folder, folders, names in os.walk(self.root / under):
            folders[:] = sorted(name for name in folders if name not in ("node_modules", "dist", ".git"))
            for name in sorted(names):
                yield (Path(folder) / name).relative_to(self.root).as_posix()


def gaps(view: Folder | ProjectFacts) -> set[tuple[str, str, str | None, str]]:
    found = set()
    for path in sorted(view.paths("")):
        text = view.read(path) if path.endswith((".ts", ".tsx", ".js")) else None
        for finding in check_file(path, text, built_in_catalogue().ids, view) if text is not None else ():
            start = text.rfind("\n", 0, finding.start) + 1
            anchor = text[start:].split("\n", 1)[0].strip()
            found.add((finding.check, path, finding.symbol, anchor))
    return found


def test_the_sample_has_exactly_the_planted_gaps() -> None:
    planted = {(gap["check"], gap["path"], gap["symbol"], gap["anchor"]) for gap in PLANTED}

    assert gaps(facts_of(Folder(SAMPLE))) == planted


def test_the_report_counts_the_same_gaps() -> None:
    agent = data_folder("agents") / "backend_dev.md"
    definition = parse_agent(agent.read_text("utf-8"), agent, "built-in")

    report = check_workspace(SAMPLE, [definition], Folder(SAMPLE))

    assert {item.status for item in report.items} == {"gap"}
    assert sum(item.gaps for item in report.items) == len(report.findings) == len(PLANTED)


def test_fixes_settle_what_they_address_and_nothing_new_comes_up() -> None:
    view = Folder(SAMPLE)
    before = gaps(facts_of(view))
    checks = built_in_catalogue().ids
    for path in sorted(view.paths("")):
        if path.endswith(".ts") and (text := view.read(path)) is not None:
            mended, _ = fix_file(path, text, checks, facts_of(Folder(SAMPLE)))
            if mended != text:
                view.buffers[path] = mended

    after = {(check, path, symbol) for check, path, symbol, _ in gaps(facts_of(view))}

    settled = {(check, path, symbol) for check, path, symbol, _ in before} - after
    assert {check for check, _, _ in settled} == {"typed-domain-errors", "openapi-decorators"}
    assert not after & {gap for gap in after if gap[0] in ("typed-domain-errors", "openapi-decorators")}
    assert after <= {(check, path, symbol) for check, path, symbol, _ in before}


@pytest.mark.parametrize("path", ["apps/api/src/orders/orders.service.ts"])
def test_a_changed_buffer_changes_the_answer(path: str) -> None:
    view = Folder(SAMPLE)
    facts = facts_of(view)
    text = view.read(path)
    assert text is not None
    mended = text.replace("throw new Error(`Order", "throw new ConflictError(`Order")

    found = check_file(path, mended, ("typed-domain-errors",), facts)

    assert not found
