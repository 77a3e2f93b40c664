"""What a project needs from outside of its folder: interpreters, packages, and the repository of a git worktree.

The project is not trusted: whatever its links and files name is shown only if it looks like exactly the thing that it is taken for.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from .toolchain_gathering import Gathering
from .toolchain_rules import follow, is_file, is_folder, names_in, small_text, within

_ENVIRONMENTS = (".venv", "venv", "env")
_PYTHON = re.compile(r"(?:python|pypy)(?:\d+(?:\.\d+)*t?)?")
_STANDARD_LIBRARY = re.compile(r"(?:python|pypy)\d+\.\d+t?")
_LIBPYTHON = re.compile(r"lib(?:python|pypy)\d[\w.-]*\.so[\w.]*")
_HOME_LINE = re.compile(r"^home[ \t]*=[ \t]*(/[^\r\n\0]*)$", re.M)
_STORE_VERSION = re.compile(r"v\d+")
_MOST_FOLDERS = 200
_MOST_PACKAGES = 5000


def add_project(gathering: Gathering, env: Mapping[str, str], packages: Sequence[str]) -> dict[str, str]:
    """Add what the workspace and its package folders, which are relative to it, refer to; returns the variables that this needs."""
    root = gathering.ground.root
    folders = [root, *(os.path.join(root, package) for package in packages[:_MOST_FOLDERS] if _is_below(package))]
    for folder in dict.fromkeys(folders):
        for name in _ENVIRONMENTS:
            add_environment(gathering, os.path.join(folder, name))
        _add_linked_packages(gathering, os.path.join(folder, "node_modules"))
    _add_packages_above(gathering)
    _add_repository(gathering)
    return {name: place for folder in folders for name, place in _add_kept_environments(gathering, env, folder)}


def _is_below(package: str) -> bool:
    return bool(package) and not package.startswith("/") and ".." not in package.split("/")


def _add_kept_environments(gathering: Gathering, env: Mapping[str, str], folder: str) -> Iterator[tuple[str, str]]:
    """Add the environments that Poetry and Pipenv keep for a folder; both name them by a hash of its path."""
    home = gathering.ground.home
    cache = env.get("XDG_CACHE_HOME") or f"{home}/.cache"
    poetry, pipenv = f"{cache}/pypoetry/virtualenvs", env.get("WORKON_HOME") or f"{home}/.local/share/virtualenvs"
    for name, kept, hashed, end in (
        ("POETRY_VIRTUALENVS_PATH", poetry, folder, r"-py\d+\.\d+"),
        ("WORKON_HOME", pipenv, f"{folder}/Pipfile", ""),
    ):
        mark = urlsafe_b64encode(sha256(os.fsencode(hashed)).digest()).decode()[:8]
        of_folder = re.compile(rf".+-{re.escape(mark)}{end}")
        for found in names_in(kept) or () if kept.startswith("/") else ():
            if of_folder.fullmatch(found) and add_environment(gathering, os.path.join(kept, found)):
                yield name, kept


def add_environment(gathering: Gathering, path: str) -> bool:
    """Add the installation behind a virtual environment, and the environment itself where it lies outside; whether it is one."""
    trail = follow(path)
    if trail is None or not is_file(os.path.join(trail.real, "pyvenv.cfg")):
        return False
    real = trail.real
    if not gathering.sees(real):
        if not _standard_libraries(real, "site-packages") or not gathering.ground.whole(real):
            return False
        gathering.add_tree(real, "virtual environment")
    gathering.link(*trail.links)
    pythons = [os.path.join(real, "bin", name) for name in sorted(names_in(os.path.join(real, "bin")) or ()) if _PYTHON.fullmatch(name)]
    for python in pythons:
        _add_python(gathering, python)
    match = _HOME_LINE.search(small_text(os.path.join(real, "pyvenv.cfg")))
    if match and not gathering.sees(match[1]):
        for name in ("python3", "python"):
            _add_python(gathering, os.path.join(match[1].strip(), name))
    return True


def _add_python(gathering: Gathering, path: str) -> None:
    """Add the installation that a link leads to, if there is a Python with its standard library."""
    trail = follow(path)
    if trail is None or not _PYTHON.fullmatch(os.path.basename(trail.real)) or not is_file(trail.real):
        return
    folder, why = os.path.dirname(trail.real), "Python of the project"
    prefix = os.path.dirname(folder)
    if not gathering.sees(trail.real):
        libraries = _standard_libraries(prefix, "os.py") if os.path.basename(folder) == "bin" else []
        if not libraries:
            return
        if gathering.ground.whole(prefix):
            gathering.add_tree(prefix, why)
        else:
            shared = [
                os.path.join(prefix, "lib", name) for name in names_in(os.path.join(prefix, "lib")) or () if _LIBPYTHON.fullmatch(name)
            ]
            for part in (trail.real, *libraries, *shared):
                gathering.add(os.path.realpath(part), why)
    if gathering.sees(trail.real):
        gathering.link(*trail.links)


def _standard_libraries(prefix: str, mark: str) -> list[str]:
    """Return the folders `lib/pythonX.Y` below a prefix that hold what marks them."""
    library = os.path.join(prefix, "lib")
    found = [os.path.join(library, name) for name in names_in(library) or () if _STANDARD_LIBRARY.fullmatch(name)]
    return [folder for folder in found if is_folder(folder) and os.path.lexists(os.path.join(folder, mark))]


def _add_packages_above(gathering: Gathering) -> None:
    """Add `node_modules` of the folders above, where a package of a larger repository is open."""
    ground = gathering.ground
    folder = os.path.dirname(ground.root)
    while folder not in ("/", ground.home):
        packages = os.path.join(folder, "node_modules")
        if is_folder(packages):
            gathering.add(packages, "node_modules above the workspace")
        folder = os.path.dirname(folder)


def _add_linked_packages(gathering: Gathering, folder: str) -> None:
    """Add the package stores that the links in a `node_modules` of the project lead to."""
    if os.path.islink(folder):
        _add_store(gathering, folder)
        return
    waiting = [folder]
    for place in waiting:
        try:
            with os.scandir(place) as entries:
                for entry, _ in zip(entries, range(_MOST_PACKAGES), strict=False):
                    if entry.is_symlink():
                        _add_linked_package(gathering, place, entry.path)
                    elif place == folder and entry.name.startswith("@") and entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            continue


def _add_linked_package(gathering: Gathering, folder: str, path: str) -> None:
    try:
        target = os.path.normpath(os.path.join(folder, os.readlink(path)))
    except OSError:
        return
    # A link into `.pnpm` beside it is the usual case, and needs no look at the disk.
    if not within(target, folder) and not gathering.covers(target):
        _add_store(gathering, path)


def _add_store(gathering: Gathering, path: str) -> None:
    trail = follow(path)
    if trail is None or not is_folder(trail.real):
        return
    if not gathering.sees(trail.real):
        store = _store(trail.real)
        if not store or gathering.add(store, "package store"):
            return
    gathering.link(*trail.links)


def _store(real: str) -> str:
    """Return the folder of packages that a package lies in, empty where it lies in none."""
    parts = real.split("/")
    if "node_modules" not in parts:
        return ""
    is_package = is_file(os.path.join(real, "package.json"))
    if parts[-1] != "node_modules" and not is_package:
        return ""
    first = parts.index("node_modules")
    for number in range(2, first):
        if parts[number] == "links" and _STORE_VERSION.fullmatch(parts[number - 1]):
            return "/".join(parts[: number + 1])
    return "/".join(parts[: first + 1])


def _add_repository(gathering: Gathering) -> None:
    """Add the common git folder of a worktree, if that folder knows exactly this worktree."""
    ground = gathering.ground
    mark = os.path.join(ground.root, ".git")
    text = small_text(mark)
    if not text.startswith("gitdir: "):
        return
    trail = follow(os.path.join(ground.root, text[8:].strip("\r\n")))
    if trail is None or not is_folder(trail.real) or gathering.sees(trail.real):
        return
    own = trail.real
    back = follow(os.path.join(own, small_text(os.path.join(own, "gitdir")).strip("\r\n")))
    common = follow(os.path.join(own, small_text(os.path.join(own, "commondir")).strip("\r\n") or "-"))
    if back is None or common is None or back.real != mark or not is_file(os.path.join(own, "HEAD")):
        return
    if os.path.dirname(own) != os.path.join(common.real, "worktrees"):
        return
    if is_file(os.path.join(common.real, "HEAD")) and all(is_folder(os.path.join(common.real, part)) for part in ("objects", "refs")):
        gathering.add(common.real, "git folder of the worktree")
        gathering.link(*trail.links)
