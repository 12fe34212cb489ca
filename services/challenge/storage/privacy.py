"""The list of what the challenge service holds about an account. What a migration adds is added here; a test looks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from asyncpg import Record

from libs.persistence.privacy import Document, Holding, by_all_contacts, by_contacts
from services.challenge.storage import privacy_sql as sql

_FIRST_ID: Final = UUID(int=0)


def _delivery(row: Record) -> Iterable[Document]:
    """A message without the sealed tokens of its links."""
    told = {name: value for name, value in json.loads(row["parameters"]).items() if not name.startswith("sealed_")}
    yield {**row, "parameters": told}


def _without_hash(row: Record) -> Iterable[Document]:
    yield {name: value for name, value in row.items() if name != "destination_hash"}


HOLDINGS: Final = (
    # First: the codes, which go next, know some of the hashes.
    Holding(
        kind="sends_by_address",
        table="destination_send_window",
        withheld="When messages went to addresses and numbers, kept under keyed hashes; the messages tell the same.",
        erase=sql.ERASE_DESTINATIONS,
        column="destination_hash",
        subject=by_all_contacts,
    ),
    Holding(
        kind="codes_and_questions",
        table="challenge",
        export=sql.EXPORT_CHALLENGES,
        keys=("challenge_id",),
        first=(_FIRST_ID,),
        erase=sql.ERASE_CHALLENGES,
    ),
    Holding(
        kind="messages",
        table="delivery",
        export=sql.EXPORT_DELIVERIES,
        keys=("delivery_id",),
        first=(_FIRST_ID,),
        documents=_delivery,
        erase=sql.ERASE_DELIVERIES,
    ),
    Holding(
        kind="wrong_codes",
        table="failure_budget",
        export=sql.EXPORT_FAILURES,
        keys=("purpose",),
        first=("",),
        erase=sql.ERASE_FAILURES,
    ),
    Holding(
        kind="sends",
        table="account_send_window",
        export=sql.EXPORT_SENDS,
        keys=("kind",),
        first=("",),
        erase=sql.ERASE_SENDS,
    ),
    Holding(
        kind="provider_messages",
        table="provider_message",
        withheld="Hashes of providers' own ids, by which their receipts find the messages.",
        erase=sql.ERASE_PROVIDER_MESSAGES,
    ),
    Holding(
        kind="requests",
        table="request",
        withheld="Digests by which a repeated request is recognised.",
        erase=sql.ERASE_REQUESTS,
    ),
    Holding(
        kind="unsubscriptions",
        table="suppression",
        export=sql.EXPORT_SUPPRESSIONS,
        keys=("destination_hash", "kind"),
        first=(b"", ""),
        documents=_without_hash,
        erase=sql.ERASE_SUPPRESSIONS,
        column="destination_hash",
        subject=by_contacts,
    ),
)
