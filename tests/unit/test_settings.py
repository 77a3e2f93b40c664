"""Settings: one wrong value costs that value, and nothing that comes through the editor widens what a run may do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aigentflow.settings import UserConfig, load_user_config, options, resolve, service_environment, settings_schema, settings_table
from aigentflow.user_config import remember_boundary, variable

USER = UserConfig(path=Path("/home/me/.config/aigentflow/config.yaml"))


def configured(home: Path, text: str, **env: str) -> tuple[UserConfig, tuple[str, ...]]:
    folder = home / ".config" / "aigentflow"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return load_user_config({"HOME": str(home), **env})


@pytest.mark.parametrize(
    "raw",
    [
        {"review": "all", "gaps": {"minimumConfidence": 0.9}},
        {"aigentflow": {"review": "all", "gaps": {"minimumConfidence": 0.9}}},
        {"aigentflow.review": "all", "aigentflow.gaps.minimumConfidence": 0.9},
        {"review": "all", "gaps": {"minimum_confidence": 0.9}, "limits": {"turns": None}},
    ],
)
def test_options_arrive_nested_or_dotted(raw: dict[str, Any]) -> None:
    settings, problems = resolve(raw, USER)
    assert problems == ()
    assert (settings.review, settings.gaps.minimum_confidence, settings.limits.turns) == ("all", 0.9, 60)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"reviw": "all"}, "did you mean `aigentflow.review`"),
        ({"gaps": {"enable": False}}, "did you mean `aigentflow.gaps.enabled`"),
        ({"completelyElse": 1}, "`aigentflow.completelyElse` is not an option"),
        ({"review": "sometimes"}, "'risky' or 'all'"),
        ({"lenses": "yes"}, "`aigentflow.lenses` is 'yes'"),
        ({"limits": 3}, "not a group of options"),
        ({"limits": {"turns": 2.5}}, "valid integer"),
        ({"limits": {"turns": True}}, "valid integer"),
        ({"limits": {"usd": float("inf")}}, "finite"),
        ({"limits": {"usd": -1}}, "greater than 0"),
        ({"model": ["opus"]}, "valid string"),
    ],
)
def test_a_wrong_value_costs_itself_and_one_message(raw: dict[str, Any], told: str) -> None:
    settings, problems = resolve({**raw, "warmHost": False}, USER)
    assert len(problems) == 1 and told in problems[0]
    assert settings == USER.settings.model_copy(update={"warm_host": False})


@pytest.mark.parametrize("raw", [None, [], "x", 3, {"aigentflow": None}, {"aigentflow": []}])
def test_anything_may_arrive_in_their_place(raw: Any) -> None:
    assert resolve(raw, USER)[0] == USER.settings


def test_the_editor_may_lower_a_limit_and_not_raise_it() -> None:
    settings, problems = resolve({"limits": {"turns": 5, "usd": 100, "tokens": 10, "minutes": 31}}, USER)
    assert (settings.limits.turns, settings.limits.tokens) == (5, 10)
    assert (settings.limits.usd, settings.limits.minutes) == (5.0, 30.0)
    assert len(problems) == 2 and all("config.yaml" in problem for problem in problems)


def test_the_editor_may_make_review_stricter_and_not_milder(home: Path) -> None:
    strict, _ = configured(home, "review: all")
    settings, problems = resolve({"review": "risky"}, strict)
    assert settings.review == "all" and "stricter" in problems[0]
    assert resolve({"review": "all"}, USER)[0].review == "all"


def test_the_person_may_raise_everything() -> None:
    settings, problems = resolve({"limits": {"usd": 100}}, USER, narrow_only=False)
    assert settings.limits.usd == 100 and problems == ()


def test_service_key_and_trust_are_refused_from_the_editor_with_one_message() -> None:
    raw = {"aigentflow": {"service": {"url": "http://evil"}, "apiKey": "k", "base_url": "u", "boundaries": {}, "trust": True, "boxTier": 4}}
    settings, problems = resolve(raw, USER)
    assert settings == USER.settings
    assert len(problems) == 1
    assert all(f"`aigentflow.{name}`" in problems[0] for name in raw["aigentflow"])
    assert "evil" not in problems[0]


def test_the_config_file_and_the_environment_over_it(home: Path) -> None:
    text = """
