"""ResolveSession: tell what stands behind a session token."""

from __future__ import annotations

from dataclasses import replace

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.tokens import parse_session_token
from services.identity.storage import sessions
from services.identity.storage.sessions import Resolved
from services.identity.use_cases.context import Identity


async def resolve_session(session_token: str, *, identity: Identity) -> Resolved:
    """The session, which may be over, with its account and profiles.

    Raises SESSION_UNKNOWN for a token that is malformed, was never given, or was exchanged for another.
    """
    token = parse_session_token(session_token)
    resolved = await sessions.resolve_session(identity.database, token) if token else None
    if resolved is None:
        raise ServiceError(ErrorReason.SESSION_UNKNOWN)
    return replace(resolved, session=resolved.session.as_of(identity.clock.now()))
