"""Sessions in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from libs.runtime.tokens import SessionToken
from services.identity.domain.account import Account
from services.identity.domain.profile import Profile
from services.identity.domain.refresh_token import RefreshToken
from services.identity.domain.session import EndReason, IssuedTokens, Session, SessionState
from services.identity.storage import sql
from services.identity.storage.accounts import account_from_row
from services.identity.storage.profiles import profile_from_row


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """What stands behind a session token."""

    session: Session
    account: Account
    profiles: list[Profile]


async def resolve_session(executor: Executor, token: SessionToken) -> Resolved | None:
    """The session of a token with its account and profiles, in one round trip."""
    rows = await executor.fetch(sql.RESOLVE_SESSION, token.account_id, token.digest())
    if not rows:
        return None
    return Resolved(
        session=_session_from_row(rows[0], prefix="session_"),
        account=account_from_row(rows[0]),
        profiles=[profile_from_row(row) for row in rows if row["profile_id"] is not None],
    )


async def find_session(executor: Executor, account_id: UUID, session_id: UUID) -> Session | None:
    """The session, over or not."""
    return _optional(await executor.fetch_row(sql.FIND_SESSION, account_id, session_id))


async def open_session(transaction: Executor, session: Session, tokens: IssuedTokens) -> None:
    """A new session, in place of whatever its device had."""
    now = session.create_time
    await transaction.execute(sql.FREE_DEVICE, session.account_id, session.device_id, EndReason.SUPERSEDED, now)
    await transaction.execute(
        sql.INSERT_SESSION,
        session.account_id,
        session.session_id,
        session.device_id,
        session.state,
        now,
        *_token_values(tokens),
    )


async def reissue_tokens(
    transaction: Executor, account_id: UUID, session_id: UUID, tokens: IssuedTokens, now: datetime
) -> Session | None:
    """Give a session fresh tokens; None where it is over."""
    values = _token_values(tokens)
    return _optional(await transaction.fetch_row(sql.REISSUE_TOKENS, account_id, session_id, now, *values))


async def exchange_refresh_token(
    transaction: Executor, token: RefreshToken, device_id: str, tokens: IssuedTokens, now: datetime
) -> Session | None:
    """Put fresh tokens in place of both old ones and remember the spent one; None where it is not valid (any more)."""
    row = await transaction.fetch_row(
        sql.EXCHANGE_TOKENS, token.account_id, token.digest(), device_id, now, *_token_values(tokens)
    )
    if row is not None:
        values = (token.account_id, token.digest(), row["session_id"], now)
        await transaction.execute(sql.INSERT_SPENT_REFRESH, *values)
    return _optional(row)


async def find_spent_token(executor: Executor, token: RefreshToken) -> UUID | None:
    """The id of the session whose refresh token this was, before it was exchanged."""
    session_id: UUID | None = await executor.fetch_value(sql.FIND_SPENT_REFRESH, token.account_id, token.digest())
    return session_id


async def lift_restriction(executor: Executor, account_id: UUID, session_id: UUID, now: datetime) -> Session | None:
    """Make a session LIVE; None where it is over."""
    return _optional(await executor.fetch_row(sql.LIFT_RESTRICTION, account_id, session_id, now))


async def end_session(executor: Executor, account_id: UUID, session_id: UUID, reason: EndReason, now: datetime) -> int:
    """End one session; how many ended by it."""
    return _count(await executor.execute(sql.END_SESSION, account_id, reason, now, session_id))


async def end_device_sessions(
    executor: Executor, account_id: UUID, device_id: str, reason: EndReason, now: datetime
) -> int:
    """End the sessions of a device; how many ended by it."""
    return _count(await executor.execute(sql.END_DEVICE_SESSIONS, account_id, reason, now, device_id))


async def end_all_sessions(
    executor: Executor, account_id: UUID, reason: EndReason, now: datetime, *, except_id: UUID | None = None
) -> int:
    """End the sessions of an account, perhaps but one; how many ended by it."""
    return _count(await executor.execute(sql.END_ALL_SESSIONS, account_id, reason, now, except_id))


def _optional(row: Record | None) -> Session | None:
    return _session_from_row(row) if row is not None else None


def _session_from_row(row: Record, *, prefix: str = "") -> Session:
    return Session(
        session_id=row["session_id"],
        account_id=row["account_id"],
        device_id=row["device_id"],
        state=SessionState(row[f"{prefix}state"]),
        create_time=row[f"{prefix}create_time"],
        session_expire_time=row["session_expire_time"],
        refresh_expire_time=row["refresh_expire_time"],
        end_reason=EndReason(row["end_reason"]) if row["end_reason"] else None,
    )


def _token_values(tokens: IssuedTokens) -> tuple[bytes, datetime, bytes, datetime]:
    return (
        tokens.session_token.digest(),
        tokens.session_expire_time,
        tokens.refresh_token.digest(),
        tokens.refresh_expire_time,
    )


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
