"""Notices to an address that is no longer the account's, so that no outbox could look it up later: sent at once."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.gateway.clients.challenge import Notice
from services.gateway.domain.records import Channel, Contact
from services.gateway.domain.verification import NoticeKind, Requester
from services.gateway.metrics import count_failed_notice
from services.gateway.use_cases.context import Context

_log = get_logger(__name__)


async def tell(
    context: Context,
    request_id: UUID,
    account_id: UUID,
    kind: NoticeKind,
    about: Requester,
    *,
    to: Contact | None,
    language: str,
) -> bool:
    """Whether the notice was handed over, now or by an earlier request of this id."""
    try:
        if to is None:
            raise ServiceError(ErrorReason.CHANNEL_UNAVAILABLE, detail="no email")
        await _send(context, request_id, account_id, kind, about, to, language)
    except ServiceError as error:
        note_failure(account_id, kind, error)
        return False
    return True


def note_failure(account_id: UUID, kind: NoticeKind, error: ServiceError) -> None:
    """Count and log a notice that the owner does not get."""
    count_failed_notice(kind)
    _log.error("notice not sent", account_id=str(account_id), kind=str(kind), reason=str(error.reason))


async def _send(
    context: Context,
    request_id: UUID,
    account_id: UUID,
    kind: NoticeKind,
    about: Requester,
    to: Contact,
    language: str,
) -> None:
    by_text = to.channel is Channel.TEXT
    notice = Notice(
        request_id=request_id,
        account_id=account_id,
        kind=kind,
        email="" if by_text else to.destination,
        number=to.destination if by_text else "",
        language=language,
        about=about,
        event_time=context.clock.now(),
    )
    try:
        await context.challenge.notify(notice)
    except ServiceError as error:
        # A repeated request: the notice, which tells the time of the first one, is on its way already.
        if error.reason is not ErrorReason.REQUEST_ID_REUSED:
            raise
