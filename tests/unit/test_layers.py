"""The layers of the package: who may import whom, and which third-party package belongs where (design of the package)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "server" / "aigentflow"
LEAVES = {"", "errors", "data", "state", "redaction"}
CORE = {"workspace", "syntax", "definitions", "checks", "box"}
SURFACE = CORE | {"runtime", "settings", "user_config", "credentials", "trust", "permissions"}
LAYERS: dict[str, tuple[set[str], set[str]]] = {
    # layer: (layers it may import beside the leaves and itself, third-party packages)
    **{leaf: (set(), set()) for leaf in LEAVES},
    "credentials": (set(), set()),
    "softly": (set(), {"pydantic"}),
    "settings": ({"softly", "user_config"}, {"pydantic"}),
    "user_config": ({"softly", "settings"}, {"pydantic", "yaml"}),
    "trust": (set(), set()),
    "workspace": (set(), {"pathspec"}),
    "syntax": ({"workspace"}, {"tree_sitter", "tree_sitter_typescript"}),
    "definitions": ({"workspace"}, {"yaml", "pydantic", "jsonschema", "markdown_it"}),
    # tree_sitter for the types of the nodes that detectors are given.
    "checks": ({"workspace", "syntax", "definitions"}, {"ast_grep_py", "yaml", "tree_sitter"}),
    "box": ({"workspace"}, set()),
    "permissions": ({"workspace", "definitions", "settings"}, set()),
    "runtime": (CORE, {"pydantic", "yaml"}),
    # cattrs and attrs are what lsprotocol is built on.
    "lsp": (SURFACE, {"pygls", "lsprotocol", "cattrs", "attrs"}),
    "command_line": (SURFACE | {"lsp"}, {"pygls", "lsprotocol"}),
    "cli": ({"command_line"}, set()),
    "__main__": ({"cli"}, set()),
}
ONLY_IN = {"anthropic": "runtime/model.py", "httpx2": "runtime/model.py", "anyio": "runtime/model.py"}
"""Third-party packages that a single file imports."""


def layer_of(file: Path) -> str:
    """Return the layer a source file belongs to; the package's own `__init__` is the leaf ''."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imported_modules(text: str, file: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and absolute name of every import, those inside functions and for type checking too."""
    package = ("aigentflow", *file.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (start, node.module) if part)
            if module == "aigentflow":
                yield from ((node.lineno, f"aigentflow.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def breaches(text: str, file: Path) -> list[str]:
    """Return what this file imports and its layer may not."""
    layer = layer_of(file)
    allowed, third_party = LAYERS.get(layer, (set(), set()))
    name = file.relative_to(PACKAGE).as_posix()
    found = []
    for line, module in imported_modules(text, file):
        top, *rest = module.split(".")
        if top == "aigentflow":
            target = "" if not rest or rest[0].startswith("__version") else rest[0]
            allowed_here = target == layer or target in LEAVES | allowed
        else:
            allowed_here = top in sys.stdlib_module_names or top in third_party or ONLY_IN.get(top) == name
        if not allowed_here:
            found.append(f"{name}:{line} imports {module}")
    return found


def test_every_file_imports_only_what_its_layer_may() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert {layer for file in files if (layer := layer_of(file)) not in LAYERS} == set(), "a new layer needs its line in the table"
    assert [breach for file in files for breach in breaches(file.read_text(encoding="utf-8"), file)] == []


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("workspace/diff.py", "from aigentflow.lsp import server"),
        ("definitions/prompt.py", "def f():\n    import lsprotocol"),
        ("runtime/loop.py", "from ..settings import Settings"),
        ("runtime/loop.py", "import anthropic"),
        ("lsp/server.py", "if TYPE_CHECKING:\n    from aigentflow import command_line"),
        ("errors.py", "import yaml"),
    ],
)
def test_a_breach_is_found(where: str, text: str) -> None:
    assert breaches(text, PACKAGE / where) != []
