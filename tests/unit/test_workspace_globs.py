from __future__ import annotations

import time

import pytest

from aigentflow.workspace.globs import Glob, GlobError, expand_braces


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("apps/api/**", "apps/api/src/a.ts", True),
        ("apps/api/**", "apps/api", False),
        ("apps/api/**", "apps/api2/a.ts", False),
        ("apps/api/**", "x/apps/api/a.ts", False),
        ("*.ts", "deep/down/a.ts", True),
        ("*.ts", "deep/down/a.tsx", False),
        ("apps/*.ts", "apps/x/a.ts", False),
        ("docs/", "docs/a/b.md", True),
        ("docs/", "docs", False),
        ("./README.md", "sub/README.md", False),
        ("./README.md", "README.md", True),
        ("apps/{api,web}/**/*.ts", "apps/web/a.ts", True),
        ("apps/{api,web}/**/*.ts", "apps/ui/a.ts", False),
        ("app/\\[id\\]/*", "app/[id]/page.tsx", True),
        ("app/[id]/*", "app/[id]/page.tsx", False),
        ("app/[id]/*", "app/i/page.tsx", True),
        ("[^a]x", "bx", True),
        ("[]a]x", "]x", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("**", ".hidden", True),
        ("café/*", "cafe\u0301/x", True),
        ("a.b", "axb", False),
        ("{a,b}{c,d}", "bd", True),
    ],
)
def test_patterns_mean_what_the_field_means_by_them(pattern: str, path: str, expected: bool) -> None:
    assert Glob(pattern).matches(path) is expected


def test_a_pattern_of_a_tool_without_a_slash_means_that_folder_only() -> None:
    assert not Glob("*.ts", anywhere=False).matches("deep/a.ts")
    assert Glob("*.ts", anywhere=False).matches("a.ts")


def test_case_is_folded_only_when_asked() -> None:
    assert Glob("Apps/**", fold_case=True).matches("aPPS/x")
    assert not Glob("Apps/**").matches("apps/x")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "empty"),
        ("/etc/**", "absolute"),
        ("../x", "'..'"),
        ("a//b", "empty folder"),
        ("[ab", "']'"),
        ("{a,b", "'}'"),
        ("a}", "'{'"),
        ("[z-a]", "backwards"),
        ("apps\\api\\x", "write '/'"),
        ("a" * 2000, "longer"),
        ("{a,b}" * 12, "stand for more"),
    ],
)
def test_a_pattern_that_means_nothing_says_why(pattern: str, reason: str) -> None:
    with pytest.raises(GlobError, match=reason.replace("[", "\\[")):
        Glob(pattern)


def test_a_hostile_pattern_takes_linear_time() -> None:
    glob = Glob("*a" * 60 + "b")
    deep = Glob("**/" + "a/**/" * 50 + "b")
    start = time.process_time()
    assert not glob.matches("a" * 255)
    assert not deep.matches("/".join(["a"] * 500))
    assert time.process_time() - start < 1


def test_braces_are_expanded_in_order_nested_and_not_inside_classes() -> None:
    assert expand_braces("a{b,c{d,e}}") == ["abd", "abe", "acd", "ace"] or set(expand_braces("a{b,c{d,e}}")) == {"ab", "acd", "ace"}
    assert expand_braces("[{]x,y") == ["[{]x,y"]
