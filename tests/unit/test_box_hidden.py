"""Files with secrets are found wherever they lie, at once when they appear, and their contents are taken out of what a command prints."""

from __future__ import annotations

import base64
import errno
import json
import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from aigentflow.box import hidden as hidden_module
from aigentflow.box import watching
from aigentflow.box.hidden import Hidden
from aigentflow.box.hidden_mask import MARK, Mask
from aigentflow.box.hidden_values import secrets_in

SECRET = "Zq7" + "xW2mK9" + "vTr41"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "ws"
    for folder in ("src/deep/deeper", "node_modules/pkg/test", "build", ".git/objects/ab"):
        (root / folder).mkdir(parents=True)
    (root / "src/app.ts").write_text("export {}\n")
    return root


@pytest.fixture(params=["watched", "looked at"])
def hidden(request: pytest.FixtureRequest, tree: Path) -> Iterator[Hidden]:
    found = Hidden(str(tree))
    if request.param == "looked at":
        found.close()
    elif not found.watching:
        pytest.skip("this kernel does not tell of changes")
    yield found
    found.close()


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "src/deep/deeper/.env.local",
        "node_modules/pkg/test/server.pem",
        "build/.ENV",
        "src/id_rsa",
        ".env~",
        "src/.netrc",
        "a\nb/.env",
    ],
)
def test_a_secret_is_found_wherever_it_lies(tree: Path, path: str) -> None:
    (tree / path).parent.mkdir(exist_ok=True)
    (tree / path).write_text("A=1\n")
    assert Hidden(str(tree)).paths() == (path,)


@pytest.mark.parametrize("path", [".env.example", "src/keys.ts", "src/environment.ts", ".git/objects/ab/x.pem", ".git/.env", ".gitignore"])
def test_what_only_sounds_like_one_is_not(tree: Path, path: str) -> None:
    (tree / path).write_text("A=1\n")
    assert Hidden(str(tree)).paths() == ()


def test_a_credential_folder_counts_as_one_and_a_link_as_itself(tree: Path, tmp_path: Path) -> None:
    (tree / "deploy/.aws/sso").mkdir(parents=True)
    (tree / "deploy/.aws/credentials").write_text("x")
    (tree / ".config/gcloud").mkdir(parents=True)
    (tree / ".env").symlink_to(tmp_path / "elsewhere")
    (tree / "loop").symlink_to(tree)
    assert Hidden(str(tree)).paths() == (".config/gcloud", ".env", "deploy/.aws")


def test_a_name_that_is_no_text_survives(tree: Path) -> None:
    folder = os.fsencode(tree) + b"/caf\xe9"
    os.mkdir(folder)
    found = Hidden(str(tree))
    Path(os.fsdecode(folder) + "/.env").write_text(f"API_KEY={SECRET}\n")
    assert found.paths() == ("caf\udce9/.env",)
    assert [os.fsencode(path) for path in found.paths()] == [b"caf\xe9/.env"]
    assert found.values() == (SECRET,)


def test_what_comes_and_goes_is_seen_at_once(hidden: Hidden, tree: Path) -> None:
    assert hidden.paths() == ()
    (tree / "src/.env").write_text("")
    assert hidden.paths() == ("src/.env",)
    (tree / "src/.env").rename(tree / "src/plain.txt")
    assert hidden.paths() == ()
    (tree / "src/plain.txt").rename(tree / "build/.env.production")
    assert hidden.paths() == ("build/.env.production",)
    (tree / "build/.env.production").unlink()
    assert hidden.paths() == ()


def test_new_and_moved_folders_are_walked(hidden: Hidden, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "unpacked/a/b").mkdir(parents=True)
    (tmp_path / "unpacked/a/b/.env").write_text("")
    (tmp_path / "unpacked").rename(tree / "vendor")
    assert hidden.paths() == ("vendor/a/b/.env",)
    (tree / "vendor").rename(tree / "src/vendor2")
    assert hidden.paths() == ("src/vendor2/a/b/.env",)
    (tree / "src/vendor2/a/b/id_rsa").write_text("")
    assert hidden.paths() == ("src/vendor2/a/b/.env", "src/vendor2/a/b/id_rsa")
    (tree / "src/vendor2").rename(tmp_path / "gone")
    assert hidden.paths() == ()
    (tmp_path / "gone/a/x.pem").write_text("")
    assert hidden.paths() == ()


def test_two_folders_that_change_places(hidden: Hidden, tree: Path) -> None:
    (tree / "src/deep/.env").write_text("")
    (tree / "build/deep").mkdir()
    assert hidden.paths() == ("src/deep/.env",)
    (tree / "src").rename(tree / "x")
    (tree / "build").rename(tree / "src")
    (tree / "x").rename(tree / "build")
    assert hidden.paths() == ("build/deep/.env",)
    (tree / "src/deep/.env").write_text("")
    (tree / "build/deep/deeper/a.key").write_text("")
    assert hidden.paths() == ("build/deep/.env", "build/deep/deeper/a.key", "src/deep/.env")


