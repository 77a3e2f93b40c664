"""A command sees the person's toolchains wherever they live, and nothing else of the person's: not even if the project asks for it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aigentflow.box.toolchain_gathering import Gathering
from aigentflow.box.toolchain_rules import find_ground
from aigentflow.box.toolchain_system import add_system
from aigentflow.box.toolchain_variables import wanted_variables
from aigentflow.box.toolchains import find_toolchains
from aigentflow.box.values import Bind, Toolchains


@dataclass(frozen=True)
class Machine:
    """An invented home folder and a workspace in it."""

    home: Path
    root: Path

    def program(self, path: str, text: str = "#!/bin/sh\n") -> Path:
        """Make a program below the home folder, or at an absolute path."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
        return file

    def file(self, path: str, text: str = "") -> Path:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def link(self, path: str, target: str | Path) -> Path:
        link = self.home / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
        return link

    def python(self, prefix: str, version: str = "3.12") -> Path:
        """Make what looks like an installed Python."""
        self.file(f"{prefix}/lib/python{version}/os.py")
        self.link(f"{prefix}/bin/python3", f"python{version}")
        return self.program(f"{prefix}/bin/python{version}")

    def environment(self, folder: Path, python: Path | str) -> None:
        """Make a virtual environment over an installed Python."""
        (folder / "bin").mkdir(parents=True)
        (folder / "lib/python3.12/site-packages").mkdir(parents=True)
        (folder / "pyvenv.cfg").write_text(f"home = {os.path.dirname(python)}\n")
        (folder / "bin/python").symlink_to(python)
        (folder / "bin/python3").symlink_to("python")

    def find(self, *path: str, packages: tuple[str, ...] = (), **env: str | Path) -> Toolchains:
        folders = [str(self.home / folder) if not folder.startswith("/") else folder for folder in path]
        variables: Mapping[str, str] = {"PATH": ":".join([*folders, "/usr/bin"]), **{name: str(text) for name, text in env.items()}}
        return find_toolchains(str(self.root), variables, str(self.home), packages)

    def shown(self, found: Toolchains) -> list[str]:
        """Return what of the home folder is shown, relative to it."""
        return [os.path.relpath(bind.path, self.home) for bind in found.binds if bind.path.startswith(str(self.home))]

    def paths(self, found: Toolchains) -> list[str]:
        return [os.path.relpath(path, self.home) for path in found.path if path.startswith(str(self.home))]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return make_machine(tmp_path)


def make_machine(folder: Path) -> Machine:
    home = folder / "home" / "me"
    for name in ("code/app", ".ssh", ".aws", ".config", "Documents"):
        (home / name).mkdir(parents=True)
    (home / ".ssh/id_rsa").write_text("x")
    (home / ".aws/credentials").write_text("x")
    (home / "Documents/letter.txt").write_text("x")
    return Machine(home, home / "code/app")


def test_the_system_is_there_without_its_secrets(machine: Machine) -> None:
    found = machine.find()
    binds = [bind.path for bind in found.binds]
    assert "/usr" in binds
    assert not {"/etc", "/etc/passwd", "/etc/shadow", "/etc/hosts", "/etc/resolv.conf", "/etc/ssh", "/etc/ssl"} & set(binds)
    for name in ("bin", "lib", "sbin"):
        here = Path("/", name)
        assert (str(here) in {link.path for link in found.links}) == here.is_symlink()
        assert (str(here) in binds) == (here.is_dir() and not here.is_symlink())
    assert "/usr/bin" in found.path
    assert found.left_out == ()


def test_binds_are_in_order_and_none_lies_in_another(machine: Machine) -> None:
    machine.python(".pyenv/versions/3.12.1")
    machine.program(".pyenv/shims/python")
    found = machine.find(".pyenv/shims", ".pyenv/versions/3.12.1/bin")
    binds = [bind.path for bind in found.binds]
    assert binds == sorted(binds)
    assert not [(one, two) for one in binds for two in binds if two.startswith(one + "/")]
    assert machine.paths(found) == [".pyenv/shims", ".pyenv/versions/3.12.1/bin"]
    assert dict(found.environment)["PYENV_ROOT"] == str(machine.home / ".pyenv")


