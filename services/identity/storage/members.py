"""Places of extra members, on the host's and on the member's side, one account at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from services.identity.contact_keys import ContactKeys
from services.identity.domain.account_state import AccountState
from services.identity.domain.membership import InvitationToken, Membership, MembershipState, Place, PlaceState
from services.identity.storage import member_sql as sql


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitedPlace:
    """The place that a token opens, with its host's state and picture."""

    place: Place
    host_state: AccountState
    host_quality: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Untold:
    """What a member's account has not heard of yet."""

    member_id: UUID
    member_account_id: UUID
    state: PlaceState
    version: int
    host_state: AccountState
    host_quality: str


async def set_plan(transaction: Executor, account_id: UUID, plan_id: str) -> None:
    """What an account pays for from now on."""
    await transaction.execute(sql.SET_PLAN, account_id, plan_id)


async def list_places(executor: Executor, keys: ContactKeys, account_id: UUID) -> list[Place]:
    """Members and invitations that are not removed, oldest first; one that has run out may be among them."""
    return [_place(row, keys) for row in await executor.fetch(sql.LIST_PLACES, account_id)]


async def find_place(executor: Executor, keys: ContactKeys, account_id: UUID, member_id: UUID) -> Place | None:
    """The place, over or not."""
    row = await executor.fetch_row(sql.FIND_PLACE, account_id, member_id)
    return _place(row, keys) if row else None


async def find_invited_place(executor: Executor, keys: ContactKeys, token: InvitationToken) -> InvitedPlace | None:
    """The place that a token opens, whatever became of it."""
    row = await executor.fetch_row(sql.FIND_INVITED_PLACE, token.account_id, token.digest())
    if row is None:
        return None
    return InvitedPlace(
        place=_place(row, keys), host_state=AccountState(row["host_state"]), host_quality=row["host_quality"]
    )


async def insert_place(transaction: Executor, keys: ContactKeys, place: Place) -> None:
    """Keep a slot for an invited address. Raises UniqueViolation where somebody has it."""
    sealed = keys.seal_invited(place.email, account_id=place.account_id, member_id=place.member_id)
    await transaction.execute(
        sql.INSERT_PLACE,
        *(place.account_id, place.member_id, place.slot, sealed, place.invite_time, place.expire_time),
    )


async def insert_token(transaction: Executor, token: InvitationToken, member_id: UUID) -> None:
    """A further token that opens an invitation; its digest alone is kept."""
    await transaction.execute(sql.INSERT_INVITATION, token.account_id, token.digest(), member_id)


async def count_tokens(executor: Executor, account_id: UUID, member_id: UUID) -> int:
    """How many tokens open a place."""
    return int(await executor.fetch_value(sql.COUNT_INVITATIONS, account_id, member_id))


async def count_invited_since(executor: Executor, account_id: UUID, since: datetime) -> int:
    """How many invitations an account made, whatever became of them."""
    return int(await executor.fetch_value(sql.COUNT_INVITED_SINCE, account_id, since))


async def delete_old_places(executor: Executor, before: datetime, limit: int) -> int:
    """Over all accounts, each place by itself: forget up to ``limit`` that were over by then; how many there were."""
    rows = await executor.fetch(sql.LIST_OLD_PLACES, before, limit)
    for row in rows:
        await executor.execute(sql.DELETE_OLD_PLACE, row["account_id"], row["member_id"], before)
    return len(rows)


async def expire_places(transaction: Executor, account_id: UUID, now: datetime) -> int:
    """Free the slots of invitations that have run out; how many there were."""
    ended = [row["member_id"] for row in await transaction.fetch(sql.EXPIRE_PLACES, account_id, now)]
    if ended:
        await transaction.execute(sql.DELETE_INVITATIONS, account_id, ended)
    return len(ended)


async def take_place(
    transaction: Executor, account_id: UUID, member_id: UUID, member_account_id: UUID, now: datetime
) -> bool:
    """Make an account the member that was invited, while the host is held; False where it is too late."""
    tag = await transaction.execute(sql.TAKE_PLACE, account_id, member_id, member_account_id, now)
    return tag == "UPDATE 1"


