"""A search for whatever is left of an account in any table of the five databases, what is sealed there opened."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from services.gateway.settings import GatewaySettings
from services.gateway.storage import notices
from services.identity.domain.contact import Channel
from tests.contract.gateway.gateway_world import World

SERVICES = ("identity", "device_trust", "challenge", "download_planning", "gateway")
_COLUMNS: Final = """
select table_name || '.' || column_name as place from information_schema.columns
where table_schema = 'public' and (data_type = 'bytea' or udt_name = '_bytea')
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a table, and what it takes to open it."""

    world: World
    values: Record
    data_keys: Mapping[UUID, bytes]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def _of_contact(row: Row) -> str:
    account_id, channel = row["account_id"], Channel(row["channel"])
    keys, data_key = row.world.identity.keys, row.data_keys.get(account_id)
    return keys.open(row["sealed_destination"], account_id=account_id, channel=channel, data_key=data_key)


def _of_change(column: str, key: str) -> Callable[[Row], str]:
    def opened(row: Row) -> str:
        bound = {"account_id": row["account_id"], "channel": Channel(row["channel"]), "contact_id": row[key]}
        return row.world.identity.keys.open(row[column], **bound)

    return opened


def _of_place(row: Row) -> str:
    keys = row.world.identity.keys
    return keys.open_invited(row["sealed_email"], account_id=row["account_id"], member_id=row["member_id"])


def _of_notice(row: Row) -> str:
    claimed = notices.ClaimedNotice(
        account_id=row["account_id"],
        notice_id=row["notice_id"],
        sealed=row["sealed_notice"],
        attempt=row["attempt_count"],
        expire_time=row["expire_time"],
    )
    notice = notices.open_notice(GatewaySettings(**row.world.gateway_fields).notice_keys(), claimed)
    return f"{notice.kind} {notice.about} {notice.disown_token}"


def _of_client(key: str) -> Callable[[Row], str]:
    return lambda row: row.world.gateway.sealing_keys.open(row["client"], row[key].bytes).decode(errors="replace")


def _of_parameters(row: Row) -> str:
    """A message's tokens. Fails for a sealed one that it does not know."""
    keys, bound = row.world.code_keys, (row["account_id"], row["delivery_id"])
    opened = []
    for name, value in json.loads(row["parameters"]).items():
        if name == "sealed_disown_token":
            opened.append(keys.open_disown_token(*bound, value))
        elif name == "sealed_invitation":
            opened.append(keys.open_invitation(*bound, b64decode(value)))
        elif name.startswith("sealed_"):
            raise AssertionError(f"nobody opens {name}")
    return "\n".join(opened)


OPENED: Final[Mapping[str, Callable[[Row], str]]] = {
    "identity.contact.sealed_destination": _of_contact,
    "identity.contact_change.sealed_destination": _of_change("sealed_destination", "contact_id"),
    "identity.contact_change.sealed_former": _of_change("sealed_former", "contact_id"),
    "identity.approver.sealed_destination": _of_change("sealed_destination", "approver_id"),
    "identity.extra_member.sealed_email": _of_place,
    "challenge.challenge.sealed_code": lambda row: row.world.code_keys.open_code(
        row["account_id"], row["challenge_id"], row["sealed_code"]
    ),
    "challenge.delivery.sealed_destination": lambda row: row.world.code_keys.open_destination(
        row["account_id"], row["delivery_id"], row["sealed_destination"]
    ),
    "challenge.delivery.parameters": _of_parameters,
    "gateway.pending_notice.sealed_notice": _of_notice,
    "gateway.asker.client": _of_client("challenge_id"),
    "gateway.own_account.client": _of_client("own_account_id"),
}
"""How each sealed column is opened with the services' own keys: an address that is sealed is held all the same."""

_DIGESTS: Final = ("_digest", "_hash", "_hashes", "fingerprint", "key_id")
_PLAIN: Final = {
    "identity.session.device_key": "a public key",
    "identity.audit_subject.salt": "random",
    "identity.audit_event.hash": "a hash",
    "identity.audit_anchor_leaf.hash": "a hash",
    **dict.fromkeys([f"identity.audit_event.{name}" for name in ("device", "session", "object")], "a pseudonym"),
    "identity.contact_key.wrapped_key": "a key, with which contacts are opened here",
    "identity.password_guess.holder": "a keyed hash, or a word",
    "device_trust.history.data": "packed, in the clear",
    "device_trust.device.last_network": "a keyed hash",
    "device_trust.crowd.key": "a keyed hash, or a number",
    "download_planning.wanted_state.plan": "packed, in the clear",
    "download_planning.plan_explanation.explanation": "packed, in the clear",
}
"""Other columns of bytes, and what is in them."""


async def unopened(world: World, opened: Mapping[str, Any] = OPENED) -> set[str]:
    """Columns of bytes that are neither opened, nor known to hold nothing sealed."""
    found = set()
    for service in SERVICES:
        for row in await world.databases[service].fetch(_COLUMNS):
            found.add(f"{service}.{row['place']}")
    missing = (set(opened) | set(_PLAIN)) - found - {"challenge.delivery.parameters"}
    assert not missing, f"the database has no {missing}"
    return {place for place in found - set(opened) - set(_PLAIN) if not place.endswith(_DIGESTS)}


async def found(world: World, traces: dict[str, list[bytes]], used: set[str] | None = None) -> dict[str, set[str]]:
    """In which tables each sort of trace stands: every table of every database, as text and as bytes.

    ``used`` gets the sealed columns in which there was something.
    """
    hits: dict[str, set[str]] = {name: set() for name in traces}
    keys = await world.databases["identity"].fetch("select account_id, wrapped_key from contact_key")
    data_keys = {row["account_id"]: row["wrapped_key"] for row in keys}
    for service in SERVICES:
        database = world.databases[service]
        tables = await database.fetch(
            "select table_name from information_schema.tables where table_schema = 'public' order by table_name"
        )
        for table in (row["table_name"] for row in tables):
            rows = await database.fetch(f'select t.* from "{table}" t')  # noqa: S608 - a name from the catalogue
            dump = b"\n".join(_dumped(value) for row in rows for value in row.values())
            for row in rows:
                for column, content in _opened(Row(world=world, values=row, data_keys=data_keys), f"{service}.{table}"):
                    dump += b"\n" + content.encode()
                    if used is not None:
                        used.add(column)
            for name, looked_for in traces.items():
                if any(each in dump for each in looked_for):
                    hits[name].add(f"{service}.{table}")
    return hits


def _opened(row: Row, table: str) -> list[tuple[str, str]]:
    columns = [each for each in OPENED if each.rpartition(".")[0] == table]
    contents = [(each, OPENED[each](row)) for each in columns if row[each.rpartition(".")[2]] is not None]
    return [(column, content) for column, content in contents if content]


def _dumped(value: Any) -> bytes:
    """A value as text, and, of bytes, as they are, so that an id within a packed value is found, too."""
    match value:
        case bytes():
            return value + b"\n" + value.hex().encode()
        case list() | tuple():
            return b"\n".join(_dumped(each) for each in value)
        case dict():
            return json.dumps(value, default=str).encode()
    return str(value).encode()
