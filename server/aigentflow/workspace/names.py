"""Names that no boundary opens, names that only a literal entry opens, and names of secrets; all at any depth.

The tests take the components of a path, compatibility- and case-folded by `folded`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

_PROTECTED = re.compile(
    r"""(?x)
    \.git | \.gitmodules | \.gitattributes | \.gitconfig | \.hg | \.svn | \.jj
    | \.aigentflow | \.claude | \.cursor | \.cursorrules | \.cursorignore | \.roo.* | \.opencode | \.gemini
    | \.windsurf | \.windsurfrules | \.clinerules | \.continue | \.codex | \.kilocode.* | \.kiro | \.amazonq | \.junie | \.agents
    | \.aider\.conf\.yml | \.mcp\.json
    | \.vscode | \.idea | \.zed | \.helix | \.fleet | \.vs | \.nvim | \.nvim\.lua | \.nvimrc | \.exrc | \.vimrc | \.lvimrc | \.local\.vimrc
    | \.dir-locals(-2)?\.el
    | \.envrc | \.direnv | \.devcontainer | \.devcontainer\.json | \.husky
    """
)
_PROTECTED_PLAIN = re.compile(r"opencode\.jsonc?|.*\.(?:code-workspace|sublime-project)")
_PROTECTED_PAIRS = {
    (".meta", "agents"),
    (".github", "agents"),
    (".github", "chatmodes"),
    (".github", "instructions"),
    (".github", "prompts"),
    (".github", "hooks"),
    (".github", "copilot-instructions.md"),
}
_LITERAL_ONLY = re.compile(
    r"""(?x)
    agents\.md | agents\.override\.md | claude\.md | claude\.local\.md | gemini\.md
    | \.gitlab-ci\.ya?ml | \.travis\.ya?ml | azure-pipelines\.ya?ml | bitbucket-pipelines\.ya?ml | appveyor\.ya?ml | \.appveyor\.ya?ml
    | \.drone\.ya?ml | \.woodpecker\.ya?ml | jenkinsfile | cloudbuild\.ya?ml | buildspec\.ya?ml | \.cirrus\.ya?ml
    | \.npmrc | \.yarnrc | \.yarnrc\.ya?ml | \.pnpmfile\.[cm]?js | bunfig\.toml | \.mise\.toml
    | \.pre-commit-config\.ya?ml | \.?lefthook\.ya?ml | \.overcommit\.ya?ml
    """
)
_LITERAL_ONLY_FOLDERS = re.compile(r"\.circleci|\.buildkite|\.woodpecker|\.gitlab|\.semaphore|\.teamcity")
_LITERAL_ONLY_PAIRS = {(".github", "workflows"), (".github", "actions"), (".github", "dependabot.yml"), (".github", "dependabot.yaml")}

_ENVIRONMENT = re.compile(r"\.env(?:[._~-].*)?")
_ENVIRONMENT_SAMPLE = re.compile(r".*[._-](?:example|sample|template|dist)")
_KEY_PAIR = re.compile(r"id_(?:rsa|dsa|ecdsa|ed25519|ecdsa_sk|ed25519_sk)(?:[._-].*)?")
_KEY_FILE = re.compile(r".*\.(?:pem|key|p12|pfx|p8|jks|keystore|ppk|kdbx)")
_CREDENTIALS = re.compile(
    r"[._]netrc|\.pypirc|\.git-credentials|\.pgpass|\.htpasswd|\.my\.cnf|\.dockercfg|\.vault-token|\.terraformrc|credentials\.tfrc\.json"
)
_CREDENTIAL_FOLDERS = re.compile(r"\.ssh|\.aws|\.azure|\.gnupg|\.kube|\.docker|\.gcloud|\.oci|\.terraform\.d|\.password-store")
_CREDENTIAL_PAIRS = {
    (".config", "gcloud"),
    (".config", "gh"),
    (".config", "hub"),
    (".cargo", "credentials"),
    (".cargo", "credentials.toml"),
    (".gem", "credentials"),
    (".composer", "auth.json"),
    (".m2", "settings.xml"),
    (".m2", "settings-security.xml"),
}
_SOURCE = re.compile(r".*\.(?:[cm]?[jt]sx?|pyi?|go|rs|java|kt|cs|rb|php|swift|c|h|cc|cpp|hpp|md|mdx|vue|svelte|html|css|scss|sql)")
_MAYBE_SECRET = re.compile(r"[._]|id_|credentials|.*(?:~|\.(?:pem|key|p12|pfx|p8|jks|keystore|ppk|kdbx|bak|orig|old|save))\Z")
_BACKUP = re.compile(r"\.(?P<swap>.+)\.sw[a-p]|(?P<copy>.+?)(?:~|\.bak|\.orig|\.old|\.save)")


def folded(path: str) -> str:
    """Return the path as names are compared: compatibility-normalised, then case-folded."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def protected_name(parts: Sequence[str]) -> str | None:
    """Return the name that protects the path, None if nothing does."""
    for part in parts:
        if (_PROTECTED if part.startswith(".") else _PROTECTED_PLAIN).fullmatch(part):
            return part
    return _pair(parts, _PROTECTED_PAIRS)


def literal_only_name(parts: Sequence[str]) -> str | None:
    """Return the name for which the path may be changed only where an allow entry names it literally."""
    for part in parts[:-1]:
        if part.startswith(".") and _LITERAL_ONLY_FOLDERS.fullmatch(part):
            return part
    if parts and _LITERAL_ONLY.fullmatch(parts[-1]):
        return parts[-1]
    return _pair(parts, _LITERAL_ONLY_PAIRS)


def secret_name(parts: Sequence[str]) -> str | None:
    """Return the name that makes the path a secret, None if it is none."""
    for part in parts:
        if _MAYBE_SECRET.match(part) and (_CREDENTIAL_FOLDERS.fullmatch(part) or _is_secret(part)):
            return part
    return _pair(parts, _CREDENTIAL_PAIRS)


def _is_secret(name: str) -> bool:
    backup = _BACKUP.fullmatch(name)
    if backup is not None and _is_secret(backup["swap"] or backup["copy"]):
        return True
    if _ENVIRONMENT.fullmatch(name):
        return not _ENVIRONMENT_SAMPLE.fullmatch(name)
    if _KEY_FILE.fullmatch(name) or _CREDENTIALS.fullmatch(name):
        return True
    return _KEY_PAIR.fullmatch(name) is not None and not _SOURCE.fullmatch(name)


def _pair(parts: Sequence[str], pairs: set[tuple[str, str]]) -> str | None:
    for pair in pairwise(parts):
        if pair[0].startswith(".") and pair in pairs:
            return "/".join(pair)
    return None
