"""OpenSession: open a session for a device that signs in."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import not_found
from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.session import IssuedTokens, Session, SessionState, issue_tokens
from services.identity.storage import sessions
from services.identity.storage.requests import RequestKey, claim_request
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedSession:
    """A session with its secrets; none where a late repeat finds it over."""

    session: Session
    tokens: IssuedTokens | None


async def open_session(
    *, request_id: UUID, account_id: UUID, device_id: str, restricted: bool, identity: Identity
) -> OpenedSession:
    """Open a session in place of whatever the device had; the same request id gives the same one with fresh tokens.

    Raises NOT_FOUND for an account that is not there, pending or closed; REQUEST_ID_REUSED.
    """
    state = SessionState.RESTRICTED if restricted else SessionState.LIVE
    method = "OpenSession"
    fingerprints = identity.keys.fingerprints(method, device_id, state)
    key = RequestKey(request_id=request_id, method=method, fingerprints=fingerprints)
    now, session_id = identity.clock.now(), identity.ids.new()
    tokens = issue_tokens(account_id, now=now, lifetimes=identity.lifetimes)
    session = Session(
        session_id=session_id,
        account_id=account_id,
        device_id=device_id,
        state=state,
        create_time=now,
        session_expire_time=tokens.session_expire_time,
        refresh_expire_time=tokens.refresh_expire_time,
    )
    async with identity.database.transaction() as transaction:
        # Also keeps two sign-ins of one device apart, and a sign-in from a change of password.
        await hold_open_account(transaction, account_id)
        made_id = await claim_request(transaction, key, account_id=account_id, made_id=session_id, now=now)
        if made_id != session_id:
            return await _repeat(transaction, account_id, made_id, tokens, identity)
        await sessions.open_session(transaction, session, tokens)
        await audit.record(
            *(transaction, account_id, AuditKind.SESSION_OPENED),
            identity=identity,
            session_id=session_id,
            device_id=device_id,
            details={"state": state},
        )
    _log.info("session opened", account_id=account_id, session_id=session_id, state=state)
    return OpenedSession(session=session, tokens=tokens)


async def _repeat(
    transaction: Executor, account_id: UUID, session_id: UUID, tokens: IssuedTokens, identity: Identity
) -> OpenedSession:
    now = identity.clock.now()
    session = await sessions.reissue_tokens(transaction, account_id, session_id, tokens, now)
    if session is not None:
        return OpenedSession(session=session, tokens=tokens)
    session = await sessions.find_session(transaction, account_id, session_id)
    if session is None:
        raise not_found("session")
    return OpenedSession(session=session.as_of(now), tokens=None)
