"""A hundred thousand mutated paths, judged by what the disk says of them and by what was really read and written.

`SEED=n` repeats a run; the seed stands in every failure.
"""

from __future__ import annotations

import os
import random
import stat
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from swapping import Swapper

from aigentflow.errors import AigentflowError, EditError, PathRefused
from aigentflow.workspace.apply import apply_to_disk
from aigentflow.workspace.boundary import Boundary, DenyRule, Rules
from aigentflow.workspace.overlay import Overlay
from aigentflow.workspace.snapshot import Snapshot

pytestmark = [pytest.mark.skipif(os.name == "nt", reason="links and modes as POSIX has them"), pytest.mark.slow, pytest.mark.timeout(240)]

CHUNKS, SIZE = 8, 12_500
FORBIDDEN = "this is not for the run"
OPEN = ["in/a.ts", "in/b.ts", "in/deep/c.ts", "in/deep/er/d.ts", "in/naïve.ts", "in/straße/x.ts", "in/new.ts", "in/fresh/e.ts", "in/K.ts"]
CLOSED = ["out/a.ts", "in/no/n.ts", ".git/config", "in/.git/config", "in/.env", "in/.vscode/settings.json", "in/key.pem", "../outside/a.ts"]
LINKS = {
    "in/up": "../../outside",
    "in/side": "../out",
    "in/deep/back": "..",
    "in/deep/top": "../..",
    "in/short": "deep",
    "in/chain": "short/back/side",
    "in/self": "self",
    "in/dead.ts": "../../outside/new.ts",
    "in/x.ts": "../../outside/a.ts",
    "in/y.ts": "deep/c.ts",
    "in/e.txt": ".env",
    "in/hooks": "../.git",
    "out/in": "../in",
    "in/slash": "/",
}
ODD = [*LINKS, "in/twin.ts", "in/pipe", "in/locked.ts", "in", ".", "in/deep", "out"]
PIECES = [
    "..",
    ".",
    "",
    "in",
    "up",
    "side",
    "deep",
    "a.ts",
    "self",
    "out",
    ".git",
    ".env",
    "no",
    "NUL",
    "~",
    "$HOME",
    "x:y",
    "ws",
    "outside",
    "…",
]
INVISIBLE = [
    "\u200b",
    "\u200d",
    "\u00ad",
    "\ufeff",
    "\u202e",
    "\x00",
    "\n",
    "\x1b",
    "\u2028",
    "\U000e0041",
    "\ufe0f",
    "\udcff",
    "\ud800",
    "\u034f",
]
SEPARATORS = ["\\", "//", "\uff0f", "\u2215", "\u2044", "%2f", "%5c", "/./", "/../", "\\..\\", "/ /", "/%2e%2e/", "/\u2025/", "/．．/"]
ENDS = [".", " ", "/", "/.", "/..", "::$DATA", ":x", "\x00.ts", "%00", "~", "~1", "\u3000", "\uff0e", "/x", "\t", ";", "?", "#"]
STARTS = [
    "/",
    "./",
    "//",
    "file://",
    "C:",
    "~/",
    "../",
    "\\\\?\\",
    "$HOME/",
    "/proc/self/root",
    "/proc/self/cwd/",
    "ROOT/",
    "ROOT",
    "LINK/",
    "ROOT-x/",
    "LINK",
]
Mutation = Callable[[random.Random, str], str]


def inserted(chance: random.Random, path: str, piece: str) -> str:
    at = chance.randrange(len(path) + 1)
    return path[:at] + piece + path[at:]


def with_component(chance: random.Random, path: str) -> str:
    parts = path.split("/")
    parts.insert(chance.randrange(len(parts) + 1), chance.choice(PIECES))
    return "/".join(parts)


def without_component(chance: random.Random, path: str) -> str:
    parts = path.split("/")
    del parts[chance.randrange(len(parts))]
    return "/".join(parts)


def through_link(chance: random.Random, path: str) -> str:
    return chance.choice(list(LINKS)) + "/" + path.rpartition("/")[2]