@pytest.mark.parametrize(
    ("layout", "path", "shown", "variable"),
    [
        (
            [".nvm/versions/node/v20/bin/node", ".nvm/versions/node/v20/lib/node_modules/npm/x"],
            ".nvm/versions/node/v20/bin",
            ".nvm/versions/node/v20",
            "",
        ),
        ([".volta/bin/node", ".volta/tools/image/node/20/bin/node"], ".volta/bin", ".volta", "VOLTA_HOME"),
        ([".asdf/shims/node", ".asdf/installs/nodejs/20/bin/node"], ".asdf/shims", ".asdf", "ASDF_DATA_DIR"),
        (
            [".local/share/mise/shims/node", ".local/share/mise/installs/node/20/bin/node"],
            ".local/share/mise/shims",
            ".local/share/mise",
            "MISE_DATA_DIR",
        ),
        ([".rbenv/shims/ruby", ".rbenv/versions/3.3/bin/ruby"], ".rbenv/shims", ".rbenv", "RBENV_ROOT"),
        (
            [".sdkman/candidates/java/21/bin/java", ".sdkman/candidates/java/21/lib/x"],
            ".sdkman/candidates/java/21/bin",
            ".sdkman/candidates/java/21",
            "",
        ),
        (["miniconda3/bin/python", "miniconda3/conda-meta/x"], "miniconda3/bin", "miniconda3", ""),
        (["node-v20.1.0-linux-x64/bin/node"], "node-v20.1.0-linux-x64/bin", "node-v20.1.0-linux-x64", ""),
        ([".bun/bin/bun"], ".bun/bin", ".bun/bin", "BUN_INSTALL"),
        ([".local/share/pnpm/pnpm", ".local/share/pnpm/global/5/x"], ".local/share/pnpm", ".local/share/pnpm", "PNPM_HOME"),
        (["tools/zig/zig", "tools/zig/lib/x"], "tools/zig", "tools/zig", ""),
    ],
)
def test_an_installation_is_shown_whole(machine: Machine, layout: list[str], path: str, shown: str, variable: str) -> None:
    for program in layout:
        machine.program(program)
    found = machine.find(path)
    assert machine.shown(found) == [shown]
    assert machine.paths(found) == [path]
    assert not variable or variable in dict(found.environment)


def test_fnm_s_link_of_the_moment_leads_to_the_installation(machine: Machine, tmp_path: Path) -> None:
    machine.program(".local/share/fnm/node-versions/v20.1.0/installation/bin/node")
    (tmp_path / "shells").mkdir()
    (tmp_path / "shells/1_2").symlink_to(machine.home / ".local/share/fnm/node-versions/v20.1.0/installation")
    machine.file(".local/share/fnm/node-versions/v20.1.0/installation/lib/node_modules/npm/package.json")
    found = machine.find(str(tmp_path / "shells/1_2/bin"))
    assert machine.shown(found) == [".local/share/fnm/node-versions/v20.1.0/installation"]
    assert machine.paths(found) == [".local/share/fnm/node-versions/v20.1.0/installation/bin"]
    assert str(tmp_path / "shells/1_2") in {link.path for link in found.links}


def test_of_cargo_only_the_programs_and_packages_are_shown(machine: Machine) -> None:
    machine.program(".cargo/bin/rustup")
    machine.link(".cargo/bin/cargo", "rustup")
    machine.file(".cargo/credentials.toml")
    machine.file(".cargo/registry/src/x")
    machine.file(".rustup/toolchains/stable/lib/x")
    found = machine.find(".cargo/bin")
    assert machine.shown(found) == [".cargo/bin", ".cargo/registry", ".rustup"]
    assert dict(found.environment) == {"CARGO_HOME": f"{machine.home}/.cargo", "RUSTUP_HOME": f"{machine.home}/.rustup"}


