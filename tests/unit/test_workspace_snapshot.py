from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from aigentflow.errors import PathMissing, PathUnreadable
from aigentflow.workspace.decoding import BinaryContent, decode, encode
from aigentflow.workspace.snapshot import Buffer, Snapshot

posix = pytest.mark.skipif(os.name == "nt", reason="links and pipes as POSIX has them")


def put(root: Path, files: dict[str, str | bytes]) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def test_a_file_is_frozen_at_first_read(tmp_path: Path) -> None:
    snapshot = Snapshot(put(tmp_path, {"a.ts": "one", "b.ts": "one"}))
    assert snapshot.read("a.ts").text == "one"
    put(tmp_path, {"a.ts": "two", "b.ts": "two"})
    assert snapshot.read("a.ts").text == "one"
    assert snapshot.read("b.ts").text == "two"
    assert set(snapshot.frozen()) == {"a.ts", "b.ts"}


def test_a_search_does_not_freeze(tmp_path: Path) -> None:
    snapshot = Snapshot(put(tmp_path, {"a.ts": "one"}))
    assert snapshot.peek("a.ts").text == "one"
    assert not snapshot.frozen()


def test_an_open_buffer_wins_over_the_disk(tmp_path: Path) -> None:
    snapshot = Snapshot(put(tmp_path, {"a.ts": b"\xef\xbb\xbfdisk"}), [Buffer("a.ts", "typed", 7), Buffer("new.ts", "only open", 1)])
    file = snapshot.read("a.ts")
    assert (file.text, file.version, file.bom) == ("typed", 7, True)
    assert file.sha256 == hashlib.sha256(b"typed").hexdigest()
    assert snapshot.exists("new.ts") and snapshot.read("new.ts").mode is None


@pytest.mark.parametrize(
    ("data", "text", "encoding", "bom", "lossless"),
    [
        (b"plain", "plain", "utf-8", False, True),
        (b"", "", "utf-8", False, True),
        (b"\xef\xbb\xbfmark\r\n", "mark\r\n", "utf-8", True, True),
        ("zwölf ☃ 😀".encode(), "zwölf ☃ 😀", "utf-8", False, True),
        (b"\xff\xfe" + "zwölf".encode("utf-16-le"), "zwölf", "utf-16-le", True, True),
        (b"\xfe\xff" + "zwölf".encode("utf-16-be"), "zwölf", "utf-16-be", True, True),
        ("wide without a mark".encode("utf-16-le"), "wide without a mark", "utf-16-le", False, True),
        (b"caf\xe9 \x80\xff", "caf\xe9 \x80\xff", "latin-1", False, False),
        ("日本".encode("shift-jis"), "日本".encode("shift-jis").decode("latin-1"), "latin-1", False, False),
        (b"nul \0 in text", "nul \0 in text", "utf-8", False, True),
    ],
)
def test_every_byte_comes_back(data: bytes, text: str, encoding: str, bom: bool, lossless: bool) -> None:
    decoded = decode(data)
    assert (decoded.text, decoded.encoding, decoded.bom, decoded.lossless) == (text, encoding, bom, lossless)
    assert encode(decoded.text, decoded.encoding, bom=decoded.bom) == data


def test_what_is_no_text_file_says_what_it_is(tmp_path: Path) -> None:
    snapshot = Snapshot(put(tmp_path, {"image.png": b"\x89PNG\0\0\xff", "folder/x": "x"}))
    with open(tmp_path / "huge.log", "wb") as file:
        file.truncate(3_000_000_000)
    with pytest.raises(PathUnreadable, match="binary"):
        snapshot.read("image.png")
    with pytest.raises(PathUnreadable, match=r"3,000,000,000 bytes; files above"):
        snapshot.read("huge.log")
    for path in ("gone.ts", "folder", "folder/x/y", "", "../x", "a\0b"):
        with pytest.raises((PathMissing, PathUnreadable)):
            snapshot.read(path)


@posix
def test_links_and_pipes_are_never_opened(tmp_path: Path) -> None:
    root = put(tmp_path / "ws", {"real/a.ts": "x"})
    put(tmp_path, {"outside.ts": "secret"})
    (root / "link.ts").symlink_to(tmp_path / "outside.ts")
    (root / "folder").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    snapshot = Snapshot(root)
    for path in ("link.ts", "folder/outside.ts", "pipe"):
        with pytest.raises((PathUnreadable, PathMissing)):
            snapshot.read(path)
    assert list(snapshot.paths()) == ["real/a.ts"]


def test_the_walk_honours_ignore_files_and_adds_open_buffers(tmp_path: Path) -> None:
    files = {
        ".gitignore": "node_modules/\n*.log\n!keep.log\n/dist\n# comment\nbuild/*.js\n",
        "a.ts": "",
        "x.log": "",
        "keep.log": "",
        "node_modules/m/i.js": "",
        "dist/o.js": "",
        "sub/dist/o.js": "",
        "sub/.gitignore": "!x.log\nown.ts\n",
        "sub/x.log": "",
        "sub/own.ts": "",
        "build/a.js": "",
        ".git/config": "",
    }
    snapshot = Snapshot(put(tmp_path, files), [Buffer("sub/typed.ts", "", 1)])
    expected = [".gitignore", "a.ts", "keep.log", "sub/.gitignore", "sub/dist/o.js", "sub/x.log", "sub/typed.ts"]
    assert list(snapshot.paths()) == expected
    assert list(snapshot.paths("sub")) == ["sub/.gitignore", "sub/dist/o.js", "sub/x.log", "sub/typed.ts"]
    assert list(snapshot.paths("node_modules")) == []
    assert len(list(snapshot.paths(limit=3))) == 3 and snapshot.paths_cut


def test_the_walk_finds_what_git_finds(tmp_path: Path) -> None:
    ignore = "*.o\n!important.o\n/top\ndocs/*.txt\n**/deep/x\na/**/z\nsp\\ ace\ntrail   \n\\#hash\n\\!bang\n[ab].md\nbra{ce}\nfoo/\nq?x\n"
    names = [
        "m.o",
        "important.o",
        "top",
        "sub/top",
        "docs/a.txt",
        "docs/s/a.txt",
        "p/deep/x",
        "deep/x",
        "a/z",
        "a/b/c/z",
        "sp ace",
        "trail",
    ]
    names += ["#hash", "!bang", "a.md", "c.md", "bra{ce}", "foo/in", "s/foo/in", "t/foo", "qyx", "q/x", "plain.ts", "üml.o", "d/[x]"]
    put(tmp_path, {".gitignore": ignore, **{name: "" for name in names}})
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, env=environment, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-oz", "--exclude-standard"], cwd=tmp_path, env=environment, check=True, capture_output=True
    ).stdout
    assert sorted(Snapshot(tmp_path).paths()) == sorted(listed.decode().split("\0")[:-1])


@pytest.mark.parametrize("data", [b"\0\1\2\xff" * 100, b"\0\x10\0\x07" * 50 + b"\xff\xfe", bytes(range(256)) * 4])
def test_bytes_in_pairs_are_no_text_because_half_of_them_are_zero(data: bytes) -> None:
    with pytest.raises(BinaryContent):
        decode(data)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_text_without_a_mark_is_text(encoding: str) -> None:
    assert decode("let name = 'ü';\r\n\tdone\f".encode(encoding)).encoding == encoding
