"""No spelling of a path and no swap of a folder leads out of the boundary; judged by the disk, not by the boundary."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aigentflow.errors import PathError, StaleBaseError
from aigentflow.workspace.apply import apply_to_disk
from aigentflow.workspace.boundary import Boundary, Rules
from aigentflow.workspace.overlay import Overlay
from aigentflow.workspace.snapshot import Snapshot

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links as POSIX has them")

ORDINARY = [
    "in",
    "out",
    "a.ts",
    "..",
    ".",
    "in/",
    "up",
    "side",
    "self",
    "dead",
    "deep/new",
    "config",
    "In",
    "IN",
    "pair.ts",
    "/",
    "etc/passwd",
]
HOSTILE = ["", ".git", ".GIT", ".env", "．．", "%2e%2e", "\u200b", "~", "$HOME", "C:", "ｉn", "..\\", "a.ts ", "a.ts.", "\x00", "\u2025"]
PIECES = st.sampled_from([*ORDINARY, *HOSTILE])
PATHS = st.tuples(st.sampled_from(["", "", "", "ROOT/", "/", "LINK/", "ROOT"]), st.lists(PIECES, max_size=6).map("/".join)).map("".join)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("escapes")
    root = top / "ws"
    for path in ("ws/in/deep", "ws/out", "ws/.git", "ws/in/.git", "outside"):
        (top / path).mkdir(parents=True)
    for path in ("ws/in/a.ts", "ws/in/deep/a.ts", "ws/out/a.ts", "ws/.git/config", "ws/in/.git/config", "ws/in/.env", "outside/a.ts"):
        (top / path).write_text("text")
    (root / "in/up").symlink_to(top / "outside")
    (root / "in/side").symlink_to(root / "out")
    (root / "in/deep/up").symlink_to("../..")
    (root / "out/side").symlink_to(root / "in")
    (root / "in/self").symlink_to(root / "in/self")
    (root / "in/dead").symlink_to(top / "outside/new.ts")
    os.link(root / "out/a.ts", root / "in/pair.ts")
    (top / "link").symlink_to(root)
    return root


@settings(max_examples=600, deadline=None)
@given(PATHS)
def test_what_may_be_changed_lies_in_the_boundary_on_the_disk(root: Path, path: str) -> None:
    asked = path.replace("ROOT", str(root)).replace("LINK", str(root.parent / "link"))
    decision = Boundary(root, Rules(("in/**",))).may_change(asked)
    if not decision.allowed:
        assert decision.reason and decision.rule
        return
    real = os.path.realpath(root / asked)
    assert real == os.path.join(os.path.realpath(root), decision.path)
    inside = Path(real).relative_to(root)
    assert inside.parts[0] == "in" and len(inside.parts) > 1
    assert not {part.casefold() for part in inside.parts} & {".git", ".env"}
    assert not os.path.lexists(real) or (os.path.isfile(real) and os.stat(real, follow_symlinks=False).st_nlink == 1)


def test_a_folder_that_is_swapped_for_a_link_while_writing_leads_nowhere_else(tmp_path: Path) -> None:
    root, outside = tmp_path / "ws", tmp_path / "outside"
    (root / "in/sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "a.ts").write_text("0")
    (root / "link").symlink_to(outside)
    boundary = Boundary(root, Rules(("in/**",)))
    done = threading.Event()

    def swap() -> None:
        while not done.wait(0.003):
            os.rename(root / "in/sub", root / "in/aside")
            os.rename(root / "link", root / "in/sub")
            os.rename(root / "in/sub", root / "link")
            os.rename(root / "in/aside", root / "in/sub")

    (root / "in/sub/a.ts").write_text("0")
    swapper = threading.Thread(target=swap)
    swapper.start()
    written = 0
    try:
        for number in range(400):
            try:
                overlay = Overlay(Snapshot(root), boundary)
                overlay.edit("in/sub/a.ts", overlay.read("in/sub/a.ts"), f"the run's {number}")
                written += len(apply_to_disk(overlay.proposal(), boundary, lambda path, data: None))
            except (PathError, StaleBaseError):
                continue
    finally:
        alive = swapper.is_alive()
        done.set()
        swapper.join()
    assert alive and written
    assert (outside / "a.ts").read_text() == "0" and len(list(outside.iterdir())) == 1
    assert not list(root.rglob(".aigentflow*"))
