"""What stands behind the "it wasn't me" of a mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.gateway.domain.verification import NoticeKind, Requester


@dataclass(frozen=True, kw_only=True, slots=True)
class DisownClaim:
    """What an owner disowns: the event that a notice told of. ``session_id`` is None where there was no session."""

    account_id: UUID
    notice_id: UUID
    kind: NoticeKind
    device: Requester
    session_id: UUID | None
    expire_time: datetime
