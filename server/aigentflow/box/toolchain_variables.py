"""Toolchains and stores of packages that variables name or that lie at their usual place, and the variables by which they find themselves.

The home folder of a command is another, empty one: whatever finds itself through HOME needs its variable.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from .toolchain_gathering import Gathering
from .toolchain_project import add_environment
from .toolchain_rules import Ground, follow, is_file, is_folder, within

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
_STORES = {
    "COREPACK_HOME": (".cache/node/corepack", ""),
    "PLAYWRIGHT_BROWSERS_PATH": (".cache/ms-playwright", ""),
    "YARN_GLOBAL_FOLDER": (".yarn/berry", ".pnp.cjs"),
    "DENO_DIR": (".cache/deno", "deno.lock"),
}
"""Stores of packages: the usual place below the home folder, and the file of the workspace without which they are not needed."""
_CHOICES = re.compile(r"(?:PYENV|RBENV|NODENV|GOENV|ASDF_[A-Z]+|JENV)_VERSION|RUSTUP_TOOLCHAIN")
_CHOICE = re.compile(r"[\w.+:-]{1,80}")


def wanted_variables(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the person's that are needed to find toolchains; no secret is among them."""
    names = {*_NAMED, *_STORES, "PATH", "HOME", "VIRTUAL_ENV", "WORKON_HOME", "CARGO_HOME", "GOPATH", "GOMODCACHE", "PYTHONUSERBASE"}
    return {name: text for name, text in env.items() if name in names or name.startswith("XDG_") or _CHOICES.fullmatch(name)}


def is_shown(path: str, shown: set[str]) -> bool:
    """Whether the path is one of the folders that are shown or lies in one."""
    while path and path not in shown:
        path = path.rpartition("/")[0]
    return bool(path)


class Variables:
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
        for name, (default, mark) in _STORES.items():
            if not mark or is_file(os.path.join(self._ground.root, mark)):
                self._add_store(name, self._cached(default), f"packages: {name}")
        self._add_versions()

    def need(self, variables: Mapping[str, str]) -> None:
        """Take over variables that something which was added otherwise needs."""
        self._extra |= variables

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
            if place and (within(place, self._ground.root) or is_shown(place, shown) or is_shown(os.path.join(place, "bin"), shown)):
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

    def _cached(self, name: str) -> str:
        cache = self._env.get("XDG_CACHE_HOME", "")
        return os.path.join(cache, name.removeprefix(".cache/")) if cache and name.startswith(".cache/") else self._below_home(name)
