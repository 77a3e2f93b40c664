"""`aigentflow demo`, with the real server and the recorded turns, where the sample's npm packages are not there.

With them it is `.ci/demo` that looks at what is shown, since a test installs nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
from pathlib import Path

import pytest

from aigentflow.command_line import demo
from aigentflow.data import data_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def _without_packages(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let the demo find the sample as the wheel holds it: without what npm installs."""
    bare = folder / "sample"
    shutil.copytree(data_folder("sample"), bare, ignore=shutil.ignore_patterns("node_modules"))
    patch.setattr(demo, "data_folder", lambda name: bare if name == "sample" else data_folder(name))


def _shown() -> str:
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        code = demo.main(argparse.Namespace(live=False))
    assert code == 0, told.getvalue()
    return told.getvalue()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What one showing without packages prints."""
    with pytest.MonkeyPatch.context() as patch:
        _without_packages(tmp_path_factory.mktemp("demo"), patch)
        return _shown()


def test_without_packages_it_says_that_nothing_was_measured_and_what_to_do(told: str) -> None:
    for field in ("typecheck", "tests", "lint"):
        assert f"{field:<9}  measured: not_run  claimed: pass" in told
    assert "measured: pass" not in told
    assert "there is no node_modules folder" in told
    assert "`make demo` in a checkout" in told
    assert "packages of the sample: installed" not in told


def test_it_says_what_is_replayed(told: str) -> None:
    assert "model turns: replayed, from turns written by hand for this demo" in told


def test_a_refused_write_is_told_with_its_owner_and_offered_to_be_handed_over(told: str) -> None:
    assert "- Edit: apps/web/src/api-client.ts: apps/web/** belongs to frontend" in told
    assert "a diagnostic: backend_dev wanted to change this file" in told
    assert "offered: Hand to frontend" in told and "offered: Decline" in told
    assert "files on disk are as they were, the editor saves: yes" in told


def test_where_commands_are_off_it_says_so_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = demo.Demo._environment

    def without_box(self: demo.Demo) -> dict[str, str]:
        variables = environment(self)
        config = Path(variables["XDG_CONFIG_HOME"]) / "aigentflow" / "config.yaml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text("commands: {box: none}\n", encoding="utf-8")
        return variables

    _without_packages(tmp_path, monkeypatch)
    monkeypatch.setattr(demo.Demo, "_environment", without_box)
    told = _shown()
    assert "commands are off" in told
    assert "belongs to frontend" in told
    assert "measured: pass" not in told