def test_programs_in_local_bin_are_followed_to_where_they_are_installed(machine: Machine) -> None:
    machine.python(".pyenv/versions/3.12.1")
    machine.environment(machine.home / ".local/share/pipx/venvs/poetry", machine.home / ".pyenv/versions/3.12.1/bin/python3")
    machine.program(".local/share/pipx/venvs/poetry/bin/poetry")
    machine.link(".local/bin/poetry", "../share/pipx/venvs/poetry/bin/poetry")
    machine.program(".local/lib/node_modules/eslint/bin/eslint.js")
    machine.link(".local/bin/eslint", "../lib/node_modules/eslint/bin/eslint.js")
    machine.program("apps/thing.AppImage")
    machine.link(".local/bin/thing", machine.home / "apps/thing.AppImage")
    machine.file(".local/share/keyrings/login.keyring")
    machine.file("apps/notes.txt")
    assert machine.shown(machine.find(".local/bin")) == [
        ".local/bin",
        ".local/lib/node_modules",
        ".local/share/pipx/venvs/poetry",
        ".pyenv/versions/3.12.1",
        "apps/thing.AppImage",
    ]


def test_a_script_s_interpreter_is_followed(machine: Machine) -> None:
    python = machine.python("miniconda3")
    machine.program("bin/tool", f"#!{python} -I\n")
    machine.program("bin/other", f"#!{machine.home}/.ssh/id_rsa\n")
    assert machine.shown(machine.find("bin")) == ["bin", "miniconda3"]


def test_packages_of_pip_user_are_found(machine: Machine) -> None:
    machine.program(".local/bin/pytest", "#!/usr/bin/python3\n")
    machine.file(".local/lib/python3.12/site-packages/pytest.py")
    found = machine.find(".local/bin")
    assert machine.shown(found) == [".local/bin", ".local/lib/python3.12"]
    assert dict(found.environment)["PYTHONUSERBASE"] == str(machine.home / ".local")


def test_what_corepack_and_go_keep_is_found(machine: Machine) -> None:
    machine.file(".cache/node/corepack/v1/pnpm/9.0.0/x")
    machine.file("go/pkg/mod/cache/x")
    machine.program("go/bin/gopls")
    machine.file("go/src/private/x.go")
    found = machine.find("go/bin", GOPATH=machine.home / "go")
    assert machine.shown(found) == [".cache/node/corepack", "go/bin", "go/pkg/mod"]
    assert dict(found.environment) == {"COREPACK_HOME": f"{machine.home}/.cache/node/corepack", "GOMODCACHE": f"{machine.home}/go/pkg/mod"}


def test_a_variable_that_names_an_installation_shows_it(machine: Machine) -> None:
    machine.program("jdks/temurin/bin/java")
    machine.file("jdks/temurin/lib/x")
    found = machine.find(
        JAVA_HOME=machine.home / "jdks/temurin", GOROOT=machine.home, DOTNET_ROOT=machine.home / ".config", ANDROID_HOME="sdk"
    )
    assert machine.shown(found) == ["jdks/temurin"]
    assert dict(found.environment) == {"JAVA_HOME": f"{machine.home}/jdks/temurin"}


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        (".", "absolute"),
        ("node_modules/.bin", "absolute"),
        ("", "absolute"),
        ("/nowhere/bin", "no such folder"),
        ("{home}", "home"),
        ("{home}/..", "home"),
        ("{home}/.config", "everything of the person"),
        ("{home}/.local", "everything of the person"),
        ("{home}/.aws/bin", ".aws"),
        ("{home}/open/bin", "anyone may write"),
        ("{home}/keys", "id_rsa"),
        ("{home}/repository", "repository"),
        ("{home}/hidden-link/bin", ".aws"),
        ("/proc/self", "system"),
        ("/etc", "system"),
        ("/mnt/c/Windows", "Windows"),
    ],
)
def test_what_is_not_shown_of_path_is_told_with_the_reason(machine: Machine, entry: str, word: str) -> None:
    for folder in (".aws/bin", "open/bin", ".local", "repository/.git", "keys"):
        (machine.home / folder).mkdir(parents=True)
    (machine.home / "keys/id_rsa").write_text("x")
    (machine.home / "open/bin").chmod(0o777)
    machine.link("hidden-link", ".aws")
    entry = entry.format(home=machine.home)
    found = find_toolchains(str(machine.root), {"PATH": f"{entry}:/usr/bin"}, str(machine.home))
    [(folder, reason)] = found.left_out
    assert folder == (entry or ".")
    assert word in reason
    assert machine.shown(found) == []
    assert "/usr/bin" in found.path


