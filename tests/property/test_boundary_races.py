"""Ten thousand reads and applies while names are exchanged under them: nothing outside is read or written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from swapping import Swapper

from aigentflow.errors import AigentflowError
from aigentflow.workspace.apply import apply_to_disk
from aigentflow.workspace.boundary import Boundary, DenyRule, Rules
from aigentflow.workspace.overlay import Overlay
from aigentflow.workspace.snapshot import Snapshot

pytestmark = [pytest.mark.skipif(os.name == "nt", reason="links as POSIX has them"), pytest.mark.slow, pytest.mark.timeout(240)]

FORBIDDEN = "this is not for the run"
RACES = 2_000


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a workspace in which `in` is open, with a folder outside whose files have the same names and texts."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    for path in ("ws/in/sub/deep/a.ts", "ws/in/sub/a.ts", "ws/in/a.ts", "ws/out/a.ts", "ws/.git/a.ts", "outside/a.ts", "outside/deep/a.ts"):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("text" if path.startswith("ws/in") else FORBIDDEN)
    (tmp_path / "outside/secret.ts").write_text(FORBIDDEN)
    return tmp_path / "ws"


def folder_and_link_outside(root: Path) -> list[tuple[Path, Path]]:
    (root / "spare").symlink_to(root.parent / "outside")
    return [(root / "in/sub", root / "spare")]


def file_and_link_outside(root: Path) -> list[tuple[Path, Path]]:
    (root / "spare.ts").symlink_to(root.parent / "outside/a.ts")
    return [(root / "in/sub/a.ts", root / "spare.ts")]


def folder_and_links_to_denied_and_protected_ones(root: Path) -> list[tuple[Path, Path]]:
    (root / "spare").symlink_to(root / "out")
    (root / "in/hooks").symlink_to(root / ".git")
    return [(root / "in/sub", root / "spare"), (root / "in/sub/deep", root / "in/hooks")]


def file_and_second_name_of_one_outside(root: Path) -> list[tuple[Path, Path]]:
    os.link(root.parent / "outside/secret.ts", root / "spare.ts")
    return [(root / "in/sub/a.ts", root / "spare.ts")]


def two_links_in_a_chain(root: Path) -> list[tuple[Path, Path]]:
    (root / "in/way").symlink_to(root / "in/sub")
    (root / "away").symlink_to(root.parent / "outside")
    (root / "spare").symlink_to(root.parent / "outside")
    return [(root / "in/way", root / "away"), (root / "in/sub", root / "spare")]


READABLE = (folder_and_links_to_denied_and_protected_ones, file_and_second_name_of_one_outside)
"""What is swapped in lies in the workspace, where reading is free."""


def write_through(overlay: Overlay, boundary: Boundary, number: int) -> None:
    """One kind of work after another, on names that are being swapped."""
    path = ("in/sub/a.ts", "in/sub/deep/a.ts", "in/way/a.ts", "in/hooks/a.ts")[number % 4]
    match number % 5:
        case 0:
            overlay.edit(path, overlay.read(path), f"text {number}")
        case 1:
            overlay.write(path.replace("a.ts", f"new-{number}.ts"), "text")
        case 2:
            overlay.rename(path, path.replace("a.ts", f"moved-{number}.ts"))
        case 3:
            overlay.write(f"in/sub/fresh-{number}/b.ts", "text")
        case _:
            overlay.delete(path)
            overlay.write(path, "text again")
    apply_to_disk(overlay.proposal(), boundary, lambda *_: None)


def there_again(folder: int) -> None:
    """Make the file that a rename took away, in the folder itself wherever that is by now."""
    with contextlib.suppress(OSError):
        os.write(file := os.open("a.ts", os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=folder), b"text")
        os.close(file)


@pytest.mark.parametrize(
    "swapped",
    [
        folder_and_link_outside,
        file_and_link_outside,
        folder_and_links_to_denied_and_protected_ones,
        file_and_second_name_of_one_outside,
        two_links_in_a_chain,
    ],
    ids=lambda swapped: swapped.__name__.replace("_", " "),
)
def test_nothing_outside_is_touched(root: Path, swapped: Callable[[Path], list[tuple[Path, Path]]]) -> None:
    pairs = swapped(root)
    boundary = Boundary(root, Rules(("in/**",), (DenyRule("out/**"),)))
    kept = [root.parent / "outside", root / "out", root / ".git"]
    before = [contents(folder) for folder in kept]
    folder = os.open(root / "in/sub", os.O_RDONLY | os.O_DIRECTORY)
    through = 0
    with Swapper(pairs) as swapper:
        for number in range(RACES):
            there_again(folder)
            overlay = Overlay(Snapshot(root), boundary)
            try:
                if swapped not in READABLE:
                    assert FORBIDDEN not in overlay.read("in/sub/a.ts")
                write_through(overlay, boundary, number)
                through += 1
            except AigentflowError as error:
                assert FORBIDDEN not in str(error)
        assert swapper.count() > RACES
    os.close(folder)
    assert [contents(folder) for folder in kept] == before
    assert not list(root.parent.rglob(".aigentflow*"))
    assert through > 10


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
