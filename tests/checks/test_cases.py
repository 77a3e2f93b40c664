"""Labelled cases: each section of `cases/<check>.md` is a small workspace; the check reports exactly the lines that end with `// gap`.

A fence opens with its language and the file's path. A section without a package.json gets one with Nest, Swagger, Zod, Drizzle and BullMQ.
A line that ends with `// gap <severity>` asks for that severity too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aigentflow.checks.engine import Examination, examine_file
from aigentflow.checks.facts import facts_of

CASES = Path(__file__).parent / "cases"
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LABEL = re.compile(r"// gap(?: (\w+))?$")
_MANIFEST = json.dumps(
    {"name": "api", "dependencies": dict.fromkeys(["@nestjs/common", "@nestjs/swagger", "zod", "drizzle-orm", "bullmq"], "1")}
)


@dataclass
class Case:
    check: str
    title: str
    files: dict[str, str] = field(default_factory=dict)

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def paths(self, under: str) -> Iterator[str]:
        return iter(sorted(path for path in self.files if path.startswith(under)))


def _cases() -> Iterator[Case]:
    for file in sorted(CASES.glob("*.md")):
        _, *parts = _SECTION.split(file.read_text("utf-8"))
        for title, body in zip(parts[::2], parts[1::2], strict=True):
            files = {path: text for path, text in _FENCE.findall(body)}
            yield Case(file.stem, title, {"package.json": _MANIFEST, **files})


def _examined(case: Case) -> list[Examination]:
    facts = facts_of(case)
    return [examine_file(path, text, (case.check,), facts) for path, text in case.files.items()]


def _wanted(case: Case) -> set[tuple[str, int, str]]:
    labels = set()
    for path, text in case.files.items():
        for number, line in enumerate(text.split("\n"), 1):
            if match := _LABEL.search(line):
                labels.add((path, number, match[1] or ""))
    return labels


@pytest.mark.parametrize("case", list(_cases()), ids=lambda case: f"{case.check}: {case.title}")
def test_case(case: Case) -> None:
    severities = {(path, line): severity for path, line, severity in _wanted(case)}
    found = set()
    for examination in _examined(case):
        text = case.files[examination.path]
        for finding in examination.findings:
            line = text.count("\n", 0, finding.start) + 1
            asked = severities.get((examination.path, line), "")
            found.add((examination.path, line, finding.severity if asked else ""))

    assert found == _wanted(case)


@pytest.mark.parametrize(
    "case", [case for case in _cases() if "not analysed" in case.title], ids=lambda case: f"{case.check}: {case.title}"
)
def test_what_is_not_analysed_says_why(case: Case) -> None:
    assert any(reason for examination in _examined(case) for verdict in examination.verdicts.values() for reason in verdict.undecided)
