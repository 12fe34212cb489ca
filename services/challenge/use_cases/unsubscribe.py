"""Unsubscribe: ends notices of one kind to one address."""

from __future__ import annotations

from libs.runtime.errors import invalid_field
from libs.runtime.keys import OpenError
from libs.runtime.logging import get_logger
from services.challenge.domain.challenge import NoticeKind
from services.challenge.storage.suppressions import SuppressionStore
from services.challenge.use_cases.context import Context

_log = get_logger(__name__)


async def unsubscribe(token: str, *, context: Context) -> NoticeKind:
    """The kind that is not sent any more; a repeat changes nothing. Raises INVALID_FIELD."""
    try:
        kind, destination_hash = context.keys.open_unsubscribe_token(token)
        notice = NoticeKind(kind)
    except (OpenError, ValueError):
        raise invalid_field("token", "is none of ours, or was altered; use the link as it stands in the mail") from None
    holds = context.policy.unsubscription
    await SuppressionStore(context.database).unsubscribe(destination_hash, notice, context.clock.now(), holds)
    _log.info("unsubscribed", kind=notice)
    return notice
