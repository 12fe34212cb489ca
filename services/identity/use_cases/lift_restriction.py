"""LiftRestriction: turn a restricted session into a full one."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from services.identity.domain.audit import AuditKind
from services.identity.domain.session import Session, SessionState
from services.identity.storage import sessions
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity


async def lift_restriction(account_id: UUID, session_id: UUID, *, identity: Identity) -> Session:
    """The session, LIVE now or before. Raises NOT_FOUND, also when it is over."""
    async with identity.database.transaction() as transaction:
        before = await sessions.find_session(transaction, account_id, session_id)
        session = await sessions.lift_restriction(transaction, account_id, session_id, identity.clock.now())
        if session is not None and before is not None and before.state is SessionState.RESTRICTED:
            about = AuditKind.RESTRICTION_LIFTED
            await audit.record(transaction, account_id, about, identity=identity, session_id=session_id)
    if session is None:
        raise not_found("session")
    return session