@pytest.mark.parametrize(
    "inside", [".env", ".npmrc", "credentials.json", "auth.json", "access-token", ".git", ".config", "keystores", "hosts.yml"]
)
def test_of_a_folder_with_credentials_only_the_programs_are_shown(machine: Machine, inside: str) -> None:
    machine.program("tool/bin/x")
    machine.file("tool/lib/x.so")
    machine.file(f"tool/{inside}")
    assert machine.shown(machine.find("tool/bin")) == ["tool/bin", "tool/lib"]


def test_a_folder_that_does_not_look_installed_is_not_shown_whole(machine: Machine) -> None:
    machine.program("Documents/bin/x")
    machine.program(".fly/bin/flyctl")
    machine.file(".fly/config.yml")
    machine.program("bin/y")
    machine.program("Dokumente/lib/z")
    machine.program("Dokumente/bin/z")
    machine.file(".config/user-dirs.dirs", 'XDG_DESKTOP_DIR="$HOME/"\nXDG_DOCUMENTS_DIR="$HOME/Dokumente"\n')
    found = machine.find("Documents/bin", ".fly/bin", "bin", "Dokumente/bin", "Documents")
    assert machine.shown(found) == [".fly/bin", "Documents/bin", "Dokumente/bin", "bin"]
    assert [folder for folder, _ in found.left_out] == [str(machine.home / "Documents")]


def test_folders_of_path_in_the_workspace_stay_and_are_not_bound(machine: Machine) -> None:
    machine.program("code/app/node_modules/.bin/tsc")
    found = machine.find("code/app/node_modules/.bin")
    assert machine.paths(found) == ["code/app/node_modules/.bin"]
    assert machine.shown(found) == []


def test_a_workspace_inside_an_installation_is_left_out_of_it(machine: Machine) -> None:
    machine.program(".asdf/shims/node")
    machine.file(".asdf/installs/x")
    machine.file(".asdf/plugins/other/x")
    machine.file(".asdf/plugins/mine/.env")
    inner = Machine(machine.home, machine.home / ".asdf/plugins/mine")
    assert machine.shown(inner.find(".asdf/shims")) == [".asdf/installs", ".asdf/plugins/other", ".asdf/shims"]


@pytest.mark.parametrize("home", ["/", "", "relative", "/nonexistent", "/tmp", "/usr"])
def test_a_person_without_a_home_still_has_the_system(machine: Machine, home: str) -> None:
    found = find_toolchains(str(machine.root), {"PATH": "/usr/bin"}, home)
    assert "/usr/bin" in found.path
    assert not {"/", "/tmp", "/home"} & {bind.path for bind in found.binds}


def test_the_python_behind_the_project_s_environment_is_shown(machine: Machine) -> None:
    python = machine.python(".local/share/uv/python/cpython-3.12.1")
    machine.link(".local/share/uv/python/cpython-3.12", "cpython-3.12.1")
    machine.environment(machine.root / ".venv", machine.home / ".local/share/uv/python/cpython-3.12/bin/python3.12")
    found = machine.find()
    assert machine.shown(found) == [".local/share/uv/python/cpython-3.12.1"]
    assert [link.path for link in found.links if "uv" in link.path] == [str(machine.home / ".local/share/uv/python/cpython-3.12")]
    assert python.is_file()


def test_an_environment_of_a_package_and_one_that_is_switched_on(machine: Machine) -> None:
    machine.environment(machine.root / "services/api/venv", machine.python("py/a"))
    machine.environment(machine.home / ".cache/pypoetry/virtualenvs/app-x-py3.12", machine.python("py/b"))
    machine.environment(machine.root / "odd-name", machine.python("py/c"))
    virtual = machine.home / ".cache/pypoetry/virtualenvs/app-x-py3.12"
    found = machine.find("code/app/odd-name/bin", packages=("services/api", "../..", "/etc"), VIRTUAL_ENV=virtual)
    assert machine.shown(found) == [".cache/pypoetry/virtualenvs/app-x-py3.12", "py/a", "py/b", "py/c"]
    assert dict(found.environment)["VIRTUAL_ENV"] == str(virtual)