async def end_place(transaction: Executor, account_id: UUID, member_id: UUID, now: datetime, *, left: bool) -> bool:
    """Free a place, and say whether it was in use; ``left``: the member went by itself, and is not told."""
    statement = sql.END_LEFT_PLACE if left else sql.END_PLACE
    ended = await transaction.execute(statement, account_id, member_id, now) == "UPDATE 1"
    await transaction.execute(sql.DELETE_INVITATIONS, account_id, [member_id])
    return ended


async def mark_untold(transaction: Executor, account_id: UUID) -> None:
    """Note, in the transaction that changes a host, that its members are to hear of it."""
    await transaction.execute(sql.MARK_UNTOLD, account_id)


async def list_untold(executor: Executor, account_id: UUID) -> list[Untold]:
    """What a host's members have not heard of."""
    return [
        Untold(
            member_id=row["member_id"],
            member_account_id=row["member_account_id"],
            state=PlaceState(row["state"]),
            version=row["version"],
            host_state=AccountState(row["host_state"]),
            host_quality=row["host_quality"],
        )
        for row in await executor.fetch(sql.LIST_UNTOLD, account_id)
    ]


async def tell_member(executor: Executor, told: Untold) -> None:
    """Bring the member's copy up to date."""
    values = (told.state, told.host_state, told.host_quality)
    await executor.execute(sql.TELL_MEMBER, told.member_account_id, told.member_id, told.version, *values)


async def mark_told(executor: Executor, account_id: UUID, told: Untold) -> None:
    """Note that the member has heard."""
    await executor.execute(sql.MARK_TOLD, account_id, told.member_id, told.version)


async def put_membership(transaction: Executor, account_id: UUID, invited: InvitedPlace) -> None:
    """Note in an account which place it is about to take, unless it is somebody's member."""
    place = invited.place
    values = (place.account_id, place.member_id, invited.host_state, invited.host_quality)
    await transaction.execute(sql.PUT_MEMBERSHIP, account_id, *values)


async def find_membership(executor: Executor, account_id: UUID) -> Membership | None:
    """The place that an account takes, took or left."""
    row = await executor.fetch_row(sql.FIND_MEMBERSHIP, account_id)
    return membership_from_row(row, state="state") if row else None


async def leave_membership(transaction: Executor, account_id: UUID) -> None:
    """Note that the account watches on its own plan from now on."""
    await transaction.execute(sql.LEAVE_MEMBERSHIP, account_id)


async def mark_host_told(executor: Executor, account_id: UUID, member_id: UUID) -> None:
    """Note that the place which the account left is free."""
    await executor.execute(sql.MARK_HOST_TOLD, account_id, member_id)


async def list_unfinished(executor: Executor, now: datetime, limit: int) -> tuple[list[UUID], list[UUID], list[UUID]]:
    """Over all accounts: hosts whose members have not heard, members who left, hosts with invitations that ran out."""
    untold = await executor.fetch(sql.LIST_UNTOLD_HOSTS, limit)
    leavers = await executor.fetch(sql.LIST_LEAVERS, limit)
    expired = await executor.fetch(sql.LIST_EXPIRED_HOSTS, now, limit)
    ids = tuple([row["account_id"] for row in rows] for rows in (untold, leavers, expired))
    return ids[0], ids[1], ids[2]


def membership_from_row(row: Record, *, state: str) -> Membership | None:
    """The membership whose columns a row holds, its state under that name; None where the account has none."""
    if row[state] is None:
        return None
    return Membership(
        host_account_id=row["host_account_id"],
        member_id=row["member_id"],
        state=MembershipState(row[state]),
        host_state=AccountState(row["host_state"]),
        host_quality=row["host_quality"],
    )


def _place(row: Record, keys: ContactKeys) -> Place:
    account_id, member_id, sealed = row["account_id"], row["member_id"], row["sealed_email"]
    return Place(
        account_id=account_id,
        member_id=member_id,
        slot=row["slot"],
        state=PlaceState(row["state"]),
        email=keys.open_invited(sealed, account_id=account_id, member_id=member_id) if sealed else "",
        member_account_id=row["member_account_id"],
        invite_time=row["invite_time"],
        expire_time=row["expire_time"],
        accept_time=row["accept_time"],
    )
