"""What of the system's own folders a command is shown: programs, libraries, and the harmless part of /etc."""

from __future__ import annotations

import os
import re

from .toolchain_gathering import Gathering
from .toolchain_rules import follow, is_file, is_folder, within
from .values import Link

_TOP = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_STORES = ("/nix/store", "/gnu/store")
_CURRENT = ("/run/current-system", "/run/current-system/profile", "/etc/profiles")
_ETC = re.compile(
    r"ld\.so\.cache|ld\.so\.conf|ld\.so\.conf\.d|alternatives|ca-certificates.*|crypto-policies|localtime|timezone|mime\.types|nsswitch\.conf"
    r"|protocols|services|locale\.alias|locale\.conf|fonts|java|java-.*|python3.*|perl|php.*|dotnet|magic|terminfo|inputrc|os-release|lsb-release|xml"
    r"|ImageMagick-.*"
)
_ETC_BELOW = (
    *(
        "ssl/certs",
        "ssl/openssl.cnf",
        "ssl/cert.pem",
        "ssl/java",
        "pki/tls/certs",
        "pki/tls/cert.pem",
        "pki/tls/openssl.cnf",
        "pki/ca-trust",
    ),
    *("pki/java", "maven/m2.conf", "maven/logging"),
)
_ETC_NEVER = re.compile(r"g?shadow-?|passwd-?|group-?|hosts|hostname|resolv\.conf|sudoers.*|ssh|machine-id|krb5\.keytab|private")
_MOST_LINKS = 2000


def add_system(gathering: Gathering, *, etc: str = "/etc") -> None:
    """Add the folders of the system; `etc` is where its settings lie."""
    for name in _TOP:
        path = f"/{name}"
        if os.path.islink(path):
            gathering.link(Link(path, os.readlink(path)))
        elif is_folder(path):
            gathering.add_system(path)
    for path in ("/usr", *_STORES):
        if is_folder(path):
            gathering.add_system(path)
    for name in _TOP:
        trail = follow(f"/{name}")
        if trail and is_folder(trail.real) and not gathering.covers(trail.real):
            gathering.add_system(trail.real)
    for path in _CURRENT:
        trail = follow(path)
        if trail and gathering.covers(trail.real):
            gathering.link(*trail.links)
    _add_etc(gathering, etc)


def _add_etc(gathering: Gathering, etc: str) -> None:
    try:
        names = sorted(name for name in os.listdir(etc) if _ETC.fullmatch(name))
    except OSError:
        return
    for name in (*names, *_ETC_BELOW):
        _add_setting(gathering, os.path.join(etc, name), etc)


def _add_setting(gathering: Gathering, path: str, etc: str) -> None:
    trail = follow(path)
    if trail is None or _is_forbidden(trail.real, etc) or _is_personal(gathering, trail.real):
        return
    if not gathering.covers(trail.real):
        if not (is_folder(trail.real) or is_file(trail.real)):
            return
        gathering.add_system(trail.real)
    if gathering.covers(trail.real):
        gathering.link(*trail.links)
        _add_targets(gathering, trail.real, etc)


def _add_targets(gathering: Gathering, folder: str, etc: str) -> None:
    """Add what the links in a folder of settings lead to."""
    try:
        with os.scandir(folder) as entries:
            paths = [entry.path for entry, _ in zip(entries, range(_MOST_LINKS), strict=False) if entry.is_symlink()]
    except OSError:
        return
    for path in paths:
        target = os.path.join(folder, os.readlink(path))
        if os.path.dirname(target) == folder or gathering.covers(os.path.normpath(target)):
            continue
        trail = follow(path)
        if trail is None or _is_forbidden(trail.real, etc) or _is_personal(gathering, trail.real):
            continue
        if os.path.basename(folder) == "alternatives":
            gathering.program(path, "system: alternatives")
        elif is_file(trail.real) and not gathering.covers(trail.real):
            gathering.add_system(trail.real)
        if gathering.covers(trail.real):
            gathering.link(*trail.links)


def _is_forbidden(real: str, etc: str) -> bool:
    below = real[len(etc) + 1 :] if within(real, etc) else ""
    return any(_ETC_NEVER.fullmatch(part) for part in below.split("/"))


def _is_personal(gathering: Gathering, real: str) -> bool:
    home = gathering.ground.home
    return bool(home) and within(real, home)
