"""The secrets of a local stack, and who is told which."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from libs.devstack.environment import Surroundings, environment_of
from libs.devstack.secrets import CALLERS, FILE_NAME, LEAVES, SERVICES, Secrets
from libs.runtime.keys import decode_key, secret_digest

ALLOWED = {
    "identity": {"contact_key"},
    "device_trust": {"network_key"},
    "challenge": {"code_pepper", "sealing_key"},
    "download_planning": set[str](),
    "gateway": {"gateway_secret", "master_key"},
}


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    """New ones."""
    return Secrets.of(tmp_path)


@pytest.fixture
def stored(secrets: Secrets, tmp_path: Path) -> dict[str, str]:
    """All that stand in the file, by name."""
    values: dict[str, str] = json.loads((tmp_path / FILE_NAME).read_text())
    return values


def surroundings(secrets: Secrets) -> Surroundings:
    """A stack's, with a password of its own in each service's database URL."""
    return Surroundings(
        database_urls={
            service: f"postgresql://hearthgate_{service}:{secrets[f'{service}_app_password']}@127.0.0.1:1/x"
            for service in SERVICES
        },
        addresses={service: f"127.0.0.1:{7400 + number}" for number, service in enumerate(SERVICES)},
        smtp_url="smtp://user:the-mail-password@127.0.0.1:25",
        text_url="smpp://user:the-text-password@127.0.0.1:2775",
        data_dir=Path("/data"),
    )


def test_they_are_made_once_and_kept_over_restarts(tmp_path: Path) -> None:
    Secrets.of(tmp_path)
    before = (tmp_path / FILE_NAME).read_bytes()
    assert Secrets.of(tmp_path)["master_key"] == json.loads(before)["master_key"]
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_their_owner_alone_can_read_them_and_nothing_else_is_left_in_the_folder(
    secrets: Secrets, tmp_path: Path
) -> None:
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]


def test_what_a_newer_version_needs_is_added_and_the_rest_kept(
    secrets: Secrets, stored: dict[str, str], tmp_path: Path
) -> None:
    older = {name: value for name, value in stored.items() if name != "code_pepper"}
    (tmp_path / FILE_NAME).write_text(json.dumps(older))
    Secrets.of(tmp_path)
    newer = json.loads((tmp_path / FILE_NAME).read_text())
    assert newer.keys() == stored.keys()
    assert {name: value for name, value in newer.items() if name in older} == older
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_each_is_another_and_long_enough_for_a_key(stored: dict[str, str]) -> None:
    assert len(set(stored.values())) == len(stored)
    assert all(len(decode_key(value)) == 32 for value in stored.values())


def test_their_repr_hides_them(secrets: Secrets, stored: dict[str, str]) -> None:
    assert not [value for value in stored.values() if value in f"{secrets!r} {secrets!s}"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_its_own_secrets_and_no_others(
    service: str, secrets: Secrets, stored: dict[str, str]
) -> None:
    told = "\n".join(environment_of(service, secrets, surroundings(secrets)).values())
    found = {name for name, value in stored.items() if value in told}
    assert found == ALLOWED[service] | {f"{service}_app_password"}


@pytest.mark.parametrize("service", SERVICES)
def test_only_challenge_is_told_how_mails_and_texts_are_sent(service: str, secrets: Secrets) -> None:
    told = " ".join(environment_of(service, secrets, surroundings(secrets)).values())
    assert ("the-mail-password" in told) == ("the-text-password" in told) == (service == "challenge")


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_knows_its_callers_by_digests_alone(leaf: str, secrets: Secrets) -> None:
    callers = json.loads(environment_of(leaf, secrets, surroundings(secrets))["HEARTHGATE_CALLERS"])
    assert callers == {caller: [secret_digest(secrets[f"{caller}_secret"])] for caller in CALLERS}


def test_the_gateway_alone_is_told_where_the_leaves_are(secrets: Secrets) -> None:
    around = surroundings(secrets)
    gateway = environment_of("gateway", secrets, around)
    for leaf in LEAVES:
        assert gateway[f"HEARTHGATE_{leaf.upper()}_ADDRESS"] == around.addresses[leaf]
        assert not [name for name in environment_of(leaf, secrets, around) if name.endswith("_ADDRESS")]
