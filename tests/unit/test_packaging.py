"""The wheel holds the package and its data, dot files included, and nothing else; the source distribution builds the same wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
DATA = {"agents/": "aigentflow/_data/agents/", "tests/workspaces/sample/": "aigentflow/_data/sample/", "server/aigentflow/": "aigentflow/"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the tracked files as they are now, with what working in the sample leaves behind."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in tracked():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, target)
    for name in ("node_modules/x/index.js", "apps/api/dist/main.js", ".cache/x"):
        left = copy / "tests/workspaces/sample" / name
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_text("left behind")
    return copy


@pytest.fixture(scope="module")
def built(checkout: Path) -> Path:
    """Return the folder with the source distribution and the wheel that was built from it."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", "out", "."]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return checkout / "out"


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (CHECKOUT / name).is_file()]


def expected() -> set[str]:
    return {place + name.removeprefix(folder) for name in tracked() for folder, place in DATA.items() if name.startswith(folder)}


@pytest.mark.slow
def test_the_wheel_has_the_tracked_files(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name and not name.endswith("/")}
    assert names == expected()
    assert "aigentflow/_data/sample/.npmrc" in names


@pytest.mark.slow
def test_the_wheel_of_the_checkout_is_the_same(checkout: Path, built: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), "."]
    subprocess.run(command, cwd=checkout, capture_output=True, check=True)
    (first,), (second,) = built.glob("*.whl"), tmp_path.glob("*.whl")
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(second) as other:
        contents = [{info.filename: info.CRC for info in archive.infolist() if "/RECORD" not in info.filename} for archive in (one, other)]
    assert contents[0] == contents[1]


@pytest.mark.slow
def test_the_source_distribution_has_what_a_checkout_needs(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert {"pyproject.toml", "server/hatch_build.py", "LICENSE", "tests/workspaces/sample/.npmrc", "agents/backend_dev.md"} <= names
    assert not [name for name in names if "node_modules" in name or "/dist/" in name]