def test_a_folder_that_becomes_a_link_to_outside_is_not_followed(hidden: Hidden, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "other/deep/deeper").mkdir(parents=True)
    (tmp_path / "other/deep/.env").write_text("")
    (tree / "src/deep/new").mkdir()
    shutil.rmtree(tree / "src")
    (tree / "src").symlink_to(tmp_path / "other")
    assert hidden.paths() == ()


def test_a_folder_that_is_removed_and_made_again(hidden: Hidden, tree: Path) -> None:
    for number in range(3):
        shutil.rmtree(tree / "build")
        (tree / f"build/n{number}").mkdir(parents=True)
        (tree / f"build/n{number}/.env").write_text("")
        assert hidden.paths() == (f"build/n{number}/.env",)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_becomes_readable(hidden: Hidden, tree: Path) -> None:
    (tree / "build/.env").write_text("")
    (tree / "build").chmod(0)
    hidden.paths()
    (tree / "build").chmod(0o755)
    assert hidden.paths() == ("build/.env",)


def test_lost_events_lead_to_a_look_at_everything(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Hidden(str(tree))
    (tree / "src/deep/.env").write_text("")
    lost = watching.Event(-1, watching.OVERFLOW, "")
    monkeypatch.setattr(watching.Watcher, "events", lambda self: iter([lost]))
    assert found.paths() == ("src/deep/.env",)


def test_without_enough_watches_it_looks(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: watching.Watcher, folder: str) -> int:
        raise OSError(errno.ENOSPC, "no more")

    monkeypatch.setattr(watching.Watcher, "add", refuse)
    found = Hidden(str(tree))
    assert not found.watching
    (tree / "src/deep/.env").write_text("")
    assert found.paths() == ("src/deep/.env",)


def test_not_the_whole_allowance_of_watches_is_used(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden_module, "_allowance", lambda: 3)
    (tree / "src/.env").write_text("")
    found = Hidden(str(tree))
    assert not found.watching
    assert found.paths() == ("src/.env",)


def test_random_changes_agree_with_a_new_walk(hidden: Hidden, tree: Path) -> None:
    chance = random.Random(7)
    names = ["a", "b", "c", ".env", "x.pem", ".aws", ".config", "gcloud"]
    for _ in range(300):
        folders = [folder for folder, _, _ in os.walk(tree) if "/.git" not in folder]
        here, there = Path(chance.choice(folders)), Path(chance.choice(folders))
        place = there / chance.choice(names)
        action = chance.randrange(4)
        try:
            if action == 0:
                place.mkdir()
            elif action == 1:
                place.write_text("")
            elif action == 2 and here != tree:
                here.rename(place)
            elif action == 3 and here != tree and chance.random() < 0.3:
                shutil.rmtree(here)
        except OSError:
            continue
        if chance.random() < 0.3:
            assert hidden.paths() == Hidden(str(tree)).paths()
    assert hidden.paths() == Hidden(str(tree)).paths()


def test_an_answer_takes_no_walk(tree: Path) -> None:
    for number in range(300):
        (tree / f"src/d{number}").mkdir()
    found = Hidden(str(tree))
    if not found.watching:
        pytest.skip("this kernel does not tell of changes")
    times = []
    for _ in range(50):
        start = time.perf_counter()
        found.paths()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.0005


def secrets(name: str, text: str) -> set[str]:
    return set(secrets_in(name, text.encode()))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env", f"API_KEY={SECRET}\n"),
        (".env", f'export API_KEY="{SECRET}" # the key\n'),
        (".env", f"API_KEY = '{SECRET}'\r\nB=1\r\n"),
        (".env", f"A=1\nTHING={SECRET} # a comment\n"),
        (".env", f'A="unclosed\nB="{SECRET}"\n'),
        (".env", f"DATABASE_URL=postgres://me:{SECRET}@db.example.com:5432/app\n"),
        (".netrc", f"machine example.com login me password {SECRET}\n"),
        (".pgpass", f"localhost:5432:app:me:{SECRET}\n"),
        (".git-credentials", f"https://me:{SECRET}@example.com\n"),
        (".pypirc", f"[pypi]\nusername = me\npassword = {SECRET}\n"),
        (".vault-token", f"{SECRET}\n"),
        (".htpasswd", f"me:{SECRET}\n"),
        (".dockercfg", json.dumps({"host": {"auth": base64.b64encode(f"me:{SECRET}".encode()).decode()}})),
        ("account.key", json.dumps({"type": "service_account", "inner": [{"token": SECRET}]})),
        ("config", f"users:\n- name: me\n  user:\n    token: {SECRET}\n"),
        (".terraformrc", f'credentials "x" {{\n  token = "{SECRET}"\n}}\n'),
        ("settings.xml", f"<server><password>{SECRET}</password></server>"),
        (".npmrc", f"//registry.example.com/:_authToken={SECRET}\n"),
    ],
)
def test_the_secret_in_a_file_is_known(name: str, text: str) -> None:
    assert SECRET in secrets(name, text)


