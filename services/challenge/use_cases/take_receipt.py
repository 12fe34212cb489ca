"""Takes a provider's receipt in, which names a message by the provider's own id."""

from __future__ import annotations

from typing import Final

from services.challenge.delivery.port import Receipt, ReceiptState
from services.challenge.domain.challenge import DeliveryState
from services.challenge.metrics import count_receipt
from services.challenge.storage.provider_messages import ProviderMessageStore
from services.challenge.use_cases.context import Context
from services.challenge.use_cases.report_receipt import report_receipt

_STATES: Final = {ReceiptState.DELIVERED: DeliveryState.DELIVERED, ReceiptState.BOUNCED: DeliveryState.BOUNCED}


async def take_receipt(receipt: Receipt, *, context: Context) -> None:
    """Mark the message that the receipt is about, or keep it until the message is known. Raises ServiceError."""
    state, now = _STATES[receipt.state], context.clock.now()
    reference = context.keys.reference_hash(receipt.provider, receipt.provider_reference)
    about = await ProviderMessageStore(context.database).take(reference, state, now)
    count_receipt(provider=receipt.provider, state=state)
    if about is not None:
        account_id, delivery_id = about
        await report_receipt(account_id, delivery_id, state, context=context)
