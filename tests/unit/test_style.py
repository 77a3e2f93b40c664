"""The house style, as far as a machine can see it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SERVER = CHECKOUT / "server"
FILES = sorted((SERVER / "aigentflow").rglob("*.py"))
MOST_LINES, MOST_FUNCTION_LINES = 300, 40
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "common", "misc"}
WORKING_FOLDER = {"os.getcwd", "os.chdir", "Path.cwd"}


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def name_of(file: Path) -> str:
    return file.relative_to(SERVER).as_posix()


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_files_fit_a_head() -> None:
    assert [name_of(file) for file in FILES if file.read_text(encoding="utf-8").count("\n") > MOST_LINES] == []


def test_functions_fit_a_screen() -> None:
    lengths = {
        f"{name_of(file)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1 for file in FILES for node in functions(parsed(file))
    }
    assert {name: length for name, length in lengths.items() if length > MOST_FUNCTION_LINES} == {}


def test_modules_have_names_that_say_something() -> None:
    assert [name_of(file) for file in FILES if EMPTY_NAMES & set(file.relative_to(SERVER).with_suffix("").parts)] == []


def test_modules_and_public_names_say_what_they_are() -> None:
    silent = [name_of(file) for file in FILES if parsed(file).body and not ast.get_docstring(parsed(file))]
    silent += [f"{name_of(file)}:{node.name}" for file in FILES for node in public(parsed(file)) if not ast.get_docstring(node)]
    assert silent == []


def public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node


def test_broad_excepts_are_the_ones_that_the_architecture_names() -> None:
    text = (SERVER / "ARCHITECTURE.md").read_text(encoding="utf-8")
    _before, start, rest = text.partition("<!-- broad excepts -->")
    assert start, "server/ARCHITECTURE.md has lost its marked list of broad excepts"
    named = set(re.findall(r"^- `([\w./]+)`", rest.partition("<!-- /broad excepts -->")[0], re.M))
    assert {name_of(file).removeprefix("aigentflow/") for file in FILES if has_broad_except(file)} == named


def has_broad_except(file: Path) -> bool:
    return any(is_broad(node) for node in ast.walk(parsed(file)) if isinstance(node, ast.ExceptHandler))


def is_broad(handler: ast.ExceptHandler) -> bool:
    """Whether the handler takes everything and does not pass it on as it was."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    takes_all = any(kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")) for kind in kinds)
    last = handler.body[-1]
    return takes_all and not (isinstance(last, ast.Raise) and last.exc is None)


@pytest.mark.parametrize(
    ("body", "broad"),
    [
        ("except Exception:\n    pass", True),
        ("except:\n    pass", True),
        ("except (OSError, BaseException) as e:\n    pass", True),
        ("except BaseException:\n    clean()\n    raise", False),
        ("except ValueError:\n    pass", False),
    ],
)
def test_a_broad_except_is_seen(body: str, broad: bool) -> None:
    tree = ast.parse(f"try:\n    f()\n{body}")
    assert [is_broad(node) for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)] == [broad]


def test_nothing_depends_on_the_current_folder() -> None:
    found = {name: used for file in FILES if (name := name_of(file)) and (used := calls(parsed(file)) & WORKING_FOLDER)}
    # A forked child on its way to the command that it becomes has to go to the command's folder.
    assert found == {f"aigentflow/box/{name}.py": {"os.chdir"} for name in ("namespace", "namespaced", "on_copy")}


def calls(tree: ast.Module) -> set[str]:
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {f"{func.value.id}.{func.attr}" for func in called if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name)}


def test_no_module_keeps_state() -> None:
    assert {name: found for file in FILES if (name := name_of(file)) and (found := module_state(parsed(file)))} == {}


def module_state(tree: ast.Module) -> set[str]:
    """Return `global` names and containers whose name does not say that they are constants."""
    state = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.List | ast.Dict | ast.Set):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            state |= {target.id for target in targets if isinstance(target, ast.Name) and not target.id.lstrip("_").isupper()}
    return state - {"__all__"}
