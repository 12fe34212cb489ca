"""EndSessions: end one session, a device's sessions, or all of an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.logging import get_logger
from services.identity.domain.audit import AuditKind
from services.identity.domain.session import EndReason
from services.identity.storage import sessions
from services.identity.use_cases import audit
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
    async with identity.database.transaction() as transaction:
        ended = await _end(transaction, account_id, which, reason, identity.clock.now())
        if ended:
            details: dict[str, str | int] = {"reason": reason, "count": ended}
            about = AuditKind.SESSIONS_ENDED
            await audit.record(transaction, account_id, about, identity=identity, **_ids(which), details=details)
    _log.info("sessions ended", account_id=account_id, reason=reason, count=ended)
    return ended


async def _end(transaction: Executor, account_id: UUID, which: Which, reason: EndReason, now: datetime) -> int:
    match which:
        case OneSession(session_id=session_id):
            return await sessions.end_session(transaction, account_id, session_id, reason, now)
        case DeviceSessions(device_id=device_id):
            return await sessions.end_device_sessions(transaction, account_id, device_id, reason, now)
        case AllSessions(except_id=except_id):
            return await sessions.end_all_sessions(transaction, account_id, reason, now, except_id=except_id)


def _ids(which: Which) -> dict[str, Any]:
    match which:
        case OneSession(session_id=session_id):
            return {"session_id": session_id}
        case DeviceSessions(device_id=device_id):
            return {"device_id": device_id}
        case AllSessions():
            return {}
