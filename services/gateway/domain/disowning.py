"""What stands behind the "it wasn't me" of a mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.gateway.domain.verification import NoticeKind, Requester


@dataclass(frozen=True, kw_only=True, slots=True)
class DisownClaim:
    """What a notice told of. The device stands for its session: it has one at a time."""

    account_id: UUID
    notice_id: UUID
    kind: NoticeKind
    device: Requester
    expire_time: datetime
