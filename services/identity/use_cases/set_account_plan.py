"""SetAccountPlan: change what an account pays for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError, invalid_field, not_found
from libs.runtime.logging import get_logger
from services.identity.domain.account import Account, Plan
from services.identity.domain.audit import AuditKind, Detail
from services.identity.storage import accounts, members
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity
from services.identity.use_cases.telling_members import tell_host, tell_members

_log = get_logger(__name__)


async def set_account_plan(account_id: UUID, plan_id: str, *, identity: Identity) -> Account:
    """The account on its new plan. A member leaves its host by it; who else has to hear does so in steps that repeat.

    Raises NOT_FOUND; INVALID_FIELD on ``plan_id``; STATE_CONFLICT for a pending or closed account, and where more
    members are in use than the plan has slots for.
    """
    plan = await _find_plan(plan_id, identity)
    async with identity.database.transaction() as transaction:
        state = await accounts.lock_account(transaction, account_id)
        if state is None:
            raise not_found("account")
        if not state.open:
            raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"account {account_id} is {state}")
        await _require_room(transaction, account_id, plan, identity.clock.now(), identity)
        await members.set_plan(transaction, account_id, plan_id)
        await members.leave_membership(transaction, account_id)
        await members.mark_untold(transaction, account_id)
        about = AuditKind.PLAN_SET
        await audit.record(transaction, account_id, about, identity=identity, details=_told(plan))
    await tell_members(account_id, identity)
    await tell_host(account_id, identity)
    account = await accounts.find_account(identity.database, account_id)
    if account is None:
        raise not_found("account")
    _log.info("account plan set", account_id=account_id, plan_id=plan_id)
    return account


def _told(plan: Plan) -> Mapping[str, Detail]:
    # Not its id: an operator may call a plan anything.
    slots = plan.extra_member_slots
    return {"max_streams": plan.max_streams, "quality": plan.quality, "extra_member_slots": slots}


async def _find_plan(plan_id: str, identity: Identity) -> Plan:
    for plan in await accounts.list_plans(identity.database):
        if plan.plan_id == plan_id and plan.orderable:
            return plan
    raise invalid_field("plan_id", "must name a plan")


async def _require_room(transaction: Executor, account_id: UUID, plan: Plan, now: datetime, identity: Identity) -> None:
    await members.expire_places(transaction, account_id, now)
    in_use = len(await members.list_places(transaction, identity.keys, account_id))
    surplus = in_use - plan.extra_member_slots
    if surplus > 0:
        metadata = {"members_to_remove": str(surplus), "extra_member_slots": str(plan.extra_member_slots)}
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail=f"{in_use} members are in use", metadata=metadata)
