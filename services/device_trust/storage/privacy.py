"""The list of what device_trust holds about an account. What a migration adds is to be added here; a test looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from asyncpg import Record

from libs.persistence.privacy import Document, Holding
from services.device_trust.domain.disclosure import tell_habits, tell_networks
from services.device_trust.domain.history import decode
from services.device_trust.domain.records import Device
from services.device_trust.storage import privacy_sql as sql
from services.device_trust.storage.rows import device_from

_FIRST_ID: Final = UUID(int=0)


def holdings(tell_device: Callable[[Device], Mapping[str, Any]]) -> tuple[Holding, ...]:
    """In the order in which they are deleted; ``tell_device`` judges a device and says why.

    The household, which is locked whenever anything is written, comes first: that waits for whoever is writing.
    """
    return (
        Holding(kind="household", table="household", export=sql.EXPORT_HOUSEHOLD, erase=sql.ERASE_HOUSEHOLD),
        Holding(
            kind="devices",
            table="device",
            export=sql.EXPORT_DEVICES,
            keys=("device_id",),
            first=("",),
            documents=lambda row: (tell_device(device_from(row)),),
            erase=sql.ERASE_DEVICES,
        ),
        Holding(
            kind="residences",
            table="residence",
            export=sql.EXPORT_RESIDENCES,
            keys=("residence_id",),
            first=(_FIRST_ID,),
            erase=sql.ERASE_RESIDENCES,
        ),
        Holding(
            kind="history", table="history", export=sql.EXPORT_HISTORY, documents=_history, erase=sql.ERASE_HISTORY
        ),
        Holding(
            kind="presence",
            table="presence",
            export=sql.EXPORT_PRESENCE,
            keys=("device_id", "day", "network_hash"),
            first=("", date.min, b""),
            documents=_without_hash,
            erase=sql.ERASE_PRESENCE,
        ),
        _listed("sightings", "sighting_seen", "sighting_id", sql.EXPORT_SIGHTINGS, sql.ERASE_SIGHTINGS),
        _listed("allowance_uses", "allowance_use", "use_id", sql.EXPORT_ALLOWANCE_USES, sql.ERASE_ALLOWANCE_USES),
        _listed("travels", "travel", "travel_id", sql.EXPORT_TRAVELS, sql.ERASE_TRAVELS),
        Holding(
            kind="networks_seen",
            table="network_seen",
            export=sql.EXPORT_NETWORKS_SEEN,
            keys=("network_hash",),
            first=(b"",),
            documents=_without_hash,
            erase=sql.ERASE_NETWORKS_SEEN,
        ),
        Holding(
            kind="requests",
            table="request",
            withheld="Answers kept for repeated requests; what they tell stands in the other files.",
            erase=sql.ERASE_REQUESTS,
        ),
    )


def _listed(kind: str, table: str, key: str, export: str, erase: str) -> Holding:
    return Holding(kind=kind, table=table, export=export, keys=(key,), first=(_FIRST_ID,), erase=erase)


def _history(row: Record) -> Iterable[Document]:
    history = decode(row["data"])
    yield {"account": tell_habits(history)}
    yield from ({"place": each} for each in tell_networks(history))


def _without_hash(row: Record) -> Iterable[Document]:
    yield {name: value for name, value in row.items() if name != "network_hash"}
