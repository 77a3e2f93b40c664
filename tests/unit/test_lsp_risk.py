"""What waits for the person inside the boundary: deletions, renames, manifests, programs, new addresses in configuration."""

from __future__ import annotations

import pytest

from aigentflow.lsp.delivery.risk import why_file_waits, why_hunk_waits
from aigentflow.workspace.diff import hunks
from aigentflow.workspace.proposal import Base, FileChange


def modified(path: str, before: str, after: str) -> FileChange:
    return FileChange(path, "modify", Base(before, "", None), after, hunks(path, before, after))


def reasons(change: FileChange) -> list[str]:
    return [why_hunk_waits(change, hunk) for hunk in change.hunks]


@pytest.mark.parametrize(
    "path",
    [
        "package.json",
        "apps/api/package.json",
        "PACKAGE.JSON",
        "pnpm-lock.yaml",
        "requirements-dev.txt",
        "api/App.csproj",
        "Cargo.toml",
        "x/.npmrc",
    ],
)
def test_manifests_wait(path: str) -> None:
    assert reasons(modified(path, "a\n", "b\n")) == ["changes a package manifest"]


@pytest.mark.parametrize("path", ["src/package.ts", "docs/package.json.md", "src/a.ts", "tsconfig.json"])
def test_other_files_do_not(path: str) -> None:
    assert reasons(modified(path, "a\n", "b\n")) == [""]


@pytest.mark.parametrize("path", ["config/app.yaml", "vite.config.ts", ".eslintrc", "Dockerfile", ".env.example", "nginx.conf"])
def test_an_address_new_to_a_configuration_waits(path: str) -> None:
    (reason,) = reasons(modified(path, "a: 1\n", "a: 1\nb: wss://evil.example/x\n"))
    assert "wss://evil.example/x" in reason


def test_an_address_that_is_there_already_or_in_source_does_not() -> None:
    assert reasons(modified("a.yaml", "u: http://x.example\nk: 1\n", "u: http://x.example\nk: 1\nv: http://x.example\n")) == [""]
    assert reasons(modified("a.ts", "", 'fetch("https://x.example")\n')) == [""]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (FileChange("a.ts", "delete", Base("x", "", None), None), "deletes"),
        (FileChange("b.ts", "rename", Base("x", "", None), "x", from_path="a.ts"), "renames a.ts"),
        (FileChange("run", "create", None, "#!/usr/bin/env node\n"), "executable"),
        (FileChange("a.ps1", "create", None, "x\n"), "executable"),
        (FileChange("tool", "create", None, "x\n", executable=True), "executable"),
    ],
)
def test_operations_that_wait(change: FileChange, words: str) -> None:
    assert words in why_file_waits(change)


def test_a_plain_new_file_does_not_wait() -> None:
    assert why_file_waits(FileChange("a.ts", "create", None, "x\n")) == ""
