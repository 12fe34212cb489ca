"""Every destination that is held for an account: other services keep something under their hashes."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from libs.persistence.database import Executor
from services.identity.contact_keys import ContactKeys
from services.identity.domain.contact import Channel
from services.identity.storage import accounts, approvers
from services.identity.storage import destination_sql as sql

Reached = tuple[Channel, str]
"""By which channel, and where."""


async def list_own(executor: Executor, keys: ContactKeys, account_id: UUID) -> set[Reached]:
    """Where the owner is reached, and was reached before. Raises OpenError where no key opens one."""
    contacts = await accounts.list_contacts(executor, keys, account_id)
    changed = await _list_changed(executor, keys, account_id)
    return {(each.channel, each.destination) for each in contacts} | {reached for reached, own in changed if own}


async def list_others(executor: Executor, keys: ContactKeys, account_id: UUID) -> set[Reached]:
    """Approvers, invited people, and new contacts that nobody has proved. Raises OpenError."""
    found = {(each.channel, each.destination) for each in await approvers.list_approvers(executor, keys, account_id)}
    found |= {reached for reached, own in await _list_changed(executor, keys, account_id) if not own}
    for row in await executor.fetch(sql.LIST_INVITED, account_id):
        email = keys.open_invited(row["sealed_email"], account_id=account_id, member_id=row["member_id"])
        found.add((Channel.EMAIL, email))
    return found


async def _list_changed(executor: Executor, keys: ContactKeys, account_id: UUID) -> Iterable[tuple[Reached, bool]]:
    changed: list[tuple[Reached, bool]] = []
    for row in await executor.fetch(sql.LIST_CHANGED, account_id):
        channel, contact_id = Channel(row["channel"]), row["contact_id"]
        for sealed, own in ((row["sealed_destination"], row["done"]), (row["sealed_former"], True)):
            if sealed is not None:
                opened = keys.open(sealed, account_id=account_id, channel=channel, contact_id=contact_id)
                changed.append(((channel, opened), own))
    return changed
