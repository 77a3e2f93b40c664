"""Texts of models, commands and files as data on a Markdown page: they cannot make headings, links, tables or HTML, nor hide anything."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from aigentflow.lsp.convert import uri_of

_LINE_LENGTH = 400
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])|\x9b[0-?]*[ -/]*[@-~]")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNUSUAL = re.compile(r"[^\t\n -~]")
_JOINERS = "\u200c\u200d"
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that are drawn as nothing."""
_ACTIVE = re.compile(r"[\\`*\[\]<|~&@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
_OPENING = re.compile(r"(?P<mark>[#+\-=>:])|(?P<number>\d{1,9})(?=[.)])")


def cleaned(text: str) -> str:
    """Return the text with `\\n` for line ends, without terminal codes, and with every character that is not seen as `⟨U+202E⟩`."""
    text = _LINE_END.sub("\n", _TERMINAL.sub("", text))
    return _UNUSUAL.sub(_seen, text)


def _seen(match: re.Match[str]) -> str:
    character = match.group()
    if unicodedata.category(character) not in _UNSEEN and _BLANK.match(character) is None:
        return character
    before = match.string[match.start() - 1 : match.start()]
    # Many scripts, and emoji, need these between their characters.
    if character in _JOINERS and before and not before.isascii():
        return character
    return f"⟨U+{ord(character):04X}⟩"


def one_line(text: str, limit: int = _LINE_LENGTH) -> str:
    """Return the text on one line of bounded length, cleaned, Markdown not yet taken out."""
    flat = " ".join(cleaned(text[: limit * 8]).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def inline(text: str, limit: int = _LINE_LENGTH) -> str:
    """Return the text as one line of Markdown that reads as the text; it may begin a block."""
    escaped = _ACTIVE.sub(lambda match: "\\" + match.group(), one_line(text, limit))
    opening = _OPENING.match(escaped)
    if opening is None:
        return escaped
    number = opening["number"]
    return f"{number}\\{escaped[len(number) :]}" if number else "\\" + escaped


def code(text: str, limit: int = _LINE_LENGTH) -> str:
    """Return the text as a code span."""
    flat = one_line(text, limit)
    if not flat:
        return ""
    ticks = "`" * (_longest_run(flat) + 1)
    space = " " if flat[0] == "`" or flat[-1] == "`" else ""
    return f"{ticks}{space}{flat}{space}{ticks}"


def cell(markdown: str) -> str:
    """Return a code span or a link as it may stand in a table."""
    return re.sub(r"(?<!\\)\|", r"\\|", markdown)


def fenced(text: str, language: str = "") -> str:
    """Return the text in a fence that is longer than any inside."""
    shown = cleaned(text).rstrip()
    fence = "`" * max(3, _longest_run(shown) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def quoted(text: str) -> str:
    """Return the text as a quotation, line by line."""
    return "\n".join(f"> {inline(line)}".rstrip() for line in cleaned(text).strip().split("\n"))


def file_link(root: Path, path: str, line: int | None = None) -> str:
    """Return a link to a file of the workspace; a path that leads elsewhere is only shown."""
    where = path if line is None else f"{path}:{line}"
    parts = path.split("/")
    if path.startswith("/") or not path.isprintable() or "\\" in path or {"", ".", ".."} & set(parts):
        return code(where)
    anchor = "" if line is None else f"#L{line}"
    # Where a viewer takes no `file:` links the target stands there as text, in which these would act.
    target = re.sub(r"[&*~]", lambda match: f"%{ord(match.group()):02X}", uri_of(root / path))
    return f"[{inline(where)}](<{target}{anchor}>)"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
