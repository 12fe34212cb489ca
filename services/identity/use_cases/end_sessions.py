"""EndSessions: end one session, a device's sessions, or all of an account."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from libs.runtime.logging import get_logger
from services.identity.domain.session import EndReason
from services.identity.storage import sessions
from services.identity.use_cases.context import Identity

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class OneSession:
    """This session."""

    session_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceSessions:
    """The sessions of this device."""

    device_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AllSessions:
    """All of them, but one that stays where it is named."""

    except_id: UUID | None = None


Which = OneSession | DeviceSessions | AllSessions


async def end_sessions(account_id: UUID, which: Which, reason: EndReason, *, identity: Identity) -> int:
    """How many sessions ended by this; none for sessions or accounts that are not there. Durable when it returns."""
    database, now = identity.database, identity.clock.now()
    match which:
        case OneSession(session_id=session_id):
            ended = await sessions.end_session(database, account_id, session_id, reason, now)
        case DeviceSessions(device_id=device_id):
            ended = await sessions.end_device_sessions(database, account_id, device_id, reason, now)
        case AllSessions(except_id=except_id):
            ended = await sessions.end_all_sessions(database, account_id, reason, now, except_id=except_id)
    _log.info("sessions ended", account_id=account_id, reason=reason, count=ended)
    return ended
