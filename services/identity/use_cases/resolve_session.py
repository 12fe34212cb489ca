"""ResolveSession: tell what stands behind a session token."""

from __future__ import annotations

from dataclasses import replace

from libs.runtime.errors import ErrorReason, ServiceError
from services.identity.storage import sessions
from services.identity.storage.sessions import Resolved
from services.identity.use_cases.context import Identity


async def resolve_session(session_token: str, *, identity: Identity) -> Resolved:
    """The session, which may be over, with its account and profiles.

    Raises SESSION_UNKNOWN for a token that no key of this service signed, or whose session was never opened.
    """
    token = identity.access_tokens.decode(session_token)
    resolved = await sessions.resolve_session(identity.database, token) if token else None
    if token is None or resolved is None:
        raise ServiceError(ErrorReason.SESSION_UNKNOWN)
    session = resolved.session.as_of(identity.clock.now(), token_expire_time=token.expire_time)
    return replace(resolved, session=session)
