"""`aigentflow doctor` on the box: which tier holds, why no better one, what commands see; with stand-ins for trying."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from aigentflow.box.values import Bind, Tier, TierReport, Toolchains
from aigentflow.command_line.doctor import findings_of
from aigentflow.command_line.doctor_box import Box, advice, as_json, findings, look
from aigentflow.command_line.doctor_verification import findings as verification
from aigentflow.command_line.finding import Finding
from aigentflow.command_line.opening import open_workspace

HOME = "/home/somebody"
SEEN = Toolchains(
    binds=(
        *(Bind(f"/usr/{name}", "system") for name in ("bin", "lib", "lib64", "sbin", "share")),
        Bind(f"{HOME}/.nvm/versions/node/v22", "PATH: node"),
        Bind(f"{HOME}/.pyenv", "PATH: python"),
    ),
    path=(f"{HOME}/.nvm/versions/node/v22/bin", "/usr/bin"),
    left_out=((f"{HOME}/.cargo/bin", "it holds credentials"), ("/opt/x", "it holds credentials"), ("/nowhere", "there is no such folder")),
)
FIRST = TierReport("namespaces", "commands run in namespaces of their own", ("many files are slow",))
THIRD = TierReport("landlock", "commands run behind Landlock", (), (("namespaces", "unshare: EPERM"), ("bubblewrap", "no bwrap here")))
LAST = TierReport("none", "commands are off: there is no box", ("no verification",), (("landlock", "the kernel has none"),))


def _told(report: TierReport, kernel: Mapping[str, str] | None = None) -> list[Finding]:
    return list(findings(Box(report, SEEN), HOME, (kernel or {}).get))


def test_the_tier_in_force_its_limits_and_what_commands_see() -> None:
    told = {(item.what, item.found): item.state for item in _told(FIRST)}
    assert told == {
        ("commands", "tier 1 (namespaces): run in namespaces of their own"): "ok",
        ("commands", "limit: many files are slow"): "note",
        ("commands see", "system: /usr/bin, /usr/lib, /usr/lib64, /usr/sbin and 1 more"): "ok",
        ("commands see", "PATH: ~/.nvm/versions/node/v22, ~/.pyenv"): "ok",
        ("PATH of commands", "~/.nvm/versions/node/v22/bin, /usr/bin"): "ok",
        ("left out of PATH", "~/.cargo/bin, /opt/x: it holds credentials"): "note",
        ("left out of PATH", "/nowhere: there is no such folder"): "note",
    }


def test_every_better_tier_says_why_it_is_not_in_force_and_what_to_do() -> None:
    missed = {item.what: item for item in _told(THIRD) if item.what.startswith("tier")}
    assert missed["tier 1 (namespaces)"].found == "does not hold here: unshare: EPERM"
    assert missed["tier 2 (bubblewrap)"].found == "does not hold here: no bwrap here"
    assert all(item.do for item in missed.values())


def test_without_a_box_everything_else_works() -> None:
    told = _told(LAST)
    assert told[0].found == "off (tier 6): there is no box; everything but commands works"
    assert not any(item.state == "broken" or item.what == "commands see" for item in told)


@pytest.mark.parametrize(
    ("kernel", "reason", "said"),
    [
        ({"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1"}, "EPERM", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ({"/proc/sys/kernel/unprivileged_userns_clone": "0"}, "EPERM", "kernel.unprivileged_userns_clone=1"),
        ({"/proc/sys/user/max_user_namespaces": "0"}, "ENOSPC", "user.max_user_namespaces"),
        ({"/.dockerenv": ""}, "EPERM", "container"),
        ({}, "mounting the overlay failed", "modprobe overlay"),
        ({}, "EPERM", "unshare -Urm true"),
        ({}, "not to be used, by the configuration", "configuration"),
    ],
)
def test_the_advice_names_the_switch_that_is_off(kernel: dict[str, str], reason: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert said in advice("namespaces", reason, kernel.get)


@pytest.mark.parametrize("tier", ["namespaces", "bubblewrap", "landlock"])
def test_other_systems_are_told_that_a_box_needs_linux(tier: Tier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert "Linux" in advice(tier, "EPERM", lambda _path: None)


def test_trying_that_fails_is_a_finding_and_no_crash(tmp_path: Path) -> None:
    def broken(_root: Path, _env: Mapping[str, str], _best: str) -> tuple[TierReport, Toolchains]:
        raise OSError(28, "No space left on device")

    box = look(tmp_path, {}, probe=broken)
    assert "No space left" in next(findings(box)).found


def test_doctor_ends_with_the_box_and_json_has_all_of_it(tmp_path: Path) -> None:
    box = Box(THIRD, SEEN)
    told = list(findings_of(open_workspace(str(tmp_path), {"HOME": HOME, "XDG_STATE_HOME": str(tmp_path)}), box))
    assert [item.found for item in told if item.what == "commands"] == ["tier 3 (landlock): run behind Landlock"]
    answer = as_json(box)
    assert (answer["tier"], answer["name"]) == (3, "landlock")
    assert answer["missed"][0] == {"tier": 1, "name": "namespaces", "reason": "unshare: EPERM"}
    assert len(answer["binds"]) == 7 and answer["left_out"][2] == {"path": "/nowhere", "why": "there is no such folder"}


def test_what_would_verify_a_change_is_told_with_its_source(tmp_path: Path) -> None:
    files = {
        "package.json": '{"name": "shop", "private": true, "scripts": {"test": "vitest run", "lint": "eslint . || true"}}',
        "src/a.ts": "export const a = 1;\n",
        "tools/pyproject.toml": "[tool.pytest.ini_options]\n",
        "tools/b.py": "b = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    workspace = open_workspace(str(tmp_path), {"HOME": HOME})
    told = [item for item in verification(workspace) if item.what.startswith("verify")]
    tests = [item.found for item in told if item.what == "verify tests"]
    assert any("npm run test" in found and "package.json" in found for found in tests) and any("pytest" in found for found in tests)
    (lint,) = [item for item in told if item.what == "verify lint" and "lint" in item.found]
    assert lint.state == "note" and lint.do, "its failures are masked"
    assert all(item.found for item in told)


def test_a_workspace_without_anything_to_run_says_why(tmp_path: Path) -> None:
    told = list(verification(open_workspace(str(tmp_path), {"HOME": HOME})))
    assert [item.what for item in told] == ["verify typecheck", "verify tests", "verify lint"]
    assert all(item.state == "note" and item.found.startswith("not run: ") for item in told)


def test_commands_of_a_project_file_count_once_it_is_trusted(tmp_path: Path) -> None:
    (tmp_path / ".aigentflow").mkdir()
    (tmp_path / ".aigentflow/project.yaml").write_text("verification: {tests: make check}\n")
    env = {"HOME": HOME, "XDG_STATE_HOME": str(tmp_path / "state")}
    told = {item.what: item for item in verification(open_workspace(str(tmp_path), env))}
    assert "not trusted" in told["verify"].found and "aigentflow trust" in told["verify"].do
    assert told["verify tests"].found.startswith("not run")
