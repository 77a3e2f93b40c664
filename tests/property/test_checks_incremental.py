"""Random edits, syntax-breaking ones included: the incremental tree equals a full parse, findings lie in the text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from hypothesis import given, settings
from hypothesis import strategies as st

from aigentflow.checks.checklist import built_in_catalogue
from aigentflow.checks.engine import check_file
from aigentflow.checks.facts import ProjectFacts, facts_of
from aigentflow.checks.fixes import apply, fix
from aigentflow.data import data_folder
from aigentflow.syntax.comments import task_comments
from aigentflow.syntax.symbols import enclosing_symbols
from aigentflow.syntax.trees import Tree

PATH = "apps/api/src/orders/orders.service.ts"
PIECES = [
    "{",
    "}",
    "(",
    ")",
    "`",
    "'",
    "/*",
    "*/",
    "//",
    "\n",
    "\r\n",
    ";",
    "x",
    "é",
    "😀",
    "${",
    "@Post() ",
    "throw 'a b';",
    "class A {",
    "async ",
    "",
]
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 60), st.one_of(st.sampled_from(PIECES), st.text(max_size=12))), min_size=1, max_size=6
)


class Sample:
    def read(self, path: str) -> str | None:
        file = data_folder("sample") / path
        return file.read_text("utf-8") if file.is_file() else None

    def paths(self, under: str) -> Iterator[str]:
        for folder in ("apps/api/src", "packages/database/src", "apps/api/test"):
            yield from sorted(f.relative_to(data_folder("sample")).as_posix() for f in (data_folder("sample") / folder).rglob("*.ts"))


@lru_cache(maxsize=1)
def facts() -> ProjectFacts:
    return facts_of(Sample())


def edited(tree: Tree, edits: list[tuple[float, int, str]]) -> Tree:
    for where, length, new in edits:
        start = int(where * len(tree.text))
        tree = tree.edited(start, min(len(tree.text), start + length), new)
    return tree


@given(EDITS)
@settings(max_examples=60, deadline=None)
def test_incremental_equals_full(edits: list[tuple[float, int, str]]) -> None:
    tree = edited(Tree.parse(Sample().read(PATH) or "", "typescript"), edits)
    full = Tree.parse(tree.text, "typescript")

    assert str(tree.root) == str(full.root)
    assert check_file(PATH, tree.text, built_in_catalogue().ids, facts(), tree) == check_file(
        PATH, tree.text, built_in_catalogue().ids, facts()
    )


TYPED = [
    *PIECES,
    *(
        "throw new Error('no');",
        "@Get(':id') ",
        "async find(@Body() body: Dto) {}",
        "private readonly db: Database;",
        "import { x } from 'y';",
    ),
    *(
        "db.select().from(orders);",
        "constructor(private readonly events: EventEmitter2) {}",
        "static ",
        "export ",
        "@Injectable()",
        "Promise.reject('x');",
    ),
]
SESSION = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 40), st.one_of(st.sampled_from(TYPED), st.text(max_size=3))), min_size=4, max_size=12
)
FILES = [PATH, "apps/api/src/customers/customers.controller.ts", "apps/api/src/orders/orders.controller.ts"]


@given(SESSION, st.sampled_from(FILES), st.booleans())
@settings(max_examples=50, deadline=None)
def test_a_session_of_typing_finds_what_a_full_check_finds(edits: list[tuple[float, int, str]], path: str, takes_back: bool) -> None:
    live, checks = facts(), built_in_catalogue().ids
    tree = Tree.parse(Sample().read(path) or "", "typescript")
    check_file(path, tree.text, checks, live, tree)
    for edit in edits:
        before, tree = tree, edited(tree, [edit])

        found = check_file(path, tree.text, checks, live, tree)

        assert found == check_file(path, tree.text, checks, facts())
        if takes_back:
            tree = before
            assert check_file(path, tree.text, checks, live, tree) == check_file(path, tree.text, checks, facts())


@given(EDITS, st.sampled_from([PATH, "apps/api/src/customers/customers.controller.ts", "apps/api/src/customers/customers.service.ts"]))
@settings(max_examples=60, deadline=None)
def test_findings_lie_in_the_text_and_fixes_apply(edits: list[tuple[float, int, str]], path: str) -> None:
    tree = edited(Tree.parse(Sample().read(path) or "", "typescript"), edits)

    found = check_file(path, tree.text, built_in_catalogue().ids, facts(), tree)

    assert len({finding.key for finding in found}) == len(found)
    for finding in found:
        assert 0 <= finding.start < finding.end <= len(tree.text)
        repair = fix(finding, tree.text)
        if repair is not None:
            ends = [edit.end for edit in repair.edits]
            assert all(end <= edit.start for end, edit in zip(ends, repair.edits[1:], strict=False))
            assert apply(tree.text, repair) != tree.text


@given(EDITS, st.sampled_from(["a.ts", "a.py", "a.sql", "a.md", "a.java", "what"]), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_comments_and_symbols_never_fail(edits: list[tuple[float, int, str]], path: str, where: float) -> None:
    text = edited(Tree.parse(Sample().read(PATH) or "", "typescript"), edits).text

    for comment in task_comments(text, path, ("backend_dev",)):
        assert 0 <= comment.removal[0] <= comment.start < comment.end <= len(text)
        assert comment.task
    for symbol in enclosing_symbols(text, path, int(where * len(text))):
        assert 0 <= symbol.start < symbol.end <= len(text)