def test_environments_that_poetry_and_pipenv_keep_for_the_folder(machine: Machine) -> None:
    python = machine.python("py")
    for hashed, kept, end in (
        (machine.root, ".cache/pypoetry/virtualenvs", "-py3.12"),
        (machine.root / "Pipfile", ".local/share/virtualenvs", ""),
    ):
        mark = base64.urlsafe_b64encode(hashlib.sha256(str(hashed).encode()).digest())[:8].decode()
        machine.environment(machine.home / kept / f"app-{mark}{end}", python)
        machine.environment(machine.home / kept / f"other-AAAAAAAA{end}", python)
    found = machine.find()
    assert [path for path in machine.shown(found) if "other" in path or "app" not in path] == ["py"]
    assert len(machine.shown(found)) == 3
    assert set(dict(found.environment)) == {"POETRY_VIRTUALENVS_PATH", "WORKON_HOME"}


def test_only_variables_that_name_toolchains_are_wanted() -> None:
    env = {"PATH": "/bin", "PYENV_VERSION": "3.12", "XDG_CACHE_HOME": "/c", "GOPATH": "/g", "API_KEY": "x", "GITHUB_TOKEN": "y", "PWD": "/"}
    assert wanted_variables(env) == {name: env[name] for name in ("PATH", "PYENV_VERSION", "XDG_CACHE_HOME", "GOPATH")}


def test_a_chosen_version_is_passed_on_if_it_is_one(machine: Machine) -> None:
    found = machine.find(PYENV_VERSION="3.12.1", RUSTUP_TOOLCHAIN="$(touch x)")
    assert dict(found.environment) == {"PYENV_VERSION": "3.12.1"}


def test_a_python_among_personal_folders_is_shown_without_them(machine: Machine) -> None:
    machine.environment(machine.root / ".venv", machine.python(".local"))
    machine.file(".local/share/private")
    assert machine.shown(machine.find()) == [".local/bin/python3.12", ".local/lib/python3.12"]


@pytest.mark.parametrize(
    ("link", "target"),
    [
        (".venv/bin/python", ".ssh/id_rsa"),
        (".venv/bin/python", "private/bin/x"),
        (".venv/bin/python", "private/bin/python3"),
        (".venv/bin", "private/bin"),
        (".venv", "private"),
        (".venv", ""),
        (".venv", ".ssh"),
        ("venv/lib", ".ssh"),
        ("node_modules/x", ".ssh"),
        ("node_modules/x", "private"),
        ("node_modules/@s/x", "Documents"),
        ("node_modules", ""),
        ("node_modules", ".aws"),
        (".git", "private/.git"),
    ],
)
def test_a_link_of_the_project_to_something_private_shows_nothing(machine: Machine, link: str, target: str) -> None:
    machine.program("private/bin/x")
    machine.program("private/bin/python3")
    machine.file("private/lib/notes")
    machine.file("private/package.json", "{}")
    machine.file("private/.git/HEAD")
    for name in (".venv", "venv"):
        if not link.startswith(name):
            continue
        if link != name:
            machine.file(f"code/app/{name}/pyvenv.cfg", f"home = {machine.home}/.ssh\n")
    machine.link(f"code/app/{link}", machine.home / target)
    found = machine.find()
    assert machine.shown(found) == []
    assert [link for link in found.links if link.path.startswith(str(machine.home))] == []


@pytest.mark.parametrize(
    "home", ["{home}/.ssh", "{home}", "{home}/Documents", "/etc", "{home}/private/bin", "relative", "/\0", "/usr/../etc"]
)
def test_what_a_hostile_pyvenv_names_is_not_shown(machine: Machine, home: str) -> None:
    machine.program("private/bin/python3")
    machine.file("code/app/.venv/pyvenv.cfg", f"home = {home.format(home=machine.home)}\n")
    assert machine.shown(machine.find()) == []


def test_node_modules_above_a_package_that_is_open(machine: Machine) -> None:
    machine.file("code/node_modules/typescript/package.json", "{}")
    machine.file("node_modules/private/package.json", "{}")
    assert machine.shown(machine.find()) == ["code/node_modules"]


