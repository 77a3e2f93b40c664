"""What of the machine a command in the box sees, read-only and at its own path: the system, and the person's toolchains.

Of the home folder that is the installations that PATH, the person's variables and the project name, and nothing else.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence

from .toolchain_gathering import Gathering
from .toolchain_project import add_environment, add_project
from .toolchain_rules import BIN_NAMES, Ground, find_ground, follow, is_file, is_folder, within
from .toolchain_system import add_system
from .values import Toolchains

_SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")
_NAMED = {
    "DOTNET_ROOT": ".dotnet",
    "PYENV_ROOT": ".pyenv",
    "RBENV_ROOT": ".rbenv",
    "NODENV_ROOT": ".nodenv",
    "GOENV_ROOT": ".goenv",
    "VOLTA_HOME": ".volta",
    "ASDF_DIR": ".asdf",
    "ASDF_DATA_DIR": ".asdf",
    "MISE_DATA_DIR": ".local/share/mise",
    "SDKMAN_DIR": ".sdkman",
    "RUSTUP_HOME": ".rustup",
    "DENO_INSTALL": ".deno",
    "BUN_INSTALL": ".bun",
    "PNPM_HOME": ".local/share/pnpm",
    "NVM_DIR": ".nvm",
    "FNM_DIR": ".local/share/fnm",
    "JAVA_HOME": "",
    "GOROOT": "",
    "ANDROID_HOME": "",
    "ANDROID_SDK_ROOT": "",
    "FLUTTER_ROOT": "",
    "M2_HOME": "",
    "MAVEN_HOME": "",
    "GRADLE_HOME": "",
    "SCALA_HOME": "",
    "KOTLIN_HOME": "",
    "CONDA_PREFIX": "",
    "GEM_HOME": "",
    "OPAM_SWITCH_PREFIX": "",
}
"""Variables that name an installation, with its usual place below the home folder, if it has one."""
_CHOICES = re.compile(r"(?:PYENV|RBENV|NODENV|GOENV|ASDF_[A-Z]+|JENV)_VERSION|RUSTUP_TOOLCHAIN")
_CHOICE = re.compile(r"[\w.+:-]{1,80}")
_WINDOWS = re.compile(r"/mnt/[a-z](?:/.*)?")


def find_toolchains(root: str, env: Mapping[str, str], home: str, packages: Sequence[str] = ()) -> Toolchains:
    """Return what a command in the workspace `root` is shown; `env` is the person's environment, `packages` folders of the workspace."""
    ground = find_ground(root, env, home)
    gathering = Gathering(ground)
    add_system(gathering)
    path, left_out = _add_path(gathering, env)
    variables = _Variables(gathering, env)
    variables.add()
    add_project(gathering, packages)
    binds = gathering.binds()
    shown = {bind.path for bind in binds}
    kept = tuple(folder for folder in path if within(folder, ground.root) or _is_shown(folder, shown))
    lost = tuple((folder, "it is not shown") for folder in path if folder not in kept)
    rest = tuple(
        dict.fromkeys(
            real for real in map(os.path.realpath, _SYSTEM_PATH) if real not in kept and _is_shown(real, shown) and is_folder(real)
        )
    )
    return Toolchains(binds, gathering.links(binds), kept + rest, tuple(variables.found(shown)), (*left_out, *lost))


def _is_shown(path: str, shown: set[str]) -> bool:
    while path and path not in shown:
        path = path.rpartition("/")[0]
    return bool(path)


