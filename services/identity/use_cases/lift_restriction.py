"""LiftRestriction: turn a restricted session into a full one."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from services.identity.domain.session import Session
from services.identity.storage import sessions
from services.identity.use_cases.context import Identity


async def lift_restriction(account_id: UUID, session_id: UUID, *, identity: Identity) -> Session:
    """The session, LIVE now or before. Raises NOT_FOUND, also when it is over."""
    session = await sessions.lift_restriction(identity.database, account_id, session_id, identity.clock.now())
    if session is None:
        raise not_found("session")
    return session
