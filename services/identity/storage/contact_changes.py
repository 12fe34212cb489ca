"""Contact changes in the database, and the addresses that they claim and release."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from services.identity.contact_keys import ContactKeys
from services.identity.domain.contact import Channel
from services.identity.domain.contact_change import ContactChange
from services.identity.storage import accounts, contact_sql


async def find_change(
    executor: Executor, keys: ContactKeys, account_id: UUID, contact_id: UUID
) -> ContactChange | None:
    """A change by its id."""
    row = await executor.fetch_row(contact_sql.FIND_CHANGE, account_id, contact_id)
    return _change_from_row(row, keys) if row else None


async def find_waiting(
    executor: Executor, keys: ContactKeys, account_id: UUID, channel: Channel
) -> ContactChange | None:
    """The channel's change that waits for its proof."""
    row = await executor.fetch_row(contact_sql.FIND_WAITING_CHANGE, account_id, channel)
    return _change_from_row(row, keys) if row else None


async def find_restorable(
    executor: Executor, keys: ContactKeys, account_id: UUID, since: datetime
) -> ContactChange | None:
    """The first change of the email address after a moment, unless what it did was undone since."""
    row = await executor.fetch_row(contact_sql.FIND_RESTORABLE_CHANGE, account_id, since)
    return _change_from_row(row, keys) if row else None


async def find_latest(executor: Executor, keys: ContactKeys, account_id: UUID, since: datetime) -> ContactChange | None:
    """The latest change of the email address that was done after a moment."""
    row = await executor.fetch_row(contact_sql.FIND_LATEST_CHANGE, account_id, since)
    return _change_from_row(row, keys) if row else None


async def insert_change(transaction: Executor, keys: ContactKeys, change: ContactChange) -> None:
    """A change that waits for its proof."""
    account_id, contact_id, channel = change.account_id, change.contact_id, change.channel
    sealed = keys.seal(change.destination, account_id=account_id, channel=channel, contact_id=contact_id)
    await transaction.execute(
        contact_sql.INSERT_CHANGE, account_id, contact_id, channel, sealed, change.restoring, change.create_time
    )


async def delete_waiting(transaction: Executor, change: ContactChange) -> None:
    """Take back a change that waits; what it claimed is released by :func:`release_unused`."""
    await transaction.execute(contact_sql.DELETE_CHANGE, change.account_id, change.contact_id)


async def forget_old(transaction: Executor, account_id: UUID, until: datetime) -> None:
    """Forget what an account's contacts were before that moment."""
    await transaction.execute(contact_sql.DELETE_OLD_CHANGES, account_id, until)


async def mark_claimed(transaction: Executor, change: ContactChange, now: datetime) -> None:
    """Its address is entered as the account's."""
    await transaction.execute(contact_sql.MARK_CLAIMED, change.account_id, change.contact_id, now)


async def put_in_use(
    transaction: Executor, keys: ContactKeys, change: ContactChange, former: str, now: datetime
) -> None:
    """Make the change the account's contact, proved; ``former``, where there is one, is kept with it."""
    account_id, contact_id, channel = change.account_id, change.contact_id, change.channel
    sealed = await accounts.seal_contact(
        transaction, keys, account_id=account_id, channel=channel, destination=change.destination
    )
    await transaction.execute(contact_sql.PUT_CONTACT, account_id, channel, sealed, now)
    before = keys.seal(former, account_id=account_id, channel=channel, contact_id=contact_id) if former else None
    await transaction.execute(contact_sql.MARK_DONE, account_id, contact_id, now, before)


async def delete_contact(transaction: Executor, account_id: UUID, channel: Channel) -> bool:
    """Whether there was one."""
    tag = await transaction.execute(contact_sql.DELETE_CONTACT, account_id, channel)
    return tag == "DELETE 1"


async def release_unused(transaction: Executor, keys: ContactKeys, account_id: UUID, address: str) -> None:
    """Free an address of the account's, whose row must be held, unless it is in use or a waiting change claims it."""
    contacts = await accounts.list_contacts(transaction, keys, account_id)
    waiting = await find_waiting(transaction, keys, account_id, Channel.EMAIL)
    used = [each.destination for each in contacts if each.channel is Channel.EMAIL]
    used += [waiting.destination] if waiting else []
    kept = {email_hash for each in used for email_hash in keys.email_hashes(each)}
    released = [email_hash for email_hash in keys.email_hashes(address) if email_hash not in kept]
    await transaction.execute(contact_sql.RELEASE_ADDRESS, released, account_id)


def _change_from_row(row: Record, keys: ContactKeys) -> ContactChange:
    account_id, contact_id, channel = row["account_id"], row["contact_id"], Channel(row["channel"])

    def opened(sealed: bytes | None) -> str:
        return keys.open(sealed, account_id=account_id, channel=channel, contact_id=contact_id) if sealed else ""

    return ContactChange(
        account_id=account_id,
        contact_id=contact_id,
        channel=channel,
        destination=opened(row["sealed_destination"]),
        restoring=row["restoring"],
        claimed=row["claimed"],
        done=row["done"],
        former=opened(row["sealed_former"]),
        create_time=row["create_time"],
    )
