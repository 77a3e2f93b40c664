"""Which hunks wait for the person although they lie inside the boundary, and why."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from aigentflow.workspace.proposal import FileChange, Hunk

# fmt: off
_MANIFESTS = frozenset((
    "package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "pnpm-workspace.yaml", "bun.lock",
    "bun.lockb", "deno.json", "deno.jsonc", "deno.lock", "lerna.json", "pyproject.toml", "setup.py", "setup.cfg", "pipfile",
    "pipfile.lock", "poetry.lock", "uv.lock", "pdm.lock", "environment.yml", "conda.yml", "cargo.toml", "cargo.lock", "go.mod", "go.sum",
    "go.work", "gemfile", "gemfile.lock", "composer.json", "composer.lock", "pom.xml", "build.gradle", "build.gradle.kts",
    "settings.gradle", "settings.gradle.kts", "gradle.lockfile", "mix.exs", "mix.lock", "package.swift", "package.resolved", "podfile",
    "podfile.lock", "pubspec.yaml", "pubspec.lock", "nuget.config", "packages.config", "packages.lock.json", "directory.packages.props",
    "flake.nix", "flake.lock", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", "pip.conf",
))
# fmt: on
_MANIFEST_FORM = re.compile(
    r"requirements[^/]*\.(txt|in)|constraints[^/]*\.txt|[^/]*\.(csproj|fsproj|vbproj|gemspec|podspec|cabal|rockspec)"
)
_PROGRAM_SUFFIXES = frozenset({".sh", ".bash", ".zsh", ".fish", ".bat", ".cmd", ".ps1", ".exe", ".com", ".command"})
# fmt: off
_CONFIGURATION_SUFFIXES = frozenset((
    ".json", ".jsonc", ".json5", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".config", ".properties", ".xml", ".plist", ".tf",
    ".tfvars", ".hcl", ".env", ".rc",
))
# fmt: on
_CONFIGURATION_FORM = re.compile(
    r"\.[^/]*rc(\.[a-z]+)?|[^/]*\.config\.[cm]?[jt]s|\.env(\..*)?|dockerfile(\..*)?|[^/]*\.dockerfile|makefile|jenkinsfile|caddyfile|procfile"
)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'`<>)\]}]+", re.IGNORECASE)


def why_file_waits(change: FileChange) -> str:
    """Return why a creation, deletion or rename waits; empty where it need not."""
    if change.kind == "delete":
        return "deletes a file"
    if change.kind == "rename":
        return f"renames {change.from_path}"
    if change.kind == "create" and _is_program(change):
        return "adds an executable file"
    return ""


def why_hunk_waits(change: FileChange, hunk: Hunk) -> str:
    """Return why a hunk waits; empty where it need not."""
    name = PurePosixPath(change.path).name.casefold()
    if name in _MANIFESTS or _MANIFEST_FORM.fullmatch(name):
        return "changes a package manifest"
    known = set(_URL.findall(change.base.text if change.base is not None else ""))
    added = [url for url in _URL.findall(hunk.edit.new) if url not in known]
    if added and _is_configuration(name):
        return f"adds {added[0][:80]} to a configuration file"
    return ""


def _is_program(change: FileChange) -> bool:
    suffix = PurePosixPath(change.path).suffix.casefold()
    return change.executable or suffix in _PROGRAM_SUFFIXES or (change.after or "").startswith("#!")


def _is_configuration(name: str) -> bool:
    return PurePosixPath(name).suffix in _CONFIGURATION_SUFFIXES or _CONFIGURATION_FORM.fullmatch(name) is not None