model: sonnet
limits: {usd: 2, turns: 9}
warm_host: false
service: {headers: {X-Team: a}}
models: {m: {price: {input: 1, output: 2}}}
"""
    user, problems = configured(home, text, AIGENTFLOW_LIMITS_TURNS="70", AIGENTFLOW_GAPS_MINIMUM_CONFIDENCE="0.75")
    assert problems == ()
    assert (user.settings.model, user.settings.limits.usd, user.settings.limits.turns, user.settings.warm_host) == (
        "sonnet",
        2.0,
        70,
        False,
    )
    assert user.settings.gaps.minimum_confidence == 0.75
    assert user.service.headers == {"X-Team": "a"}
    assert user.models["m"]["price"]["input"] == 1


def test_the_address_of_the_file_fills_in_where_the_environment_has_none(home: Path) -> None:
    user, _ = configured(home, "service: {url: 'http://127.0.0.1:1'}")
    assert service_environment({}, user)["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:1"
    assert service_environment({"ANTHROPIC_BASE_URL": "http://other"}, user)["ANTHROPIC_BASE_URL"] == "http://other"


@pytest.mark.parametrize("text", ["a: [", "- just a list", "\x00", "a: &a [*a]\nb: !!python/object:os.system {}"])
def test_a_file_that_cannot_be_read_allows_no_change(home: Path, text: str) -> None:
    user, problems = configured(home, text)
    assert user.broken and len(problems) == 1 and "config.yaml" in problems[0]


def test_a_wrong_value_in_the_file_names_the_file(home: Path) -> None:
    user, problems = configured(home, "limits: {turns: many}\nservice: {adress: x}\nreview: all")
    assert user.settings.review == "all"
    assert len(problems) == 2 and all(str(user.path) in problem for problem in problems)


def test_boundaries_are_keyed_by_the_real_folder(home: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)
    text = f"""
boundaries:
  {link}:
    dev: {{allow: [src/**], deny: [src/x]}}
    '*': {{deny: [lib/**]}}
  ~/own:
    dev: {{allow: [a]}}
"""
    user, problems = configured(home, text)
    assert problems == ()
    assert user.boundary(real, "dev").allow == ("src/**",)
    assert user.boundary(real, "dev").deny == ("lib/**", "src/x")
    assert user.boundary(real, "other").allow is None
    assert user.boundary(home / "own", "dev").allow == ("a",)


@pytest.mark.parametrize("entry", ["{allow: 3}", "{alow: [x]}", "x", "{deny: {a: b}}", "{allow: [1]}"])
def test_a_boundary_that_cannot_be_understood_allows_nothing(home: Path, tmp_path: Path, entry: str) -> None:
    user, problems = configured(home, f"boundaries:\n  {tmp_path}:\n    dev: {entry}")
    assert user.boundary(tmp_path, "dev").allow == ()
    assert len(problems) == 1


def test_an_answer_is_remembered_and_the_file_wins(home: Path, tmp_path: Path) -> None:
    env = {"HOME": str(home)}
    remember_boundary(env, tmp_path, "dev", ["src/**"])
    remember_boundary(env, tmp_path, "tester", ["test/**"])
    user, problems = load_user_config(env)
    assert problems == ()
    assert (user.boundary(tmp_path, "dev").allow, user.boundary(tmp_path, "tester").allow) == (("src/**",), ("test/**",))
    user, _ = configured(home, f"boundaries: {{'{tmp_path}': {{dev: {{allow: []}}}}}}")
    assert (user.boundary(tmp_path, "dev").allow, user.boundary(tmp_path, "tester").allow) == ((), ("test/**",))


def test_every_option_is_described_and_listed() -> None:
    names = [name for name, _field in options()]
    assert "limits.usd" in names and len(names) == len(set(names))
    assert all(field.description for _name, field in options())
    assert list(settings_schema()) == [f"aigentflow.{name}" for name in names]
    assert variable("gaps.minimumConfidence") == "AIGENTFLOW_GAPS_MINIMUM_CONFIDENCE"


def test_the_readme_has_the_table() -> None:
    readme = Path(__file__).parents[2] / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    _before, start, rest = text.partition("<!-- settings -->")
    if start:
        told = "put the output of aigentflow.settings.settings_table() between the settings marks of README.md"
        assert rest.partition("<!-- /settings -->")[0].strip() == settings_table(), told
