"""What a run measured on the proposed text, as diagnostics on the text as it is, while the proposal comes and goes and somebody types."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.editor.desk import Desk
from tests.editor.profiles import ALE, ALL, APPLYING, HELIX, NEOVIM_12, VSCODE, Profile

from aigentflow.lsp.features.diagnostics import Diagnostics
from aigentflow.lsp.features.reports import Reports
from aigentflow.runtime.result import ChangePart, FailurePart, RunResult, VerificationPart, WeakeningPart
from aigentflow.workspace.proposal import FileChange, Proposal

pytestmark = pytest.mark.asyncio

BEFORE = "import x;\n\nexport function a(): number {\n  return 1;\n}\n\nexport const last = 1;\n"
AFTER = "import x;\nimport y;\n\nexport function a(): number {\n  return 'é𝒳' + wrong;\n}\n\nexport const last = 2;\n"
LINE = "  return 'é𝒳' + wrong;"
WRONG = FailurePart(path="a.ts", line=5, column=LINE.index("wrong") + 1, message="Cannot find name 'wrong'.\nmore", code="TS2304")
LAST = FailurePart(path="a.ts", line=8, message="last is unused", code="no-unused-vars")
FAILS = {
    "typecheck": VerificationPart(status="fail", command="tsc", exit=2, failures=(WRONG,)),
    "lint": VerificationPart(status="fail", command="eslint .", exit=1, failures=(LAST,)),
    "tests": VerificationPart(status="pass", command="vitest", exit=0),
}
MEASURED = "(measured in the box on the proposed text)"


@dataclass
class Bench:
    """A desk with the features that show what runs found."""

    desk: Desk
    diagnostics: Diagnostics
    reports: Reports
    runs: list[Any] = field(default_factory=list)

    def run(self, *changes: FileChange, path: str = "a.ts", agent: str = "backend_dev", root: Path | None = None, **result: Any) -> Any:
        """Return a run that ended with this result; its review is under way where it has changes."""
        parts = tuple(ChangePart.of(change) for change in changes)
        made = RunResult(run=f"r{len(self.runs)}", agent=agent, outcome="finished", changes=parts, **result)
        documents = {document.path: (document.text, document.version) for document in self.desk.documents.all()}
        run = SimpleNamespace(
            id=made.run,
            agent=SimpleNamespace(id=agent),
            order=SimpleNamespace(path=path, root=root or self.desk.root),
            result=made.model_dump(mode="json"),
            proposal=Proposal(changes),
            bases={Path(name).relative_to(self.desk.root).as_posix(): known for name, known in documents.items() if name},
            review=self.desk.review(*changes) if changes else None,
        )
        self.runs.append(run)
        return run

    def found(self, name: str) -> list[tuple[int, int, int, str]]:
        """Return line, start, end and code of what stands in an open file."""
        document = self.desk.documents.by_path(str(self.desk.root / name))
        assert document is not None
        return sorted(
            (item.range.start.line, item.range.start.character, item.range.end.character, str(item.code))
            for item in self.diagnostics.of(document)
        )

    def codes(self, name: str) -> list[tuple[int, str]]:
        """Return line and code of what stands in an open file."""
        return [(line, code) for line, _start, _end, code in self.found(name)]

    def text_at(self, name: str, code: str) -> str:
        """Return the line of the buffer on which this code stands."""
        (line,) = [line for line, found in self.codes(name) if found == code]
        return self.desk.editor.text(name).split("\n")[line]


def bench(profile: Profile, folder: Path, *, pulls: bool = False, **files: str) -> Bench:
    desk = Desk(profile, folder, files or {"a.ts": BEFORE})

    def relative(document: Any) -> tuple[Path, str]:
        return desk.root, Path(document.path).relative_to(desk.root).as_posix()

    session: Any = SimpleNamespace(
        client=desk.client, documents=desk.documents, encoding=profile.encoding, relative=relative, pulls=pulls, started=True
    )
    diagnostics = Diagnostics(session)
    return Bench(desk, diagnostics, Reports(session, diagnostics))


@pytest.mark.parametrize("profile", APPLYING.values(), ids=APPLYING)
async def test_delivered_they_stand_at_the_very_place(profile: Profile, tmp_path: Path) -> None:
    table = bench(profile, tmp_path)
    await table.desk.open("a.ts")
    run = table.run(table.desk.change("a.ts", AFTER), verification=FAILS)
    table.reports.ended(run)
    await run.review.deliver()
    await table.desk.rest(run.review)
    units = {"utf-8": lambda text: len(text.encode()), "utf-16": lambda text: len(text.encode("utf-16-le")) // 2, "utf-32": len}
    start = units[profile.encoding](LINE[: LINE.index("wrong")])
    assert table.found("a.ts") == [(4, start, start + 5, "backend_dev/typecheck"), (7, 0, 22, "backend_dev/lint")]


async def test_they_say_what_the_tool_said_and_how_bad_it_is(tmp_path: Path) -> None:
    table = bench(VSCODE, tmp_path)
    await table.desk.open("a.ts")
    table.reports.ended(table.run(table.desk.change("a.ts", AFTER), verification=FAILS))
    (document,) = table.desk.documents.all()
    said = {str(item.code): (item.message, item.severity, item.source) for item in table.diagnostics.of(document)}
    assert said == {
        "backend_dev/typecheck": (f"TS2304: Cannot find name 'wrong'. {MEASURED}", 1, "aigentflow"),
        "backend_dev/lint": (f"no-unused-vars: last is unused {MEASURED}", 2, "aigentflow"),
    }


@pytest.mark.parametrize("profile", [VSCODE, NEOVIM_12, HELIX, ALE], ids=lambda profile: profile.fixture)
async def test_while_the_proposal_waits_they_stand_where_it_would_go(profile: Profile, tmp_path: Path) -> None:
    table = bench(profile, tmp_path)
    await table.desk.open("a.ts")
    run = table.run(table.desk.change("a.ts", AFTER), verification=FAILS)
    table.reports.ended(run)
    assert table.text_at("a.ts", "backend_dev/typecheck") == "  return 1;"
    assert table.text_at("a.ts", "backend_dev/lint") == "export const last = 1;"
    table.desk.editor.type("a.ts", "// typed\n\n", 0)
    await table.desk.time.run(1)
    assert table.text_at("a.ts", "backend_dev/typecheck") == "  return 1;"


async def test_taken_in_part_each_stands_where_its_part_stands(tmp_path: Path) -> None:
    table = bench(VSCODE, tmp_path)
    await table.desk.open("a.ts")
    change = table.desk.change("a.ts", AFTER)
    run = table.run(change, verification=FAILS)
    table.reports.ended(run)
    await run.review.accept("a.ts", change.hunks[0].id)
    await table.desk.rest(run.review)
    assert table.desk.editor.text("a.ts").startswith("import x;\nimport y;\n")
    assert table.text_at("a.ts", "backend_dev/typecheck") == "  return 1;"
    await run.review.accept("a.ts", change.hunks[1].id)
    await table.desk.rest(run.review)
    assert table.text_at("a.ts", "backend_dev/typecheck") == LINE
    assert table.text_at("a.ts", "backend_dev/lint") == "export const last = 1;"


@pytest.mark.parametrize("profile", [VSCODE, NEOVIM_12, HELIX], ids=lambda profile: profile.fixture)
async def test_they_follow_typing_and_go_with_the_line_that_is_edited(profile: Profile, tmp_path: Path) -> None:
    table = bench(profile, tmp_path)
    await table.desk.open("a.ts")
    run = table.run(table.desk.change("a.ts", AFTER), verification=FAILS)
    await run.review.deliver()
    await table.desk.rest(run.review)
    table.reports.ended(run)
    editor = table.desk.editor
    editor.type("a.ts", "// one\n" * 300, 0)
    editor.type("a.ts", "// two\n", lambda text: text.index("export const"))
    await table.desk.time.run(1)
    assert table.codes("a.ts") == [(304, "backend_dev/typecheck"), (308, "backend_dev/lint")]
    editor.type("a.ts", "!", lambda text: text.index(" + wrong"))
    await table.desk.time.run(1)
    assert table.codes("a.ts") == [(308, "backend_dev/lint")]
    editor.undo("a.ts")
    await table.desk.time.run(1)
    assert table.codes("a.ts") == [(304, "backend_dev/typecheck"), (308, "backend_dev/lint")], "the line reads as it did"


@pytest.mark.parametrize("way", ["reject", "undo", "reject one"])
async def test_they_go_with_their_part_of_the_proposal(tmp_path: Path, way: str) -> None:
    table = bench(VSCODE, tmp_path)
    await table.desk.open("a.ts")
    change = table.desk.change("a.ts", AFTER)
    run = table.run(change, verification=FAILS)
    table.reports.ended(run)
    if way == "undo":
        await run.review.deliver()
        assert len(table.codes("a.ts")) == 2
        await run.review.undo()
    else:
        await run.review.reject("a.ts", change.hunks[1].id if way == "reject one" else None)
    await table.desk.rest(run.review)
    assert table.codes("a.ts") == ([(6, "backend_dev/lint")] if way == "reject one" else [])


async def test_the_next_run_on_the_file_takes_their_place(tmp_path: Path) -> None:
    table = bench(VSCODE, tmp_path, **{"a.ts": BEFORE, "b.ts": BEFORE})
    await table.desk.open("a.ts", "b.ts")
    table.reports.ended(table.run(verification=FAILS))
    assert len(table.codes("a.ts")) == 2
    table.reports.ended(table.run(path="b.ts", agent="painter", verification={}))
    assert len(table.codes("a.ts")) == 2, "another agent, on another file, measured nothing"
    passes = {"typecheck": VerificationPart(status="pass", command="tsc", exit=0)}
    table.reports.ended(table.run(path="b.ts", agent="painter", verification=passes))
    assert [code for _line, code in table.codes("a.ts")] == ["backend_dev/lint"], "the same command was measured again"
    table.reports.ended(table.run(verification={}))
    assert table.codes("a.ts") == []


async def test_a_weakened_check_is_a_warning_at_the_hunk(tmp_path: Path) -> None:
    table = bench(VSCODE, tmp_path)
    await table.desk.open("a.ts")
    weakened = (WeakeningPart(path="a.ts", line=2, kind="lint-loosened", message="a rule is off"),)
    run = table.run(table.desk.change("a.ts", AFTER), weakenings=weakened)
    table.reports.ended(run)
    await run.review.deliver()
    await table.desk.rest(run.review)
    (document,) = table.desk.documents.all()
    (item,) = table.diagnostics.of(document)
    assert (item.range.start.line, item.code, item.severity, item.message) == (1, "backend_dev/weakened-check", 2, "a rule is off")


@pytest.mark.parametrize("pulls", [False, True])
@pytest.mark.parametrize("profile", ALL.values(), ids=ALL)
async def test_a_file_that_nobody_has_open_is_told_too_and_open_it_has_one_copy(profile: Profile, tmp_path: Path, pulls: bool) -> None:
    table = bench(profile, tmp_path, pulls=pulls)
    table.reports.ended(table.run(verification=FAILS))
    uri = (table.desk.root / "a.ts").as_uri()

    def pushed() -> list[int]:
        told = [params for method, params in table.desk.editor.log if method == "textDocument/publishDiagnostics" and params["uri"] == uri]
        return [len(params["diagnostics"]) for params in told]

    await table.desk.time.run(0.1)
    assert pushed() == [2]
    await table.desk.open("a.ts")
    assert pushed() == [2, 0] and len(table.codes("a.ts")) == 2
    table.desk.editor.close("a.ts")
    await table.desk.time.run(0.1)
    table.diagnostics.everything_changed()
    assert pushed()[-1] == 2


async def test_a_new_file_has_its_own_as_soon_as_it_is_there(tmp_path: Path) -> None:
    table = bench(VSCODE, tmp_path)
    failure = FailurePart(path="new.ts", line=2, column=1, message="no")
    run = table.run(
        table.desk.change("new.ts", "one;\ntwo;\n", kind="create"),
        verification={"tests": VerificationPart(status="fail", command="vitest", exit=1, failures=(failure,))},
    )
    table.reports.ended(run)
    await run.review.deliver()
    await table.desk.rest(run.review)
    await table.desk.open("new.ts")
    assert table.codes("new.ts") == [(1, "backend_dev/tests")]


@pytest.mark.parametrize(
    "failure",
    [
        FailurePart(path="../outside.ts", line=1, message="x"),
        FailurePart(path="/etc/passwd", line=1, message="x"),
        FailurePart(path="a.ts", line=10_000, message="x"),
        FailurePart(path="a.ts", line=0, message="x"),
        FailurePart(path="a.ts", message="no line"),
        FailurePart(path="", line=1, message="x"),
        FailurePart(path="a\x00.ts", line=1, message="x"),
    ],
    ids=str,
)
async def test_a_place_that_is_none_is_left_out(tmp_path: Path, failure: FailurePart) -> None:
    table = bench(VSCODE, tmp_path)
    await table.desk.open("a.ts")
    table.reports.ended(table.run(verification={"tests": VerificationPart(status="fail", command="t", exit=1, failures=(failure,))}))
    assert table.codes("a.ts") == []
    assert not any(method == "textDocument/publishDiagnostics" and params["diagnostics"] for method, params in table.desk.editor.log)


@pytest.mark.parametrize("column", [1, 3, 400, None])
@pytest.mark.parametrize("message", ["", "\x1b[31mred\x1b[0m\u202e", "x" * 5000])
async def test_odd_words_and_columns_stay_in_their_line(tmp_path: Path, column: int | None, message: str) -> None:
    table = bench(VSCODE, tmp_path)
    await table.desk.open("a.ts")
    failure = FailurePart(path="./a.ts", line=4, column=column, message=message)
    table.reports.ended(table.run(verification={"tests": VerificationPart(status="fail", command="t", exit=1, failures=(failure,))}))
    (document,) = table.desk.documents.all()
    (item,) = table.diagnostics.of(document)
    assert item.range.start.line == item.range.end.line == 3 and item.range.start.character < item.range.end.character
    assert item.message.isprintable() and len(item.message) < 500
