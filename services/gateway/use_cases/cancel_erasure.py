"""CancelErasure: the owner has thought better of it, or never asked."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.gateway.domain.erasure import Erasure, ErasureState
from services.gateway.metrics import count_erasure
from services.gateway.storage import erasures
from services.gateway.use_cases.context import Context
from services.gateway.use_cases.erasing import advance, require

_log = get_logger(__name__)


async def cancel_erasure(context: Context, erasure_id: UUID) -> Erasure:
    """The erasure, called off, and its account as it was. Raises NOT_FOUND; STATE_CONFLICT once deleting has begun."""
    now = context.clock.now()
    cancelled = await erasures.cancel(
        context.database, erasure_id, now=now, lease_time=now + context.erasure_policy.lease
    )
    if cancelled is None:
        return _refused(require(await erasures.find(context.database, erasure_id)))
    _log.info("erasure cancelled", erasure_id=str(erasure_id))
    count_erasure(ErasureState.CANCELLED)
    return await advance(context, cancelled)


def _refused(kept: Erasure) -> Erasure:
    if kept.state is ErasureState.CANCELLED:
        return kept
    if kept.can_be_cancelled:
        raise ServiceError(ErrorReason.CONCURRENT_CHANGE, detail="the erasure is being worked on")
    raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"the erasure is {kept.state}")