def _add_path(gathering: Gathering, env: Mapping[str, str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Add the folders of PATH; returns those that are there, links followed, and the others with the reason."""
    path: dict[str, None] = {}
    left_out: dict[str, str] = {}
    for entry in env.get("PATH", "").split(":"):
        if entry in left_out:
            continue
        trail = follow(entry) if entry.startswith("/") and not _WINDOWS.fullmatch(entry) else None
        refused = _path_problem(entry, trail.real if trail else "")
        if trail and not refused and trail.real not in path:
            refused = _add_path_folder(gathering, trail.real)
        if not trail or refused:
            left_out[entry or "."] = refused
            continue
        gathering.link(*trail.links)
        path[trail.real] = None
    return list(path), list(left_out.items())


def _path_problem(entry: str, real: str) -> str:
    if not entry.startswith("/"):
        return "it is not an absolute path"
    if _WINDOWS.fullmatch(entry):
        return "programs of Windows do not run in a box"
    if within(entry, "/snap"):
        return "programs of snap need a service that a box does not have"
    if not real or not is_folder(real):
        return "there is no such folder"
    try:
        found = os.stat(real)
    except OSError:
        return "it cannot be read"
    return "anyone may write to it" if found.st_mode & stat.S_IWOTH else ""


def _add_path_folder(gathering: Gathering, real: str) -> str:
    prefix = os.path.dirname(real)
    if within(real, gathering.ground.root):
        # An environment that is switched on may have any name; it is tested like those that are looked for.
        add_environment(gathering, prefix)
        return ""
    refused = gathering.programs(real, f"PATH: {_short(prefix if os.path.basename(real) in BIN_NAMES else real)}")
    if not refused and os.path.basename(real) in BIN_NAMES:
        add_environment(gathering, prefix)
    return refused


def _short(path: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in os.path.basename(path)) or path


class _Variables:
    """The installations that variables name or that stand at their usual place, and the variables with which they find themselves."""

    def __init__(self, gathering: Gathering, env: Mapping[str, str]) -> None:
        self._gathering = gathering
        self._ground: Ground = gathering.ground
        self._env = env
        self._extra: dict[str, str] = {}

    def add(self) -> None:
        """Add what the variables name, and what the programs that are shown already need beside them."""
        for name in _NAMED:
            self._add_named(name)
        virtual = self._env.get("VIRTUAL_ENV", "")
        if virtual.startswith("/") and add_environment(self._gathering, virtual):
            self._extra["VIRTUAL_ENV"] = os.path.realpath(virtual)
        self._add_rust()
        self._add_go()
        self._add_user_site()
        self._add_store("COREPACK_HOME", os.path.join(self._cache(), "node", "corepack"), "package managers of corepack")
        self._add_versions()

    def _add_named(self, name: str) -> None:
        trail = follow(self._env[name]) if self._env.get(name, "").startswith("/") else None
        if trail is None or not is_folder(trail.real) or self._gathering.sees(trail.real):
            return
        if self._ground.whole(trail.real, named=True):
            self._gathering.add_tree(trail.real, name)
            self._gathering.link(*trail.links)

    def _add_store(self, name: str, default: str, why: str) -> None:
        """Add a folder of packages or toolchains that has a variable."""
        trail = follow(self._env.get(name) or default)
        if trail and is_folder(trail.real) and not self._gathering.add(trail.real, why):
            self._gathering.link(*trail.links)
            self._extra[name] = trail.real

    def _add_rust(self) -> None:
        cargo = self._place("CARGO_HOME", ".cargo")
        if not cargo or not self._gathering.covers(os.path.join(cargo, "bin")):
            return
        self._add_store("RUSTUP_HOME", self._below_home(".rustup"), "Rust toolchains")
        stores = [os.path.join(cargo, name) for name in ("registry", "git") if is_folder(os.path.join(cargo, name))]
        if [store for store in stores if not self._gathering.add(store, "packages of cargo")]:
            self._extra["CARGO_HOME"] = cargo

    def _add_go(self) -> None:
        gopath = self._env.get("GOPATH", "").partition(":")[0] or self._below_home("go")
        if gopath.startswith("/"):
            self._add_store("GOMODCACHE", os.path.join(gopath, "pkg", "mod"), "packages of Go")

    def _add_user_site(self) -> None:
        """Add the packages of `pip install --user`, whose programs lie in `~/.local/bin`."""
        user = self._place("PYTHONUSERBASE", ".local")
        if not user or not self._gathering.covers(os.path.join(user, "bin")):
            return
        library = os.path.join(user, "lib")
        try:
            names = [name for name in os.listdir(library) if name.startswith("python3")]
        except OSError:
            return
        if [name for name in names if not self._gathering.add(os.path.realpath(os.path.join(library, name)), "packages of pip --user")]:
            self._extra["PYTHONUSERBASE"] = user

    def _add_versions(self) -> None:
        """Add the file in which asdf and mise find the person's versions on their way up from the workspace."""
        file = self._below_home(".tool-versions")
        managers = (self._place("ASDF_DATA_DIR", ".asdf"), self._place("MISE_DATA_DIR", ".local/share/mise"))
        if file and is_file(file) and any(place and self._gathering.covers(os.path.join(place, "shims")) for place in managers):
            self._gathering.add(file, "versions of asdf or mise")
            self._extra["MISE_TRUSTED_CONFIG_PATHS"] = self._ground.root

    def found(self, shown: set[str]) -> Iterator[tuple[str, str]]:
        """Yield the variables whose folders are shown, by name."""
        values = dict(self._extra)
        for name, default in _NAMED.items():
            place = self._place(name, default)
            if place and (within(place, self._ground.root) or _is_shown(place, shown) or _is_shown(os.path.join(place, "bin"), shown)):
                values.setdefault(name, place)
        values |= {name: text for name, text in self._env.items() if _CHOICES.fullmatch(name) and _CHOICE.fullmatch(text)}
        yield from sorted(values.items())

    def _place(self, name: str, default: str) -> str:
        """Return the folder that the variable names, else its usual place, links followed; empty where there is none."""
        text = self._env.get(name, "") or (self._below_home(default) if default else "")
        trail = follow(text) if text.startswith("/") else None
        return trail.real if trail and is_folder(trail.real) else ""

    def _below_home(self, name: str) -> str:
        return os.path.join(self._ground.home, name) if self._ground.home else ""

    def _cache(self) -> str:
        return self._env.get("XDG_CACHE_HOME") or self._below_home(".cache")
