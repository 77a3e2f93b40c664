"""Commands of a person whose programs live under the home folder: they run in the box, for root and for an ordinary user alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from aigentflow.box.ladder import choose_tier
from attacks.ordinary import UID, command_of_ordinary_user, why_no_ordinary_user
from run_making import json_agent, request, run, write_files

IN_BOX = """
import asyncio, json, os, sys
from aigentflow.box.client import Box
from aigentflow.box.values import Limits, Order

async def main(root, *commands):
    box = Box()
    await box.start(root, os.environ, os.environ["HOME"])
    report = await box.prepared()
    try:
        one_after_the_other = [await box.run(Order(command, "", Limits(seconds=30.0))) for command in commands]
        at_the_same_time = await asyncio.gather(*(box.run(Order(command, "", Limits(seconds=30.0))) for command in commands))
        endless = asyncio.ensure_future(box.run(Order("sleep 1000", "", Limits(seconds=1000.0))))
        while not endless.done() and not box._waiting:
            await asyncio.sleep(0)
        endless.cancel()
        await asyncio.wait({endless})
        told = [[outcome.exit, outcome.output, outcome.problem] for outcome in (*one_after_the_other, *at_the_same_time)]
        print(json.dumps({"tier": report.tier, "told": told, "cancelled": endless.cancelled(), "left_out": box.toolchains.left_out}))
    finally:
        await box.close()

