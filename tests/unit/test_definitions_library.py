"""Where agent files are found, which one wins, and when they are read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aigentflow.definitions.library import Library


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Place:
    """Roots, a person's folders and built-in agents in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "work"
        self.config = folder / "config"
        self.home = folder / "home"
        self.built_in = folder / "built-in"
        for made in (self.root, self.config, self.home, self.built_in):
            made.mkdir()
        self.clock = Clock()

    def library(self, *roots: Path) -> Library:
        return Library(roots or (self.root,), config_home=self.config, home=self.home, built_in=self.built_in, clock=self.clock)

    def later(self) -> None:
        self.clock.now += 1.5


def write(folder: Path, name: str, front: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\n{front}\n---\nBody\n", encoding="utf-8")
    return path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def ids(library: Library, root: Path | None = None) -> list[tuple[str, str, bool]]:
    return [(agent.id, agent.source, agent.shadowed_by is not None) for agent in library.agents(root)]


def test_the_workspace_wins_over_the_person_and_the_package(place: Place) -> None:
    built_in = write(place.built_in, "a.md", "agent: a")
    user = write(place.config / "aigentflow" / "agents", "mine.md", "agent: a")
    write(place.home / ".claude" / "agents", "b.md", "agent: b")
    own = write(place.root / ".aigentflow" / "agents", "x.md", "agent: a")
    meta = write(place.root / ".meta" / "agents" / "prompts", "x.md", "agent: a")
    library = place.library()
    assert ids(library) == [
        ("a", "workspace", False),
        ("a", "workspace", True),
        ("a", "user", True),
        ("b", "user", False),
        ("a", "built-in", True),
    ]
    found = library.find("a")
    assert found is not None
    assert found.path == own
    shadowed = {agent.path: agent.problems[-1].message for agent in library.agents() if agent.shadowed_by is not None}
    assert set(shadowed) == {meta, user, built_in}
    assert all(str(path) in message and str(own) in message for path, message in shadowed.items())


def test_the_same_id_twice_in_one_folder(place: Place) -> None:
    first = write(place.root / ".aigentflow" / "agents", "a.md", "agent: x")
    second = write(place.root / ".aigentflow" / "agents", "b.md", "agent: x")
    one, two = place.library().agents()
    assert (one.path, one.shadowed_by, two.path, two.shadowed_by) == (first, None, second, first)
    assert [problem.severity for problem in two.problems] == ["warning"]


def test_a_file_that_is_only_listed_takes_no_name_away(place: Place) -> None:
    write(place.root / ".claude" / "agents", "a.md", "name: backend_dev\ndescription: x")
    built_in = write(place.built_in, "backend_dev.md", "agent: backend_dev")
    found = place.library().find("backend_dev")
    assert found is not None
    assert found.path == built_in


def test_a_broken_file_of_the_workspace_is_not_replaced_in_silence(place: Place) -> None:
    folder = place.root / ".aigentflow" / "agents"
    write(folder, "a.md", "agent: a")
    (folder / "a.md").write_bytes(b"---\nagent: a\nboundaries: {deny: [\xff/**]}\n---\n")
    write(place.built_in, "a.md", "agent: a")
    found = place.library().find("a")
    assert found is not None
    assert (found.source, found.runnable, found.read_only) == ("workspace", False, True)
    assert [problem.code for problem in found.problems] == ["file.encoding"]


def test_two_roots_do_not_see_each_other(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write(place.root / ".aigentflow" / "agents", "a.md", "agent: a")
    write(other / ".aigentflow" / "agents", "a.md", "agent: a\ndescription: other")
    write(place.built_in, "a.md", "agent: a")
    library = place.library(place.root, other)
    assert ids(library, other) == [("a", "workspace", False), ("a", "built-in", True)]
    found = library.find("a", other)
    assert found is not None
    assert found.description == "other"
    assert ids(library) == [("a", "workspace", False), ("a", "workspace", False), ("a", "built-in", True)]


def test_pages_that_explain_a_folder_are_no_agents(place: Place) -> None:
    folder = place.root / ".aigentflow" / "agents"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("# Our agents\n")
    (folder / "index.md").write_text("- a\n")
    (folder / "notes.txt").write_text("agent: x\n")
    (folder / "plain.md").write_text("You are a helper.\n")
    (place.built_in / "checks").mkdir()
    (place.built_in / "checks" / "x.md").write_text("# A check\n")
    (agent,) = place.library().agents()
    assert (agent.id, agent.dialect, agent.runnable) == ("plain", "plain", False)


def test_agents_in_folders_below(place: Place) -> None:
    write(place.root / ".claude" / "agents" / "team" / "deep", "a.md", "name: a\ndescription: x")
    assert [agent.dialect for agent in place.library().agents()] == ["claude-code"]


def test_an_open_buffer_counts_at_once(place: Place) -> None:
    path = write(place.root / ".aigentflow" / "agents", "a.md", "agent: a\ndescription: disk")
    library = place.library()
    library.agents()
    before = library.revision
    assert library.set_buffer(path, "---\nagent: renamed\n---\n")
    assert [agent.id for agent in library.agents()] == ["renamed"]
    assert library.revision > before
    assert library.set_buffer(path, None)
    assert [agent.id for agent in library.agents()] == ["a"]


def test_a_buffer_that_is_on_no_disk_yet(place: Place) -> None:
    library = place.library()
    path = place.root / ".aigentflow" / "agents" / "new.md"
    assert library.set_buffer(path, "---\nagent: new\n---\n")
    assert [agent.id for agent in library.agents()] == ["new"]
    assert not library.set_buffer(place.root / "src" / "new.md", "---\nagent: x\n---\n")
    assert library.holds(path)
    assert not library.holds(place.root / ".aigentflow" / "agents" / "new.yaml")


def test_the_disk_is_looked_at_once_a_second(place: Place) -> None:
    folder = place.root / ".aigentflow" / "agents"
    path = write(folder, "a.md", "agent: a")
    library = place.library()
    assert [agent.id for agent in library.agents()] == ["a"]
    revision = library.revision
    write(folder, "b.md", "agent: b")
    path.write_text("---\nagent: changed\n---\n")
    assert [agent.id for agent in library.agents()] == ["a"]
    place.later()
    assert [agent.id for agent in library.agents()] == ["changed", "b"]
    assert library.revision > revision
    path.unlink()
    place.later()
    assert [agent.id for agent in library.agents()] == ["b"]
    revision = library.revision
    place.later()
    library.agents()
    assert library.revision == revision


def test_a_change_that_was_announced_is_read_at_once(place: Place) -> None:
    path = write(place.root / ".aigentflow" / "agents", "a.md", "agent: a")
    library = place.library()
    library.agents()
    path.write_text("---\nagent: b\n---\n")
    library.invalidate([path])
    assert [agent.id for agent in library.agents()] == ["b"]


def test_a_deletion_that_was_announced_is_seen_at_once(place: Place) -> None:
    paths = [write(place.root / ".aigentflow" / "agents", f"{name}.md", f"agent: {name}") for name in ("a", "b")]
    library = place.library()
    before = library.revision, len(library.agents())
    for path in paths:
        path.unlink()
    library.invalidate(paths)
    assert library.agents() == ()
    assert library.revision > before[0] and before[1] == 2


def test_answers_are_the_same_objects_while_nothing_changes(place: Place) -> None:
    write(place.root / ".aigentflow" / "agents", "a.md", "agent: a")
    library = place.library()
    assert library.agents() is library.agents()


def test_the_hash_is_that_of_the_bytes(place: Place) -> None:
    import hashlib

    folder = place.root / ".aigentflow" / "agents"
    folder.mkdir(parents=True)
    raw = b"\xef\xbb\xbf---\r\nagent: a\r\n---\r\n"
    (folder / "a.md").write_bytes(raw)
    (agent,) = place.library().agents()
    assert (agent.id, agent.sha256) == ("a", hashlib.sha256(raw).hexdigest())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_folders_and_huge_files_are_not_read(place: Place) -> None:
    folder = place.root / ".aigentflow" / "agents"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe.md")
    (folder / "folder.md").mkdir()
    with (folder / "huge.md").open("wb") as file:
        file.truncate(3_000_000_000)
    (agent,) = place.library().agents()
    assert (agent.id, agent.runnable, agent.problems[0].code) == ("huge", False, "file.refused")


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_links_out_of_the_workspace_are_not_followed(place: Place, tmp_path: Path) -> None:
    secret = write(tmp_path / "elsewhere", "a.md", "agent: stolen\ndescription: secret")
    folder = place.root / ".aigentflow" / "agents"
    folder.mkdir(parents=True)
    (folder / "a.md").symlink_to(secret)
    (folder / "below").symlink_to(secret.parent)
    (place.root / ".claude").symlink_to(secret.parent)
    (agent,) = place.library().agents()
    assert (agent.id, agent.runnable, "secret" in agent.text) == ("a", False, False)


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_the_person_may_link_their_own_files(place: Place, tmp_path: Path) -> None:
    own = write(tmp_path / "dotfiles", "a.md", "agent: a")
    (place.config / "aigentflow").mkdir()
    (place.config / "aigentflow" / "agents").symlink_to(own.parent)
    (place.config / "aigentflow" / "agents" / "loop").symlink_to(own.parent)
    assert ids(place.library()) == [("a", "user", False)]


def test_a_file_that_cannot_be_read_is_listed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    write(place.root / ".aigentflow" / "agents", "a.md", "agent: a")
    library = place.library()

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("aigentflow.definitions.folders.os.open", refuse)
    (agent,) = library.agents()
    assert (agent.runnable, agent.problems[0].message) == (False, "The agent file cannot be read: Permission denied")


def test_nothing_anywhere(place: Place) -> None:
    library = place.library()
    assert (library.agents(), library.find("a")) == ((), None)