def other_case(chance: random.Random, path: str) -> str:
    return "".join(letter.swapcase() if chance.random() < 0.3 else letter for letter in path)


def other_composition(chance: random.Random, path: str) -> str:
    return unicodedata.normalize(chance.choice(["NFC", "NFD", "NFKC", "NFKD"]), path)


def look_alike(chance: random.Random, path: str) -> str:
    """Replace one character by one that means the same to whoever folds compatibility or case."""
    alike = {"s": "ſ", "k": "\u212a", ".": "\uff0e", "/": "\uff0f", "i": "\u2170", "g": "\u1d4d", "e": "\u212f", "ss": "ß", "a": "\u00aa"}
    at = chance.randrange(len(path)) if path else 0
    letter = path[at : at + 1]
    wide = chr(ord(letter) + 0xFEE0) if letter and "!" <= letter <= "~" else letter
    return path[:at] + chance.choice([alike.get(letter, wide), wide]) + path[at + 1 :]


def encoded(chance: random.Random, path: str) -> str:
    at = chance.randrange(len(path)) if path else 0
    code = "".join(f"%{byte:02x}" for byte in path[at : at + 1].encode("utf-8", "surrogatepass"))
    return path[:at] + (code.replace("%", "%25") if chance.random() < 0.3 else code) + path[at + 1 :]


def other_separator(chance: random.Random, path: str) -> str:
    places = [at for at, letter in enumerate(path) if letter == "/"]
    if not places:
        return path
    at = chance.choice(places)
    return path[:at] + chance.choice(SEPARATORS) + path[at + 1 :]


MUTATIONS: tuple[Mutation, ...] = (
    with_component,
    with_component,
    without_component,
    through_link,
    through_link,
    other_case,
    other_composition,
    look_alike,
    encoded,
    other_separator,
    lambda chance, path: inserted(chance, path, chance.choice(INVISIBLE)),
    lambda chance, path: path + chance.choice(ENDS),
    lambda chance, path: chance.choice(STARTS) + path,
    lambda chance, path: f"{path}/{chance.choice(OPEN + CLOSED + ODD)}",
    lambda chance, path: path[chance.randrange(len(path) + 1) :],
)


def mutated(chance: random.Random) -> str:
    path = chance.choice(OPEN * 2 + CLOSED + ODD)
    for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 5))):
        path = chance.choice(MUTATIONS)(chance, path)
    return path


class Ground:
    """A workspace full of traps, and what must stay as it was around it."""

    def __init__(self, top: Path) -> None:
        self.top, self.root = top, top / "ws"
        for path in (*OPEN[:6], *CLOSED, "../ws-x/a.ts", "in/locked.ts"):
            file = Path(os.path.normpath(self.root / path))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(FORBIDDEN if path.startswith("..") or path.endswith((".env", ".pem")) else path)
        for path, target in LINKS.items():
            (self.root / path).symlink_to(target)
        os.link(self.root / "out/a.ts", self.root / "in/twin.ts")
        os.mkfifo(self.root / "in/pipe")
        (self.root / "in/locked.ts").chmod(0o444)
        (top / "link").symlink_to(self.root)
        self.boundary = Boundary(self.root, Rules(("in/**",), (DenyRule("in/no/**"),)))
        self.reader = Overlay(Snapshot(self.root), self.boundary)
        self.real = os.path.realpath(self.root)

    def asked(self, path: str) -> str:
        return path.replace("ROOT", str(self.root)).replace("LINK", str(self.top / "link"))

    def prints(self) -> dict[str, object]:
        """Return what every file of the ground holds, and which inode it is."""
        found: dict[str, object] = {}
        for folder, folders, names in os.walk(self.top):
            for name in (*folders, *names):
                full = os.path.join(folder, name)
                status = os.lstat(full)
                held = Path(full).read_bytes() if stat.S_ISREG(status.st_mode) else b""
                found[full] = (status.st_mode, held, os.readlink(full) if stat.S_ISLNK(status.st_mode) else None)
        return found


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    # Durability is not what is judged here, and it is most of the time that a write takes.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return Ground(tmp_path)


