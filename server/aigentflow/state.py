"""The two folders of a person that this package uses: state (written by us) and configuration (written by the person).

State is private: the folder has mode 0700, each file 0600, and a file is replaced as a whole or not at all.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from aigentflow.errors import ConfigurationError


def state_folder(env: Mapping[str, str]) -> Path:
    """Return the private folder for trust and journal, created where it is missing."""
    folder = state_path(env)
    try:
        private_folder(folder)
    except OSError as error:
        message = f"The state folder {folder} cannot be used ({error.strerror}); set AIGENTFLOW_STATE_DIR to another one."
        raise ConfigurationError(message) from error
    return folder


def state_path(env: Mapping[str, str]) -> Path:
    """Return where the state folder is or would be; creates nothing."""
    if chosen := env.get("AIGENTFLOW_STATE_DIR"):
        return _absolute(chosen, env)
    if sys.platform == "win32":
        return Path(env.get("LOCALAPPDATA") or home_folder(env) / "AppData" / "Local") / "aigentflow" / "state"
    return _xdg(env, "XDG_STATE_HOME", ".local/state") / "aigentflow"


def config_folder(env: Mapping[str, str]) -> Path:
    """Return where the person's configuration and agents are; creates nothing."""
    return config_home(env) / "aigentflow"


def config_home(env: Mapping[str, str]) -> Path:
    """Return the folder that holds the configuration of all programs, `~/.config` by default."""
    return _xdg(env, "XDG_CONFIG_HOME", ".config")


def home_folder(env: Mapping[str, str]) -> Path:
    """Return the person's home folder."""
    named = env.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    return Path(named) if named else Path.home()


def private_folder(folder: Path) -> None:
    """Create the folder where it is missing and close it to everybody else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix" and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


def write_private(path: Path, data: bytes) -> None:
    """Replace the file as a whole, durably, with mode 0600; after a fault the old content is still there."""
    private_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in the folder durable, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _xdg(env: Mapping[str, str], name: str, default: str) -> Path:
    value = env.get(name, "")
    # The specification says that a relative path is to be ignored.
    return Path(value) if os.path.isabs(value) else home_folder(env) / default


def _absolute(value: str, env: Mapping[str, str]) -> Path:
    path = home_folder(env) / value[2:] if value.startswith("~/") else Path(value)
    if not path.is_absolute():
        raise ConfigurationError(f"AIGENTFLOW_STATE_DIR is {value!r}; give an absolute path.")
    return path
