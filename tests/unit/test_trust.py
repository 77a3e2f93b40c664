"""Trust is bound to a real folder and to exact content."""

from __future__ import annotations

from pathlib import Path

import pytest

from aigentflow.errors import ConfigurationError
from aigentflow.state import config_folder, state_folder, state_path, write_private
from aigentflow.trust import TrustStore, content_sha256

HASH = content_sha256(b"---\nagent: dev\n---\n")
OTHER = content_sha256(b"---\nagent: dev\ntools: [Bash]\n---\n")


def test_exactly_what_was_recorded_is_trusted(tmp_path: Path) -> None:
    store = TrustStore(tmp_path / "state")
    root = tmp_path / "project"
    root.mkdir()
    store.record(root, {".aigentflow/agents/dev.md": HASH})
    assert store.is_trusted(root, HASH)
    assert not store.is_trusted(root, OTHER)
    assert not store.is_trusted(tmp_path, HASH)


def test_recording_again_replaces(tmp_path: Path) -> None:
    store = TrustStore(tmp_path / "state")
    store.record(tmp_path, {"dev.md": HASH})
    store.record(tmp_path, {"dev.md": OTHER})
    assert not store.is_trusted(tmp_path, HASH)


def test_a_link_means_the_folder_it_leads_to(tmp_path: Path) -> None:
    store = TrustStore(tmp_path / "state")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    store.record(tmp_path / "link", {"dev.md": HASH})
    assert store.is_trusted(tmp_path / "real", HASH)


def test_revoking_forgets_one_folder(tmp_path: Path) -> None:
    store = TrustStore(tmp_path / "state")
    store.record(tmp_path / "a", {"dev.md": HASH})
    store.record(tmp_path / "b", {"dev.md": HASH})
    assert [entry.root for entry in store.folders()] == [tmp_path / "a", tmp_path / "b"]
    assert store.revoke(tmp_path / "a")
    assert not store.revoke(tmp_path / "a")
    assert [entry.root for entry in store.folders()] == [tmp_path / "b"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"root": 1}', b"\xff"])
def test_a_damaged_record_is_no_trust(tmp_path: Path, damage: bytes) -> None:
    store = TrustStore(tmp_path)
    store.record(tmp_path, {"dev.md": HASH})
    (file,) = (tmp_path / "trust").iterdir()
    file.write_bytes(damage)
    assert not store.is_trusted(tmp_path, HASH)
    assert store.folders() == ()


def test_a_record_copied_to_another_folders_name_is_no_trust(tmp_path: Path) -> None:
    store = TrustStore(tmp_path)
    store.record(tmp_path / "a", {"dev.md": HASH})
    (file_a,) = (tmp_path / "trust").iterdir()
    store.record(tmp_path / "b", {"dev.md": OTHER})
    (file_b,) = set((tmp_path / "trust").iterdir()) - {file_a}
    file_b.write_bytes(file_a.read_bytes())
    assert not store.is_trusted(tmp_path / "b", HASH)


def test_state_is_private(home: Path) -> None:
    folder = home / "state"
    folder.mkdir(mode=0o755)
    assert state_folder({"AIGENTFLOW_STATE_DIR": str(folder)}) == folder
    write_private(folder / "trust" / "x.json", b"{}")
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / "trust", folder / "trust" / "x.json")] == [0o700, 0o700, 0o600]
    assert [path.name for path in (folder / "trust").iterdir()] == ["x.json"], "nothing temporary is left"


def test_where_the_folders_are() -> None:
    assert state_path({"HOME": "/h"}) == Path("/h/.local/state/aigentflow")
    assert state_path({"HOME": "/h", "XDG_STATE_HOME": "/s"}) == Path("/s/aigentflow")
    assert state_path({"HOME": "/h", "XDG_STATE_HOME": "relative"}) == Path("/h/.local/state/aigentflow")
    assert state_path({"HOME": "/h", "AIGENTFLOW_STATE_DIR": "~/x"}) == Path("/h/x")
    assert config_folder({"HOME": "/h", "XDG_CONFIG_HOME": "/c"}) == Path("/c/aigentflow")


def test_a_state_folder_that_cannot_be_says_what_to_do(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(ConfigurationError, match="AIGENTFLOW_STATE_DIR"):
        state_folder({"AIGENTFLOW_STATE_DIR": str(home / "file" / "x")})
    with pytest.raises(ConfigurationError, match="absolute"):
        state_folder({"AIGENTFLOW_STATE_DIR": "here"})
