"""Which folders of the machine may be shown to a command: decided by their place and by what lies at their top."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aigentflow.workspace.names import folded, secret_name

from .values import Link

BIN_NAMES = frozenset({"bin", "sbin", "shims", ".bin", "Scripts"})
_MOST_LINKS = 40
_SMALL = 8192
_NEVER = re.compile(
    r"/|/(?:etc|var|run|tmp|home|root|mnt|media|srv|opt|boot|snap|Users|var/lib|var/run|var/tmp|usr/src|private|private/(?:etc|var|tmp))"
)
_NEVER_INSIDE = ("/proc", "/sys", "/dev", "/run", "/var/run", "/lost+found")
_BASES = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_CACHE_HOME": ".cache",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "CARGO_HOME": ".cargo",
}
_USER_FOLDERS = ("Desktop", "Documents", "Downloads", "Library", "Movies", "Music", "Pictures", "Public", "Templates", "Videos")
_USER_FOLDER_LINE = re.compile(r'^XDG_\w+_DIR="\$HOME/([^"\0\n]+)"', re.M)
_PRIVATE_FOLDER = re.compile(r"\.mozilla|\.thunderbird|keyrings|\.pki|\.electrum|\.bitcoin|\.ethereum")
_STRICT = re.compile(
    r"\.config|\.npmrc|\.yarnrc|\.yarnrc\.ya?ml|\.netrc|auth\.json|\.?credentials(?:\..+)?|\.git-credentials|\.(?:ba|z)?sh_?history"
)
_WIDE = re.compile(
    r"npmrc|.*credentials?(?:\.\w+)?|keystores?|wallets?|cookies?(?:\..*)?|(?:.*[._-])?(?:tokens?|secrets?)(?:\.\w+)?|hosts\.ya?ml"
    r"|\.bashrc|\.zshrc|\.profile|\.local|\.cache"
)
_PUBLIC_CERTIFICATES = re.compile(r"(?:ca|roots?|certs?)[\w.-]*\.pem")
_INSTALLED = re.compile(r"lib|lib64|libexec|include|pyvenv\.cfg|conda-meta|jmods")
_MANAGED = re.compile(r"versions|installs|toolchains|tools|candidates|shims")
"""What lies in the folder of a version manager, which is a hidden one; elsewhere these names say nothing."""
_LOOKS_NAMED = re.compile(rf"bin|platform-tools|gems|sdk|global|{_INSTALLED.pattern}|{_MANAGED.pattern}")
_NUMBERED = re.compile(r".*\d+\.\d+.*")
_INSTALLED_PLACES = ("/opt", "/usr", "/nix", "/gnu", "/home/linuxbrew")


def within(path: str, folder: str) -> bool:
    """Whether the path is the folder or lies in it, by components."""
    return path == folder or path.startswith(folder if folder == "/" else folder + "/")


@dataclass(frozen=True)
class Trail:
    """Where a path leads, and the links on the way."""

    real: str
    links: tuple[Link, ...]


def follow(path: str) -> Trail | None:
    """Return where an absolute path leads, step by step as the kernel goes; None where it leads nowhere."""
    waiting = path.split("/")[::-1]
    done = ""
    links: list[Link] = []
    while waiting:
        part = waiting.pop()
        if part in ("", "."):
            continue
        if part == "..":
            done = done.rpartition("/")[0]
            continue
        here = f"{done}/{part}"
        try:
            target = os.readlink(here)
        except OSError as problem:
            if problem.errno != errno.EINVAL:
                return None
            done = here
            continue
        except ValueError:
            return None
        links.append(Link(here, target))
        if len(links) > _MOST_LINKS:
            return None
        waiting.extend(reversed(target.split("/")))
        done = "" if target.startswith("/") else done
    return Trail(done or "/", tuple(links))


def is_folder(path: str) -> bool:
    """Whether a folder lies there, links not followed."""
    return _kind(path) == stat.S_IFDIR


def is_file(path: str) -> bool:
    """Whether a regular file lies there, links not followed."""
    return _kind(path) == stat.S_IFREG


def _kind(path: str) -> int:
    try:
        return stat.S_IFMT(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return 0


def names_in(folder: str) -> frozenset[str] | None:
    """Return the names in a folder; None where it cannot be read."""
    try:
        return frozenset(os.listdir(folder))
    except (OSError, ValueError):
        return None


def small_text(path: str) -> str:
    """Return the text of a small regular file, empty where there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return ""
    try:
        found = os.fstat(handle)
        data = os.read(handle, _SMALL) if stat.S_ISREG(found.st_mode) and found.st_size <= _SMALL else b""
    except OSError:
        return ""
    finally:
        os.close(handle)
    return "" if b"\0" in data else os.fsdecode(data)