def test_a_private_key_is_known_line_by_line_and_a_certificate_is_not() -> None:
    lines = [base64.b64encode(bytes([number]) * 48).decode() for number in range(1, 4)]
    body = "\n".join(lines)
    begin, end = "-----BEGIN {}-----\n", "\n-----END {}-----\n"
    key = begin.format("PRIVATE " + "KEY") + body + end.format("PRIVATE " + "KEY")
    assert set(lines) <= secrets("server.pem", key)
    assert set(lines) <= secrets(".env", 'KEY="' + key.replace("\n", "\\n") + '"\n')
    assert set(lines) <= secrets("account.key", json.dumps({"private_key": key}))
    assert secrets("ca.pem", begin.format("CERTIFICATE") + body + end.format("CERTIFICATE")) == set()


@pytest.mark.parametrize(
    "line",
    [
        "NODE_ENV=development",
        "DEBUG=true",
        "TOKEN_SECONDS=86400000",
        "HOST=db.internal.example.com:5432",
        "API_URL=http://localhost:3000/api/v1",
        "PUBLIC_URL=https://www.example.com/app",
        "DATA_FOLDER=/var/lib/postgresql/data",
        "APP_NAME=my-little-application",
        "MAIL_FROM=someone@example.com",
        "API_KEY=changeme",
        "API_KEY=${OTHER_KEY_HERE}",
        "SHORT=abc1",
        "# only words in a comment",
    ],
)
def test_plain_values_are_no_secrets(line: str) -> None:
    assert secrets(".env", f"{line}\nX=1\n") == set()


def test_values_are_bounded_and_longest_first(tree: Path) -> None:
    (tree / ".env").write_text("".join(f"KEY_{number}={SECRET}{'x' * (number % 7)}{number}\n" for number in range(300)))
    found = Hidden(str(tree)).values(50)
    assert len(found) == 50
    assert [len(value) for value in found] == sorted((len(value) for value in found), reverse=True)


def test_only_regular_files_are_read_and_only_their_head(tree: Path, tmp_path: Path) -> None:
    os.mkfifo(tree / "a.pem")
    (tmp_path / "outside").write_text(f"API_KEY={SECRET}\n")
    (tree / ".env").symlink_to(tmp_path / "outside")
    (tree / "big.key").write_text("#" * 70_000 + f"\nAPI_KEY={SECRET}\n")
    found = Hidden(str(tree))
    assert found.paths() == (".env", "a.pem", "big.key")
    assert found.values() == ()


def test_a_hostile_file_takes_no_time(tree: Path) -> None:
    for number, text in enumerate(['A="' + 'x\nB="' * 12_000, "A=" + "a-" * 30_000 + "!", "[" * 60_000, "x://" * 16_000, 'K="' * 20_000]):
        (tree / f".env.{number}").write_text(text)
    start = time.perf_counter()
    Hidden(str(tree)).values()
    assert time.perf_counter() - start < 5


def test_a_changed_file_changes_the_mask(hidden: Hidden, tree: Path) -> None:
    (tree / ".env").write_text(f"API_KEY={SECRET}\n")
    first = hidden.mask()
    assert first.masked(f"it is {SECRET}.") == f"it is {MARK}."
    assert hidden.mask() is first
    (tree / ".env").write_text(f"API_KEY=another{SECRET[::-1]}\n")
    assert hidden.mask().masked(f"it is another{SECRET[::-1]}, no more {SECRET}") == f"it is {MARK}, no more {SECRET}"


@pytest.mark.parametrize("value", [SECRET, 'pässwört/with+odd "chars" & more', "line one is here\nline two is here"])
def test_a_secret_in_another_coat_is_seen(value: str) -> None:
    mask = Mask([value])
    coats = {
        "plain": value,
        "base64": base64.b64encode(value.encode()).decode(),
        "url base64": base64.urlsafe_b64encode(value.encode()).decode().rstrip("="),
        "url": quote(value, safe=""),
        "url path": quote(value),
        "form": quote_plus(value),
        "json": json.dumps(value)[1:-1],
        "hex": value.encode().hex(),
    }
    shown = {coat: mask.masked(f"<{text}>") for coat, text in coats.items()}
    assert {coat: text.strip("<=>") for coat, text in shown.items()} == dict.fromkeys(coats, MARK)


def test_the_base64_of_a_whole_file_is_seen(tree: Path) -> None:
    (tree / ".env").write_text("".join(f"KEY_{number}={SECRET}{number}\n" for number in range(9)))
    printed = base64.encodebytes((tree / ".env").read_bytes()).decode()
    left = Hidden(str(tree)).mask().masked(printed).replace(MARK, "").split()
    assert all(len(rest) <= 4 for rest in left)


def test_masking_a_long_output_is_quick() -> None:
    mask = Mask([f"{SECRET}{number}" for number in range(200)])
    start = time.perf_counter()
    mask.masked("some words of a test runner, ok\n" * 2000)
    assert time.perf_counter() - start < 1