def test_links_into_package_stores_are_followed(machine: Machine) -> None:
    store = ".local/share/pnpm/store/v10/links/@/zod/4.0.0/abc/node_modules/zod"
    machine.file(f"{store}/package.json", "{}")
    machine.file(".nvm/versions/node/v20/lib/node_modules/linked/package.json", "{}")
    machine.file("code/app/node_modules/.pnpm/a/node_modules/a/package.json", "{}")
    machine.link("code/app/node_modules/zod", machine.home / store)
    machine.link("code/app/node_modules/@me/linked", machine.home / ".nvm/versions/node/v20/lib/node_modules/linked")
    machine.link("code/app/node_modules/a", ".pnpm/a/node_modules/a")
    assert machine.shown(machine.find()) == [".local/share/pnpm/store/v10/links", ".nvm/versions/node/v20/lib/node_modules"]


def worktree(machine: Machine) -> Path:
    """Make the repository `repo`, of which the workspace is a worktree."""
    git = machine.home / "repo/.git"
    own = git / "worktrees/app"
    for folder in (git / "objects", git / "refs", own):
        folder.mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (own / "HEAD").write_text("ref: refs/heads/x\n")
    (own / "commondir").write_text("../..\n")
    (own / "gitdir").write_text(f"{machine.root}/.git\n")
    (machine.root / ".git").write_text(f"gitdir: {own}\n")
    return own


def test_the_repository_of_a_worktree_is_shown(machine: Machine) -> None:
    worktree(machine)
    assert machine.shown(machine.find()) == ["repo/.git"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("gitdir", "{home}/code/other/.git\n"),
        ("gitdir", ""),
        ("commondir", "../../..\n"),
        ("commondir", "{home}\n"),
        ("commondir", ""),
        ("HEAD", None),
        ("../../HEAD", None),
    ],
)
def test_a_git_file_that_does_not_fit_its_repository_shows_nothing(machine: Machine, file: str, text: str | None) -> None:
    own = worktree(machine)
    if text is None:
        (own / file).unlink()
    else:
        (own / file).write_text(text.format(home=machine.home))
    assert machine.shown(machine.find()) == []


