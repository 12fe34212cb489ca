"""What each service of a local stack is told: its own database, keys and neighbours, and nothing of another's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from libs.devstack.secrets import LEAVES, Secrets

OPEN = '["*"]'
"""On this machine's loopback anyone may call the gateway; in production its callers prove themselves."""

ANCHORS = "audit-anchors.jsonl"
"""The audit log's anchors, in the data folder."""
NOT_ME_PAGE = "https://www.hearthgate.example/not-me#{token}"
"""The operator's page of "it wasn't me" in mails. There is none here: the demo does what its button would do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What the services of a stack find: database URLs by service, addresses by service, mail and text providers, and
    the folder for what they write.
    """

    database_urls: Mapping[str, str]
    addresses: Mapping[str, str]
    smtp_url: str
    text_url: str
    data_dir: Path


def environment_of(service: str, secrets: Secrets, around: Surroundings) -> dict[str, str]:
    """The environment of one service."""
    common = {"HEARTHGATE_DATABASE_URL": around.database_urls[service]}
    if service == "gateway":
        return common | _gateway(secrets, around)
    return common | {"HEARTHGATE_CALLERS": secrets.callers()} | _of_leaf(service, secrets, around)


def _of_leaf(service: str, secrets: Secrets, around: Surroundings) -> dict[str, str]:
    match service:
        case "identity":
            return {
                "HEARTHGATE_CONTACT_KEYS": secrets["contact_key"],
                "HEARTHGATE_CONTACT_FORM": "envelope",
                "HEARTHGATE_AUDIT_ANCHOR_FILE": str(around.data_dir / ANCHORS),
            }
        case "device_trust":
            return {"HEARTHGATE_NETWORK_KEY": secrets["network_key"]}
        case "challenge":
            return {
                "HEARTHGATE_CODE_PEPPER": secrets["code_pepper"],
                "HEARTHGATE_SEALING_KEYS": secrets["sealing_key"],
                "HEARTHGATE_SMTP_URL": around.smtp_url,
                "HEARTHGATE_TEXT_URL": around.text_url,
                "HEARTHGATE_DISOWN_URL": NOT_ME_PAGE,
            }
    return {}


def _gateway(secrets: Secrets, around: Surroundings) -> dict[str, str]:
    addresses = {f"HEARTHGATE_{leaf.upper()}_ADDRESS": around.addresses[leaf] for leaf in LEAVES}
    return addresses | {
        "HEARTHGATE_CALLER_SECRET": secrets["gateway_secret"],
        "HEARTHGATE_MASTER_KEYS": secrets["master_key"],
        "HEARTHGATE_PUBLIC_CALLERS": OPEN,
        "HEARTHGATE_OPERATOR_CALLERS": OPEN,
    }
