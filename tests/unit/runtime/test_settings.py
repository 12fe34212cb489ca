"""Settings: read from the environment, refused with the variable's name and without its value."""

from __future__ import annotations

import pytest

from libs.runtime.settings import ServiceSettings, load_settings

CANARY = "canary-3f1c"
DSN = "postgresql://app:pw@127.0.0.1/hearthgate_identity"


class PolicySettings(ServiceSettings):
    """A service's own settings."""

    guest_days: int


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTHGATE_DATABASE_URL", DSN)
    monkeypatch.setenv("HEARTHGATE_GUEST_DAYS", "7")


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = "ab" * 32
    monkeypatch.setenv("HEARTHGATE_CALLERS", f'{{"gateway": ["{digest}"]}}')
    settings = load_settings(PolicySettings)
    assert settings.database_url.get_secret_value() == DSN
    assert settings.callers == {"gateway": [digest]}
    assert (settings.guest_days, settings.listen_address, settings.metrics_address) == (7, "127.0.0.1:0", "")


def test_settings_never_show_the_database_password() -> None:
    assert "app:pw" not in repr(load_settings(PolicySettings))


def test_settings_cannot_be_changed() -> None:
    settings = load_settings(PolicySettings)
    with pytest.raises(ValueError, match="frozen"):
        settings.guest_days = 8


def test_a_missing_setting_ends_the_process_with_its_variables_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HEARTHGATE_DATABASE_URL")
    with pytest.raises(SystemExit) as ended:
        load_settings(PolicySettings)
    assert ended.value.code == 78
    assert capsys.readouterr().err == "HEARTHGATE_DATABASE_URL: Field required\n"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HEARTHGATE_DATABASE_URL", f"mysql://{CANARY}"),
        ("HEARTHGATE_DATABASE_POOL_SIZE", CANARY),
        ("HEARTHGATE_CALLERS", f"{{{CANARY}"),
        ("HEARTHGATE_CALLERS", f'{{"gateway": ["{CANARY}"]}}'),
        ("HEARTHGATE_CALLERS", f'{{"{CANARY}": 5}}'),
        ("HEARTHGATE_LOG_LEVEL", CANARY),
        ("HEARTHGATE_LISTEN_ADDRESS", CANARY),
        ("HEARTHGATE_METRICS_ADDRESS", f"{CANARY}:70000"),
        ("HEARTHGATE_DRAIN_SECONDS", "-1"),
        ("HEARTHGATE_TLS_KEY_FILE", f"/etc/{CANARY}"),
        ("HEARTHGATE_GUEST_DAYS", CANARY),
    ],
)
def test_a_bad_setting_is_named_without_its_value(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        load_settings(PolicySettings)
    error = capsys.readouterr().err
    assert ended.value.code == 78
    assert variable in error
    assert CANARY not in error


def test_every_problem_has_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HEARTHGATE_DATABASE_POOL_SIZE", "0")
    monkeypatch.delenv("HEARTHGATE_GUEST_DAYS")
    with pytest.raises(SystemExit):
        load_settings(PolicySettings)
    names = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert names == ["HEARTHGATE_DATABASE_POOL_SIZE", "HEARTHGATE_GUEST_DAYS"]
