"""Toolchains and packages as people have them: copied below a home folder, or installed from the registries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLE = CHECKOUT / "tests/workspaces/sample"
INSTALL_SECONDS = 600
ORDINARY = 54_321
"""The number of a user that no machine has."""
_SYSTEM_PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3", "/usr/bin/python3.14", "/usr/bin/python3.13", "/usr/bin/python3.12")
_LEFT_OUT = ("test", "tests", "idlelib", "turtledemo", "ensurepip-cache", "site-packages", "dist-packages", "__pycache__", "config-*")


@dataclass(frozen=True)
class Machine:
    """What the tests take from the machine they run on."""

    environment: Mapping[str, str]
    """The environment of whoever runs the tests."""
    node: Path
    """The real program, links followed."""
    npm: Path
    """The package folder of npm."""
    place: Path

    @property
    def node_version(self) -> str:
        """The version as Node says it, with its `v`."""
        return said([os.fspath(self.node), "--version"])


def find_machine(environment: Mapping[str, str], place: Path) -> Machine | str:
    """Install the packages of the sample workspace where they are missing; return why that cannot be, in words."""
    script = ["sh", os.fspath(CHECKOUT / ".ci/packages")]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode != 0:
        return f"no Node, or no registry: {done.stderr.strip()[-300:]}"
    folder = done.stdout.strip().splitlines()[-1]
    node = Path(said([f"{folder}/node", "-p", "process.execPath"]))
    npm = node.parent.parent / "lib/node_modules/npm"
    if not npm.is_dir():
        return f"npm does not lie beside {node}"
    return Machine({**environment, "PATH": f"{folder}:{environment['PATH']}"}, node, npm, place)


def said(command: list[str]) -> str:
    """Return what a command writes; raise CalledProcessError where it fails."""
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout.strip()


def node_below(prefix: Path, machine: Machine) -> Path:
    """Copy Node and npm to an installation of their own, as nvm and its like lay it out; return its folder of programs."""
    programs, packages = prefix / "bin", prefix / "lib/node_modules"
    programs.mkdir(parents=True)
    shutil.copy2(machine.node, programs / "node")
    shutil.copytree(machine.npm, packages / "npm", symlinks=True)
    for name in ("npm", "npx"):
        (programs / name).symlink_to(f"../lib/node_modules/npm/bin/{name}-cli.js")
    return programs


def python_below(prefix: Path) -> Path:
    """Copy the Python that runs the tests to an installation of its own, as pyenv and uv lay it out; return its folder of programs."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    origin = Path(sys.base_prefix)
    programs, library = prefix / "bin", prefix / "lib"
    programs.mkdir(parents=True)
    shutil.copy2(os.path.realpath(origin / "bin" / version), programs / version)
    for name in ("python3", "python"):
        (programs / name).symlink_to(version)
    shutil.copytree(origin / "lib" / version, library / version, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    (library / version / "site-packages").mkdir(exist_ok=True)
    for shared in (origin / "lib").glob("libpython*.so*"):
        shutil.copy2(shared, library / shared.name, follow_symlinks=False)
    return programs


def copy_of_sample(target: Path) -> Path:
    """Copy the sample workspace with its packages, and without what its tools remember between runs."""
    return Path(shutil.copytree(SAMPLE, target, symlinks=True, ignore=shutil.ignore_patterns(".cache", ".vite", ".vite-temp")))


def give_to(user: int, *folders: Path) -> None:
    """Make everything in the folders, and them, the user's."""
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.lchown(path, user, user)


def python_with_the_product(machine: Machine) -> str:
    """Install the product for everybody on the machine; return its interpreter, or why there is none, in words."""
    enough = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
    usable = [path for path in _SYSTEM_PYTHONS if os.path.exists(path) and _works([path, "-c", enough], ORDINARY)]
    if not usable:
        return "no Python 3.11 or newer of the system that can make environments and that every user may run"
    wheels, environment = machine.place / "wheels", machine.place / "product"
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", os.fspath(wheels), os.fspath(CHECKOUT)]
    try:
        said(build)
        said([usable[0], "-m", "venv", os.fspath(environment)])
        pip = [f"{environment}/bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install"]
        subprocess.run([*pip, *map(os.fspath, wheels.glob("*.whl"))], env=machine.environment, timeout=INSTALL_SECONDS, check=True)
    except subprocess.CalledProcessError as problem:
        return f"the product cannot be installed for every user: {problem}"
    return f"{environment}/bin/python"


def _works(command: list[str], user: int) -> bool:
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, user=user, group=user, extra_groups=[], cwd="/")
    return done.returncode == 0
