"""Claims about endpoints, exports and other names that were made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aigentflow.runtime.auditing.evidence import Evidence, Lines
from aigentflow.runtime.auditing.phrases import first_of, path_of
from aigentflow.runtime.auditing.verifying import Judged, claim
from aigentflow.runtime.auditing.wording import clean, vocabulary, words
from aigentflow.runtime.result import ClaimPart

_KEYS = vocabulary(
    "endpoint endpoints route routes exports exported function functions method methods classes class components component "
    "services service controllers controller hooks interfaces symbols handlers apis api dtos events guards middlewares "
    "schemas types models queues jobs resolvers"
)
_SILENT = vocabulary(
    "read used existing unchanged called consumed removed deleted deprecated affected base url version docs documentation style"
)
_ROUTE = re.compile(r"^(?:(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|ALL|WS)\s+)?(/[\w/:{}.*$\[\]()-]*)(?:\?\S*)?$", re.IGNORECASE)
_IDENTIFIER = re.compile(r"^[`'\"]?(?:[A-Za-z_$][\w$]*)(?:[.#:]{1,2}[A-Za-z_$][\w$]*)*(?:\([^)]*\))?[`'\"]?$")
_PARAMETER = re.compile(r"^[:{\[*$(]")
_NAME_KEYS = ("name", "symbol", "identifier", "function", "method", "class", "export", "component", "event", "title", "id")


class SymbolClaims:
    """Reads what a report says about names in the code."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def concerns(self, pieces: list[str], value: Any) -> bool:
        """Whether a field lists names of the code that were made."""
        return bool(set(pieces) & _KEYS) and not set(pieces) & _SILENT and isinstance(value, (list, str, dict))

    def claims(self, key: str, value: Any) -> Iterator[ClaimPart]:
        """Yield the claims of such a field."""
        entries = value if isinstance(value, list) else [value]
        for entry in entries[:500]:
            if isinstance(entry, str):
                yield from self._text(key, entry)
            elif isinstance(entry, dict):
                yield from self._object(key, entry)

    def _object(self, key: str, entry: dict[str, Any]) -> Iterator[ClaimPart]:
        verb, route = first_of(entry, ("method", "verb", "httpMethod")), first_of(entry, ("path", "route", "url", "endpoint"))
        if isinstance(route, str) and _ROUTE.match(route.strip()):
            yield from self._text(key, f"{verb} {route.strip()}" if isinstance(verb, str) and " " not in route.strip() else route)
            return
        name = first_of(entry, _NAME_KEYS)
        if isinstance(name, str):
            yield from self._text(key, name)
            return
        for inner_key, inner in entry.items():
            if not set(words(str(inner_key))) & _SILENT and isinstance(inner, (list, dict)):
                yield from self.claims(f"{key} {inner_key}", inner)

    def _text(self, key: str, text: str) -> Iterator[ClaimPart]:
        plain = re.split(r"\s+(?:[–—-]|\()", text.strip(), maxsplit=1)[0].strip("`'\" ")
        if match := _ROUTE.match(plain):
            yield claim(f"{key}: {clean(plain, 150)}", self._route(match[1], match[2]))
        elif _IDENTIFIER.match(plain) and not path_of(plain) and len(plain) > 1:
            names = re.findall(r"[A-Za-z_$][\w$]*", plain.split("(")[0])
            yield claim(f"{key}: {clean(plain, 150)}", self._names(names))

    def _names(self, names: list[str]) -> Judged:
        patterns = {name: re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])") for name in names}
        missing = next((name for name, pattern in patterns.items() if not pattern.search(self._evidence.after)), "")
        if missing:
            return Judged("contradicted", f"{missing} is in no changed file")
        if not any(pattern.search(self._evidence.added) for pattern in patterns.values()):
            return Judged("unwitnessed", "the changed files had it before")
        return Judged("confirmed", "in the changed lines")

    def _route(self, verb: str | None, route: str) -> Judged:
        segments = [segment for segment in route.strip("/").split("/") if segment and not _PARAMETER.match(segment)]
        found = [self._route_in(lines, verb, segments) for lines in self._evidence.files.values()]
        if "added" in found:
            return Judged("confirmed", "in the changed lines")
        if "there" in found:
            return Judged("unwitnessed", "the changed files had it before")
        return Judged("contradicted", "no changed file has such a route")

    def _route_in(self, lines: Lines, verb: str | None, segments: list[str]) -> str:
        spoken = _verb(verb) if verb and verb.upper() not in ("ALL", "WS") else None
        last = re.compile(rf"(?<![\w-]){re.escape(segments[-1])}(?![\w-])") if segments else None
        if (last and not last.search(lines.after + lines.path)) or (spoken and not spoken.search(lines.after)):
            return ""
        added = "".join(text for _, text in lines.added)
        new = (spoken.search(added) if spoken else None) or (last.search(added) if last else None)
        if spoken and last and last.search(added) and not spoken.search(added):
            new = None
        return "added" if new else "there"


def _verb(verb: str) -> re.Pattern[str]:
    """Return a pattern for the ways in which frameworks write a verb: `@Post(`, `.post(`, `method: 'POST'`, `function POST`."""
    name = re.escape(verb)
    return re.compile(rf"@{name}(?:Mapping)?\b|\.{name}\s*[(<]|['\"\[]{name}['\"]|\b{name.upper()}\b|\bhttp\.?{name}\b", re.IGNORECASE)
