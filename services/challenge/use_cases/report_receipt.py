"""ReportReceipt: takes a provider's word on what became of a message."""

from __future__ import annotations

from uuid import UUID

from libs.runtime.errors import not_found
from libs.runtime.logging import get_logger
from services.challenge.domain.challenge import Delivery, DeliveryState
from services.challenge.storage.deliveries import DeliveryStore
from services.challenge.use_cases.context import Context

_log = get_logger(__name__)


async def report_receipt(account_id: UUID, delivery_id: UUID, state: DeliveryState, *, context: Context) -> Delivery:
    """The message after the report; the first final word stays. Raises NOT_FOUND."""
    store = DeliveryStore(context.database)
    delivery = await store.report(account_id, delivery_id, state, context.clock.now())
    if delivery is None:
        delivery = await store.find(account_id, delivery_id)
        if delivery is None:
            raise not_found("delivery")
        return delivery
    if delivery.challenge_id is not None:
        context.changes.announce(account_id, delivery.challenge_id)
    _log.info("receipt", account_id=account_id, delivery_id=delivery_id, state=state)
    return delivery
