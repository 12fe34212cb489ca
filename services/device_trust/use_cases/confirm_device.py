"""ConfirmDevice: lets a device in on a proof."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pydantic import TypeAdapter

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.device_trust.domain.assessment import Assessment, assess
from services.device_trust.domain.confirmation import confirm
from services.device_trust.domain.facts import Facts, look_again
from services.device_trust.domain.learning import found_home
from services.device_trust.domain.records import Client, ConfirmationBasis, Device
from services.device_trust.domain.residences import find_residence, new_residence
from services.device_trust.storage.requests import Request, once
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.context import Context
from services.device_trust.use_cases.looking import look_up
from services.device_trust.use_cases.purchases import keep_purchase

ASSESSMENTS: Final = TypeAdapter(Assessment)
_log = get_logger(__name__)


async def confirm_device(context: Context, request: Request, client: Client, basis: ConfirmationBasis) -> Assessment:
    """Buy what the basis buys: a guest lease, the owner's clearance, or membership. Counts once for a request id.

    Raises ALLOWANCE_EXHAUSTED when no guest lease is left, STATE_CONFLICT for a revoked device and for a second
    device on which the account would have been made.
    """
    now = context.clock.now()

    async def make(transaction: Executor) -> Assessment:
        store = Store(transaction)
        facts = await look_up(context, store, request.account_id, client, now)
        if basis is ConfirmationBasis.ACCOUNT_CREATED:
            await _refuse_second_founder(store, request, client)
        purchase = confirm(facts, basis, context.policy)
        facts = await keep_purchase(context, store, request, facts, purchase)
        if purchase.founds_residence:
            facts = await _found(context, store, request, facts, purchase.device)
        return assess(facts, context.policy)

    assessment = await once(context.database, request, ASSESSMENTS, now, make)
    _log.info(
        "device confirmed",
        account_id=request.account_id,
        device_id=client.device_id,
        basis=basis,
        standing=assessment.verdict.standing,
    )
    return assessment


async def _found(context: Context, store: Store, request: Request, facts: Facts, device: Device) -> Facts:
    """The account was made here: its first home, and its first device."""
    household = facts.household
    found_home(household.history, facts.client, facts.now, context.policy, founder=True)
    await store.save_history(request.account_id, household.history)
    if find_residence(facts) is None:
        residence = new_residence(facts, context.ids.new(), declared=False)
        await store.save_residence(request.account_id, residence)
        household = replace(household, residences=(*household.residences, residence))
    return look_again(facts, device, household, context.policy, context.scorer)


async def _refuse_second_founder(store: Store, request: Request, client: Client) -> None:
    """Membership is not for sale: an account is made on one device only."""
    founder = await store.founded_on(request.account_id)
    if founder not in (None, client.device_id):
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="the account was made on another device")
