"""What a run ends with: one outcome, the proposal, and what was measured beside what was claimed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from aigentflow.workspace.proposal import Base, ChangeKind, FileChange, Hunk, Proposal, TextEdit

Outcome = Literal["finished", "cancelled", "failed", "limit", "refused", "interrupted"]
Status = Literal["pass", "fail", "not_run"]
VERIFICATIONS = ("typecheck", "tests", "lint")


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class EditPart(_Part):
    """`TextEdit` and the text it replaces."""

    id: str
    start: int
    end: int
    new: str
    old: str


class BasePart(_Part):
    """`Base` of a change."""

    text: str
    sha256: str
    version: int | None


class ChangePart(_Part):
    """`FileChange`, lossless both ways."""

    path: str
    kind: ChangeKind
    base: BasePart | None = None
    after: str | None = None
    hunks: tuple[EditPart, ...] = ()
    from_path: str | None = None
    line_end: str = "\n"
    bom: bool = False
    encoding: str = "utf-8"
    executable: bool = False

    @classmethod
    def of(cls, change: FileChange) -> ChangePart:
        """Return the JSON form of a change."""
        base = None if change.base is None else BasePart(text=change.base.text, sha256=change.base.sha256, version=change.base.version)
        hunks = tuple(EditPart(id=h.id, start=h.edit.start, end=h.edit.end, new=h.edit.new, old=h.old) for h in change.hunks)
        return cls(
            path=change.path,
            kind=change.kind,
            base=base,
            after=change.after,
            hunks=hunks,
            from_path=change.from_path,
            line_end=change.line_end,
            bom=change.bom,
            encoding=change.encoding,
            executable=change.executable,
        )

    def change(self) -> FileChange:
        """Return the change that this is the JSON form of."""
        return FileChange(
            path=self.path,
            kind=self.kind,
            base=None if self.base is None else Base(self.base.text, self.base.sha256, self.base.version),
            after=self.after,
            hunks=tuple(Hunk(h.id, TextEdit(h.start, h.end, h.new), h.old) for h in self.hunks),
            from_path=self.from_path,
            line_end=self.line_end,
            bom=self.bom,
            encoding=self.encoding,
            executable=self.executable,
        )


def changes_from_json(changes: Iterable[Mapping[str, Any]]) -> tuple[FileChange, ...]:
    """Return the changes of a result's JSON."""
    return tuple(ChangePart.model_validate(change).change() for change in changes)


class RefusalPart(_Part):
    """Something the agent asked for and did not get."""

    tool: str
    path: str
    reason: str
    rule: str = ""
    pattern: str | None = None
    owner: str | None = None


class FailurePart(_Part):
    """One place that a failed verification names; line and column count from 1, None where the tool named none."""

    path: str
    """Workspace-relative."""
    line: int | None = None
    column: int | None = None
    message: str = ""
    code: str = ""
    """The tool's own id of the rule, such as `TS2322` or `no-unused-vars`."""


class VerificationPart(_Part):
    """One verification as the server measured it."""

    status: Status = "not_run"
    command: str | None = None
    exit: int | None = None
    reason: str = ""
    """For `fail` the first useful lines of the output, for `not_run` why."""
    seconds: float | None = None
    failures: tuple[FailurePart, ...] = ()


class BoxPart(_Part):
    """Where the commands of the run ran."""

    tier: int
    """1 to 6, as `aigentflow doctor` explains."""
    name: str
    words: str = ""
    limits: tuple[str, ...] = ()
    """What does not work, or is not protected, in this tier."""


class CommandPart(_Part):
    """One command that the agent ran."""

    command: str
    exit: int | None = None
    """None where it was ended by a signal or a limit, or did not run."""
    ended: str = ""
    """In words, where it did not end by itself: `ended after 120 s`, `not run: …`."""
    seconds: float = 0.0
    changes_kept: tuple[str, ...] = ()
    """Paths it changed that joined the proposal."""
    n_changes: int = 0
    """Paths it changed in the box."""
    edits_before: int = 0
    """How many edits the run had made when the command ran."""
    output: str = ""
    """First lines of its output."""


class WeakeningPart(_Part):
    """A place of the proposal that makes the tests or checks of the project weaker; the line counts from 1."""

    path: str
    line: int
    kind: str
    """Such as `assertion-removed`, `test-skipped`, `test-deleted`, `lint-loosened`, `coverage-lowered`."""
    message: str


class ClaimPart(_Part):
    """Something the agent's report says, beside what the record says of it."""

    claim: str
    verdict: Literal["confirmed", "contradicted", "unwitnessed"]
    why: str = ""
    """What the record says instead."""


class GapCountPart(_Part):
    """Gaps of the touched files; None: not counted."""

    before: int | None = None
    after: int | None = None


class UsagePart(_Part):
    """Tokens and money of the whole run; `usd` is None where a price is not known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    usd: float | None = None
    estimated: bool = False
    """Whether the service left out a count, so that some are our own estimate."""


class RunResult(_Part):
    """How one run ended and what it made."""

    run: str
    agent: str
    outcome: Outcome
    reason: str = ""
    """One sentence; empty for a run that finished."""
    code: str = ""
    """Stable id of the reason, such as `no-key`, `credentials`, `model-unknown`, `limit`, `loop`, `service`."""
    changes: tuple[ChangePart, ...] = ()
    refusals: tuple[RefusalPart, ...] = ()
    verification: dict[str, VerificationPart] = Field(default_factory=dict)
    gaps: GapCountPart = GapCountPart()
    report: Any = None
    """JSON object, text, or None where there was no final answer."""
    report_format: Literal["json", "text", "unstructured"] = "text"
    claims: tuple[ClaimPart, ...] = ()
    weakenings: tuple[WeakeningPart, ...] = ()
    box: BoxPart | None = None
    """None where the run neither had nor needed a place for commands."""
    commands: tuple[CommandPart, ...] = ()
    notes: tuple[str, ...] = ()
    """What the person should know: fields left out, a model that was replaced, references that were cut."""
    left_out_fields: tuple[str, ...] = ()
    """Optional request fields that the service did not take."""
    usage: UsagePart = UsagePart()
    turns: int = 0
    model: str = ""
    seconds: float = 0.0

    @property
    def proposal(self) -> Proposal:
        """The changes as values."""
        return Proposal(tuple(part.change() for part in self.changes))

    def to_contract(self) -> dict[str, Any]:
        """Return the JSON object of `aigentflow run --format json`."""
        from aigentflow.workspace.patch import unified

        return {
            "schema": 1,
            "run": self.run,
            "agent": self.agent,
            "outcome": self.outcome,
            "reason": self.reason,
            "edits": [
                {"path": part.path, "kind": part.kind, "from": part.from_path, "diff": unified(part.change())} for part in self.changes
            ],
            "refusals": [{"tool": part.tool, "path": part.path, "reason": part.reason} for part in self.refusals],
            "verification": {name: part.model_dump() for name, part in self.verification.items()},
            "gaps": self.gaps.model_dump(),
            "report": self.report,
            "report_format": self.report_format,
            "claims": [part.model_dump() for part in self.claims],
            "weakenings": [part.model_dump() for part in self.weakenings],
            "box": None if self.box is None else self.box.model_dump(),
            "commands": [part.model_dump() for part in self.commands],
            "notes": list(self.notes),
            "usage": self.usage.model_dump(exclude={"estimated"}),
            "turns": self.turns,
            "model": self.model,
        }