def seed_of(chunk: int) -> int:
    return int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32))) + chunk


def paths(ground: Ground, seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    for _ in range(SIZE):
        yield ground.asked(mutated(chance))


@pytest.mark.parametrize("chunk", range(CHUNKS - 1))
def test_no_mutation_of_a_path_leads_out_of_the_boundary(ground: Ground, chunk: int) -> None:
    seed, before = seed_of(chunk), ground.prints()
    written: set[str] = set()
    changed = 0
    for path in paths(ground, seed):
        decision = ground.boundary.may_change(path)
        where = f"SEED={seed - chunk}: {path!r} → {decision}"
        read_nothing_forbidden(ground, path, where)
        if not decision.allowed:
            assert decision.rule and decision.reason, where
            continue
        changed += 1
        lies_in_the_boundary(ground, path, decision.path, where)
        if path not in written:
            written.add(path)
            is_written_there_and_nowhere_else(ground, path, decision.path, where)
    assert changed > SIZE // 50 and len(written) > 200, seed
    assert ground.prints() == before, seed


def read_nothing_forbidden(ground: Ground, path: str, where: str) -> None:
    try:
        assert FORBIDDEN not in ground.reader.peek(path), where
    except AigentflowError as error:
        assert FORBIDDEN not in str(error), where


def lies_in_the_boundary(ground: Ground, asked: str, path: str, where: str) -> None:
    """Ask the system, not the boundary."""
    full = os.path.realpath(os.path.join(ground.root, asked))
    assert full == os.path.join(ground.real, path), where
    parts = unicodedata.normalize("NFKC", path).casefold().split("/")
    assert path.split("/", maxsplit=1)[0] == "in" and len(parts) > 1, where
    assert not set(parts) & {".git", ".env", ".vscode", "key.pem", "..", ".", ""} and parts[1:-1][:1] != ["no"], where
    if os.path.lexists(full):
        status = os.lstat(full)
        assert stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_mode & 0o222, where


def is_written_there_and_nowhere_else(ground: Ground, asked: str, path: str, where: str) -> None:
    overlay, full = Overlay(Snapshot(ground.root), ground.boundary), Path(ground.real, path)
    held = full.read_bytes() if full.exists() else None
    try:
        overlay.write(asked, "written by the run")
    except EditError:
        return
    assert overlay.changed == (path,), where
    assert apply_to_disk(overlay.proposal(), ground.boundary, lambda *_: None) == (path,), where
    assert full.read_bytes() == b"written by the run" and full.lstat().st_nlink == 1, where
    if held is not None:
        full.write_bytes(held)
        return
    full.unlink()
    for folder in full.parents:
        if any(folder.iterdir()):
            break
        folder.rmdir()


def test_no_mutation_leads_out_while_folders_and_files_are_swapped(ground: Ground) -> None:
    seed, outside = seed_of(CHUNKS - 1), {path: path.read_bytes() for path in (ground.top / "outside").iterdir()}
    (ground.root / "spare").symlink_to(ground.top / "outside")
    (ground.root / "spare.ts").symlink_to(ground.top / "outside/a.ts")
    with Swapper([(ground.root / "in/deep", ground.root / "spare"), (ground.root / "in/a.ts", ground.root / "spare.ts")]) as swapper:
        for path in paths(ground, seed):
            where = f"SEED={seed - CHUNKS + 1}: {path!r}"
            read_nothing_forbidden(ground, path, where)
            overlay = Overlay(Snapshot(ground.root), ground.boundary)
            try:
                overlay.write(path, "written by the run")
                apply_to_disk(overlay.proposal(), ground.boundary, lambda *_: None)
            except (AigentflowError, PathRefused):
                continue
        assert swapper.count() > SIZE
    now = {path: path.read_bytes() for path in (ground.top / "outside").iterdir()}
    assert now == outside, seed