def credential_in(names: Iterable[str], *, wide: bool) -> str:
    """Return a name that says that credentials lie there, empty for none; `wide` also takes what would be a fine name for a program."""
    for name in names:
        plain = folded(name)
        if _PUBLIC_CERTIFICATES.fullmatch(plain):
            continue
        if secret_name((plain,)) or _STRICT.fullmatch(plain) or (wide and _WIDE.fullmatch(plain)):
            return name
    return ""


@dataclass(frozen=True)
class Ground:
    """The places that are never shown, and the test of all others."""

    root: str
    """The workspace folder, links followed."""
    home: str
    """The person's home folder, links followed; empty where there is none of their own."""
    bases: frozenset[str]
    """Folders that hold everything of the person, such as `~/.config`; never shown as such."""

    def refusal(self, path: str) -> str:
        """Return why the path, links followed, is never shown; empty where it may be."""
        if _NEVER.fullmatch(path) or any(within(path, place) for place in _NEVER_INSIDE):
            return "it belongs to the system"
        if within(path, self.root):
            return "it lies in the workspace"
        if self.home and within(self.home, path):
            return "it is or holds the home folder"
        if within(self.root, path):
            return "the workspace lies in it"
        if path in self.bases or any(within(base, path) for base in self.bases):
            return "it holds everything of the person, not just programs"
        parts = [folded(part) for part in path.split("/") if part]
        private = secret_name(parts) or next((part for part in parts if _PRIVATE_FOLDER.fullmatch(part)), None)
        return f"it lies in {private}, where credentials are kept" if private else ""

    def whole(self, prefix: str, *, named: bool = False) -> bool:
        """Whether the folder is an installation that may be shown with everything in it; `named`: the person's environment names it."""
        if self.refusal(prefix) and not self._holds_only_the_workspace(prefix):
            return False
        names = names_in(prefix)
        if names is None or credential_in(names, wide=True):
            return False
        if os.path.basename(prefix) == "node_modules" or any(within(prefix, place) for place in _INSTALLED_PLACES):
            return True
        hidden = bool(self.home) and prefix.startswith(self.home + "/.")
        if (named and any(map(_LOOKS_NAMED.fullmatch, names))) or (hidden and any(map(_MANAGED.fullmatch, names))):
            return True
        if ".git" in names and not hidden:
            return False
        return any(map(_INSTALLED.fullmatch, names)) or _NUMBERED.fullmatch(os.path.basename(prefix)) is not None

    def places_in(self, path: str) -> tuple[str, ...]:
        """Return the workspace and the folders of the person that lie in the folder or are it."""
        return tuple(place for place in (self.root, self.home, *self.bases) if place and within(place, path))

    def _holds_only_the_workspace(self, path: str) -> bool:
        return path != self.root and not _NEVER.fullmatch(path) and self.places_in(path) == (self.root,)


def find_ground(root: str, env: Mapping[str, str], home: str) -> Ground:
    """Return the places of a workspace and a person; the environment names other XDG folders."""
    real_home = os.path.realpath(home) if home.startswith("/") else ""
    if _NEVER.fullmatch(real_home) and real_home != "/root":
        real_home = ""
    bases = {os.path.join(real_home, name) for name in (*_BASES.values(), ".local", *_user_folders(real_home))} if real_home else set()
    bases |= {os.path.realpath(env[name]) for name in _BASES if env.get(name, "").startswith("/")}
    return Ground(os.path.realpath(root), real_home, frozenset(bases - {real_home}))


def _user_folders(home: str) -> tuple[str, ...]:
    """Return the names of the folders for personal files, in the person's language too."""
    text = small_text(os.path.join(home, ".config", "user-dirs.dirs"))
    return (*_USER_FOLDERS, *(os.path.normpath(name.strip("/")) for name in _USER_FOLDER_LINE.findall(text) if name.strip("/")))