asyncio.run(main(*sys.argv[1:]))
"""
SAYS_WHERE = '#!/bin/sh\necho "{name} of {place}"\n'


@dataclass(frozen=True)
class Layout:
    """How a version manager lays programs out below the home folder."""

    programs: Mapping[str, str]
    """Scripts by their path; `{home}` is filled in."""
    path: tuple[str, ...]
    command: str
    says: str
    links: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def _shim(root: str, default: str, program: str) -> str:
    """Return a shim as managers write them: it finds the installation by a variable, else below HOME."""
    return f'#!/usr/bin/env sh\nset -e\nexec "${{{root}:-$HOME/{default}}}/{program}" "$@"\n'


LAYOUTS = {
    "nvm": Layout(
        {
            ".nvm/versions/node/v22.1.0/bin/node": "",
            ".nvm/versions/node/v22.1.0/lib/node_modules/npm/bin/npm-cli.js": "#!/usr/bin/env node\n",
        },
        (".nvm/versions/node/v22.1.0/bin",),
        "npm test",
        "node of .nvm/versions/node/v22.1.0/bin",
        {".nvm/versions/node/v22.1.0/bin/npm": "../lib/node_modules/npm/bin/npm-cli.js"},
        {".nvm/nvm.sh": "", ".nvm/alias/default": "22\n"},
        {"NVM_DIR": ".nvm", "NVM_BIN": ".nvm/versions/node/v22.1.0/bin"},
    ),
    "fnm": Layout(
        {".local/share/fnm/node-versions/v22.1.0/installation/bin/node": ""},
        (".local/state/fnm_multishells/12_34/bin",),
        "node --test",
        "node of .local/share/fnm/node-versions/v22.1.0/installation/bin",
        {".local/state/fnm_multishells/12_34": "{home}/.local/share/fnm/node-versions/v22.1.0/installation"},
        {".local/share/fnm/node-versions/v22.1.0/installation/lib/node_modules/npm/package.json": "{}"},
    ),
    "volta": Layout(
        {
            ".volta/bin/volta-shim": _shim("VOLTA_HOME", ".volta", "tools/image/node/22.1.0/bin/node"),
            ".volta/tools/image/node/22.1.0/bin/node": "",
        },
        (".volta/bin",),
        "node --test",
        "node of .volta/tools/image/node/22.1.0/bin",
        {".volta/bin/node": "volta-shim"},
        {".volta/tools/user/platform.json": "{}"},
        {"VOLTA_HOME": ".volta"},
    ),
    "asdf": Layout(
        {
            ".asdf/shims/node": _shim("ASDF_DATA_DIR", ".asdf", "installs/nodejs/22.1.0/bin/node"),
            ".asdf/installs/nodejs/22.1.0/bin/node": "",
            ".asdf/bin/asdf": "",
        },
        (".asdf/shims", ".asdf/bin"),
        "node --test",
        "node of .asdf/installs/nodejs/22.1.0/bin",
        files={".tool-versions": "nodejs 22.1.0\n"},
    ),
    "mise": Layout(
        {".local/share/mise/installs/node/22.1.0/bin/node": ""},
        (".local/share/mise/installs/node/22/bin",),
        "node --test",
        "node of .local/share/mise/installs/node/22.1.0/bin",
        {".local/share/mise/installs/node/22": "./22.1.0"},
        {".local/share/mise/installs/node/22.1.0/lib/x": ""},
    ),
    "unpacked by hand": Layout(
        {".local/lib/nodejs/node-v22.1.0-linux-x64/bin/node": ""},
        (".local/bin",),
        "node --test",
        "node of .local/lib/nodejs/node-v22.1.0-linux-x64/bin",
        {".local/bin/node": "../lib/nodejs/node-v22.1.0-linux-x64/bin/node"},
        {".local/lib/nodejs/node-v22.1.0-linux-x64/lib/node_modules/npm/package.json": "{}", ".local/share/keyrings/mine": "secret"},
    ),
    "pyenv": Layout(
        {
            ".pyenv/shims/python3": _shim("PYENV_ROOT", ".pyenv", "versions/3.12.1/bin/python3.12"),
            ".pyenv/versions/3.12.1/bin/python3.12": "",
            ".pyenv/libexec/pyenv": "",
        },
        (".pyenv/shims", ".pyenv/bin"),
        "python3 -m pytest",
        "python3.12 of .pyenv/versions/3.12.1/bin",
        {".pyenv/bin/pyenv": "../libexec/pyenv"},
        {".pyenv/versions/3.12.1/lib/python3.12/os.py": "", ".pyenv/version": "3.12.1\n"},
    ),
    "uv, in the project": Layout(
        {".local/share/uv/python/cpython-3.12.1-linux-x86_64-gnu/bin/python3.12": ""},
        (),
        ".venv/bin/python -m pytest",
        "python3.12 of .local/share/uv/python/cpython-3.12.1-linux-x86_64-gnu/bin",
        {
            "code/app/.venv/bin/python": "{home}/.local/share/uv/python/cpython-3.12-linux-x86_64-gnu/bin/python3.12",
            ".local/share/uv/python/cpython-3.12-linux-x86_64-gnu": "cpython-3.12.1-linux-x86_64-gnu",
        },
        {
            ".local/share/uv/python/cpython-3.12.1-linux-x86_64-gnu/lib/python3.12/os.py": "",
            "code/app/.venv/pyvenv.cfg": "home = {home}/.local/share/uv/python/cpython-3.12-linux-x86_64-gnu/bin\n",
            "code/app/.venv/lib/python3.12/site-packages/x.py": "",
        },
    ),
    "uv tool": Layout(
        {
            ".local/share/uv/tools/ruff/bin/ruff": "#!{home}/.local/share/uv/tools/ruff/bin/python\n",
            ".local/share/uv/python/cpython-3.12.1/bin/python3.12": "",
        },
        (".local/bin",),
        "ruff check .",
        "python3.12 of .local/share/uv/python/cpython-3.12.1/bin",
        {
            ".local/bin/ruff": "{home}/.local/share/uv/tools/ruff/bin/ruff",
            ".local/share/uv/tools/ruff/bin/python": "{home}/.local/share/uv/python/cpython-3.12.1/bin/python3.12",
        },
        {
            ".local/share/uv/tools/ruff/pyvenv.cfg": "home = {home}/.local/share/uv/python/cpython-3.12.1/bin\n",
            ".local/share/uv/tools/ruff/lib/python3.12/site-packages/ruff.py": "",
            ".local/share/uv/python/cpython-3.12.1/lib/python3.12/os.py": "",
        },
    ),
    "conda": Layout(
        {"miniconda3/envs/app/bin/python3": ""},
        ("miniconda3/envs/app/bin", "miniconda3/condabin"),
        "python3 -m pytest",
        "python3 of miniconda3/envs/app/bin",
        files={"miniconda3/envs/app/conda-meta/history": "", "miniconda3/envs/app/lib/python3.12/os.py": ""},
        variables={"CONDA_PREFIX": "miniconda3/envs/app"},
    ),
}
PRIVATE = {".ssh/id_rsa": "private", ".netrc": "private", ".npmrc": "private", ".config/gh/hosts.yml": "private", "notes.txt": "private"}


@pytest.fixture(scope="module", autouse=True)
def _box() -> None:
    report = choose_tier()
    if report.tier != "namespaces":
        pytest.skip(f"no box of the first tier here: {report.missed}")


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder that every user may look into."""
    with tempfile.TemporaryDirectory(prefix="aigentflow-home-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        yield folder


def lay_out(home: Path, layout: Layout) -> Path:
    """Make the home folder and return the workspace in it."""
    root = home / "code/app"
    root.mkdir(parents=True)
    (root / "package.json").write_text("{}")
    for name, text in {**PRIVATE, **layout.files}.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text.replace("{home}", str(home)))
    for name, text in layout.programs.items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("{home}", str(home)) or SAYS_WHERE.format(name=file.name, place=os.path.dirname(name)))
        file.chmod(0o755)
    for name, target in layout.links.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).symlink_to(target.replace("{home}", str(home)))
    return root


