"""What the log of a tap has to show: rules that hold for any editor and any run, each broken one told in a sentence."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
AT_ONCE_SECONDS = 1.0
"""How long `executeCommand` may take, in an editor test on a busy machine; the run itself takes longer."""
TOLERATED = {-32800, -32801}
"""Request cancelled, content modified: an editor that moves on gets these, and they are no failures."""


@dataclass(frozen=True)
class Entry:
    """One message, who sent it and when."""

    at: float
    sender: str
    message: Json


@dataclass(frozen=True)
class Exchange:
    """A request with its response, None where it was never answered."""

    request: Entry
    response: Entry | None

    @property
    def seconds(self) -> float:
        """How long the answer took."""
        return self.response.at - self.request.at if self.response else float("inf")


class Conversation:
    """A log, read."""

    def __init__(self, log: Path) -> None:
        lines = sorted((json.loads(line) for line in log.read_text("utf-8").splitlines()), key=lambda line: float(line["at"]))
        self.entries = [Entry(line["at"], line["from"], line["message"]) for line in lines if "message" in line]
        self.exits = [line["exit"] for line in lines if "exit" in line]
        self.rests = [line["rest"] for line in lines if "rest" in line]

    def exchanges(self, method: str | None = None, sender: str | None = None) -> list[Exchange]:
        """Requests in their order, each with its response."""
        answers = {(entry.sender, entry.message["id"]): entry for entry in self.entries if "method" not in entry.message}
        other = {"editor": "server", "server": "editor"}
        return [
            Exchange(entry, answers.get((other[entry.sender], entry.message["id"])))
            for entry in self.entries
            if "id" in entry.message and "method" in entry.message
            if method in (None, entry.message["method"]) and sender in (None, entry.sender)
        ]

    def broken(self) -> list[str]:
        """Every rule that does not hold."""
        return [*self._handshake(), *self._answers(), *self._commands(), *self._progress(), *self._edits(), *self._end()]

    def _handshake(self) -> Iterator[str]:
        first = self.entries[0].message.get("method") if self.entries else None
        if first != "initialize":
            yield f"the first message is {first}, not initialize"
        elif not (answer := self.exchanges("initialize")[0].response) or "result" not in answer.message:
            yield "initialize was not answered with a result"

    def _answers(self) -> Iterator[str]:
        # By order, not by time: an editor may write several requests at once.
        sent = [entry for entry in self.entries if entry.sender == "editor"]
        ending = next((number for number, entry in enumerate(sent) if entry.message.get("method") == "shutdown"), len(sent))
        afterwards = {id(entry) for entry in sent[ending + 1 :]}
        for exchange in self.exchanges():
            method = exchange.request.message["method"]
            if id(exchange.request) in afterwards:
                # LSP 3.17: after `shutdown` every request is an invalid one, and an editor that asks all the same gets told so.
                continue
            if exchange.response is None:
                yield f"{method} of the {exchange.request.sender} was never answered"
            elif (error := exchange.response.message.get("error")) and error["code"] not in TOLERATED:
                yield f"{method} of the {exchange.request.sender} was answered with an error: {error}"

    def _commands(self) -> Iterator[str]:
        for exchange in self.exchanges("workspace/executeCommand"):
            name = exchange.request.message["params"]["command"]
            if name != "aigentflow.run":
                continue
            result = exchange.response.message.get("result") if exchange.response else None
            if not isinstance(result, dict) or not result.get("run"):
                yield f"{name} was answered with {result}, without the id of a run"
            if exchange.seconds > AT_ONCE_SECONDS:
                yield f"{name} was answered after {exchange.seconds:.2f} s, not at once"

    def _progress(self) -> Iterator[str]:
        created = {exchange.request.message["params"]["token"] for exchange in self.exchanges("window/workDoneProgress/create")}
        kinds: dict[Any, list[str]] = {}
        for entry in self.entries:
            if entry.message.get("method") == "$/progress":
                params = entry.message["params"]
                kinds.setdefault(params["token"], []).append(params["value"]["kind"])
        if not kinds:
            yield "there was no progress"
        for token, seen in kinds.items():
            if seen[0] != "begin" or seen[-1] != "end" or set(seen[1:-1]) - {"report"}:
                yield f"progress {token} went {seen}"
            if token not in created:
                yield f"progress {token} was not created first"

    def _edits(self) -> Iterator[str]:
        applied = self.exchanges("workspace/applyEdit")
        if not applied:
            yield "no edit was applied"
        for exchange in applied:
            edit = exchange.request.message["params"]["edit"]
            if edit.get("changes"):
                yield "an edit came as `changes`, without versions"
            for change in edit.get("documentChanges", []):
                if "kind" not in change and not isinstance(change["textDocument"].get("version"), int):
                    yield f"an edit of {change['textDocument']['uri']} carries no version"

    def _end(self) -> Iterator[str]:
        if not self.exchanges("shutdown"):
            yield "the editor never asked for shutdown"
        if self.rests:
            yield f"bytes that are no message: {self.rests}"
        if self.exits != [0]:
            yield f"the server's exit status is {self.exits}, not 0"


def one_document_at_a_time(conversation: Conversation) -> list[str]:
    """Neovim compares the version of the first entry only, so there an edit may change one document, and waits for the one before."""
    broken = []
    applied = conversation.exchanges("workspace/applyEdit")
    for exchange in applied:
        changes = exchange.request.message["params"]["edit"].get("documentChanges", [])
        if len(changes) > 1:
            broken.append(f"one edit holds {len(changes)} entries")
    for before, after in itertools.pairwise(applied):
        if before.response is None or after.request.at < before.response.at:
            broken.append("an edit was sent before the editor had answered the one before")
    return broken
