"""What is sealed directly under a contact key beside the contacts: changes, approvers, invitations.

They are few and short-lived, so a rotation seals them anew under its current key rather than under data keys.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Database, Executor
from services.identity.contact_keys import ContactKeys
from services.identity.domain.contact import Channel

_AT_ONCE: Final = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherSeal:
    """A sealed column; ``key`` tells the rows of an account apart, and ``reseal`` seals a value anew."""

    table: str
    column: str
    key: str
    fields: str
    reseal: Callable[[ContactKeys, Record], bytes]

    def page(self) -> str:
        """A page of what does not stand under the current key. It walks over all accounts, and locks nothing."""
        return f"""/* identity.stale_{self.table}: {self.column} under another key than the current one */
select account_id, {self.key} as id, {self.column} as sealed, {self.fields}
from {self.table}
where {self.column} is not null and substring({self.column} from 2 for 4) <> $1 and (account_id, {self.key}) > ($2, $3)
order by account_id, {self.key}
limit $4"""  # noqa: S608 - names of this service's own tables

    def update(self) -> str:
        """Put the value that was sealed anew in place, unless it was changed meanwhile."""
        return f"""/* identity.reseal_{self.table}: {self.column} under the current key */
update {self.table} set {self.column} = $4 where account_id = $1 and {self.key} = $2 and {self.column} = $3"""  # noqa: S608 - as above


def _contact(keys: ContactKeys, row: Record) -> bytes:
    bound = {"account_id": row["account_id"], "channel": Channel(row["channel"]), "contact_id": row["id"]}
    return keys.seal(keys.open(row["sealed"], **bound), **bound)


def _invited(keys: ContactKeys, row: Record) -> bytes:
    bound = {"account_id": row["account_id"], "member_id": row["id"]}
    return keys.seal_invited(keys.open_invited(row["sealed"], **bound), **bound)


OTHER_SEALS: Final = (
    OtherSeal(table="contact_change", column="sealed_destination", key="contact_id", fields="channel", reseal=_contact),
    OtherSeal(table="contact_change", column="sealed_former", key="contact_id", fields="channel", reseal=_contact),
    OtherSeal(table="approver", column="sealed_destination", key="approver_id", fields="channel", reseal=_contact),
    OtherSeal(table="extra_member", column="sealed_email", key="member_id", fields="slot", reseal=_invited),
)


async def stale(database: Database, keys: ContactKeys, seal: OtherSeal) -> AsyncIterator[Record]:
    """What does not stand under the current key, in the order of its keys."""
    after = (UUID(int=0), UUID(int=0))
    while rows := await database.fetch(seal.page(), keys.direct_ids[0], *after, _AT_ONCE):
        for row in rows:
            yield row
        after = (rows[-1]["account_id"], rows[-1]["id"])


async def put(executor: Executor, seal: OtherSeal, row: Record, resealed: bytes) -> None:
    """Put what was sealed anew in place."""
    await executor.execute(seal.update(), row["account_id"], row["id"], row["sealed"], resealed)
