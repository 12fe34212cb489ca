"""The key rotation's reading and writing, an account at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Database, Executor
from services.identity.contact_keys import ContactKeys
from services.identity.domain.account import AccountState
from services.identity.domain.contact import Channel
from services.identity.domain.key_rotation import AddressState, KeyState, KeyWork
from services.identity.envelope import is_enveloped
from services.identity.storage import contact_key_sql
from services.identity.storage import key_rotation_sql as sql
from services.identity.storage.accounts import ensure_data_key, lock_account

Held = Mapping[UUID, Mapping[bytes, bytes | None]]
"""Hashes of addresses that are entered, by account, each with the key that it is marked with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedAccount:
    """What is sealed of an account."""

    account_id: UUID
    state: AccountState
    data_key: bytes | None
    key_id: bytes | None
    version: int | None
    contacts: Sequence[tuple[Channel, bytes]]

    def email_hashes(self, keys: ContactKeys) -> list[bytes]:
        """The hashes of its address, the current key's first; none while it is pending. Raises OpenError.

        Every contact is opened, so that one which no key opens is noticed by the job, and not by its owner.
        """
        opened = {
            channel: keys.open(sealed, account_id=self.account_id, channel=channel, data_key=self.data_key)
            for channel, sealed in self.contacts
        }
        if self.state is AccountState.PENDING or Channel.EMAIL not in opened:
            return []
        return list(keys.hashes_by_key(opened[Channel.EMAIL]))

    def key_state(self, keys: ContactKeys, hashes: Sequence[bytes], held: Held) -> KeyState:
        """What its keys are like. ``held``: hashes that are entered, among them its own."""
        mine = held.get(self.account_id, {})
        address = AddressState(
            hashes=hashes, key_ids=keys.key_ids, held={each: mine[each] for each in hashes if each in mine}
        )
        return KeyState(
            current_id=keys.current_id,
            key_id=self.key_id,
            direct_contacts=sum(not is_enveloped(sealed) for _, sealed in self.contacts),
            address=address if hashes else None,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Rows by the id of their key; ``behind``: accounts whose address is not entered under the current one."""

    data_keys: dict[bytes, int]
    direct_contacts: dict[bytes, int]
    addresses: dict[bytes | None, int]
    behind: int


async def read_page(database: Executor, after: UUID, limit: int) -> list[SealedAccount]:
    """The next accounts in the order of their ids."""
    rows = await database.fetch(sql.PAGE, after, limit)
    return [_sealed_account(list(group)) for _, group in groupby(rows, key=lambda row: row["account_id"])]


async def held_hashes(executor: Executor, hashes: Sequence[bytes]) -> Held:
    """Which of them are entered."""
    held: dict[UUID, dict[bytes, bytes | None]] = defaultdict(dict)
    for row in await executor.fetch(sql.HELD, list(hashes)) if hashes else ():
        held[row["account_id"]][row["email_hash"]] = row["key_id"]
    return held


async def change_account(
    database: Database, keys: ContactKeys, account_id: UUID, *, retire: bool, now: datetime
) -> KeyWork:
    """Bring one account under the current key; what was done. Its row is locked meanwhile. Raises OpenError."""
    async with database.transaction() as transaction:
        if await lock_account(transaction, account_id) is None:
            return KeyWork()
        account = _sealed_account(await transaction.fetch(sql.ONE, account_id))
        hashes = account.email_hashes(keys)
        held = await held_hashes(transaction, hashes)
        work = KeyWork.of(account.key_state(keys, hashes, held), retire=retire)
        await _rewrap(transaction, keys, account, work, now)
        await _reseal(transaction, keys, account)
        await _enter(transaction, keys, account_id, work)
    return work


async def count_rows(database: Executor, keys: ContactKeys) -> Counts:
    """How many rows stand under which key."""
    return Counts(
        data_keys={row["key_id"]: row["rows"] for row in await database.fetch(sql.COUNT_DATA_KEYS)},
        direct_contacts={row["key_id"]: row["rows"] for row in await database.fetch(sql.COUNT_DIRECT)},
        addresses={row["key_id"]: row["rows"] for row in await database.fetch(sql.COUNT_ADDRESSES)},
        behind=await database.fetch_value(sql.COUNT_BEHIND, keys.current_id),
    )


async def count_accounts(database: Executor, after: UUID) -> int:
    """How many accounts come after one."""
    count: int = await database.fetch_value(sql.COUNT_ACCOUNTS, after)
    return count


async def _rewrap(
    transaction: Executor, keys: ContactKeys, account: SealedAccount, work: KeyWork, now: datetime
) -> None:
    if work.rewrap and account.data_key is not None:
        wrapped = keys.wrap_again(account.data_key, account.account_id)
        arguments = (account.account_id, account.version, wrapped, keys.current_id, now)
        await transaction.execute(sql.REWRAP, *arguments)


async def _reseal(transaction: Executor, keys: ContactKeys, account: SealedAccount) -> None:
    for channel, sealed in account.contacts:
        if is_enveloped(sealed):
            continue
        destination = keys.open(sealed, account_id=account.account_id, channel=channel)
        data_key = await ensure_data_key(transaction, keys, account.account_id)
        inside = keys.seal(destination, account_id=account.account_id, channel=channel, data_key=data_key)
        await transaction.execute(sql.RESEAL, account.account_id, channel, sealed, inside)


async def _enter(transaction: Executor, keys: ContactKeys, account_id: UUID, work: KeyWork) -> None:
    if work.enter is not None:
        await transaction.execute(contact_key_sql.CLAIM_MARKED, work.enter, account_id, keys.current_id)
    for email_hash, key_id in work.mark.items():
        await transaction.execute(sql.MARK, email_hash, account_id, key_id)
    if work.retire:
        await transaction.execute(sql.RETIRE, account_id, list(work.retire))


def _sealed_account(rows: list[Record]) -> SealedAccount:
    first = rows[0]
    return SealedAccount(
        account_id=first["account_id"],
        state=AccountState(first["state"]),
        data_key=first["wrapped_key"],
        key_id=first["key_id"],
        version=first["version"],
        contacts=[(Channel(row["channel"]), row["sealed_destination"]) for row in rows if row["channel"] is not None],
    )
