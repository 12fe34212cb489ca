"""The list of what identity holds about an account. What a migration adds is to be added here; a test looks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from asyncpg import Record

from libs.persistence.privacy import Document, Holding
from services.identity.contact_keys import ContactKeys
from services.identity.domain.contact import Channel
from services.identity.storage import privacy_sql as sql

_FIRST_ID: Final = UUID(int=0)


def holdings(keys: ContactKeys, account_id: UUID) -> tuple[Holding, ...]:
    """In the order in which they are deleted: the account, on which the others stand, comes last."""

    def contact(row: Record) -> Iterable[Document]:
        channel = Channel(row["channel"])
        destination = keys.open(row["sealed_destination"], account_id=account_id, channel=channel)
        yield {"channel": channel, "destination": destination, "verify_time": row["verify_time"]}

    return (
        _withheld("spent_refresh_tokens", "spent_refresh_token", sql.ERASE_SPENT_TOKENS, "Digests of used-up tokens."),
        Holding(
            kind="sessions",
            table="session",
            export=sql.EXPORT_SESSIONS,
            keys=("session_id",),
            first=(_FIRST_ID,),
            erase=sql.ERASE_SESSIONS,
        ),
        _withheld("requests", "request", sql.ERASE_REQUESTS, "Digests by which a repeated request is recognised."),
        Holding(
            kind="profiles",
            table="profile",
            export=sql.EXPORT_PROFILES,
            keys=("profile_id",),
            first=(_FIRST_ID,),
            erase=sql.ERASE_PROFILES,
        ),
        Holding(
            kind="contacts",
            table="contact",
            export=sql.EXPORT_CONTACTS,
            keys=("channel",),
            first=("",),
            documents=contact,
            erase=sql.ERASE_CONTACTS,
        ),
        # Of the password only when it was set: its hash is a secret.
        Holding(kind="password", table="credential", export=sql.EXPORT_PASSWORD, erase=sql.ERASE_PASSWORD),
        _withheld("addresses", "email_address", sql.ERASE_ADDRESSES, "A keyed hash of the address in contacts."),
        _withheld("sign_ups", "sign_up", sql.ERASE_SIGN_UPS, "A digest of the sign-up that made the account."),
        _withheld(
            "requests_of_moved_profiles",
            "request",
            sql.FORGET_MAKING_OF_PROFILES,
            "Digests by which the making of a profile is recognised that came from another account.",
            column="made_id",
        ),
        _withheld(
            "marks_of_moved_profiles",
            "profile",
            sql.ERASE_MARKS_OF_PROFILES,
            "That a profile came from another account is noted there, too.",
            column="moved_to_account_id",
        ),
        _withheld(
            "marks_of_moves",
            "profile",
            sql.UNBIND_MOVES,
            "That a profile was to come from another account is noted there, too.",
            column="moving_to_account_id",
        ),
        _withheld(
            "marks_of_sources",
            "account",
            sql.FORGET_SOURCES,
            "Where a profile went when it left is another person's account.",
            column="move_source_account_id",
        ),
        Holding(kind="account", table="account", export=sql.EXPORT_ACCOUNT, erase=sql.ERASE_ACCOUNT),
    )


def _withheld(kind: str, table: str, erase: str, reason: str, *, column: str = "account_id") -> Holding:
    return Holding(kind=kind, table=table, erase=erase, withheld=reason, column=column)
