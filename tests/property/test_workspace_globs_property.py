"""The linear-time glob matcher against the obvious recursive one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from aigentflow.workspace.globs import Glob, GlobError, expand_braces

NAMES = st.text("abc.", min_size=1, max_size=5)
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)
PIECES = st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "[!a]", "[a-c]", "**", "c"])
COMPONENTS = st.lists(PIECES, min_size=1, max_size=5).map("".join) | st.just("**")
PATTERNS = st.tuples(st.lists(COMPONENTS, min_size=1, max_size=4).map("/".join), st.sampled_from(["", "/"])).map("".join)


def name_matches(pattern: str, name: str) -> bool:
    """Brute force: every way to cut the name."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(name_matches(pattern[1:], name[cut:]) for cut in range(len(name) + 1))
    if not name:
        return False
    if pattern[0] == "?":
        return name_matches(pattern[1:], name[1:])
    if pattern[0] == "[":
        end = pattern.index("]")
        body = pattern[1:end]
        inside = {"ab": "ab", "!a": "a", "a-c": "abc"}[body]
        return (name[0] in inside) != body.startswith("!") and name_matches(pattern[end + 1 :], name[1:])
    return name[0] == pattern[0] and name_matches(pattern[1:], name[1:])


def path_matches(pattern: list[str], path: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        if len(pattern) == 1:
            return bool(path)
        return any(path_matches(pattern[1:], path[cut:]) for cut in range(len(path) + 1))
    return bool(path) and name_matches(pattern[0], path[0]) and path_matches(pattern[1:], path[1:])


def reference(pattern: str, path: str) -> bool:
    parts = pattern.rstrip("/").split("/") + (["**"] if pattern.endswith("/") else [])
    if "/" not in pattern:
        parts.insert(0, "**")
    return path_matches([part for part in parts if part != "."], path.split("/"))


@settings(max_examples=600, deadline=None)
@given(PATTERNS, PATHS)
def test_matches_exactly_what_brute_force_matches(pattern: str, path: str) -> None:
    try:
        glob = Glob(pattern)
    except GlobError:
        assert ".." in pattern.split("/") or not pattern.strip("./")
        return
    assert glob.matches(path) == reference(pattern, path)


@settings(max_examples=400, deadline=None)
@given(PATTERNS, PATHS)
def test_covers_is_matching_of_the_path_or_of_a_folder_above(pattern: str, path: str) -> None:
    try:
        glob = Glob(pattern)
    except GlobError:
        return
    parts = path.split("/")
    assert glob.covers(path) == any(glob.matches("/".join(parts[: n + 1])) for n in range(len(parts)))


@given(
    st.lists(st.sampled_from(["a", "b", "/", "*"]), max_size=4).map("".join), st.lists(st.text("xyz/", max_size=3), min_size=2, max_size=4)
)
def test_braces_stand_for_each_option(head: str, options: list[str]) -> None:
    pattern = head + "{" + ",".join(options) + "}t"
    assert expand_braces(pattern) == list(dict.fromkeys(head + option + "t" for option in options))


@settings(max_examples=300)
@given(st.text("ab*?[]{}!,\\/-.^", max_size=12), PATHS)
def test_any_text_is_a_pattern_or_a_reasoned_error(pattern: str, path: str) -> None:
    try:
        Glob(pattern, fold_case=True).matches(path)
    except GlobError as error:
        assert str(error)
