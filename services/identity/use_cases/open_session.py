"""OpenSession: open a session for a device that signs in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.session import IssuedTokens, Session, SessionState, issue_tokens
from services.identity.storage import protection, sessions
from services.identity.storage.requests import RequestKey, claim_request
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity, hold_open_account

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewSession:
    """What a device that signs in gets. ``credential_version``: of the password that was checked, if one was."""

    request_id: UUID
    account_id: UUID
    device_id: str
    restricted: bool
    device_key: bytes | None = None
    credential_version: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedSession:
    """A session with its secrets; none where a late repeat finds it over."""

    session: Session
    tokens: IssuedTokens | None
    session_token: str = field(repr=False, default="")


async def open_session(new: NewSession, *, identity: Identity) -> OpenedSession:
    """Open a session in place of whatever the device had; the same request id gives the same one with fresh tokens.

    Raises NOT_FOUND for an account that is not there, pending or closed; CREDENTIALS_REJECTED where the password that
    was checked is no longer the account's; REQUEST_ID_REUSED.
    """
    now = identity.clock.now()
    life = identity.lifetimes.of(new.device_key)
    tokens = issue_tokens(new.account_id, now=now, life=life)
    session = _draw_up(new, identity.ids.new(), now, tokens)
    key = _request_key(new, session.state, identity)
    async with identity.database.transaction() as transaction:
        # Also keeps two sign-ins of one device apart, and a sign-in from a change of password.
        await hold_open_account(transaction, new.account_id)
        made_id = await claim_request(transaction, key, account_id=new.account_id, made_id=session.session_id, now=now)
        if made_id != session.session_id:
            return await _repeat(transaction, new.account_id, made_id, tokens, identity)
        await _require_same_password(transaction, new)
        await sessions.open_session(transaction, session, tokens)
        await audit.record(
            *(transaction, new.account_id, AuditKind.SESSION_OPENED),
            identity=identity,
            session_id=session.session_id,
            device_id=new.device_id,
            details={"state": session.state, "key_bound": new.device_key is not None},
        )
    _log.info("session opened", account_id=new.account_id, session_id=session.session_id, state=session.state)
    return _opened(session, tokens, identity)


def _draw_up(new: NewSession, session_id: UUID, now: datetime, tokens: IssuedTokens) -> Session:
    return Session(
        session_id=session_id,
        account_id=new.account_id,
        device_id=new.device_id,
        state=SessionState.RESTRICTED if new.restricted else SessionState.LIVE,
        create_time=now,
        refresh_expire_time=tokens.refresh_expire_time,
        device_key=new.device_key,
    )


def _request_key(new: NewSession, state: SessionState, identity: Identity) -> RequestKey:
    method = "OpenSession"
    public_key = (new.device_key or b"").hex()
    fingerprints = identity.keys.fingerprints(method, new.device_id, state, public_key)
    return RequestKey(request_id=new.request_id, method=method, fingerprints=fingerprints)


async def _require_same_password(transaction: Executor, new: NewSession) -> None:
    if new.credential_version is None:
        return
    credential = await protection.find_credential(transaction, new.account_id)
    if credential is None or credential.reset_required or credential.version != new.credential_version:
        raise ServiceError(ErrorReason.CREDENTIALS_REJECTED, detail="the password was changed, or is to be, meanwhile")


async def _repeat(
    transaction: Executor, account_id: UUID, session_id: UUID, tokens: IssuedTokens, identity: Identity
) -> OpenedSession:
    session = await sessions.reissue_tokens(transaction, account_id, session_id, tokens, identity.clock.now())
    if session is not None:
        return _opened(session, tokens, identity)
    session = await sessions.find_session(transaction, account_id, session_id)
    if session is None:
        raise not_found("session")
    return OpenedSession(session=session.over(), tokens=None)


def _opened(session: Session, tokens: IssuedTokens, identity: Identity) -> OpenedSession:
    return OpenedSession(session=session, tokens=tokens, session_token=identity.access_tokens.encode(session, tokens))
