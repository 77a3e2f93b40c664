"""Who may change what. Each test builds a small tree and asks the boundary."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from aigentflow.errors import PathRefused
from aigentflow.workspace.boundary import Boundary, DenyRule, Rules

posix = pytest.mark.skipif(os.name == "nt", reason="links and pipes as POSIX has them")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    for path in ("apps/api/src/a.ts", "apps/web/page.tsx", "packages/database/schema.ts", "AGENTS.md", ".env", ".env.example"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("text of " + path)
    (tmp_path / "ws-secret").mkdir()
    (tmp_path / "ws-secret/x.ts").write_text("outside")
    return folder


def boundary(root: Path, *allow: str, deny: tuple[DenyRule, ...] = ()) -> Boundary:
    return Boundary(root, Rules(allow or ("apps/api/**", "packages/database/**"), deny), {"frontend_dev": ["apps/web/**"]})


ORDINARY = """
apps/api/src/a.ts
./apps/api/src/a.ts
apps/api/src/../src/a.ts
apps/api/new/deep/b.ts
packages/database/schema.ts
apps/api/src/[...slug].ts
apps/api/src/(group)/x.ts
apps/api/src/posts.$postId.tsx
apps/api/.env.example
apps/api/src/secret-names.ts
apps/api/src/id_rsa_parser.ts
apps/api/src/日本語.ts
apps/api/foo bar.ts
apps/api/.gitignore
apps/api/src/environment.ts
apps/api/.eslintrc.json
apps/api/key.ts
apps/api/a..b.ts
"""


@pytest.mark.parametrize("path", ORDINARY.strip().splitlines())
def test_work_inside_the_boundary_is_let_through(root: Path, path: str) -> None:
    decision = boundary(root).may_change(path)
    assert decision.allowed, decision.reason
    assert boundary(root).may_change(f"{root}/{path}").allowed


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("", "form"),
        ("apps/api/a\x00.ts", "form"),
        ("apps/api/a\n.ts", "form"),
        ("apps/api/a\u200b.ts", "form"),
        ("apps/api/a\u202e.ts", "form"),
        ("apps/api/\U000e0041.ts", "form"),
        ("apps/api/a\ufe0f.ts", "form"),
        ("apps\\api\\a.ts", "form"),
        ("file:///etc/passwd", "form"),
        ("C:/windows/x", "form"),
        ("apps/api/a.ts::$DATA", "form"),
        ("~/x", "form"),
        ("~root/x", "form"),
        ("apps/api/~/x", "form"),
        ("apps/api/GIT~1/config", "form"),
        ("$HOME/x", "form"),
        ("apps/api/${HOME}/x", "form"),
        ("apps/api/$(id)", "form"),
        ("apps//api/a.ts", "form"),
        ("//server/share/x", "form"),
        ("apps/api/%2e%2e/web/x", "form"),
        ("apps/api%2fa.ts", "form"),
        ("apps/api/%252e%252e/x", "form"),
        ("apps/api/%c0%af/x", "form"),
        ("apps/api/a.ts.", "form"),
        ("apps/api/a.ts ", "form"),
        ("apps/api/ .. /x", "form"),
        ("apps/api/.../x", "form"),
        ("apps/api/．．/x", "form"),
        ("apps/api／..／web", "form"),
        ("apps/api/‥/web/x", "form"),
        ("apps/api/NUL", "form"),
        ("apps/api/" + "a" * 300, "form"),
        ("apps/api/" + "a/" * 3000, "form"),
        ("../ws-secret/x.ts", "resolve"),
        ("apps/../../ws-secret/x.ts", "resolve"),
        ("/etc/passwd", "resolve"),
        ("apps/api/src/a.ts/x", "resolve"),
        ("apps/api/.git/config", "protected"),
        ("apps/api/.GIT/config", "protected"),
        ("apps/api/.git", "protected"),
        ("apps/api/．git/config", "protected"),
        ("apps/api/.ᵍit/config", "protected"),
        ("apps/api/.vscode/settings.json", "protected"),
        ("apps/api/.Cursor/mcp.json", "protected"),
        ("apps/api/.claude/settings.json", "protected"),
        ("apps/api/.meta/agents/x.md", "protected"),
        ("apps/api/.github/agents/x.md", "protected"),
        ("apps/api/.roomodes", "protected"),
        ("apps/api/x.code-workspace", "protected"),
        ("apps/api/.envrc", "protected"),
        ("apps/api/AGENTS.md", "protected"),
        ("apps/api/.npmrc", "protected"),
        ("apps/api/.github/workflows/ci.yml", "protected"),
        ("apps/api/.env", "secret"),
        ("apps/api/.ENV", "secret"),
        ("apps/api/.env.local", "secret"),
        ("apps/api/server.pem", "secret"),
        ("apps/api/id_rsa", "secret"),
        ("apps/api/.aws/credentials", "secret"),
        ("apps/web/page.tsx", "allow"),
        ("apps/api", "allow"),
        ("README.md", "allow"),
        ("APPS/api/x.ts", "allow"),
    ],
)
def test_everything_else_is_refused_by_the_rule_that_is_meant(root: Path, path: str, rule: str) -> None:
    decision = boundary(root).may_change(path)
    assert (decision.allowed, decision.rule) == (False, rule), decision.reason


def test_protected_names_are_opened_by_no_entry(root: Path) -> None:
    everything = boundary(root, "**", ".git/config", ".vscode/settings.json")
    for path in (".git/config", ".vscode/settings.json", ".aigentflow/project.yaml", ".husky/pre-commit", ".env"):
        assert not everything.may_change(path).allowed


def test_ci_and_instruction_files_are_opened_by_a_literal_entry_only(root: Path) -> None:
    assert not boundary(root, "**", "*.md").may_change("AGENTS.md").allowed
    assert boundary(root, "AGENTS.md").may_change("AGENTS.md").allowed
    assert not boundary(root, ".github/**").may_change(".github/workflows/ci.yml").allowed
    assert boundary(root, ".github/workflows/ci.yml").may_change(".github/workflows/ci.yml").allowed


def test_a_refusal_names_the_pattern_and_the_owner_and_no_contents(root: Path) -> None:
    denied = boundary(root, "**", deny=(DenyRule("apps/web/**", "frontend_dev"),)).may_change("apps/web/page.tsx")
    assert denied.reason == "apps/web/page.tsx: apps/web/** belongs to frontend_dev"
    assert (denied.pattern, denied.owner) == ("apps/web/**", "frontend_dev")
    outside = boundary(root).may_change("apps/web/page.tsx")
    assert outside.reason.endswith("; apps/web/** belongs to frontend_dev")
    assert "text of" not in denied.reason + outside.reason


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("apps/api/src/**", "apps/api/src/a.ts"),
        ("APPS/API/SRC/**", "apps/api/src/a.ts"),
        ("apps/api/src", "apps/api/src/a.ts"),
        ("apps/api/src/", "apps/api/src/a.ts"),
        ("src/", "apps/api/src/a.ts"),
        ("/apps/api/src/**", "apps/api/src/a.ts"),
        ("./apps/api/src/**", "apps/api/src/a.ts"),
        ("apps/x/../api/**", "apps/api/src/a.ts"),
        ("*.TS", "apps/api/src/a.ts"),
        ("straße/**", "STRASSE/x"),
        ("apps/ａpi/**", "apps/api/src/a.ts"),
    ],
)
def test_a_deny_rule_beats_allow_in_every_spelling(root: Path, pattern: str, path: str) -> None:
    assert boundary(root, "**").may_change(path).allowed
    assert boundary(root, "**", deny=(DenyRule(pattern),)).may_change(path).rule == "deny"


def test_an_exclamation_mark_in_the_allow_list_denies(root: Path) -> None:
    some = boundary(root, "apps/api/**", "!apps/api/src/**")
    assert some.may_change("apps/api/src/a.ts").rule == "deny"
    assert some.may_change("apps/api/b.ts").allowed


@pytest.mark.parametrize(
    "entry",
    ["", " ", "$FILE_BOUNDARIES", "${X}/**", "apps/$X/**", "/apps/**", "~/x", "C:/x", "../**", "a/../b", ".", "./", "[a", "apps/api"],
)
def test_an_entry_that_cannot_be_understood_gives_nothing_and_is_reported(root: Path, entry: str) -> None:
    nothing = boundary(root, entry)
    assert nothing.read_only
    assert len(nothing.problems) == 1
    assert not nothing.may_change("apps/api/src/a.ts").allowed


@pytest.mark.parametrize("pattern", ["[a", "{x", "!apps/**", "$SECRET/**", "~/x", "a\\b"])
def test_a_restriction_that_cannot_be_understood_closes_everything(root: Path, pattern: str) -> None:
    closed = boundary(root, "**", deny=(DenyRule(pattern),))
    assert closed.read_only and closed.problems
    assert "cannot be understood" in closed.may_change("apps/api/src/a.ts").reason


def test_no_rules_at_all_is_read_only(root: Path) -> None:
    nothing = Boundary(root, Rules())
    assert nothing.read_only
    assert nothing.may_read("apps/api/src/a.ts").allowed
    assert nothing.may_change("apps/api/src/a.ts").rule == "allow"


@posix
def test_links_are_followed_and_both_names_are_asked(root: Path) -> None:
    api = root / "apps/api"
    (api / "out").symlink_to(root.parent / "ws-secret")
    (api / "web").symlink_to(root / "apps/web")
    (api / "env").symlink_to(root / ".env")
    (api / "here.ts").symlink_to(api / "src/a.ts")
    (api / "gone.ts").symlink_to(root / "apps/api/nowhere.ts")
    (api / "loop").symlink_to(api / "loop")
    some = boundary(root)
    assert some.may_change("apps/api/out/x.ts").rule == "resolve"
    assert some.may_read("apps/api/out/x.ts").rule == "resolve"
    assert some.may_change("apps/api/web/page.tsx").rule == "allow"
    assert some.may_read("apps/api/env").rule == "secret"
    assert some.may_change("apps/api/here.ts").path == "apps/api/src/a.ts"
    assert some.may_change("apps/api/gone.ts").rule == "resolve"
    assert some.may_change("apps/api/loop/x").rule == "resolve"
    assert some.may_change("apps/api/out/../src/a.ts").rule == "resolve"
    (root / "apps/web/back").symlink_to(api)
    assert boundary(root).may_change("apps/web/back/src/a.ts").rule == "allow"


@posix
def test_only_regular_files_with_one_name_are_edited(root: Path) -> None:
    api = root / "apps/api"
    os.link(root / "apps/web/page.tsx", api / "twin.tsx")
    os.mkfifo(api / "pipe")
    (api / "locked.ts").write_text("x")
    (api / "locked.ts").chmod(0o444)
    with open(api / "huge.ts", "wb") as file:
        file.truncate(20_000_000)
    for name in ("twin.tsx", "pipe", "locked.ts", "huge.ts", "src", "new/"):
        assert boundary(root).may_change(f"apps/api/{name}").rule == "object", name
    assert boundary(root).may_read("apps/api/pipe").rule == "object"


@posix
def test_an_absolute_path_inside_is_as_good_through_any_link_to_the_workspace(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    other = root.parent / "other"
    other.symlink_to(root)
    for base, asked in ((root, link), (link, root), (link, other), (link, link)):
        decision = boundary(base).may_change(f"{asked}/apps/api/src/a.ts")
        assert decision.allowed and decision.path == "apps/api/src/a.ts"
    assert boundary(root).may_change(f"{root}-secret/x.ts").rule == "resolve"


def test_reading_is_free_except_secrets(root: Path) -> None:
    some = boundary(root)
    for path in ("apps/web/page.tsx", "AGENTS.md", ".git/HEAD", ".vscode/settings.json", ".env.example", ".", "apps", "apps/"):
        assert some.may_read(path).allowed, path
    for path in (
        ".env",
        "sub/.env.production",
        ".env.bak",
        ".env~",
        "sub/.env.swp",
        ".ssh/config",
        "id_ed25519.pub",
        "x/.NETRC",
        ".config/gcloud/a.json",
    ):
        assert some.may_read(path).rule == "secret", path


def test_relative_gives_the_canonical_path_or_says_why_not(root: Path) -> None:
    assert boundary(root).relative(f"{root}/apps/./api/src/../src/a.ts") == "apps/api/src/a.ts"
    assert boundary(root).relative(".") == ""
    with pytest.raises(PathRefused) as caught:
        boundary(root).relative("../x")
    assert caught.value.rule == "resolve"


def test_explain_ends_with_what_decided(root: Path) -> None:
    steps = boundary(root).explain("apps/web/page.tsx")
    assert [step.rule for step in steps] == ["resolve", "protected", "deny", "allow"]
    assert [step.allowed for step in steps] == [True, True, True, False]
    assert boundary(root).explain("apps/api/src/a.ts")[-1].allowed


def test_the_text_part_is_fast(root: Path) -> None:
    from aigentflow.workspace.forms import form_problem

    deny = tuple(DenyRule(pattern) for pattern in ("apps/web/**", "packages/ui/**", "infrastructure/**", "*.tf", "docs/"))
    some = boundary(root, "apps/api/**", "packages/database/**", deny=deny)
    path = "packages/database/src/schema/users.ts"
    start = time.process_time()
    for _ in range(1000):
        form_problem(path)
        assert not any(refusal(path) for refusal in (some._name_refusal, some._deny_refusal, some._allow_refusal))
    assert (time.process_time() - start) / 1000 < 500e-6
