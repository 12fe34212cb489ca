"""RefreshSession: exchange a refresh token for new tokens, and end the session whose token has two holders.

An answer can be lost, so the same exchange may be asked for again: by a device with a key, by signing anew; by one
without, under the same request id and soon. It is given the very token that it was to get, while that is unused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.device_key import KeyProof, proves
from services.identity.domain.refresh_token import RefreshToken, next_refresh_token, parse_refresh_token
from services.identity.domain.session import EndReason, IssuedTokens, Session, SessionState, issue_tokens
from services.identity.storage import sessions
from services.identity.storage.sessions import SpentToken
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity
from services.identity.use_cases.open_session import OpenedSession

REPEAT_WINDOW: Final = timedelta(minutes=1)
"""How long a request id excuses a spent token. Ours: longer than a caller's retries, too short to be found in a log."""
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refresh:
    """A refresh token that a device shows, with its key's signature where it has a key."""

    refresh_token: str = field(repr=False)
    device_id: str
    request_id: UUID | None = None
    key_proof: KeyProof | None = None


async def refresh_session(refresh: Refresh, *, identity: Identity) -> OpenedSession:
    """The session with fresh tokens; the old refresh token no longer holds.

    Raises SESSION_UNKNOWN for a token that is malformed, unknown, run out, another device's, not signed for by the
    device's key, or spent, and once the session has lasted as long as any may; a spent one that has two holders also
    ends its session.
    """
    token = parse_refresh_token(refresh.refresh_token)
    if token is None:
        raise ServiceError(ErrorReason.SESSION_UNKNOWN)
    async with identity.database.transaction() as transaction:
        opened = await _answer(transaction, token, refresh, identity)
    if opened is None:
        raise ServiceError(ErrorReason.SESSION_UNKNOWN)
    return opened


async def _answer(
    transaction: Executor, token: RefreshToken, refresh: Refresh, identity: Identity
) -> OpenedSession | None:
    now = identity.clock.now()
    session = await sessions.find_refreshable(transaction, token, refresh.device_id, now)
    holder = session or await _spender(transaction, token)
    # Without the key a token is worth nothing, so that whoever shows it cannot end the session with it either.
    if holder is None or not await _signed_for(transaction, token, refresh, holder, now):
        return None
    opened = await _exchange(transaction, token, refresh, session, identity) if session else None
    # Nothing to exchange: it was before, or somebody was faster.
    return opened or await _exchange_again(transaction, token, refresh, identity)


async def _spender(transaction: Executor, token: RefreshToken) -> Session | None:
    """The session that exchanged the token before, unless it is over."""
    spent = await sessions.find_spent_token(transaction, token)
    return spent.session if spent and spent.session.state is not SessionState.ENDED else None


async def _exchange(
    transaction: Executor, token: RefreshToken, refresh: Refresh, session: Session, identity: Identity
) -> OpenedSession | None:
    following = next_refresh_token(token, identity.refresh_keys[0])
    now, life = identity.clock.now(), identity.lifetimes.of(session.device_key)
    end = life.end(session.create_time)
    if end is not None and now >= end:
        return None
    tokens = issue_tokens(
        token.account_id, now=now, life=life, refresh_token=following, create_time=session.create_time
    )
    exchanged = await sessions.exchange_refresh_token(transaction, token, session, tokens, refresh.request_id)
    return _opened(exchanged, tokens, identity) if exchanged else None


async def _exchange_again(
    transaction: Executor, token: RefreshToken, refresh: Refresh, identity: Identity
) -> OpenedSession | None:
    """The tokens that a spent one was exchanged for, to a device whose answer was lost; None to anybody else."""
    spent = await sessions.find_spent_token(transaction, token)
    if spent is None or spent.session.state is SessionState.ENDED:
        return None
    now = identity.clock.now()
    genuine = _repeats(spent, refresh, now) if spent.session.device_key is None else spent.next_unused
    if not genuine:
        await _end(transaction, spent.session, now, identity)
        return None
    tokens = _issued_before(token, spent, now, identity)
    return _opened(spent.session, tokens, identity) if tokens else None


async def _signed_for(
    transaction: Executor, token: RefreshToken, refresh: Refresh, session: Session, now: datetime
) -> bool:
    """Whether the device's key, where it has one, signed this exchange, and not for an earlier request."""
    if session.device_key is None:
        return True
    proof, text = refresh.key_proof, refresh.refresh_token
    proved = refresh.device_id == session.device_id and proves(
        session.device_key, proof, refresh_token=text, device_id=refresh.device_id
    )
    if proved and proof and await sessions.spend_proof(transaction, token, proof, session, now):
        return True
    problem = "signature replayed" if proved else "not signed by the device's key"
    _log.warning(f"refresh refused: {problem}", account_id=session.account_id, session_id=session.session_id)
    return False


def _repeats(spent: SpentToken, refresh: Refresh, now: datetime) -> bool:
    same_request = refresh.request_id is not None and refresh.request_id == spent.request_id
    soon = now - spent.spend_time <= REPEAT_WINDOW
    return same_request and soon and spent.next_unused and refresh.device_id == spent.session.device_id


def _issued_before(token: RefreshToken, spent: SpentToken, now: datetime, identity: Identity) -> IssuedTokens | None:
    """The same refresh token again. None where the key that it was made with is gone."""
    for key in identity.refresh_keys:
        following = next_refresh_token(token, key)
        if following.digest() == spent.next_digest:
            life = identity.lifetimes.of(spent.session.device_key)
            begun = spent.session.create_time
            return issue_tokens(token.account_id, now=now, life=life, refresh_token=following, create_time=begun)
    return None


async def _end(transaction: Executor, session: Session, now: datetime, identity: Identity) -> None:
    account_id, session_id = session.account_id, session.session_id
    if await sessions.end_session(transaction, account_id, session_id, EndReason.TOKEN_REUSED, now):
        about = AuditKind.TOKEN_REUSED
        await audit.record(transaction, account_id, about, identity=identity, session_id=session_id)
        _log.warning("refresh token used twice", account_id=account_id, session_id=session_id)


def _opened(session: Session, tokens: IssuedTokens, identity: Identity) -> OpenedSession:
    token = identity.access_tokens.encode(session, tokens)
    return OpenedSession(session=session, tokens=tokens, session_token=token)
