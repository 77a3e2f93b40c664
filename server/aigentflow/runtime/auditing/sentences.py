"""Sentences in running text that say that a check passed or was run: "All tests pass", "tsc is clean", "verified by running npm test".

From each word such as `pass` the sentence is read backwards, over joining words only, to the checks it speaks of; conditions,
wishes, orders and denials make no claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from aigentflow.runtime.auditing.evidence import Evidence
from aigentflow.runtime.auditing.verifying import Scope, claim, judge, judge_count, judge_coverage, judge_run
from aigentflow.runtime.auditing.wording import kind_of, qualifier, vocabulary, words
from aigentflow.runtime.result import ClaimPart

_MOST_SENTENCES = 1_500
_LONGEST = 600
_BREAK = re.compile(r"(?<=[.!?;])\s+|\s+[–—]\s+|\n+|\bbut\b|\bhowever\b|\balthough\b")
_TOKEN = re.compile(r"\d+(?:\.\d+)?\s?%|\d+/\d+|[A-Za-z0-9_@][\w./:'’-]*|[✅✓✔☑❌✗✘|,()`*]")
_TICKS = vocabulary("✅ ✓ ✔ ☑")
_PASS = vocabulary(
    "pass passes passed passing green clean succeeds succeeded succeed successful ok okay error-free happy satisfied fine good"
)
_FAIL = vocabulary("fail fails failed failing failures failure red broken ❌ ✗ ✘ error errors warnings skipped")
_JOINING = vocabulary(
    "now all still are is was were have has had been be being run runs running ran rerun cleanly currently successfully and "
    "suite suites cases case fully both again also locally status result results check checks checking type comes come came "
    "back out remains remain stays stay they the completes completed complete finishes finished finish exits exited with "
    "under reports report reported continue continues to command commands script scripts gate gates it as well executed each "
    "| , ( ) ` * npm pnpm yarn bun npx stage step job mode strict --noemit noemit project code"
)
_NEGATING = vocabulary("not never cannot without no neither nor unable none")
_CONDITIONS = vocabulary(
    "if once when until unless before ensure ensures ensuring make makes hopefully presumably assuming todo please verify whether"
)
_MODALS = vocabulary("should would will must can could may might need needs expect expected likely probably to-be") | _CONDITIONS
_ORDER = re.compile(r"^\W*(?:then\s+|next,?\s+|please\s+)?(?:run|rerun|re-run|execute|ensure|make sure|remember|please)\b", re.IGNORECASE)
_OBJECTS = vocabulary("null undefined a an them their its this through via by along values value data for")
_BEFORE_NOUN = vocabulary("all the existing unit of our and both every new strict full , ` * npm pnpm yarn run a")
_WRITTEN = vocabulary("written added updated created wrote covered included extended adjusted")
_RAN = re.compile(
    r"\b(?:re-?ran|ran|executed|(?:have|has|had|was|were|been|i|we|by|after|from)\s+(?:also\s+|then\s+)?(?:re-?)?(?:run|running|executing|executed)"
    r"|(?:verified|validated|checked|confirmed|tested|double-checked|proven)(?:\s+[\w`'-]+){0,5}?\s+(?:by|with|via|using|through)"
    r"|(?:verified|validated|confirmed)\s*:)\s+(?!into\b|out\b|across\b)([^\n]{0,120})",
    re.IGNORECASE,
)
_RAN_PASSIVE = re.compile(
    r"([^\n]{0,60}?)\s(?:was|were|have been|has been|got)\s+(?:also\s+|all\s+|successfully\s+)?(?:re-?)?(?:run|ran|executed)\b",
    re.IGNORECASE,
)
_ENDED_WELL = re.compile(
    r"\bexit(?:s|ed)?\s+(?:with\s+)?(?:exit\s+)?(?:code\s+|status\s+)?0\b"
    r"|\b(?:complet\w+|finish\w+|end(?:s|ed)|went|ran|runs|executed|execut\w+)\s+(?:successfully|cleanly|fine|well|through|without\s+(?:errors?|issues|problems))\b",
    re.IGNORECASE,
)
_NO_FAULTS = re.compile(
    r"\b(?:no|zero|0|without(?:\s+any)?|free\s+of)\s+((?:[\w/-]{1,30}\s+){0,4})(?:errors?|issues?|failures?|problems?|warnings?|violations?)\b"
    r"(?:\s+(?:from|in|by|reported\s+by)\s+([\w-]+))?",
    re.IGNORECASE,
)
_COMPILES = re.compile(
    r"\b(?:code|project|everything|it|app|package|workspace|repo|module|changes?|solution|service)\s+(?:now\s+|still\s+|all\s+)?"
    r"(compiles?|builds?|type-?checks?|lints?)(?=\s*$|\s*[.,;!)]|\s+(?:and|cleanly|successfully|fine|ok|without|with\s+no|again|now)\b)",
    re.IGNORECASE,
)
_EVERYTHING = re.compile(
    r"\b(?:everything|all\s+(?:the\s+)?(?:(?:verification|validation|quality)\s+)?(?:checks|gates|steps)|all|ci|the\s+pipeline)\s+"
    r"(?:is\s+|are\s+|now\s+|still\s+)*(?:pass(?:es|ed|ing)?|green|clean|verified)\b",
    re.IGNORECASE,
)
_N_PASSED = re.compile(r"\b(\d{1,6})(?:\s*(?:/|of|out\s+of)\s*\d{1,6})?\s+(?:[\w-]{1,20}\s+){0,2}?pass(?:ed|es|ing)?\b", re.IGNORECASE)
_COVERAGE = re.compile(
    r"\b(\d{1,3}(?:\.\d+)?)\s?%\s+(?:\w+\s+){0,2}coverage\b|\bcoverage\b[^.%\d\n]{0,40}(?:\d+(?:\.\d+)?\s?%\s+to\s+)?(\d{1,3}(?:\.\d+)?)\s?%",
    re.IGNORECASE,
)


def sentence_claims(text: str, evidence: Evidence) -> Iterator[ClaimPart]:
    """Yield what the sentences of a text claim about checks."""
    text = text[: evidence.prose_left]
    evidence.prose_left -= len(text)
    for sentence in _sentences(text):
        if _ORDER.match(sentence) or sentence.endswith("?"):
            continue
        yield from _passed(sentence, evidence)
        yield from _ran(sentence, evidence)
        yield from _figures(sentence, evidence)


def _sentences(text: str) -> Iterator[str]:
    for number, piece in enumerate(_BREAK.split(text)):
        if number >= _MOST_SENTENCES:
            return
        if sentence := " ".join(piece[:_LONGEST].split()):
            yield sentence


def _passed(sentence: str, evidence: Evidence) -> Iterator[ClaimPart]:
    tokens = [token.rstrip(".:'’-").lower() for token in _TOKEN.findall(_ENDED_WELL.sub(" passed ", sentence))]
    found: dict[str, Scope] = {}
    for at, token in enumerate(tokens):
        if token in _PASS or token in _TICKS:
            span = _backwards(tokens, at) or _forwards(tokens, at)
            if span is not None and not _denied(tokens, span[0], max(at, span[1])):
                _take(found, tokens[span[0] : span[1] + 1], tokens[max(0, span[0] - 3) : at])
    for match in _NO_FAULTS.finditer(sentence):
        around = [*words(match[1]), *words(match[2] or "")] or _last_words(sentence[: match.start()])
        if kind := "typecheck" if {"type", "ts"} & set(around) else kind_of(around):
            found.setdefault(kind, Scope())
    for match in _COMPILES.finditer(sentence):
        start = len(_TOKEN.findall(sentence[: match.start()]))
        if (kind := _compiled(match[1].lower())) and not _denied(tokens, start, start + 1):
            found.setdefault(kind, Scope())
    for kind, scope in found.items():
        yield claim(f"{kind} pass: “{sentence}”", judge(evidence, kind, "pass", scope))
    if not found and (everything := _EVERYTHING.search(sentence)):
        start = len(_TOKEN.findall(sentence[: everything.start()]))
        if not _denied(tokens, start, start + 1):
            yield claim(f"all checks pass: “{sentence}”", judge(evidence, None, "pass"))


def _compiled(word: str) -> str | None:
    return "typecheck" if word.startswith(("type", "compile")) else kind_of([word])


def _take(found: dict[str, Scope], spoken: Sequence[str], before: Sequence[str]) -> None:
    for token in spoken:
        if kind := _kind(token, spoken):
            everything = bool({"all", "every", "full", "whole", "entire"} & {*before, *spoken})
            pieces = [piece for word in (*before, *spoken) for piece in words(word)]
            found.setdefault(kind, Scope(everything, qualifier(pieces)) if kind == "tests" else Scope())


def _kind(token: str, around: Sequence[str]) -> str | None:
    if token in ("check", "checks", "checking") and "type" in around:
        return "typecheck"
    return None if token in _PASS else _kind_of_token(token)


@lru_cache(maxsize=4_096)
def _kind_of_token(token: str) -> str | None:
    return kind_of(words(token))


def _backwards(tokens: Sequence[str], at: int) -> tuple[int, int] | None:
    """Return the first and last token of the checks that a word such as `pass` speaks of."""
    if at + 1 < len(tokens) and tokens[at] in ("pass", "passes", "passed", "passing") and tokens[at + 1] in _OBJECTS:
        return None
    place, first = at - 1, -1
    while place >= 0:
        token = tokens[place]
        if _kind(token, tokens[max(0, place - 1) : place + 1]):
            first = place - (token.startswith("check") and tokens[place - 1] == "type")
        elif token in _FAIL and place and tokens[place - 1] in ("0", "no", "zero"):
            place -= 1
        elif token not in _JOINING and not token[0].isdigit():
            break
        place -= 1
    return (first, at - 1) if first >= 0 else _farther(tokens, at)


def _farther(tokens: Sequence[str], at: int) -> tuple[int, int] | None:
    """The same over words that are not known, for "all tests in the orders package pass"."""
    plain = tokens[at] in ("pass", "passes", "green", "succeed") or tokens[at - 1] in ("are", "is", "now", "all", "have", "still", "were")
    for place in range(at - 1, max(-1, at - 9), -1):
        if not plain or tokens[place] in _PASS or tokens[place] in _FAIL or tokens[place] in _TICKS:
            return None
        if _kind(tokens[place], tokens[max(0, place - 1) : place + 1]):
            led = set(tokens[max(0, place - 3) : place]) & {"all", "every", "existing", "the", "new"} or tokens[max(0, place - 1)].isdigit()
            joined = {"in", "for", "of", "under", "across", "from", "i", "we"} & set(tokens[place + 1 : at])
            return (place, at - 1) if led and joined else None
    return None


def _forwards(tokens: Sequence[str], at: int) -> tuple[int, int] | None:
    """The same for "passes all tests", "with passing tests", "✅ type check"."""
    last = -1
    for place in range(at + 1, min(len(tokens), at + 8)):
        token = tokens[place]
        if _kind(token, tokens[max(0, place - 1) : place + 1]):
            last = place
        elif token in _WRITTEN and tokens[at] in _TICKS:
            return None
        elif token not in _BEFORE_NOUN and token != "type" and not token.isdigit():
            break
    return (at, last) if last >= 0 else None


def _denied(tokens: Sequence[str], first: int, last: int) -> bool:
    """Whether words before or between make it a denial, a wish or a condition."""
    for place in range(max(0, first - 3), last + 1):
        token = tokens[place]
        hedged = token in (_CONDITIONS if place < first else _MODALS)
        negated = token in _NEGATING and (place + 1 >= len(tokens) or tokens[place + 1] not in _FAIL)
        if hedged or negated or token.endswith(("n't", "n’t")):
            return True
    return False


def _last_words(text: str) -> list[str]:
    """Return the words of the check that "…: no errors" or "… reports no errors" follows."""
    tokens = [token.rstrip(".:'’-").lower() for token in _TOKEN.findall(text)]
    span = _backwards([*tokens, "ok"], len(tokens)) if tokens else None
    return [piece for token in tokens[span[0] : span[1] + 1] for piece in words(token)] if span is not None else []


def _ran(sentence: str, evidence: Evidence) -> Iterator[ClaimPart]:
    found: dict[str, Scope] = {}
    for match in (*_RAN.finditer(sentence), *_RAN_PASSIVE.finditer(sentence)):
        passive = match.re is _RAN_PASSIVE
        before = [token.lower() for token in _TOKEN.findall(sentence[: match.start(1) if passive else match.start()])][-4:]
        spoken = [token.rstrip(".:'’-").lower() for token in _TOKEN.findall(match[1])]
        spoken = spoken[-6:] if passive else spoken[:9]
        looked_at = {*before, *spoken} if passive else set(before)
        if looked_at & (_MODALS | _NEGATING) or any(token.endswith(("n't", "n’t")) for token in looked_at):
            continue
        _take(found, spoken, ())
    for kind, scope in found.items():
        yield claim(f"{kind} run: “{sentence}”", judge_run(evidence, kind, scope))


def _figures(sentence: str, evidence: Evidence) -> Iterator[ClaimPart]:
    tokens = [token.lower() for token in _TOKEN.findall(sentence)]
    if set(tokens) & {"should", "target", "threshold", "at least", "goal", "minimum", "would", "aim"}:
        return
    for match in _N_PASSED.finditer(sentence):
        yield claim(f"number of tests: “{match.group()}”", judge_count(evidence, int(match[1])))
    for match in _COVERAGE.finditer(sentence):
        yield claim(f"coverage: “{match.group()}”", judge_coverage(evidence, float(match[1] or match[2])))
