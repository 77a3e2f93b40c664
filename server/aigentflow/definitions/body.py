"""What the Markdown body of an agent file says: variables, references, checklist, rules and the "do NOT modify" list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from aigentflow.definitions.markdown import Fence, ListItem, Markdown
from aigentflow.definitions.values import ChecklistItem, DenyEntry, Problem, Reference, Section, Span, Variable

VARIABLES = (
    *("TASK_DESCRIPTION", "CURRENT_PHASE", "IMPLEMENTATION_PLAN", "RELEVANT_LESSONS"),
    *("FILE_BOUNDARIES", "PARALLEL_AGENTS", "ARGUMENTS"),
)
"""The names that a run fills; every other `$NAME` stays as it is."""

_VARIABLE = re.compile(r"(?<![\w$\\{])\$([A-Z][A-Z0-9_]*)(?![\w])")
_REFERENCE = re.compile(r'(?<![\w@\\./#-])@(?:"([^"\r\n]{1,400})"|((?:\{[^\s{}`]{1,200}\}|[^\s`\'"<>|@,;(){}]){1,400}))')
_PACKAGE = re.compile(r"[a-z0-9~-][\w.~-]*/[a-z0-9._~-]+(?:/[\w.~-]+)*\Z")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,12}\Z")
_TEXT_FILE = re.compile(
    r"\.(?:md|mdx|txt|rst|adoc|[cm]?[jt]sx?|jsonc?|json5|ya?ml|toml|pyi?|sql|go|rs|java|kts?|cs|rb|php|sh|s?css|html?|vue|svelte|graphql|gql"
    r"|proto|prisma|tf|hcl|xml|csv|ini|cfg|conf|lock|[ch]|[ch]pp|cc|swift|scala|exs?|lua|ipynb|gradle|properties|example)\Z",
    re.IGNORECASE,
)
_CHECK = re.compile(r"<!--\s*check:\s*([A-Za-z][\w-]{0,63})\s*-->")
_COMMENT = re.compile(r"<!--(?:[^-]|-(?!->))*-->")
_FORBIDS = re.compile(
    r"\b(?:do\s+not|don['’]t|never|must\s+not|may\s+not)\s+(?:ever\s+)?(?:modify|edit|change|touch|write\s+to)\b", re.IGNORECASE
)
_OWNER = re.compile(r"\(([^()\n]{1,80})\)")
_OWNER_NOISE = frozenset(
    (
        *("territory", "team", "owned", "owns", "owner", "by", "belongs", "to", "area", "domain", "only"),
        *("the", "agent", "agents", "responsibility", "of", "s"),
    )
)
_PATH_WORD = re.compile(r"[^\s`(),;]*[/*][^\s`(),;]*")
_ANSWERS = re.compile(r"output|response|report|answer|result|contract", re.IGNORECASE)


def variables_of(markdown: Markdown) -> tuple[Variable, ...]:
    """Return every `$NAME` outside code, in file order."""
    return tuple(Variable(match.group(1), Span(*match.span())) for match in markdown.finditer(_VARIABLE))


def references_of(markdown: Markdown) -> tuple[Reference, ...]:
    """Return every `@path` outside code: no package scopes, decorators, mail addresses or people."""
    found = (_reference(match) for match in markdown.finditer(_REFERENCE))
    return tuple(reference for reference in found if reference is not None)


def looks_like_package(path: str) -> bool:
    """Whether the path could as well be the name of an npm package."""
    extension = _EXTENSION.search(path)
    return _PACKAGE.match(path) is not None and ".." not in path and (extension is None or extension.group() in (".js", ".io"))


def checklist_of(markdown: Markdown) -> tuple[ChecklistItem, ...]:
    """Return the task-list items that stand in no code and in no comment."""
    found = []
    for item in markdown.items:
        raw = markdown.text[item.text.start : item.text.end]
        if not item.is_task or markdown.is_inert(item.text.start - 1):
            continue
        bound = _CHECK.search(raw)
        text = " ".join(_COMMENT.sub(" ", raw).split())
        if text:
            span = _visible(markdown.text, item.text, raw)
            found.append(ChecklistItem(text, markdown.headings_above(item.text.start), span, bound.group(1) if bound else None))
    return tuple(found)


def rules_of(markdown: Markdown) -> tuple[str, ...]:
    """Return the outermost list items under a heading whose last word is `Rules`."""
    found: dict[str, None] = {}
    for section in markdown.sections:
        words = section.title.lower().strip(" :").split()
        if not words or words[-1] not in ("rules", "rule"):
            continue
        items = markdown.items_in(section.body)
        least = min((item.indent for item in items), default=0)
        texts = (_text(markdown, item) for item in items if item.indent == least)
        found.update(dict.fromkeys(text for text in texts if text))
    return tuple(found)


def forbidden_of(markdown: Markdown) -> tuple[tuple[DenyEntry, ...], tuple[Problem, ...]]:
    """Return what "do NOT modify" lists and sentences name in backticks, with the owner from the brackets behind it."""
    entries: dict[tuple[str, str | None], DenyEntry] = {}
    problems = []
    for block in markdown.prose:
        match = _FORBIDS.search(markdown.text, block.start, block.end)
        if match is None or markdown.is_inert(match.start()):
            continue
        here = _patterns(markdown, Span(match.end(), block.end))
        listed = list(markdown.list_after(block.end)) if _opens_list(markdown, block) else []
        if not listed and not _is_boundary(markdown, block.start):
            continue
        for item in listed:
            there = _patterns(markdown, item.text) or _bare_pattern(markdown, item.text)
            if not there:
                problems.append(Problem("No path in backticks here, so nothing holds this line", item.text, "warning", "deny.unclear"))
            here += there
        entries.update({(entry.pattern, entry.owner): entry for entry in here if (entry.pattern, entry.owner) not in entries})
    return tuple(entries.values()), tuple(problems)


def contract_fence(markdown: Markdown) -> Fence | None:
    """Return the JSON-like example of the answer: the last one under a heading about output, else the last of all."""
    fences = [fence for fence in markdown.fences if _looks_like_json(markdown.text, fence)]
    under = [fence for fence in fences if any(map(_ANSWERS.search, markdown.headings_above(fence.whole.start)))]
    found = under or fences
    return found[-1] if found else None


def leaf_blocks(markdown: Markdown) -> Iterator[tuple[Section | None, Span]]:
    """Yield the body in pieces, one per heading with the text up to the next heading of any level; first what stands before."""
    starts = [section.heading.start for section in markdown.sections]
    ends = [*starts[1:], markdown.body.end]
    yield None, Span(markdown.body.start, starts[0] if starts else markdown.body.end)
    for section, end in zip(markdown.sections, ends, strict=False):
        yield section, Span(section.heading.start, end)


def _reference(match: re.Match[str]) -> Reference | None:
    quoted, bare = match.groups()
    if quoted is not None:
        path, end = quoted.strip(), match.end()
    else:
        path = _without_punctuation(bare.partition("#")[0], emphasised=match.string[match.start() - 1 : match.start()] in ("*", "_"))
        end = match.start() + 1 + len(path)
        if not _is_path(path):
            return None
    if not path or path == "/":
        return None
    kind: Literal["file", "directory", "glob"] = (
        "glob" if any(char in path for char in "*?[{") else "directory" if path.endswith("/") else "file"
    )
    return Reference(path, kind, Span(match.start(), end))


def _without_punctuation(path: str, *, emphasised: bool) -> str:
    while path:
        last = path[-1]
        closes = {"]": "[", "}": "{"}.get(last)
        unbalanced = closes is not None and path.count(closes) < path.count(last)
        if last in ".:!?…" or unbalanced or (emphasised and last in "*_"):
            path = path[:-1]
        else:
            return path
    return path


def _is_path(path: str) -> bool:
    if "/" not in path:
        return _TEXT_FILE.search(path) is not None or "*" in path.strip("*")
    if path.endswith("/") or any(char in path for char in "*?[{"):
        return True
    if path.startswith((".", "/", "~")) or _EXTENSION.search(path):
        return True
    return path.count("/") > 1 or not looks_like_package(path)


def _text(markdown: Markdown, item: ListItem) -> str:
    return " ".join(_COMMENT.sub(" ", markdown.text[item.text.start : item.text.end]).split())


def _visible(text: str, span: Span, raw: str) -> Span:
    """Return the span without trailing blanks and comments."""
    end = len(raw.rstrip())
    while raw[:end].endswith("-->") and (start := raw.rfind("<!--", 0, end)) >= 0:
        end = len(raw[:start].rstrip())
    return Span(span.start, span.start + end) if end else span


def _patterns(markdown: Markdown, span: Span) -> list[DenyEntry]:
    """Return the paths in backticks; an owner in brackets holds for all paths before it that name none."""
    codes = markdown.code_in(span)
    found: list[DenyEntry] = []
    owner: str | None = None
    for n in range(len(codes) - 1, -1, -1):
        code = codes[n]
        until = codes[n + 1].start if n + 1 < len(codes) else span.end
        brackets = _OWNER.search(markdown.text, code.end, until)
        owner = _owner_name(brackets.group(1)) if brackets else owner
        if pattern := markdown.text[code.start : code.end].strip():
            found.append(DenyEntry(pattern, owner, code))
    return found[::-1]


def _bare_pattern(markdown: Markdown, span: Span) -> list[DenyEntry]:
    word = _PATH_WORD.search(markdown.text, span.start, span.end)
    if word is None or not word.group().strip("/*."):
        return []
    owner = _OWNER.search(markdown.text, word.end(), span.end)
    return [DenyEntry(word.group(), _owner_name(owner.group(1)) if owner else None, Span(*word.span()))]


def _owner_name(words: str) -> str | None:
    kept = [word for word in re.findall(r"[\w.@/-]+", words) if word.lower() not in _OWNER_NOISE]
    return " ".join(kept) if 1 <= len(kept) <= 3 else None


def _opens_list(markdown: Markdown, block: Span) -> bool:
    line = markdown.text[block.start : block.end].rstrip(" \t*_")
    return line.endswith(":") or line.lstrip().startswith("#")


def _is_boundary(markdown: Markdown, offset: int) -> bool:
    return any(re.search(r"bound|off.?limits|territor|scope", title, re.IGNORECASE) for title in markdown.headings_above(offset))


def _looks_like_json(text: str, fence: Fence) -> bool:
    content = text[fence.content.start : fence.content.end].lstrip()
    return content[:1] in ("{", "[") and fence.info.lower() in ("json", "jsonc", "json5", "")