def test_links_of_the_settings_lead_where_they_lead_on_this_machine(machine: Machine, tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    for name in ("etc/ssl/certs", "static", "opt/jdk/bin", "opt/jdk/lib"):
        (tmp_path / name).mkdir(parents=True)
    for path in ("static/bundle.crt", "static/mime.types", "etc/shadow", "etc/services"):
        (tmp_path / path).write_text("x")
    java = tmp_path / "opt/jdk/bin/java"
    java.write_text("#!/bin/sh\n")
    java.chmod(stat.S_IRWXU)
    (etc / "ssl/certs/bundle.crt").symlink_to(tmp_path / "static/bundle.crt")
    (etc / "ssl/certs/mine.crt").symlink_to(machine.home / ".ssh/id_rsa")
    (etc / "mime.types").symlink_to(tmp_path / "static/mime.types")
    (etc / "timezone").symlink_to("shadow")
    (etc / "fonts").symlink_to(machine.home / "Documents")
    (etc / "alternatives").mkdir()
    (etc / "alternatives/java").symlink_to(java)
    gathering = Gathering(find_ground(str(machine.root), {}, str(machine.home)))
    add_system(gathering, etc=str(etc))
    binds = gathering.binds()
    shown = [os.path.relpath(bind.path, tmp_path) for bind in binds if bind.path.startswith(str(tmp_path))]
    assert shown == ["etc/alternatives", "etc/services", "etc/ssl/certs", "opt/jdk", "static/bundle.crt", "static/mime.types"]
    assert [os.path.basename(link.path) for link in gathering.links(binds) if link.path.startswith(str(tmp_path))] == ["mime.types"]


def test_the_last_word_is_spoken_when_everything_is_gathered(machine: Machine) -> None:
    gathering = Gathering(find_ground(str(machine.root), {}, str(machine.home)))
    machine.program("tool/bin/x")
    machine.program("other/bin/x")
    (machine.root / "bin").mkdir()
    assert "workspace" in gathering.add(str(machine.root / "bin"), "")
    assert gathering.add(str(machine.home / "tool/bin"), "") == gathering.add(str(machine.home / "other/bin"), "") == ""
    machine.file("tool/bin/.netrc")
    (machine.home / "other").rename(machine.home / "another")
    machine.link("other", ".ssh")
    assert gathering.binds() == ()


def test_finding_them_is_quick(machine: Machine) -> None:
    for number in range(20):
        machine.program(f"tool{number}/bin/x")
    times = []
    for _ in range(5):
        start = time.perf_counter()
        machine.find(*(f"tool{number}/bin" for number in range(20)))
        times.append(time.perf_counter() - start)
    assert min(times) < 0.2


PLACES = (
    *(
        "",
        "..",
        ".ssh",
        ".aws",
        ".config",
        ".config/gh",
        "Documents",
        "Documents/bin",
        "code",
        "code/app",
        "code/app/bin",
        "bin",
        ".local",
        ".local/bin",
    ),
    *(
        "tool",
        "tool/bin",
        "tool/lib",
        ".pyenv",
        ".pyenv/shims",
        "node_modules",
        "node_modules/x",
        "code/other",
        "code/other/.venv",
        "py/bin/python3",
    ),
)
TARGETS = st.sampled_from(PLACES)
SPOTS = st.sampled_from(
    (
        *(
            ".venv",
            ".venv/bin",
            ".venv/bin/python",
            "venv/lib",
            "node_modules",
            "node_modules/x",
            "node_modules/@s/y",
            ".git",
            "env/bin/python3",
        ),
        *("../../bin/link", "../../tool/bin/link", "../../.local/bin/link", "../../pathlink", "../../.pyenv/shims/link"),
    )
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    links=st.lists(st.tuples(SPOTS, TARGETS), max_size=6),
    secrets=st.lists(st.tuples(TARGETS, st.sampled_from([".env", ".npmrc", "id_rsa", "credentials"])), max_size=4),
    path=st.lists(st.one_of(TARGETS, st.just("pathlink"), st.just("pathlink/bin")), max_size=5),
    named=TARGETS,
    texts=st.tuples(TARGETS, TARGETS),
)
def test_nothing_private_is_ever_shown(
    tmp_path_factory: pytest.TempPathFactory,
    links: list[tuple[str, str]],
    secrets: list[tuple[str, str]],
    path: list[str],
    named: str,
    texts: tuple[str, str],
) -> None:
    machine = make_machine(tmp_path_factory.mktemp("m"))
    machine.python("py")
    machine.python("tool")
    for place in (
        ".config/gh",
        "Documents/bin",
        "code/app/bin",
        ".local/bin",
        ".pyenv/shims",
        ".pyenv/versions",
        "node_modules/x",
        "code/other/.venv",
    ):
        (machine.home / place).mkdir(parents=True, exist_ok=True)
    for spot, target in links:
        # Earlier links may lead here, or to something that is no folder.
        with contextlib.suppress(OSError):
            place = machine.root / spot
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(machine.home / target)
    for folder, name in secrets:
        if (machine.home / folder).is_dir() and not os.path.lexists(machine.home / folder / name):
            (machine.home / folder / name).write_text("x")
    if not os.path.lexists(machine.root / ".git"):
        (machine.root / ".git").write_text(f"gitdir: {machine.home / texts[0]}\n")
    if (machine.root / "env").is_dir():
        (machine.root / "env/pyvenv.cfg").write_text(f"home = {machine.home / texts[1]}\n")
    found = machine.find(*path, VIRTUAL_ENV=machine.home / named, JAVA_HOME=machine.home / named)
    assert [problem for bind in found.binds for problem in problems(machine, bind)] == []


def problems(machine: Machine, bind: Bind) -> list[str]:
    """Return what is wrong with showing this."""
    home, root = str(machine.home), str(machine.root)
    found = [f"{bind} is not a plain path"] if os.path.realpath(bind.path) != bind.path else []
    for place in (home, root, f"{home}/.ssh", f"{home}/.aws", f"{home}/.config", f"{home}/.local", f"{home}/Documents/letter.txt"):
        if (place + "/").startswith(bind.path + "/"):
            found.append(f"{bind} shows {place}")
    for place in (root, f"{home}/.ssh", f"{home}/.aws"):
        if bind.path.startswith(place + "/"):
            found.append(f"{bind} lies in {place}")
    if bind.why != "system" and os.path.isdir(bind.path):
        found += [
            f"{bind} holds {name}" for name in {".env", ".npmrc", "id_rsa", "credentials", ".ssh", ".aws"} & set(os.listdir(bind.path))
        ]
    if bind.path in ("/", "/etc", "/var", "/run", "/tmp", "/home"):
        found.append(f"{bind} is too much")
    return found
