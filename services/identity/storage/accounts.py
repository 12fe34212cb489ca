"""Accounts, their plans, passwords and contacts in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from services.identity.contact_keys import ContactForm, ContactKeys, LookupHash
from services.identity.domain.account import Account, AccountState, Plan, ProfileMove, Quality
from services.identity.domain.contact import Channel, Contact, owner_contact_id
from services.identity.domain.membership import EXTRA_MEMBER_PLAN_ID
from services.identity.envelope import is_enveloped
from services.identity.storage import contact_key_sql, sql
from services.identity.storage.members import membership_from_row


async def find_account(executor: Executor, account_id: UUID) -> Account | None:
    """The account, in whatever state."""
    row = await executor.fetch_row(sql.FIND_ACCOUNT, account_id)
    return account_from_row(row) if row else None


async def lock_account(transaction: Executor, account_id: UUID) -> AccountState | None:
    """The account's state, which nobody else changes until the transaction ends; None where there is no account."""
    state = await transaction.fetch_value(sql.LOCK_ACCOUNT, account_id)
    return AccountState(state) if state else None


async def insert_account(transaction: Executor, account: Account) -> None:
    """A new account, pending."""
    move = account.profile_move
    await transaction.execute(
        sql.INSERT_ACCOUNT,
        account.account_id,
        account.plan.plan_id,
        account.country_code,
        account.language,
        account.email_taken,
        move.source_account_id if move else None,
        move.profile_id if move else None,
        account.create_time,
    )


async def activate_account(transaction: Executor, account_id: UUID, now: datetime) -> None:
    """Make a pending account usable and its email proved."""
    await transaction.execute(sql.ACTIVATE_ACCOUNT, account_id, now)
    await transaction.execute(sql.VERIFY_CONTACT, account_id, Channel.EMAIL, now)


async def set_account_state(transaction: Executor, account_id: UUID, state: AccountState) -> None:
    """Hold, reopen or close an account that was activated once."""
    await transaction.execute(sql.SET_ACCOUNT_STATE, account_id, state)


async def list_plans(executor: Executor) -> list[Plan]:
    """Every plan, by name."""
    return [_plan_from_row(row) for row in await executor.fetch(sql.LIST_PLANS)]


async def find_first_password_hash(executor: Executor, account_id: UUID) -> str | None:
    """What a password is checked against while it is the one the account was made with; None after it was changed."""
    password_hash: str | None = await executor.fetch_value(sql.FIND_FIRST_CREDENTIAL, account_id)
    return password_hash


async def put_password_hash(transaction: Executor, account_id: UUID, password_hash: str, now: datetime) -> None:
    """Set the account's password."""
    await transaction.execute(sql.PUT_CREDENTIAL, account_id, password_hash, now)


async def insert_contact(
    transaction: Executor, keys: ContactKeys, *, account_id: UUID, channel: Channel, destination: str
) -> None:
    """A way to reach the owner, sealed, not proved yet."""
    sealed = await seal_contact(transaction, keys, account_id=account_id, channel=channel, destination=destination)
    await transaction.execute(sql.INSERT_CONTACT, account_id, channel, sealed)


async def seal_contact(
    transaction: Executor, keys: ContactKeys, *, account_id: UUID, channel: Channel, destination: str
) -> bytes:
    """An owner's contact as it is kept: under the account's data key, which is made where there is none."""
    data_key = await ensure_data_key(transaction, keys, account_id) if keys.form is ContactForm.ENVELOPE else None
    return keys.seal(destination, account_id=account_id, channel=channel, data_key=data_key)


async def list_contacts(executor: Executor, keys: ContactKeys, account_id: UUID) -> list[Contact]:
    """The ways to reach the owner, email first, with one statement. Raises OpenError where no key opens one.

    Where contacts are written in the old form the table of data keys may not be there yet, and is asked, as a second
    statement, only for contacts that were sealed with one.
    """
    if keys.form is ContactForm.ENVELOPE:
        rows = await executor.fetch(contact_key_sql.LIST_CONTACTS_AND_KEY, account_id)
        return [_contact_from_row(row, keys, account_id, row["wrapped_key"]) for row in rows]
    rows = await executor.fetch(sql.LIST_CONTACTS, account_id)
    data_key = None
    if any(is_enveloped(row["sealed_destination"]) for row in rows):
        data_key = await executor.fetch_value(contact_key_sql.FIND_DATA_KEY, account_id)
    return [_contact_from_row(row, keys, account_id, data_key) for row in rows]


async def ensure_data_key(transaction: Executor, keys: ContactKeys, account_id: UUID) -> bytes:
    """The account's data key, wrapped; made where there is none."""
    data_key: bytes = await transaction.fetch_value(
        contact_key_sql.ENSURE_DATA_KEY, account_id, keys.make_data_key(account_id), keys.current_id
    )
    return data_key


async def find_address(executor: Executor, hashes: Sequence[bytes]) -> UUID | None:
    """The account that an address belongs to."""
    account_id: UUID | None = await executor.fetch_value(sql.FIND_ADDRESS, list(hashes))
    return account_id


async def claim_address(transaction: Executor, hashes: Sequence[LookupHash], account_id: UUID) -> bool:
    """Give an address to an account; False where it is another's. Waits for a claim of the same address under way."""
    for email_hash in hashes:
        if email_hash.key_id is None:
            await transaction.execute(sql.CLAIM_ADDRESS, email_hash, account_id)
        else:
            await transaction.execute(contact_key_sql.CLAIM_MARKED, email_hash, account_id, email_hash.key_id)
    holders = [await find_address(transaction, [email_hash]) for email_hash in hashes]
    return all(holder == account_id for holder in holders)


def account_from_row(row: Record) -> Account:
    """The account whose columns, with its plan's, a row holds."""
    move = None
    if row["move_profile_id"] is not None:
        move = ProfileMove(source_account_id=row["move_source_account_id"], profile_id=row["move_profile_id"])
    membership = membership_from_row(row, state="membership_state")
    plan = _plan_from_row(row)
    if membership is not None and plan.plan_id == EXTRA_MEMBER_PLAN_ID:
        plan = replace(plan, quality=Quality(membership.host_quality))
    return Account(
        account_id=row["account_id"],
        state=AccountState(row["state"]),
        plan=plan,
        country_code=row["country_code"],
        language=row["language"],
        create_time=row["create_time"],
        email_taken=row["email_taken"],
        profile_move=move,
        membership=membership,
        members_in_use=row["members_in_use"],
    )


def _plan_from_row(row: Record) -> Plan:
    return Plan(
        plan_id=row["plan_id"],
        max_streams=row["max_streams"],
        max_download_devices=row["max_download_devices"],
        extra_member_slots=row["extra_member_slots"],
        quality=Quality(row["quality"]),
        orderable=row["orderable"],
    )


def _contact_from_row(row: Record, keys: ContactKeys, account_id: UUID, data_key: bytes | None) -> Contact:
    channel = Channel(row["channel"])
    destination = keys.open(row["sealed_destination"], account_id=account_id, channel=channel, data_key=data_key)
    contact_id = owner_contact_id(account_id, channel)
    return Contact(contact_id=contact_id, channel=channel, destination=destination, verified=row["verified"])
