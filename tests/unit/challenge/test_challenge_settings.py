"""Settings: defaults, and what is refused."""

from __future__ import annotations

import pytest

from libs.runtime.keys import new_secret
from libs.runtime.settings import load_settings
from services.challenge.settings import ChallengeSettings

_REQUIRED = {
    "HEARTHGATE_DATABASE_URL": "postgresql://app:pw@localhost/hearthgate_challenge",
    "HEARTHGATE_CODE_PEPPER": new_secret(),
    "HEARTHGATE_SEALING_KEYS": f"{new_secret()},{new_secret()}",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _REQUIRED.items():
        monkeypatch.setenv(name, value)


def test_the_defaults_are_those_of_the_standards() -> None:
    policy = load_settings(ChallengeSettings).policy()
    assert (policy.code_digits, policy.code_lifetime.seconds, policy.attempts_per_code) == (6, 600, 5)
    assert (policy.sends_per_account.count, policy.sends_per_destination.count) == (5, 5)
    assert (policy.failures.count, policy.failures.window.seconds, policy.consecutive_failures) == (20, 3600, 100)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEARTHGATE_CODE_PEPPER", "too-short-geheim"),
        ("HEARTHGATE_SEALING_KEYS", "geheim"),
        ("HEARTHGATE_SMTP_URL", "http://user:geheim@mail"),
        ("HEARTHGATE_TEXT_URL", "smpp://user:geheimgeheim@smsc"),
        ("HEARTHGATE_SMTP_FALLBACK_URL", "http://user:geheim@mail"),
        ("HEARTHGATE_TEXT_URL", "twilio+https://AC1:geheim@host"),
        ("HEARTHGATE_TEXT_URL", "twilio+http://AC1:geheim@host.example?from=x"),
        ("HEARTHGATE_TEXT_URL", "https://AC1:geheim@host.example?from=x"),
        ("HEARTHGATE_TEXT_FALLBACK_URL", "smpp://user:geheimgeheim@smsc"),
        ("HEARTHGATE_DKIM_PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----\\ngeheim\\n-----END PRIVATE KEY-----"),
        ("HEARTHGATE_DKIM_SELECTOR", "no geheim name"),
        ("HEARTHGATE_MAIL_FROM", "geheim"),
        ("HEARTHGATE_MAIL_FROM", "Hearthgate <geheim@bücher.example>"),
        ("HEARTHGATE_PUBLIC_DOMAIN", "Not A Domain geheim"),
        ("HEARTHGATE_DISOWN_URL", "http://geheim.example/not-me#{token}"),
        ("HEARTHGATE_DISOWN_URL", "https://geheim.example/not-me"),
        ("HEARTHGATE_DISOWN_URL", "https://geheim.example/{token}#{token}"),
        ("HEARTHGATE_CODE_DIGITS", "4"),
        ("HEARTHGATE_ATTEMPTS_PER_CODE", "6"),
        ("HEARTHGATE_CODE_LIFETIME_SECONDS", "601"),
        ("HEARTHGATE_APPROVAL_LIFETIME_SECONDS", "601"),
    ],
)
def test_a_bad_value_ends_the_start_with_the_settings_name_and_not_its_value(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as caught:
        load_settings(ChallengeSettings)
    assert caught.value.code == 78
    written = capsys.readouterr().err
    assert written.startswith(f"{name}: ")
    assert "geheim" not in written


@pytest.mark.parametrize("name", ["HEARTHGATE_CODE_PEPPER", "HEARTHGATE_SEALING_KEYS"])
def test_a_missing_key_is_named(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(SystemExit):
        load_settings(ChallengeSettings)
    assert name in capsys.readouterr().err
