"""The list of what identity holds about an account. What a migration adds is to be added here; a test looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final
from uuid import UUID

from asyncpg import Record

from libs.persistence.privacy import Document, Holding, as_it_is
from services.identity.contact_keys import ContactKeys
from services.identity.domain.contact import Channel, mask_email, mask_phone
from services.identity.storage import password_guess_sql as guess_sql
from services.identity.storage import privacy_sql as sql

_FIRST_ID: Final = UUID(int=0)


def holdings(
    keys: ContactKeys, account_id: UUID, *, chain_id: UUID | None = None, guess_hashes: Sequence[bytes] = ()
) -> tuple[Holding, ...]:
    """In the order in which they are deleted: the account, on which the others stand, comes last.

    ``chain_id``: the subject of the account's audit log, for an export. ``guess_hashes``: what guesses at its password
    may be counted under, for who deletes.
    """

    def contact(row: Record) -> Iterable[Document]:
        channel = Channel(row["channel"])
        destination = keys.open(
            row["sealed_destination"], account_id=account_id, channel=channel, data_key=row["wrapped_key"]
        )
        yield {"channel": channel, "destination": destination, "verify_time": row["verify_time"]}

    def change(row: Record) -> Iterable[Document]:
        channel, contact_id = Channel(row["channel"]), row["contact_id"]
        sealed = {"destination": row["sealed_destination"], "former_destination": row["sealed_former"]}
        yield {
            "channel": channel,
            **{
                name: keys.open(value, account_id=account_id, channel=channel, contact_id=contact_id)
                for name, value in sealed.items()
                if value is not None
            },
            "create_time": row["create_time"],
            "done_time": row["done_time"],
        }

    def approver(row: Record) -> Iterable[Document]:
        channel, approver_id = Channel(row["channel"]), row["approver_id"]
        opened = keys.open(row["sealed_destination"], account_id=account_id, channel=channel, contact_id=approver_id)
        yield {
            "name": row["name"],
            "channel": channel,
            "masked_destination": mask_email(opened) if channel is Channel.EMAIL else mask_phone(opened),
            "profile_id": row["profile_id"],
            "create_time": row["create_time"],
            "verify_time": row["verify_time"],
        }

    return (
        *_protection(chain_id),
        _listed(
            "contact_changes",
            "contact_change",
            "contact_id",
            sql.EXPORT_CONTACT_CHANGES,
            sql.ERASE_CONTACT_CHANGES,
            documents=change,
        ),
        _listed("approvers", "approver", "approver_id", sql.EXPORT_APPROVERS, sql.ERASE_APPROVERS, documents=approver),
        *_members(),
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
        _withheld("contact_key", "contact_key", sql.ERASE_CONTACT_KEY, "The key that opens the contacts."),
        # Of the password only when it was set: its hash is a secret.
        Holding(kind="password", table="credential", export=sql.EXPORT_PASSWORD, erase=sql.ERASE_PASSWORD),
        *_guesses(guess_hashes or keys.account_guess_hashes(account_id)),
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


def _protection(chain_id: UUID | None) -> tuple[Holding, ...]:
    return (
        Holding(
            kind="account_events",
            table="audit_subject",
            export=sql.EXPORT_EVENTS,
            keys=("sequence",),
            first=(0,),
            export_subject=lambda _: chain_id,
            erase=sql.KEEP_CHAIN,
        ),
        _withheld("key_proofs", "spent_key_proof", sql.ERASE_KEY_PROOFS, "Digests of used-up signatures."),
        # Of a PIN only when it was set: its hash is a secret. Before the profiles, to which they belong.
        _listed("profile_pins", "profile_pin", "profile_id", sql.EXPORT_PINS, sql.ERASE_PINS),
        _listed("password_resets", "password_reset_demand", "demand_id", sql.EXPORT_DEMANDS, sql.ERASE_DEMANDS),
    )


def _guesses(hashes: Sequence[bytes]) -> tuple[Holding, ...]:
    """Before the addresses, by whose hashes they are found, too: there may be more of those than of contacts."""
    return (
        _withheld(
            "password_guesses",
            "password_guess",
            guess_sql.ERASE_GUESSES_OF_ADDRESSES,
            "How many wrong passwords were tried for the address, by whomever.",
        ),
        Holding(
            kind="more_password_guesses",
            table="password_guess",
            erase=guess_sql.ERASE_GUESSES_OF_ACCOUNT,
            withheld="The same of those who were signed in already.",
            subject=lambda _: list(hashes),
        ),
    )


def _members() -> tuple[Holding, ...]:
    return (
        _listed("extra_members", "extra_member", "member_id", sql.EXPORT_MEMBERS, sql.ERASE_MEMBERS),
        _withheld("invitations", "invitation", sql.ERASE_INVITATIONS, "Digests of invitations' secrets."),
        Holding(kind="membership", table="membership", export=sql.EXPORT_MEMBERSHIP, erase=sql.ERASE_MEMBERSHIP),
        _withheld(
            "places_on_hosts_plans",
            "extra_member",
            sql.ERASE_PLACES,
            "The place on another person's plan, as that person's account keeps it.",
            column="member_account_id",
        ),
        _withheld(
            "memberships_of_others",
            "membership",
            sql.ERASE_MEMBERSHIPS,
            "That other people are extra members of this account, as their accounts keep it.",
            column="host_account_id",
        ),
    )


def _listed(
    kind: str,
    table: str,
    key: str,
    export: str,
    erase: str,
    *,
    documents: Callable[[Record], Iterable[Document]] = as_it_is,
) -> Holding:
    return Holding(
        kind=kind, table=table, export=export, keys=(key,), first=(_FIRST_ID,), documents=documents, erase=erase
    )


def _withheld(kind: str, table: str, erase: str, reason: str, *, column: str = "account_id") -> Holding:
    return Holding(kind=kind, table=table, erase=erase, withheld=reason, column=column)
