"""The job that ends a rotation: every account under the first contact key, so that an older one can be dropped.

In batches by account id, each account in a transaction of its own, beside running traffic. What is done already is
passed over, so it may be broken off and run again, from the start or after an account.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Final
from uuid import UUID

from libs.persistence.database import Database, retry_conflicts
from libs.runtime.clock import Clock
from libs.runtime.keys import OpenError
from services.identity.contact_keys import ContactKeys
from services.identity.domain.key_rotation import KeyWork
from services.identity.storage.key_rotation import (
    Counts,
    SealedAccount,
    change_account,
    count_rows,
    held_hashes,
    read_page,
)
from services.identity.storage.other_seals import OTHER_SEALS, put, stale

NO_ACCOUNT: Final = UUID(int=0)
"""Before the first account."""
_AT_ONCE: Final = 4
"""Accounts changed at the same time: little beside a service's pool of connections."""


@dataclass(kw_only=True, slots=True)
class Progress:
    """What was done so far, or, in a dry run, is to be done. ``last``: the account after which to go on."""

    accounts: int = 0
    data_keys_wrapped: int = 0
    contacts_resealed: int = 0
    others_resealed: int = 0
    addresses_entered: int = 0
    addresses_marked: int = 0
    addresses_retired: int = 0
    unreadable: int = 0
    last: UUID = NO_ACCOUNT

    def add(self, work: KeyWork) -> None:
        """Count what one account needed."""
        self.data_keys_wrapped += work.rewrap
        self.contacts_resealed += work.reseal
        self.addresses_entered += work.enter is not None
        self.addresses_marked += len(work.mark)
        self.addresses_retired += len(work.retire)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return values | {"last": str(self.last)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """How the job runs. ``retire``: addresses' hashes under the other keys go, too."""

    retire: bool = False
    dry_run: bool = False
    after: UUID = NO_ACCOUNT
    batch: int = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyUse:
    """What still stands under a key. ``label`` is None for a key that is not in the list."""

    label: str | None
    data_keys: int
    direct_contacts: int
    addresses: int


async def rotate_keys(
    database: Database,
    keys: ContactKeys,
    clock: Clock,
    rotation: Rotation,
    on_batch: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Bring every account under the first key. Raises ServiceError; ``on_batch`` was told where to go on."""
    progress = Progress(last=rotation.after)
    async for page in _pages(database, rotation):
        await _do_page(database, keys, clock, page, rotation, progress)
        progress.accounts += len(page)
        progress.last = page[-1].account_id
        on_batch(progress)
    await _do_others(database, keys, rotation, progress)
    return progress


async def _do_others(database: Database, keys: ContactKeys, rotation: Rotation, progress: Progress) -> None:
    """Changes, approvers and invitations, of all accounts, also where the accounts were done in an earlier run."""
    for seal in OTHER_SEALS:
        async for row in stale(database, keys, seal):
            try:
                resealed = seal.reseal(keys, row)
            except OpenError:
                progress.unreadable += 1
                continue
            progress.others_resealed += 1
            if not rotation.dry_run:
                await put(database, seal, row, resealed)


async def key_use(database: Database, keys: ContactKeys) -> tuple[list[KeyUse], int]:
    """What stands under each key, in their order, then under unknown ones; and how many accounts are behind."""
    counts = await count_rows(database, keys)
    known = [
        KeyUse(
            label=label,
            data_keys=counts.data_keys.get(key_id, 0),
            direct_contacts=counts.direct_contacts.get(direct_id, 0),
            addresses=counts.addresses.get(key_id, 0),
        )
        for label, key_id, direct_id in zip(keys.labels, keys.key_ids, keys.direct_ids, strict=True)
    ]
    return [*known, *_unknown(counts, known)], counts.behind


def _unknown(counts: Counts, known: list[KeyUse]) -> list[KeyUse]:
    left = KeyUse(
        label=None,
        data_keys=sum(counts.data_keys.values()) - sum(each.data_keys for each in known),
        direct_contacts=sum(counts.direct_contacts.values()) - sum(each.direct_contacts for each in known),
        addresses=sum(counts.addresses.values()) - sum(each.addresses for each in known),
    )
    return [left] if left.data_keys or left.direct_contacts or left.addresses else []


async def _pages(database: Database, rotation: Rotation) -> AsyncIterator[list[SealedAccount]]:
    after = rotation.after
    while page := await read_page(database, after, rotation.batch):
        yield page
        after = page[-1].account_id


async def _do_page(
    database: Database,
    keys: ContactKeys,
    clock: Clock,
    page: list[SealedAccount],
    rotation: Rotation,
    progress: Progress,
) -> None:
    needed = await _what_is_needed(database, keys, page, rotation, progress)
    if rotation.dry_run:
        for work in needed.values():
            progress.add(work)
        return
    slots = asyncio.Semaphore(_AT_ONCE)

    async def change(account_id: UUID) -> None:
        async with slots:
            attempt = partial(change_account, database, keys, account_id, retire=rotation.retire, now=clock.now())
            try:
                progress.add(await retry_conflicts(attempt))
            except OpenError:
                progress.unreadable += 1

    # Gathered, not in a group: an error reaches the caller as itself, after the others have ended.
    results = await asyncio.gather(*(change(each) for each in needed), return_exceptions=True)
    for error in (each for each in results if isinstance(each, BaseException)):
        raise error


async def _what_is_needed(
    database: Database, keys: ContactKeys, page: list[SealedAccount], rotation: Rotation, progress: Progress
) -> dict[UUID, KeyWork]:
    """Seen without a lock, to pass over quickly what is done already; each change looks again, with one."""
    hashes: dict[UUID, list[bytes]] = {}
    for account in page:
        try:
            hashes[account.account_id] = account.email_hashes(keys)
        except OpenError:
            progress.unreadable += 1
    held = await held_hashes(database, [each for some in hashes.values() for each in some])
    readable = [account for account in page if account.account_id in hashes]
    works = {
        account.account_id: KeyWork.of(
            account.key_state(keys, hashes[account.account_id], held), retire=rotation.retire
        )
        for account in readable
    }
    return {account_id: work for account_id, work in works.items() if work.needed}
