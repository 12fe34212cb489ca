"""Networks from addresses, and settings from the environment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from libs.runtime.keys import new_secret
from libs.runtime.settings import load_settings
from services.device_trust.domain.networks import NetworkHasher
from services.device_trust.domain.policy import Policy
from services.device_trust.settings import DeviceTrustSettings

HASHER = NetworkHasher(b"k" * 32)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.1", "203.0.113.254", True),
        ("203.0.113.1", "203.0.112.1", False),
        ("203.0.113.1", "::ffff:203.0.113.9", True),
        ("2001:db8:0:ab00::1", "2001:db8:0:abff:1::", True),
        ("2001:db8:0:ab00::1", "2001:db8:0:ac00::1", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_a_network_is_a_24_of_ipv4_and_a_56_of_ipv6(one: str, other: str, same: bool) -> None:
    assert (HASHER.hash(one) == HASHER.hash(other)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.1", "203.0.9.1", True),
        ("203.0.113.1", "203.1.113.1", False),
        ("203.0.113.1", "::ffff:203.0.9.9", True),
        ("2001:db8:0:ab00::1", "2001:db8:ffff::1", True),
        ("2001:db8:0:ab00::1", "2001:db9:0:ab00::1", False),
    ],
)
def test_a_provider_s_block_is_a_16_of_ipv4_and_a_32_of_ipv6(one: str, other: str, same: bool) -> None:
    assert (HASHER.look(one).wide == HASHER.look(other).wide) is same


@pytest.mark.parametrize(
    ("address", "v6"), [("203.0.113.1", False), ("::ffff:203.0.113.1", False), ("2001:db8::1", True)]
)
def test_the_two_families_are_told_apart_and_share_no_hash(address: str, v6: bool) -> None:
    network = HASHER.look(address)
    assert network.v6 is v6
    assert network.narrow == HASHER.hash(address)
    assert not network.narrow.startswith(network.wide)


def test_a_hash_tells_nothing_without_its_key() -> None:
    assert len(HASHER.hash("203.0.113.1")) == 16
    assert HASHER.hash("203.0.113.1") != NetworkHasher(b"x" * 32).hash("203.0.113.1")


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        HASHER.hash("203.0.113")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("HEARTHGATE_DATABASE_URL", "postgresql://localhost/device_trust")
    monkeypatch.setenv("HEARTHGATE_NETWORK_KEY", new_secret())
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_the_settings_default_to_the_policy_s_own_defaults() -> None:
    assert load_settings(DeviceTrustSettings).policy() == Policy()


def test_seconds_and_counts_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HEARTHGATE_DEFERRAL_SECONDS", "5")
    environment.setenv("HEARTHGATE_GUEST_LEASES_PER_PERIOD", "7")
    policy = load_settings(DeviceTrustSettings).policy()
    assert (policy.deferral, policy.guest_leases_per_account) == (timedelta(seconds=5), 7)


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("HOME_PRESENCE_DAYS", "20", "home_presence", timedelta(days=20)),
        ("HOME_PRESENCE_MAX_DAYS", "200", "home_presence_max", timedelta(days=200)),
        ("LEARNING_DAYS", "0", "learning", timedelta()),
        ("TOLERATED_DAYS", "0", "tolerated_days", 0),
        ("TOLERATED_DAYS_PER_ACCOUNT", "9", "tolerated_days_account", 9),
        ("THIEF_THRESHOLD", "0.75", "thief_threshold", 0.75),
        ("OUTSIDER_THRESHOLD", "0.25", "outsider_threshold", 0.25),
        ("GUEST_DAYS_PER_QUARTER", "11", "guest_days_90", 11),
        ("GUEST_DAYS_PER_YEAR", "22", "guest_days_365", 22),
    ],
)
def test_every_number_of_the_rules_may_be_set(
    environment: pytest.MonkeyPatch, name: str, value: str, field: str, expected: object
) -> None:
    environment.setenv(f"HEARTHGATE_{name}", value)
    assert getattr(load_settings(DeviceTrustSettings).policy(), field) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("TOLERATED_DAYS", "-1"), ("THIEF_THRESHOLD", "0"), ("THIEF_THRESHOLD", "1.1"), ("GUEST_DAYS_PER_QUARTER", "91")],
)
def test_a_number_out_of_its_range_ends_the_start_by_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    environment.setenv(f"HEARTHGATE_{name}", value)
    with pytest.raises(SystemExit) as ended:
        load_settings(DeviceTrustSettings)
    assert ended.value.code == 78
    assert capsys.readouterr().err.startswith(f"HEARTHGATE_{name}: ")


@pytest.mark.parametrize("key", ["", "not base64!", "dG9vIHNob3J0"])
def test_a_bad_key_ends_the_start_by_name_and_is_not_repeated(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    environment.setenv("HEARTHGATE_NETWORK_KEY", key)
    with pytest.raises(SystemExit) as ended:
        load_settings(DeviceTrustSettings)
    assert ended.value.code == 78
    complaint = capsys.readouterr().err
    assert complaint.startswith("HEARTHGATE_NETWORK_KEY: ")
    assert not key or key not in complaint
