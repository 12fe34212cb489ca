"""Sessions in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from asyncpg import Record

from libs.persistence.database import Executor
from services.identity.access_tokens import AccessToken
from services.identity.domain.account import Account
from services.identity.domain.device_key import KeyProof
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


@dataclass(frozen=True, kw_only=True, slots=True)
class SpentToken:
    """A refresh token that was exchanged. ``next_unused``: the token given for it was not exchanged in its turn."""

    session: Session
    spend_time: datetime
    request_id: UUID | None
    next_digest: bytes | None
    next_unused: bool


async def resolve_session(executor: Executor, token: AccessToken) -> Resolved | None:
    """The session of a token with its account and profiles, in one round trip."""
    rows = await executor.fetch(sql.RESOLVE_SESSION, token.account_id, token.session_id)
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
        session.device_key,
    )


async def reissue_tokens(
    transaction: Executor, account_id: UUID, session_id: UUID, tokens: IssuedTokens, now: datetime
) -> Session | None:
    """Give a session fresh tokens; None where it is over."""
    values = _token_values(tokens)
    return _optional(await transaction.fetch_row(sql.REISSUE_TOKENS, account_id, session_id, now, *values))


async def find_refreshable(executor: Executor, token: RefreshToken, device_id: str, now: datetime) -> Session | None:
    """The session whose refresh token this is now; None where it is spent, unknown, run out or another device's."""
    row = await executor.fetch_row(sql.FIND_REFRESHABLE, token.account_id, token.digest(), device_id, now)
    return _optional(row)


async def exchange_refresh_token(
    transaction: Executor, token: RefreshToken, session: Session, tokens: IssuedTokens, request_id: UUID | None
) -> Session | None:
    """Put a fresh token in place of the old one and remember the spent one; None where somebody was faster."""
    now = tokens.issue_time
    row = await transaction.fetch_row(
        sql.EXCHANGE_TOKENS, token.account_id, token.digest(), session.device_id, now, *_token_values(tokens)
    )
    if row is not None:
        values = (token.account_id, token.digest(), session.session_id, now, request_id, tokens.refresh_token.digest())
        await transaction.execute(sql.INSERT_SPENT_REFRESH, *values)
    return _optional(row)


async def find_spent_token(executor: Executor, token: RefreshToken) -> SpentToken | None:
    """How a refresh token was exchanged, and the session as it is by now."""
    row = await executor.fetch_row(sql.FIND_SPENT_REFRESH, token.account_id, token.digest())
    if row is None:
        return None
    return SpentToken(
        session=_session_from_row(row),
        spend_time=row["spend_time"],
        request_id=row["request_id"],
        next_digest=row["next_digest"],
        next_unused=row["next_digest"] == row["current_digest"],
    )


async def spend_proof(
    transaction: Executor, token: RefreshToken, proof: KeyProof, session: Session, now: datetime
) -> bool:
    """Take a device key's signature; False where the very same one was taken before."""
    digest = sha256(token.digest() + proof.nonce).digest()
    tag = await transaction.execute(sql.INSERT_SPENT_PROOF, token.account_id, digest, session.session_id, now)
    return tag == "INSERT 0 1"


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
        refresh_expire_time=row["refresh_expire_time"],
        device_key=row["device_key"],
        end_reason=EndReason(row["end_reason"]) if row["end_reason"] else None,
    )


def _token_values(tokens: IssuedTokens) -> tuple[datetime, bytes, datetime]:
    return tokens.session_expire_time, tokens.refresh_token.digest(), tokens.refresh_expire_time


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
