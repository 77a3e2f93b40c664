"""Secrets leave nothing behind in what is written."""

from __future__ import annotations

import pytest

from aigentflow.redaction import MARK, Redactor, secret_values

PLAIN = Redactor({})
BEGIN, KEY = "-----BEGIN", "PRIVATE KEY-----"


@pytest.mark.parametrize(
    "secret",
    [
        "sk-" + "ant-api03-abcdefghijklmnopqrstuvwxyz_0123",
        "ghp_" + "a" * 36,
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "eyJ" + "hbGciOiJIUzI1" + ".eyJ" + "zdWIiOiIxMjM0" + ".c2lnbmF0dXJlMTIz",
        "xoxb-" + "123456789012-abcdef",
    ],
)
def test_the_shape_of_a_key_is_recognised(secret: str) -> None:
    assert secret not in PLAIN.text(f"const key = '{secret}';")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]"),
        ('{"x-api-key": "whatever-it-is"}', '{"x-api-key": "[redacted]"}'),
        ("postgres://app:hunter2@db:5432/x", "postgres://app:[redacted]@db:5432/x"),
    ],
)
def test_only_the_value_is_replaced(text: str, kept: str) -> None:
    assert PLAIN.text(text) == kept


def test_a_private_key_goes_as_a_whole() -> None:
    text = f"before\n{BEGIN} RSA {KEY}\nMIIB\nAAAA==\n-----END RSA {KEY}\nafter"
    assert PLAIN.text(text) == f"before\n{MARK}\nafter"


@pytest.mark.parametrize(
    "name",
    ["ANTHROPIC_API_KEY", "MY_TOKEN", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "TOKEN_2", "service_credentials", "ANTHROPIC_AUTH_TOKEN"],
)
def test_the_value_of_a_secret_variable_is_replaced_everywhere(name: str) -> None:
    redactor = Redactor({name: "correct horse battery"})
    assert redactor.value({"a": ["x correct horse battery y", 1, None]}) == {"a": [f"x {MARK} y", 1, None]}


def test_the_values_of_custom_headers_are_secrets() -> None:
    assert secret_values({"ANTHROPIC_CUSTOM_HEADERS": "X-Team: one-two-three\nX-N: 1"}) == ("one-two-three",)


@pytest.mark.parametrize(
    "text", ["const token = await getToken();", "http://localhost:3000/path", "sk-learn and task-runner", "a:b@c", "the bearer of news"]
)
def test_plain_text_stays(text: str) -> None:
    assert Redactor({"FEATURE_KEY": "on", "PATH": "/usr/bin"}).text(text) == text


@pytest.mark.parametrize("text", [f"{BEGIN} {KEY}" * 3000, "a://" * 50_000, "authorization " * 20_000, "eyJa" * 50_000, "sk-" * 50_000])
@pytest.mark.timeout(30)
def test_no_text_makes_it_slow(text: str) -> None:
    PLAIN.text(text)