def run_in_box(home: Path, root: Path, layout: Layout, ordinary: bool, *commands: str) -> Any:
    """Run the commands in a box of their own process, one after the other and then at the same time; return what became of them."""
    path = ":".join([*(str(home / folder) for folder in layout.path), "/usr/bin", "/bin"])
    variables = {name: str(home / below) for name, below in layout.variables.items()}
    environment = {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8", **variables}
    command = [sys.executable, "-P", "-c", IN_BOX, str(root), *commands]
    if ordinary:
        for entry in (home, *home.rglob("*")):
            os.lchown(entry, UID, UID)
        stage = home.parent / "stage"
        stage.mkdir(mode=0o755)
        command, more = command_of_ordinary_user(command, stage)
        environment |= more
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50, check=False, cwd="/")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_program_of_the_person_runs_and_nothing_else_of_theirs_is_there(name: str, place: Path) -> None:
    check(LAYOUTS[name], place, ordinary=False)


@pytest.mark.parametrize("name", ["nvm", "pyenv", "uv, in the project"])
def test_the_same_for_an_ordinary_user(name: str, place: Path) -> None:
    if os.geteuid() != 0 or why_no_ordinary_user():
        pytest.skip(why_no_ordinary_user() or "whoever runs the tests is an ordinary user already")
    check(LAYOUTS[name], place, ordinary=True)


def check(layout: Layout, place: Path, *, ordinary: bool) -> None:
    home = place / "me"
    root = lay_out(home, layout)
    look = f"cat {' '.join(str(home / private) for private in PRIVATE)} 2>/dev/null | wc -c; ls -A {home} | tr '\\n' ' '"
    result = run_in_box(home, root, layout, ordinary, layout.command, look, "id -u; id -un; stat -c %u .")
    told = result["told"]
    assert told[:3] == told[3:]
    assert told[0] == [0, layout.says + "\n", ""], result
    read, _, names = told[1][1].partition("\n")
    assert read == "0" and not {"notes.txt", ".ssh", ".netrc", ".npmrc"} & set(names.split())
    user = str(UID if ordinary else root.stat().st_uid)
    assert told[2][1].split() == [user, "root" if user == "0" else "box", user]
    assert result["cancelled"]


JUDGES = '#!/bin/sh\necho "{name} of {place}: $*"\n! grep -rn bug src\n'


@pytest.mark.parametrize(
    ("name", "project", "field", "command"),
    [
        ("nvm", {"package.json": '{"scripts": {"typecheck": "tsc"}}'}, "typecheck", "npm run typecheck"),
        ("uv, in the project", {"pyproject.toml": "[tool.pytest]\n"}, "tests", ".venv/bin/python -m pytest"),
    ],
)
def test_what_verifies_a_run_is_the_program_of_the_person(
    name: str, project: dict[str, str], field: str, command: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, layout = place / "me", LAYOUTS[name]
    judge = layout.says.rpartition(" of ")
    program = f"{judge[2]}/{judge[0]}"
    judging = replace(layout, programs={**layout.programs, program: JUDGES.format(name=judge[0], place=judge[2])})
    root = write_files(lay_out(home, judging), project)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", ":".join([*(str(home / folder) for folder in layout.path), "/usr/bin", "/bin"]))
    file = "src/a.py" if field == "tests" else "src/a.ts"
    write = {"name": "Write", "input": {"file_path": file, "content": "fine\n"}}
    spoil = {"name": "Write", "input": {"file_path": file, "content": "a bug\n"}}
    says = {"text": json.dumps({"summary": "", "files": [], "verification": {field: "pass"}})}
    fine, _ = run(request(root, agent=json_agent()), [{"tools": [write]}, says])
    part = fine.verification[field]
    assert (part.status, part.exit, part.command) == ("pass", 0, command), part
    spoilt, _ = run(request(root, agent=json_agent()), [{"tools": [spoil]}, *[says] * 4])
    part = spoilt.verification[field]
    assert part.status == "fail" and layout.says in part.reason and f"{file}:1:a bug" in part.reason, part
    assert {claim.verdict for claim in spoilt.claims if field in claim.claim} == {"contradicted"}
