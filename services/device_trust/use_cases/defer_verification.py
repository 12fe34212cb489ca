"""DeferVerification: gives a device time to verify later."""

from __future__ import annotations

from libs.persistence.database import Executor
from libs.runtime.logging import get_logger
from services.device_trust.domain.assessment import Assessment, assess
from services.device_trust.domain.confirmation import defer
from services.device_trust.domain.records import Client
from services.device_trust.storage.requests import Request, once
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.confirm_device import ASSESSMENTS
from services.device_trust.use_cases.context import Context
from services.device_trust.use_cases.looking import look_up
from services.device_trust.use_cases.purchases import keep_purchase

_log = get_logger(__name__)


async def defer_verification(context: Context, request: Request, client: Client) -> Assessment:
    """Set the device's deadline, once for a device. Counts once for a request id.

    Raises ALLOWANCE_EXHAUSTED, and STATE_CONFLICT for a device that is suspect, revoked or past its deadline.
    """
    now = context.clock.now()

    async def make(transaction: Executor) -> Assessment:
        store = Store(transaction)
        facts = await look_up(context, store, request.account_id, client, now)
        facts = await keep_purchase(context, store, request, facts, defer(facts, context.policy))
        return assess(facts, context.policy)

    assessment = await once(context.database, request, ASSESSMENTS, now, make)
    _log.info(
        "verification deferred",
        account_id=request.account_id,
        device_id=client.device_id,
        standing=assessment.verdict.standing,
        deadline=str(assessment.verdict.expire_time),
    )
    return assessment
