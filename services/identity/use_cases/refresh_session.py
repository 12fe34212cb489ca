"""RefreshSession: exchange a refresh token for new tokens, and end the session whose token comes twice."""

from __future__ import annotations

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.refresh_token import RefreshToken, parse_refresh_token
from services.identity.domain.session import EndReason, issue_tokens
from services.identity.storage import sessions
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity
from services.identity.use_cases.open_session import OpenedSession

_log = get_logger(__name__)


async def refresh_session(refresh_token: str, device_id: str, *, identity: Identity) -> OpenedSession:
    """The session with fresh tokens; both old ones no longer hold.

    Raises SESSION_UNKNOWN for a token that is malformed, unknown, run out, another device's, or spent; a spent one
    also ends its session, as there must be two holders of it.
    """
    token = parse_refresh_token(refresh_token)
    if token is None:
        raise ServiceError(ErrorReason.SESSION_UNKNOWN)
    now = identity.clock.now()
    tokens = issue_tokens(token.account_id, now=now, lifetimes=identity.lifetimes)
    async with identity.database.transaction() as transaction:
        session = await sessions.exchange_refresh_token(transaction, token, device_id, tokens, now)
        if session is None:
            await _end_if_spent(transaction, token, identity)
    if session is None:
        raise ServiceError(ErrorReason.SESSION_UNKNOWN)
    return OpenedSession(session=session, tokens=tokens)


async def _end_if_spent(transaction: Executor, token: RefreshToken, identity: Identity) -> None:
    session_id = await sessions.find_spent_token(transaction, token)
    if session_id is None:
        return
    now = identity.clock.now()
    ended = await sessions.end_session(transaction, token.account_id, session_id, EndReason.TOKEN_REUSED, now)
    if ended:
        about = AuditKind.TOKEN_REUSED
        await audit.record(transaction, token.account_id, about, identity=identity, session_id=session_id)
        _log.warning("refresh token used twice", account_id=token.account_id, session_id=session_id)
