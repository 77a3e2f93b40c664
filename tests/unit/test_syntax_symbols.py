"""The function, method or class around a place; `|` marks the place."""

from __future__ import annotations

import pytest

from aigentflow.syntax.symbols import enclosing_symbol, enclosing_symbols

TS = """\
@Controller()
export class A {
  @Post()
  @Doc() async create(a: B) { return list.map((x) => x + 1); }
  private handle = async () => { held(); };
}

export const f = () => { inArrow(); };
function g() { inFunction(); }
const { a } = g();
"""


@pytest.mark.parametrize(
    ("word", "kind", "name"),
    [
        ("@Post", "method", "create"),
        ("create(", "method", "create"),
        ("x + 1", "method", "create"),
        ("held", "method", "handle"),
        ("inArrow", "function", "f"),
        ("inFunction", "function", "g"),
        ("private", "class", "A"),
    ],
)
def test_typescript(word: str, kind: str, name: str) -> None:
    symbol = enclosing_symbol(TS, "a.ts", TS.index(word) + 1)

    assert symbol is not None
    assert (symbol.kind, symbol.name) == (kind, name)


def test_a_symbol_spans_its_decorators_and_export() -> None:
    method, declared = enclosing_symbols(TS, "a.ts", TS.index("return"))

    assert TS[method.start :].startswith("@Post()")
    assert TS[declared.start :].startswith("@Controller()")
    assert TS[: declared.end].endswith("};\n}")


@pytest.mark.parametrize("offset", [TS.index("const { a }"), len(TS), 10_000, -5])
def test_outside_of_any(offset: int) -> None:
    assert enclosing_symbol(TS, "a.ts", offset if offset != -5 else TS.index("\n\nexport") + 1) is None


def test_at_the_closing_brace() -> None:
    text = "function f() { x }"

    symbol = enclosing_symbol(text, "a.ts", len(text))

    assert symbol is not None and symbol.name == "f"


PYTHON = """\
import os

@dataclass
class A:
    @property
    def m(
        self,
    ):
        return 1

    async def n(self): pass

def f():
    def inner():
        deep
    shallow

top
"""


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("@dataclass", ["A"]),
        ("@property", ["m", "A"]),
        ("return 1", ["m", "A"]),
        ("pass", ["n", "A"]),
        ("deep", ["inner", "f"]),
        ("shallow", ["f"]),
        ("top", []),
        ("import", []),
    ],
)
def test_python(word: str, names: list[str]) -> None:
    assert [symbol.name for symbol in enclosing_symbols(PYTHON, "a.py", PYTHON.index(word))] == names


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("func (s *S) Foo(a int) error {\n  if x { | }\n}", [("function", "Foo")]),
        ('class J { int bar(int x) throws E { for (;;) { String s = "}"; | } } }', [("method", "bar"), ("class", "J")]),
        ("impl Foo {\n  pub fn bar(&self) -> u8 { | }\n}", [("method", "bar"), ("class", "Foo")]),
        ("if (x) { | }", []),
        ("struct S { int a; | };", [("class", "S")]),
    ],
)
def test_languages_with_braces(text: str, kinds: list[tuple[str, str]]) -> None:
    offset = text.index("|")

    found = enclosing_symbols(text.replace("|", ""), "a.java", offset)

    assert [(symbol.kind, symbol.name) for symbol in found] == kinds
