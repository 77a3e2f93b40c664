"""Whether npm packages are those of a lock file, and how the demo's copy gets them."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from aigentflow.command_line.demo_packages import lay_in, why_missing


def _lock(path: Path, packages: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"lockfileVersion": 3, "packages": packages}), encoding="utf-8")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    wanted = {"": {"name": "shop"}, "apps/api": {"version": "0.1.0"}, "node_modules/zod": {"version": "4.1.0"}}
    other_system = {"node_modules/fsevents": {"version": "2.3.3", "optional": True}}
    _lock(root / "package-lock.json", {**wanted, **other_system})
    _lock(root / "node_modules" / ".package-lock.json", {name: wanted[name] for name in ("apps/api", "node_modules/zod")})
    package = root / "node_modules" / "zod"
    package.mkdir()
    (package / "run.js").write_text("#!/usr/bin/env node\n", encoding="utf-8")
    (package / "run.js").chmod(0o755)
    (root / "node_modules" / ".bin").mkdir()
    (root / "node_modules" / ".bin" / "zod").symlink_to("../zod/run.js")
    (root / "node_modules" / "@shop").mkdir()
    (root / "node_modules" / "@shop" / "api").symlink_to("../../apps/api")
    (root / "node_modules" / ".cache").mkdir()
    (root / "node_modules" / ".cache" / "seen").write_text("what a tool remembers", encoding="utf-8")
    return root


def test_packages_of_the_lock_file_are_there_although_those_for_other_systems_are_not(shop: Path) -> None:
    assert why_missing(shop) == ""


@pytest.mark.parametrize(
    ("there", "why"),
    [({}, "node_modules/zod is not there"), ({"node_modules/zod": {"version": "4.0.9"}}, "node_modules/zod is not there in the version")],
)
def test_packages_that_are_gone_or_of_another_version_are_missed(shop: Path, there: dict[str, Any], why: str) -> None:
    _lock(shop / "node_modules" / ".package-lock.json", there)
    assert why in why_missing(shop)


def test_another_version_of_an_optional_package_is_missed_too(shop: Path) -> None:
    there = {"node_modules/zod": {"version": "4.1.0"}, "node_modules/fsevents": {"version": "1.0.0"}}
    _lock(shop / "node_modules" / ".package-lock.json", there)
    assert "fsevents" in why_missing(shop)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"packages": []}', "null"])
def test_a_lock_file_that_cannot_be_read_is_no_reason_to_trust_what_lies_there(shop: Path, text: str) -> None:
    (shop / "package-lock.json").write_text(text, encoding="utf-8")
    assert "no package-lock.json that can be read" in why_missing(shop)


def test_a_workspace_without_packages_says_so(tmp_path: Path) -> None:
    _lock(tmp_path / "package-lock.json", {"node_modules/zod": {"version": "4.1.0"}})
    assert "there is no node_modules folder" in why_missing(tmp_path)


def test_the_copy_has_the_same_files_and_links_that_stay_inside_it(shop: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / "apps" / "api").mkdir(parents=True)
    lay_in(shop, copy)
    assert os.path.samefile(copy / "node_modules/zod/run.js", shop / "node_modules/zod/run.js")
    assert os.readlink(copy / "node_modules/.bin/zod") == "../zod/run.js"
    assert (copy / "node_modules/@shop/api").resolve() == (copy / "apps/api").resolve()
    assert not (copy / "node_modules/.cache").exists()


def test_where_there_are_no_hard_links_files_are_copied_with_their_modes(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", refused)
    copy = tmp_path / "copy"
    copy.mkdir()
    lay_in(shop, copy)
    file = copy / "node_modules/zod/run.js"
    assert file.read_text(encoding="utf-8") == "#!/usr/bin/env node\n"
    assert os.access(file, os.X_OK) and not os.path.samefile(file, shop / "node_modules/zod/run.js")
