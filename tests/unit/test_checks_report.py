"""The report of a workspace: what is met, what is not, what nobody can say; in four forms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from aigentflow.checks.report import CheckReport, check_workspace, to_github, to_json, to_sarif, to_text
from aigentflow.definitions.agentfile import parse_agent

MANIFEST = '{"name": "api", "dependencies": {"@nestjs/common": "11"}}'
CHECKLIST = "- [ ] Typed errors\n- [ ] OpenAPI decorators\n- [ ] Unit tests for services\n- [ ] Naming is clear\n- [ ] Naming is clear\n"


class Files:
    def __init__(self, files: dict[str, str]) -> None:
        self.files = {"package.json": MANIFEST, **files}

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def paths(self, under: str) -> Iterator[str]:
        return iter(sorted(self.files))


def report_on(*agents: str, paths: list[str] | None = None, **files: str) -> CheckReport:
    definitions = [parse_agent(f"---\nagent: {name}\n---\n\n# Checklist\n\n{CHECKLIST}", Path("/a.md"), "workspace") for name in agents]
    view = Files({name.replace("__", "/") + ".ts": text for name, text in files.items()})
    return check_workspace(Path("/w"), definitions, view, paths)


BAD = "// é😀\nexport const f = () => {\n  throw 'x';\n};\n"
CONTROLLER = "@Controller('a')\nexport class A {\n  @Get() a() { throw new ForbiddenException(); }\n}\n"


def test_items_are_met_gap_manual_or_not_applicable() -> None:
    report = report_on("dev", src__a=BAD, src__c=CONTROLLER)

    assert [(item.id, item.status, item.gaps) for item in report.items] == [
        ("typed-errors", "gap", 1),
        ("openapi-decorators", "manual", 0),
        ("unit-tests-for-services", "not_applicable", 0),
        ("naming-is-clear", "manual", 0),
        ("naming-is-clear-2", "manual", 0),
    ]
    assert "does not depend on @nestjs/swagger" in report.items[1].reason


def test_met_needs_something_that_was_judged() -> None:
    assert report_on("dev", src__c=CONTROLLER).items[0].status == "met"
    assert report_on("dev", src__c="export const a = 1;\n").items[0].status == "not_applicable"


def test_one_finding_for_several_agents() -> None:
    report = report_on("dev", "reviewer", src__a=BAD)

    assert [reported.agents for reported in report.findings] == [("dev", "reviewer")]
    assert len(report.items) == 10


def test_paths_restrict_what_is_judged() -> None:
    files = {"src__a": BAD, "lib__b": BAD, "libx__c": BAD}

    assert [r.finding.path for r in report_on("dev", paths=["lib"], **files).findings] == ["lib/b.ts"]
    assert [r.finding.path for r in report_on("dev", paths=["./src/a.ts"], **files).findings] == ["src/a.ts"]
    assert len(report_on("dev", paths=["."], **files).findings) == 3


def test_what_an_agent_must_not_change_is_not_its_checklist_s_business() -> None:
    texts = ["---\nagent: a\nboundaries:\n  deny: [lib/**]\n---\n\n- [ ] Typed errors\n", "---\nagent: b\n---\n\n- [ ] Typed errors\n"]
    view = Files({"src/a.ts": BAD, "lib/b.ts": BAD})

    only, both = (
        check_workspace(Path("/w"), [parse_agent(text, Path("/a.md"), "workspace") for text in given], view) for given in (texts[:1], texts)
    )

    assert [reported.finding.path for reported in only.findings] == ["src/a.ts"]
    assert [item.gaps for item in only.items] == [1]
    assert [(r.finding.path, r.agents) for r in both.findings] == [("lib/b.ts", ("b",)), ("src/a.ts", ("a", "b"))]


def test_json_has_the_contract_s_keys_and_counts_from_one_in_code_points() -> None:
    data = to_json(report_on("dev", src__a=BAD))

    assert next(iter(data)) == "schema" and data["schema"] == 1
    assert {"workspace", "agents", "files", "seconds", "items", "findings"} <= set(data)
    (finding,) = data["findings"]
    assert (finding["line"], finding["column"], finding["end_line"], finding["end_column"]) == (3, 3, 3, 13)
    assert {"agents", "path", "item", "check", "severity", "confidence", "message", "evidence", "fixable"} <= set(finding)
    assert (finding["path"], finding["item"], finding["check"]) == ("src/a.ts", "Typed errors", "typed-domain-errors")
    assert {"agent", "id", "text", "status", "check", "gaps", "reason"} <= set(data["items"][0])
    json.dumps(data)


def test_exit_threshold() -> None:
    report = report_on("dev", src__a=BAD)

    assert [report.fails(threshold) for threshold in ("error", "warning", "info", "never")] == [False, True, True, False]


def test_text_shows_place_line_and_checklist() -> None:
    text = to_text(report_on("dev", src__a=BAD))

    assert "src/a.ts\n  3:3  warning  A plain string" in text
    assert "      throw 'x';\n" in text
    assert "✗ Typed errors (1 gap)" in text
    assert "? Naming is clear - no check decides this item" in text
    assert "1 gap (1 warning), 1 file in" in text


def test_text_without_checklists() -> None:
    assert "No agent here has a checklist." in to_text(report_on())


def test_github_annotations_are_escaped() -> None:
    (line,) = to_github(report_on("dev", src__a=BAD)).splitlines()

    assert line.startswith("::warning file=src/a.ts,line=3,endLine=3,title=Typed errors,col=3,endColumn=13::")


def test_sarif_has_rules_results_and_code_point_columns() -> None:
    log = to_sarif(report_on("dev", src__a=BAD))

    (run,) = log["runs"]
    (result,) = run["results"]
    assert (log["version"], run["columnKind"]) == ("2.1.0", "unicodeCodePoints")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "typed-domain-errors"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 3, "endLine": 3, "endColumn": 13}


def test_generated_and_minified_files_are_skipped_with_a_reason() -> None:
    minified, large = "throw 'x';" + "a();" * 6000, "throw 'x';\n" + "a();\n" * 220_000

    report = report_on("dev", src__a="// @generated\nthrow 'x';\n", src__b=minified, src__c=large)

    assert dict(report.skipped) == {"src/a.ts": "generated", "src/b.ts": "minified", "src/c.ts": "larger than 1 MB"}
    assert not report.findings
